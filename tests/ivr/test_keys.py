"""Keys as tones: found when pressed, never in speech, music or ringing."""

from __future__ import annotations

import numpy as np
import pytest

from asr_models import voice
from ivr.keys import KeyDetector, tones

ALL = "123A456B789C*0#D"


@pytest.mark.parametrize("chunk_bytes", [320, 1600, 2_000])
def test_every_key_is_found_once_however_the_sound_is_cut(chunk_bytes: int) -> None:
    detector, pcm = KeyDetector(), tones(ALL)
    pressed = "".join(detector.feed(pcm[at : at + chunk_bytes]) for at in range(0, len(pcm), chunk_bytes))
    assert pressed == ALL


def test_a_key_held_for_long_is_one_key_and_pressed_twice_is_two() -> None:
    assert KeyDetector().feed(tones("5", on_seconds=2.0)) == "5"
    assert KeyDetector().feed(tones("55")) == "55"


def test_keys_are_found_in_the_noise_of_a_street() -> None:
    noise = np.random.default_rng(1).normal(0, 800, len(tones(ALL)) // 2)
    noisy = (np.frombuffer(tones(ALL), dtype="<i2") + noise).clip(-32768, 32767).astype("<i2").tobytes()
    assert KeyDetector().feed(noisy) == ALL


def test_a_click_too_short_to_be_a_key_is_none() -> None:
    assert KeyDetector().feed(tones("5", on_seconds=0.02)) == ""


def test_speech_presses_no_keys() -> None:
    speech = voice.speak("我家住在武侯区，一二三四五六七八九十，井号键，星号键，楼下的路灯坏了很久没有人来修")
    assert KeyDetector().feed(speech) == ""


@pytest.mark.parametrize("hz", [350, 425, 450, 697, 1209, 1633])
def test_a_single_tone_is_no_key(hz: int) -> None:
    t = np.arange(16_000) / 8000
    assert KeyDetector().feed((9000 * np.sin(2 * np.pi * hz * t)).astype("<i2").tobytes()) == ""


def test_silence_presses_nothing() -> None:
    assert KeyDetector().feed(bytes(32_000)) == ""
