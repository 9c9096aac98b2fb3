"""The model that comes with the house: its card tells what its files hold, and it knows the city."""

from __future__ import annotations

import re

import pytest

from asr_models import catalogue
from asr_models.training import language, text
from asr_models.vocabulary import carpa, lexicon
from asr_models.vocabulary.grams import END, START
from asr_models.vocabulary.lexicon import Lexicon

MOST_BYTES = 16_000_000


@pytest.fixture(scope="module")
def known() -> Lexicon:
    return lexicon.read(catalogue.EMBEDDED / lexicon.FILE)


def row(name: str) -> str:
    """Of the card's first table."""
    card = (catalogue.EMBEDDED / "README.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"^\| {name} \| (.+) \|$", card, re.MULTILINE)
    return str(found)


def test_the_card_counts_what_the_files_hold(known: Lexicon) -> None:
    words = [line.split()[0] for line in (catalogue.EMBEDDED / "graph/words.txt").read_text("utf-8").splitlines()]
    grams = carpa.read(catalogue.EMBEDDED / "rescore/G.carpa", words).logs
    pairs, triples = (sum(len(gram) == length for gram in grams) for length in (2, 3))
    assert {(word,) for word in known} == {gram for gram in grams if len(gram) == 1} - {(START,), (END,)}
    assert row("words").startswith(f"{len(known):,}, ")
    assert f"; {pairs:,} pairs and {triples:,} triples " in row("language")


def test_the_model_is_as_small_as_its_card_says() -> None:
    size = sum(path.stat().st_size for path in catalogue.EMBEDDED.rglob("*") if path.is_file())
    assert size <= MOST_BYTES
    assert row("size") == f"{size / 1e6:.1f} MB"


def test_the_model_knows_the_names_of_the_city_with_and_without_their_kind(known: Lexicon) -> None:
    needed = {core for name in text.names() for core in language.cores(name)}
    missing = needed - set(known)
    assert len(missing) < 0.02 * len(needed), sorted(missing)  # names written down since are learnt with the next model
    assert {"抚琴街道", "抚琴", "郫都"} <= set(known)
