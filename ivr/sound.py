"""The sound of a leg on its way between the bridge's clock thread and everybody else."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from ivr.pcm import FRAME_BYTES, SILENCE

_KEEP_FRAMES = 60 * 50  # a minute: longer stalls are filled with silence by the wall clock


class Pair:
    """Both sides of one taped leg, frame by frame in step: ``left`` the caller alone, ``right`` all he hears.

    The bridge serves its ports in the order of their slots. The side served first opens the pair, so both
    begin with the same tick and stay sample-aligned.
    """

    def __init__(self, *, left_first: bool) -> None:
        self.left: deque[bytes] = deque(maxlen=_KEEP_FRAMES)
        self.right: deque[bytes] = deque(maxlen=_KEEP_FRAMES)
        self._opened = False
        self.take_left = self._leader(self.left) if left_first else self._follower(self.left)
        self.take_right = self._follower(self.right) if left_first else self._leader(self.right)

    def _leader(self, frames: deque[bytes]) -> Callable[[bytes], None]:
        def take(pcm: bytes) -> None:
            self._opened = True
            frames.append(pcm)

        return take

    def _follower(self, frames: deque[bytes]) -> Callable[[bytes], None]:
        def take(pcm: bytes) -> None:
            if self._opened:
                frames.append(pcm)

        return take

    def drain(self) -> tuple[bytes, bytes]:
        """All whole ticks so far, as two PCM strings of one length."""
        ticks = min(len(self.left), len(self.right))
        return (
            b"".join(self.left.popleft() for _ in range(ticks)),
            b"".join(self.right.popleft() for _ in range(ticks)),
        )


class Solo:
    """One leg's own sound before any mix, for the ears."""

    def __init__(self) -> None:
        self.frames: deque[bytes] = deque(maxlen=_KEEP_FRAMES)

    def drain(self) -> bytes:
        return b"".join(self.frames.popleft() for _ in range(len(self.frames)))


def frames_of(pcm: bytes) -> Iterator[bytes]:
    """Cut PCM into 20 ms frames; the last is filled up with silence."""
    for at in range(0, len(pcm), FRAME_BYTES):
        frame = pcm[at : at + FRAME_BYTES]
        yield frame if len(frame) == FRAME_BYTES else frame + SILENCE[len(frame) :]


class Prompt:
    """A source that speaks ``pcm`` once, or over and over; tells when it has ended."""

    def __init__(self, pcm: bytes, *, loop: bool = False, on_end: Callable[[], None] | None = None) -> None:
        self._frames = list(frames_of(pcm))
        self._loop = loop
        self._on_end = on_end
        self._next = 0

    def __call__(self) -> bytes | None:
        if self._next >= len(self._frames):
            if not (self._loop and self._frames):
                self._finish()
                return None
            self._next = 0
        frame = self._frames[self._next]
        self._next += 1
        return frame

    def _finish(self) -> None:
        if self._on_end is not None:
            on_end, self._on_end = self._on_end, None
            on_end()


class Arriving:
    """A source fed from a socket: evens out a little jitter, never lets delay grow.

    Starts after ``_PREFILL`` frames; a sender that is ahead by more than ``_LONGEST`` loses its oldest sound.
    """

    _PREFILL = 2  # 40 ms
    _LONGEST = 10  # 200 ms

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._flowing = False
        self._rest = b""
        self.received = 0
        self.dropped = 0

    def put(self, pcm: bytes) -> None:
        """Any number of bytes, as they come off the socket."""
        pcm = self._rest + pcm
        whole = len(pcm) - len(pcm) % FRAME_BYTES
        self._rest = pcm[whole:]
        for frame in frames_of(pcm[:whole]):
            self.received += 1
            self._frames.append(frame)
        while len(self._frames) > self._LONGEST:
            self._frames.popleft()
            self.dropped += 1

    def __call__(self) -> bytes | None:
        if not self._flowing and len(self._frames) < self._PREFILL:
            return None
        try:
            frame = self._frames.popleft()
        except IndexError:
            self._flowing = False
            return None
        self._flowing = True
        return frame
