"""Real speakers: recordings of words, of syllables and of sentences, and where in them each unit lies.

Where a unit lies nobody wrote down; a network that has heard synthetic speakers finds it (Viterbi), and what it
finds least likely is left out.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
import torch

from asr_models.training import features, speech
from asr_models.training.network import Network
from asr_models.training.speech import OUTPUT_SECONDS, RATE_HZ, Sound, Utterance
from asr_models.vocabulary import phones

HELD_OUT_PERCENT = 8
WORST = 0.04
_EDGE_SECONDS = 0.06

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Recording:
    """`readings` are the ways its text may have been said; "|" stands where the speaker may have paused."""

    text: str
    speaker: str
    readings: list[list[str]]
    sound: Sound = field(repr=False)

    @property
    def held_out(self) -> bool:
        """Whether it measures and never trains; the text decides, so that no word is on both sides. Syllables, which
        no set measures, all train."""
        return zlib.crc32(self.text.encode()) % 100 < HELD_OUT_PERCENT


def words(folder: Path) -> Iterator[Recording]:
    """`<hanzi>.mp3`, a word or a character each."""
    for path in sorted(folder.glob("*.mp3")):
        readings = list(phones.all_readings(path.stem))
        if readings and "_" not in path.stem:
            yield Recording(path.stem, folder.name, [_units(reading) for reading in readings], _read(path))


def syllables(folder: Path) -> Iterator[Recording]:
    """`<pinyin><tone>.mp3`."""
    for path in sorted(folder.glob("*.mp3")):
        try:
            yield Recording(path.stem, folder.name, [_units([path.stem])], _read(path))
        except phones.NotPinyin:
            continue


def sentences(folder: Path) -> Iterator[Recording]:
    """`<name>.flac` with `<name>.txt`, characters with or without spaces."""
    import jieba

    for path in sorted(folder.glob("*.flac")):
        text = "".join(path.with_suffix(".txt").read_text(encoding="utf-8").split())
        units: list[str] = []
        for word in jieba.lcut(text):
            units += [*_units(phones.readings(word)), "|"]
        yield Recording(text, folder.name, [units[:-1]], _read(path))


def trained(recordings: Iterable[Recording]) -> list[Recording]:
    """Those that train: all but what measures."""
    return [one for one in recordings if not one.held_out]


def folders(recordings: Path) -> list[Path]:
    """Those that hold sentences."""
    return [path for path in sorted(recordings.iterdir()) if any(path.glob("*.flac"))]


def _units(reading: Sequence[str]) -> list[str]:
    return list(phones.word_phones(reading))


def _read(path: Path) -> Sound:
    sound, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    return soxr.resample(sound.mean(axis=1), rate_hz, RATE_HZ).astype(np.float32)


def aligned(recordings: Sequence[Recording], network: Network, log_priors: Scores) -> list[Utterance]:
    """All but the least likely, trimmed to the speech with a little air around."""
    found = []
    for recording in recordings:
        scores = posteriors(network, recording.sound) - log_priors
        best = max((_align(scores, reading) for reading in recording.readings), key=lambda fit: fit[0])
        if best[1] is not None:
            found.append((best[0], recording, best[1]))
    if not found:
        return []
    limit = np.quantile([score for score, _, _ in found], WORST)
    return [_utterance(recording, path) for score, recording, path in found if score >= limit]


@torch.inference_mode()
def posteriors(network: Network, sound: Sound) -> Scores:
    """Log posteriors (outputs, pdfs) of a whole recording, its first and last frame repeated as Kaldi does."""
    peak = float(np.abs(sound).max(initial=0.0)) or 1.0
    frames = features.mfcc(np.concatenate([sound * np.float32(0.3 / peak), np.zeros(features.WINDOW, np.float32)]))
    context = network.shape.context
    padded = np.concatenate([frames[:1].repeat(context, 0), frames, frames[-1:].repeat(context, 0)])
    logits = network(torch.from_numpy(np.ascontiguousarray(padded.T))[None])[0].T
    return torch.log_softmax(logits, 1).numpy()


def _align(scores: Scores, units: Sequence[str]) -> tuple[float, npt.NDArray[np.int64] | None]:
    """The mean score of the best path through `units` with silence where it may be, and its pdfs."""
    pdfs, skippable = [0], [True]
    for unit in units:
        if unit == "|":
            pdfs.append(0)
            skippable.append(True)
        else:
            for state in range(phones.states(unit)):
                pdfs.append(phones.pdfs()[unit, state])
                skippable.append(False)
    pdfs.append(0)
    skippable.append(True)
    emitted = scores[:, pdfs]
    outputs, states = emitted.shape
    may_skip = np.array([False, False, *(skippable[i - 1] for i in range(2, states))])
    total = np.full(states, -np.inf, np.float32)
    total[:2] = emitted[0, :2]
    came = np.zeros((outputs, states), np.int8)
    for output in range(1, outputs):
        moves = np.stack(
            [total, np.r_[-np.inf, total[:-1]], np.where(may_skip, np.r_[-np.inf, -np.inf, total[:-2]], -np.inf)]
        )
        came[output] = moves.argmax(axis=0)
        total = moves.max(axis=0) + emitted[output]
    at = states - 1 if total[-1] >= total[-2] else states - 2
    score = float(total[at]) / outputs
    if not np.isfinite(score):
        return -np.inf, None
    path = np.zeros(outputs, np.int64)
    for output in range(outputs - 1, -1, -1):
        path[output] = at
        at -= came[output, at]
    return score, np.array(pdfs)[path] + (path << 16)  # apart where one pdf follows itself


def _utterance(recording: Recording, path: npt.NDArray[np.int64]) -> Utterance:
    edges = np.flatnonzero(np.diff(path)) + 1
    starts, stops = np.r_[0, edges], np.r_[edges, len(path)]
    rows = [(path[a] & 0xFFFF, a * OUTPUT_SECONDS, b * OUTPUT_SECONDS) for a, b in zip(starts, stops, strict=True)]
    rows = [row for row in rows if row[0]]
    first = max(rows[0][1] - _EDGE_SECONDS, 0.0)
    last = rows[-1][2] + _EDGE_SECONDS
    spans = np.array(rows, np.float32)
    spans[:, 1:] -= first
    sound = recording.sound[int(first * RATE_HZ) : int(last * RATE_HZ)]
    return Utterance(speech.to_pcm(sound), spans, recording.text, recording.speaker)
