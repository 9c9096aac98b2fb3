"""A network that can be lost: it stands between a browser and the desk, and holds back what is sent meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import threading


class Network:
    """Relays TCP from a port of its own to `target`. Lost, it delivers nothing and answers no new connection, and
    breaks none off: as when a cable is pulled. Found again, it delivers what was held back, as TCP would."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.port = 0

    def lose(self) -> None:
        self._loop.call_soon_threadsafe(self._there.clear)

    def find(self) -> None:
        self._loop.call_soon_threadsafe(self._there.set)

    def __enter__(self) -> Network:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._there, self._over = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        self._there.set()
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._over.wait()
        server.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._there.wait()
        with contextlib.suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
            await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer), return_exceptions=True)
        writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while block := await reader.read(1 << 16):
            await self._there.wait()
            writer.write(block)
            await writer.drain()
        writer.close()
