"""The ears when decoders are too slow, peers speak nonsense or vanish: with a scripted recogniser, real sockets."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from asr_models.client import EarsAway, EarsStream, Event, Missed, Started, Stopped, stats, transcribe
from asr_models.ears import Ears
from asr_models.words import Final, Word, utterance

PATIENCE_SECONDS = 60.0
HELLO = {"stream": "s", "rate_hz": 8000, "offset": 0.0, "pace": "live"}


class Gate:
    """Lets decoders through, or holds them; shared by all scripted recognisers of a test."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.reached = threading.Event()
        self.cut = bytearray()  # all sound that was decoded
        self.looked = 0  # how often partial words were asked for


class ScriptedListener:
    """Hears the word 一 in every second of sound, however it sounds."""

    def __init__(self, gate: Gate, rate_hz: int, offset: float) -> None:
        self._gate, self._rate_hz, self._offset = gate, rate_hz, offset
        self._bytes = 0
        self.heard_until = offset
        self.pausing = True

    @property
    def seconds(self) -> float:
        return self._bytes / 2 / self._rate_hz

    def feed(self, pcm: bytes) -> list[Final]:
        self._gate.reached.set()
        assert self._gate.open.wait(PATIENCE_SECONDS)
        if b"\x66\x66" in pcm:
            raise RuntimeError("the decoder fell over")
        before = int(self.seconds)
        self.pausing = not any(pcm)
        self._bytes += len(pcm)
        self._gate.cut += pcm
        ends = [self._offset + second + 1.0 for second in range(before, int(self.seconds))]
        self.heard_until = ends[-1] if ends else self.heard_until
        return [utterance([Word("一", end - 0.5, end, 1.0)]) for end in ends]

    def partial(self) -> str:
        self._gate.looked += 1
        return "…"

    def finish(self) -> list[Final]:
        self.heard_until = self._offset + self.seconds
        return []


@asynccontextmanager
async def listening(socket: Path, gate: Gate, workers: int = 2) -> AsyncIterator[Ears]:
    def scripted() -> tuple[str, bool]:
        return "scripted", False

    ears = Ears(lambda rate_hz, offset: ScriptedListener(gate, rate_hz, offset), workers=workers, model=scripted)
    ready = asyncio.Event()
    task = asyncio.create_task(ears.serve(socket, ready.set))
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await ready.wait()
            yield ears
    finally:
        gate.open.set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Peer:
    """A bare socket to the ears."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, socket: Path, first: bytes) -> "Peer":
        peer = cls(*await asyncio.open_unix_connection(str(socket)))
        peer.writer.write(first)
        return peer

    async def event(self, kind: str) -> dict[str, Any]:
        """The next event of that kind; others are passed over."""
        while True:
            said: dict[str, Any] = json.loads(await self._reader.readline())
            if said["event"] == kind:
                return said

    async def rest(self) -> bytes:
        return await self._reader.read()


def hello(**changes: Any) -> bytes:
    return json.dumps(HELLO | changes).encode() + b"\n"


async def until(true: Callable[[], bool]) -> None:
    """Lets the loop and its threads work until `true`; the caller's timeout is the limit."""
    while not true():
        await asyncio.sleep(0)


def test_slow_decoders_shed_partials_then_sound_and_name_what_was_let_go(socket: Path) -> None:
    async def scene() -> None:
        gate = Gate()
        async with listening(socket, gate) as ears:
            peer = await Peer.connect(socket, hello(offset=50.0))
            peer.writer.write(bytes(16000 * 3))
            await peer.event("final")
            await until(lambda: len(gate.cut) == 16000 * 3)
            looked = gate.looked

            gate.open.clear()
            gate.reached.clear()
            peer.writer.write(bytes(16000 * 25))
            await until(lambda: ears.counters.dropped_seconds > 0)
            await peer.writer.drain()  # taken off the socket although nothing is decoded
            await until(lambda: (ears.counters.dropped_seconds + waiting(ears)) * 16000 > 16000 * 24)
            gate.open.set()
            missed = await peer.event("missed")
            peer.writer.write_eof()
            stopped = await peer.event("stopped")

            assert 50.0 <= missed["start"] <= 53.0
            assert missed["end"] > missed["start"] + 10.0
            assert stopped["seconds"] == 28.0
            assert stopped["missed"][0] == [missed["start"], missed["end"]]
            gone = sum(end - start for start, end in stopped["missed"])
            told = await stats(socket)
            assert told["shed_partials"] > 0
            assert told["dropped_seconds"] == pytest.approx(28.0 - told["decoded_seconds"], abs=0.2)
            assert told["dropped_seconds"] <= gone <= told["dropped_seconds"] + 1.5  # and what was in progress
            assert told["streams"] == 0
            assert told["streams_begun"] == 1
            assert gate.looked < looked + 25 * 5

    asyncio.run(scene())


def waiting(ears: Ears) -> float:
    return float(ears._stats()["waiting_seconds"])


