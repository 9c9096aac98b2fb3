"""How what is made at build time is kept: numpy's files, names packed into bytes."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt


class NotTrained(Exception):
    """A file that the build makes is missing or unreadable; the message says what to do."""


def pack(names: Iterable[str]) -> npt.NDArray[np.uint8]:
    return np.frombuffer("\0".join(names).encode(), np.uint8)


def unpack(packed: npt.NDArray[np.uint8]) -> list[str]:
    return packed.tobytes().decode().split("\0")


@contextmanager
def opened(path: Path) -> Iterator[Mapping[str, npt.NDArray[Any]]]:
    """The arrays of a file. Raises NotTrained where it, or what the body looks for in it, is not there."""
    try:
        with np.load(path) as file:
            yield file
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise NotTrained(f"{path.name}: {error}; 'hotline drafts train' makes it anew") from error
