"""A city's own words in the model that is in use: a new model beside the others, built while calls go on.

The graph is built by a program of its own (`vocabulary/adapt.py`), at low priority.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from asr_models import catalogue, program, shelf, unpacking
from asr_models.downloading import Teller
from asr_models.shelf import WORKSHOP, clear, held
from asr_models.vocabulary import lexicon

PREFIX = "adapted-"
TIMEOUT_SECONDS = 600.0


class CannotAdapt(Exception):
    """No model was made, the one in use stays; the message says why and what to do."""


def read_words(path: Path) -> str:
    """A list of words, of which each line can be used. Raises `CannotAdapt` naming every line that cannot."""
    try:
        text = path.read_text(encoding="utf-8")
        lexicon.new_words(text)
    except OSError as trouble:
        raise CannotAdapt(f"{path} cannot be read: {trouble.strerror}") from trouble
    except UnicodeError as trouble:
        raise CannotAdapt(f"{path} is not UTF-8: save it as UTF-8 text") from trouble
    except lexicon.WordsWrong as wrong:
        raise CannotAdapt(f"{path}:\n{wrong}\nNothing was changed: mend these lines, then try again") from wrong
    return text


def adapt(
    models: Path, find: Callable[[], Path], words: Path, clock: Callable[[], datetime], tell: Teller, *, use: bool
) -> str:
    """Builds what the model that `find` finds is with the words of a file added, installs it, and returns its name;
    with `use`, it is in use from then on. Of two who adapt at once the second adds to what the first made.

    Raises `CannotAdapt`, and what `shelf.use` raises. Blocks for some ten seconds.
    """
    text = read_words(words)
    with held(models, "adapted models", tell):
        model = find()
        catalogue.check(model)
        if not (model / lexicon.FILE).is_file():
            raise CannotAdapt(
                f"the model {catalogue.real(model).name} has no {lexicon.FILE}, so nobody knows how its words are said:"
                " only the embedded model, and models made of it, learn words (hotline models use embedded)"
            )
        name = f"{PREFIX}{clock():%Y%m%d-%H%M%S}"
        new = models / WORKSHOP / "adapting"  # always the same, so that what was cut off is found and deleted
        clear(new)
        added = len(lexicon.new_words(text))
        tell.say(f"building the graph anew with {added} word{'s' * (added > 1)} added …")
        try:
            asyncio.run(_build(model, text, new))
            catalogue.check(new)
            unpacking.to_disk(new)
            new.rename(models / name)
        finally:
            clear(new)
        if use:
            shelf.use(models, name, tell)
    return name


async def _build(model: Path, text: str, new: Path) -> None:
    try:
        code, last_line = await program.run(
            "asr_models.vocabulary.adapt", model, new, given=text, timeout_seconds=TIMEOUT_SECONDS
        )
    except TimeoutError:
        raise CannotAdapt(f"the graph was not built after {TIMEOUT_SECONDS:.0f} s: nothing was changed") from None
    if code:
        raise CannotAdapt(f"the graph could not be built (exit code {code}; {last_line}): nothing was changed")
