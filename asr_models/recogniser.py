"""Sound in, words out: one recogniser for one contiguous stretch of one speaker's channel.

The only module that imports vosk. It blocks while it decodes (with Python's lock released), so it belongs in
a thread.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import vosk

from asr_models import catalogue
from asr_models.catalogue import ModelBroken
from asr_models.sound import blocks
from asr_models.words import Final, Word, joined, utterance

__all__ = ["Final", "Model", "Recogniser", "Word", "load", "transcribe", "transcribe_file"]

STEP_SECONDS = 0.1  # vosk looks for the end of an utterance once a step, so equal steps give equal words
SURE_AFTER_SECONDS = 1.0  # speech shows as a partial well before it is this old

vosk.SetLogLevel(-1)


@dataclass(frozen=True)
class Model:
    """A loaded model, shared by all recognisers of a process. `rate_hz` is what it was trained at."""

    path: Path
    rate_hz: int
    loaded: Any

    @property
    def name(self) -> str:
        """What an operator knows it by."""
        return self.path.resolve().name


def load(path: Path) -> Model:
    """Loads a model directory and lets it hear a moment of silence. Raises `ModelBroken`.

    A model spoilt in certain ways does not raise but ends the process.
    """
    catalogue.check(path)
    rate_hz = catalogue.rate_hz(path)
    try:
        model = Model(path, rate_hz, vosk.Model(str(path)))
        trial = Recogniser(model, rate_hz)
        trial.feed(bytes(rate_hz))
        trial.finish()
    except ModelBroken:
        raise
    except Exception as trouble:  # vosk raises nothing more exact
        raise ModelBroken(path, reason=f"cannot be loaded ({trouble})") from trouble
    return model


class Recogniser:
    """Takes 16-bit mono PCM at `rate_hz`; the words' times start at `offset_seconds` of call time.

    How the sound is cut into feeds makes no difference to the words. Any method may raise what vosk raises.
    """

    def __init__(self, model: Model, rate_hz: int, offset_seconds: float = 0.0) -> None:
        self.offset_seconds = offset_seconds
        self._samples = 0  # taken in by the decoder
        self._rate_hz = rate_hz
        self._step_bytes = 2 * round(rate_hz * STEP_SECONDS)
        self._rest = b""
        # vosk would turn 8 kHz down for a 16 kHz model; most public models are such.
        self._resampler = soxr.ResampleStream(rate_hz, model.rate_hz, 1, "int16") if rate_hz != model.rate_hz else None
        self._vosk = vosk.KaldiRecognizer(model.loaded, float(model.rate_hz))
        self._vosk.SetWords(True)
        self._heard_until = 0.0
        self._speaking = False  # as far as was looked

    @property
    def seconds(self) -> float:
        """Sound taken in by the decoder so far."""
        return self._samples / self._rate_hz

    @property
    def heard_until(self) -> float:
        """Call time before which all that was said is final. Never goes back."""
        return round(self.offset_seconds + self._heard_until, 3)

    def feed(self, pcm: bytes) -> list[Final]:
        """The utterances that ended in `pcm`; most often none."""
        sound = self._rest + pcm
        whole = len(sound) - len(sound) % self._step_bytes
        self._rest = sound[whole:]
        finals = []
        for at in range(0, whole, self._step_bytes):
            step = sound[at : at + self._step_bytes]
            self._samples += len(step) // 2
            if self._accept(step):
                finals += self._final(self._vosk.Result())
            if not self._speaking:
                self.partial()
        return finals

    def partial(self) -> str:
        """What was said so far of the utterance in progress, subject to change; "" in silence."""
        words = json.loads(self._vosk.PartialResult()).get("partial", "").split()
        self._speaking = bool(words)
        if not words:
            self._heard_until = max(self._heard_until, self.seconds - SURE_AFTER_SECONDS)
        return joined(words)

    def finish(self) -> list[Final]:
        """The end of the sound: what is still in progress becomes final. Nothing may be fed afterwards."""
        finals = []
        step = self._rest[: len(self._rest) // 2 * 2]
        self._rest = b""
        self._samples += len(step) // 2
        if self._accept(step, last=True):
            finals += self._final(self._vosk.Result())
        finals += self._final(self._vosk.FinalResult())
        self._heard_until = max(self._heard_until, self.seconds)
        return finals

    def _accept(self, pcm: bytes, *, last: bool = False) -> bool:
        if self._resampler:
            pcm = self._resampler.resample_chunk(np.frombuffer(pcm, dtype="<i2"), last=last).tobytes()
        return bool(pcm) and bool(self._vosk.AcceptWaveform(pcm))

    def _final(self, result: str) -> list[Final]:
        self._speaking = False
        said = json.loads(result).get("result", [])
        # vosk gives the silence before an utterance to its first word. Seconds too early, a word would be shown
        # before the question that it answers; it cannot have begun in what was found to be silence.
        starts = [max(word["start"], self._heard_until) if word is said[0] else word["start"] for word in said]
        words = [
            Word(
                word["word"],
                round(self.offset_seconds + start, 2),
                round(self.offset_seconds + max(start, word["end"]), 2),
                round(word["conf"], 3),
            )
            for word, start in zip(said, starts, strict=True)
        ]
        if not words:
            return []
        self._heard_until = max(self._heard_until, said[-1]["end"])
        return [utterance(words)]


def transcribe(model: Model, pcm: bytes, rate_hz: int, offset_seconds: float = 0.0) -> list[Final]:
    """All utterances of a stretch of sound at once."""
    recogniser = Recogniser(model, rate_hz, offset_seconds)
    return recogniser.feed(pcm) + recogniser.finish()


def transcribe_file(path: Path, model: Model, *, channel: int | None = None) -> Iterator[Final]:
    """The utterances of any sound file as they are found; of one channel, or of all mixed. Raises
    `SoundUnreadable`."""
    recogniser = Recogniser(model, model.rate_hz)
    for pcm in blocks(path, model.rate_hz, channel=channel):
        yield from recogniser.feed(pcm)
    yield from recogniser.finish()
