"""Trains the classifiers of a draft on the labelled utterances in `corpus/`, one file an author; part of the build."""

from __future__ import annotations

import json
import os
import tomllib
from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.svm import LinearSVC

from hotline.drafts.features import features
from hotline.drafts.heard import spoken_text
from hotline.drafts.judge import TOPIC, UNIT, Floats, Judge, Machine, topic_feature
from hotline.drafts.mishearing import mend
from hotline.drafts.urgency import CALM
from hotline.units import topics

CORPUS = Path(__file__).parent / "corpus"
VARIATIONS = Path(__file__).parent / "variations.toml"
_WANTING = ("求助", "投诉", "举报", "咨询", "建议")
_SEEN, _SEEN_PAIR = 4, 8  # times at least that a feature is said
_FOLDS = 3
_TEXTS_AT_ONCE = 500  # that one process is given
_RATIOS = (0.5, 2.0)  # the least and the most that a log-count ratio may be
_HEARD = 0.3  # what an utterance counts as the recogniser heard it, beside itself as it was written


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of each utterance, and how soft the border may be (C of the support vector machine)."""

    name: str
    softness: float
    balanced: bool = False

    def answer(self, row: Mapping[str, Any]) -> str:
        if self.name == "urgent_class":
            return row["urgent_class"] or CALM
        if self.name == "doubt":
            return str(row.get("doubt", False))
        if self.name == UNIT:
            return topics.load()[row[TOPIC]].lead
        return str(row[self.name])


OF_THE_MATTER = (Question(TOPIC, 1.0), Question(UNIT, 1.0))
OF_THE_MANNER = (
    Question("category", 1.0),
    Question("urgent_class", 1.0),
    Question("doubt", 1.0, balanced=True),
)


@dataclass(frozen=True, slots=True)
class Rows:
    """Labels, features for the matter and for the manner, weight and fold of each utterance; an author's are all in one
    fold."""

    labels: Sequence[Mapping[str, Any]]
    matter: Sequence[Mapping[str, float]]
    manner: Sequence[Mapping[str, float]]
    weights: Sequence[float]
    folds: Sequence[int]


def train(corpus: Path = CORPUS) -> Judge:
    """Trained on every author; what is asked of the manner learns from topics as judged by other authors' lines."""
    rows = read(corpus)
    topics_judged = _topics_unseen(rows)
    manner = [
        {**matter, **manner, **topic_feature(topic)}
        for matter, manner, topic in zip(rows.matter, rows.manner, topics_judged, strict=True)
    ]
    return Judge(_machine(rows, rows.matter, OF_THE_MATTER), _machine(rows, manner, OF_THE_MANNER))


def read(corpus: Path) -> Rows:
    """Each utterance as written and, if that is known, as the recogniser heard it."""
    said = [
        (row, text, weight, author % _FOLDS)
        for author, file in enumerate(sorted(corpus.glob("*.jsonl")))
        for row in map(json.loads, file.read_text(encoding="utf-8").splitlines())
        for text, weight in ((row["text"], 1.0), (row.get("heard"), _HEARD))
        if text
    ]
    said += _varied([one for one in said if one[2] == 1.0])
    labels, texts, weights, folds = zip(*said, strict=True)
    with ProcessPoolExecutor() as pool:
        matter, manner = zip(*pool.map(_values, texts, chunksize=_TEXTS_AT_ONCE), strict=True)
    return Rows(labels, matter, manner, weights, folds)


def _values(text: str) -> tuple[Mapping[str, float], Mapping[str, float]]:
    found = features(mend(spoken_text(text)))
    return found.matter, found.manner


_Said = tuple[Mapping[str, Any], str, float, int]
"""Labels, text, weight and fold."""


def _varied(said: Sequence[_Said]) -> list[_Said]:
    """Some once more with another ending: thanks, after which the same is wanted; that it is settled, or is not."""
    with VARIATIONS.open("rb") as file:
        variations = tomllib.load(file)
    every, settled = variations["every"], variations["settled"]
    varied: list[_Said] = []
    wanted = [one for one in said if one[0]["category"] in _WANTING][::every]
    for n, (row, text, _, fold) in enumerate(wanted):
        thanks = variations["thanks"]
        varied.append((row, text + thanks[n % len(thanks)], variations["weight"], fold))
    urgent = [one for one in said if one[0]["urgent"]][::every]
    for n, (row, text, _, fold) in enumerate(urgent):
        endings = settled.get(row["urgent_class"], settled["other"])
        calm = {**row, "urgent": False, "urgent_class": None, "doubt": False}
        varied.append((calm, text + endings[n % len(endings)], variations["weight"], fold))
        still = variations["still"]
        varied.append((row, text + still[n % len(still)], variations["weight"], fold))
    return varied


