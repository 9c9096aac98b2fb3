"""A whole hotline as a user starts it, for tests: its processes, its books, its tapes, and citizens who call it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from hotline.calls import queries
from hotline.calls.models import Call, Recording
from hotline.db import Database
from hotline.records import ledger

RATE_HZ = 8000
PATIENCE_SECONDS = 60.0
"""How long an event is waited for before the test gives up; no test asserts how long it took."""
_LOOK_SECONDS = 0.05


class NeverHappened(AssertionError):
    pass


def until(what: str, look: Callable[[], Any], patience_seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait for ``look`` to give something true, and give it."""
    deadline = time.monotonic() + patience_seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise NeverHappened(what)
        _nap()


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_tcp_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _nap() -> None:
    time.sleep(_LOOK_SECONDS)  # between two looks at another process, never instead of an event


@dataclass
class Stack:
    """``hotline run`` in a HOTLINE_VAR of its own, on free ports."""

    var: Path
    settings: dict[str, str] = field(default_factory=dict)
    sip_port: int = field(default_factory=lambda: free_udp_port())
    desk_port: int = field(default_factory=lambda: free_tcp_port())
    process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}
        ports = {"HOTLINE_SIP_PORT": str(self.sip_port), "HOTLINE_DESK_PORT": str(self.desk_port)}
        return {**clean, "HOTLINE_VAR": str(self.var), **ports, **self.settings}

    def start(self) -> Stack:
        out = (self.var / "run.out").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hotline.cli", "run"], env=self.environment, stdout=out, stderr=subprocess.STDOUT
        )
        until("the hotline is up", lambda: self._ended() or " is up." in self.said)
        if self.process.poll() is not None:
            raise AssertionError(f"the hotline did not start: {self.said}")
        return self

    def _ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    @property
    def said(self) -> str:
        return (self.var / "run.out").read_text()

    @property
    def log(self) -> str:
        return (self.var / "log" / "hotline.log").read_text(errors="replace")

    def stop(self) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)

    def processes(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = json.loads((self.var / "run" / "processes.json").read_text())
        return found

    def pid(self, name: str) -> int:
        return self.processes()[name]["pid"]

    def kill(self, name: str) -> int:
        """``kill -9``; gives the pid that died."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def until_restarted(self, name: str, old_pid: int) -> None:
        until(f"{name} runs again", lambda: self.pid(name) != old_pid)

    def command(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """``hotline …`` as a user types it."""
        return subprocess.run(
            [sys.executable, "-m", "hotline.cli", *arguments],
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def asked(self, *arguments: str) -> Any:
        """What a command prints with --json; it must have succeeded."""
        done = self.command(*arguments, "--json")
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout)

    @property
    def sip(self) -> str:
        """Where citizens call."""
        return f"sip:12345@127.0.0.1:{self.sip_port}"

    @property
    def desk(self) -> str:
        """Where browsers go."""
        return f"http://127.0.0.1:{self.desk_port}"

    @property
    def books(self) -> Books:
        return Books(Database(f"sqlite:///{self.var / 'hotline.db'}"), self.var / "recordings")

    def card_socket(self, card: int = 0) -> Path:
        return self.var / "run" / f"card-{card}.sock"


@dataclass
class Books:
    """What the hotline wrote down."""

    db: Database
    recordings: Path

    def calls(self) -> list[Call]:
        with self.db.read() as session:
            return list(queries.latest(session, 1000))

    def call(self, call_id: str) -> Call:
        with self.db.read() as session:
            return session.get_one(Call, call_id)

    def by_sip(self, sip_call_id: str) -> Call | None:
        with self.db.read() as session:
            return queries.by_sip_call_id(session, sip_call_id)

    def until_call(self, state: str, known: int = 0) -> Call:
        """The newest call, once it is there and in ``state``."""

        def look() -> Call | None:
            calls = self.calls()
            return calls[0] if len(calls) > known and calls[0].state == state else None

        found: Call = until(f"a call is {state}", look)
        return found

    def until_closed(self, call_id: str) -> Call:
        found: Call = until(f"{call_id} is closed", lambda: self.call(call_id).state == "closed" and self.call(call_id))
        return found

    def kinds(self, subject: str) -> list[str]:
        with self.db.read() as session:
            return [record.kind for record in ledger.history(session, subject)]

    def payloads(self, subject: str, kind: str) -> list[dict[str, Any]]:
        with self.db.read() as session:
            return [
                json.loads(record.payload or "{}") for record in ledger.history(session, subject) if record.kind == kind
            ]

    def transcript(self, call_id: str) -> str:
        with self.db.read() as session:
            return queries.transcript(session, call_id)

    def draft(self, call_id: str) -> dict[str, Any]:
        with self.db.read() as session:
            row = queries.draft(session, call_id)
            return row.fields if row is not None else {}

    def recording(self, call_id: str) -> Recording:
        with self.db.read() as session:
            row = queries.recording(session, call_id)
            assert row is not None
            return row

    def tape(self, call_id: str) -> np.ndarray:
        """The tape's samples, (n, 2): left the caller, right what he heard."""
        samples, rate = soundfile.read(self.recordings / self.recording(call_id).path, dtype="int16", always_2d=True)
        assert rate == RATE_HZ
        return samples

    def verdict(self) -> ledger.Verdict:
        with self.db.read() as session:
            return ledger.verify(session)


def tone(hz: float, seconds: float, amplitude: int = 8000) -> bytes:
    """16-bit PCM at 8 kHz."""
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return (amplitude * np.sin(2 * np.pi * hz * t)).astype("<i2").tobytes()


def power(samples: np.ndarray, hz: float) -> float:
    """How much of ``hz`` is in the sound: the amplitude it would have if it were there all the time."""
    x = samples.astype(np.float64)
    return float(2 * abs(np.exp(-2j * np.pi * hz * np.arange(len(x)) / RATE_HZ) @ x) / max(len(x), 1))
