"""The words a model knows and how each is said, kept beside its graph so that the graph can be built anew."""

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from asr_models.vocabulary import phones

FILE = "graph/lexicon.txt.gz"
"""In a model's folder; without it the model cannot learn words."""

Lexicon = dict[str, list[tuple[str, ...]]]
"""Each word with the ways it is said, in units."""


class WordsWrong(ValueError):
    """Lines of a list of words that cannot be used; the message names each and says what to do."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


@dataclass(frozen=True)
class NewWord:
    """A word that a city adds, and how it is said, syllable by syllable."""

    word: str
    syllables: list[str]


def write(lexicon: Mapping[str, Iterable[tuple[str, ...]]], path: Path) -> None:
    """A line a word: the word, a tab, its ways between bars."""
    lines = (f"{word}\t{'|'.join(' '.join(way) for way in ways)}\n" for word, ways in sorted(lexicon.items()))
    # Without a date in it, the same words make the same file.
    path.write_bytes(gzip.compress("".join(lines).encode(), mtime=0))


def read(path: Path) -> Lexicon:
    """The inverse of `write`."""
    lexicon = {}
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        word, _, ways = line.partition("\t")
        lexicon[word] = [tuple(way.split()) for way in ways.split("|")]
    return lexicon


def new_words(text: str) -> list[NewWord]:
    """The words of a list: one a line, pinyin after it where a guess would be wrong (`都江堰 du1 jiang1 yan4`, or
    with the tones as marks); `#` begins a remark. Raises `WordsWrong` naming every line that cannot be used."""
    words, problems = [], []
    for number, line in enumerate(text.splitlines(), 1):
        word, *pinyin = line.partition("#")[0].lstrip("\ufeff").split()[:64] or [""]
        if not word:
            continue
        try:
            words.append(_new_word(word, pinyin))
        except ValueError as wrong:
            problems.append(f"line {number}: {wrong}")
    if problems:
        raise WordsWrong(problems)
    if not words:
        raise WordsWrong(["there is no word in the file: write one a line, such as 麓湖 lu4 hu2"])
    return words


_LONGEST = 16


def _new_word(word: str, pinyin: list[str]) -> NewWord:
    if not all("\u4e00" <= character <= "\u9fff" for character in word):
        raise ValueError(
            f"{word!r} is not written in Chinese characters alone: write it as it is said (三号线, not 3号线)"
        )
    if len(word) > _LONGEST:
        raise ValueError(f"{word!r} is longer than {_LONGEST} characters: write the name only")
    if pinyin:
        from pypinyin.contrib.tone_convert import to_tone3

        syllables = [
            one if one[-1:].isdigit() else to_tone3(one, neutral_tone_with_five=True, v_to_u=False) for one in pinyin
        ]
        if len(syllables) != len(word):
            raise ValueError(
                f"{word!r} has {len(syllables)} syllables: write one for each of its {len(word)} characters"
            )
        toneless = [one for one in pinyin if not one[-1].isdigit()]
        if toneless and " ".join(pinyin).isascii():
            raise ValueError(f"{toneless[0]!r} of {word!r} has no tone: write each as a digit, such as zhong1")
        for typed, syllable in zip(pinyin, syllables, strict=True):
            try:
                phones.phones(syllable)
            except phones.NotPinyin:
                raise phones.NotPinyin(typed) from None
    else:
        syllables = phones.readings(word)
        if not syllables:
            raise ValueError(f"nobody knows how {word!r} is read: write its pinyin after it")
        phones.word_phones(syllables)
    return NewWord(word, syllables)
