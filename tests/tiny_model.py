"""Models of a few words: the embedded model's ears with a language that is built in a moment.

They are built by a process of its own, since kaldifst and vosk must not share one.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]

Chances = Mapping[tuple[str, ...], float]
"""Of the last word after the others. Words alone are shared out anew, so that they make one."""


def build(
    model: Path, words: Mapping[str, Iterable[str]], chances: Chances, ears: Path, acoustic: Path | None = None
) -> Path:
    """Writes into `model` the `words` with their ways to be said (pinyin) and how likely each is.

    am/ and conf/ are those of `ears`; `acoustic` goes before its final.mdl.
    """
    for folder in ("am", "conf"):
        shutil.copytree(ears / folder, model / folder, dirs_exist_ok=True)
    if acoustic is not None:
        shutil.copy(acoustic, model / "am/final.mdl")
    language = {
        "words": {word: [way.split() for way in ways] for word, ways in words.items()},
        "chances": [[gram, chance] for gram, chance in chances.items()],
    }
    program(__file__, model, given=json.dumps(language))
    return model


def equal(words: Iterable[str]) -> dict[tuple[str, ...], float]:
    """Every word, and the end of the sentence, as likely as any other."""
    return {(word,): 1.0 for word in (*words, "</s>")}


def program(*arguments: str | Path, given: str = "") -> None:
    """Runs Python with these arguments beside this process; raises with its complaint if it fails."""
    done = subprocess.run(
        [sys.executable, *arguments],
        input=given,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"exit code {done.returncode}\n{done.stderr}")


def _main(model: Path) -> None:
    from asr_models.vocabulary import graph, lexicon, phones
    from asr_models.vocabulary.grams import NEVER, START, Grams

    language = json.load(sys.stdin)
    known = {word: [phones.word_phones(way) for way in ways] for word, ways in language["words"].items()}
    grams = Grams({tuple(gram): math.log(chance) for gram, chance in language["chances"]})
    grams.logs[START,] = NEVER
    grams.weigh()
    graph.build(known, grams, 10_000, model)
    lexicon.write(known, model / lexicon.FILE)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
