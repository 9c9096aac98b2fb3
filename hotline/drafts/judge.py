"""What the matter is: topic, category, urgency and its class, by linear classifiers trained when the hotline is built.

Each class has a weight for each feature, so that every judgement can say which clause decided it. The topic is judged
first: the other questions see it as one feature more (a dark street is 求助, a dark office may be 投诉).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hotline.drafts.features import Clause, features

TRAINED = Path(__file__).parent / "trained.npz"
"""Made by ``hotline drafts train`` when the hotline is built; no file of the repository."""
TOPIC = "topic"
_TOPIC_WEIGHT = 0.4

Floats = npt.NDArray[np.float32]


class NotTrained(Exception):
    """The classifiers' file is missing or unreadable; the message says what to do."""


def topic_feature(topic: str) -> dict[str, float]:
    """How the other questions see the topic."""
    return {f"^{topic}": _TOPIC_WEIGHT}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A class, its margin (0 is the border, 1 is sure) and the clause that speaks most for it."""

    name: str
    margin: float
    clause: Clause


@dataclass(frozen=True)
class Judge:
    """`weights` has a row for each known feature and a column for each class of each question."""

    known: Mapping[str, int]
    weights: npt.NDArray[np.float16]
    bias: Floats
    questions: Mapping[str, tuple[str, ...]]

    def judge(self, text: str) -> Mapping[str, Sequence[Verdict]]:
        """The classes of each question for a mended text, best first; none where it has no clause."""
        found = features(text)
        if not found.clauses:
            return {question: () for question in self.questions}
        margins = self.bias + self._sum(found.values, found.values)
        topic = topic_feature(self.questions[TOPIC][int(margins[self._columns(TOPIC)].argmax())])
        margins += self._sum(topic, topic)
        by_clause = np.stack([self._sum(clause.keys, found.values) for clause in found.clauses])
        deciding = by_clause.argmax(0)
        return {
            question: [
                Verdict(classes[n], float(margins[first + n]), found.clauses[deciding[first + n]])
                for first in (self._columns(question).start,)
                for n in np.argsort(-margins[self._columns(question)])
            ]
            for question, classes in self.questions.items()
        }

    def _columns(self, question: str) -> slice:
        first = 0
        for name, classes in self.questions.items():
            if name == question:
                return slice(first, first + len(classes))
            first += len(classes)
        raise KeyError(question)

    def _sum(self, keys: Iterable[str], values: Mapping[str, float]) -> Floats:
        chosen = [(row, values[key]) for key in keys if (row := self.known.get(key)) is not None]
        if not chosen:
            return np.zeros(self.weights.shape[1], np.float32)
        rows, weights = zip(*chosen, strict=True)
        total: Floats = np.asarray(weights, np.float32) @ self.weights[list(rows)].astype(np.float32)
        return total


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
