"""Numbers as they are said in Chinese and as figures, both ways: 一百二十三 and 123."""

import re

DIGITS = dict(zip("零〇一二三四五六七八九", "00123456789", strict=True)) | {"幺": "1", "两": "2"}
"""幺 is how a 1 is said in telephone and room numbers; 两 is a 2 before a measure word."""
TENS = {"十": 10, "百": 100, "千": 1000}
MYRIADS = {"万": 10_000, "亿": 100_000_000}
_MOST = 10**12
_NAMES = "零一二三四五六七八九"
_NEVER = re.compile("幺|两十|.两$|[^万亿]两[万亿]")  # in a number with units; 一千两百万 is one, 十两万 is none


def value(said: str) -> int | None:
    """What a number with its units comes to; None if it is no single number.

    >>> value("一千零五十"), value("两千五"), value("七八"), value("二百二三十")
    (1050, 2500, None, None)
    """
    if not said or _NEVER.search(said):
        return None
    total = section = 0
    digit: int | None = None
    zero = False  # since the last unit
    unit, myriad = 10_000, _MOST  # the last ones said: they only grow smaller
    for char in said:
        if char in MYRIADS:
            if digit is not None and section and unit > 10 and not zero:  # 一千五万: neither 1005 nor 1500
                return None
            section += digit or 0
            if not section or (zero and digit is None) or MYRIADS[char] >= myriad:
                return None
            total, section, digit, zero = total + section * MYRIADS[char], 0, None, False
            myriad = MYRIADS[char]
            unit = 10_000
        elif char in TENS:
            if TENS[char] >= unit or (digit is None and char != "十"):
                return None
            section, digit, zero = section + (1 if digit is None else digit) * TENS[char], None, False
            unit = TENS[char]
        elif char not in DIGITS or digit is not None or (zero and DIGITS[char] == "0"):
            return None
        elif DIGITS[char] == "0":
            zero = True
        else:
            digit = int(DIGITS[char])
    if digit is None:
        return None if zero and said not in ("零", "〇") else total + section
    # 两千五: the unit that was left away is the next smaller one
    last = unit if section else myriad if total else 0
    return total + section + (digit * last // 10 if last > 10 and not zero else digit)


def in_digits(said: str) -> str:
    """Digit by digit.

    >>> in_digits("幺三八零")
    '1380'
    """
    return "".join(DIGITS[char] for char in said)


def digit_by_digit(figures: str) -> str:
    """The inverse: each figure by its name."""
    return "".join(_NAMES[int(figure)] for figure in figures)


def readings(figures: str) -> list[str]:
    """Every way a number in ASCII figures, perhaps with a decimal point, may be read aloud; the likeliest first.

    >>> readings("504"), readings("2.50")
    (['五百零四', '五零四'], ['二点五零', '两点五零'])
    """
    whole, point, part = figures.partition(".")
    said = [digit_by_digit(whole)]
    if len(whole) >= 3:
        said.append(said[0].replace("一", "幺"))
    if whole == "0" or (whole[0] != "0" and len(whole) < len(str(_MOST))):
        name = cardinal(int(whole))
        said = [name, "两" if name == "二" else re.sub("二(?=[百千万亿])", "两", name), *said]
    return [one + "点" * bool(point) + digit_by_digit(part) for one in dict.fromkeys(said)]


def cardinal(number: int) -> str:
    """How a number from 0 up to (not including) 10¹² is said. Raises `ValueError` for others.

    >>> cardinal(12), cardinal(1050), cardinal(30_000_400)
    ('十二', '一千零五十', '三千万零四百')
    """
    if not 0 <= number < _MOST:
        raise ValueError(f"{number} is not between 0 and {_MOST}")
    said, rest = "", number
    for name, unit in (*reversed(MYRIADS.items()), *reversed(TENS.items())):
        count, rest = divmod(rest, unit)
        if count:
            said += "零" if said and _gap(number, count, unit) else ""
            said += cardinal(count) + name
    if rest or not said:
        said += "零" if said and _gap(number, rest, 1) else ""
        said += _NAMES[rest]
    return said.removeprefix("一") if said.startswith("一十") else said


def _gap(number: int, count: int, unit: int) -> bool:
    """Whether a power of ten is skipped before `count` of this unit."""
    return not number // (unit * int("1" + "0" * len(str(count)))) % 10
