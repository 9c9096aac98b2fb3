"""Beside every step of a call: one line on stderr, a fixed phrase and fields, with people's data masked."""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_DIGITS = "[0-9零〇一二两三四五六七八九幺]"
_NUMBER = re.compile(f"{_DIGITS}{{7,}}")
_PIECES = re.compile(rf"{_DIGITS}(?:[\s，,。.、\-—()（）]{{0,2}}{_DIGITS}){{3,}}")
PERSONAL = "pii_"
"""A field whose key starts so carries a number, a name or a transcript."""


def configure(process: str, level: str = "info", *, json: bool = False) -> None:
    """Set up the process's logging, once, at its start.

    `process` is bound to every line; `level` is a name of the logging module's; `json` writes one
    object a line for a collector instead of key=value for people. Libraries' warnings go the same way.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_personal,
    ]
    order = ["timestamp", "level", "process", "event"]
    render: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json
        else structlog.processors.LogfmtRenderer(key_order=order, drop_missing=True)
    )

    def name_process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    structlog.configure(
        processors=[*shared, name_process, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                name_process,
                render,
            ],
        )
    )
    # A library tells its own story at info, and may print what it carries: only its warnings are ours to read.
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)


def mask_personal(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The one processor that masks every `pii_` field, however deep in a mapping."""
    for key, value in event.items():
        event[key] = _masked_field(key, value)
    return event


def mask(value: object) -> str | None:
    """`138****1234` for a telephone number; first character and length for any other text.

    >>> mask("张三丰")
    '张…(3)'
    """
    if value is None:
        return None
    text = str(value)
    digits = "".join(c for c in text if c.isascii() and c.isdigit())
    if len(digits) >= 11 and all(c in "+-() " or c.isdigit() for c in text):
        local = digits[2:] if len(digits) == 13 and digits.startswith("86") else digits
        return f"{local[:3]}****{local[-4:]}"
    return f"{text[:1]}…({len(text)})"


def mask_numbers(text: str, *, strict: bool = False) -> str:
    """A text with the telephone numbers in it masked, written or spoken; it keeps its length, so that words laid
    over it stay in step. ``strict`` leaves no digit of four or more, whatever stands between them: a number may be
    said in pieces, and while it is being said each piece ends in another digit.

    >>> mask_numbers("我的电话是幺三八零零幺三八零零零")
    '我的电话是幺三八*****零零零'
    >>> mask_numbers("138 0013 8000", strict=True)
    '*** **** ****'
    """

    def masked(match: re.Match[str]) -> str:
        number = list(match[0])
        digits = [at for at, char in enumerate(number) if re.match(_DIGITS, char)]
        shown = 0 if strict else 3 if len(digits) >= 11 else 1
        for at in digits[shown : len(digits) - shown]:
            number[at] = "*"
        return "".join(number)

    return (_PIECES if strict else _NUMBER).sub(masked, text)


def _masked_field(key: object, value: Any) -> Any:
    if isinstance(key, str) and key.startswith(PERSONAL):
        return mask(value)
    if isinstance(value, Mapping):
        return {k: _masked_field(k, v) for k, v in value.items()}
    return value
