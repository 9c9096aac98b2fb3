"""What the publisher of the Vosk models offers, read from his list at the moment somebody asks for a model.

Built in are names and licences only: addresses, sizes and checksums change, and come from the list alone.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from http.client import HTTPException
from typing import Annotated, Any
from urllib.error import URLError
from urllib.parse import urljoin
from urllib.request import Request, build_opener

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

NAME = r"^\w[\w.-]{0,63}$"  # also a file's name: no separators, nothing hidden
LICENCES: Mapping[str, str] = {
    "vosk-model-small-cn-0.22": "Apache 2.0",
    "vosk-model-cn-0.22": "Apache 2.0",
    "vosk-model-cn-kaldi-multicn-0.15": "Apache 2.0",
}
HEADERS = {"User-Agent": "hotline", "Accept-Encoding": "identity"}

_CHINESE = ("cn", "zh")
_NO_RECOGNISERS = ("tts", "spk")  # voices, and who speaks: in the same list
_SILENCE_SECONDS = 10.0
_MOST_BYTES = 1 << 22


class ListUnreadable(Exception):
    """The publisher's list could not be had, or is none; the message says why."""


class NotOffered(Exception):
    """No model of this name is in the list; the message names those that sound like it."""


class Published(BaseModel):
    """A model as the list has it: `size` is the archive's, in bytes."""

    model_config = ConfigDict(frozen=True)

    name: Annotated[str, StringConstraints(pattern=NAME)]
    url: Annotated[str, StringConstraints(pattern="^https?://.")]
    size: Annotated[int, Field(gt=0)]
    md5: Annotated[str, BeforeValidator(lambda sum_: str(sum_).lower()), StringConstraints(pattern="^[0-9a-f]{32}$")]
    lang: str = ""
    type: str = ""
    obsolete: bool = False

    @property
    def hears_chinese(self) -> bool:
        return self.lang in _CHINESE and self.type not in _NO_RECOGNISERS


def read_list(address: str) -> list[Published]:
    """Everything that the list at `address` (http or https) offers. Blocks; raises `ListUnreadable`."""
    if not address:
        raise ListUnreadable("no list of models is set")
    try:
        # A new opener each time: it looks up the proxies of the environment.
        with build_opener().open(Request(address, headers=HEADERS), timeout=_SILENCE_SECONDS) as answer:
            entries = json.loads(answer.read(_MOST_BYTES))
    except (OSError, HTTPException, ValueError, RecursionError) as trouble:
        why = trouble.reason if type(trouble) is URLError else trouble
        raise ListUnreadable(f"the list of models at {address} cannot be read ({why})") from trouble
    offered = [model for entry in entries if (model := _model(entry, address))] if isinstance(entries, list) else []
    if not offered:
        raise ListUnreadable(f"what lies at {address} is no list of models")
    return offered


def pick(offered: list[Published], name: str) -> Published:
    """The model of that name. Raises `NotOffered`."""
    for model in offered:
        if model.name == name:
            return model
    chinese = [model.name for model in offered if model.hears_chinese and not model.obsolete]
    near = difflib.get_close_matches(name, [model.name for model in offered], 3, 0.7) or chinese
    raise NotOffered(f"the publisher has no model {name}: choose from {', '.join(near)}")


def _model(entry: Any, address: str) -> Published | None:
    """None for an entry that lacks what an installer needs: the others are none the worse for it."""
    try:
        # A mirror may give addresses relative to its list.
        return Published.model_validate({**entry, "url": urljoin(address, entry["url"])})
    except (ValidationError, KeyError, TypeError, ValueError, AttributeError):
        return None
