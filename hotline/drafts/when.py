"""When it happened: what a caller says of days and hours, resolved from the moment of the call, in Shanghai."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from asr_models.numerals import DIGITS, value
from hotline.clock import shanghai
from hotline.drafts.found import Named, just_before

_N = "[0-9零一二两三四五六七八九十]{1,3}"
_YEAR = "[0-9零一二三四五六七八九]{4}"
_DAYS_AGO = {"大前": 3, "前": 2, "昨": 1, "今": 0}
_PARTS = "凌晨|清早|大清早|清晨|早晨|早上|早|上午|中午|下午|傍晚|晚上|夜晚|晚|半夜|深夜|夜里|夜头"
_AFTERNOON = ("下午", "傍晚", "晚上", "夜晚", "晚")
_NIGHT = ("半夜", "深夜", "夜里", "夜头")

_DAY = (
    rf"(?P<ago>大前|前|昨|今)(?:(?:天|日|夜)(?:的)?|(?=[晚早]))"
    rf"|(?P<days>{_N}|几)天(?:以)?前"
    rf"|(?:(?P<year>{_YEAR})年|(?P<that>今|去|前)年)?(?P<month>{_N})月(?:份)?(?:(?P<day>{_N})(?:号|日))?"
    rf"|(?P<last>上个月|这个月|本月|上月)(?:的)?(?P<mday>{_N})(?:号|日)"
    rf"|(?P<week>上(?:个)?(?:周|星期|礼拜)|(?:这|本)(?:个)?(?:周|星期|礼拜)|周|星期|礼拜)(?P<weekday>[一二三四五六天日末])"
    r"|(?P<lastmonth>上个月|上月)|(?P<lastyear>去年|前年|今年)|(?P<lastweek>上(?:个)?(?:周|星期|礼拜))"
    r"|(?P<just>刚刚|刚才|才将|将才)"
)
_HOUR = (
    rf"(?P<part>{_PARTS})?(?:的|大概|大约|差不多)*"
    rf"(?:(?P<hour>{_N})(?:点|时)(?:钟)?(?:(?P<half>半)|(?P<minute>{_N})分?)?)?"
)
_WHEN = re.compile(rf"(?:{_DAY})(?:{_HOUR})")
_REGULARLY = re.compile(
    r"(?:每天|天天|每晚|每周|每个?月|每年|一到|每逢|逢|到了|等到|截止|以前|希望|能不能|可不可以)[^，。\n]{0,6}$"
)


def find_when(text: str, called_at: datetime) -> Named | None:
    """The time of the event as ``2026-11-24 18:00``, or as much of it as was said (day, month, year).

    The first time that lies before the call and is not said of every day. `called_at` is any aware moment.
    """
    now = shanghai(called_at)
    for match in _WHEN.finditer(text):
        if just_before(_REGULARLY, text, match.start()):
            continue
        resolved = _resolve(match, now)
        if resolved is not None:
            return Named(resolved, match.start(), match.end(), 0.7)
    return None


def _resolve(match: re.Match[str], now: datetime) -> str | None:
    part = match["part"] or ("晚" if "夜" in match[0] else None)
    if match["just"]:
        return f"{now:%Y-%m-%d %H:%M}"
    if match["lastyear"]:
        return (
            str(now.year - {"去年": 1, "前年": 2, "今年": 0}[match["lastyear"]])
            if match["lastyear"] != "今年"
            else None
        )
    if match["lastmonth"]:
        return f"{now.replace(day=1) - timedelta(days=1):%Y-%m}"
    if match["lastweek"] and not match["weekday"]:
        return None  # no day, and a week has no short name
    if match["month"] and not match["day"]:
        return _month(match, now)
    day = _date(match, now)
    if day is None or day.date() > now.date():
        return None
    if match["hour"] is None:
        return f"{day:%Y-%m-%d}"
    hour, minute = _number(match["hour"]), 30 if match["half"] else _number(match["minute"] or "0")
    if hour is None or minute is None or hour > 24 or minute > 59:
        return f"{day:%Y-%m-%d}"
    if (hour < 12 and (part in _AFTERNOON or (part in _NIGHT and hour >= 6))) or (part == "中午" and hour < 6):
        hour += 12
    elif part in ("晚上", "晚", "夜晚", *_NIGHT) and hour == 12:
        hour = 24
    at = day.replace(hour=0, minute=minute) + timedelta(hours=hour)
    return f"{at:%Y-%m-%d %H:%M}" if at <= now else f"{day:%Y-%m-%d}"


def _month(match: re.Match[str], now: datetime) -> str | None:
    month = _number(match["month"])
    if month is None or not 1 <= month <= 12:
        return None
    year = _year(match, now)
    if year is None:
        year = now.year if month <= now.month else now.year - 1
    return f"{year}-{month:02d}" if (year, month) <= (now.year, now.month) else None


def _date(match: re.Match[str], now: datetime) -> datetime | None:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if match["ago"]:
        return midnight - timedelta(days=_DAYS_AGO[match["ago"]])
    if match["days"]:
        days = _number(match["days"])
        return None if days is None else midnight - timedelta(days=days)
    if match["weekday"]:
        weekday = "一二三四五六天".find(match["weekday"].replace("日", "天"))
        if weekday < 0:
            return None
        this = midnight - timedelta(days=midnight.weekday()) + timedelta(days=weekday)
        if match["week"].startswith("上"):
            return this - timedelta(days=7)
        return this if this <= midnight else this - timedelta(days=7)
    try:
        if match["last"]:
            first = midnight.replace(day=1)
            base = first - timedelta(days=1) if match["last"].startswith("上") else first
            return base.replace(day=_number(match["mday"]) or 0)
        month, day = _number(match["month"]), _number(match["day"])
        date = midnight.replace(year=_year(match, now) or now.year, month=month or 0, day=day or 0)
    except ValueError:
        return None
    if date > midnight and _year(match, now) is None:
        date = date.replace(year=now.year - 1)
    return date


def _year(match: re.Match[str], now: datetime) -> int | None:
    if match["year"]:
        return int("".join(DIGITS.get(c, c) for c in match["year"]))
    return now.year - {"今": 0, "去": 1, "前": 2}[match["that"]] if match["that"] else None


def _number(said: str) -> int | None:
    return int(said) if said.isascii() and said.isdigit() else value(said)
