"""How what is made at build time is kept: numpy's files, names packed into bytes."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt


class NotTrained(Exception):
    """A file that the build makes is missing or unreadable; the message says what to do."""


def pack(names: Iterable[str]) -> npt.NDArray[np.uint8]:
    return np.frombuffer("\0".join(names).encode(), np.uint8)


def unpack(packed: npt.NDArray[np.uint8]) -> list[str]:
    return packed.tobytes().decode().split("\0")
