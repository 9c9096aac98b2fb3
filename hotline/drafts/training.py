"""Trains the classifiers of a draft on the labelled utterances in `corpus/`, one file an author; part of the build."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.svm import LinearSVC

from hotline.drafts.features import features
from hotline.drafts.heard import spoken_text
from hotline.drafts.judge import TOPIC, UNIT, Floats, Judge, topic_feature
from hotline.drafts.mishearing import mend
from hotline.drafts.urgency import CALM
from hotline.units import topics

CORPUS = Path(__file__).parent / "corpus"
_SEEN = 2  # times at least that a feature is said
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of each utterance, and how soft the border may be (C of the support vector machine)."""

    name: str
    softness: float
    balanced: bool = False

    def answer(self, row: Mapping[str, Any]) -> str:
        if self.name == "urgent_class":
            return row["urgent_class"] or CALM
        if self.name == UNIT:
            return topics.load()[row[TOPIC]].lead
        return str(row[self.name])


QUESTIONS = (
    Question(TOPIC, 1.0),
    Question(UNIT, 3.0),
    Question("category", 1.0),
    Question("urgent", 1.0, balanced=True),
    Question("urgent_class", 1.0),
)


@dataclass(frozen=True, slots=True)
class _Rows:
    labels: Sequence[Mapping[str, Any]]
    values: Sequence[Mapping[str, float]]
    folds: Sequence[int]


def train(corpus: Path = CORPUS) -> Judge:
    """Judge trained on every author; the other questions learn from topics as judged without the author's own lines."""
    rows = read(corpus)
    known = _vocabulary([*rows.values, *(topic_feature(row[TOPIC]) for row in rows.labels for _ in range(_SEEN))])
    judged = _topics_unseen(rows, known)
    plain = _matrix(rows.values, known)
    with_topic = _matrix([value | topic_feature(topic) for value, topic in zip(rows.values, judged, strict=True)], known)
    fitted = [
        _fit(plain if question.name in (TOPIC, UNIT) else with_topic, [question.answer(r) for r in rows.labels], question)
        for question in QUESTIONS
    ]
    return Judge(
        known=known,
        weights=np.concatenate([weights for _, weights, _ in fitted], axis=1).astype(np.float16),
        bias=np.concatenate([bias for _, _, bias in fitted]).astype(np.float32),
        questions={question.name: classes for question, (classes, _, _) in zip(QUESTIONS, fitted, strict=True)},
    )


def read(corpus: Path) -> _Rows:
    labels: list[Mapping[str, Any]] = []
    folds: list[int] = []
    for author, file in enumerate(sorted(corpus.glob("*.jsonl"))):
        for line in file.read_text(encoding="utf-8").splitlines():
            labels.append(json.loads(line))
            folds.append(author % _FOLDS)
    return _Rows(labels, [features(mend(spoken_text(row["text"]))).values for row in labels], folds)


def _topics_unseen(rows: _Rows, known: Mapping[str, int]) -> list[str]:
    """The topic of each row as judged by what other authors wrote."""
    question = QUESTIONS[0]
    folds = np.array(rows.folds)
    found = np.empty(len(folds), object)
    matrix = _matrix(rows.values, known)
    answers = np.array([question.answer(row) for row in rows.labels])
    for fold in np.unique(folds):
        classes, weights, bias = _fit(matrix[folds != fold], answers[folds != fold], question)
        margins = matrix[folds == fold] @ weights + bias
        found[folds == fold] = np.array(classes)[margins.argmax(1)]
    return list(found)


def _fit(matrix: csr_matrix, answers: Sequence[str], question: Question) -> tuple[tuple[str, ...], Floats, Floats]:
    """Classes, weights (features by classes) and biases."""
    machine = LinearSVC(C=question.softness, class_weight="balanced" if question.balanced else None)
    machine.fit(matrix, answers)
    weights, bias = machine.coef_.T, machine.intercept_
    if len(machine.classes_) == 2:
        weights, bias = np.hstack([-weights, weights]), np.concatenate([-bias, bias])
    return tuple(machine.classes_), weights, bias


def _vocabulary(rows: Iterable[Mapping[str, float]]) -> dict[str, int]:
    said = Counter(key for row in rows for key in row)
    return {key: n for n, key in enumerate(key for key, times in said.items() if times >= _SEEN)}


def _matrix(rows: Sequence[Mapping[str, float]], known: Mapping[str, int]) -> csr_matrix:
    cells = [(n, known[key], value) for n, row in enumerate(rows) for key, value in row.items() if key in known]
    at, columns, values = zip(*cells, strict=True)
    return csr_matrix((values, (at, columns)), shape=(len(rows), len(known)), dtype=np.float32)
