"""The installed models: which there are, which one is in use, and the change from one to another.

The one in use is the link `current` among them; without it, it is the embedded one. Two who change something at
once take turns.
"""

from __future__ import annotations

import asyncio
import difflib
import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from asr_models.catalogue import CURRENT, real
from asr_models.downloading import PART_SUFFIXES, Teller
from asr_models.trial import trial

BUILT_IN = "embedded"  # the name that the embedded model goes by
WORKSHOP = ".incoming"  # what is no model yet, or none any more: on the same disk, so that it moves at once
_LEFT_OVER = (".new", ".old", ".gone", *PART_SUFFIXES)  # in the workshop, of what was cut off
_BEFORE = "before"  # in the workshop: the name that was in use before this one


class NotOnTheShelf(Exception):
    """Nothing is installed by this name; the message names what is."""


class Kept(Exception):
    """Something stays as it is; the message says why and what to do first."""


def installed(models: Path) -> list[Path]:
    """Every folder that should be a model, in the order of names; `catalogue.check` tells whether it is one."""
    if not models.is_dir():
        return []
    return sorted(path for path in models.iterdir() if _may_be_a_model(path))


def in_use(models: Path) -> str:
    """The name, or the path of one that lies elsewhere, whether or not it is there."""
    current = models / CURRENT
    if not current.is_symlink():
        return CURRENT if current.exists() else BUILT_IN
    target = str(current.readlink())
    return target if target == Path(target).name else str((models / target).absolute())


def use(models: Path, name: str, tell: Teller) -> bool:
    """Loads a model once and makes it the one in use; False if it was so already.

    Raises `NotOnTheShelf`, `ModelBroken`, `TrialFailed` and `Kept`, and has then changed nothing.
    """
    with held(models, CURRENT, tell):
        return _use(models, name, tell)


def use_the_one_before(models: Path, tell: Teller) -> str:
    """Undoes the last `use`, another time as well: the two take turns. Its name; raises as `use` does."""
    with held(models, CURRENT, tell):
        before = models / WORKSHOP / _BEFORE
        if not before.exists():
            raise Kept("no other model was in use before this one")
        name = before.read_text(encoding="utf-8")
        _use(models, name, tell)
        return name


def remove(models: Path, name: str, in_use_too: Callable[[Path], bool], tell: Teller) -> None:
    """Takes a model off the shelf, or what has come of one. Raises `NotOnTheShelf`, and `Kept` if it is in use.

    `in_use_too` knows of other ways to be in use than the link.
    """
    name = str(Path(name))
    if name == BUILT_IN:
        raise Kept("the embedded model stays: it is what listens when no other can")
    if name != Path(name).name or name in (CURRENT, ".."):
        raise _nothing(models, name)
    with held(models, CURRENT, tell), held(models, name, tell):
        path = models / name
        begun = [left for suffix in _LEFT_OVER if (left := models / WORKSHOP / f"{name}{suffix}").exists()]
        if path not in installed(models) and not begun:
            raise _nothing(models, name)
        if real(path) == real(models / CURRENT) or in_use_too(path):
            raise Kept(f"{name} is in use: use another one first (hotline models use NAME, or embedded)")
        gone = models / WORKSHOP / f"{name}.gone"
        clear(gone)
        if path in installed(models):
            path.rename(gone)  # all of it at once
        for leftover in (gone, *begun):
            clear(leftover)


@contextmanager
def held(models: Path, name: str, tell: Teller) -> Iterator[None]:
    """Only one process at a time changes what goes by this name; the others wait."""
    workshop = models / WORKSHOP
    workshop.mkdir(parents=True, exist_ok=True)
    # Never deleted: whoever waits for it would hold a file that nobody else sees.
    with (workshop / f"{Path(name).name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell.say(f"somebody else is at work on {name}: waiting until that is done")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def clear(path: Path) -> None:
    """Deletes what there is; of a link, only the link."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def _use(models: Path, name: str, tell: Teller) -> bool:
    name = str(Path(name))  # without the slash that a shell puts after a folder's name
    current, before = models / CURRENT, in_use(models)
    if current.exists() and not current.is_symlink():
        raise Kept(f"{current} is a folder and no link: give it a name (mv {current} {models / 'NAME'}), then use that")
    if name != BUILT_IN:
        model = models / name
        if model not in installed(models) and not Path(name).is_absolute():
            raise _nothing(models, name)
        tell.say(f"loading {name} once to see whether it can be used …")
        asyncio.run(trial(model))
    if name == before:
        return False
    (models / WORKSHOP / _BEFORE).write_text(before, encoding="utf-8")
    if name == BUILT_IN:
        current.unlink()
    else:
        link = models / WORKSHOP / f"{CURRENT}.new"
        clear(link)
        link.symlink_to(name)  # relative to where it is moved now: the folder may be carried elsewhere
        link.replace(current)
    return True


def _may_be_a_model(path: Path) -> bool:
    return (path.is_dir() or path.is_symlink()) and path.name[0] != "." and path.name != CURRENT


def _nothing(models: Path, name: str) -> NotOnTheShelf:
    names = [path.name for path in installed(models)]
    near = difflib.get_close_matches(name, names, 3) or names
    return NotOnTheShelf(
        f"no model {name} is installed"
        + (f": there is {', '.join(near)}" if near else "")
        + " ('hotline models list' shows what can be)"
    )
