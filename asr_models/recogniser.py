"""Sound in, words out: one recogniser for one contiguous stretch of one speaker's channel.

The only module that imports vosk. It blocks while it decodes (with Python's lock released), so it belongs in
a thread.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import vosk

from asr_models import catalogue
from asr_models.catalogue import ModelBroken
from asr_models.gate import PRE_ROLL_SECONDS, Gate
from asr_models.sound import TELEPHONE_RATE_HZ, blocks, read_pcm, through_a_law
from asr_models.words import Final, Word, joined, utterance

__all__ = ["Final", "Model", "Recogniser", "Word", "load", "transcribe", "transcribe_file"]

SURE_AFTER_SECONDS = 1.5  # speech shows as a partial well before it is this old: vosk says nothing new for up to 0.9 s
LOOK_SECONDS = 0.2  # between looks at what is being said: vosk knows more only every half second or so
TAIL_SECONDS = 0.2  # of quiet decoded after a sound; the rest of a pause only once sound follows
LONG_SECONDS = 15.0  # without an end, and an utterance ends at the first quiet tenth of a second
LONGEST_SECONDS = 30.0  # and it ends in any case: a decoder's memory grows until it does
_SENTENCE = Path(__file__).with_name("sentence.flac")  # 龙泉驿区路灯坏了, as `voice` says it

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
        return catalogue.real(self.path).name


def load(path: Path) -> Model:
    """Loads a model directory and lets it hear a sentence. Raises `ModelBroken`.

    A model spoilt in certain ways does not raise but ends the process.
    """
    path = catalogue.real(path)  # the link may lead to another model later; this one keeps its name
    catalogue.check(path)
    rate_hz = catalogue.rate_hz(path)
    try:
        model = Model(path, rate_hz, vosk.Model(str(path)))
        heard = transcribe(model, read_pcm(_SENTENCE, TELEPHONE_RATE_HZ), TELEPHONE_RATE_HZ)
    except Exception as trouble:  # vosk raises nothing more exact
        raise ModelBroken(path, reason=f"cannot be loaded ({trouble})") from trouble
    # What it heard may be anything, but a word that its list does not know shows that the list was cut off.
    if not all(word.text for final in heard for word in final.words):
        raise ModelBroken(path, reason="has a words.txt that does not belong to its graph")
    return model


class Recogniser:
    """Takes 16-bit mono PCM at `rate_hz`; the words' times start at `offset_seconds` of call time.

    How the sound is cut into feeds makes no difference to the words. What a `Gate` holds back is not decoded, but
    counts in all times. Where an utterance has ended, what `newest` gives takes the place of `model` if it is
    another one. Any method may raise what vosk raises.
    """

    def __init__(
        self, model: Model, rate_hz: int, offset_seconds: float = 0.0, *, newest: Callable[[], Model] | None = None
    ) -> None:
        self.offset_seconds = offset_seconds
        self._rate_hz = rate_hz
        self._newest = newest or (lambda: model)
        self._gate = Gate(rate_hz)
        self._open = False
        self._step_bytes = 2 * self._gate.step_samples
        self._pre_roll_bytes = 2 * round(rate_hz * PRE_ROLL_SECONDS)
        self._tail_bytes = 2 * round(rate_hz * TAIL_SECONDS)
        self._quiet_bytes = 0  # since the last sound
        self._rest = b""  # of a step
        self._held = b""  # the newest sound, not decoded yet
        self._samples = 0  # taken in
        self._heard_until = 0.0
        self._speaking = False  # as far as was looked
        self._partial = ""
        self._looked_at = 0.0
        self._began: float | None = None  # when the sound began that is being decoded
        self._use(model)

    @property
    def seconds(self) -> float:
        """Sound taken in so far, decoded or not."""
        return self._samples / self._rate_hz

    @property
    def heard_until(self) -> float:
        """Call time before which all that was said is final. Never goes back."""
        return round(self.offset_seconds + self._heard_until, 3)

    @property
    def pausing(self) -> bool:
        """No sound in the newest tenth of a second."""
        return self._gate.quiet

    def feed(self, pcm: bytes) -> list[Final]:
        """The utterances that ended in `pcm`; most often none."""
        sound = self._rest + pcm
        whole = len(sound) - len(sound) % self._step_bytes
        self._rest = sound[whole:]
        finals = []
        for at in range(0, whole, self._step_bytes):
            finals += self._step(sound[at : at + self._step_bytes])
        return finals

    def partial(self) -> str:
        """What was said so far of the utterance in progress, subject to change; "" in silence."""
        if not self._open:
            return ""
        if self.seconds - self._looked_at < LOOK_SECONDS:
            return self._partial
        words = json.loads(self._vosk.PartialResult()).get("partial", "").split()
        self._speaking = bool(words)
        if not words:
            self._sure_until(self.seconds - SURE_AFTER_SECONDS)
        self._looked_at, self._partial = self.seconds, joined(words)
        return self._partial

    def finish(self) -> list[Final]:
        """The end of the sound: what is still in progress becomes final. Nothing may be fed afterwards."""
        step = self._rest[: len(self._rest) // 2 * 2]
        self._rest = b""
        self._samples += len(step) // 2
        finals = self._decode(self._held + step) + self._end_utterance() if self._open else []
        self._sure_until(self.seconds)
        return finals

    def _step(self, step: bytes) -> list[Final]:
        if self._began is None and self._newest() is not self._model:
            self._use(self._newest())
        self._samples += len(step) // 2
        was_open, self._open = self._open, self._gate.look(np.frombuffer(step, dtype="<i2"))
        self._quiet_bytes = self._quiet_bytes + len(step) if self._gate.quiet else 0
        self._held += step
        if not self._open:
            finals = self._end_utterance() if was_open else []
            self._held = self._held[-self._pre_roll_bytes :]
            self._sure_until(self.seconds - len(self._held) / 2 / self._rate_hz)
            return finals
        if self._quiet_bytes > self._tail_bytes and was_open:
            finals = []  # decoded when sound follows: most often none does
        else:
            finals, self._held = self._decode(self._held), b""
        longest = LONG_SECONDS if self._gate.quiet else LONGEST_SECONDS
        if self.seconds - self._utterance_from > longest:
            finals += self._end_utterance()
        elif not self._speaking:
            self.partial()
        return finals

    def _decode(self, pcm: bytes) -> list[Final]:
        """Gives `pcm`, the newest of the sound taken in, to vosk."""
        if self._began is None:
            self._began = self._utterance_from = self.seconds - len(pcm) / 2 / self._rate_hz
            self._vosk_zero = self._began - self._vosk_samples / self._model.rate_hz
        if not self._accept(pcm):
            return []
        if self._newest() is not self._model:
            return self._end_utterance()
        self._utterance_from = self.seconds
        return self._final(self._vosk.Result())

    def _end_utterance(self) -> list[Final]:
        """What is in progress becomes final, and what comes next is decoded as if nothing had been before."""
        if self._resampler:
            self._accept(b"", last=True)
            self._resampler.clear()
        finals = self._final(self._vosk.FinalResult())
        self._began = None
        self._sure_until(self.seconds)
        return finals

    def _use(self, model: Model) -> None:
        self._model = model
        # vosk would turn 8 kHz down for a 16 kHz model; most public models are such.
        other_rate = self._rate_hz != model.rate_hz
        self._resampler = soxr.ResampleStream(self._rate_hz, model.rate_hz, 1, "int16") if other_rate else None
        self._vosk = vosk.KaldiRecognizer(model.loaded, float(model.rate_hz))
        self._vosk.SetWords(True)
        self._vosk_samples = 0  # it counts the time of words in them, over the ends of utterances

    def _accept(self, pcm: bytes, *, last: bool = False) -> bool:
        if self._resampler:
            pcm = self._resampler.resample_chunk(np.frombuffer(pcm, dtype="<i2"), last=last).tobytes()
        self._vosk_samples += len(pcm) // 2
        return bool(pcm) and bool(self._vosk.AcceptWaveform(pcm))

    def _final(self, result: str) -> list[Final]:
        self._speaking, self._partial = False, ""
        words = [
            Word(word["word"], self._vosk_zero + word["start"], self._vosk_zero + word["end"], word["conf"])
            for word in json.loads(result).get("result", [])
        ]
        if not words:
            return []
        # vosk gives the silence before an utterance to its first word. Seconds too early, a word would be shown
        # before the question that it answers; it cannot have begun in what was found to be silence.
        words[0] = replace(words[0], start=max(words[0].start, self._heard_until))
        self._sure_until(words[-1].end)
        return [utterance([self._in_call(word) for word in words])]

    def _in_call(self, word: Word) -> Word:
        start = self.offset_seconds + word.start
        end = max(start, self.offset_seconds + word.end)
        return Word(word.text, round(start, 2), round(end, 2), round(word.confidence, 3))

    def _sure_until(self, seconds: float) -> None:
        self._heard_until = max(self._heard_until, seconds)


def transcribe(model: Model, pcm: bytes, rate_hz: int, offset_seconds: float = 0.0) -> list[Final]:
    """All utterances of a stretch of sound at once."""
    recogniser = Recogniser(model, rate_hz, offset_seconds)
    return recogniser.feed(pcm) + recogniser.finish()


def transcribe_file(
    path: Path, model: Model, *, channel: int | None = None, telephone: bool = False
) -> Iterator[Final]:
    """The utterances of any sound file as they are found; of one channel, or of all mixed.

    `telephone`: heard as over a telephone line. Raises `SoundUnreadable`.
    """
    rate_hz = TELEPHONE_RATE_HZ if telephone else model.rate_hz
    recogniser = Recogniser(model, rate_hz)
    for pcm in blocks(path, rate_hz, channel=channel):
        yield from recogniser.feed(through_a_law(pcm) if telephone else pcm)
    yield from recogniser.finish()
