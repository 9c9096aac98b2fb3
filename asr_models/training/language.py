"""Which words follow which: the hotline's sentences counted, mixed with general Mandarin, pruned to what fits.

Where the hotline's own sentences have often been at a word they are believed; where they have not, Mandarin is.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from asr_models.training import text
from asr_models.training.mandarin import Mandarin
from asr_models.vocabulary.grams import END, NEVER, START, Grams

EDGE = ""
DISCOUNT = 0.45
_OFTEN = 0.25


@dataclass(frozen=True)
class Size:
    """What the graph can carry, and how far the hotline's own sentences are believed."""

    each: int = 150  # sentences of every shape
    words: int = 36_000  # of general Mandarin, beside all that the sentences use
    pairs: int = 320_000
    triples: int = 120_000
    own_words: float = 0.55
    own_pairs: float = 0.8
    trust: float = 25.0  # times a word was seen in the sentences, and they weigh half of `own_pairs`


class Cutter:
    """Cuts sentences into words that the language knows: Mandarin's, and the names of this city."""

    def __init__(self, mandarin: Mandarin, names: Iterable[str]) -> None:
        import tempfile

        import jieba

        with tempfile.TemporaryDirectory() as folder:
            counts = (f"{word} {max(int(math.exp(p) * 1e9), 1)}\n" for word, p in mandarin.words.items() if word)
            lexicon = Path(folder) / "words.txt"
            lexicon.write_text("".join(counts), encoding="utf-8")
            self._jieba = jieba.Tokenizer(dictionary=str(lexicon))
            self._jieba.tmp_dir = folder  # for its cache, which is of no use again
            self._jieba.initialize()
        for name in names:
            for word in cores(name):
                self._jieba.add_word(word, freq=max(self._jieba.FREQ.get(word) or 0, 20_000))

    def words(self, sentence: str) -> list[str]:
        return [word for word in self._jieba.cut(sentence, HMM=False) if word]


# fmt: off
_ENDINGS = (
    "街道办事处", "街道办", "街道", "社区", "小区", "花园", "大道", "大街", "地铁站", "广场", "公园", "医院", "大学",
    "中学", "小学", "立交桥", "立交", "市场", "车站", "东路", "西路", "南路", "北路", "中路", "东街", "西街", "南街",
    "北街", "中街", "新区", "古镇", "公司", "路", "街", "巷", "镇", "乡", "站", "区", "县", "市", "村", "苑",
)
# fmt: on


def cores(name: str) -> list[str]:
    """A name that is short enough to be a word, and what is left of it without its kind: 抚琴街道, 抚琴."""
    found = [name] if 2 <= len(name) <= 4 else []
    for ending in _ENDINGS:
        core = name.removesuffix(ending)
        if core != name and 2 <= len(core) <= 4:
            found.append(core)
            break
    return found


def sentences(cutter: Cutter, shapes: text.Shapes, each: int, random: Random) -> list[list[list[str]]]:
    """`each` sentences of every shape; half of them whole, as said in one breath, half clause by clause."""
    cut = []
    for shape in shapes.shapes:
        said = []
        for _ in range(each):
            clauses = text.clauses(text.expand(shape, shapes.slots, random))
            said += [cutter.words(one) for one in (["".join(clauses)] if random.random() < 0.5 else clauses)]
        cut.append(said)
    return cut


def named(cutter: Cutter, names: Iterable[str]) -> set[str]:
    """The words that it takes to say each of the names, with and without its kind."""
    return {word for name in names for word in (*cores(name), *cutter.words(name))}


def ngrams(said: Sequence[Sequence[Sequence[str]]], mandarin: Mandarin, size: Size, also: Iterable[str] = ()) -> Grams:
    """Words, pairs and triples of the sentences of every shape and of Mandarin, as many as `size` allows.

    `also` are words that are to be among them in any case, and count as if a shape had said them once.
    """
    one = _counted(said, 1)
    for word in sorted(set(also)):
        one[word,] = max(one.get((word,), 0.0), _OFTEN)
    two = _counted(said, 2)
    three = _counted(said, 3)
    words = _words(one, mandarin, size)
    pairs = _pairs(two, words, mandarin, size)
    chances: dict[tuple[str, ...], float] = {(word,): p for word, p in words.items()}
    chances.update(pairs)
    chances.update(_triples(two, three, words, pairs, size))
    grams = Grams({_named(gram): math.log(p) for gram, p in chances.items()})
    grams.logs[START,] = NEVER
    grams.weigh()
    return grams


def _named(gram: tuple[str, ...]) -> tuple[str, ...]:
    """With the edges by their names: at the end of a sentence, or at its start."""
    *before, word = gram
    return (*(one or START for one in before), word or END)


