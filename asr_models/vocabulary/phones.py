"""From words to units: Mandarin syllables cut into an initial and a final with its tone, as the network names them.

A syllable is pinyin with a tone digit (`zhong1`; the neutral tone is 5; v for ü). Imported by whoever builds a
graph, so it needs pypinyin and nothing heavier.
"""

import functools
from collections.abc import Iterator, Sequence

SILENCE = "SIL"  # and every noise that is not speech
INITIALS = ("zh", "ch", "sh", *"bpmfdtnlgkhjqxrzcs")
# fmt: off
FINALS = (
    "a", "ai", "an", "ang", "ao", "e", "ei", "en", "eng", "er", "i", "ia", "ian", "iang", "iao", "ie", "ii", "iii",
    "in", "ing", "io", "iong", "iou", "o", "ong", "ou", "u", "ua", "uai", "uan", "uang", "uei", "uen", "ueng", "uo",
    "v", "van", "ve", "vn",
)
# fmt: on
TONES = 5

PHONES = (SILENCE, *INITIALS, *(f"{final}{tone}" for final in FINALS for tone in range(1, TONES + 1)))
"""All units: what the network can tell apart."""

PLACES = {"B": "begin", "I": "internal", "E": "end", "S": "singleton"}
"""Of a unit in its word, in Kaldi's words: they tell it where words begin and end, and so when each was said."""

PLACED = (
    SILENCE,
    *(f"{initial}_{place}" for initial in INITIALS for place in "BI"),
    *(f"{unit}_{place}" for unit in PHONES[1 + len(INITIALS) :] for place in PLACES),
)
"""The units as Kaldi knows them, each by its place here, from 1. To the network a unit is the same wherever it is."""

_STATES = dict.fromkeys((SILENCE, *INITIALS), 1)

_WHOLE = {
    "yi": "i", "ya": "ia", "yan": "ian", "yang": "iang", "yao": "iao", "ye": "ie", "yin": "in", "ying": "ing",
    "yo": "io", "yong": "iong", "you": "iou", "yu": "v", "yuan": "van", "yue": "ve", "yun": "vn",
    "wu": "u", "wa": "ua", "wai": "uai", "wan": "uan", "wang": "uang", "wei": "uei", "wen": "uen", "weng": "ueng",
    "wo": "uo", "wong": "ueng", "n": "en", "ng": "en", "m": "en", "hm": "en", "hng": "en", "ê": "ei", "yai": "ai",
}  # fmt: skip
_SHORT = {"iu": "iou", "ui": "uei", "un": "uen", "ue": "ve", "uai": "uai"}


class NotPinyin(ValueError):
    """A syllable that cannot be cut into an initial and a final."""

    def __init__(self, syllable: str) -> None:
        self.syllable = syllable
        super().__init__(f"{syllable!r} is not a Mandarin syllable with its tone, such as zhong1 (ü is written v)")


def states(phone: str) -> int:
    """HMM states of a unit: the second half of a final sounds unlike the first, an initial is too short for two."""
    return _STATES.get(phone, 2)


@functools.cache
def pdfs() -> dict[tuple[str, int], int]:
    """The network's output for each state of each unit."""
    pairs = [(phone, state) for phone in PHONES for state in range(states(phone))]
    return {pair: number for number, pair in enumerate(pairs)}


def transitions() -> list[tuple[int, int, int]]:
    """(phone, state, pdf), sorted, as final.mdl lists them; of the n-th (from 1), the self-loop is transition 2n - 1
    and the way on 2n."""
    return [
        (number, state, pdfs()[plain(unit), state])
        for number, unit in enumerate(PLACED, 1)
        for state in range(states(plain(unit)))
    ]


def word_boundaries() -> str:
    """graph/phones/word_boundary.int: without it Vosk's times of words are a guess."""
    places = (PLACES.get(unit.partition("_")[2], "nonword") for unit in PLACED)
    return "".join(f"{number} {place}\n" for number, place in enumerate(places, 1))


