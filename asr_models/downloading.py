"""Fetches a model's archive from its publisher: goes on where it was cut off, and gives out nothing unchecked.

What has come so far lies in NAME.zip.part, beside it a note of what it is a part of: once the list names another
address, size or checksum, it is begun anew.
"""

from __future__ import annotations

import hashlib
import json
import re
import ssl
import time
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Protocol
from urllib.error import HTTPError, URLError
from urllib.request import Request, build_opener

from asr_models.publisher import HEADERS, Published

PART_SUFFIXES = (".zip.part", ".zip.part.json")
TRIES = 5
WORTH_BYTES = 1 << 20  # a try that came this much farther than any before does not count
SILENCE_SECONDS = 30.0
_PAUSE_SECONDS = 2.0  # doubled from try to try
_BLOCK_BYTES = 1 << 18
_BUSY = (408, 425, 429)  # beside all from 500 upwards: the server may think better of it


class Teller(Protocol):
    """Who is told how far it is."""

    def progress(self, doing: str, done: int, total: int) -> None:
        """`done` of `total` bytes."""

    def say(self, line: str) -> None:
        """Something happened that takes time."""


class DownloadFailed(Exception):
    """No archive could be had; the message says why and what to do."""


class _CutOff(Exception):
    """Another try may come farther."""


class Part:
    """What has come of an archive."""

    def __init__(self, folder: Path, wanted: Published) -> None:
        self.path, self._note = (folder / f"{wanted.name}{suffix}" for suffix in PART_SUFFIXES)
        self._of = {"url": wanted.url, "size": wanted.size, "md5": wanted.md5}
        self.version = ""  # as the server calls it
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            self.version = note.pop("version")
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            note = None
        self._belongs = note == self._of

    @property
    def bytes(self) -> int:
        return self.path.stat().st_size if self._belongs and self.path.exists() else 0

    def begin(self, version: str) -> None:
        """Throws away what there is."""
        self.discard()
        self._belongs, self.version = True, version
        self._note.write_text(json.dumps(self._of | {"version": version}), encoding="utf-8")

    def discard(self) -> None:
        self._belongs = False
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


def fetch(wanted: Published, folder: Path, tell: Teller, *, pause: Callable[[float], None] = time.sleep) -> Path:
    """The archive in `folder`, whole and with the checksum of the list. Blocks; raises `DownloadFailed`.

    Whatever ends it, the next one goes on from what has come; `pause` waits a number of seconds before a new try.
    """
    part = Part(folder, wanted)
    tries, farthest = 0, part.bytes
    while True:
        try:
            in_one_go = part.bytes < wanted.size and _get(wanted, part, tell)
            if md5_of(part.path, tell) == wanted.md5:
                return part.path
            part.discard()
            if in_one_go:
                raise DownloadFailed(
                    f"{wanted.url} is not the file that the list means (its MD5 is another): nothing was installed. "
                    "Try again later; if it stays so, the publisher has changed one and not yet the other"
                )
            raise _CutOff("the pieces do not make the file that the list means, so it is begun anew")
        except _CutOff as trouble:
            if part.bytes >= farthest + WORTH_BYTES:
                tries, farthest = 0, part.bytes
            tries += 1
            if tries == TRIES:
                raise DownloadFailed(
                    f"{wanted.url} did not come ({trouble}). {part.bytes:,} of {wanted.size:,} bytes are kept: look "
                    "after the network (a proxy is set as HTTPS_PROXY), then give the same command to go on; or "
                    "carry the archive here and install it by its path"
                ) from trouble
            seconds = _PAUSE_SECONDS * 2 ** (tries - 1)
            tell.say(f"{trouble}; going on in {seconds:.0f} s")
            pause(seconds)


def _get(wanted: Published, part: Part, tell: Teller) -> bool:
    """Adds to the part until it is as long as it should be; True if all of it came now."""
    had = part.bytes
    request = Request(wanted.url, headers=HEADERS)
    if had:
        request.add_header("Range", f"bytes={had}-")
        if part.version:
            request.add_header("If-Range", part.version)
    with _opened(request, part) as answer:
        goes_on = answer.status == 206
        if goes_on and _range(answer) != (had, wanted.size):
            part.discard()
            raise _CutOff("the server has another file by now")
        if not goes_on:
            if answer.length not in (None, wanted.size):
                raise DownloadFailed(_another_size(wanted))
            part.begin(_version(answer))
        with part.path.open("ab", buffering=0) as file:
            while block := _read(answer):
                if file.tell() + len(block) > wanted.size:
                    part.discard()
                    raise DownloadFailed(_another_size(wanted))
                file.write(block)
                tell.progress("downloading", file.tell(), wanted.size)
    if part.bytes < wanted.size:
        raise _CutOff("the connection ended too early")
    return not goes_on


def _opened(request: Request, part: Part) -> HTTPResponse:
    try:
        answer: HTTPResponse = build_opener().open(request, timeout=SILENCE_SECONDS)
    except HTTPError as error:
        error.close()
        if error.code == 416:  # there is no such rest: what is here belongs to something else
            part.discard()
        elif error.code < 500 and error.code not in _BUSY:
            raise DownloadFailed(
                f"{request.full_url}: the server answers {error.code} {error.reason}. If it stays so, the list is "
                "older than the server, or a proxy stands between: carry the archive here and install it by its path"
            ) from error
        raise _CutOff(f"the server answers {error.code} {error.reason}") from error
    except URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise DownloadFailed(
                f"{request.full_url}: the server's certificate is not trusted ({error.reason.verify_message}); "
                "a certificate of your network's own is named in SSL_CERT_FILE"
            ) from error
        raise _CutOff(f"the server cannot be reached ({error.reason})") from error
    except (OSError, HTTPException) as error:
        raise _CutOff(f"the server does not answer ({error or type(error).__name__})") from error
    return answer


def _read(answer: HTTPResponse) -> bytes:
    try:
        return answer.read(_BLOCK_BYTES)
    except (OSError, HTTPException) as error:
        raise _CutOff(f"the connection was lost ({error or type(error).__name__})") from error


def _range(answer: HTTPResponse) -> tuple[int, int] | None:
    """First byte and total of what is sent (RFC 9110, 14.4)."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))
    return (int(found[1]), int(found[2])) if found else None


def _version(answer: HTTPResponse) -> str:
    """What If-Range may be asked with: a strong tag, or a date (RFC 9110, 13.1.5)."""
    tag = answer.headers.get("ETag", "")
    return tag if tag.startswith('"') else answer.headers.get("Last-Modified", "")


def md5_of(path: Path, tell: Teller) -> str:
    """In hexadecimal, as publishers print it."""
    md5, size = hashlib.md5(usedforsecurity=False), path.stat().st_size
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            md5.update(block)
            tell.progress("checking", file.tell(), size)
    return md5.hexdigest()


def _another_size(wanted: Published) -> str:
    return (
        f"{wanted.url} is longer or shorter than the {wanted.size:,} bytes of the list: the publisher is changing it. "
        "Nothing was installed; try again later"
    )
