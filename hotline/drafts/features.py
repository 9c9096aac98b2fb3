"""What the classifiers look at in a caller's words: runs of characters, words of the topics, cues."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hotline.drafts.rules import load as rules
from hotline.units import topics
from hotline.units.gazetteer import find_places

_LONGEST = 3  # characters of a run
# What a topic's word and a cue weigh beside the runs, whose squares sum up to one; found by leaving one author out.
_WORD, _CUE = 0.08, 0.15
_PLACE, _NUMBER = "@", "0"
_BETWEEN_CLAUSES = re.compile(r"[，。！？、,.!?“”：；:;…—\-\n]+")
_DIGITS = re.compile(r"[0-9零〇一二两三四五六七八九十百千万幺]{2,}")


@dataclass(frozen=True, slots=True)
class Clause:
    """Characters `start:end` of a text, and the features found there."""

    start: int
    end: int
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class Features:
    """Each feature's value, and the clauses that hold them."""

    values: Mapping[str, float]
    clauses: Sequence[Clause]


def features(text: str) -> Features:
    """The features of a mended text; the names of places are all one to them, and so are numbers."""
    plain, origin = _plain(text)
    runs: set[str] = set()
    words: dict[str, float] = defaultdict(float)
    clauses = []
    for start, end in _clauses(plain):
        keys = set(_runs(plain[start:end]))
        runs |= keys
        for name, weight in _words(plain[start:end]):
            keys.add(name)
            words[name] += weight
        cues = {f"!{name}" for name, pattern in rules().cues.items() if pattern.search(plain, start, end)}
        words.update(dict.fromkeys(cues, _CUE))
        clauses.append(Clause(origin[start], origin[end - 1] + 1, frozenset(keys | cues)))
    share = len(runs) ** -0.5 if runs else 0.0
    return Features({**dict.fromkeys(runs, share), **words}, clauses)


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


def _runs(clause: str) -> Iterator[str]:
    for length in range(1, _LONGEST + 1):
        for start in range(len(clause) - length + 1):
            yield clause[start : start + length]


def _words(clause: str) -> Iterator[tuple[str, float]]:
    """For each topic's word said, longest first, its topics and their units, each with its part of the weight."""
    known = topic_words()
    at = 0
    while at < len(clause):
        for length in range(min(known.longest, len(clause) - at), 1, -1):
            if owners := known.owners.get(clause[at : at + length]):
                for topic in owners:
                    yield f"#{topic}", _WORD / len(owners)
                    yield f"##{topics.load()[topic].lead}", _WORD / len(owners)
                at += length - 1
                break
        at += 1


@dataclass(frozen=True, slots=True)
class TopicWords:
    """Each word and the topics that it belongs to."""

    owners: Mapping[str, tuple[str, ...]]
    longest: int


@cache
def topic_words(path: Path = Path(__file__).parent / "topic_words.toml") -> TopicWords:
    owners: dict[str, tuple[str, ...]] = {}
    with path.open("rb") as file:
        for topic, words in tomllib.load(file).items():
            for word in words:
                owners[word] = (*owners.get(word, ()), topic)
    return TopicWords(owners, max(map(len, owners)))
