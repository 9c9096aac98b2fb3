"""A door of the conference bridge for Python: 20 ms frames of PCM out to a sink, in from a source."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import pjsua2 as pj

from ivr.pcm import FRAME_BYTES, RATE_HZ, SILENCE

Sink = Callable[[bytes], None]
Source = Callable[[], bytes | None]
"""Gives the next 20 ms of PCM, or None for silence."""


class Port(pj.AudioMediaPort):  # type: ignore[misc]  # pjsua2 has no types
    """Calls ``sink`` with each frame the bridge mixes for this port and ``source`` for each it wants from it.

    Both run on the media clock thread: they may only append to or take from a queue. Ports are lent from a
    ``PortPool`` and never destroyed before the endpoint: the bridge removes ports asynchronously, and a Python
    object that died first would take the process with it.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.sink: Sink | None = None
        self.source: Source | None = None
        self.errors = 0
        form = pj.MediaFormatAudio()
        form.init(pj.PJMEDIA_FORMAT_PCM, RATE_HZ, 1, 20_000, 16)
        self.createPort(name, form)

    @property
    def audio(self) -> Port:
        return self

    def onFrameReceived(self, frame: pj.MediaFrame) -> None:
        try:
            if self.sink is None:
                return
            if frame.size == FRAME_BYTES:
                # bytes(frame.buf) would copy element by element: a hundred times slower
                address = ctypes.c_void_p.from_address(int(frame.buf.this)).value
                self.sink(ctypes.string_at(address or 0, FRAME_BYTES))
            else:  # nothing is being sent to this port: silence still takes its 20 ms
                self.sink(SILENCE)
        except Exception:  # an exception must not cross into the C clock thread
            self.errors += 1

    def onFrameRequested(self, frame: pj.MediaFrame) -> None:
        try:
            pcm = self.source() if self.source is not None else None
            if pcm is None:
                pcm = SILENCE
            frame.type = pj.PJMEDIA_FRAME_TYPE_AUDIO
            frame.buf.resize(FRAME_BYTES)
            ctypes.memmove(ctypes.c_void_p.from_address(int(frame.buf.this)).value or 0, pcm, FRAME_BYTES)
            frame.size = FRAME_BYTES
        except Exception:
            self.errors += 1


class PortPool:
    """Lends ports and takes them back; belongs to the SIP thread."""

    def __init__(self) -> None:
        self._free: list[Port] = []
        self._made = 0

    def lend(self) -> Port:
        if self._free:
            return self._free.pop()
        self._made += 1
        return Port(f"port-{self._made}")

    def take_back(self, port: Port) -> None:
        """The bridge must already have been told to disconnect it."""
        port.sink = port.source = None
        self._free.append(port)

    def clear(self) -> None:
        """Before libDestroy: let every port go while the library can still unregister it."""
        self._free.clear()
