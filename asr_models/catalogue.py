"""Which model the ears use, and whether all of it is there before a recogniser is asked to load it.

vosk says of a spoilt model only that it failed, or takes the process with it; so the files are counted first.
"""

import os
from pathlib import Path

from asr_models.vocabulary import lexicon

EMBEDDED = Path(__file__).parent / "embedded"

CURRENT = "current"  # the name, below the installed models, of the one in use (a link or a folder)

# vosk knows two layouts and tells them apart by this file.
_MARK_OF_NEW = "am/final.mdl"
_NEW = (_MARK_OF_NEW, "conf/model.conf", "conf/mfcc.conf")
_OLD = ("final.mdl", "mfcc.conf")
_LOOKAHEAD = ("HCLr.fst", "Gr.fst", "disambig_tid.int")
# Of each of these, all or none: vosk does without, or dies of half of it.
_TOGETHER = {
    "ivector": ("final.ie", "final.mat", "final.dubm", "global_cmvn.stats", "online_cmvn.conf", "splice.conf"),
    "rescore": ("G.carpa", "G.fst"),
}
_BOUNDARIES = "graph/phones/word_boundary.int"  # vosk does without; a model made by us always has it


class ModelBroken(Exception):
    """A model directory that cannot be used. `missing` are paths in it; empty if the files are spoilt instead.
    `what` is the matter, without the directory: "lacks am/final.mdl"."""

    def __init__(self, path: Path, missing: tuple[str, ...] = (), reason: str = "") -> None:
        self.path = path
        self.missing = missing
        self.what = f"lacks {', '.join(missing)}" if missing else reason or "cannot be loaded"
        super().__init__(
            f"the speech model in {path} {self.what}: install it anew, or name another "
            "(the folder must be the one that holds am/, conf/ and graph/)"
        )


def find(setting: str, installed: Path) -> Path:
    """The directory of the model to use; whether it is whole, `check` tells.

    `setting` is a path, or a name below `installed`, or "" for `installed`/current if there is one and the
    embedded model otherwise.
    """
    if setting:
        named = installed / setting  # an absolute path stays itself
        return named if named.exists() else Path(setting)
    current = installed / CURRENT
    # A dangling link is taken as well: then the operator hears what is wrong, and not silence.
    return current if current.exists() or current.is_symlink() else EMBEDDED


def real(path: Path) -> Path:
    """Where links lead; of links that lead round in a circle, one of them, which is not there."""
    return Path(os.path.realpath(path))


def check(path: Path) -> None:
    """Raises `ModelBroken` naming each file that vosk would miss (or find empty) in `path`."""
    if not path.is_dir():
        raise ModelBroken(path, reason="is not there")
    missing = tuple(name for name in _needed(path) if not _has(path, name))
    if missing:
        raise ModelBroken(path, missing)


def rate_hz(path: Path) -> int:
    """The sampling rate a model was trained at, from its mfcc.conf; 16000 where it names none (Kaldi's default).

    Raises `ModelBroken` when the file does not tell.
    """
    conf = path / ("conf/mfcc.conf" if _has(path, _MARK_OF_NEW) else "mfcc.conf")
    try:
        for line in conf.read_text(encoding="utf-8").splitlines():
            option, _, value = line.partition("#")[0].strip().partition("=")
            if option == "--sample-frequency":
                return round(float(value))
    except (OSError, ValueError) as trouble:
        raise ModelBroken(path, reason=f"has an unreadable {conf.name} ({trouble})") from trouble
    return 16000


def fingerprint(path: Path) -> str:
    """Changes when a file of the model does: newest change and total size, without reading the files."""
    files = [file.stat() for file in sorted(path.rglob("*")) if file.is_file()]
    return f"{max((file.st_mtime_ns for file in files), default=0)}-{sum(file.st_size for file in files)}"


def _needed(path: Path) -> list[str]:
    old = _has(path, "final.mdl") and not _has(path, _MARK_OF_NEW)
    graph = "" if old else "graph/"
    needed = list(_OLD if old else _NEW)
    if any(_has(path, graph + name) for name in _LOOKAHEAD) and not (path / f"{graph}HCLG.fst").exists():
        needed += [graph + name for name in _LOOKAHEAD]
    else:
        needed.append(f"{graph}HCLG.fst")
    needed.append(f"{graph}words.txt")
    for folder, names in _TOGETHER.items():
        if any((path / folder / name).exists() for name in names):
            needed += [f"{folder}/{name}" for name in names]
    if (path / lexicon.FILE).exists():
        needed.append(_BOUNDARIES)
    return needed


def _has(path: Path, name: str) -> bool:
    file = path / name
    return file.is_file() and file.stat().st_size > 0