def test_words_after_a_gap_keep_their_call_times(socket: Path) -> None:
    async def scene() -> list[Event]:
        gate, told = Gate(), []
        async with listening(socket, gate) as ears:
            stream = EarsStream(socket, "call", told.append)
            await until(lambda: bool(told))
            gate.open.clear()
            for _ in range(12):
                stream.feed(bytes(16000))
            await until(lambda: ears.counters.dropped_seconds > 0)
            gate.open.set()
            await until(lambda: any(isinstance(event, Missed) for event in told))
            for _ in range(4):
                stream.feed(bytes(16000))
            await stream.finish(PATIENCE_SECONDS)
        return told

    events = asyncio.run(scene())
    assert isinstance(events[0], Started)
    (hole,) = (event for event in events if isinstance(event, Missed))
    assert hole.reason == "the ears were overloaded"
    assert hole.end > hole.start + 10.0
    after = [event.final for event in events[events.index(hole) :] if hasattr(event, "final")]
    assert after
    assert after[0].start >= hole.end
    assert events[-1] == Stopped(16.0)


def test_a_file_waits_for_slow_decoders_and_loses_nothing(socket: Path) -> None:
    async def scene() -> None:
        gate = Gate()
        async with listening(socket, gate):
            gate.open.clear()
            sound = b"".join(n.to_bytes(2, "little") * 8000 for n in range(60))
            asking = asyncio.create_task(transcribe(socket, sound, offset_seconds=5.0))
            await until(gate.reached.is_set)
            gate.open.set()
            finals = await asking
            assert [final.end for final in finals] == [5.0 + second for second in range(1, 61)]
            assert gate.cut == sound
            assert gate.looked == 0
            assert (await stats(socket))["dropped_seconds"] == 0

    asyncio.run(scene())


def test_sound_cut_in_the_middle_of_samples_stays_in_step(socket: Path) -> None:
    async def scene() -> None:
        gate = Gate()
        async with listening(socket, gate):
            peer = await Peer.connect(socket, hello())
            await peer.event("started")
            sound = b"\x01\x02" * 8000 + b"\x03"
            for at in range(0, len(sound), 777):
                peer.writer.write(sound[at : at + 777])
                await peer.writer.drain()
            peer.writer.write_eof()
            assert (await peer.event("stopped"))["seconds"] == 1.0
            assert gate.cut == sound[:-1]

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (b"\n", "JSON object"),
        (b"GET / HTTP/1.1\r\n", "JSON object"),
        (b"[]\n", "JSON object"),
        (b"\xff\xfe\n", "JSON object"),
        (hello(stream=""), "stream"),
        (hello(stream=7), "stream"),
        (hello(rate_hz=4000), "rate_hz"),
        (hello(rate_hz=True), "rate_hz"),
        (hello(rate_hz="8000"), "rate_hz"),
        (hello(offset=-1), "offset"),
        (hello(offset=float("nan")), "offset"),
        (hello(pace="fast"), "pace"),
        (hello(channels=2), "one channel"),
        (b"x" * 200_000, "limit"),
    ],
)
def test_a_wrong_hello_is_answered_with_what_is_wrong(socket: Path, first: bytes, reason: str) -> None:
    async def scene() -> None:
        async with listening(socket, Gate()):
            peer = await Peer.connect(socket, first)
            assert reason in (await peer.event("error"))["message"]
            assert await peer.rest() == b""
            assert (await stats(socket))["streams_begun"] == 0

    asyncio.run(scene())


def test_peers_that_vanish_leave_nothing_behind(socket: Path) -> None:
    async def scene() -> None:
        gate = Gate()
        async with listening(socket, gate) as ears:
            silent = await Peer.connect(socket, b"")
            silent.writer.close()
            for _ in range(5):
                peer = await Peer.connect(socket, hello())
                peer.writer.write(bytes(160_000))
                await peer.event("started")
                peer.writer.transport.abort()
            await until(lambda: ears.counters.streams_begun == 5 and ears.counters.streams == 0)

    asyncio.run(scene())


def test_a_decoder_that_falls_over_ends_its_own_stream_only(socket: Path) -> None:
    async def scene() -> list[Event]:
        told: list[Event] = []
        async with listening(socket, Gate()):
            other = await Peer.connect(socket, hello())
            stream = EarsStream(socket, "call", told.append)
            stream.feed(b"\x66\x66" * 8000)
            await until(lambda: len([event for event in told if isinstance(event, Started)]) == 2)
            stream.feed(bytes(16000))
            await stream.finish(PATIENCE_SECONDS)
            other.writer.write(bytes(32000))
            other.writer.write_eof()
            assert (await other.event("stopped"))["seconds"] == 2.0
        return told

    events = asyncio.run(scene())
    (hole,) = (event for event in events if isinstance(event, Missed))
    assert "the decoder fell over" in hole.reason
    assert (hole.start, hole.end) == (0.0, 1.0)
    assert events[-1] == Stopped(2.0)


def test_a_refused_tape_fails_with_the_ears_reason(socket: Path) -> None:
    async def scene() -> None:
        async with listening(socket, Gate()):
            with pytest.raises(EarsAway, match="rate_hz"):
                await transcribe(socket, b"", rate_hz=1)

    asyncio.run(scene())


def test_a_socket_left_behind_is_replaced_and_one_s_own_is_taken_away(socket: Path) -> None:
    async def scene() -> None:
        socket.touch()
        async with listening(socket, Gate()):
            assert (await stats(socket))["model"] == "scripted"
        assert not socket.exists()

    asyncio.run(scene())
