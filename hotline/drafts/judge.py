"""What the matter is: topic, category, urgency and its class, by linear classifiers trained when the hotline is built.

Each class has a weight for each feature, so that every judgement can say which clause decided it. The topic is judged
first: the other questions see it as one feature more (a dark street is 求助, a dark office may be 投诉).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hotline.drafts.features import Features, features
from hotline.drafts.packing import opened, pack, unpack
from hotline.units import topics

TRAINED = Path(__file__).parent / "trained.npz"
"""Made by ``hotline drafts train`` when the hotline is built; no file of the repository."""
TOPIC, UNIT = "topic", "unit"
QUESTIONS = {TOPIC, UNIT, "category", "urgent_class", "doubt"}
_TOPIC_WEIGHT = 0.4
_PARTS = ("matter", "manner")
_UNIT_SHARE = 1.0  # how much a topic's unit counts beside the topic itself; found on held-out authors

Floats = npt.NDArray[np.float32]


def topic_feature(topic: str) -> dict[str, float]:
    """How the other questions see the topic."""
    return {f"topic={topic}": _TOPIC_WEIGHT}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A class and its margin: 0 is the border, 1 is sure."""

    name: str
    margin: float


@dataclass(frozen=True)
class _Said:
    """The evidence that a machine knows: its rows there, where it was said, its share of each character."""

    rows: npt.NDArray[np.intp]
    starts: npt.NDArray[np.intp]
    ends: npt.NDArray[np.intp]
    shares: npt.NDArray[np.float64]

    @classmethod
    def of(cls, found: Features, machine: Machine) -> _Said:
        known = [(row, one) for one in found.evidence if (row := machine.known.get(one.key)) is not None]
        return cls(
            np.array([row for row, _ in known], np.intp),
            np.array([one.start for _, one in known], np.intp),
            np.array([one.end for _, one in known], np.intp),
            np.array([one.weight / (one.end - one.start) for _, one in known], np.float64),
        )


@dataclass(frozen=True)
class Judgement:
    """The classes of each question, best first; none where nothing was said."""

    answers: Mapping[str, Sequence[Verdict]]
    _judge: Judge
    _found: Features

    def best(self, question: str) -> Verdict | None:
        return next(iter(self.answers[question]), None)

    def margin(self, question: str, name: str) -> float:
        return next((verdict.margin for verdict in self.answers[question] if verdict.name == name), -1.0)

    def where(self, question: str, name: str, longest: int) -> tuple[int, int]:
        """The `longest` or fewer characters of one clause that speak most for a class."""
        machine = self._judge.machine(question)
        said = self._said[machine is self._judge.matter]
        shares = said.shares * machine.column(question, name)[said.rows].astype(np.float32)
        size = self._found.clauses[-1][1]
        slope = np.bincount(said.starts, shares, size + 1) - np.bincount(said.ends, shares, size + 1)
        along = np.full(size, -np.inf)
        for start, end in self._found.clauses:
            along[start:end] = 0
        return _heaviest(along + np.cumsum(slope)[:size], longest)

    @cached_property
    def _said(self) -> tuple[_Said, _Said]:
        """What the machine for the manner knows of the evidence, and what that for the matter knows."""
        return (_Said.of(self._found, self._judge.manner), _Said.of(self._found, self._judge.matter))


@dataclass(frozen=True)
class Machine:
    """`weights` has a row for each known feature and a column for each class of each question."""

    known: Mapping[str, int]
    weights: npt.NDArray[np.float16]
    bias: Floats
    questions: Mapping[str, tuple[str, ...]]

    def margins(self, values: Mapping[str, float]) -> dict[str, Floats]:
        """Of the classes of each question."""
        chosen = [(row, value) for key, value in values.items() if (row := self.known.get(key)) is not None]
        total = self.bias.copy()
        if chosen:
            rows, shares = zip(*chosen, strict=True)
            total += np.asarray(shares, np.float32) @ self.weights[list(rows)].astype(np.float32)
        ends = np.cumsum([len(classes) for classes in self.questions.values()])
        return dict(zip(self.questions, np.split(total, ends[:-1]), strict=True))

    def column(self, question: str, name: str) -> npt.NDArray[np.float16]:
        first = 0
        for other, classes in self.questions.items():
            if other == question:
                return self.weights[:, first + classes.index(name)]
            first += len(classes)
        raise KeyError(question)


