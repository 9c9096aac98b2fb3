"""Where calls come in, and who is not let in: harmful invitations, callers beyond capacity, a card that drains."""

from __future__ import annotations

from collections.abc import Callable

import pjsua2 as pj
import structlog

from ivr import sdp
from ivr.endpoint import describe

log = structlog.get_logger()


def refusal(message: str, *, draining: bool, room: int) -> tuple[int, str] | None:
    """The status and reason with which an INVITE is refused before it has a leg; None lets it in."""
    reason = sdp.hostile(message)
    if reason is not None:
        return 488, reason
    if draining:
        return 503, "Service Unavailable"
    if room <= 0:
        return 486, "Busy Here"
    return None


class Front(pj.Account):  # type: ignore[misc]  # pjsua2 has no types
    """Where calls come in."""

    def __init__(self, offered: Callable[[pj.OnIncomingCallParam], None]) -> None:
        super().__init__()
        self._offered = offered

    def onIncomingCall(self, prm: pj.OnIncomingCallParam) -> None:
        try:
            self._offered(prm)
        except Exception as error:
            error.__traceback__ = None
            log.error("incoming call lost", error=describe(error))


class Refusal(pj.Call):  # type: ignore[misc]  # pjsua2 has no types
    """A call that is only told no; kept until pjsua2 says it is over."""

    def __init__(self, account: pj.Account, call_id: int, kept: dict[int, pj.Call]) -> None:
        super().__init__(account, call_id)
        self._call_id = call_id
        self._kept = kept

    def onCallState(self, prm: pj.OnCallStateParam) -> None:
        try:
            if self.getInfo().state == pj.PJSIP_INV_STATE_DISCONNECTED:
                self._kept.pop(self._call_id, None)
        except Exception as error:
            error.__traceback__ = None
            log.error("refusal lost", error=describe(error))

    def onCallTransferRequest(self, prm: pj.OnCallTransferRequestParam) -> None:
        prm.statusCode = 603
