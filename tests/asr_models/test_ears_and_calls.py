"""Calls and the ears' real process: words, deaths, hangs, and models that kill."""

import asyncio
import json
import shutil
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asr_models import catalogue
from asr_models.client import EarsAway, EarsStream, Event, Heard, Missed, Partial, Started, Stopped, stats, transcribe

PATIENCE_SECONDS = 60.0
Say = Callable[[str], bytes]
Start = Callable[..., Any]

LAMP = "武侯区石羊街道路灯坏了"
GAS = "金牛区抚琴街道燃气泄漏，味道很大"
NOISE = "工地半夜施工，吵得睡不着"


class Told:
    """All that a stream told, and a way to wait for what it will tell."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._news = asyncio.Event()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    async def until(self, kind: type, count: int = 1) -> Any:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.all(kind)) < count:
                self._news.clear()
                await self._news.wait()
        return self.all(kind)[count - 1]

    def all(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


async def feed(stream: EarsStream, sound: bytes) -> None:
    """As a line does, frame by frame with room for other work between, but as fast as it goes."""
    for at in range(0, len(sound), 320):
        stream.feed(sound[at : at + 320])
        await asyncio.sleep(0)


def test_a_call_is_heard_from_its_first_word_to_its_last(socket: Path, start_ears: Start, say: Say) -> None:
    start_ears(socket).wait_ready()
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600

    async def call() -> list[Event]:
        told = Told()
        stream = EarsStream(socket, "call-1", told, offset_seconds=100.0)
        pause = 24000  # bytes after the last word
        await feed(stream, say(LAMP)[:-pause])
        await told.until(Partial)
        await feed(stream, say(LAMP)[-pause:])
        await told.until(Heard)
        await feed(stream, say(GAS))
        await stream.finish(PATIENCE_SECONDS)
        stream.feed(say(NOISE))
        await stream.finish()
        return told.events

    events = asyncio.run(call())
    assert events[0] == Started("embedded", 100.0)
    assert events[-1] == Stopped((len(say(LAMP)) + len(say(GAS))) // 2 / 8000)
    assert [type(event) for event in events].count(Stopped) == 1
    assert not [event for event in events if isinstance(event, Missed)]
    lamp, gas = (event.final for event in events if isinstance(event, Heard))
    assert "路灯" in lamp.text
    assert 100.0 <= lamp.start < lamp.end < 100.0 + len(say(LAMP)) / 16000
    assert "燃气" in gas.text
    assert gas.start > lamp.end
    partials = [event.text for event in events if isinstance(event, Partial)]
    assert any("武侯区" in text for text in partials)


def test_ears_killed_in_the_middle_of_a_sentence_leave_one_hole_that_the_tape_fills(
    socket: Path, start_ears: Start, say: Say
) -> None:
    first = start_ears(socket)
    first.wait_ready()
    tape = say(LAMP) + say(GAS) + say(NOISE)

    async def call() -> tuple[list[Event], str]:
        told = Told()
        stream = EarsStream(socket, "call-1", told)
        await feed(stream, say(LAMP))
        await told.until(Heard)
        half = len(say(GAS)) // 640 * 320
        partials = len(told.all(Partial))
        await feed(stream, say(GAS)[:half])
        await told.until(Partial, partials + 1)
        first.send(signal.SIGKILL)
        await asyncio.to_thread(first.end)
        await feed(stream, say(GAS)[half:])
        await asyncio.to_thread(start_ears(socket).wait_ready)
        await told.until(Started, 2)
        await feed(stream, say(NOISE))
        await stream.finish(PATIENCE_SECONDS)
        (hole,) = told.all(Missed)
        pcm = tape[round(hole.start * 8000) * 2 : round(hole.end * 8000) * 2]
        found = await transcribe(socket, pcm, offset_seconds=hole.start)
        assert all(hole.start <= final.start < final.end <= hole.end for final in found)
        return told.events, "".join(final.text for final in found)

    events, found = asyncio.run(call())
    heard = [event.final for event in events if isinstance(event, Heard)]
    assert "路灯" in heard[0].text
    assert "施工" in heard[-1].text
    assert len(heard) == 2
    (hole,) = (event for event in events if isinstance(event, Missed))
    speech_starts = len(say(LAMP)) / 16000 + 0.5
    assert heard[0].end <= hole.start <= speech_starts
    assert hole.end == round((len(say(LAMP)) + len(say(GAS))) / 16000, 3)
    assert "went away" in hole.reason or "cannot be reached" in hole.reason
    assert events[-1] == Stopped(len(tape) // 2 / 8000)
    assert "金牛区" in found
    assert "燃气" in found


def test_a_call_without_any_ears_is_one_hole(socket: Path, say: Say) -> None:
    async def call() -> list[Event]:
        told = Told()
        stream = EarsStream(socket, "call-1", told, offset_seconds=2.0)
        await feed(stream, say(LAMP))
        await stream.finish(PATIENCE_SECONDS)
        return told.events

    seconds = len(say(LAMP)) // 2 / 8000
    hole, stopped = asyncio.run(call())
    assert isinstance(hole, Missed)
    assert (hole.start, hole.end) == (2.0, round(2.0 + seconds, 3))
    assert "cannot be reached" in hole.reason
    assert stopped == Stopped(seconds)


def test_a_call_that_ends_at_once_is_still_heard(socket: Path, start_ears: Start, say: Say) -> None:
    start_ears(socket).wait_ready()

    async def call() -> list[Event]:
        told = Told()
        stream = EarsStream(socket, "call-1", told)
        stream.feed(say(LAMP)[: 2 * 12000])
        await stream.finish(PATIENCE_SECONDS)
        return told.events

    events = asyncio.run(call())
    assert not [event for event in events if isinstance(event, Missed)]
    assert isinstance(events[-1], Stopped)


def test_ears_that_hang_are_given_up_and_never_hold_a_call(socket: Path, start_ears: Start, say: Say) -> None:
    ears = start_ears(socket)
    ears.wait_ready()

    async def call() -> list[Event]:
        told = Told()
        stream = EarsStream(socket, "call-1", told)
        await feed(stream, say(LAMP))
        await told.until(Heard)
        ears.send(signal.SIGSTOP)
        await feed(stream, bytes(16000 * 40))
        ears.send(signal.SIGCONT)
        await told.until(Started, 2)
        await feed(stream, say(GAS))
        await stream.finish(PATIENCE_SECONDS)
        return told.events

    events = asyncio.run(call())
    (hole,) = (event for event in events if isinstance(event, Missed))
    assert "did not take" in hole.reason
    assert hole.start < len(say(LAMP)) / 16000
    assert "燃气" in [event.final for event in events if isinstance(event, Heard)][-1].text


def test_ears_that_hang_at_the_end_are_not_waited_for_longer_than_allowed(
    socket: Path, start_ears: Start, say: Say
) -> None:
    ears = start_ears(socket)
    ears.wait_ready()

    async def call() -> list[Event]:
        told = Told()
        stream = EarsStream(socket, "call-1", told)
        await told.until(Started)
        ears.send(signal.SIGSTOP)
        await feed(stream, say(LAMP))
        await stream.finish(0.1)
        return told.events

    events = asyncio.run(call())
    assert [type(event) for event in events] == [Started, Missed, Stopped]
    assert events[1] == Missed(0.0, round(len(say(LAMP)) // 2 / 8000, 3), "the ears did not finish in time")


def test_a_listener_that_fails_does_not_disturb_the_stream(socket: Path, start_ears: Start, say: Say) -> None:
    start_ears(socket).wait_ready()

    async def call() -> list[Event]:
        told = Told()

        def clumsy(event: Event) -> None:
            told(event)
            raise RuntimeError("no")

        stream = EarsStream(socket, "call-1", clumsy)
        await feed(stream, say(LAMP))
        await stream.finish(PATIENCE_SECONDS)
        return told.events

    events = asyncio.run(call())
    assert [event for event in events if isinstance(event, Heard)]
    assert isinstance(events[-1], Stopped)


def test_asking_ears_that_are_not_there_fails_with_its_reason(socket: Path) -> None:
    with pytest.raises(EarsAway, match="cannot be asked"):
        asyncio.run(transcribe(socket, b""))
    with pytest.raises(EarsAway, match="cannot be asked"):
        asyncio.run(stats(socket))


def test_a_model_that_lacks_a_file_is_named_and_the_fallback_taken(
    socket: Path, start_ears: Start, tmp_path: Path, say: Say
) -> None:
    shutil.copytree(catalogue.EMBEDDED, tmp_path / "city")
    (tmp_path / "city/graph/words.txt").unlink()
    log = start_ears(socket, tmp_path / "city").wait_ready()
    assert "lacks graph/words.txt" in log
    assert asyncio.run(stats(socket)) | {"model": "embedded", "fallback": True} == asyncio.run(stats(socket))
    (final,) = asyncio.run(transcribe(socket, say(GAS)))
    assert "燃气" in final.text


def test_a_model_that_kills_is_skipped_at_the_next_starts_until_it_changes(
    socket: Path, start_ears: Start, tmp_path: Path
) -> None:
    shutil.copytree(catalogue.EMBEDDED, tmp_path / "city")
    conf = tmp_path / "city/conf/model.conf"
    good = conf.read_text()
    conf.write_text(good.replace("subsampling-factor=3", "subsampling-factor=0"))  # vosk aborts on it

    with pytest.raises(AssertionError, match="did not start"):
        start_ears(socket, tmp_path / "city").wait_ready()
    for _ in range(2):
        ears = start_ears(socket, tmp_path / "city")
        assert "ended the process that loaded it" in ears.wait_ready()
        assert asyncio.run(stats(socket))["model"] == "embedded"
        ears.end()
    conf.write_text(good)
    assert "ended the process" not in start_ears(socket, tmp_path / "city").wait_ready()
    assert asyncio.run(stats(socket))["model"] == "city"
    assert not socket.with_name("ears.sock.loading").exists()


def test_ears_that_were_killed_while_they_loaded_the_last_model_there_is_load_it_again(
    socket: Path, start_ears: Start
) -> None:
    note = {"model": str(catalogue.EMBEDDED.resolve()), "as_of": catalogue.fingerprint(catalogue.EMBEDDED)}
    socket.with_name("ears.sock.loading").write_text(json.dumps(note), encoding="utf-8")
    start_ears(socket).wait_ready()
    assert asyncio.run(stats(socket)) | {"model": "embedded", "fallback": False} == asyncio.run(stats(socket))
