"""The one place that wires: each process of the hotline is built here from its parts (``python -m hotline.app …``)."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes.util
import errno
import json
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog

from hotline import log as logging
from hotline import settings as configuration
from hotline.notify import ready
from hotline.settings import Settings
from hotline.supervisor import EX_CONFIG, Program, Spare

if TYPE_CHECKING:
    from hotline.db import Database

# Each process imports only its own parts, inside the function that builds it: a card that died must answer again
# within a second, and a second is what importing all of them takes.

log = structlog.get_logger()


_PORT_SECONDS = 10.0
"""How long a card waits for a port that is taken."""


class CannotWork(Exception):
    """This process cannot do its work as it is set up; starting it again would not help."""


def programs(settings: Settings) -> list[Program]:
    """Every process of one machine. They stop in the reverse of this order: the line's doors first, the broker last."""
    found: list[Program] = []
    environment = settings.as_environment()
    settings.run_dir.mkdir(parents=True, exist_ok=True)
    if not settings.mqtt_url:
        environment["HOTLINE_MQTT_URL"] = note_broker(settings)
        found.append(Program("broker", ("hotline.app", "broker"), environment))
    with contextlib.suppress(OSError):  # an address that is not ours, a full disk: the desk itself says so
        if not settings.desk_port:
            environment["HOTLINE_DESK_PORT"] = str(_free_port(settings.desk_host))
        settings.desk_note.write_text(_web_address(settings.desk_host, environment["HOTLINE_DESK_PORT"]) + "\n")
    found += [
        Program(f"ears-{i}", ("hotline.app", "ears", str(i)), environment | ears_environment())
        for i in range(settings.ears)
    ]
    # before the line, so that a desk may still show how the last calls end when all is stopped
    found.append(Program("desk", ("agent_desk.app",), environment, vital=False))
    found.append(Program("line", ("hotline.app", "line"), environment))
    found += [
        Program(f"card-{i}", ("hotline.app", "card", str(i)), environment, spared=True) for i in range(settings.cards)
    ]
    return found


def ears_environment() -> dict[str, str]:
    """jemalloc for the ears if the machine has it (decision 0017); what LD_PRELOAD says already, stays."""
    jemalloc = ctypes.util.find_library("jemalloc")
    return {"LD_PRELOAD": jemalloc} if jemalloc and "LD_PRELOAD" not in os.environ else {}


def spare(programs: list[Program]) -> Spare:
    return Spare(("hotline.app", "spare"), programs[0].environment)


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _web_address(host: str, port: str) -> str:
    return f"http://{socket.gethostname() if host == '0.0.0.0' else host}:{port}"


def note_broker(settings: Settings) -> str:
    """Choose a free port and a password for the embedded broker and leave them for programs of this user."""
    url = f"mqtt://hotline:{secrets.token_urlsafe(18)}@127.0.0.1:{_free_port('127.0.0.1')}"
    settings.broker_note.touch(mode=0o600)
    settings.broker_note.chmod(0o600)
    settings.broker_note.write_text(url + "\n")
    return url


def open_database(settings: Settings) -> Database:
    """The database, brought up to date. Any command may be the first."""
    from hotline.db import Database, migrate

    settings.var.mkdir(mode=0o700, parents=True, exist_ok=True)
    db = Database(settings.database)
    if not migrate.is_current(db):
        migrate.upgrade(db)
    return db


async def run_card(settings: Settings, index: int) -> None:
    from hotline.prompts import greeting_pcm
    from hotline.recorder import Recorder
    from ivr.card import Card
    from ivr.endpoint import Address, PortTaken
    from ivr.line import LineSettings

    address = Address(
        settings.sip_host,
        settings.sip_port if index == 0 else 0,
        settings.rtp_port + 1000 * index if settings.rtp_port else 0,
    )
    line = LineSettings(
        card=str(index),
        address=address,
        number=settings.number,
        legs_kept=settings.legs_kept,
        greeting=await asyncio.to_thread(greeting_pcm, settings),
        sip_log_level=4 if settings.log_level == "debug" else 0,
    )
    recorder = Recorder(settings.recordings_dir, [settings.ears_socket(i) for i in range(settings.ears)])
    card = Card(line, settings.card_socket(index), recorder)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, card.stop)
    await _wait_for_port(address.host, address.sip_port)
    try:
        await card.run(ready)
    except PortTaken as error:
        raise CannotWork(str(error)) from None


async def _wait_for_port(host: str, port: int) -> None:
    """A card of a supervisor that was killed may still be saying goodbye on it; in the end pjsua2 tells."""
    deadline = time.monotonic() + _PORT_SECONDS
    while _in_use(host, port) and time.monotonic() < deadline:  # noqa: ASYNC110  a port tells nobody when it is free
        await asyncio.sleep(0.2)


def _in_use(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
        return False


async def run_ears(settings: Settings, index: int) -> None:
    from asr_models import catalogue, ears

    await ears.serve(
        settings.ears_socket(index),
        lambda: catalogue.find(settings.model, settings.models_dir),
        catalogue.EMBEDDED,
        workers=settings.ears_threads,
        on_ready=ready,
    )


async def run_broker(settings: Settings) -> None:
    from hotline import broker

    at = urlsplit(settings.mqtt_url)
    await broker.serve(
        at.hostname or "127.0.0.1", at.port or 1883, at.username or "", at.password or "", settings.run_dir, ready
    )


async def run_line(settings: Settings) -> None:
    from hotline.bus import Bus
    from hotline.calls.cards import Cards
    from hotline.calls.line import LineService

    db = await asyncio.to_thread(open_database, settings)
    service = LineService(
        db,
        Bus(settings.mqtt_url),
        Cards({str(i): settings.card_socket(i) for i in range(settings.cards)}),
        settings.recordings_dir,
        [settings.ears_socket(i) for i in range(settings.ears)],
    )
    await service.run(ready)


_PROCESSES: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
    "broker": run_broker,
    "card": run_card,
    "ears": run_ears,
    "line": run_line,
}


def main() -> None:
    name, *numbers = sys.argv[1:]
    if name == "spare":
        name, *numbers = _wait_for_orders()
    be(
        "-".join([name, *numbers]),
        lambda settings: _PROCESSES[name](settings, *map(int, numbers)),
        handles_sigterm=name == "card",
    )


def be(name: str, run: Callable[[Settings], Coroutine[Any, Any, None]], *, handles_sigterm: bool = False) -> None:
    """Be one process of the hotline, under that name in the log, until SIGTERM."""
    os.umask(0o077)  # numbers, words and voices: for this user only
    try:
        settings = configuration.load()
        logging.configure(name, settings.log_level, json=settings.log_json)
        asyncio.run(_until_terminated(run(settings), handled=handles_sigterm))
    except (configuration.WrongSetting, CannotWork) as error:
        print(error, file=sys.stderr)
        sys.exit(EX_CONFIG)


def _wait_for_orders() -> list[str]:
    """Be loaded, and wait to be told what to be (supervisor.Spare)."""
    import hotline.prompts
    import hotline.recorder  # noqa: F401
    import ivr.card  # noqa: F401

    ready()
    order = json.loads(sys.stdin.readline() or "null")
    if order is None:  # the supervisor is gone
        sys.exit(0)
    os.environ["NOTIFY_SOCKET"] = order["notify"]
    arguments: list[str] = order["arguments"]
    return arguments


async def _until_terminated(run: Coroutine[Any, Any, None], *, handled: bool) -> None:
    """SIGTERM ends a process in order; a card has its own way of doing so."""
    task = asyncio.ensure_future(run)
    if not handled:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


if __name__ == "__main__":
    main()
