"""A whole hotline on one machine: its lock, its processes, its end."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from asr_models.voice import VoiceFailed
from hotline import prompts
from hotline.app import open_database, programs, spare
from hotline.settings import Settings
from hotline.supervisor import Supervisor


class AlreadyRunning(Exception):
    """Another hotline runs in this HOTLINE_VAR."""


@contextlib.contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold this HOTLINE_VAR. Raises AlreadyRunning."""
    settings.run_dir.mkdir(exist_ok=True)
    path = settings.run_dir / "hotline.lock"
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise AlreadyRunning(
                f"a hotline already runs in {settings.var} (process {holder}): "
                "stop it, or set HOTLINE_VAR to another folder"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def log_file(settings: Settings) -> Path:
    return settings.var / "log" / "hotline.log"


@contextlib.asynccontextmanager
async def hotline(settings: Settings, *, log_to_file: bool = True) -> AsyncIterator[Supervisor]:
    """A running hotline; all of it is stopped in order at the end. Raises AlreadyRunning, supervisor.CannotStart."""
    with only_one(settings):
        await asyncio.to_thread(_prepare, settings)
        wanted = programs(settings)
        note = settings.run_dir / "processes.json"
        supervisor = Supervisor(wanted, spare(wanted), note, log_file(settings) if log_to_file else None)
        await supervisor.start()
        try:
            yield supervisor
        finally:
            await supervisor.stop()
            for one in (settings.broker_note, settings.desk_note, note):
                one.unlink(missing_ok=True)


def _prepare(settings: Settings) -> None:
    log_file(settings).parent.mkdir(parents=True, exist_ok=True)
    for socket in settings.run_dir.glob("*.sock"):  # of processes that were killed
        socket.unlink()
    open_database(settings).close()
    with contextlib.suppress(VoiceFailed):  # a card says so in the log; the doctor too
        prompts.make(settings)
