"""Sound files of the world, brought to what the line and the ears carry: one channel of 16-bit PCM."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

TELEPHONE_RATE_HZ = 8000
SHORTEST_SECONDS = 0.1
_BLOCK_FRAMES = 1 << 16


class SoundUnreadable(Exception):
    """A sound file that is missing, empty, too short, or not sound; the message says which."""


def channels(path: Path) -> int:
    """How many a file has. Raises `SoundUnreadable`."""
    with _opened(path) as file:
        return int(file.channels)


def read_pcm(path: Path, rate_hz: int = 8000, *, channel: int | None = None) -> bytes:
    """The whole file as 16-bit mono PCM at `rate_hz`: one channel of it (0 is left), or all mixed.

    Raises `SoundUnreadable`.
    """
    return b"".join(blocks(path, rate_hz, channel=channel))


def blocks(path: Path, rate_hz: int = 8000, *, channel: int | None = None) -> Iterator[bytes]:
    """The same piece by piece, for files longer than memory. Errors may come in the middle."""
    with _opened(path) as file:
        if channel is not None and not 0 <= channel < file.channels:
            raise SoundUnreadable(f"{path} has {file.channels} channel(s), none numbered {channel}")
        yield from _converted(path, file, rate_hz, channel)


def through_a_law(pcm: bytes) -> bytes:
    """What arrives of 16-bit PCM at the other end of a telephone line (G.711 A-law: eight bits a sample)."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.int32)
    loudness = np.where(samples < 0, ~samples, samples)
    # Sixteen steps to each doubling of loudness, thirty-two to all that is faint; a step arrives as its middle.
    doublings = np.maximum(np.frexp(loudness)[1] - 8, 1)
    loudness = (loudness >> (doublings + 3) << (doublings + 3)) + (1 << (doublings + 2))
    return bytes(np.where(samples < 0, -loudness, loudness).astype("<i2").tobytes())


@contextmanager
def _opened(path: Path) -> Iterator[soundfile.SoundFile]:
    if not path.is_file():
        raise SoundUnreadable(f"there is no sound file at {path}")
    if not path.stat().st_size:
        raise SoundUnreadable(f"{path} is empty (0 bytes)")
    try:
        with soundfile.SoundFile(path) as file:
            yield file
    except soundfile.LibsndfileError as trouble:
        raise SoundUnreadable(f"{path} cannot be read as sound: {trouble.error_string}") from trouble


def _converted(path: Path, file: soundfile.SoundFile, rate_hz: int, channel: int | None) -> Iterator[bytes]:
    resampler = soxr.ResampleStream(file.samplerate, rate_hz, 1, "float32") if file.samplerate != rate_hz else None
    frames = 0
    while True:
        block: npt.NDArray[np.float32] = file.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)
        frames += len(block)
        last = len(block) < _BLOCK_FRAMES
        if last and frames < SHORTEST_SECONDS * file.samplerate:
            raise SoundUnreadable(f"{path} is too short: {frames / file.samplerate:.3f} s of sound")
        mono = block.mean(axis=1) if channel is None else block[:, channel]
        # A float file may hold what no sound has; silence is kinder than noise at full scale.
        mono = np.nan_to_num(np.ascontiguousarray(mono), nan=0.0, posinf=0.0, neginf=0.0)
        if resampler:
            mono = resampler.resample_chunk(mono, last=last)
        yield np.clip(np.rint(mono * 32768), -32768, 32767).astype("<i2").tobytes()
        if last:
            return
