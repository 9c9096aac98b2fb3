"""Seconds and Shanghai; and no telephone number ever reaches the log."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import structlog

from hotline import clock, log


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """What these tests configure ends with them: the next one's standard error is another."""
    before = logging.root.handlers[:]
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = before


def test_a_moment_is_shown_in_shanghai_exact_to_the_second():
    at = datetime(2026, 11, 22, 16, 0, 5, 999_000, tzinfo=UTC)
    assert clock.show(at) == "2026-11-23 00:00:05"
    assert clock.to_second(at) == datetime(2026, 11, 22, 16, 0, 5, tzinfo=UTC)
    assert clock.shanghai(at) == at


def test_a_datetime_without_a_zone_is_refused():
    with pytest.raises(clock.NaiveTime):
        clock.shanghai(datetime(2026, 11, 22))  # noqa: DTZ001


def test_now_is_aware_utc():
    assert clock.now().utcoffset() == clock.utc(clock.now()).utcoffset()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("13812341234", "138****1234"),
        ("+86 138-1234-1234", "138****1234"),
        ("02886662345", "028****2345"),
        ("110", "1…(3)"),
        ("张三丰", "张…(3)"),
        ("sip:13812341234@10.0.0.1", "s…(24)"),
        (None, None),
        ("", "…(0)"),
    ],
)
def test_what_a_masked_value_still_says(value, shown):
    assert log.mask(value) == shown


@pytest.mark.parametrize("as_json", [False, True])
def test_personal_fields_are_masked_in_every_rendering(capsys, as_json):
    log.configure("line", "info", json=as_json)
    structlog.get_logger().info(
        "call answered", pii_caller="13812341234", call={"pii_text": "我家漏气了", "leg": 2}, other="see\nme"
    )
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "13812341234" not in line
    assert "漏气" not in line
    assert "138****1234" in line
    assert "我…(5)" in line
    assert "call answered" in line
    assert "line" in line
    if as_json:
        assert json.loads(line)["event"] == "call answered"


def test_a_line_below_the_level_is_not_written(capsys):
    log.configure("line", "warning")
    structlog.get_logger().info("call answered")
    assert capsys.readouterr().err == ""