def _counted(said: Sequence[Sequence[Sequence[str]]], order: int) -> dict[tuple[str, ...], float]:
    """How often each n-gram was seen, as if every shape had been said a few times.

    A shape says the same again and again, which proves nothing; so what is seen n times in it counts as the
    root of n.
    """
    total: dict[tuple[str, ...], float] = defaultdict(float)
    for sentences in said:
        seen: Counter[tuple[str, ...]] = Counter()
        for sentence in sentences:
            padded = [EDGE] * (1 if order > 1 else 0) + [*sentence, EDGE]
            seen.update(zip(*(padded[start:] for start in range(order)), strict=False))
        for gram, count in seen.items():
            total[gram] += _OFTEN * math.sqrt(count)
    return dict(total)


def _words(counts: Mapping[tuple[str, ...], float], mandarin: Mandarin, size: Size) -> dict[str, float]:
    one = {gram[0]: count for gram, count in counts.items()}
    general = sorted((word for word in mandarin.words if word), key=lambda word: -mandarin.words[word])
    singles = [word for word in general if len(word) == 1][:4000]
    # In one order, so that the sums are the same on every machine.
    chosen = sorted({*one, *general[: size.words], *singles})
    total = sum(one.values())
    everyday = {word: math.exp(mandarin.words.get(word, -17.0)) for word in chosen}
    mass = sum(everyday.values())
    mixed = {
        word: size.own_words * one.get(word, 0) / total + (1 - size.own_words) * everyday[word] / mass
        for word in chosen
    }
    mass = sum(mixed.values())
    return {word: p / mass for word, p in mixed.items()}


def _pairs(
    two: Mapping[tuple[str, ...], float],
    words: dict[str, float],
    mandarin: Mandarin,
    size: Size,
) -> dict[tuple[str, ...], float]:
    starts: dict[str, float] = defaultdict(float)
    kinds: dict[str, float] = defaultdict(float)  # what the discount takes away
    for (before, _), count in two.items():
        starts[before] += count
        kinds[before] += min(count, DISCOUNT)
    candidates = {
        (before, word) for before, word in two if two[before, word] > DISCOUNT and before in words and word in words
    }
    candidates |= {
        (before, word) for before, after in mandarin.pairs.items() if before in words for word in after if word in words
    }
    worth: list[tuple[float, tuple[str, str], float]] = []
    for before, word in candidates:
        seen = starts.get(before, 0.0)
        trust = size.own_pairs * seen / (seen + size.trust)
        own = 0.0
        if seen:
            own = max(two.get((before, word), 0) - DISCOUNT, 0) / seen + kinds[before] / seen * words[word]
        everyday = mandarin.pairs.get(before, {}).get(word)
        general = math.exp(everyday) if everyday is not None else words[word] * 0.7
        p = min(trust * own + (1 - trust) * general, 0.95)
        gain = words.get(before or EDGE, 1e-6) * p * math.log(p / (words[word] * 0.7))
        if gain > 0:
            worth.append((gain, (before, word), p))
    worth.sort(reverse=True)
    return _trimmed({pair: p for _, pair, p in worth[: size.pairs]})


def _trimmed(pairs: dict[tuple[str, str], float]) -> dict[tuple[str, ...], float]:
    """No word's followers may take all that there is: something is left for the words nobody foresaw."""
    sums: Counter[str] = Counter()
    for (before, _), p in pairs.items():
        sums[before] += p  # type: ignore[assignment]
    return {(before, word): p * min(1.0, 0.97 / sums[before]) for (before, word), p in pairs.items()}


def _triples(
    two: Mapping[tuple[str, ...], float],
    three: Mapping[tuple[str, ...], float],
    words: dict[str, float],
    pairs: Mapping[tuple[str, ...], float],
    size: Size,
) -> dict[tuple[str, ...], float]:
    kinds: dict[tuple[str, str], float] = defaultdict(float)
    for (first, second, _), count in three.items():
        kinds[first, second] += min(count, DISCOUNT)
    total = sum(two.values())
    worth = []
    for (first, second, word), count in three.items():
        if count <= DISCOUNT or (first, second) not in pairs or word not in words or not second:
            continue
        seen = two[first, second]
        lower = pairs.get((second, word), words[word] * 0.5)
        p = min((count - DISCOUNT) / seen + kinds[first, second] / seen * lower, 0.95)
        p = size.own_pairs * p + (1 - size.own_pairs) * lower
        gain = seen / total * p * math.log(p / lower)
        if gain > 0:
            worth.append((gain, (first, second, word), p))
    worth.sort(reverse=True)
    kept = {triple: p for _, triple, p in worth[: size.triples]}
    sums: Counter[tuple[str, str]] = Counter()
    for (first, second, _), p in kept.items():
        sums[first, second] += p  # type: ignore[assignment]
    return {triple: p * min(1.0, 0.97 / sums[triple[:2]]) for triple, p in kept.items()}
