"""What a card must know of an INVITE before pjsua2 does: hostile SDP, the number dialled, where it came from."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

_LONGEST_ADDRESS = 253  # a DNS name's limit (RFC 1035); the wheel aborts on 254 and more
_CONNECTION = re.compile(r"^c=\S+ \S+ (\S+)", re.MULTILINE)
_URI_USER = re.compile(r"sips?:([^@>;\s]+)@")
_DISPLAY = re.compile(r'^\s*"?([^"<]*?)"?\s*<')


@dataclass(frozen=True)
class Invitation:
    """The parts of an INVITE that are kept with a call (DOMAIN L7: several numbers, one queue, source kept)."""

    sip_call_id: str
    called: str
    """The user part of the request URI: the number the network routed to us."""
    caller: str
    """The caller's number, or "" when it was withheld."""
    caller_name: str | None
    diverted_from: str | None
    """The number first dialled, when an old hotline was diverted to this one (Diversion, RFC 5806)."""


def hostile(message: str) -> str | None:
    """Why this INVITE must not reach the media layer, or None.

    An SDP connection address of 254 characters or more aborts the wheel; pjsua2 offers no other guard.
    """
    if any(len(address) > _LONGEST_ADDRESS for address in _CONNECTION.findall(message)):
        return "connection address too long"
    return None


def host_of(uri: str) -> str:
    """The host of a sip: URI as an IPv4 literal. Raises ValueError for a name or anything else.

    PJSIP looks names up in its own thread: every call of the card would stand still meanwhile.
    """
    scheme, _, rest = uri.partition(":")
    host = rest.rpartition("@")[2].partition(";")[0].partition(":")[0]
    try:
        if scheme == "sip":
            return str(ipaddress.IPv4Address(host))
    except ValueError:
        pass
    raise ValueError(f"cannot dial {uri}: an address looks like sip:agent@192.168.1.20:5060, with numbers, not a name")


def read_invitation(message: str) -> Invitation:
    """Read the head of an INVITE. Missing headers give empty fields; never raises."""
    head, _, _ = message.replace("\r\n", "\n").partition("\n\n")
    request, *lines = head.split("\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(_LONG_NAMES.get(name.strip().lower(), name.strip().lower()), value.strip())
    sender = headers.get("from", "")
    display = _DISPLAY.match(sender)
    user = _user(sender)
    return Invitation(
        sip_call_id=readable(headers.get("call-id", "")),
        called=_user(request),
        caller="" if user == "anonymous" else user,
        caller_name=readable(display[1]) if display and display[1] else None,
        diverted_from=_user(headers["diversion"]) or None if "diversion" in headers else None,
    )


_LONG_NAMES = {"f": "from", "t": "to", "i": "call-id"}  # compact forms, RFC 3261 §20


def _user(text: str) -> str:
    match = _URI_USER.search(text)
    return readable(match[1]) if match else ""


def readable(text: str) -> str:
    """Old exchanges send names in GBK; they arrive as lone surrogates."""
    raw = text.encode("utf-8", "surrogateescape")
    for encoding in ("utf-8", "gbk"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "replace")
