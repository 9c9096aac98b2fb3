"""The card's door: commands come in and answers go out over a Unix socket, and socket legs carry sound through it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog

from ivr.journal import Journal
from ivr.legs import MoveNotAllowed, SocketLeg
from ivr.line import LegUnknown, Line
from ivr.pcm import FRAME_BYTES
from ivr.prompt_file import read_prompt
from ivr.taping import Tapings
from ivr.wire import LINE_LIMIT, Message, decode, encode

log = structlog.get_logger()

_ATTACH_SECONDS = 30
"""How long an opened socket leg waits for whoever is to be its sound."""
_SOCKET_BACKLOG_BYTES = 100 * FRAME_BYTES  # two seconds of sound a peer has not read


class Control:
    """Serves any number of connections; only the last that subscribed is told what happens."""

    def __init__(self, line: Line, tapings: Tapings, journal: Journal, status: Callable[[], Message]) -> None:
        self._line = line
        self._tapings = tapings
        self._journal = journal
        self._status = status
        self._loop = asyncio.get_running_loop()
        self._ring_timers: dict[str, asyncio.TimerHandle] = {}
        self._legs: set[asyncio.Task[None]] = set()
        self._connections: set[asyncio.StreamWriter] = set()
        self._commands: dict[str, Callable[[Message], Awaitable[Message | None]]] = {
            "ack": self._ack,
            "connect_leg": self._connect_leg,
            "dial": self._dial,
            "drain": self._drain,
            "hang_up": self._hang_up,
            "join": self._join,
            "keys": self._keys,
            "listen": self._listen,
            "open_leg": self._open_leg,
            "part": self._part,
            "play": self._play,
            "status": self._tell_status,
            "stop_playing": self._stop_playing,
        }

    async def open(self, socket_path: Path) -> asyncio.Server:
        socket_path.parent.mkdir(parents=True, exist_ok=True)
        socket_path.unlink(missing_ok=True)
        return await asyncio.start_unix_server(self._serve, socket_path, limit=LINE_LIMIT)

    def ring_over(self, leg_id: str) -> None:
        """The dialled leg was answered or is gone."""
        timer = self._ring_timers.pop(leg_id, None)
        if timer is not None:
            timer.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            while line := await reader.readline():
                try:
                    message = decode(line)
                except ValueError as error:
                    writer.write(encode({"error": f"not a message: {error}"}))
                    continue
                if message.get("do") == "attach":  # from here on this connection is a leg's sound
                    await self._carry(str(message.get("leg")), reader, writer)
                    return
                if message.get("do") == "subscribe":
                    self._journal.subscribe(writer)
                    message["do"] = "status"
                answer = await self._obey(message)
                if "id" in message:
                    writer.write(encode({"re": message["id"], **answer}))
        except (ConnectionError, ValueError) as error:  # ValueError: a line longer than LINE_LIMIT
            log.warning("connection to the card broke", error=str(error))
        finally:
            self._journal.unsubscribe(writer)
            self._connections.discard(writer)
            writer.close()

    def close(self) -> None:
        for writer in self._connections:
            writer.close()

    async def _obey(self, message: Message) -> Message:
        verb = str(message.get("do"))
        command = self._commands.get(verb)
        if command is None:
            return {"error": f"unknown command {verb!r}: one of {', '.join(sorted(self._commands))}"}
        try:
            return {"ok": True, **(await command(message) or {})}
        except KeyError as error:
            return {"error": f"{verb} needs {error.args[0]!r}"}
        except (LegUnknown, MoveNotAllowed, ValueError, OSError) as error:
            return {"error": str(error)}
        except Exception as error:
            log.error("command failed", do=verb, error=repr(error))
            return {"error": f"{verb} failed: {error!r}"}

    async def _in_line(self, work: Callable[[], Any]) -> Any:
        return await asyncio.wrap_future(self._line.sip.do(work))

    async def _ack(self, message: Message) -> None:
        self._journal.acknowledge(int(message["n"]))

    async def _tell_status(self, message: Message) -> Message:
        return self._status()

    async def _dial(self, message: Message) -> None:
        leg_id, to, ring_seconds = message["leg"], message["to"], float(message.get("ring_seconds", 30))
        if leg_id in self._ring_timers:
            raise ValueError(f"leg {leg_id} exists already")
        # a peer in a black hole takes pjsip 32 s to give up: our own timer decides (DOMAIN §3: ring 30 s)
        self._limit(leg_id, ring_seconds, "no answer")
        try:
            await self._in_line(lambda: self._line.dial(leg_id, to))
        except Exception:
            self.ring_over(leg_id)
            raise

    def _limit(self, leg_id: str, seconds: float, why: str) -> None:
        """A leg that is not connected by then is given up."""

        def give_up() -> None:
            self._ring_timers.pop(leg_id, None)
            self._line.sip.post(lambda: self._line.give_up(leg_id, why))

        self._ring_timers[leg_id] = self._loop.call_later(seconds, give_up)

    async def _play(self, message: Message) -> None:
        pcm = await asyncio.to_thread(read_prompt, Path(message["wav"]))
        name, loop = Path(message["wav"]).stem, bool(message.get("loop", False))
        await self._in_line(lambda: self._line.play(message["leg"], pcm, name=name, loop=loop))

    async def _stop_playing(self, message: Message) -> None:
        await self._in_line(lambda: self._line.stop_playing(message["leg"]))

    async def _join(self, message: Message) -> None:
        await self._in_line(lambda: self._line.join(message["leg"], message["other"]))

    async def _part(self, message: Message) -> None:
        await self._in_line(lambda: self._line.part(message["leg"], message["other"]))

    async def _listen(self, message: Message) -> None:
        solo = await self._in_line(lambda: self._line.listen(message["leg"]))
        self._tapings.listen(self._line.leg(message["leg"]), solo, message["of"], message.get("speaker", "agent"))

    async def _keys(self, message: Message) -> None:
        await self._in_line(lambda: self._line.send_keys(message["leg"], message["keys"]))

    async def _hang_up(self, message: Message) -> None:
        cause, why = int(message.get("cause", 0)), str(message.get("why", "hotline"))
        await self._in_line(lambda: self._line.hang_up(message["leg"], cause, why))

    async def _drain(self, message: Message) -> None:
        """No new callers from now on; those who are here stay."""
        self._line.draining = True

    async def _open_leg(self, message: Message) -> None:
        """A socket leg: whoever then connects and says ``attach`` becomes its sound."""
        await self._in_line(lambda: self._line.open_socket_leg(message["leg"], message.get("tied_to")))
        self._limit(message["leg"], _ATTACH_SECONDS, "nobody came")

    async def _connect_leg(self, message: Message) -> None:
        """The other half: a socket leg here, joined to the socket leg ``remote`` of the card at ``socket``."""
        await self._in_line(lambda: self._line.open_socket_leg(message["leg"], message.get("tied_to")))
        try:
            reader, peer = await asyncio.open_unix_connection(message["socket"], limit=LINE_LIMIT)
        except OSError:
            await self._in_line(lambda: self._line.hang_up(message["leg"], why="no such socket"))
            raise
        peer.write(encode({"do": "attach", "leg": message["remote"]}))
        task = asyncio.create_task(self._carry(message["leg"], reader, peer))
        self._legs.add(task)
        task.add_done_callback(self._legs.discard)

    async def _carry(self, leg_id: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Sound both ways as raw PCM until either side closes; then the leg ends."""

        def send(pcm: bytes) -> None:
            if not writer.is_closing() and writer.transport.get_write_buffer_size() < _SOCKET_BACKLOG_BYTES:
                writer.write(pcm)  # a peer that does not read loses sound, it does not stop the card

        def send_soon(pcm: bytes) -> None:
            self._loop.call_soon_threadsafe(send, pcm)

        def close_soon() -> None:
            self._loop.call_soon_threadsafe(writer.transport.abort)  # close() would wait for a peer that does not read

        def begin() -> SocketLeg:
            leg = self._line.attach(leg_id)
            leg.ports[0].sink = send_soon
            leg.hang_up_socket = close_soon
            return leg

        try:
            leg: SocketLeg = await self._in_line(begin)
            while pcm := await reader.read(64 * FRAME_BYTES):
                leg.arriving.put(pcm)
        except (LegUnknown, MoveNotAllowed, ValueError) as error:
            writer.write(encode({"error": str(error)}))
            return
        except ConnectionError as error:
            log.info("socket leg broke", leg=leg_id, error=str(error))
        finally:
            writer.close()
        with contextlib.suppress(LegUnknown):  # it was hung up on this side
            await self._in_line(lambda: self._line.hang_up(leg_id, why="socket closed"))