def _topics_unseen(rows: Rows) -> list[str]:
    """The topic of each row as judged by what other authors wrote; what was heard of it would take twice as long."""
    question = OF_THE_MATTER[0]
    folds, written = np.array(rows.folds), np.array(rows.weights) == 1.0
    matrix = _matrix(rows.matter, _vocabulary(rows, rows.matter))
    answers = np.array([question.answer(row) for row in rows.labels])
    judged = np.empty(len(folds), object)
    for fold in np.unique(folds):
        learnt = written & (folds != fold)
        classes, weights, bias = _fit(matrix[learnt], answers[learnt], question, np.array(rows.weights)[learnt])
        judged[folds == fold] = np.array(classes)[(matrix[folds == fold] @ weights + bias).argmax(1)]
    return list(judged)


def _machine(rows: Rows, values: Sequence[Mapping[str, float]], questions: Sequence[Question]) -> Machine:
    known = _vocabulary(rows, values)
    matrix = _matrix(values, known)
    fitted = [
        _fit(matrix, [question.answer(row) for row in rows.labels], question, rows.weights) for question in questions
    ]
    return Machine(
        known=known,
        weights=np.concatenate([weights for _, weights, _ in fitted], axis=1).astype(np.float16),
        bias=np.concatenate([bias for _, _, bias in fitted]).astype(np.float32),
        questions={question.name: classes for question, (classes, _, _) in zip(questions, fitted, strict=True)},
    )


def _fit(
    matrix: csr_matrix, answers: Sequence[str], question: Question, shares: Sequence[float]
) -> tuple[tuple[str, ...], Floats, Floats]:
    """Classes, weights (features by classes) and biases: each class against the rest."""
    given = np.array(answers)
    classes = np.unique(given)
    said = csr_matrix((np.ones_like(matrix.data), matrix.indices, matrix.indptr), matrix.shape)
    everywhere = _sums(said)

    def against_the_rest(name: str) -> tuple[Floats, float]:
        ratios = _ratios(_sums(said[given == name]), everywhere)
        scaled = csr_matrix((matrix.data * ratios[matrix.indices], matrix.indices, matrix.indptr), matrix.shape)
        machine = LinearSVC(C=question.softness, class_weight="balanced" if question.balanced else None, random_state=0)
        machine.fit(scaled, given == name, sample_weight=shares)
        return machine.coef_[0] * ratios, machine.intercept_[0]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        fitted = list(pool.map(against_the_rest, classes))
    return tuple(map(str, classes)), np.stack([weights for weights, _ in fitted], 1), np.array([b for _, b in fitted])


def _ratios(there: Floats, everywhere: Floats) -> Floats:
    """What each feature counts, 1 on the average: the more, the more often (or seldom) it is said `there` than
    elsewhere (the log-count ratio of Wang and Manning, Baselines and Bigrams, 2012)."""
    inside, outside = 1 + there, 1 + everywhere - there
    ratios = np.abs(np.log(inside / inside.sum()) - np.log(outside / outside.sum())).clip(*_RATIOS)
    counts: Floats = (ratios / ratios.mean()).astype(np.float32)
    return counts


def _sums(said: csr_matrix) -> Floats:
    """How often each feature is said."""
    sums: Floats = np.asarray(said.sum(0)).ravel()
    return sums


def _vocabulary(rows: Rows, values: Sequence[Mapping[str, float]]) -> dict[str, int]:
    """The features of so many utterances, however often they were heard."""
    keys: dict[int, set[str]] = defaultdict(set)
    for row, value in zip(rows.labels, values, strict=True):
        keys[id(row)] |= value.keys()
    said = Counter(key for each in keys.values() for key in each)
    often = (key for key, times in said.items() if times >= (_SEEN_PAIR if "~" in key else _SEEN))
    return {key: n for n, key in enumerate(often)}


def _matrix(rows: Sequence[Mapping[str, float]], known: Mapping[str, int]) -> csr_matrix:
    columns, values, ends = array("i"), array("f"), array("i", [0])
    for row in rows:
        for key, value in row.items():
            if (column := known.get(key)) is not None:
                columns.append(column)
                values.append(value)
        ends.append(len(columns))
    return csr_matrix(
        (np.frombuffer(values, np.float32), np.frombuffer(columns, np.int32), np.frombuffer(ends, np.int32)),
        shape=(len(rows), len(known)),
    )
