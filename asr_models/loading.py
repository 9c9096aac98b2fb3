"""Which model the ears end up with when the one they were told to use cannot be trusted.

A spoilt model may end the process instead of raising. So a note lies beside the socket while a model is being
loaded; whoever starts and finds one knows what the last start died of, and does not try it again.
"""

import asyncio
import json
from pathlib import Path

import structlog

from asr_models import catalogue
from asr_models.catalogue import ModelBroken
from asr_models.recogniser import Model, load

log = structlog.get_logger(__name__)


async def load_or_fall_back(model: Path, fallback: Path | None, note: Path) -> tuple[Model, bool]:
    """The loaded `model`, or `fallback` and True. Raises `ModelBroken` when neither can be used."""
    if fallback is not None and fallback.resolve() == model.resolve():
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
    suspect = json.dumps({"model": str(model.resolve()), "as_of": catalogue.fingerprint(model)})
    if note.exists() and note.read_text(encoding="utf-8") == suspect:
        # The note stays: a model that kills is skipped at every start, until its files change.
        raise ModelBroken(model, reason=f"ended the process that loaded it (to try it again, delete {note})")
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(suspect, encoding="utf-8")
    try:
        return await asyncio.to_thread(load, model)
    finally:
        note.unlink(missing_ok=True)
