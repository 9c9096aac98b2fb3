"""Starts every process of the hotline on one machine, starts again what dies, stops all of it cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

log = structlog.get_logger()

EX_CONFIG = 78
"""A process that ends with this (sysexits.h) cannot work as it is set up: starting it again is no use."""
_STEADY_SECONDS = 2.0
"""A process that lived this long is started again at once; one that keeps dying waits a little longer each time."""
_PAUSES = (0.0, 0.0, 0.2, 0.5, 0.8)
"""Never a second: somebody who can kill a card must not be able to keep it away."""
_PATIENT_PAUSE_SECONDS = 30.0
"""Between the lives of a program that is not vital and keeps dying: its starts cost the others processor time."""
_SETTLE_SECONDS = 20.0
"""How long the start waits for a program that is not vital and says nothing."""
_STOP_SECONDS = 8.0
_SPARE_PAUSE_SECONDS = 1.0
_TRIES = 5
"""A program that never became ready is started this often."""
_LOG_BYTES = 50 * 1024**2
_PR_SET_PDEATHSIG = 1


class CannotStart(Exception):
    """A process says that it cannot work as it is set up; the message is its own."""


@dataclass(frozen=True)
class Program:
    name: str
    arguments: tuple[str, ...]
    """After ``python -m``."""
    environment: Mapping[str, str] = field(default_factory=dict)
    spared: bool = False
    """A warm spare takes its place when it dies."""
    vital: bool = True
    """Without it nothing starts. What is not vital is tried again, ever more slowly, and never holds up the others."""


class Spare:
    """A process that has loaded what a card needs and waits to be told which program to be.

    Loading takes most of a second; a card whose caller is waiting for the next ring has not got it.
    """

    def __init__(self, arguments: tuple[str, ...], environment: Mapping[str, str]) -> None:
        self._arguments = arguments
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._warm = asyncio.Event()

    async def keep_warm(self, on_warm: Callable[[], None]) -> None:
        """Whenever there is none, make one, though not at once: first those who are needed now."""
        while True:
            await asyncio.sleep(_SPARE_PAUSE_SECONDS)
            if self._process is not None and self._process.returncode is None:
                continue
            with contextlib.suppress(OSError):  # no process to be had just now: the next round tries again
                await self._warm_up()
                on_warm()

    async def _warm_up(self) -> None:
        """Start one and wait until it is warm, or dead."""
        self._warm.clear()
        with _notified(self._warm.set) as notify_socket:
            self._process = await _start(self._arguments, self._environment, notify_socket)
            either = asyncio.ensure_future(self._warm.wait()), asyncio.ensure_future(self._process.wait())
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            for one in either:
                one.cancel()

    @property
    def is_warm(self) -> bool:
        return self._process is not None and self._process.returncode is None and self._warm.is_set()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self.is_warm else None

    def take(self, program: Program, notify_socket: str) -> asyncio.subprocess.Process | None:
        """The spare, on its way to being ``program``; None when it is not warm yet."""
        if not self.is_warm:
            return None
        process, self._process = self._process, None
        assert process is not None
        assert process.stdin is not None
        order = {"arguments": program.arguments[1:], "notify": notify_socket}
        process.stdin.write(json.dumps(order).encode() + b"\n")
        return process

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


class Child:
    """One program, kept running."""

    def __init__(self, program: Program, log_path: Path | None, spare: Spare | None) -> None:
        self.program = program
        self._spare = spare
        self.process: asyncio.subprocess.Process | None = None
        self.ready = asyncio.Event()
        self.was_ready = False
        self.restarts = 0
        self.settled = asyncio.Event()
        """It is ready, or it is known that it is not going to be soon."""
        self.failure: str | None = None
        """Its last words, when it said it cannot work, until it works after all."""
        self._log_path = log_path
        self._stopping = False

    async def keep_running(self, on_start: Callable[[], None]) -> None:
        """Start it, again and again; returns when it was stopped or cannot work."""
        quick_deaths = 0
        while not self._stopping:
            began = time.monotonic()
            try:
                code, last_words = await self._live(on_start)
            except OSError as error:  # no process to be had just now: no memory, no file handles
                code, last_words = -1, str(error)
            if self._stopping:
                return
            self.was_ready = self.was_ready or self.ready.is_set()
            quick_deaths = 0 if time.monotonic() - began > _STEADY_SECONDS else quick_deaths + 1
            if code == EX_CONFIG and not self.was_ready:
                self.failure = last_words
            elif not self.was_ready and quick_deaths == _TRIES:
                self.failure = f"died {_TRIES} times before it was ready: {last_words}"
            if self.failure is not None:
                self.settled.set()
                if self.program.vital:
                    return
            pause = self._pause(quick_deaths)
            self.restarts += 1
            log.warning("process died", name=self.program.name, code=code, again_in_seconds=pause, said=last_words)
            self._log_file(f"-- {self.program.name} died with {code}, started again --\n".encode())
            await asyncio.sleep(pause)

    def _pause(self, quick_deaths: int) -> float:
        if not self.program.vital and (self.failure is not None or quick_deaths >= len(_PAUSES)):
            return _PATIENT_PAUSE_SECONDS
        return _PAUSES[min(quick_deaths, len(_PAUSES) - 1)]

    def _is_ready(self) -> None:
        self.failure = None
        self.ready.set()
        self.settled.set()

    async def _live(self, on_start: Callable[[], None]) -> tuple[int, str]:
        """One life of the process, from start to end: its exit code and the last line it wrote."""
        with _notified(self._is_ready) as notify_socket:
            self.process = self._spare.take(self.program, notify_socket) if self._spare is not None else None
            if self.process is None:
                self.process = await _start(self.program.arguments, self.program.environment, notify_socket)
            on_start()
            assert self.process.stdout is not None
            last_words = await self._pass_on(self.process.stdout)
            return await self.process.wait(), last_words

    async def _pass_on(self, output: asyncio.StreamReader) -> str:
        """Carry what it writes to the log; gives its last line."""
        tail = b""
        while block := await output.read(1 << 16):
            self._log_file(block)
            tail = (tail + block)[-4096:]
        lines = tail.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def _log_file(self, block: bytes) -> None:
        """Append to the log of all; past a size it is put aside, and the one put aside before goes."""
        path = self._log_path
        if path is None:
            sys.stderr.buffer.write(block)
            sys.stderr.flush()
            return
        with contextlib.suppress(OSError):  # a full disk costs the log, never the process that logs
            if path.exists() and path.stat().st_size > _LOG_BYTES:
                path.replace(path.with_suffix(".old"))
            with path.open("ab") as out:
                out.write(block)

    async def stop(self) -> None:
        self._stopping = True
        process = self.process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        except TimeoutError:
            log.warning("process did not stop", name=self.program.name)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


class Supervisor:
    """Starts programs all at once (each waits for what it needs); stops them in the reverse order."""

    def __init__(self, programs: list[Program], spare: Spare, note: Path, log_path: Path | None = None) -> None:
        self.children = {
            program.name: Child(program, log_path, spare if program.spared else None) for program in programs
        }
        self._spare = spare
        self._note = note
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Returns when every program is ready, but for those that are not vital and cannot be. Raises CannotStart."""
        for child in self.children.values():
            self._tasks[child.program.name] = asyncio.create_task(child.keep_running(self._write_note))
        all_ready = asyncio.create_task(self._all_ready())
        try:
            await asyncio.wait({all_ready, *self._tasks.values()}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not all_ready.done():
                all_ready.cancel()
                await self.stop()
        for task in self._tasks.values():
            if task.done() and not task.cancelled():
                task.result()  # a fault of our own is not a start
        failed = [child for child in self.children.values() if child.failure is not None and child.program.vital]
        if failed:
            raise CannotStart("; ".join(f"{child.program.name}: {child.failure}" for child in failed))
        self._tasks["spare"] = asyncio.create_task(self._spare.keep_warm(self._write_note))

    async def stop(self) -> None:
        """The line's doors first, then what listens to them: in the reverse order of starting."""
        for child in reversed(self.children.values()):
            await child.stop()
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self._spare.stop()

    async def _all_ready(self) -> None:
        vital = [child for child in self.children.values() if child.program.vital]
        others = [child for child in self.children.values() if not child.program.vital]
        for child in vital:
            await child.ready.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_SECONDS):
                for child in others:
                    await child.settled.wait()

    def _write_note(self) -> None:
        """Who runs as which process, for people and for tests: a JSON object, name to pid and restarts."""
        known = {
            name: {"pid": child.process.pid, "restarts": child.restarts}
            for name, child in self.children.items()
            if child.process is not None
        }
        if self._spare.pid is not None:
            known["spare"] = {"pid": self._spare.pid, "restarts": 0}
        part = self._note.with_suffix(".part")
        with contextlib.suppress(OSError):  # a full disk costs the note, not the supervising
            part.write_text(json.dumps(known, indent=1))
            part.replace(self._note)


async def _start(
    arguments: tuple[str, ...], environment: Mapping[str, str], notify_socket: str
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *arguments,
        env={**os.environ, **environment, "NOTIFY_SOCKET": notify_socket},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,  # PJSIP's own log goes to standard output
        start_new_session=True,  # Ctrl-C is for the supervisor, which stops the others in order
        preexec_fn=_die_with_parent,
    )


@contextlib.contextmanager
def _notified(on_ready: Callable[[], None]) -> Iterator[str]:
    """A socket for sd_notify; ``on_ready`` is called by the first word on it."""
    loop = asyncio.get_running_loop()
    address = f"@hotline-{os.getpid()}-{secrets.token_hex(8)}"  # abstract (unix(7)): needs no room on any disk
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + address[1:])
        listener.setblocking(False)

        def hear() -> None:
            with contextlib.suppress(BlockingIOError):
                if b"READY=1" in listener.recv(4096):
                    on_ready()

        loop.add_reader(listener, hear)
        try:
            yield address
        finally:
            loop.remove_reader(listener)


def _die_with_parent() -> None:
    """A supervisor that is killed must not leave cards behind that hold the port."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