@dataclass(frozen=True)
class Judge:
    """One machine judges the matter (topic and unit), the other, which is told the topic, the manner."""

    matter: Machine
    manner: Machine

    def judge(self, text: str) -> Judgement:
        """The classes of each question for a mended text."""
        found = features(text)
        if not found.clauses:
            return Judgement(dict.fromkeys([*self.matter.questions, *self.manner.questions], ()), self, found)
        margins = self.matter.margins(found.matter)
        margins[TOPIC] += _UNIT_SHARE * margins[UNIT][self._units]
        topic = topic_feature(self.matter.questions[TOPIC][int(margins[TOPIC].argmax())])
        margins |= self.manner.margins({**found.matter, **found.manner, **topic})
        answers = {
            question: [Verdict(classes[n], float(margins[question][n])) for n in np.argsort(-margins[question])]
            for machine in (self.matter, self.manner)
            for question, classes in machine.questions.items()
        }
        return Judgement(answers, self, found)

    def machine(self, question: str) -> Machine:
        """That answers the question."""
        return self.matter if question in self.matter.questions else self.manner

    @cached_property
    def _units(self) -> list[int]:
        """For each topic the place of the unit that leads it."""
        units = self.matter.questions[UNIT]
        return [units.index(topics.load()[topic].lead) for topic in self.matter.questions[TOPIC]]


def _heaviest(weights: npt.NDArray[np.float64], longest: int) -> tuple[int, int]:
    """Start and end of the heaviest stretch of at most `longest` weights; none holds an infinite one."""
    sums = np.concatenate([[0.0], np.cumsum(np.where(np.isinf(weights), 0, weights))])
    walls = np.concatenate([[0], np.cumsum(np.isinf(weights))])
    best = (-np.inf, 0, 1)
    for length in range(1, min(longest, len(weights)) + 1):
        stretch = np.where(walls[length:] == walls[:-length], sums[length:] - sums[:-length], -np.inf)
        start = int(stretch.argmax())
        best = max(best, (float(stretch[start]), start, start + length))
    return best[1:]


def save(judge: Judge, path: Path = TRAINED) -> None:
    """Whole or not at all."""
    made = path.with_suffix(".new.npz")
    parts: dict[str, Any] = {}
    for part in _PARTS:
        machine: Machine = getattr(judge, part)
        parts |= {
            f"{part}_known": pack(machine.known),
            f"{part}_weights": machine.weights,
            f"{part}_bias": machine.bias,
            f"{part}_questions": pack(machine.questions),
            f"{part}_classes": pack(name for classes in machine.questions.values() for name in classes),
            f"{part}_sizes": np.array([len(classes) for classes in machine.questions.values()]),
        }
    np.savez(made, **parts)
    made.replace(path)


@cache
def load(path: Path = TRAINED) -> Judge:
    """Raises NotTrained."""
    with opened(path) as file:
        judge = Judge(*(_machine(file, part) for part in _PARTS))
        if missing := QUESTIONS - judge.matter.questions.keys() - judge.manner.questions.keys():
            raise ValueError(f"it does not answer {', '.join(sorted(missing))}")
    return judge


def _machine(file: Mapping[str, npt.NDArray[Any]], part: str) -> Machine:
    classes = unpack(file[f"{part}_classes"])
    ends = np.cumsum(file[f"{part}_sizes"]).tolist()
    return Machine(
        known={name: row for row, name in enumerate(unpack(file[f"{part}_known"]))},
        weights=file[f"{part}_weights"],
        bias=file[f"{part}_bias"],
        questions={
            question: tuple(classes[start:end])
            for question, start, end in zip(unpack(file[f"{part}_questions"]), [0, *ends], ends, strict=False)
        },
    )
