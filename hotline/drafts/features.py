"""What the classifiers look at in a caller's words.

For the matter: runs of characters, words of the topics. For what the caller wants and how urgent it is also cues, words
near one another (已经 … 修好) and how the telling begins and ends.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from hotline.drafts.lexicon import load as lexicon
from hotline.drafts.rules import load as rules
from hotline.units import topics
from hotline.units.gazetteer import find_places

_LONGEST = 3  # characters of a run
# What a topic's word and a cue weigh beside the runs, whose squares sum up to one; found by leaving one author out.
_WORD, _CUE, _EDGE = 0.08, 0.15, 0.2
_NEAR = 8  # words apart at most are a pair
_PLACE, _NUMBER = "@", "0"
_BETWEEN_CLAUSES = re.compile(r"[，。！？、,.!?“”：；:;…—\-\n]+")
_DIGITS = re.compile(r"[0-9零〇一二两三四五六七八九十百千万幺]{2,}")


class Evidence(NamedTuple):  # thousands a call: the quickest to make
    """One feature, said by characters `start:end` of the text; `weight` is its part of the feature's value."""

    key: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Features:
    """The values of the features for the matter and of those for the manner, where each was said, and the clauses as
    pairs of start and end."""

    matter: Mapping[str, float]
    manner: Mapping[str, float]
    evidence: Sequence[Evidence]
    clauses: Sequence[tuple[int, int]]


def features(text: str) -> Features:
    """The features of a mended text; the names of places are all one to them, and so are numbers."""
    plain, origin = _plain(text)
    clauses = list(_clauses(plain))
    matter = _shared([run for clause in clauses for run in _runs(plain, *clause)])
    matter += _words(plain, clauses)
    manner = _cues(plain, clauses)
    tokens = _tokens(plain, clauses)
    manner += _shared(_pairs(tokens)) + _edges(tokens)
    return Features(
        _values(matter),
        _values(manner),
        [Evidence(one.key, origin[one.start], origin[one.end - 1] + 1, one.weight) for one in matter + manner],
        [(origin[start], origin[end - 1] + 1) for start, end in clauses],
    )


class _Said(NamedTuple):
    """A feature as it was said by characters `start:end` of the plain text."""

    key: str
    start: int
    end: int
    weight: float


def _shared(found: Sequence[tuple[str, int, int]]) -> list[_Said]:
    """Features whose squares sum up to one, however many there are; one said twice counts once."""
    first: dict[str, tuple[int, int]] = {}
    for key, start, end in found:
        first.setdefault(key, (start, end))
    share = len(first) ** -0.5 if first else 0.0
    return [_Said(key, start, end, share) for key, (start, end) in first.items()]


def _values(said: Iterable[_Said]) -> dict[str, float]:
    values: dict[str, float] = defaultdict(float)
    for one in said:
        values[one.key] += one.weight
    return dict(values)


def _cues(text: str, clauses: Sequence[tuple[int, int]]) -> list[_Said]:
    found = {}
    for name, cue in rules().cues.items():
        for clause in clauses:
            if name not in found and (match := cue.search(text, *clause)):
                found[name] = _Said(f"!{name}", match.start(), match.end(), _CUE)
    return list(found.values())


def _tokens(text: str, clauses: Sequence[tuple[int, int]]) -> list[tuple[str, int, int]]:
    """The words of the clauses with start and end."""
    tokens = []
    for start, end in clauses:
        at = start
        for word in lexicon().cut(text[start:end]):
            tokens.append((word, at, at + len(word)))
            at += len(word)
    return tokens


def _pairs(tokens: Sequence[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    return [
        (f"{word}~{other}", start, end)
        for n, (word, start, end) in enumerate(tokens)
        for other, _, _ in tokens[n + 1 : n + 1 + _NEAR]
    ]


def _edges(tokens: Sequence[tuple[str, int, int]]) -> list[_Said]:
    """The first word and the first two, the last one to three."""
    found = []
    for count in (1, 2):
        part = tokens[:count]
        found.append(
            _Said("^" + "".join(word for word, _, _ in part), part[0][1], part[-1][2], _EDGE) if part else None
        )
    for count in (1, 2, 3):
        part = tokens[-count:]
        found.append(
            _Said("$" + "".join(word for word, _, _ in part), part[0][1], part[-1][2], _EDGE) if part else None
        )
    return [one for one in found if one]


def _plain(text: str) -> tuple[str, list[int]]:
    """`text` with its places and numbers made one, and for each character where it stands in `text`."""
    stretches = [(place.start, place.end, _PLACE) for place in find_places(text)]
    taken = {n for start, end, _ in stretches for n in range(start, end)}
    stretches += [(m.start(), m.end(), _NUMBER) for m in _DIGITS.finditer(text) if m.start() not in taken]
    plain: list[str] = []
    origin: list[int] = []
    at = 0
    for start, end, sign in sorted(stretches):
        if start < at:
            continue
        plain += [*text[at:start], sign]
        origin += [*range(at, start), start]
        at = end
    return "".join(plain) + text[at:], origin + list(range(at, len(text)))


def _clauses(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for between in _BETWEEN_CLAUSES.finditer(text):
        if between.start() > at:
            yield at, between.start()
        at = between.end()
    if at < len(text):
        yield at, len(text)


def _runs(text: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    for length in range(1, _LONGEST + 1):
        for at in range(start, end - length + 1):
            yield text[at : at + length], at, at + length


def _words(text: str, clauses: Sequence[tuple[int, int]]) -> list[_Said]:
    """For each topic's word said, longest first, its topics and their units, each with its part of the weight; a word
    said again does not count again."""
    known = topic_words()
    found: list[_Said] = []
    seen: set[str] = set()
    for at, end in clauses:
        while at < end:
            length = known.length_at(text, at, end)
            word = text[at : at + length]
            owners = () if word in seen else known.owners.get(word, ())
            seen.add(word)
            for topic in owners:
                weight = _WORD / len(owners)
                found.append(_Said(f"#{topic}", at, at + length, weight))
                found.append(_Said(f"##{topics.load()[topic].lead}", at, at + length, weight))
            at += length
    return found


@dataclass(frozen=True, slots=True)
class TopicWords:
    """Each word and the topics that it belongs to."""

    owners: Mapping[str, tuple[str, ...]]
    longest: int

    def length_at(self, text: str, start: int, end: int) -> int:
        """Of the longest word that begins at `start`; 1 if none does."""
        lengths = range(min(self.longest, end - start), 1, -1)
        return next((length for length in lengths if text[start : start + length] in self.owners), 1)


@cache
def topic_words(path: Path = Path(__file__).parent / "topic_words.toml") -> TopicWords:
    owners: dict[str, tuple[str, ...]] = {}
    with path.open("rb") as file:
        for topic, words in tomllib.load(file).items():
            for word in words:
                owners[word] = (*owners.get(word, ()), topic)
    return TopicWords(owners, max(map(len, owners)))
