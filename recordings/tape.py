"""The tape of a call: two channels from the answer to the end, left the caller, right what the caller hears.

Whoever carries sound hands it over and goes on; a thread of the tape's own takes it to the disk five times a
second. It goes straight to the page cache, data first and header after, so a killed process leaves a file
that players and strict readers alike open up to its last batch. A full disk is waited out, not surrendered
to: what waits is written when there is room, and what no longer fits the wait becomes silence of the same
length, so every second of the tape keeps its time.
"""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import structlog

from recordings.reel import Reel
from recordings.wav import CHANNELS, FRAME_BYTES, SAMPLE_BYTES

WRITE_SECONDS = 0.2
RETRY_SECONDS = 0.5
WAITING_SECONDS = 60.0  # how much sound may wait for the disk before the oldest becomes silence
_BATCH_FRAMES = 40_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class TapeClosed:
    """What is on the disk: samples a channel, their length, the hash of the interleaved PCM (no header).

    `lost_samples` a channel were handed over but cannot be heard: silence stands for them, or the tape ends
    before them.
    """

    samples: int
    seconds: float
    sha256: str
    lost_samples: int


@dataclass(frozen=True)
class TapeHealth:
    """Whether the tape reached the disk last time, and if not, why; what waits and what was lost so far."""

    ok: bool
    reason: str
    waiting_seconds: float
    lost_samples: int


@dataclass(frozen=True)
class _Piece:
    """Sound of both channels, or (with none) that many frames of silence."""

    frames: int
    left: bytes = b""
    right: bytes = b""

    @property
    def is_silence(self) -> bool:
        return not self.left