@functools.cache
def phones(syllable: str) -> tuple[str, ...]:
    """The units of one syllable: `("zh", "ong1")`, or a final alone. Raises `NotPinyin`.

    >>> phones("xue2"), phones("shi4"), phones("yuan5"), phones("r5")
    (('x', 've2'), ('sh', 'iii4'), ('van5',), ('er5',))
    """
    body, tone = syllable[:-1].lower().replace("ü", "v").replace("u:", "v"), syllable[-1:]
    if tone not in "12345" or not body:
        raise NotPinyin(syllable)
    if body == "r":
        return (f"er{tone}",)
    if body in _WHOLE:
        return (f"{_WHOLE[body]}{tone}",)
    initial = next((initial for initial in INITIALS if body.startswith(initial)), "")
    final = body[len(initial) :]
    if initial in ("j", "q", "x") and final.startswith("u"):
        final = f"v{final[1:]}"
    elif final == "i" and initial in ("zh", "ch", "sh", "r"):
        final = "iii"
    elif final == "i" and initial in ("z", "c", "s"):
        final = "ii"
    elif initial:
        final = _SHORT.get(final, final)
    if final not in FINALS:
        raise NotPinyin(syllable)
    return (initial, f"{final}{tone}") if initial else (f"{final}{tone}",)


def word_phones(syllables: Sequence[str]) -> tuple[str, ...]:
    """The units of a word. Raises `NotPinyin`."""
    return tuple(phone for syllable in syllables for phone in phones(syllable))


def placed(way: Sequence[str]) -> tuple[str, ...]:
    """A word's units with their places in it.

    >>> placed(("l", "u4", "d", "eng1")), placed(("er4",))
    (('l_B', 'u4_I', 'd_I', 'eng1_E'), ('er4_S',))
    """
    if len(way) == 1:
        return (f"{way[0]}_S",)
    return (f"{way[0]}_B", *(f"{unit}_I" for unit in way[1:-1]), f"{way[-1]}_E")


def plain(unit: str) -> str:
    """The unit without its place."""
    return unit.partition("_")[0]


_NASALS = {"ing": "in", "eng": "en"}
_FLAT = {"zh": "z", "ch": "c", "sh": "s"}


def sichuan(syllable: str) -> str:
    """The syllable as much of Sichuan says it: n is l, zh is z, eng is en, ing is in.

    What is spoken so is trained under the name that Mandarin gives it, so that the network learns to doubt
    where these ears must doubt; variants in the lexicon would double the graph and say no more.

    >>> [sichuan(syllable) for syllable in ("nan2", "zheng4", "sheng1", "ming2", "ning2")]
    ['lan2', 'zen4', 'sen1', 'min2', 'lin2']
    """
    body, tone = syllable[:-1], syllable[-1]
    for flat, soft in _FLAT.items():
        if body.startswith(flat):
            body = soft + body[2:]
    if body.startswith("n") and not body.startswith(("nv", "ng")) and len(body) > 1:
        body = "l" + body[1:]
    for nasal, front in _NASALS.items():
        if body.endswith(nasal):
            body = body.removesuffix(nasal) + front
    return body + tone


def sandhi(word: str, syllables: Sequence[str]) -> list[str]:
    """The tones as they are said in one breath: the first of two third tones rises, 一 and 不 give way.

    >>> sandhi("你好", ["ni3", "hao3"]), sandhi("一定", ["yi1", "ding4"]), sandhi("不要", ["bu4", "yao4"])
    (['ni2', 'hao3'], ['yi2', 'ding4'], ['bu2', 'yao4'])
    """
    said = list(syllables)
    for at, (character, following) in enumerate(zip(word, said[1:], strict=False)):
        if said[at][-1] == "3" and following[-1] == "3":
            said[at] = said[at][:-1] + "2"
        elif character == "一" and said[at] == "yi1" and following[-1] in "1234":
            said[at] = "yi2" if following[-1] == "4" else "yi4"
        elif character == "不" and said[at] == "bu4" and following[-1] == "4":
            said[at] = "bu2"
    return said


def readings(word: str, known: dict[str, list[str]] | None = None) -> list[str]:
    """The syllables of a Chinese word: as `known` says, else as pypinyin guesses; [] when it has none."""
    from pypinyin import Style, lazy_pinyin

    if known and word in known:
        return known[word]
    said = lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True, v_to_u=False, errors="ignore")
    return said if len(said) == len(word) else []


def all_readings(word: str, known: dict[str, list[str]] | None = None) -> Iterator[list[str]]:
    """Every reading of a word: of one character all that are in use, of a longer word the one that context gives."""
    if len(word) > 1 or (known and word in known):
        if reading := readings(word, known):
            yield reading
        return
    from pypinyin import Style, pinyin

    for said in pinyin(word, style=Style.TONE3, heteronym=True, neutral_tone_with_five=True, errors="ignore"):
        yield from ([reading] for reading in said)
