"""Who hears whom on one card: routes are kept as facts, pjsua2's connections are remade from them."""

from __future__ import annotations

from typing import Protocol

import pjsua2 as pj


class Node(Protocol):
    """Anything with sound: a leg, or a port. ``audio`` is None while it has none (not answered, on hold)."""

    @property
    def audio(self) -> pj.AudioMedia | None: ...


class Bridge:
    """Belongs to the SIP thread. Connecting twice is connecting once."""

    def __init__(self) -> None:
        self._routes: list[tuple[Node, Node]] = []

    def connect(self, source: Node, sink: Node) -> None:
        if (source, sink) not in self._routes:
            self._routes.append((source, sink))
        if source.audio is not None and sink.audio is not None:
            source.audio.startTransmit(sink.audio)

    def disconnect(self, source: Node, sink: Node) -> None:
        if (source, sink) in self._routes:
            self._routes.remove((source, sink))
            _stop(source, sink)

    def renew(self, node: Node) -> None:
        """A leg's media was made anew (answer, re-INVITE): its old connections died with the old media."""
        for source, sink in self._routes:
            if node in (source, sink) and source.audio is not None and sink.audio is not None:
                source.audio.startTransmit(sink.audio)

    def forget(self, node: Node) -> None:
        for source, sink in [route for route in self._routes if node in route]:
            self._routes.remove((source, sink))
            _stop(source, sink)


def _stop(source: Node, sink: Node) -> None:
    # Never name a port that is gone: the bridge would disconnect the other one from everybody
    # (pjproject issue 4719). A leg whose media ended has audio None by then.
    if source.audio is not None and sink.audio is not None:
        source.audio.stopTransmit(sink.audio)
