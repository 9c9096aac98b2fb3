"""A model that knows more words: the same ears, the graph built anew.

Run as a program, since kaldifst and vosk must not share a process: model, folder for the new model, and on its
standard input the list of words.
"""

import math
import os
import shutil
import sys
from pathlib import Path

from asr_models.vocabulary import carpa, graph, lexicon, phones
from asr_models.vocabulary.grams import Grams
from asr_models.vocabulary.lexicon import Lexicon, NewWord

CHANCE = 5e-5
"""Of a new word among all: that of a street that people call about."""

PAIRS = 13_000
"""Of words in the first search; all others are weighed in the second."""


def adapt(model: Path, words: list[NewWord], target: Path) -> None:
    """Writes into `target` (which must not exist) what `model` is, with `words` added."""
    table = (model / "graph/words.txt").read_text(encoding="utf-8").splitlines()
    known = lexicon.read(model / lexicon.FILE)
    grams = carpa.read(model / "rescore/G.carpa", [line.split()[0] for line in table])
    add(words, known, grams)
    for folder in ("am", "conf"):
        shutil.copytree(model / folder, target / folder)
    for file in model.iterdir():
        if file.is_file():
            shutil.copy2(file, target)
    graph.build(known, grams, PAIRS, target)
    lexicon.write(known, target / lexicon.FILE)


def add(words: list[NewWord], known: Lexicon, grams: Grams) -> None:
    """A word that was known gets one more way to be said, and is no longer rare."""
    for new in words:
        ways = known.setdefault(new.word, [])
        for said in (new.syllables, phones.sandhi(new.word, new.syllables)):
            if (way := phones.word_phones(said)) not in ways:
                ways.append(way)
        grams.logs[new.word,] = max(grams.logs.get((new.word,), -math.inf), math.log(CHANCE))
    grams.weigh()


def _main(model: Path, target: Path) -> int:
    os.nice(10)  # calls go on meanwhile
    try:
        adapt(model, lexicon.new_words(sys.stdin.buffer.read().decode()), target)
    except (OSError, ValueError) as trouble:
        print(trouble, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(_main(*map(Path, sys.argv[1:])))
