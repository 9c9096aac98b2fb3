"""A simulated citizen: a real SIP caller who waits for the greeting, speaks, presses keys and hangs up.

Runs as a process of its own (``python -m ivr.citizen``): one JSON script on standard input, one JSON result on
standard output. All its times are counted in audio.
"""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import sys
import threading
import time
import wave
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pjsua2 as pj
import structlog

from ivr.endpoint import Address, SipThread, account_config
from ivr.keys import tones
from ivr.legs import SipCall, SipLeg
from ivr.pcm import FRAME_SECONDS, RATE_HZ
from ivr.port import Port
from ivr.sound import frames_of

_LOUD = 200.0  # root mean square above which the citizen takes it that somebody speaks to him
_PAUSE_SECONDS = 0.5
"""Silence after which the citizen believes the greeting is over."""


@dataclass(frozen=True)
class Script:
    """What a citizen does. Seconds are seconds of sound."""

    to: str
    """sip: URI to dial."""
    pcm: bytes = b""
    """What he says: 16-bit mono, 8 kHz."""
    keys: str = ""
    """Pressed after he has spoken."""
    keys_by: str = "rfc4733"
    """rfc4733, info or inband."""
    polite: bool = True
    """Waits until the greeting has ended; else speaks at once."""
    patience_seconds: float = 8.0
    """How long a polite citizen waits for the end of a greeting."""
    linger_seconds: float = 1.5
    """Stays on the line after the last word."""
    ring_seconds: float = 20.0
    caller: str = "13800138000"
    hear: str = ""
    """Where to write what he heard (WAV); "" keeps nothing."""
    host: str = ""
    """Address he calls from; "" takes the one that leads to ``to``."""


@dataclass
class Result:
    """What came of the call. ``status`` is the final SIP status; 408 also when the citizen gave up ringing."""

    status: int = 0
    reason: str = ""
    sip_call_id: str = ""
    answer_ms: float | None = None
    """INVITE sent → 200 received."""
    seconds: float = 0.0
    spoke_at: float | None = None
    """Second of the call at which he began to speak."""
    heard_seconds: float = 0.0
    hung_up_by: str = ""
    keys_heard: str = ""
    """Keys the other side pressed."""


@dataclass
class _Ear:
    """Counts what comes from the other side; runs on the media thread."""

    frames: list[bytes] = field(default_factory=list)
    ticks: int = 0
    ever_loud: bool = False
    quiet_ticks: int = 0

    def __call__(self, pcm: bytes) -> None:
        self.ticks += 1
        self.frames.append(pcm)
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32)
        if float(np.sqrt(np.mean(samples * samples))) > _LOUD:
            self.ever_loud, self.quiet_ticks = True, 0
        else:
            self.quiet_ticks += 1

    def invited(self, patience_seconds: float) -> bool:
        """Whether a polite person would speak now: the greeting came and ended, or none came for long."""
        greeted = self.ever_loud and self.quiet_ticks * FRAME_SECONDS >= _PAUSE_SECONDS
        return greeted or self.ticks * FRAME_SECONDS >= patience_seconds


class _Mouth:
    """The citizen's side of the sound: waits, speaks, lingers; says when it is done."""

    def __init__(self, script: Script, ear: _Ear, press: Callable[[], None], on_done: Callable[[], None]) -> None:
        pcm = script.pcm + (tones(script.keys) if script.keys_by == "inband" else b"")
        self._frames = iter(list(frames_of(pcm)))
        self._script = script
        self._ear = ear
        self._press = press
        self._on_done = on_done
        self._ticks = 0
        self._linger = round(script.linger_seconds / FRAME_SECONDS)
        self._spoken = False
        self._done = False
        self.spoke_at: float | None = None

    def __call__(self) -> bytes | None:
        self._ticks += 1
        if self.spoke_at is None:
            if self._script.polite and not self._ear.invited(self._script.patience_seconds):
                return None
            self.spoke_at = self._ticks * FRAME_SECONDS
        frame = next(self._frames, None)
        if frame is not None:
            return frame
        if not self._spoken:
            self._spoken = True
            self._press()
        self._linger -= 1
        if self._linger <= 0 and not self._done:
            self._done = True
            self._on_done()
        return None


