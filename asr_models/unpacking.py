"""Takes a model out of an archive or a folder that nobody vouches for: only plain files, only below its own folder."""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO
from zipfile import BadZipFile, LargeZipFile, ZipFile

from asr_models.downloading import Teller

MOST_BYTES = 16 << 30  # the largest public models unpack to some 3 GB
MOST_FILES = 10_000
_BLOCK_BYTES = 1 << 18


class ArchiveRefused(Exception):
    """No model is taken from an archive or a folder; the message goes on from its name: "is encrypted"."""


@dataclass(frozen=True)
class Member:
    """A file of a model; `path` is below the model's folder."""

    path: PurePosixPath
    size_bytes: int
    open: Callable[[], IO[bytes]]


@contextmanager
def members(source: Path) -> Iterator[list[Member]]:
    """What a zip archive or a folder holds, as long as the context lasts. Raises `ArchiveRefused`, from inside too."""
    try:
        if source.is_dir():
            yield _bounded(_in_folder(source))
        else:
            with ZipFile(source) as archive:
                yield _bounded(_in_archive(archive))
    except (BadZipFile, LargeZipFile, zlib.error, LZMAError, EOFError, NotImplementedError) as trouble:
        raise ArchiveRefused(f"is no zip archive, or a damaged one ({trouble})") from trouble


def write(files: list[Member], into: Path, tell: Teller) -> None:
    """Writes them below `into`, which must not be there, and down to the disk."""
    done, total = 0, sum(file.size_bytes for file in files)
    into.mkdir(parents=True)
    for member in files:
        target = into / member.path
        target.parent.mkdir(parents=True, exist_ok=True)
        with member.open() as source, target.open("xb") as file:
            while block := source.read(_BLOCK_BYTES):
                file.write(block)
                done += len(block)
                tell.progress("unpacking", done, total)
    to_disk(into)


def to_disk(folder: Path) -> None:
    """A power cut after a model has been put in place must not leave it with holes."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _in_archive(archive: ZipFile) -> Iterator[Member]:
    tops = set()
    for info in archive.infolist():
        name = info.filename.replace("\\", "/")  # so they come from Windows
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise ArchiveRefused(f"has a file that would land outside its folder ({info.filename!r})")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise ArchiveRefused(f"has a link or a device in it ({info.filename!r})")
        if info.flag_bits & 1:
            raise ArchiveRefused("is encrypted")
        if name.endswith("/") or path.parts[0] == "__MACOSX":
            continue
        tops.add(path.parts[0])
        if len(tops) > 1 or len(path.parts) == 1:
            raise ArchiveRefused("must hold one folder, the model's own, and nothing beside it")
        yield Member(path.relative_to(path.parts[0]), info.file_size, partial(archive.open, info))


def _in_folder(folder: Path) -> Iterator[Member]:
    for path in folder.rglob("*"):
        kind = path.lstat()
        if stat.S_ISREG(kind.st_mode):
            yield Member(PurePosixPath(path.relative_to(folder)), kind.st_size, _reader(path))
        elif not stat.S_ISDIR(kind.st_mode):
            raise ArchiveRefused(f"has a link or a device in it ({path.relative_to(folder)})")


def _reader(path: Path) -> Callable[[], IO[bytes]]:
    return lambda: path.open("rb")


def _bounded(files: Iterator[Member]) -> list[Member]:
    """zipfile never gives more of a file than its directory says, so the sizes there can be relied upon."""
    taken: dict[PurePosixPath, Member] = {}
    folders: set[PurePosixPath] = set()
    total = 0
    for member in files:
        total += member.size_bytes
        if total > MOST_BYTES or len(taken) == MOST_FILES:
            raise ArchiveRefused(f"is larger than any model (over {MOST_BYTES >> 30} GiB or {MOST_FILES} files)")
        folders.update(member.path.parents)
        if member.path in taken or member.path in folders or not folders.isdisjoint(taken):
            raise ArchiveRefused(f"has {member.path} twice")
        taken[member.path] = member
    return list(taken.values())
