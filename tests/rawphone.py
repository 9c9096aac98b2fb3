"""A telephone made of bare datagrams: says what no well-behaved stack would say, and says it exactly."""

from __future__ import annotations

import re
import secrets
import socket
import threading
import time
import warnings
from dataclasses import dataclass, field

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # gone in 3.13; this project runs on 3.11
    import audioop

PCMA = "m=audio {port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"


@dataclass(frozen=True)
class Answer:
    status: int
    head: str
    body: str

    def header(self, name: str) -> str:
        found = re.search(rf"^{name}:\s*(.*)$", self.head, re.MULTILINE | re.IGNORECASE)
        return found[1].strip() if found else ""


class NoAnswer(AssertionError):
    pass


@dataclass
class RawPhone:
    """One dialog at most. ``target`` is host:port."""

    target: str
    name: str = "raw"
    call_id: str = field(default_factory=lambda: secrets.token_hex(8))
    tag: str = field(default_factory=lambda: secrets.token_hex(4))

    def __post_init__(self) -> None:
        host, _, port = self.target.removeprefix("sip:").rpartition("@")[2].rpartition(":")
        self.peer = (host, int(port))
        self.sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sip.bind(("127.0.0.1", 0))
        self.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.rtp.bind(("127.0.0.1", 0))
        self.rtp_peer: tuple[str, int] | None = None
        self.port: int = self.sip.getsockname()[1]
        self.to_tag = ""
        self.contact = f"sip:12345@{host}:{port}"
        self.cseq = 0
        self.rtp_seq = 0
        self.branch = ""
        self.refused = False

    def close(self) -> None:
        self.sip.close()
        self.rtp.close()

    def sdp(self, media: str = PCMA, address: str = "127.0.0.1", direction: str = "sendrecv") -> str:
        media = media.format(port=self.rtp.getsockname()[1])
        return (
            f"v=0\r\no=- {self.cseq + 1} {self.cseq + 1} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
            f"{media}a={direction}\r\n"
        )

    def request(self, method: str, body: str = "", more: str = "", display: bytes = b"") -> bytes:
        if method not in ("ACK", "CANCEL"):
            self.cseq += 1
        branch = secrets.token_hex(8)
        if method == "INVITE":
            self.branch = branch
        elif method == "ACK" and self.refused:  # of the same transaction, RFC 3261 §17.1.1.3
            branch = self.branch
        to = f"<sip:12345@{self.peer[0]}>" + (f";tag={self.to_tag}" if self.to_tag else "")
        kind = "" if not body else f"Content-Type: {_TYPES.get(method, 'application/sdp')}\r\n"
        head = (
            f"{method} {self.contact} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{branch};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: ".encode()
            + display
            + f"<sip:{self.name}@127.0.0.1>;tag={self.tag}\r\nTo: {to}\r\nCall-ID: {self.call_id}\r\n"
            f"CSeq: {self.cseq} {method}\r\nContact: <sip:{self.name}@127.0.0.1:{self.port}>\r\n"
            f"{more}{kind}Content-Length: {len(body.encode())}\r\n\r\n".encode("utf-8", "surrogateescape")
        )
        return head + body.encode()

    def send(self, datagram: bytes) -> None:
        self.sip.sendto(datagram, self.peer)

    def answer(self, to: str = "INVITE", patience_seconds: float = 10.0) -> Answer:
        """The next final answer to a request of that method."""
        self.sip.settimeout(patience_seconds)
        deadline = time.monotonic() + patience_seconds
        while time.monotonic() < deadline:
            try:
                text = self.sip.recv(65535).decode("utf-8", "replace")
            except TimeoutError:
                break
            if not text.startswith("SIP/2.0"):
                continue
            head, _, body = text.partition("\r\n\r\n")
            answer = Answer(int(text[8:11]), head, body)
            if answer.status >= 200 and answer.header("CSeq").endswith(to):
                return answer
        raise NoAnswer(f"no final answer to {to}")

    def invite(self, body: str | None = None, more: str = "", display: bytes = b"") -> Answer:
        self.send(self.request("INVITE", self.sdp() if body is None else body, more, display))
        answer = self.answer()
        tag = re.search(r"tag=([^;\s]+)", answer.header("To"))
        self.to_tag = tag[1] if tag else ""
        self.refused = answer.status != 200
        if answer.status == 200:
            contact = re.search(r"<([^>]+)>", answer.header("Contact"))
            self.contact = contact[1] if contact else self.contact
            port = re.search(r"^m=audio (\d+)", answer.body, re.MULTILINE)
            self.rtp_peer = (self.peer[0], int(port[1])) if port else None
        return answer

    def ack(self) -> None:
        self.send(self.request("ACK"))

    def call(self) -> None:
        answer = self.invite()
        assert answer.status == 200, answer.head
        self.ack()

    def until_bye(self, patience_seconds: float = 90.0) -> None:
        """Wait for the other side to hang up, and agree."""
        self.sip.settimeout(patience_seconds)
        while True:
            text = self.sip.recv(65535).decode("utf-8", "replace")
            if text.startswith("BYE"):
                self.send(ok_to(text, ""))
                return

    def bye(self) -> None:
        self.send(self.request("BYE"))
        self.answer("BYE")

    def speak(self, pcm: bytes) -> None:
        """PCM as RTP (A-law), in real time."""
        assert self.rtp_peer is not None
        law = audioop.lin2alaw(pcm, 2)
        began = time.monotonic()
        for n, at in enumerate(range(0, len(law), 160)):
            self.rtp_seq += 1
            header = bytes([0x80, 8]) + self.rtp_seq.to_bytes(2, "big") + (160 * self.rtp_seq).to_bytes(4, "big")
            self.rtp.sendto(header + b"RAW!" + law[at : at + 160], self.rtp_peer)
            _PACE.wait(max(0.0, began + 0.02 * (n + 1) - time.monotonic()))


