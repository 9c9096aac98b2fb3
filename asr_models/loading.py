"""Which model the ears hear with: the one they are told to, while it can be trusted; another one while calls go on.

A spoilt model may end the process instead of raising. So a note lies beside the socket while a model is being
loaded at the start; whoever starts and finds one knows what the last start died of, and does not try it again.
Later, with calls in the same process, a model is first tried in another one.
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import structlog

from asr_models import catalogue
from asr_models.catalogue import ModelBroken
from asr_models.recogniser import Model, load
from asr_models.trial import TrialFailed, trial

LOOK_SECONDS = 5.0  # between looks at what is installed

log = structlog.get_logger(__name__)

AsOf = tuple[str, str]
"""A model's directory, and the fingerprint of what lies in it."""


class Loaded:
    """The model in use. Whoever keeps none of the former ones lets go of their memory."""

    def __init__(self, model: Model, fell_back: bool, told: AsOf) -> None:
        self.model = model
        self.fell_back = fell_back
        self._in_use = self._refused = self._seen = told

    @classmethod
    async def first(cls, find: Callable[[], Path], fallback: Path | None, note: Path) -> "Loaded":
        """What `find` says, or `fallback` if it cannot be used. Raises `ModelBroken` when neither can."""
        path = find()
        told = await asyncio.to_thread(_as_of, path)
        return cls(*await load_or_fall_back(path, fallback, note), told)

    async def watch(self, find: Callable[[], Path], look_seconds: float = LOOK_SECONDS) -> None:
        """Loads, for ever, whatever else `find` comes to say, once its files stand still. One that is broken is
        named in the log, once, and the model in use stays."""
        while True:
            await asyncio.sleep(look_seconds)
            try:
                await self._look(find)
            except OSError as trouble:  # files come and go under our eyes: the next look will see them
                log.info("speech model cannot be looked at", reason=str(trouble))
            except Exception:  # whatever it is, the model in use stays, and another one may be put in order
                log.exception("speech model cannot be looked at")

    async def _look(self, find: Callable[[], Path]) -> None:
        path = find()
        told = await asyncio.to_thread(_as_of, path)
        still, self._seen = told == self._seen, told
        if told in (self._in_use, self._refused) or not still:
            return
        try:
            await trial(path)
            self.model = await asyncio.to_thread(load, path)
        except (ModelBroken, TrialFailed) as broken:
            self._refused = told
            log.error("speech model refused", model=str(path), reason=str(broken), in_use=self.model.name)
        else:
            self._in_use, self.fell_back = told, False
            log.info("speech model changed", model=self.model.name)


def _as_of(path: Path) -> AsOf:
    return str(catalogue.real(path)), catalogue.fingerprint(path)


async def load_or_fall_back(model: Path, fallback: Path | None, note: Path) -> tuple[Model, bool]:
    """The loaded `model`, or `fallback` and True. Raises `ModelBroken` when neither can be used."""
    if fallback is not None and catalogue.real(fallback) == catalogue.real(model):
        # There is nothing behind it: ears that were killed while they loaded it must not be without it for ever.
        return await asyncio.to_thread(load, model), False
    try:
        return await _load(model, note), False
    except ModelBroken as broken:
        log.error("speech model unusable", model=str(model), reason=str(broken), fallback=str(fallback))
        if fallback is None:
            raise
    return await asyncio.to_thread(load, fallback), True


async def _load(model: Path, note: Path) -> Model:
    catalogue.check(model)
    suspect = json.dumps({"model": str(catalogue.real(model)), "as_of": catalogue.fingerprint(model)})
    if note.exists() and note.read_text(encoding="utf-8") == suspect:
        # The note stays: a model that kills is skipped at every start, until its files change.
        raise ModelBroken(model, reason=f"ended the process that loaded it (to try it again, delete {note})")
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(suspect, encoding="utf-8")
    try:
        return await asyncio.to_thread(load, model)
    finally:
        note.unlink(missing_ok=True)
