"""The caller's words as one text, in which every character still knows when it was said."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

CALLER = "caller"
BREAK = "\n"
"""Stands between two utterances; no word and no time belongs to it."""
_SILENT = re.compile(r"\s+|\[unk\]|<unk>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A recognised word; `start` and `end` in call time (seconds of audio since the answer)."""

    text: str
    start: float
    end: float
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Spoken:
    """One utterance; `text` may have spaces between its words, `words` may be empty."""

    speaker: str
    start: float
    end: float
    text: str
    words: Sequence[SpokenWord] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """Where a value comes from: `utterance` is the index of the one it begins in, times are call time.

    `text` is what was said there: it occurs in the joined text of the caller's utterances.
    """

    utterance: int
    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class _Heard:
    """When one character was said, by which utterance, and how surely it was recognised."""

    utterance: int
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Transcript:
    """All that the caller said; rules match on `text` and ask for the span of what they found."""

    text: str
    _heard: tuple[_Heard | None, ...]

    def span(self, start: int, end: int) -> Span:
        """The span of characters `start:end`, which hold at least one that was spoken."""
        heard = self._within(start, end)
        return Span(
            utterance=heard[0].utterance,
            start=heard[0].start,
            end=heard[-1].end,
            text=self.text[start:end].replace(BREAK, ""),
        )

    def confidence(self, start: int, end: int) -> float:
        """The mean recognition confidence of characters `start:end`, 0 to 1."""
        heard = self._within(start, end)
        return sum(one.confidence for one in heard) / len(heard)

    def _within(self, start: int, end: int) -> list[_Heard]:
        return [one for one in self._heard[start:end] if one is not None]


def spoken_text(text: str) -> str:
    """A transcript's text as the rules see it: no spaces, no marks for what was not understood."""
    return _SILENT.sub("", text)


def transcript(spoken: Sequence[Spoken]) -> Transcript:
    """The caller's part of a call; what anybody else says proves nothing about the matter."""
    text: list[str] = []
    heard: list[_Heard | None] = []
    for index, utterance in enumerate(spoken):
        said = spoken_text(utterance.text) if utterance.speaker == CALLER else ""
        if not said:
            continue
        if text:
            text.append(BREAK)
            heard.append(None)
        text.append(said)
        heard.extend(_timed(index, utterance, said))
    return Transcript("".join(text), tuple(heard))


def _timed(index: int, utterance: Spoken, said: str) -> list[_Heard]:
    """A time for each character of `said`: its word's, or an even share of the utterance."""
    clock = [
        _Heard(
            index,
            _between(word.start, word.end, n, len(letters)),
            _between(word.start, word.end, n + 1, len(letters)),
            word.confidence,
        )
        for word in utterance.words
        for letters in [spoken_text(word.text)]
        for n in range(len(letters))
    ]
    letters = "".join(spoken_text(word.text) for word in utterance.words)
    timed: list[_Heard] = []
    at = 0
    for n, character in enumerate(said):
        if at < len(letters) and letters[at] == character:
            timed.append(clock[at])
            at += 1
        elif clock:
            # Punctuation that no word carries: the instant between its neighbours.
            when = timed[-1].end if timed else clock[0].start
            timed.append(_Heard(index, when, when, timed[-1].confidence if timed else clock[0].confidence))
        else:
            timed.append(
                _Heard(
                    index,
                    _between(utterance.start, utterance.end, n, len(said)),
                    _between(utterance.start, utterance.end, n + 1, len(said)),
                    1.0,
                )
            )
    return timed


def _between(start: float, end: float, part: int, parts: int) -> float:
    return start + (end - start) * part / parts
