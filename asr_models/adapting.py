"""A city's own words in the model that is in use: a new model beside the others, built while calls go on.

The graph is built by a program of its own (`vocabulary/adapt.py`), at low priority.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from asr_models import catalogue, shelf
from asr_models.downloading import Teller
from asr_models.shelf import WORKSHOP, clear, held
from asr_models.vocabulary import lexicon
from asr_models.vocabulary.lexicon import NewWord

PREFIX = "adapted-"
KEPT = 2  # adapted models: the one in use, and the one that `use -` goes back to (or else the newest)
TIMEOUT_SECONDS = 600.0


class CannotAdapt(Exception):
    """No model was made, the one in use stays; the message says why and what to do."""


def read_words(path: Path) -> list[NewWord]:
    """Raises `CannotAdapt` naming every line that cannot be used."""
    try:
        return lexicon.new_words(path.read_text(encoding="utf-8"))
    except OSError as trouble:
        raise CannotAdapt(f"{path} cannot be read: {trouble.strerror}") from trouble
    except UnicodeError as trouble:
        raise CannotAdapt(f"{path} is not UTF-8: save it as UTF-8 text") from trouble
    except lexicon.WordsWrong as wrong:
        raise CannotAdapt(f"{path}:\n{wrong}\nNothing was changed: mend these lines, then try again") from wrong


def adapt(models: Path, model: Path, words: Path, at: datetime, tell: Teller) -> str:
    """Builds what `model` is with the words of a file added, installs it, and returns its name.

    Raises `CannotAdapt` and `ModelBroken`. Blocks for some ten seconds.
    """
    added = read_words(words)
    catalogue.check(model)
    if not (model / lexicon.FILE).is_file():
        raise CannotAdapt(
            f"the model {model.resolve().name} has no {lexicon.FILE}, so nobody knows how its words are said: only the "
            "embedded model, and models made of it, learn words (hotline models use embedded)"
        )
    name = f"{PREFIX}{at:%Y%m%d-%H%M%S}"
    with held(models, "adapted", tell):
        new = models / WORKSHOP / f"{name}.new"
        clear(new)
        tell.say(f"building the graph anew with {len(added)} word{'s' * (len(added) > 1)} added …")
        try:
            _build(model, words, new)
            catalogue.check(new)
            new.rename(models / name)
        finally:
            clear(new)
    return name


def tidy(models: Path) -> list[str]:
    """Deletes the adapted models that nobody goes back to, and returns their names."""
    used, before = (models / catalogue.CURRENT).resolve(), shelf.the_one_before(models)
    old = [path for path in shelf.installed(models) if path.name.startswith(PREFIX) and path.resolve() != used]
    old.sort(key=lambda path: (path.name == before, path.name), reverse=True)
    for path in old[KEPT - 1 :]:
        clear(path)
    return [path.name for path in old[KEPT - 1 :]]


def _build(model: Path, words: Path, new: Path) -> None:
    paths = [str(Path(__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "asr_models.vocabulary.adapt", str(model), str(words), str(new)],
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CannotAdapt(f"the graph was not built after {TIMEOUT_SECONDS:.0f} s: nothing was changed") from None
    if done.returncode:
        last_line = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise CannotAdapt(
            f"the graph could not be built (exit code {done.returncode}; {last_line}): nothing was changed"
        )
