"""Where tapes lie, which of them are still running, and how one whose process died is made whole again."""

import fcntl
import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path, PurePosixPath
from typing import Any

import structlog

from recordings import wav
from recordings.tape import TapeClosed
from recordings.wav import CHANNELS, FRAME_BYTES, HEADER_BYTES

LEFT, RIGHT = 0, 1  # the caller; what the caller hears

_OPEN = ".open"
_CALL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# Without summer time since 1991, so no time zone database is needed.
_SHANGHAI = timezone(timedelta(hours=8))
_BLOCK_BYTES = 1 << 20

log = structlog.get_logger(__name__)


class TapeStillRuns(Exception):
    """A live process holds the tape, so it must not be mended."""


@dataclass(frozen=True)
class OpenTape:
    """A tape that was begun and not yet closed. `path` is relative to the vault's root, with slashes."""

    call_id: str
    path: str
    started_at: datetime
    details: dict[str, Any] = field(default_factory=dict)


def tape_path(root: Path, call_id: str, started_at: datetime) -> Path:
    """`root`/YYYY/MM/DD/<call-id>.wav by the date in Shanghai at `started_at` (aware).

    Raises `ValueError` for an id that is not a plain name, or for a time without a zone.
    """
    if started_at.tzinfo is None:
        raise ValueError("a tape's start needs a time zone")
    day = started_at.astimezone(_SHANGHAI)
    return root / f"{day:%Y}" / f"{day:%m}" / f"{day:%d}" / f"{_plain(call_id)}.wav"


def mark_open(root: Path, tape: OpenTape) -> None:
    """Notes, durably and before the tape starts, that it runs. Raises `OSError`, or `ValueError` if the call
    id or the path would lead out of the vault."""
    _inside(tape.path)
    marker = _marker(root, tape.call_id)
    marker.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(tape) | {"started_at": tape.started_at.astimezone(UTC).isoformat()}, ensure_ascii=False)
    draft = marker.with_suffix(".tmp")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(marker)
    folder = os.open(marker.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name too, not only what it names
    finally:
        os.close(folder)


def open_tapes(root: Path) -> list[OpenTape]:
    """The tapes marked open, oldest first. A marker that cannot be read is logged and left where it is."""
    tapes = []
    for marker in sorted((root / _OPEN).glob("*.json")):
        try:
            said = json.loads(marker.read_text(encoding="utf-8"))
            started_at = datetime.fromisoformat(said["started_at"])
            tape = OpenTape(_plain(said["call_id"]), said["path"], started_at, said["details"])
            _inside(tape.path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as trouble:
            log.warning("open-tape marker unreadable", marker=marker.name, reason=str(trouble))
        else:
            tapes.append(tape)
    return sorted(tapes, key=lambda tape: (tape.started_at, tape.call_id))


def unmark(root: Path, call_id: str) -> None:
    """Forgets the marker of a tape that is closed; no harm if there is none."""
    _marker(root, call_id).unlink(missing_ok=True)


def repair(path: Path) -> TapeClosed:
    """Makes the file of a dead process a plain WAV that strict readers open; doing it twice does no harm.

    Only the header's two lengths are mended, in place, and a last frame cut in two is dropped: no sound is
    copied or touched. A file without a whole header becomes an empty WAV. Raises `FileNotFoundError`,
    `NotATape` for a file of another kind, and `TapeStillRuns`.
    """
    with path.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TapeStillRuns(f"the tape {path} is still being written") from None
        head = file.read(HEADER_BYTES)
        # All zeros: the machine died before the first block, the header's, reached the disk.
        rate_hz = wav.rate_of(head) if len(head) == HEADER_BYTES and any(head) else 8000
        frames = _frames(path)
        file.truncate(HEADER_BYTES + frames * FRAME_BYTES)
        file.seek(0)
        file.write(wav.header(rate_hz, frames))
        file.flush()
        os.fsync(file.fileno())
    return TapeClosed(frames, frames / rate_hz, pcm_sha256(path), 0)


def pcm_sha256(path: Path) -> str:
    """Hash of the whole frames of a tape without its header, as `Tape.close` gives it."""
    left = _frames(path) * FRAME_BYTES
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(HEADER_BYTES)
        while left and (block := file.read(min(left, _BLOCK_BYTES))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()


def read_span(path: Path, channel: int, start_seconds: float, end_seconds: float) -> bytes:
    """16-bit PCM of one channel (`LEFT` or `RIGHT`) between two call times, as far as the tape has it.

    Also of a tape that still runs: it goes by the file's length, not by the header's. Raises `NotATape` and
    `OSError`.
    """
    if channel not in (LEFT, RIGHT):
        raise ValueError(f"a tape has no channel {channel}")
    with path.open("rb") as file:
        rate_hz = wav.rate_of(file.read(HEADER_BYTES))
        first = max(0, round(start_seconds * rate_hz))
        last = min(_frames(path), round(end_seconds * rate_hz))
        file.seek(HEADER_BYTES + first * FRAME_BYTES)
        frames = file.read(max(0, last - first) * FRAME_BYTES)
    return memoryview(frames).cast("B").cast("h")[channel::CHANNELS].tobytes()


def _frames(path: Path) -> int:
    return max(0, path.stat().st_size - HEADER_BYTES) // FRAME_BYTES


def _marker(root: Path, call_id: str) -> Path:
    return root / _OPEN / f"{_plain(call_id)}.json"


def _plain(call_id: str) -> str:
    if not _CALL_ID.fullmatch(call_id):
        raise ValueError(f"not a call id: {call_id!r}")
    return call_id


def _inside(path: str) -> None:
    parts = PurePosixPath(path)
    if not path or parts.is_absolute() or ".." in parts.parts:
        raise ValueError(f"not a path inside the vault: {path!r}")
