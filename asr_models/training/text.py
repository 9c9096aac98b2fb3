"""Sentences as callers and agents say them, from shapes and slots written as data (text/shapes, text/slots).

A shape is a sentence with choices: `(a|b)` one of, `[a|b]` one of or nothing, `{slot}` an entry of
slots/<slot>.txt or something made up on the spot (a telephone number, a time, a house number).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from asr_models.numerals import cardinal

TEXT = Path(__file__).parent / "text"

_DIGITS = "零一二三四五六七八九"


class ShapeWrong(ValueError):
    """A line of a shapes file that cannot be read; the message names it and what is wrong with it."""


Slot = Callable[[Random], str]


@dataclass(frozen=True)
class Shapes:
    """All shapes and what fills their slots."""

    shapes: list[str]
    slots: dict[str, Slot] = field(repr=False)

    def sentence(self, random: Random) -> str:
        """One sentence; punctuation is kept, as places where a speaker may pause."""
        return expand(random.choice(self.shapes), self.slots, random)


def read(folder: Path = TEXT) -> Shapes:
    """Raises `ShapeWrong` for the first shape that names no known slot or does not close what it opens."""
    lists = {path.stem: _lines(path) for path in sorted((folder / "slots").glob("*.txt"))}
    slots: dict[str, Slot] = {name: _one_of(entries) for name, entries in lists.items()}
    slots |= _MADE_UP | {"place": lambda random: expand(random.choice(_PLACES), slots, random)}
    shapes = []
    for path in sorted((folder / "shapes").glob("*.txt")):
        for line in _lines(path):
            try:
                expand(line, slots, Random(0))
            except ShapeWrong as wrong:
                raise ShapeWrong(f"{path.name}: {line}: {wrong}") from wrong
            shapes.append(line)
    return Shapes(shapes, slots)


def words(folder: Path = TEXT) -> dict[str, list[str]]:
    """Words with the reading they are to have (text/words/*.txt: word, tab, pinyin)."""
    known = {}
    for path in sorted((folder / "words").glob("*.txt")):
        for line in _lines(path):
            word, _, reading = line.partition("\t")
            known[word] = reading.split()
    return known


def entries(folder: Path = TEXT) -> list[str]:
    """All that fills the slots of slots/*.txt: names, people, and turns of phrase."""
    return [line for path in sorted((folder / "slots").glob("*.txt")) for line in _lines(path)]


_NAMES = ("company", "community", "district", "landmark", "metro", "road", "shop", "street", "unit")


def names(folder: Path = TEXT) -> list[str]:
    """The names among them: places, units, companies; the words a general dictionary lacks."""
    return [line for slot in _NAMES for line in _lines(folder / f"slots/{slot}.txt")]


def expand(shape: str, slots: dict[str, Slot], random: Random) -> str:
    """One sentence of a shape. Raises `ShapeWrong`.

    >>> expand("(井盖)坏了{when}", {"when": lambda random: "三天"}, Random(1))
    '井盖坏了三天'
    """
    text, rest = _sequence(shape, slots, random)
    if rest:
        raise ShapeWrong(f"{rest[0]!r} closes nothing")
    return text


def _sequence(rest: str, slots: dict[str, Slot], random: Random) -> tuple[str, str]:
    said = ""
    while rest and rest[0] not in ")]|":
        if rest[0] in "([":
            chosen, rest = _choice(rest, slots, random)
            said += chosen
        elif rest[0] == "{":
            name, closed, rest = rest[1:].partition("}")
            if not closed or name not in slots:
                raise ShapeWrong(f"no slot {name!r}")
            said += slots[name](random)
        else:
            said, rest = said + rest[0], rest[1:]
    return said, rest


def _choice(rest: str, slots: dict[str, Slot], random: Random) -> tuple[str, str]:
    opening, close = rest[0], {"(": ")", "[": "]"}[rest[0]]
    branches = []
    while rest and rest[0] != close:
        branch, rest = _sequence(rest[1:], slots, random)
        branches.append(branch)
        if rest and rest[0] not in (close, "|"):
            break
    if not rest or rest[0] != close:
        raise ShapeWrong(f"{opening!r} is not closed")
    if opening == "[" and random.random() < 0.5:
        return "", rest[1:]
    return random.choice(branches), rest[1:]


def clauses(sentence: str) -> list[str]:
    """The Chinese between the punctuation."""
    return re.findall(r"[\u4e00-\u9fff]+", sentence)


def _lines(path: Path) -> list[str]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _one_of(entries: list[str]) -> Slot:
    return lambda random: random.choice(entries)


def _digits(random: Random, count: int) -> str:
    return "".join(random.choice("零幺二三四五六七八九") for _ in range(count))


def _phone(random: Random) -> str:
    if random.random() < 0.2:
        return random.choice(("零二八", "")) + random.choice("八六") + _digits(random, 7)
    return "幺" + random.choice("三五七八九") + _digits(random, 9)


def _time(random: Random) -> str:
    day = random.choice(
        ("今天", "昨天", "前天", "明天", "今晚", "星期六", "上个星期", "前几天", "每天", "周末", "", "")
    )
    part = random.choice(("早上", "上午", "中午", "下午", "晚上", "凌晨", "半夜", "傍晚", ""))
    hour = random.choice("一两三四五六七八九") if random.random() < 0.7 else random.choice(("十", "十一", "十二"))
    minute = random.choice(("", "", "", "半", "多", "左右", "过", "一刻", f"{cardinal(random.randrange(10, 60))}分"))
    return f"{day}{part}{hour}点{minute}"


def _date(random: Random) -> str:
    month, day = cardinal(random.randint(1, 12)), cardinal(random.randint(1, 31))
    year = random.choice(("", "", "", "今年", "去年", "二零二五年", "二零二六年", "二零二四年"))
    return f"{year}{month}月{day}{random.choice('号号日')}" if random.random() < 0.8 else f"{year}{month}月份"


def _duration(random: Random) -> str:
    few = random.choice(
        ("一", "两", "三", "四", "五", "六", "七", "八", "十", "十几", "二十", "几", "半", "好几", "三四", "七八")
    )
    unit = random.choice(("个小时", "天", "天", "个月", "个星期", "年", "个多月", "分钟", "个多小时", "周"))
    if few == "半":
        unit = random.choice(("个小时", "天", "个月", "年", "个多月", "个多小时"))
    return few + unit + random.choice(("", "", "了", "多" if unit in ("天", "年") else ""))


def _amount(random: Random) -> str:
    value = random.choice((random.randint(2, 99), random.randint(1, 99) * 100, random.randint(1, 60) * 1000, 10))
    said = cardinal(value * random.choice((1, 1, 1, 10)))
    return said.replace("二千", "两千").replace("二百", random.choice(("两百", "二百"))) + random.choice(
        ("块钱", "块", "元", "多块钱", "")
    )


def _house(random: Random) -> str:
    block, unit = cardinal(random.randint(1, 30)), cardinal(random.randint(1, 5))
    room = random.randint(1, 33), random.randint(1, 8)
    said = "".join(_DIGITS[int(digit)] for digit in f"{room[0]}0{room[1]}")
    return random.choice(
        (
            f"{block}栋{unit}单元{said}",
            f"{block}栋{said}",
            f"{block}号楼{unit}单元{cardinal(room[0])}楼",
            f"{block}幢{said}号",
            f"{unit}单元{cardinal(room[0])}楼",
            f"{block}栋",
        )
    )


def _plate(random: Random) -> str:
    return "川" + "".join(random.choice("零幺二三四五六七八九") for _ in range(5))


def _house_number(random: Random) -> str:
    value = random.choice((random.randint(1, 99), random.randint(100, 999)))
    return f"{cardinal(value)}号" + random.choice(("", "", "附" + cardinal(random.randint(1, 20)) + "号"))


def _distance(random: Random) -> str:
    return random.choice(
        ("几米", "十几米", "五十米", "一百米", "两百米", "三百米", "五百米", "八百米", "一公里", "两公里", "三四公里")
    )


def _few(random: Random) -> str:
    return random.choice(
        ("一", "两", "三", "四", "五", "六", "七", "八", "九", "十", "十几", "几", "好几", "二十多", "三十", "两三")
    )


_MADE_UP: dict[str, Slot] = {
    "phone": _phone,
    "time": _time,
    "date": _date,
    "duration": _duration,
    "amount": _amount,
    "house": _house,
    "houseno": _house_number,
    "plate": _plate,
    "distance": _distance,
    "n": _few,
}

_PLACES = (
    "{district}{street}",
    "{district}{road}",
    "{district}{road}{houseno}",
    "{district}{community}",
    "{district}{street}{community}",
    "{street}{road}",
    "{road}{houseno}",
    "{road}和{road}(交叉口|路口|交界的地方)",
    "{community}{house}",
    "{community}",
    "{road}",
    "{landmark}(附近|旁边|对面|门口|外面|那边|这边|后面|里面)",
    "{district}{landmark}[附近|旁边|对面|门口]",
    "{metro}(附近|出口|旁边|门口)",
    "{community}(门口|外面|里面|地下车库|大门|后门|对面)",
    "{road}[靠近|挨着]{landmark}(这里|那里|这个位置|那一段)",
    "{district}",
    "{street}",
)
