"""General Mandarin: the open-gram n-grams (CC BY-SA 3.0), as Debian packages them for an input method.

`apt install sunpinyin-data sunpinyin-utils` brings them; both are needed only to train, never to run.
"""

import math
import struct
import subprocess
import tempfile
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from random import Random

DATA = "usr/lib/*/sunpinyin/data"
_TOOL = "tslminfo"
_EDGE = "，"  # a caller's sentences follow one another as clauses do
_STOPS = frozenset("，。；？！：“”、…（）《》")
_LONGEST = 5  # characters of a word; longer ones are phrases


class MandarinMissing(Exception):
    """The packages are not installed; the message says which."""


@dataclass
class Mandarin:
    """Probabilities (natural logarithms) of words and of pairs.

    "" is the edge of a sentence, as the stops are.
    """

    words: dict[str, float]
    pairs: dict[str, dict[str, float]]
    _followers: dict[str, tuple[list[str], list[float]]] = field(default_factory=dict, repr=False)

    def sentences(self, random: Random, longest: int = 14) -> Iterator[list[str]]:
        """Words that follow one another as they do in the language, without sense, without end."""
        while True:
            said: list[str] = []
            word = ""
            while len(said) < longest:
                word = self._next(word, random)
                if not word:
                    break
                said.append(word)
            if len(said) > 1:
                yield said

    def _next(self, before: str, random: Random) -> str:
        if before not in self._followers:
            pairs = self.pairs.get(before, {})
            self._followers[before] = (list(pairs), list(accumulate(math.exp(p) for p in pairs.values())))
        words, sums = self._followers[before]
        drawn = random.random()
        if sums and drawn < sums[-1]:
            return words[bisect(sums, drawn)]
        return self._any(random)

    def _any(self, random: Random) -> str:
        if None not in self._followers:
            self._followers[None] = (list(self.words), list(accumulate(math.exp(p) for p in self.words.values())))  # type: ignore[index]
        words, sums = self._followers[None]  # type: ignore[index]
        return words[min(bisect(sums, random.random() * sums[-1]), len(words) - 1)]


def read(root: Path = Path("/")) -> Mandarin:
    """Reads what the packages installed below `root` (a few seconds). Raises `MandarinMissing`."""
    folder = next(iter(sorted(root.glob(DATA))), None)
    if folder is None:
        raise MandarinMissing("open-gram is not installed: apt install sunpinyin-data sunpinyin-utils")
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".utf8") as lexicon:
        for number, word in enumerate(_lexicon((folder / "pydict_sc.bin").read_bytes())):
            if word:
                lexicon.write(f"{word} {number}\n")
        lexicon.flush()
        try:
            shown = subprocess.Popen(
                [_TOOL, "-v", "-l", lexicon.name, str(folder / "lm_sc.t3g")], stdout=subprocess.PIPE, encoding="utf-8"
            )
        except FileNotFoundError as missing:
            raise MandarinMissing(f"{_TOOL} is not installed: apt install sunpinyin-utils") from missing
        with shown:
            assert shown.stdout is not None
            return _parse(shown.stdout)


def _lexicon(data: bytes) -> list[str]:
    """The words by their number: zero-closed UTF-32, from the place that the header's third field tells."""
    count, _, start = struct.unpack_from("<3I", data)
    return data[start : start + (len(data) - start) // 4 * 4].decode("utf-32-le").split("\0")[:count]


def _parse(lines: Iterator[str]) -> Mandarin:
    model = Mandarin({}, {})
    order = 0
    for line in lines:
        if line.startswith("\\"):
            order = int(line[1])
            if order == 3:
                break
            continue
        written, *numbers = line.rsplit(maxsplit=3)
        names = written.split(" ")
        if len(names) != order or not all(names):
            continue  # the unknown word's
        name = _word(names[-1])
        if name is None:
            continue
        if order == 1:
            model.words[name] = _sum(model.words.get(name), -float(numbers[0]))
        elif names[0] == _EDGE or _word(names[0]):
            after = model.pairs.setdefault("" if names[0] == _EDGE else names[0], {})
            after[name] = _sum(after.get(name), -float(numbers[0]))
    return model


def _sum(a: float | None, b: float) -> float:
    return b if a is None else max(a, b) + math.log1p(math.exp(-abs(a - b)))


def _word(written: str) -> str | None:
    """A word we can say; "" for what closes a sentence; None for all else."""
    if written in _STOPS:
        return ""
    if len(written) <= _LONGEST and all("\u4e00" <= character <= "\u9fff" for character in written):
        return written
    return None
