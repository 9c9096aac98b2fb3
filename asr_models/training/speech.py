"""Speech with its units in time, many utterances to a file: what every source of sound is brought to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE_HZ = 8000
OUTPUT_SECONDS = 0.03  # the network says a unit so often
FIRST_OUTPUT_SECONDS = 0.0125  # the middle of the first frame of 25 ms

Sound = npt.NDArray[np.float32]
Pcm = npt.NDArray[np.int16]
Spans = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Utterance:
    """`pcm` at 8 kHz; `spans` a row each of (pdf number, from, to) in seconds, in order and without overlap.

    What lies outside of all spans is silence (pdf 0).
    """

    pcm: Pcm
    spans: Spans
    text: str = ""
    speaker: str = ""

    @property
    def seconds(self) -> float:
        return len(self.pcm) / RATE_HZ

    @property
    def sound(self) -> Sound:
        """-1 to 1."""
        return self.pcm.astype(np.float32) / np.float32(32768)


def to_pcm(sound: Sound, peak: float = 0.5) -> Pcm:
    """16 bits, turned up or down to `peak` of full scale."""
    return np.rint(sound * (peak * 32767 / max(float(np.abs(sound).max(initial=0.0)), 1e-9))).astype(np.int16)


def labels(spans: Spans, outputs: int) -> npt.NDArray[np.int64]:
    """The pdf at the middle of each of the network's `outputs`."""
    middles = FIRST_OUTPUT_SECONDS + OUTPUT_SECONDS * np.arange(outputs)
    at = np.searchsorted(spans[:, 1], middles, side="right") - 1
    inside = (at >= 0) & (middles < spans[np.maximum(at, 0), 2]) if len(spans) else np.zeros(outputs, bool)
    found = spans[np.maximum(at, 0), 0] if len(spans) else np.zeros(outputs)
    return np.where(inside, found, 0).astype(np.int64)


def save(path: Path, utterances: Sequence[Utterance]) -> None:
    """All of them in one file, 16 bits a sample; whole or not at all."""
    part = path.with_suffix(".part.npz")
    np.savez(
        part,
        pcm=np.concatenate([u.pcm for u in utterances] or [np.zeros(0, np.int16)]),
        samples=np.array([len(u.pcm) for u in utterances], np.int64),
        spans=np.concatenate([u.spans for u in utterances] or [np.zeros((0, 3), np.float32)]),
        counts=np.array([len(u.spans) for u in utterances], np.int64),
        texts=np.array([u.text for u in utterances], str),
        speakers=np.array([u.speaker for u in utterances], str),
    )
    part.replace(path)


def load(paths: Iterable[Path]) -> list[Utterance]:
    """The utterances of several files, in order."""
    utterances = []
    for path in paths:
        with np.load(path) as kept:
            pcm, spans = kept["pcm"], kept["spans"]
            ends, rows = np.cumsum(kept["samples"]), np.cumsum(kept["counts"])
            texts, speakers = kept["texts"].tolist(), kept["speakers"].tolist()
        for i, (end, row) in enumerate(zip(ends, rows, strict=True)):
            start, first = (ends[i - 1], rows[i - 1]) if i else (0, 0)
            utterances.append(Utterance(pcm[start:end], spans[first:row], texts[i], speakers[i]))
    return utterances
