"""What the ears hand on: words with their call times. Plain data, so that whoever listens needs no recogniser."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from asr_models.written import written


@dataclass(frozen=True)
class Word:
    """One recognised word; times in seconds of call time, confidence from 0 to 1."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Final:
    """One finished utterance. `text` has no spaces between Chinese words; `words` keep them apart."""

    text: str
    start: float
    end: float
    confidence: float
    words: tuple[Word, ...]

    @property
    def written(self) -> str:
        """For people to read, with numbers in figures; what is kept and worked with is `text`."""
        return written(self.text)


def utterance(words: Sequence[Word]) -> Final:
    """The utterance that `words` (at least one) make; its confidence is theirs, each weighed by its length."""
    lengths = [max(word.end - word.start, 0.01) for word in words]
    confidence = sum(word.confidence * length for word, length in zip(words, lengths, strict=True)) / sum(lengths)
    text = joined([word.text for word in words])
    return Final(text, words[0].start, words[-1].end, round(confidence, 3), tuple(words))


def joined(words: Sequence[str]) -> str:
    """The words as one would write them: a space only between two that are not Chinese.

    >>> joined(["我", "用", "open", "source", "软件"])
    '我用open source软件'
    """
    text = ""
    for word in words:
        apart = text and word and text[-1].isascii() and word[0].isascii()
        text += f" {word}" if apart else word
    return text


def to_wire(final: Final) -> dict[str, Any]:
    """A final utterance as a JSON object; `from_wire` is its inverse."""
    return {
        "text": final.text,
        "start": final.start,
        "end": final.end,
        "confidence": final.confidence,
        "words": [vars(word) for word in final.words],
    }


def from_wire(said: Mapping[str, Any]) -> Final:
    """Raises `KeyError` or `TypeError` for an object that is no utterance."""
    words = tuple(Word(**word) for word in said["words"])
    return Final(said["text"], said["start"], said["end"], said["confidence"], words)
