"""What the ears heard, as one would write it: 三栋二单元五零四 becomes 3栋2单元504; what is kept is what was said.

One table of rules, tried in order wherever a number begins. What no rule knows stays as it was said: a numeral too
many is read easily, a figure in the middle of a word is not.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from asr_models.numerals import MYRIADS, in_digits, value


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a written text, and the characters `start:end` of the spoken text that it stands for."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Written:
    """A written text. Its pieces follow on each other and cover all that was said.

    A piece cannot be cut: it is a single character where digits were said one by one and where nothing changed,
    the whole number elsewhere.
    """

    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


_RUN = "零〇幺一二三四五六七八九"
_NUMERALS = _RUN + "两十百千万亿"
_ALONE = f"(?<![0-9*{_NUMERALS}几数第初周])(?<!星期)(?<!礼拜)(?<!大年)"
_ENDED = f"(?![0-9*{_NUMERALS}几])"
_NUMBER = f"{_ALONE}[{_NUMERALS}]++(?:点[{_RUN}]++[万亿]?)?{_ENDED}"


def _figures(said: str) -> str | None:
    whole, point, rest = said.partition("点")
    if point:
        before, after = value(whole), rest.rstrip("万亿")
        return None if before is None else f"{before}.{in_digits(after)}{rest[len(after) :]}"
    number = value(said)
    if number is None or said[-1] not in MYRIADS:
        return None if number is None else str(number)
    return re.sub("[^万亿]+", lambda part: str(value(part[0])), said)  # 三十万 is 30万, not 300000


def _between(least: int, most: int) -> Callable[[str], str | None]:
    def convert(said: str) -> str | None:
        number = value(said)
        return str(number) if number is not None and least <= number <= most else None

    return convert


def _minutes(said: str) -> str | None:
    minutes = str(value(said)).zfill(2) if said[0] in "零〇" else str(value(said))
    return minutes if len(minutes) == 2 and minutes < "60" else None


# What <letter> in a pattern stands for: how it is said, and what is written for it (None: it is no such number).
_KINDS: dict[str, tuple[str, Callable[[str], str | None]]] = {
    "n": (_NUMBER, lambda said: None if said == "两" else _figures(said)),
    "c": (_NUMBER, lambda said: None if said in ("一", "两") else _figures(said)),  # 一米, 两米 read well as they are
    "t": (_NUMBER, lambda said: _figures(said) if re.search("[十百千万亿]", said) else None),  # ten or more
    "h": (f"{_ALONE}[{_NUMERALS}]++", _between(0, 24)),
    "H": (f"{_ALONE}[{_NUMERALS}]++", _between(13, 24)),  # by a clock of 24 hours
    "m": (f"[{_NUMERALS}]{{2,3}}+{_ENDED}", _minutes),
    "d": (f"[{_RUN}]", in_digits),
}

_DAYTIMES = "上午下午早上早晨清晨晚上凌晨中午半夜傍晚夜里深夜今早今晚明早明晚昨晚点到点至钟到钟至"
_WORDS = {
    "DAYTIME": "(?:" + "|".join(f"(?<={_DAYTIMES[at : at + 2]})" for at in range(0, len(_DAYTIMES), 2)) + ")",
    # measured: in figures however little
    "HARD": "(?:块钱|元(?![村桥街路巷宫场镇里])|毛钱|公里|千米|厘米|毫米|平方|平米|立方|公斤|千克|毫升|公顷|分贝|千瓦"
    "|千伏|[米吨斤克升伏亩层岁兆]|度(?![过假])|瓦(?!窑))",
    # counted: in figures from ten upwards
    "SOFT": "(?:个(?![不放])|[位名户家次趟遍天年周秒块台辆部套间棵根条张份件袋瓶桶箱盏只头处页倍组平级栋期批人室]"
    "|分钟|小时|世纪|里路|分(?!之)|日(?![本元子常]))",
    "ALONE": _ALONE,
    "ENDED": _ENDED,
    "NUM": f"[{_NUMERALS}]",
}

_TABLE: dict[str, tuple[str, ...]] = {
    "words and names that only look like numbers": (
        "三百六十行|十全十美|十万火急|十万八千里|八月十五|十月(?:革命|怀胎)|十天半|一千零一夜|七零八落|十有八九|三十六计",
        "二百五(?!NUM|[点块元米])|一万个(?=[不放])|十分(?!钟)|十二桥|十二生肖|二十四孝",
    ),
    "mobile numbers, whatever follows": ("ALONE(?=[幺一])<d11>(?=NUM[十百千万]|ENDED)",),
    "other telephone numbers, identity cards": ("ALONE<d5,>ENDED",),
    "emergency numbers": ("ALONE(?=一一[零九]|一二[零二])<d3>ENDED",),
    "years": ("ALONE<d4>(?=年)", "ALONE(?=零|九[零一二三四五六七])<d2>(?=年)"),
    "rooms and other short numbers": (
        "ALONE(?=NUM*[零〇幺])<d3,4>ENDED",
        "(?<=[元栋幢楼座层号])<d3,4>ENDED",
        "ALONE<d3,4>(?=[号室房栋幢]|路公交|路车)",
    ),
    "shares": ("百分之<n> → {}%", "千分之<n> → {}‰"),
    "dates": ("<n>月<n>(?=[日号])", "<n>月<t>(?=[早上下中晚凌左前后到至]|$)"),
    "months": ("(?=十?NUM月)<n>(?=月(?![初饼子亮嫂经票租薪]))",),
    "addresses": (
        # 这一栋, 每一楼: one of them, not the first
        "(?:(?<![这那每某哪同另任唯统有])|(?!一))<n>(?=号|单元|[栋幢](?=NUM|单元|[0-9])|楼(?![盘宇道市房梯]))",
        "(?<=[村社区])<n>(?=[组社队])",
    ),
    "bus routes": ("(?<=[坐乘等挤])<n>(?=路)", "<n>(?=路(?:公交|车))"),
    "ranges": ("<n>[到至]<n>(?=HARD|[号楼月])", "<n>[到至]<t>(?=SOFT)", "<t>(?=[到至]NUM+(?:HARD|SOFT))"),
    "money and lengths with a rest": (
        "<c>[块米](?![一两])<d1>(?!NUM|[斤个次天人年月张份瓶袋])",
        "<c>块<d1>(?=[毛角])",
    ),
    "measures": (
        "<c>(?=HARD)",
        "ALONE(?!NUM+点NUM+分)<t>(?=[多余来]?(?:HARD|SOFT|月[前后内以]))",
        "ALONE(?=NUM+点)<c>(?=倍|个?小时|个月|年)",
    ),
    "times by a clock of 24 hours": ("<H>点<m>分? → {}:{}",),
    "times with minutes": (
        "<h>点<m>(?=分)",
        "DAYTIME<h>点<m>",
        "(?:DAYTIME|(?=NUM?十))<h>点<n>(?=分)",
        "<h>点(?=NUM?十)<m>",
    ),
    "hours": (
        "(?!一点[多左到至])<h>(?=点(?:半(?!点)|钟|整|[一三]刻|多|左右|到|至))",
        "DAYTIME(?!一点[都也儿声水电没不])<h>(?=点(?!NUM))",
        "(?=NUM?十)<h>(?=点(?!NUM))",
    ),
    "numbers long enough to be meant": (
        "ALONE(?=NUM*[百千万亿])(?=NUM{3})<n>",
        "ALONE(?=NUM+点NUM(?:NUM|[万亿]))<n>",
    ),
    "amounts at the end": ("(?=NUM[百千万亿])<n>(?=$|左右|以|[，。！？])",),
}


@dataclass(frozen=True, slots=True)
class _Rule:
    """What is not marked in `pattern` is copied; with a `form`, the numbers go into that instead."""

    pattern: re.Pattern[str]
    form: str

    def pieces(self, text: str, at: int) -> list[Piece] | None:
        """Of what begins at `at`; None if the rule does not know it."""
        match = self.pattern.match(text, at)
        if not match:
            return None
        marks = sorted((*match.span(name), name[0]) for name, said in match.groupdict().items() if said)
        figures = [_KINDS[kind][1](text[start:end]) for start, end, kind in marks]
        if None in figures:
            return None
        if self.form:
            return [Piece(self.form.format(*figures), match.start(), match.end())]
        pieces: list[Piece] = []
        for (start, end, kind), written in zip(marks, figures, strict=True):
            pieces += _copied(text, pieces[-1].end if pieces else at, start)
            if kind == "d":
                pieces += [Piece(in_digits(text[n]), n, n + 1) for n in range(start, end)]
            else:
                pieces.append(Piece(str(written), start, end))
        return pieces + _copied(text, pieces[-1].end if pieces else at, match.end())


def _copied(text: str, start: int, end: int) -> list[Piece]:
    return [Piece(text[n], n, n + 1) for n in range(start, end)]


def _rule(row: str) -> _Rule:
    pattern, _, form = row.partition(" → ")
    names = iter(range(100))

    def mark(kind: re.Match[str]) -> str:
        times = f"{{{kind[2]}}}+" if kind[2] else ""
        return f"(?P<{kind[1]}{next(names)}>{_KINDS[kind[1]][0]}{times})"

    for word, meaning in _WORDS.items():
        pattern = pattern.replace(word, meaning)
    return _Rule(re.compile(re.sub(r"<([a-zA-Z])([0-9,]*)>", mark, pattern)), form)


_RULES = [_rule(row) for rows in _TABLE.values() for row in rows]
_BEGINS = frozenset(_NUMERALS)


def write(text: str) -> Written:
    """The written form of a spoken text, with what each piece of it stands for. Never raises.

    >>> [(piece.text, piece.start, piece.end) for piece in write("三十栋").pieces]
    [('30', 0, 2), ('栋', 2, 3)]
    """
    pieces: list[Piece] = []
    at = 0
    while at < len(text):
        rules = _RULES if text[at] in _BEGINS else ()
        pieces += next(filter(None, (rule.pieces(text, at) for rule in rules)), _copied(text, at, at + 1))
        at = pieces[-1].end
    return Written(tuple(pieces))


def written(text: str) -> str:
    """The written form of a spoken text.

    >>> written("我住三栋二单元五零四，电话幺三八零零幺三八零零零")
    '我住3栋2单元504，电话13800138000'
    """
    return write(text).text


def word_by_word(words: Sequence[str]) -> list[str]:
    """The written form of each word of an utterance. What stands for several words stands at the first, and ""
    at the others.

    >>> word_by_word(["花", "了", "一百", "二十", "块钱"])
    ['花', '了', '120', '', '块钱']
    """
    shown = [""] * len(words)
    ends = list(accumulate(map(len, words)))
    at = 0
    for piece in write("".join(words)).pieces:
        while ends[at] <= piece.start:
            at += 1
        shown[at] += piece.text
    return shown
