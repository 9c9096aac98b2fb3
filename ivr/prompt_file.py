"""Sound files as the line plays them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from ivr.pcm import RATE_HZ


def read_prompt(path: Path) -> bytes:
    """A sound file of any rate as 16-bit mono PCM at 8 kHz. Raises ValueError saying what is wrong."""
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise ValueError(f"{path} cannot be read as sound ({error}): give a WAV file") from None
    mono = samples.mean(axis=1)
    if rate != RATE_HZ:
        mono = soxr.resample(mono, rate, RATE_HZ)
    pcm: bytes = (np.clip(mono, -1, 1) * 32767).astype("<i2").tobytes()
    return pcm
