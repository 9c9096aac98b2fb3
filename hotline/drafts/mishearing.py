"""What was probably said where the recogniser wrote other words of the same sound: 路等坏了 is 路灯坏了.

Rules and the classifier look at the mended text; what is kept and shown is what was heard.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from pypinyin import lazy_pinyin

from hotline.drafts.features import topic_words
from hotline.drafts.lexicon import load as lexicon
from hotline.drafts.packing import opened, pack, unpack
from hotline.units import gazetteer

SOUNDS = Path(__file__).parent / "sounds.npz"
"""Made by ``hotline drafts train`` when the hotline is built; no file of the repository."""
_SHORTEST = 2  # characters of a word
_NAME = 3  # characters: two alike are said too often by chance
_LONG = 4  # characters: a word so long may cut through others of general Chinese
_CHANCE = 0.3  # as often as the word may what was heard be said: 路等 for 路灯 is a slip, 收了 for 馊了 is none
_CHANCE_OF_WORD = 0.02  # where one word was heard, such as 过路: seldom is it 锅炉
_INITIALS = {"zh": "z", "ch": "c", "sh": "s", "n": "l"}  # as Sichuan says them, and many a recogniser hears


def syllables(text: str) -> tuple[str, ...]:
    """One for each character, toneless, with the initials and finals alike that are confused (n l, zh z, eng en,
    ing in); what is no Chinese character stands for itself."""
    each = lazy_pinyin(text, errors=list)  # type: ignore[arg-type]  # it takes lists too, and we want one a character
    return tuple(_plain(one) for one in each)


class Mender:
    """Mends a text by words and their syllables; where two words sound the same, the first counts. Of those in `exact`
    no sounds are taken for one another."""

    def __init__(self, words: Mapping[str, tuple[str, ...]], exact: Collection[str] = ()) -> None:
        self._exact = frozenset(exact)
        self._words: dict[str, dict[tuple[str, ...], str]] = defaultdict(dict)
        self._said: dict[str, set[str]] = defaultdict(set)
        self._lengths: dict[str, list[int]] = {}
        for word, sounds in words.items():
            self._words[sounds[0]].setdefault(sounds, word)
            self._said[sounds[0]].add(word)
        for first, found in self._words.items():
            self._lengths[first] = sorted({len(sounds) for sounds in found}, reverse=True)

    def mend(self, text: str) -> str:
        """As long as `text`, character for character."""
        sounds = syllables(text)
        within = _within_words(text)
        mended = list(text)
        at = 0
        while at < len(text):
            at += self._mend_at(text, sounds, within, mended, at)
        return "".join(mended)

    def _mend_at(self, text: str, sounds: tuple[str, ...], within: Sequence[bool], mended: list[str], at: int) -> int:
        """Puts the longest word that sounds as what begins at `at` in its place; how many characters that took."""
        for length in self._lengths.get(sounds[at], ()):
            said = sounds[at : at + length]
            word = self._words[said[0]].get(said)
            if word is None or len(said) < length:
                continue
            heard = text[at : at + length]
            if heard in self._said[said[0]]:
                return length
            if word in self._exact and lazy_pinyin(heard) != lazy_pinyin(word):
                continue
            cuts = within[at] or within[at + length]
            chance = _CHANCE_OF_WORD if lexicon().has(heard) else _CHANCE
            likely = lexicon().probability(heard) < chance * lexicon().probability_of_word(word)
            if likely and (length >= _LONG or not cuts):
                mended[at : at + length] = word
                return length
        return 1


def _within_words(text: str) -> list[bool]:
    """For each place between two characters, whether it lies within a word of general Chinese."""
    within = [True] * (len(text) + 1)
    at = 0
    for word in lexicon().cut(text):
        within[at] = False
        at += len(word)
    within[at] = False
    return within


@lru_cache(maxsize=4096)
def _plain(syllable: str) -> str:
    for initial, alike in _INITIALS.items():
        if syllable.startswith(initial):
            syllable = alike + syllable.removeprefix(initial)
            break
    return syllable.removesuffix("g") if syllable.endswith("ng") else syllable


def sounds(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The syllables of each word of two characters or more."""
    return {word: syllables(word) for word in words if len(word) >= _SHORTEST}


def save_sounds(path: Path = SOUNDS) -> None:
    """Of the names of places, the topics' words, and streets as they are said after their district (双流东升)."""
    known = gazetteer.load().entries
    names = (name for name in known if len(name) >= _NAME)
    found = sounds([*names, *_short_districts(known), *_in_their_districts(known), *topic_words().owners])
    np.savez(path, words=pack(found), syllables=pack(" ".join(each) for each in found.values()))


@cache
def load_mender(path: Path = SOUNDS) -> Mender:
    """Raises NotTrained."""
    with opened(path) as file:
        each = (tuple(said.split(" ")) for said in unpack(file["syllables"]))
        words = dict(zip(unpack(file["words"]), each, strict=True))
    return Mender(words, exact=_short_districts(gazetteer.load().entries))


def _short_districts(known: Mapping[str, gazetteer.Entry | None]) -> dict[str, str]:
    """彭州 → 彭州市."""
    return {
        form: entry.name
        for form, entry in known.items()
        if entry and entry.kind is gazetteer.Kind.DISTRICT and len(form) < _NAME
    }


def _in_their_districts(known: Mapping[str, gazetteer.Entry | None]) -> Iterator[str]:
    short = defaultdict(list)
    for form, name in _short_districts(known).items():
        short[name].append(form)
    for form, entry in known.items():
        if entry and entry.kind is gazetteer.Kind.STREET and len(form) < _NAME:
            yield from (district + form for where in entry.districts for district in short[where])


@lru_cache(maxsize=1024)
def mend(text: str) -> str:
    """`text` mended by the names of the city's places and the words of its topics; a place that was named stays."""
    mended = []
    at = 0
    for place in gazetteer.find_places(text):
        mended += [load_mender().mend(text[at : place.start]), text[place.start : place.end]]
        at = place.end
    return "".join(mended) + load_mender().mend(text[at:])
