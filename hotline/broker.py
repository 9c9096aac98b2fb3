"""The embedded broker's process: what a single machine uses until Mosquitto is installed."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from amqtt.broker import Broker
from pwdlib.hashers.argon2 import Argon2Hasher

PASSWORD_FILE = "broker.passwd"


async def serve(host: str, port: int, user: str, password: str, directory: Path, on_ready: Callable[[], None]) -> None:
    """Serve MQTT on `host:port` to one user until cancelled; `on_ready` is called once it listens.

    The password's hash goes into `directory`, readable by this account only. Nothing is kept over a
    restart: the ledger's outbox says again what was not acknowledged.
    """
    if not user or ":" in user or not password:
        raise ValueError("the broker needs a user without a colon, and a password")
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{host}:{port}", "max_connections": 0}},
            # Naming the plugins leaves out the defaults: anonymous visitors and the $SYS chatter.
            "plugins": {
                "amqtt.plugins.authentication.FileAuthPlugin": {
                    "password_file": str(_write_password_file(directory, user, password))
                }
            },
        }
    )
    await broker.start()
    try:
        on_ready()
        await asyncio.Event().wait()
    finally:
        await broker.shutdown()


def _write_password_file(directory: Path, user: str, password: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / PASSWORD_FILE
    # Made anew each time: an existing file would keep whatever mode it has.
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(f"{user}:{Argon2Hasher().hash(password)}\n")
    return path
