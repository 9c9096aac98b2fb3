"""How well a model hears: recordings with what was said in them, heard as calls are, and what came out compared."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import soundfile
from pypinyin import lazy_pinyin
from rapidfuzz.distance import Levenshtein

from asr_models.numerals import cardinal, readings
from asr_models.recogniser import Model, transcribe_file
from asr_models.sound import TELEPHONE_RATE_HZ, SoundUnreadable, blocks

_SOUNDS = {f".{name.lower()}" for name in soundfile.available_formats()} | {".aif", ".oga", ".opus"}
_NOT_UNDERSTOOD = re.compile(r"\[unk\]|<unk>", re.IGNORECASE)
_FIGURES = re.compile(r"(?P<hour>\d{1,2}):(?P<minute>[0-5]\d)(?!\d)|(?P<number>\d+(?:,\d{3})*(?:\.\d+)?)(?P<share>%?)")


class CannotEvaluate(Exception):
    """There is nothing to hear; the message says why."""


# -- comparing ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Edits:
    """The fewest changes that make of what was said what was heard; `length` counts what was said."""

    substitutions: int = 0
    insertions: int = 0
    deletions: int = 0
    length: int = 0

    def __add__(self, other: Edits) -> Edits:
        return Edits(
            self.substitutions + other.substitutions,
            self.insertions + other.insertions,
            self.deletions + other.deletions,
            self.length + other.length,
        )

    @property
    def errors(self) -> int:
        return self.substitutions + self.insertions + self.deletions

    @property
    def rate(self) -> float | None:
        """Errors in proportion to what was said; above 1 if much was made up, None if nothing was said."""
        return self.errors / self.length if self.length else None


def edits(said: Sequence[Hashable], heard: Sequence[Hashable]) -> Edits:
    """Of characters, or of anything else that can be compared."""
    tags = [change.tag for change in Levenshtein.editops(said, heard)]
    return Edits(tags.count("replace"), tags.count("insert"), tags.count("delete"), len(said))


def normal(text: str) -> str:
    """Letters and characters alone: no spaces, no punctuation, nothing full-width, no capitals.

    >>> normal("Ｗｉ-Ｆｉ 坏了，  两天！")
    'wifi坏了两天'
    """
    text = unicodedata.normalize("NFKC", _NOT_UNDERSTOOD.sub("", text)).replace("〇", "零")
    return "".join(char for char in text.casefold() if unicodedata.category(char)[0] in "LN")


def spoken(said: str, heard: str) -> str:
    """`said` in its normal form, every number in figures read the way that comes nearest to `heard`.

    >>> spoken("3栋504室，110元。", "三栋五零四是一百一十元")
    '三栋五零四室一百一十元'
    """
    said = unicodedata.normalize("NFKC", said)
    choices: list[list[str]] = []  # the text in turns with its numbers
    at = 0
    for figures in _FIGURES.finditer(said):
        choices += [[said[at : figures.start()]], _ways(figures)]
        at = figures.end()
    choices.append([said[at:]])
    chosen = [ways[0] for ways in choices]
    heard = normal(heard)
    for n, ways in enumerate(choices):
        if len(ways) > 1:
            chosen[n] = min(ways, key=lambda way: _rate([*chosen[:n], way, *chosen[n + 1 :]], heard))
    return normal("".join(chosen))


def _rate(parts: Sequence[str], heard: str) -> float:
    said = normal("".join(parts))
    return Levenshtein.distance(said, heard) / len(said)


def _ways(figures: re.Match[str]) -> list[str]:
    if figures["hour"]:
        minutes = int(figures["minute"])
        rest = ["零" * (minutes < 10) + cardinal(minutes) + unit for unit in ("分", "")] if minutes else ["", "整"]
        rest += ["半"] if minutes == 30 else []
        return [f"{hour}点{more}" for hour in readings(str(int(figures["hour"]))) for more in rest]
    share = "百分之" if figures["share"] else ""
    return [share + one for one in readings(figures["number"].replace(",", ""))]


def pinyin(text: str) -> list[str]:
    """Its syllables without tones, and the letters of what is not Chinese."""
    letters: Any = list  # its types know of no answer but one string
    return lazy_pinyin(text, errors=letters)


# -- hearing -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Heard:
    """One recording: what was said in it and what was heard, in normal form."""

    file: str
    said: str
    heard: str
    characters: Edits
    syllables: Edits


@dataclass
class Report:
    """All recordings together; rates are over all characters, so that a long recording counts for more."""

    heard: list[Heard] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """Files that could not be used, each with the reason."""
    seconds: float = 0.0
    """Of sound."""
    hearing_seconds: float = 0.0
    """What hearing it took."""

    @property
    def characters(self) -> Edits:
        return sum((one.characters for one in self.heard), Edits())

    @property
    def syllables(self) -> Edits:
        return sum((one.syllables for one in self.heard), Edits())

    @property
    def real_time_factor(self) -> float | None:
        return self.hearing_seconds / self.seconds if self.seconds else None

    def worst(self, most: int) -> list[Heard]:
        """The recordings with the highest error rates, the highest first; none that was heard without error."""
        wrong = [one for one in self.heard if one.characters.errors]
        return sorted(wrong, key=lambda one: (-(one.characters.rate or 0), -one.characters.errors))[:most]

    def as_dict(self, worst: int) -> dict[str, Any]:
        characters, rate = self.characters, self.real_time_factor
        return {
            "files": len(self.heard),
            "seconds": round(self.seconds, 3),
            "characters": characters.length,
            "cer": _rounded(characters.rate),
            "substitutions": characters.substitutions,
            "insertions": characters.insertions,
            "deletions": characters.deletions,
            "pinyin_er": _rounded(self.syllables.rate),
            "rtf": _rounded(rate),
            "worst": [
                {"file": one.file, "cer": _rounded(one.characters.rate), "reference": one.said, "hypothesis": one.heard}
                for one in self.worst(worst)
            ],
            "skipped": [{"file": file, "reason": reason} for file, reason in self.skipped],
        }


def evaluate(
    model: Model,
    folder: Path,
    *,
    channel: int | None = None,
    telephone: bool = False,
    limit: int | None = None,
    tell: Callable[[int, int], None] = lambda done, total: None,
    clock: Callable[[], float] = time.perf_counter,
) -> Report:
    """Hears the recordings in `folder` and below (the first `limit` of them, by name), each with a .txt beside it.

    `tell` is told how many of how many are done. A file that cannot be used is skipped and the report says why;
    raises `CannotEvaluate` if there is no recording at all.
    """
    report = Report()
    sounds = find(folder, report.skipped)[:limit]
    for done, path in enumerate(sounds):
        tell(done, len(sounds))
        file = str(path.relative_to(folder))
        try:
            said = _said(path.with_suffix(".txt"))
            seconds = sum(map(len, blocks(path, TELEPHONE_RATE_HZ, channel=channel))) / 2 / TELEPHONE_RATE_HZ
            began = clock()
            heard = "".join(final.text for final in transcribe_file(path, model, channel=channel, telephone=telephone))
        except (SoundUnreadable, OSError, _NoReference) as trouble:
            report.skipped.append((file, str(trouble).removeprefix(f"{path} ")))
            continue
        report.hearing_seconds += clock() - began
        report.seconds += seconds
        report.heard.append(compare(file, said, heard))
    tell(len(sounds), len(sounds))
    return report


def compare(file: str, said: str, heard: str) -> Heard:
    """One recording's result."""
    said, heard = spoken(said, heard), normal(heard)
    return Heard(file, said, heard, edits(said, heard), edits(pinyin(said), pinyin(heard)))


