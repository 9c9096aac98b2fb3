"""What the matter is: topic, category, urgency and its class, by linear classifiers trained when the hotline is built.

Each class has a weight for each feature, so that every judgement can say which clause decided it. The topic is judged
first: the other questions see it as one feature more (a dark street is 求助, a dark office may be 投诉).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hotline.drafts.features import Features, features
from hotline.units import topics

TRAINED = Path(__file__).parent / "trained.npz"
"""Made by ``hotline drafts train`` when the hotline is built; no file of the repository."""
TOPIC, UNIT = "topic", "unit"
_TOPIC_WEIGHT = 0.4
_UNIT_SHARE = 0.5  # how much a topic's unit counts beside the topic itself; found on held-out authors

Floats = npt.NDArray[np.float32]


class NotTrained(Exception):
    """The classifiers' file is missing or unreadable; the message says what to do."""


def topic_feature(topic: str) -> dict[str, float]:
    """How the other questions see the topic."""
    return {f"^{topic}": _TOPIC_WEIGHT}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A class and its margin: 0 is the border, 1 is sure."""

    name: str
    margin: float


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
        weights = self._judge.column(question, name)
        along: dict[int, float] = defaultdict(float)
        for one in self._found.evidence:
            if (row := self._judge.known.get(one.key)) is not None:
                share = one.weight * float(weights[row]) / (one.end - one.start)
                for at in range(one.start, one.end):
                    along[at] += share
        return max(
            (_heaviest([along[at] for at in range(start, end)], start, longest) for start, end in self._found.clauses)
        )[1:]


@dataclass(frozen=True)
class Judge:
    """`weights` has a row for each known feature and a column for each class of each question."""

    known: Mapping[str, int]
    weights: npt.NDArray[np.float16]
    bias: Floats
    questions: Mapping[str, tuple[str, ...]]

    def judge(self, text: str) -> Judgement:
        """The classes of each question for a mended text."""
        found = features(text)
        if not found.clauses:
            return Judgement({question: () for question in self.questions}, self, found)
        margins = self.bias + self._sum(found.values)
        margins[self._columns(TOPIC)] += _UNIT_SHARE * margins[self._columns(UNIT)][self._units()]
        topic = self.questions[TOPIC][int(margins[self._columns(TOPIC)].argmax())]
        margins += self._sum(topic_feature(topic))
        answers = {}
        for question, classes in self.questions.items():
            own = margins[self._columns(question)]
            answers[question] = [Verdict(classes[n], float(own[n])) for n in np.argsort(-own)]
        return Judgement(answers, self, found)

    def _units(self) -> list[int]:
        """For each topic the place of the unit that leads it."""
        return [self.questions[UNIT].index(topics.load()[topic].lead) for topic in self.questions[TOPIC]]

    def column(self, question: str, name: str) -> npt.NDArray[np.float16]:
        return self.weights[:, self._columns(question).start + self.questions[question].index(name)]

    def _columns(self, question: str) -> slice:
        first = 0
        for name, classes in self.questions.items():
            if name == question:
                return slice(first, first + len(classes))
            first += len(classes)
        raise KeyError(question)

    def _sum(self, values: Mapping[str, float]) -> Floats:
        chosen = [(row, value) for key, value in values.items() if (row := self.known.get(key)) is not None]
        if not chosen:
            return np.zeros(self.weights.shape[1], np.float32)
        rows, weights = zip(*chosen, strict=True)
        total: Floats = np.asarray(weights, np.float32) @ self.weights[list(rows)].astype(np.float32)
        return total


def _heaviest(weights: Sequence[float], first: int, longest: int) -> tuple[float, int, int]:
    """The heaviest stretch of at most `longest` weights: its sum, start and end, counted from `first`."""
    sums = [0.0, *accumulate(weights)]
    weight, start, end = max(
        (sums[end] - sums[start], start, end)
        for start in range(len(weights))
        for end in range(start + 1, min(start + longest, len(weights)) + 1)
    )
    return weight, first + start, first + end


def save(judge: Judge, path: Path = TRAINED) -> None:
    """Whole or not at all."""
    made = path.with_suffix(".new.npz")
    np.savez(
        made,
        known=_packed(judge.known),
        weights=judge.weights,
        bias=judge.bias,
        questions=_packed(judge.questions),
        classes=_packed(name for classes in judge.questions.values() for name in classes),
        sizes=np.array([len(classes) for classes in judge.questions.values()]),
    )
    made.replace(path)


@cache
def load(path: Path = TRAINED) -> Judge:
    """Raises NotTrained."""
    try:
        with np.load(path) as file:
            classes = iter(_unpacked(file["classes"]))
            return Judge(
                known={name: row for row, name in enumerate(_unpacked(file["known"]))},
                weights=file["weights"],
                bias=file["bias"],
                questions={
                    question: tuple(next(classes) for _ in range(size))
                    for question, size in zip(_unpacked(file["questions"]), file["sizes"], strict=True)
                },
            )
    except (OSError, ValueError, KeyError, StopIteration) as error:
        raise NotTrained(f"{path.name}: {error}; 'hotline drafts train' makes it anew") from error


def _packed(names: Iterable[str]) -> npt.NDArray[np.uint8]:
    return np.frombuffer("\0".join(names).encode(), np.uint8)


def _unpacked(packed: npt.NDArray[np.uint8]) -> list[str]:
    return packed.tobytes().decode().split("\0")
