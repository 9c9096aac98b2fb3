"""Asks a SIP address whether anybody is there: one OPTIONS request (RFC 3261 §11), no pjsua2 needed."""

from __future__ import annotations

import asyncio
import secrets


class _Answer(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.first: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not self.first.done():
            self.first.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.first.done():
            self.first.set_exception(exc)


async def options(host: str, port: int, timeout_seconds: float = 2.0) -> int:
    """The status of the answer. Raises TimeoutError or OSError when nobody answers."""
    transport, answer = await asyncio.get_running_loop().create_datagram_endpoint(_Answer, remote_addr=(host, port))
    try:
        near_host, near_port = transport.get_extra_info("sockname")[:2]
        token = secrets.token_hex(8)
        request = (
            f"OPTIONS sip:{host}:{port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {near_host}:{near_port};branch=z9hG4bK{token};rport\r\n"
            f"Max-Forwards: 70\r\n"
            f"From: <sip:doctor@{near_host}>;tag={token}\r\n"
            f"To: <sip:{host}:{port}>\r\n"
            f"Call-ID: {token}@{near_host}\r\n"
            f"CSeq: 1 OPTIONS\r\n"
            f"Contact: <sip:doctor@{near_host}:{near_port}>\r\n"
            f"Content-Length: 0\r\n\r\n"
        )
        transport.sendto(request.encode())
        reply = await asyncio.wait_for(answer.first, timeout_seconds)
    finally:
        transport.close()
    try:
        return int(reply.split(b" ", 2)[1])
    except (IndexError, ValueError):
        raise OSError(f"what answers at {host}:{port} does not speak SIP") from None
