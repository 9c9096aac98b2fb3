"""A process tells who started it that it is ready, in systemd's words; our supervisor understands the same."""

from __future__ import annotations

import os
import socket


def ready() -> None:
    """Say READY=1 on $NOTIFY_SOCKET (sd_notify(3)); nothing happens when nobody asked."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.connect("\0" + address[1:] if address.startswith("@") else address)
        out.send(b"READY=1")
