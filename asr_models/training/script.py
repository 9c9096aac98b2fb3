"""What the synthetic speakers are given to say, and how: who speaks, how fast, with what accent."""

import functools
from collections.abc import Iterator, Sequence
from random import Random
from typing import TYPE_CHECKING

from asr_models.training import readings, text
from asr_models.training.mandarin import Mandarin
from asr_models.training.synthetic import PAUSE, VOICES, Order
from asr_models.vocabulary import phones

if TYPE_CHECKING:
    import jieba

_ACCENTED = 0.12
_SANDHI = 0.5
_COMMON = 30_000  # words of general Mandarin, the most frequent


def orders(mandarin: Mandarin, random: Random, voices: Sequence[str] = VOICES) -> Iterator[Order]:
    """Without end: sentences of the hotline, sentences like Mandarin, words and syllables in no order."""
    shapes, known = text.read(), text.words()
    general = mandarin.sentences(random)
    common = sorted(mandarin.words, key=lambda word: -mandarin.words[word])[:_COMMON]
    every = _every_syllable()
    while True:
        drawn = random.random()
        if drawn < 0.45:
            sentence = shapes.sentence(random)
        elif drawn < 0.8:
            sentence = "".join(next(general))
        elif drawn < 0.93:
            sentence = "，".join(
                "".join(random.sample(common, random.randint(1, 3))) for _ in range(random.randint(1, 3))
            )
        else:
            chosen = random.choices(every, k=random.randint(3, 8))
            yield order("".join(chosen), chosen, random, voices)
            continue
        if syllables := spoken(sentence, known, random):
            yield order(sentence, syllables, random, voices)


def order(sentence: str, syllables: Sequence[str], random: Random, voices: Sequence[str] = VOICES) -> Order:
    """`syllables` said by somebody, some with the accent of Sichuan."""
    accented = random.random() < _ACCENTED
    said = [phones.sichuan(one) if accented and one != PAUSE and random.random() < 0.7 else one for one in syllables]
    return Order(
        sentence,
        said,
        list(syllables),
        random.choice(voices),
        random.randint(120, 290),
        random.randint(5, 95),
        random.randint(20, 80),
    )


def spoken(sentence: str, known: dict[str, list[str]], random: Random) -> list[str]:
    """The syllables of a sentence with a pause at each stop; [] if any of it cannot be read."""
    cutter = _cutter(frozenset(known))
    sandhi = random.random() < _SANDHI
    syllables: list[str] = []
    for clause in text.clauses(sentence):
        if syllables:
            syllables.append(PAUSE)
        for word in cutter.lcut(clause):
            read = readings.reading(word, known)
            if not read:
                return []
            syllables += phones.sandhi(word, read) if sandhi else read
    try:
        phones.word_phones([one for one in syllables if one != PAUSE])
    except phones.NotPinyin:
        return []
    return syllables


@functools.cache
def _cutter(known: frozenset[str]) -> "jieba.Tokenizer":
    """Cuts sentences so that words whose reading is known stay whole."""
    import jieba

    cutter = jieba.Tokenizer()
    for word in sorted(known):
        cutter.add_word(word)
    return cutter


def _every_syllable() -> list[str]:
    from pypinyin.constants import PINYIN_DICT

    found = {
        reading[0] for code in PINYIN_DICT if 0x4E00 <= code <= 0x9FFF for reading in phones.all_readings(chr(code))
    }
    return sorted(found)
