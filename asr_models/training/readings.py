"""How each word is said: as the data says, else as pypinyin reads it, else not at all."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable

from asr_models.training.mandarin import Mandarin
from asr_models.vocabulary import phones
from asr_models.vocabulary.lexicon import Lexicon

_RARE = 0.06
"""Of all the times that a character is said; a reading heard less often is left out."""


def lexicon(words: Iterable[str], known: dict[str, list[str]], mandarin: Mandarin) -> Lexicon:
    """Words with their ways in units: careful, and in one breath where the tones change. Words that nobody can read
    are left out."""
    habits = _habits(mandarin)
    found = {}
    for word in words:
        ways: list[tuple[str, ...]] = []
        for syllables in [reading(word, known)] if len(word) > 1 else phones.all_readings(word, known):
            if len(word) == 1 and word not in known and habits.get(word, {}).get(syllables[0], 1.0) < _RARE:
                continue
            for said in (syllables, phones.sandhi(word, syllables)):
                try:
                    way = phones.word_phones(said)
                except phones.NotPinyin:
                    continue
                if way and way not in ways:
                    ways.append(way)
        if ways:
            found[word] = ways
    return found


def reading(word: str, known: dict[str, list[str]]) -> list[str]:
    """The syllables of a word: as the data says, of it or of words within it (朝阳湖 as 朝阳), else as pypinyin reads
    it; [] when nobody can read it."""
    said = list(phones.readings(word, known))
    if word in known or not said:
        return said
    start = 0
    while start < len(word):
        stop = next((stop for stop in range(len(word), start + 1, -1) if word[start:stop] in known), start)
        said[start:stop] = known.get(word[start:stop], [])
        start = max(stop, start + 1)
    return said


def _habits(mandarin: Mandarin) -> dict[str, dict[str, float]]:
    """How often a character has each of its readings, by the words that it stands in."""
    heard: dict[str, Counter[str]] = defaultdict(Counter)
    for word, p in mandarin.words.items():
        reading = phones.readings(word) if word else []
        for character, syllable in zip(word, reading, strict=False):
            heard[character][syllable] += math.exp(p)  # type: ignore[assignment]
    return {
        character: {syllable: p / sum(readings.values()) for syllable, p in readings.items()}
        for character, readings in heard.items()
    }
