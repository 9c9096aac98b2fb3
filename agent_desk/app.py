"""The one place that wires the desk: its web application and its process (``python -m agent_desk.app``)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter

from agent_desk import accounts, calls, drafts, live, pages, problems, session
from agent_desk.calls import Accesses
from agent_desk.live import Feed
from agent_desk.problems import ProblemView
from agent_desk.views import LiveMessage
from hotline.app import CannotWork, be, open_database
from hotline.db import Database
from hotline.notify import ready
from hotline.settings import Settings

VERSION = "0.1.0"
_NICE = 10
"""Pages may wait a moment for the processor; the sound of a call may not (nice(2))."""


class Health(BaseModel):
    """`seq`: the newest ledger row this desk knows. `pages`: how many are open."""

    status: str
    seq: int
    pages: int
    words_dropped: int
    pages_too_slow: int


def build(db: Database, feed: Feed, recordings_dir: Path) -> FastAPI:
    """The desk's web application; `feed` has to be run by whoever serves it."""
    app = FastAPI(
        title="Hotline 12345: the desk",
        version=VERSION,
        openapi_url="/api/openapi.json",
        docs_url=None,  # both fetch their scripts from elsewhere
        redoc_url=None,
        generate_unique_id_function=_operation_id,
    )
    app.state.db, app.state.feed, app.state.recordings_dir = db, feed, recordings_dir
    app.state.accesses = Accesses()
    problems.install(app)

    @app.get("/api/health", tags=["health"])
    async def health() -> Health:
        """Whether the desk is there; nothing about anybody."""
        return Health(
            status="ok",
            seq=feed.seq,
            pages=feed.pages,
            words_dropped=feed.words_dropped,
            pages_too_slow=feed.pages_too_slow,
        )

    for part in (session, calls, drafts, accounts, live):
        app.include_router(part.router)
    pages.install(app)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with what no route returns by itself: problems, and what comes over the WebSocket."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes)
        schemas = document["components"]["schemas"]
        beside: dict[str, TypeAdapter[Any]] = {
            "ProblemView": TypeAdapter(ProblemView),
            "LiveMessage": TypeAdapter(LiveMessage),
        }
        for name, adapter in beside.items():
            schema = adapter.json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
            schemas |= {one: shape for one, shape in schema.pop("$defs", {}).items() if one not in schemas}
            schemas[name] = schema
        app.openapi_schema = document
    return app.openapi_schema


async def run_desk(settings: Settings) -> None:
    os.nice(_NICE)
    listener = _listen(settings)
    db = await asyncio.to_thread(open_database, settings)
    feed = Feed(db, settings.mqtt_url)
    server = _Server(
        uvicorn.Config(
            build(db, feed, settings.recordings_dir),
            log_config=None,
            access_log=False,  # whoever looks at a call is in the ledger
            server_header=False,
            lifespan="off",
            ws_ping_interval=10,
            ws_ping_timeout=20,
            ws_max_size=64 * 1024,
            timeout_graceful_shutdown=3,
        ),
        feed,
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    telling = asyncio.create_task(feed.run())
    serving = asyncio.create_task(server.serve([listener]))
    try:
        await asyncio.wait({telling, serving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if telling.done() and not telling.cancelled():
            telling.result()  # a desk that cannot tell what happens is better started anew
        server.stop()
        await serving
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        db.close()


class _Server(uvicorn.Server):
    """Says when it is ready, and leaves signals to whoever started it."""

    def __init__(self, config: uvicorn.Config, feed: Feed) -> None:
        super().__init__(config)
        self._feed = feed

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self) -> None:
        self._feed.close()
        self.should_exit = True


def _listen(settings: Settings) -> socket.socket:
    """Raises CannotWork for an address that is not to be had."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.desk_host, settings.desk_port))
    except OSError as error:
        listener.close()
        raise CannotWork(
            f"the desk cannot listen on {settings.desk_host}:{settings.desk_port} ({error.strerror}): "
            "set HOTLINE_DESK_PORT to a free port, HOTLINE_DESK_HOST to an address of this machine"
        ) from None
    listener.set_inheritable(True)
    return listener


def main() -> None:
    if sys.argv[1:] == ["openapi"]:  # for the browser part, which takes its types from it
        db = Database("sqlite://")
        json.dump(build(db, Feed(db, ""), Path()).openapi(), sys.stdout, ensure_ascii=False, indent=1)
        return
    be("desk", run_desk, handles_sigterm=True)


if __name__ == "__main__":
    main()
