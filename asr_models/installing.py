"""Puts a model among the installed ones, from its publisher or from a file that somebody carried here.

It becomes visible at once and whole, or not at all; one that is there stays until then.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from asr_models import catalogue, downloading, unpacking
from asr_models.catalogue import CURRENT, ModelBroken
from asr_models.downloading import Part, Teller
from asr_models.publisher import NAME, Published
from asr_models.shelf import BUILT_IN, WORKSHOP, clear, held
from asr_models.unpacking import ArchiveRefused

KEPT_FREE_BYTES = 1 << 30  # calls are taped on the same disk


class CannotInstall(Exception):
    """Nothing was installed; the message says why and what to do."""


def install(models: Path, wanted: Published, tell: Teller) -> bool:
    """Downloads a model and installs it; False if it is there already. Raises `DownloadFailed`, `CannotInstall`.

    Interrupted, it leaves what has come, and goes on from there the next time.
    """
    _need_name(wanted.name)
    with held(models, wanted.name, tell):
        if _is_whole(models / wanted.name):
            return False
        part = Part(models / WORKSHOP, wanted)
        # For a moment archive and model are both there; how much that is exactly, the archive tells later.
        _need_room(models, 2 * wanted.size - part.bytes)
        archive = downloading.fetch(wanted, models / WORKSHOP, tell)
        try:
            _put(models, wanted.name, archive, tell)
        except ArchiveRefused as refused:
            part.discard()
            raise CannotInstall(f"{wanted.url} {refused}: nothing was installed; tell its publisher") from refused
        part.discard()
        return True


def install_from(models: Path, source: Path, md5: str, tell: Teller) -> str:
    """Installs a zip archive, or a folder, under its own name, which is returned. Raises `CannotInstall`.

    `md5` is what the archive's must be, or "" for no check.
    """
    name = source.resolve().name.removesuffix(".zip")
    if not source.exists():
        raise CannotInstall(f"{source}: there is no such file or folder")
    if source.is_file() and source.suffix.lower() != ".zip":
        raise CannotInstall(f"{source} is no zip archive: unpack it and give the folder. Nothing was installed")
    _need_name(name)
    with held(models, name, tell):
        if _is_whole(models / name):
            raise CannotInstall(f"a model {name} is installed already: remove it first, or rename {source}")
        if md5 and (source.is_dir() or downloading.md5_of(source, tell) != md5.strip().lower()):
            raise CannotInstall(f"{source} does not have the MD5 {md5}: it is spoilt or another file; copy it anew")
        try:
            if source.is_dir():
                catalogue.check(source)  # before all of a wrong folder is looked through
            _put(models, name, source, tell)
        except (ArchiveRefused, ModelBroken) as refused:
            said = str(refused) if isinstance(refused, ModelBroken) else f"{source} {refused}: copy it anew"
            raise CannotInstall(f"{said}. Nothing was installed") from refused
    return name


def _put(models: Path, name: str, source: Path, tell: Teller) -> None:
    new, old = models / WORKSHOP / f"{name}.new", models / WORKSHOP / f"{name}.old"
    clear(new)
    try:
        with unpacking.members(source) as files:
            _need_room(models, sum(file.size_bytes for file in files))
            unpacking.write(files, new, tell)
        catalogue.check(new)
        catalogue.rate_hz(new)
    except ModelBroken as broken:
        clear(new)
        raise ArchiveRefused(f"holds no whole model: it {broken.what}") from broken
    except BaseException:
        clear(new)
        raise
    place = models / name
    clear(old)
    if place.exists() or place.is_symlink():  # a broken one
        place.rename(old)
    new.rename(place)
    clear(old)


def _need_name(name: str) -> None:
    if not re.fullmatch(NAME, name) or name in (CURRENT, BUILT_IN):
        raise CannotInstall(
            f"{name!r} cannot be a model's name: rename the file (at most 64 letters, digits, '.', '-' and '_')"
        )


def _is_whole(model: Path) -> bool:
    try:
        catalogue.check(model)
    except ModelBroken:
        return False
    return True


def _need_room(models: Path, size_bytes: int) -> None:
    free = shutil.disk_usage(models).free
    missing = size_bytes + KEPT_FREE_BYTES - free
    if missing > 0:
        raise CannotInstall(
            f"the disk of {models} has {free / 1e9:.1f} GB free, {missing / 1e9:.1f} GB too few: the model needs "
            f"{size_bytes / 1e9:.1f} GB, and {KEPT_FREE_BYTES / 1e9:.1f} GB stay for calls. Make room, then give the "
            "same command again"
        )
