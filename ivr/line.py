"""The SIP side of a card: answers at once, greets, joins, dials, hangs up. Everything here is in the SIP thread."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import pjsua2 as pj
import structlog

from ivr import admission, sdp
from ivr.admission import Front, Refusal
from ivr.bridge import Bridge
from ivr.endpoint import Address, SipThread, account_config
from ivr.legs import Leg, SipCall, SipLeg, SocketLeg
from ivr.port import Port, PortPool
from ivr.sound import Arriving, Pair, Prompt, Solo
from ivr.wire import Message

log = structlog.get_logger()


@dataclass(frozen=True)
class LineSettings:
    """What a card needs to know of the world."""

    card: str
    address: Address
    number: str = "12345"
    legs_kept: int = 1
    """Legs never given to callers: agents' phones, transfers and duty calls need them."""
    greeting: bytes = b""
    """PCM played to every caller at the answer."""
    sip_log_level: int = 0
    """PJSIP's own log on standard output, 0 to 6: for debugging only, it shows numbers and addresses."""


class LegUnknown(Exception):
    def __init__(self, leg_id: str) -> None:
        super().__init__(f"no such leg: {leg_id}")


class Line:
    """All legs of one card. Commands come through ``sip.do``; facts go out through ``tell``.

    ``tell`` is called in the SIP thread (keys and ends of prompts: also in the media thread) with one JSON-able
    message; it must only pass it on.
    """

    def __init__(self, settings: LineSettings, tell: Callable[[Message], None]) -> None:
        self.settings = settings
        self.legs: dict[str, Leg] = {}
        self.draining = False
        self._tell = tell
        self._bridge = Bridge()
        self._pool = PortPool()
        self._account: Front | None = None
        self._refusals: dict[int, pj.Call] = {}
        self.sip = SipThread(
            settings.address,
            self._make_account,
            self._end_all,
            self._let_go,
            user_agent=f"Hotline-{settings.number}",
            log_level=settings.sip_log_level,
        )

    @property
    def callers_max(self) -> int:
        return max(1, self.sip.legs_max - self.settings.legs_kept)

    @property
    def callers(self) -> int:
        return sum(1 for leg in list(self.legs.values()) if isinstance(leg, SipLeg) and leg.inbound)

    @property
    def room(self) -> int:
        """How many more callers would be answered now."""
        sip_legs = sum(1 for leg in list(self.legs.values()) if isinstance(leg, SipLeg))
        return 0 if self.draining else max(0, min(self.callers_max - self.callers, self.sip.legs_max - sip_legs))

    def _make_account(self) -> Front:
        self._account = Front(self._offered)
        self._account.create(account_config(self.sip.address, self.settings.number), True)
        return self._account

    def _offered(self, prm: pj.OnIncomingCallParam) -> None:
        began = time.monotonic()
        message = prm.rdata.wholeMsg
        invitation = sdp.read_invitation(message)
        refusal = admission.refusal(message, draining=self.draining, room=self.room)
        if refusal is not None:
            self._refuse(prm.callId, invitation, *refusal)
            return
        leg = SipLeg(self._new_call_id(), inbound=True, invitation=invitation)
        leg.call = SipCall(self, leg, self._account, prm.callId)
        self.legs[leg.leg_id] = leg
        self._tape(leg)
        self._answer(leg)
        if leg.state == "ended":  # no codec in common: pjsua2 has answered 488 and said goodbye already
            return
        leg.announced = True
        self._say(
            "answered",
            leg,
            sip_call_id=invitation.sip_call_id,
            caller=invitation.caller,
            caller_name=invitation.caller_name,
            called=invitation.called,
            diverted_from=invitation.diverted_from,
            answer_ms=round(1000 * (time.monotonic() - began), 1),
        )
        if self.settings.greeting:
            self.play(leg.leg_id, self.settings.greeting, name="greeting")

    def _refuse(self, call_id: int, invitation: sdp.Invitation, cause: int, reason: str) -> None:
        refusal = Refusal(self._account, call_id, self._refusals)
        self._refusals[call_id] = refusal
        prm = pj.CallOpParam()
        prm.statusCode = cause
        refusal.answer(prm)
        self._say_refused(invitation, cause, reason)

    def _say_refused(self, invitation: sdp.Invitation, cause: int, reason: str) -> None:
        log.warning("call refused", cause=cause, reason=reason)
        self._tell(
            {
                "event": "refused",
                "at": time.time(),
                "sip_call_id": invitation.sip_call_id,
                "caller": invitation.caller,
                "called": invitation.called,
                "cause": cause,
                "reason": reason,
            }
        )

    def _answer(self, leg: SipLeg) -> None:
        prm = pj.CallOpParam(True)
        prm.statusCode = 200
        leg.move("answer")
        assert leg.call is not None
        try:
            leg.call.answer(prm)
        except pj.Error as error:
            log.warning("caller could not be answered", leg=leg.leg_id, reason=error.reason)
            if leg.state != "ended":
                leg.ended_by_us = error.reason
                self._ended(leg, 488, "Not Acceptable Here")

    def _tape(self, leg: Leg) -> None:
        """Lend the leg its ports and open its pair: left the leg alone, right all that it hears."""
        left, right = self._lend(leg), self._lend(leg)
        leg.right = right
        leg.pair = Pair(left_first=left.getPortId() < right.getPortId())
        sinks = [(left, leg.pair.take_left), (right, leg.pair.take_right)]
        # the one served first opens the pair: it gets its sink last, or a tick could fall between the two
        for port, sink in sorted(sinks, key=lambda one: -one[0].getPortId()):
            port.sink = sink
        self._bridge.connect(leg, left)

    def _lend(self, leg: Leg) -> Port:
        port = self._pool.lend()
        leg.ports.append(port)
        return port

    def call_state(self, leg: SipLeg, info: pj.CallInfo) -> None:
        if info.state == pj.PJSIP_INV_STATE_EARLY and leg.state in ("dialing", "ringing"):
            leg.move("ring")
            self._say("ringing", leg, cause=info.lastStatusCode)
        elif info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            if leg.inbound:
                leg.move("ack")
                self._say("connected", leg)
            else:
                leg.move("pick_up")
                self._say("connected", leg, sip_call_id=info.callIdString)
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self._ended(leg, info.lastStatusCode, info.lastReason)

    def call_media(self, leg: SipLeg, info: pj.CallInfo) -> None:
        leg.audio = None
        for index, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status in (
                pj.PJSUA_CALL_MEDIA_ACTIVE,
                pj.PJSUA_CALL_MEDIA_REMOTE_HOLD,
            ):
                assert leg.call is not None
                leg.audio = leg.call.getAudioMedia(index)
                break
        self._bridge.renew(leg)

    def call_key(self, leg: SipLeg, key: str, how: str) -> None:
        leg.out_of_band_keys = True
        self._say("key", leg, key=key, how=how)

    def _ended(self, leg: Leg, cause: int, reason: str) -> None:
        leg.audio = None if isinstance(leg, SipLeg) else leg.audio
        seconds = leg.seconds
        connected = leg.state in ("connected", "answered")
        leg.move("end")
        for other in self.legs.values():
            if leg in other.heard:
                self._unhear(other, leg)
        self._bridge.forget(leg)
        for port in leg.ports:
            self._bridge.forget(port)
            self._pool.take_back(port)
        leg.ports, leg.prompt, leg.right = [], None, None
        leg.audio = None
        self.legs.pop(leg.leg_id, None)
        hung_up_by = "far end"
        if isinstance(leg, SocketLeg) and leg.hang_up_socket is not None:
            leg.hang_up_socket()
        if isinstance(leg, SipLeg):
            hung_up_by = leg.ended_by_us or hung_up_by
            leg.call = None  # the last reference: pjsua2 reuses the number at once
            if leg.inbound and not leg.announced:
                assert leg.invitation is not None
                self._say_refused(leg.invitation, cause, reason)
                return
        self._say(
            "ended", leg, cause=cause, reason=reason, seconds=round(seconds if connected else 0.0, 3),
            hung_up_by=hung_up_by,
        )  # fmt: skip
        for other in [other for other in self.legs.values() if isinstance(other, SocketLeg)]:
            if other.tied_to == leg.leg_id:
                self._ended(other, 200, "its leg ended")

    def leg(self, leg_id: str) -> Leg:
        leg = self.legs.get(leg_id)
        if leg is None:
            raise LegUnknown(leg_id)
        return leg

    def hang_up(self, leg_id: str, cause: int = 0, why: str = "card") -> None:
        """``cause`` is a SIP status for a leg not yet answered; 0 lets pjsua2 choose (BYE or CANCEL)."""
        leg = self.leg(leg_id)
        if isinstance(leg, SipLeg) and leg.call is not None:
            leg.ended_by_us = leg.ended_by_us or why
            prm = pj.CallOpParam()
            prm.statusCode = cause
            leg.call.hangup(prm)
        else:
            self._ended(leg, cause or 200, why)

    def give_up(self, leg_id: str, why: str) -> None:
        """Hang up a leg that has not come to anything; one that is connected, or gone, is left alone."""
        leg = self.legs.get(leg_id)
        if leg is not None and leg.state in ("dialing", "ringing", "waiting"):
            self.hang_up(leg_id, why=why)

    def dial(self, leg_id: str, to: str) -> None:
        """Ring ``to`` (a sip: URI with an IP literal). Facts follow: ringing, connected or ended."""
        if leg_id in self.legs:
            raise ValueError(f"leg {leg_id} exists already")
        sdp.host_of(to)
        leg = SipLeg(leg_id, inbound=False)
        leg.call = SipCall(self, leg, self._account)
        self.legs[leg_id] = leg
        try:
            leg.call.makeCall(to, pj.CallOpParam(True))
        except pj.Error as error:
            self.legs.pop(leg_id, None)
            leg.call = None
            raise ValueError(f"cannot dial {to}: {error.reason}") from None

    def play(self, leg_id: str, pcm: bytes, *, name: str, loop: bool = False) -> None:
        """Play to a leg what it alone hears, instead of what was playing."""
        leg = self.leg(leg_id)
        if leg.prompt is None:
            leg.prompt = self._lend(leg)
            self._hear_port(leg, leg.prompt)
        leg.prompt.source = Prompt(pcm, loop=loop, on_end=lambda: self._say("played", leg, prompt=name))
        self._say("playing", leg, prompt=name)

    def stop_playing(self, leg_id: str) -> None:
        leg = self.leg(leg_id)
        if leg.prompt is not None:
            leg.prompt.source = None

    def join(self, one_id: str, other_id: str) -> None:
        """Two legs hear each other; on a taped leg's tape all it hears is written."""
        one, other = self.leg(one_id), self.leg(other_id)
        self._hear(one, other)
        self._hear(other, one)
        self._say("joined", one, other=other.leg_id)

    def part(self, one_id: str, other_id: str) -> None:
        one, other = self.leg(one_id), self.leg(other_id)
        self._unhear(one, other)
        self._unhear(other, one)
        self._say("parted", one, other=other.leg_id)

    def listen(self, leg_id: str) -> Solo:
        """The leg's own sound before any mix, from now on."""
        leg = self.leg(leg_id)
        if leg.solo is None:
            leg.solo = Solo()
            port = self._lend(leg)
            port.sink = leg.solo.frames.append
            self._bridge.connect(leg, port)
        return leg.solo

    def send_keys(self, leg_id: str, keys: str) -> None:
        leg = self.leg(leg_id)
        if not isinstance(leg, SipLeg) or leg.call is None:
            raise ValueError(f"leg {leg_id} takes no keys")
        leg.call.dialDtmf(keys)

    def open_socket_leg(self, leg_id: str, tied_to: str | None = None) -> SocketLeg:
        """Waits for its peer; ends by itself with the leg it is tied to."""
        if leg_id in self.legs:
            raise ValueError(f"leg {leg_id} exists already")
        if tied_to is not None:
            self.leg(tied_to)
        leg = SocketLeg(leg_id, self._pool.lend(), Arriving(), tied_to)
        self.legs[leg_id] = leg
        return leg

    def attach(self, leg_id: str) -> SocketLeg:
        """The peer of a socket leg has come."""
        leg = self.leg(leg_id)
        if not isinstance(leg, SocketLeg):
            raise ValueError(f"leg {leg_id} is no socket leg")
        leg.move("attach")
        self._say("connected", leg)
        return leg

    def _hear(self, listener: Leg, source: Leg) -> None:
        if source not in listener.heard:
            listener.heard.append(source)
        self._bridge.connect(source, listener)
        if listener.right is not None:
            self._bridge.connect(source, listener.right)

    def _unhear(self, listener: Leg, source: Leg) -> None:
        if source in listener.heard:
            listener.heard.remove(source)
        self._bridge.disconnect(source, listener)
        if listener.right is not None:
            self._bridge.disconnect(source, listener.right)

    def _hear_port(self, listener: Leg, port: Port) -> None:
        self._bridge.connect(port, listener)
        if listener.right is not None:
            self._bridge.connect(port, listener.right)

    def _say(self, event: str, leg: Leg, **fields: object) -> None:
        self._tell({"event": event, "at": time.time(), "leg": leg.leg_id, **fields})

    def _new_call_id(self) -> str:
        """Sorts by time, reads as the second of the call in the city; the tape's folder follows from it."""
        now = datetime.now(ZoneInfo("Asia/Shanghai"))
        return f"{now:%Y%m%d-%H%M%S}-{self.settings.card}{secrets.token_hex(2)}"

    def _end_all(self) -> None:
        for leg in list(self.legs.values()):
            try:
                self.hang_up(leg.leg_id, why="card stopped")
            except LegUnknown:  # it went with the leg it was tied to
                continue
            except pj.Error as error:
                log.warning("leg did not hang up", leg=leg.leg_id, reason=error.reason)

    def _let_go(self) -> None:
        for leg in self.legs.values():
            if isinstance(leg, SipLeg):
                leg.call = None
        self.legs.clear()
        self._refusals.clear()
        self._pool.clear()
        self._account = None
