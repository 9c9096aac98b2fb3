"""The ears' process: sound of many legs comes in over one socket, words go back as they are found.

One connection is one stream: a JSON line that says hello, then 16-bit PCM until the sender closes its half.
Out come JSON lines: started, partial, final, missed, stopped, or error. `{"stats": true}` instead of a hello
is answered with one line of counters.
"""

import asyncio
import json
import math
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import structlog

from asr_models.hearing import Counters, Event, Hearing, Hello, NewListener
from asr_models.loading import LOOK_SECONDS, Loaded
from asr_models.recogniser import Model, Recogniser
from asr_models.turns import Turns

GATHER_SECONDS = 0.1  # a live stream's sound is taken in so often
HELLO_SECONDS = 10.0  # a connection that says nothing for so long is closed
_READ_BYTES = 1 << 16
_UNREAD_BYTES = 1 << 20  # events a peer has not taken; with more it is given up

log = structlog.get_logger(__name__)


class HelloWrong(Exception):
    """The first line of a connection is not what the ears expect; the message goes back to the sender."""


async def serve(
    socket_path: Path,
    find_model: Callable[[], Path],
    fallback: Path | None = None,
    *,
    workers: int = 2,
    look_seconds: float = LOOK_SECONDS,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Loads the model that `find_model` names and serves until cancelled; `on_ready` is called when a connection
    is welcome. Every `look_seconds` it asks again: another model, or other files, take over between utterances.

    A model that is broken, or that took the process with it when it was loaded last time, is named in the log
    and `fallback` is taken; raises `ModelBroken` when there is none, or it is broken too. Let SIGTERM cancel
    this: a process that dies while loading leaves its model under suspicion.
    """
    loaded = await Loaded.first(find_model, fallback, socket_path.with_name(f"{socket_path.name}.loading"))

    def newest() -> Model:
        return loaded.model

    ears = Ears(
        lambda rate_hz, offset: Recogniser(newest(), rate_hz, offset, newest=newest),
        workers=workers,
        model=lambda: (loaded.model.name, loaded.fell_back),
    )
    watching = asyncio.create_task(loaded.watch(find_model, look_seconds))
    try:
        await ears.serve(socket_path, on_ready)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


class Ears:
    """The server. `workers` threads decode for all streams, each in its turn (see `turns`). `model` gives the name of
    the model in use, and whether it is only the fallback."""

    def __init__(self, new_listener: NewListener, *, workers: int, model: Callable[[], tuple[str, bool]]) -> None:
        self.counters = Counters()
        self._new_listener = new_listener
        self._workers = workers
        self._model = model
        self._turns = Turns(workers)
        self._hearings: set[Hearing] = set()

    async def serve(self, socket_path: Path, on_ready: Callable[[], None] = lambda: None) -> None:
        """Serves on `socket_path` (mode 0600; one left behind by a dead process is replaced) until cancelled."""
        socket_path.parent.mkdir(parents=True, exist_ok=True)
        socket_path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(str(socket_path))
        socket_path.chmod(0o600)  # before it listens, so that nobody else can have connected
        mine = socket_path.stat().st_ino
        server = await asyncio.start_unix_server(self._welcome, sock=listening, limit=_READ_BYTES)
        model, fell_back = self._model()
        log.info("ears ready", model=model, fallback=fell_back, workers=self._workers)
        try:
            async with server:
                on_ready()
                await server.serve_forever()
        finally:
            self._turns.close()
            with suppress(FileNotFoundError):
                if socket_path.stat().st_ino == mine:
                    socket_path.unlink()

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def tell(event: Event) -> None:
            if writer.transport.get_write_buffer_size() > _UNREAD_BYTES:
                writer.transport.abort()
            elif not writer.transport.is_closing():
                writer.write(json.dumps(event, ensure_ascii=False).encode() + b"\n")

        try:
            hello = await _first_line(reader)
            if hello is None:
                tell(self._stats())
            else:
                await self._hear(hello, reader, cast(asyncio.Transport, writer.transport), tell)
        except HelloWrong as wrong:
            tell({"event": "error", "message": str(wrong)})
        except (TimeoutError, ConnectionError):
            log.info("ears left alone")
        except Exception as trouble:
            log.exception("stream failed")
            tell({"event": "error", "message": f"{type(trouble).__name__}: {trouble}"})
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _hear(
        self,
        hello: Hello,
        reader: asyncio.StreamReader,
        transport: asyncio.ReadTransport,
        tell: Callable[[Event], None],
    ) -> None:
        hearing = Hearing(hello, self._new_listener, self._turns, self.counters, tell)
        self._hearings.add(hearing)
        self.counters.streams += 1
        self.counters.streams_begun += 1
        tell({"event": "started", "model": self._model()[0]})
        reading = asyncio.create_task(_read(reader, transport, hearing))
        decoding = asyncio.create_task(hearing.run())
        try:
            # Whichever fails first ends both: no words without an ear for them, no sound without a decoder.
            await asyncio.wait({reading, decoding}, return_when=asyncio.FIRST_EXCEPTION)
            for task in (reading, decoding):
                if task.done():
                    task.result()
        finally:
            reading.cancel()
            decoding.cancel()
            await asyncio.gather(reading, decoding, return_exceptions=True)
            self.counters.streams -= 1
            self._hearings.discard(hearing)
            if hearing.missed:
                log.warning("sound let go", stream=hello.stream, missed=hearing.missed)

    def _stats(self) -> Event:
        model, fell_back = self._model()
        return asdict(self.counters) | {
            "decoded_seconds": round(self.counters.decoded_seconds, 1),
            "waiting_seconds": round(sum(hearing.waiting_seconds for hearing in self._hearings), 1),
            "model": model,
            "fallback": fell_back,
            "workers": self._workers,
        }


async def _first_line(reader: asyncio.StreamReader) -> Hello | None:
    """A stream's hello, or none if the counters are asked for. Raises `HelloWrong` and `TimeoutError`."""
    try:
        async with asyncio.timeout(HELLO_SECONDS):
            line = await reader.readline()
        said = json.loads(line)
    except ValueError as trouble:  # also of a line without an end
        raise HelloWrong(f"the first line must be a JSON object ({trouble})") from trouble
    if not isinstance(said, dict):
        raise HelloWrong("the first line must be a JSON object")
    return None if said.get("stats") is True else read_hello(said)


async def _read(reader: asyncio.StreamReader, transport: asyncio.ReadTransport, hearing: Hearing) -> None:
    while pcm := await reader.read(_READ_BYTES):
        hearing.take(pcm)
        if hearing.hello.live:
            # Sound comes fifty times a second; to look at it so often costs as much as to decode it.
            transport.pause_reading()
            await asyncio.sleep(GATHER_SECONDS)
            transport.resume_reading()
        else:
            await hearing.room()
    hearing.end()


def read_hello(said: Mapping[str, Any]) -> Hello:
    """The hello of a stream. Raises `HelloWrong`, whose message tells the sender what is wrong."""
    stream, rate_hz, offset, pace = (said.get(key) for key in ("stream", "rate_hz", "offset", "pace"))
    if said.get("channels", 1) != 1:
        raise HelloWrong("a stream is one channel: send each in a connection of its own, without channels or with 1")
    if not isinstance(stream, str) or not 0 < len(stream) <= 200:
        raise HelloWrong("stream must be a name of 1 to 200 characters")
    if isinstance(rate_hz, bool) or not isinstance(rate_hz, int) or not 8000 <= rate_hz <= 48000:
        raise HelloWrong("rate_hz must be a whole number from 8000 to 48000")
    if isinstance(offset, bool) or not isinstance(offset, int | float) or not (math.isfinite(offset) and offset >= 0):
        raise HelloWrong("offset must be seconds, 0 or more")
    if pace not in ("live", "file"):
        raise HelloWrong('pace must be "live" or "file"')
    return Hello(stream, rate_hz, float(offset), live=pace == "live")
