"""Hears a telephone number, in digits or spoken one by one (幺三八…), however it was broken up."""

import re

from asr_models.numerals import DIGITS
from hotline.drafts.found import Named, just_before

_VALUE = {str(n): str(n) for n in range(10)} | DIGITS
_DIGIT = "[0-9" + "".join(c for c in _VALUE if not c.isascii()) + "]"
_RUN = re.compile(rf"(?:\+?(?=86))?{_DIGIT}(?:[\s，,。.、\-—()（）]{{0,2}}{_DIGIT})*")
_MOBILE = re.compile(r"(?:86)?(1[3-9]\d{9})")
_LANDLINE = re.compile(r"(?:86)?(0(?:10|2\d|[3-9]\d{2})[2-8]\d{6,7})")
_LOCAL = re.compile(r"[2-8]\d{7}")
_CUE = re.compile(r"电话|号码|座机|联系|打给|打我|回我|回电|室|转")
_CUE_WITHIN = 12
_CORRECTION = re.compile(r"不对|错了|说错|不是|应该是|改成|尾号|尾巴|末尾|后头是|后面是|最后")
_LAST_ONE = re.compile(r"(?:最后|末尾)(?:的)?一(?:位|个)(?:数|数字)?(?:是|应该是)?$")
_WITHIN = 20  # characters between a number and the words that correct it
_OWN = re.compile(r"我(?:自己)?(?:的)?(?:电话|手机|号码|座机|联系方式)?(?:号码?)?(?:是|呢|就是)?$")
_OTHERS = re.compile(
    r"(?:他|她|老板|司机|卖家|房东|中介|对方|师傅|物业|公司|店头|店里)(?:的)?(?:电话|手机|号码|座机)(?:是|他|她)*$|电话是[他她]$"
)
_DIGITS_OF_MOBILE, _A_PART = 11, 6
_SAID_BEFORE = 4  # digits at most that a caller says of the end before the whole number again


def find_phone(text: str) -> Named | None:
    """The number to call back, in ASCII digits: the first said, unless corrected, in whole or at its end."""
    found: Named | None = None
    others = False  # the number is somebody else's
    begun: re.Match[str] | None = None
    for run in _RUN.finditer(text):
        if text.startswith("位", run.end()):
            continue  # 最后一位是九
        digits = "".join(_VALUE[c] for c in run.group() if c in _VALUE)
        if found and _corrects(text, found, run):
            found = _corrected(text, found, digits, run)
        elif (number := _number(text, digits, run)) and (
            found is None or (others and just_before(_OWN, text, run.start()))
        ):
            found = number
            others = just_before(_OTHERS, text, run.start()) is not None
        elif found is None and begun and run.start() - begun.end() <= _WITHIN:
            found = _completed(text, begun, digits, run)
        begun = run
    return found


def _completed(text: str, begun: re.Match[str], digits: str, run: re.Match[str]) -> Named | None:
    """A mobile number whose end was said (后头是 …) or corrected after a pause, or that was wrong and is said again."""
    if not _CORRECTION.search(text, begun.end(), run.start()):
        return None
    if again := _said_again(digits):
        return Named(again, run.start(), run.end(), 0.9)
    first = "".join(_VALUE[c] for c in begun.group() if c in _VALUE)
    number = _whole(first[: _DIGITS_OF_MOBILE - len(digits)] + digits) if len(digits) <= _A_PART else None
    return Named(number, begun.start(), run.end(), 0.7) if number and len(first) >= _A_PART else None


def _corrects(text: str, found: Named, run: re.Match[str]) -> bool:
    return run.start() - found.end <= _WITHIN and _CORRECTION.search(text, found.end, run.start()) is not None


def _corrected(text: str, found: Named, digits: str, run: re.Match[str]) -> Named:
    """`found` with the digits that were said after 不对: the whole number again, or only its end."""
    whole = _said_again(digits)
    if whole is None and len(digits) == len(found.value):
        whole = digits
    if whole is None:
        if _LAST_ONE.search(text, found.end, run.start()):
            digits = digits[:1]  # 最后一位是九，七四九
        if len(digits) > len(found.value) - 3:
            return found
        whole = found.value[: -len(digits)] + digits
    return Named(whole, found.start, run.end(), 0.9)


def _said_again(digits: str) -> str | None:
    """The whole number, perhaps after what its end should be."""
    return next((whole for said in range(_SAID_BEFORE + 1) if (whole := _whole(digits[said:]))), None)


def _number(text: str, digits: str, run: re.Match[str]) -> Named | None:
    half = len(digits) // 2
    if half and digits[:half] == digits[half:] and _whole(digits[:half]):
        digits = digits[:half]  # said twice, to be sure
    if number := _whole(digits):
        return Named(number, run.start(), run.end(), 0.9)
    if _LOCAL.fullmatch(digits) and _CUE.search(text, max(0, run.start() - _CUE_WITHIN), run.start()):
        return Named(digits, run.start(), run.end(), 0.7)
    return None


def _whole(digits: str) -> str | None:
    """The national number when the digits are exactly one; a longer run (an identity card) is none."""
    match = _MOBILE.fullmatch(digits) or _LANDLINE.fullmatch(digits)
    return match.group(1) if match else None