class Tape:
    """Records to `path` (made with its directories, mode 0600) until `close`.

    Raises `FileExistsError` when there is a file already: a tape is never written over. `on_health` is called
    once for each change between well and ill, from the tape's own thread.
    """

    def __init__(
        self, path: Path, *, rate_hz: int = 8000, on_health: Callable[[TapeHealth], None] | None = None
    ) -> None:
        if path.exists():
            raise FileExistsError(f"there is a tape at {path} already")
        self.path = path
        self.rate_hz = rate_hz
        self._on_health = on_health
        # Shared with the writer and changed under the lock; no disk is touched while it is held.
        self._lock = threading.Lock()
        self._waiting: deque[_Piece] = deque()
        self._waiting_frames = 0  # of sound; silence costs no memory and is not counted
        self._silence_first = 0  # frames of silence due before the first waiting piece
        self._in_hand = 0  # frames of sound the writer holds
        self._taken = 0
        self._lost = 0
        self._reason = ""
        self._on_disk = (0, sha256().hexdigest())
        self._ending = threading.Event()
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._write, name=f"tape {path.stem}", daemon=True)
        self._thread.start()

    @property
    def samples(self) -> int:
        """Samples a channel handed over so far, silence included: the tape's own clock."""
        return self._taken

    @property
    def health(self) -> TapeHealth:
        """How the tape is now; safe to ask from any thread."""
        with self._lock:
            waiting = (self._waiting_frames + self._in_hand) / self.rate_hz
            return TapeHealth(not self._reason, self._reason, waiting, self._lost)

    def write(self, left: bytes, right: bytes) -> None:
        """Hands over the same stretch of both channels (16-bit PCM). Never waits for the disk, never raises.

        Were one channel shorter, silence fills it: channels out of step would be worse than a gap.
        """
        frames = max(len(left), len(right)) // SAMPLE_BYTES
        if not frames or self._ending.is_set():
            return
        size = frames * SAMPLE_BYTES
        piece = _Piece(frames, bytes(left[:size]).ljust(size, b"\0"), bytes(right[:size]).ljust(size, b"\0"))
        with self._lock:
            self._waiting.append(piece)
            self._waiting_frames += frames
            self._taken += frames
            while self._waiting_frames > WAITING_SECONDS * self.rate_hz:
                self._silence_oldest()

    def pad_to(self, samples: int) -> None:
        """Adds silence until `samples` samples a channel were handed over, if there are fewer."""
        with self._lock:
            missing = samples - self._taken
            if missing > 0 and not self._ending.is_set():
                self._waiting.append(_Piece(missing))
                self._taken += missing

    def close(self, timeout_seconds: float = 5.0) -> TapeClosed:
        """Writes what waits and tells what is on the disk; called again, it tells the same.

        Gives up after `timeout_seconds` of a sick disk: then the tape ends where the disk ended it.
        """
        self._ending.set()
        self._thread.join(timeout_seconds)
        with self._lock:
            if not self._given_up.is_set():
                # From here on nothing more is counted, and the writer cuts off what it still gets through.
                self._given_up.set()
                self._lost += self._waiting_frames + self._in_hand
                self._waiting.clear()
                self._waiting_frames = self._in_hand = 0
            samples, digest = self._on_disk
            return TapeClosed(samples, samples / self.rate_hz, digest, self._lost)

    def _silence_oldest(self) -> None:
        oldest = self._waiting.popleft()
        self._silence_first += oldest.frames
        if not oldest.is_silence:
            self._waiting_frames -= oldest.frames
            self._lost += oldest.frames

    # -- the writer's thread -----------------------------------------------------------------------------

    def _write(self) -> None:
        reel: Reel | None = None
        batch = b""
        while not self._given_up.is_set():
            ending = self._ending.is_set()
            try:
                reel = reel or Reel(self.path, self.rate_hz)
                try:
                    while batch := batch or self._next_batch():
                        batch = batch[reel.append(batch) * FRAME_BYTES :]
                        self._count(reel)
                finally:
                    reel.state_length()
            except Exception as trouble:
                # Of any kind, not only the disk's: a tape that stops without a word would be worst of all.
                self._note(f"{type(trouble).__name__}: {trouble}")
                self._given_up.wait(RETRY_SECONDS)
                continue
            self._note("")
            if ending:
                break
            self._ending.wait(WRITE_SECONDS)
        if reel:
            try:
                reel.end(self._on_disk[0])
            except OSError as trouble:
                with suppress(Exception):
                    log.warning("tape ended on a sick disk", tape=self.path.name, reason=str(trouble))

    def _next_batch(self) -> bytes:
        """The oldest frames that wait, interleaved: either all silence or all sound; nothing if none wait."""
        with self._lock:
            if not self._silence_first and self._waiting and self._waiting[0].is_silence:
                self._silence_first = self._waiting.popleft().frames
            if self._silence_first:
                silence = min(self._silence_first, _BATCH_FRAMES)
                self._silence_first -= silence
                return bytes(silence * FRAME_BYTES)
            pieces = []
            while self._waiting and not self._waiting[0].is_silence and self._in_hand < _BATCH_FRAMES:
                pieces.append(self._waiting.popleft())
                self._in_hand += pieces[-1].frames
                self._waiting_frames -= pieces[-1].frames
        both = np.empty((sum(piece.frames for piece in pieces), CHANNELS), dtype="<i2")
        both[:, 0] = np.frombuffer(b"".join(piece.left for piece in pieces), dtype="<i2")
        both[:, 1] = np.frombuffer(b"".join(piece.right for piece in pieces), dtype="<i2")
        return both.tobytes()

    def _count(self, reel: Reel) -> None:
        with self._lock:
            if not self._given_up.is_set():
                self._in_hand = max(0, self._in_hand - (reel.frames - self._on_disk[0]))
                self._on_disk = (reel.frames, reel.sha256)

    def _note(self, reason: str) -> None:
        """The one place where the tape falls ill or gets well; tells of the change, not of the state."""
        with self._lock:
            changed = bool(reason) != bool(self._reason)
            self._reason = reason
        if not changed:
            return
        # A log on the same full disk fails as well; neither it nor a listener may take the tape along.
        with suppress(Exception):
            log.warning("tape ill" if reason else "tape well again", tape=self.path.name, reason=reason)
        with suppress(Exception):
            if self._on_health:
                self._on_health(self.health)
