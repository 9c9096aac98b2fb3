"""A leg is a leg: a SIP call or a socket that carries PCM; the bridge, the tape and the ears treat them alike."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import pjsua2 as pj
import structlog

from ivr.endpoint import describe
from ivr.port import Port
from ivr.sdp import Invitation, hostile
from ivr.sound import Arriving, Pair, Solo

log = structlog.get_logger()

MOVES: dict[tuple[str, str], str] = {
    ("offered", "answer"): "answered",
    ("answered", "ack"): "connected",
    ("dialing", "ring"): "ringing",
    ("ringing", "ring"): "ringing",
    ("dialing", "pick_up"): "connected",
    ("ringing", "pick_up"): "connected",
    ("waiting", "attach"): "connected",  # a socket leg whose peer has come
    ("offered", "end"): "ended",
    ("answered", "end"): "ended",
    ("dialing", "end"): "ended",
    ("ringing", "end"): "ended",
    ("waiting", "end"): "ended",
    ("connected", "end"): "ended",
}
"""A leg's whole life. 200 is sent in ``answered``; the caller's ACK makes it ``connected``."""


class MoveNotAllowed(Exception):
    def __init__(self, leg_id: str, state: str, move: str) -> None:
        super().__init__(f"leg {leg_id} is {state}: it cannot {move}")


class Leg:
    """State, the ports lent to it and, where it is taped, its pair. Belongs to the SIP thread."""

    def __init__(self, leg_id: str, kind: str, state: str) -> None:
        self.leg_id = leg_id
        self.kind = kind
        self.state = state
        self.audio: pj.AudioMedia | None = None
        self.ports: list[Port] = []
        self.prompt: Port | None = None
        self.right: Port | None = None
        self.pair: Pair | None = None
        self.solo: Solo | None = None
        self.answered_at: float | None = None  # monotonic
        self.heard: list[Leg] = []  # the legs this one hears

    def move(self, move: str) -> None:
        after = MOVES.get((self.state, move))
        if after is None:
            raise MoveNotAllowed(self.leg_id, self.state, move)
        if after != self.state:
            log.debug("leg moved", leg=self.leg_id, old=self.state, new=after)
        self.state = after
        if after in ("answered", "connected") and self.answered_at is None:
            self.answered_at = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the answer; 0 before."""
        return time.monotonic() - self.answered_at if self.answered_at is not None else 0.0


class SipLeg(Leg):
    """``call`` is the only strong reference to the pj.Call; letting go of it in time is ``Line``'s duty."""

    def __init__(self, leg_id: str, *, inbound: bool, invitation: Invitation | None = None) -> None:
        super().__init__(leg_id, "sip", "offered" if inbound else "dialing")
        self.inbound = inbound
        self.invitation = invitation
        self.call: SipCall | None = None
        self.ended_by_us: str | None = None
        """Why this side hung up, or None when the far end did."""
        self.announced = False
        """The world has been told of this caller; before that its end is a refusal."""
        self.out_of_band_keys = False


class SocketLeg(Leg):
    """Sound over a Unix socket: a headset, or a leg on another card."""

    def __init__(self, leg_id: str, port: Port, arriving: Arriving, tied_to: str | None) -> None:
        super().__init__(leg_id, "socket", "waiting")
        self.tied_to = tied_to
        """The leg it serves: when that ends, so does this."""
        self.hang_up_socket: Callable[[], None] | None = None
        self.audio = port
        self.ports.append(port)
        self.arriving = arriving
        port.source = arriving


class CallEvents(Protocol):
    """What a SipCall tells its owner; all in the SIP thread."""

    def call_state(self, leg: SipLeg, info: pj.CallInfo) -> None: ...
    def call_media(self, leg: SipLeg, info: pj.CallInfo) -> None: ...
    def call_key(self, leg: SipLeg, key: str, how: str) -> None: ...


class SipCall(pj.Call):  # type: ignore[misc]  # pjsua2 has no types
    """pjsua2's callbacks turned into calls on the owner. Nothing may be raised into C from here."""

    def __init__(self, owner: CallEvents, leg: SipLeg, account: pj.Account, call_id: int = -1) -> None:
        super().__init__(account, call_id)
        self._owner = owner
        self._leg = leg

    def _guard(self, phrase: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            error.__traceback__ = None  # it would keep this call alive
            log.error(phrase, leg=self._leg.leg_id, error=describe(error))

    def onCallState(self, prm: pj.OnCallStateParam) -> None:
        self._guard("call state lost", lambda: self._owner.call_state(self._leg, self.getInfo()))

    def onCallMediaState(self, prm: pj.OnCallMediaStateParam) -> None:
        self._guard("call media lost", lambda: self._owner.call_media(self._leg, self.getInfo()))

    def onDtmfDigit(self, prm: pj.OnDtmfDigitParam) -> None:
        how = "info" if prm.method == pj.PJSUA_DTMF_METHOD_SIP_INFO else "rfc4733"
        self._guard("key lost", lambda: self._owner.call_key(self._leg, prm.digit, how))

    def onCallRxReinvite(self, prm: pj.OnCallRxReinviteParam) -> None:
        self._guard("re-INVITE lost", lambda: self._refuse_hostile(prm))

    def onCallRxOffer(self, prm: pj.OnCallRxOfferParam) -> None:
        self._guard("offer lost", lambda: self._refuse_hostile(prm))

    def _refuse_hostile(self, prm: pj.OnCallRxReinviteParam | pj.OnCallRxOfferParam) -> None:
        reason = hostile(prm.offer.wholeSdp)
        if reason is not None:
            prm.statusCode = 488
            log.warning("offer refused", leg=self._leg.leg_id, reason=reason)

    def onCallTransferRequest(self, prm: pj.OnCallTransferRequestParam) -> None:
        prm.statusCode = 603  # the default dials the target: toll fraud, then a crash
        log.warning("transfer refused", leg=self._leg.leg_id)

    def onCallReplaceRequest(self, prm: pj.OnCallReplaceRequestParam) -> None:
        prm.statusCode = 603
        log.warning("replacement refused", leg=self._leg.leg_id)
