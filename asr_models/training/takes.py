"""What the network is shown: a few seconds of somebody on a telephone, and the unit at every 30 ms of it.

The take of a number is always the same, so a training that was interrupted goes on where it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import soxr

from asr_models.training import features, speech
from asr_models.training.speech import RATE_HZ, Sound, Utterance
from asr_models.training.telephone import Generator, Telephone

OUTPUTS = 160
"""Of the network, in a take: 4.8 s."""


@dataclass(frozen=True)
class Source:
    """Utterances of one kind and how far their speakers are moved apart.

    `share` of the takes; `pitch` and `formants` are the widest factors, `tempo` the range of one without the
    other; `gap` the most seconds between two utterances that are spliced.
    """

    utterances: Sequence[Utterance] = field(repr=False)
    share: float
    pitch: tuple[float, float]
    formants: tuple[float, float]
    tempo: tuple[float, float] = (1.0, 1.0)
    gap: float = 0.8


@dataclass(frozen=True)
class Takes:
    """All takes that there could be. `context` is the frames that the network needs on either side."""

    sources: Sequence[Source]
    telephone: Telephone
    context: int
    seed: int
    quiet: float = 0.06

    def __getitem__(self, number: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """(features as (40, frames), labels as (outputs,))."""
        generator = np.random.default_rng([self.seed, number])
        # Frames before the first output's own are needed too; all of it is one stretch of sound.
        frames = 3 * (OUTPUTS - 1) + 1 + 2 * self.context
        samples = features.WINDOW + features.SHIFT * (frames - 1)
        if generator.random() < self.quiet:
            sound, spans = self.telephone.noise(samples, generator), np.zeros((0, 3), np.float32)
            stretch = 1.0
        else:
            shares = np.array([source.share for source in self.sources])
            source = self.sources[generator.choice(len(shares), p=shares / shares.sum())]
            sound, spans = _spliced(source, samples, generator)
            stretch = float(generator.uniform(*source.formants))
        sound = self.telephone.line(sound, generator)
        masked = None
        if generator.random() < 0.25:
            first = int(generator.integers(0, features.MELS - 6))
            masked = (first, first + int(generator.integers(2, 7)))
        inputs = features.mfcc(sound, stretch, masked)
        spans[:, 1:] -= self.context * features.SHIFT / RATE_HZ
        return np.ascontiguousarray(inputs.T), speech.labels(spans, OUTPUTS)


def _spliced(source: Source, samples: int, generator: Generator) -> tuple[Sound, speech.Spans]:
    """One speaker, cut anywhere: utterances one after another, until there is enough."""
    pitch = float(generator.uniform(*source.pitch))
    tempo = float(generator.uniform(*source.tempo))
    pieces: list[Sound] = []
    rows: list[speech.Spans] = []
    at, skip = 0, int(generator.integers(0, RATE_HZ))
    while at < samples + skip:
        utterance = source.utterances[int(generator.integers(len(source.utterances)))]
        sound, spans = utterance.sound, utterance.spans.copy()
        if tempo != 1.0:
            own = tempo * float(generator.uniform(0.93, 1.07))
            sound = hurried(sound, own)
            spans[:, 1:] /= own
        if pitch != 1.0:
            sound = soxr.resample(sound, RATE_HZ * pitch, RATE_HZ, quality="LQ").astype(np.float32)
            spans[:, 1:] /= pitch
        if not len(sound):
            continue
        sound = sound * np.float32(10 ** (generator.uniform(-4, 4) / 20))
        spans[:, 1:] += at / RATE_HZ
        gap = int(generator.exponential(0.3) * source.gap * RATE_HZ)
        pieces += [sound, np.zeros(gap, np.float32)]
        rows.append(spans)
        at += len(sound) + gap
    joined = np.concatenate(rows)
    joined[:, 1:] -= skip / RATE_HZ
    return np.concatenate(pieces)[skip : skip + samples], joined


_WINDOW, _HOP, _SEARCH = 240, 120, 60


def hurried(sound: Sound, tempo: float) -> Sound:
    """`sound` said `tempo` times as fast at the same pitch (WSOLA: pieces overlap where they fit best)."""
    count = int((len(sound) - _WINDOW - 2 * _SEARCH) / (_HOP * tempo))
    if count < 2:
        return sound
    fade = np.hanning(_WINDOW + 1)[:_WINDOW].astype(np.float32)
    result = np.zeros(count * _HOP + _WINDOW, np.float32)
    start = 0
    for number in range(count):
        if number:
            wanted = sound[start + _HOP : start + _HOP + _WINDOW]
            nominal = int(number * _HOP * tempo)
            low = max(nominal - _SEARCH, 0)
            near = sound[low : low + 2 * _SEARCH + _WINDOW]
            start = low + int(np.argmax(np.correlate(near, wanted))) if len(wanted) == _WINDOW else nominal
        piece = sound[start : start + _WINDOW]
        result[number * _HOP : number * _HOP + len(piece)] += piece * fade[: len(piece)]
    return result
