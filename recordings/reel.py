"""The file under a running tape: it takes whole frames, and states its length after them.

No buffer of its own: what `append` has taken is in the page cache and survives the process.
"""

import errno
import fcntl
import hashlib
import os
from contextlib import suppress
from pathlib import Path

from recordings import wav


class Reel:
    """A new file at `path` (directories made, mode 0600). Every method raises `OSError` when the disk does."""

    def __init__(self, path: Path, rate_hz: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.rate_hz = rate_hz
        self.frames = 0
        self._hash = hashlib.sha256()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        # Held as long as the process lives: nobody mends a tape that still runs. Not every file system can.
        with suppress(OSError):
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    @property
    def sha256(self) -> str:
        """Hash of the interleaved PCM so far, without the header."""
        return self._hash.hexdigest()

    def append(self, pcm: bytes) -> int:
        """Writes interleaved frames after the last whole one and returns how many were taken (at least one).

        The place comes from the count, not from the file's end: a frame cut in two by a full disk is written
        again from its beginning, so the channels never swap.
        """
        taken = os.pwrite(self._file, pcm, wav.HEADER_BYTES + self.frames * wav.FRAME_BYTES) // wav.FRAME_BYTES
        if not taken:
            raise OSError(errno.ENOSPC, "no room for a whole frame")
        self._hash.update(pcm[: taken * wav.FRAME_BYTES])
        self.frames += taken
        return taken

    def state_length(self) -> None:
        """Puts the length so far into the header. After the data, so that it never promises too much."""
        os.pwrite(self._file, wav.header(self.rate_hz, self.frames), 0)

    def end(self, frames: int) -> None:
        """Cuts whatever lies beyond `frames` frames, brings all to the disk itself and lets the file go."""
        try:
            self.frames = frames
            os.ftruncate(self._file, wav.HEADER_BYTES + frames * wav.FRAME_BYTES)
            self.state_length()
            os.fsync(self._file)
        finally:
            os.close(self._file)
