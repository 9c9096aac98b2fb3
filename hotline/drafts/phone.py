"""Hears a telephone number, in digits or spoken one by one (幺三八…), however it was broken up."""

import re
from collections.abc import Iterator

from hotline.drafts.found import Named

_VALUE = {
    **{str(n): str(n) for n in range(10)},
    **dict(zip("零〇一二三四五六七八九", "00123456789", strict=True)),
    "幺": "1",
    "两": "2",
}
_DIGIT = "[0-9" + "".join(c for c in _VALUE if not c.isascii()) + "]"
_RUN = re.compile(rf"(?:\+?(?=86))?{_DIGIT}(?:[\s，,。.、\-—()（）]{{0,2}}{_DIGIT})*")
_MOBILE = re.compile(r"(?:86)?(1[3-9]\d{9})")
_LANDLINE = re.compile(r"(?:86)?(0(?:10|2\d|[3-9]\d{2})[2-8]\d{6,7})")
_LOCAL = re.compile(r"[2-8]\d{7}")
_CUE = re.compile(r"电话|号码|座机|联系|打给|打我")
_CUE_WITHIN = 12
_CORRECTION = re.compile(r"不对|错了|说错|不是|应该是|改成")


def find_phone(text: str) -> Named | None:
    """The number to call back, in ASCII digits: the first said, or the one said after a correction."""
    found: Named | None = None
    for number in _numbers(text):
        if found is None or _CORRECTION.search(text, found.end, number.start):
            found = number
    return found


def _numbers(text: str) -> Iterator[Named]:
    for run in _RUN.finditer(text):
        digits = "".join(_VALUE[c] for c in run.group() if c in _VALUE)
        half = len(digits) // 2
        if half and digits[:half] == digits[half:] and _whole(digits[:half]):
            digits = digits[:half]  # said twice, to be sure
        if number := _whole(digits):
            yield Named(number, run.start(), run.end(), 0.9)
        elif _LOCAL.fullmatch(digits) and _CUE.search(text, max(0, run.start() - _CUE_WITHIN), run.start()):
            yield Named(digits, run.start(), run.end(), 0.7)


def _whole(digits: str) -> str | None:
    """The national number when the digits are exactly one; a longer run (an identity card) is none."""
    match = _MOBILE.fullmatch(digits) or _LANDLINE.fullmatch(digits)
    return match.group(1) if match else None