_PACE = threading.Event()
"""Never set: waiting for it is how a phone waits for the time of its next frame."""
_TYPES = {"INFO": "application/dtmf-relay"}


def ok_to(request: str, body: str, contact: str = "") -> bytes:
    """200 OK to a request."""
    keep = re.findall(r"^(?:Via|From|To|Call-ID|CSeq|Record-Route):.*$", request, re.MULTILINE | re.IGNORECASE)
    lines = [line.rstrip() for line in keep]
    lines = [f"{line};tag=desk" if re.match(r"to:(?!.*;tag=)", line, re.IGNORECASE) else line for line in lines]
    if contact:
        lines.append(f"Contact: <{contact}>")
    if body:
        lines.append("Content-Type: application/sdp")
    head = "\r\n".join(["SIP/2.0 200 OK", *lines, f"Content-Length: {len(body)}"])
    return f"{head}\r\n\r\n{body}".encode()


class RawPhoneThatAnswers:
    """A desk phone: answers the first INVITE at once, keeps what it hears, speaks when told to."""

    def __init__(self) -> None:
        self.phone = RawPhone("127.0.0.1:9", name="agent")
        self.port = self.phone.port
        self._heard: list[bytes] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._serve), threading.Thread(target=self._hear)]
        for thread in self._threads:
            thread.start()

    def _serve(self) -> None:
        self.phone.sip.settimeout(0.2)
        while not self._stop.is_set():
            try:
                datagram, peer = self.phone.sip.recvfrom(65535)
            except TimeoutError:
                continue
            text = datagram.decode("utf-8", "replace")
            method = text.split(" ", 1)[0]
            if method in ("INVITE", "BYE", "OPTIONS"):
                body = self.phone.sdp() if method == "INVITE" else ""
                self.phone.sip.sendto(ok_to(text, body, f"sip:agent@127.0.0.1:{self.port}"), peer)
            port = re.search(r"^m=audio (\d+)", text, re.MULTILINE)
            if method == "INVITE" and port:
                self.phone.rtp_peer = (peer[0], int(port[1]))

    def _hear(self) -> None:
        self.phone.rtp.settimeout(0.2)
        while not self._stop.is_set():
            try:
                packet = self.phone.rtp.recv(2048)
            except TimeoutError:
                continue
            if len(packet) > 12 and packet[1] & 0x7F == 8:
                self._heard.append(audioop.alaw2lin(packet[12:], 2))

    def heard(self) -> bytes:
        """PCM so far."""
        return b"".join(self._heard)

    def speak(self, pcm: bytes) -> None:
        self.phone.speak(pcm)

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.phone.close()
