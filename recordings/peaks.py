"""The outline of a tape for a waveform: the loudest sample of each stretch, so that a page need not read the sound."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recordings import wav
from recordings.wav import CHANNELS, FRAME_BYTES, HEADER_BYTES

_FULL_SCALE = 32768


@dataclass(frozen=True, slots=True)
class Peaks:
    """`left` and `right` hold one value a stretch, 0 to 1 of full scale; the stretches divide `seconds` evenly."""

    seconds: float
    left: list[float]
    right: list[float]


def peaks(path: Path, stretches: int) -> Peaks:
    """The outline of the tape at `path` in at most `stretches` stretches (as many as it has samples, if fewer).

    Reads what is on the disk now, also of a tape that still runs. Raises `NotATape`, `OSError`.
    """
    with path.open("rb") as file:
        rate_hz = wav.rate_of(file.read(HEADER_BYTES))
    frames = max(0, path.stat().st_size - HEADER_BYTES) // FRAME_BYTES
    if not frames:
        return Peaks(0.0, [], [])
    # mapped, not read: a tape of hours need not fit into memory
    samples = np.memmap(path, dtype="<i2", mode="r", offset=HEADER_BYTES, shape=(frames, CHANNELS))
    count = min(stretches, frames)
    starts = np.arange(count, dtype=np.int64) * frames // count
    highest = np.maximum.reduceat(samples, starts).astype(np.int32)
    lowest = np.minimum.reduceat(samples, starts).astype(np.int32)
    loudest = np.maximum(highest, -lowest) / _FULL_SCALE
    left, right = loudest.round(3).T.tolist()
    return Peaks(frames / rate_hz, left, right)