class Citizen:
    """One call by one citizen; ``call`` blocks until it is over."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._result = Result()
        self._answered = threading.Event()
        self._over = threading.Event()
        self._leg = SipLeg("citizen", inbound=False)
        self._account: pj.Account | None = None
        self._port: Port | None = None
        self._ear = _Ear()
        self._mouth = _Mouth(script, self._ear, self._press, self._hang_up_soon)
        self._sent_at = 0.0
        self._ours = False
        self._sip = SipThread(
            Address(script.host or _way_to(script.to)),
            self._make_account,
            self._hang_up,
            self._let_go,
            user_agent="Citizen",
            log_level=0,
        )

    def call(self) -> Result:
        script = self._script
        self._sip.open()
        try:
            self._sip.do(self._dial).result()
            self._answered.wait(script.ring_seconds)
            if self._result.status == 0:
                self._result.status, self._result.reason = 408, "no answer"
                return self._result
            longest = script.patience_seconds + script.linger_seconds + 60  # an end that never comes
            self._over.wait(longest + len(script.pcm) / 2 / RATE_HZ + len(script.keys))
        finally:
            self._sip.stop()
        self._result.spoke_at = self._mouth.spoke_at
        self._result.heard_seconds = round(len(self._ear.frames) * FRAME_SECONDS, 2)
        if script.hear:
            _write_wav(Path(script.hear), b"".join(self._ear.frames))
        return self._result

    def _make_account(self) -> pj.Account:
        account = pj.Account()
        account.create(account_config(self._sip.address, self._script.caller), True)
        self._account = account
        return account

    def _dial(self) -> None:
        self._leg.call = SipCall(self, self._leg, self._account)
        self._sent_at = time.monotonic()
        self._leg.call.makeCall(self._script.to, pj.CallOpParam(True))
        self._result.sip_call_id = self._leg.call.getInfo().callIdString

    def _hang_up_soon(self) -> None:
        self._sip.post(self._hang_up)

    def _hang_up(self) -> None:
        if self._leg.call is not None:
            self._ours = True
            self._leg.call.hangup(pj.CallOpParam())

    def _let_go(self) -> None:
        self._leg.call = self._leg.audio = None
        self._port = self._account = None

    def _press(self) -> None:
        script = self._script
        if not script.keys or script.keys_by == "inband":
            return
        prm = pj.CallSendDtmfParam()
        prm.digits = script.keys
        info = script.keys_by == "info"
        prm.method = pj.PJSUA_DTMF_METHOD_SIP_INFO if info else pj.PJSUA_DTMF_METHOD_RFC2833
        self._sip.post(lambda: self._leg.call.sendDtmf(prm) if self._leg.call is not None else None)

    def call_state(self, leg: SipLeg, info: pj.CallInfo) -> None:
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            leg.move("pick_up")
            self._result.answer_ms = round(1000 * (time.monotonic() - self._sent_at), 1)
            self._result.status = 200
            self._answered.set()
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self._result.seconds = round(leg.seconds, 3)
            if self._result.status == 0:
                self._result.status, self._result.reason = info.lastStatusCode, info.lastReason
            self._result.hung_up_by = "citizen" if self._ours else "hotline"
            leg.audio = leg.call = None
            self._answered.set()
            self._over.set()

    def call_media(self, leg: SipLeg, info: pj.CallInfo) -> None:
        assert leg.call is not None
        leg.audio = leg.call.getAudioMedia(-1)
        if self._port is None:
            self._port = Port("citizen")
            self._port.sink, self._port.source = self._ear, self._mouth
        leg.audio.startTransmit(self._port)
        self._port.startTransmit(leg.audio)

    def call_key(self, leg: SipLeg, key: str, how: str) -> None:
        self._result.keys_heard += key


def _way_to(uri: str) -> str:
    """This machine's address towards a sip: URI, found without sending anything."""
    host, _, port = uri.removeprefix("sip:").rpartition("@")[2].partition(";")[0].partition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, int(port or 5060)))
            return str(probe.getsockname()[0])
        except (OSError, ValueError):
            return "127.0.0.1"


def _write_wav(path: Path, pcm: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(pcm)


class CitizenFailed(Exception):
    """The simulated citizen's own process broke; says how."""


async def send_citizen(script: Script) -> Result:
    """Have a citizen call, in a process of his own. Raises CitizenFailed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ivr.citizen",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    request = json.dumps({**asdict(script), "pcm": base64.b64encode(script.pcm).decode()})
    try:
        out, err = await process.communicate(request.encode())
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode != 0:
        lines = err.decode(errors="replace").strip().splitlines()
        raise CitizenFailed(lines[-1] if lines else f"the citizen's process ended with {process.returncode}")
    return Result(**json.loads(out.splitlines()[-1]))


def main() -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    request: dict[str, Any] = json.loads(sys.stdin.read())
    request["pcm"] = base64.b64decode(request["pcm"])
    result = Citizen(Script(**request)).call()
    print(json.dumps(asdict(result)), flush=True)


if __name__ == "__main__":
    main()
