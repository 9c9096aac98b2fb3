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
class Evidence:
    """One feature, said by characters `start:end` of the text; `weight` is its part of the feature's value."""

    key: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Features:
    """Each feature's value, where each was said, and the clauses as pairs of start and end."""

    values: Mapping[str, float]
    evidence: Sequence[Evidence]
    clauses: Sequence[tuple[int, int]]


def features(text: str) -> Features:
    """The features of a mended text; the names of places are all one to them, and so are numbers."""
    plain, origin = _plain(text)
    clauses = list(_clauses(plain))
    runs = [run for clause in clauses for run in _runs(plain, *clause)]
    share = len({key for key, _, _ in runs}) ** -0.5 if runs else 0.0
    values: dict[str, float] = {key: share for key, _, _ in runs}
    evidence = [Evidence(key, origin[start], origin[end - 1] + 1, share) for key, start, end in runs]
    words: dict[str, float] = defaultdict(float)
    for clause in clauses:
        for key, start, end, weight in _words(plain, *clause):
            words[key] += weight
            evidence.append(Evidence(key, origin[start], origin[end - 1] + 1, weight))
        for name, cue in rules().cues.items():
            if match := cue.search(plain, *clause):
                words[f"!{name}"] = _CUE
                evidence.append(Evidence(f"!{name}", origin[match.start()], origin[match.end() - 1] + 1, _CUE))
    spoken = [(origin[start], origin[end - 1] + 1) for start, end in clauses]
    return Features({**values, **words}, evidence, spoken)


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


def _words(text: str, start: int, end: int) -> Iterator[tuple[str, int, int, float]]:
    """For each topic's word said, longest first, its topics and their units, each with its part of the weight."""
    known = topic_words()
    at = start
    while at < end:
        for length in range(min(known.longest, end - at), 1, -1):
            if owners := known.owners.get(text[at : at + length]):
                for topic in owners:
                    yield f"#{topic}", at, at + length, _WORD / len(owners)
                    yield f"##{topics.load()[topic].lead}", at, at + length, _WORD / len(owners)
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
