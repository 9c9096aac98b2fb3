"""What the line says to a caller: sound files in var/prompts, synthesised at set-up, replaceable by recordings."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import soundfile
import structlog

from asr_models import voice
from asr_models.sound import SoundUnreadable, read_pcm
from hotline.settings import Settings
from ivr.pcm import RATE_HZ

log = structlog.get_logger()

GREETING = "您好，这里是12345热线，通话将被录音，请讲。"
"""Who answers, that there is a tape, and the word is the caller's: no menu (DOMAIN L1)."""


def greeting_file(settings: Settings) -> Path:
    return Path(settings.greeting) if settings.greeting else settings.prompts_dir / "greeting.wav"


def make(settings: Settings) -> Path:
    """Synthesise what is not there yet. Raises voice.VoiceFailed."""
    path = settings.prompts_dir / "greeting.wav"
    if not path.exists():
        pcm = voice.speak(GREETING)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        soundfile.write(part, np.frombuffer(pcm, dtype="<i2"), RATE_HZ, format="WAV", subtype="PCM_16")
        part.replace(path)
    return path


def greeting_pcm(settings: Settings) -> bytes:
    """The greeting as 16-bit mono PCM at 8 kHz; empty when neither recording nor voice can be had: a caller who is
    answered without a greeting is better served than one who is not answered."""
    if settings.greeting:
        try:
            return read_pcm(greeting_file(settings), RATE_HZ)
        except (SoundUnreadable, OSError) as error:  # the caller must still be told of the tape
            log.error("greeting unreadable, the synthesised one is played", file=settings.greeting, error=str(error))
    try:
        return read_pcm(make(settings), RATE_HZ)
    except (SoundUnreadable, voice.VoiceFailed, OSError) as error:
        log.error("no greeting", error=str(error))
        return b""
