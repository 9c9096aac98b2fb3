"""A card: one process, one SIP thread, a few legs. It answers, tapes and listens by itself; others only command it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from ivr.control import Control
from ivr.journal import Journal
from ivr.line import Line, LineSettings
from ivr.taping import Recorder, Tapings, Tell
from ivr.wire import Message

log = structlog.get_logger()


class CardBroken(Exception):
    """A part without which a card is none has ended by itself."""


class Card:
    """Joins the parts: facts rise from the line (SIP thread), are acted on here, and go into the journal."""

    def __init__(self, settings: LineSettings, socket_path: Path, recorder: Recorder) -> None:
        self.settings = settings
        self.run_id = f"{settings.card}-{int(time.time())}-{secrets.token_hex(3)}"
        """Names this life of the card: a new process is a new run."""
        self._socket_path = socket_path
        self._line = Line(settings, self._tell_from_thread)
        self._journal = Journal()
        self._tapings = Tapings(recorder, self._tell_of)
        self._control = Control(self._line, self._tapings, self._journal, self.status)
        self._stop = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Answer calls until ``stop``. Raises PortTaken."""
        await asyncio.to_thread(self._line.sip.open)
        server = await self._control.open(self._socket_path)
        pump = asyncio.create_task(self._tapings.pump_forever())
        log.info("card up", card=self.settings.card, sip=self.sip_address, legs=self._line.sip.legs_max)
        on_ready()
        stopped = asyncio.create_task(self._stop.wait())
        sip_over = asyncio.create_task(asyncio.to_thread(self._line.sip.join))
        try:
            await asyncio.wait({stopped, pump, sip_over}, return_when=asyncio.FIRST_COMPLETED)
            if not stopped.done():  # without sound or without SIP a card is none: another is to take its place
                raise CardBroken("the sound" if pump.done() else "the sip thread")
        finally:
            self._line.draining = True
            await asyncio.to_thread(self._line.sip.stop)
            await asyncio.sleep(0)  # let the last facts of the SIP thread in
            await self._tapings.until_closed(timeout_seconds=5)
            await self._journal.until_read(timeout_seconds=2)
            pump.cancel()
            server.close()
            self._control.close()
            self._socket_path.unlink(missing_ok=True)

    def stop(self) -> None:
        """Hang up everybody, close the tapes, end. May be called from a signal handler of the loop."""
        self._stop.set()

    @property
    def sip_address(self) -> str:
        return f"{self._line.sip.address.host}:{self._line.sip.address.sip_port}"

    def status(self) -> Message:
        line = self._line
        return {
            "card": self.settings.card,
            "card_run": self.run_id,
            "pid": os.getpid(),
            "sip": self.sip_address,
            "legs_max": line.sip.legs_max,
            "callers_max": line.callers_max,
            "callers": line.callers,
            "room": line.room,
            "draining": line.draining,
            "commanded": self._journal.commanded,
            "unacknowledged": len(self._journal),
            "lost_facts": self._journal.lost,
            "sound_faults": self._tapings.faults,
            "legs": {leg.leg_id: leg.state for leg in list(line.legs.values())},
        }

    def _tell_from_thread(self, message: Message) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody is left to tell
            self._loop.call_soon_threadsafe(self._fact, message)

    def _fact(self, message: Message) -> None:
        """A fact is written down, and the card does its own part: the tape runs from the answer to the end."""
        leg_id = message.get("leg", "")
        match message["event"]:
            case "key":
                message["second"] = self._tapings.second(leg_id)
            case "connected" | "ended":
                self._control.ring_over(leg_id)
        self._journal.fact(message)
        match message["event"]:
            case "answered":
                self._begin_tape(leg_id, message)
            case "ended":
                self._tapings.end(leg_id)

    def _begin_tape(self, leg_id: str, answered: Message) -> None:
        leg = self._line.legs.get(leg_id)
        if leg is None or leg.pair is None:  # over before it began: nothing to tape, nothing to hear
            self._tell_of(leg_id)({"event": "ears_stopped", "seconds": 0.0})
            return
        details = {key: answered[key] for key in ("sip_call_id", "caller", "caller_name", "called", "diverted_from")}
        details |= {"card": self.settings.card, "card_run": self.run_id}
        self._tapings.begin(leg, answered["at"], details)

    def _tell_of(self, leg_id: str) -> Tell:
        def tell(message: Message, *, keep: bool = True) -> None:
            message = {"at": time.time(), "leg": leg_id, **message}
            (self._journal.fact if keep else self._journal.momentary)(message)

        return tell