def find(folder: Path, skipped: list[tuple[str, str]]) -> list[Path]:
    """The recordings, by name; texts without one are added to `skipped`. Raises `CannotEvaluate`."""
    if not folder.is_dir():
        raise CannotEvaluate(f"{folder}: " + ("is no folder" if folder.exists() else "there is no such folder"))
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name[0] != ".")
    texts = {path for path in files if path.suffix == ".txt"}
    sounds = [path for path in files if path.suffix.lower() in _SOUNDS]
    alone = texts - {path.with_suffix(".txt") for path in sounds}
    # what lies beside a text all by itself is meant to be a recording, whatever it is
    sounds = sorted({*sounds, *(path for path in files if path not in texts and path.with_suffix(".txt") in alone)})
    if not sounds:
        raise CannotEvaluate(f"{folder}: there is no sound file in it")
    alone -= {path.with_suffix(".txt") for path in sounds}
    skipped += [(str(path.relative_to(folder)), "has no sound file beside it") for path in sorted(alone)]
    return sounds


class _NoReference(Exception):
    """Nobody wrote down what is said in a recording."""


def _said(path: Path) -> str:
    if not path.is_file():
        raise _NoReference(f"has no {path.name} beside it")
    try:
        said = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise _NoReference(f"{path.name} is not written in UTF-8") from None
    if not normal(said):
        raise _NoReference(f"{path.name} has no words in it")
    return said


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 4)
