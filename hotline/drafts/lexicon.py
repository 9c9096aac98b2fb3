"""General Chinese: how often a word is said, and where the words of a text end.

The dictionary is jieba's without its rare words: that loads in a tenth of the time. Made when the hotline is built.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path

import jieba
import numpy as np

from hotline.drafts.packing import opened, pack, unpack

LEXICON = Path(__file__).parent / "lexicon.npz"
"""Made by ``hotline drafts train`` when the hotline is built; no file of the repository."""
_RARE = 5  # times of jieba's sixty million: rarer words are left out
_KNOWN = 5  # times at least that counts a word of our own


class Lexicon:
    """`counts` has each word's count, and 0 for what only begins one, as jieba wants it."""

    def __init__(self, counts: Mapping[str, int], total: int) -> None:
        self._counts = counts
        self._total = total
        self._cutter = jieba.Tokenizer()
        self._cutter.FREQ, self._cutter.total, self._cutter.initialized = counts, total, True
        self._probability = lru_cache(maxsize=65536)(self._probability_of)

    def cut(self, text: str) -> Iterator[str]:
        """The words of a text, the likeliest way."""
        words: Iterator[str] = self._cutter.cut(text, HMM=False)
        return words

    def has(self, word: str) -> bool:
        return self._counts.get(word, 0) > 0

    def probability(self, text: str) -> float:
        """How often it is said, as words one after another."""
        return self._probability(text)

    def probability_of_word(self, word: str) -> float:
        """How often it is said as one word."""
        return max(self._counts.get(word, 0), _KNOWN) / self._total

    def _probability_of(self, text: str) -> float:
        return math.prod(max(self._counts.get(word, 0), 1) / self._total for word in self.cut(text))

    def save(self, path: Path = LEXICON) -> None:
        np.savez(path, words=pack(self._counts), counts=np.array(list(self._counts.values())), total=self._total)


def build() -> Lexicon:
    """From jieba's dictionary."""
    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()
    counts = {word: count for word, count in jieba.dt.FREQ.items() if count >= _RARE}
    for word in list(counts):
        for end in range(1, len(word)):
            counts.setdefault(word[:end], 0)
    return Lexicon(counts, jieba.dt.total)


@cache
def load(path: Path = LEXICON) -> Lexicon:
    """Raises NotTrained."""
    with opened(path) as file:
        return Lexicon(dict(zip(unpack(file["words"]), file["counts"].tolist(), strict=True)), int(file["total"]))
