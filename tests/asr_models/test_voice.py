"""The line's own voice: what it reads, how loud, and what it does when espeak-ng fails."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from asr_models import voice
from asr_models.recogniser import Model, transcribe
from asr_models.voice import VoiceFailed, clauses, speak


def test_speech_is_telephone_pcm_at_half_scale_without_silence_at_its_end() -> None:
    sound = np.frombuffer(speak("您好，这里是市民热线。"), "<i2")
    assert len(sound) > 8000
    assert 0.49 < np.abs(sound.astype(int)).max() / 32768 < 0.51


@pytest.mark.parametrize("who", ["f2", "f4", "m3", "m7"])
def test_the_embedded_model_understands_every_voice_of_the_line(model: Model, who: str) -> None:
    sound = bytes(8000) + speak("金牛区抚琴街道燃气泄漏，味道很大", voice=who) + bytes(16000)
    text = "".join(final.text for final in transcribe(model, sound, 8000))
    assert "金牛区" in text
    assert "燃气" in text


def test_a_faster_voice_is_shorter_and_another_rate_is_longer_in_bytes() -> None:
    slow, fast, wide = speak("路灯坏了"), speak("路灯坏了", words_per_minute=280), speak("路灯坏了", rate_hz=16000)
    assert len(fast) < len(slow)
    assert abs(len(wide) - 2 * len(slow)) <= 4


def test_digits_are_read_one_by_one_and_a_long_number_has_yao_for_one() -> None:
    assert list(clauses("拨打12345")) == [(0.0, "bo1 da3 yi1 er4 san1 si4 wu3")]
    assert list(clauses("13800138000")) == [(0.0, "yao1 san1 ba1 ling2 ling2 yao1 san1 ba1 ling2 ling2 ling2")]
    assert list(clauses("3.5")) == [(0.0, "san1 dian3 wu3")]


def test_marks_become_pauses_between_clauses_only() -> None:
    assert list(clauses("，您好，，市民。（请说）……")) == [
        (0.25, "nin2 hao3"),
        (0.25, "shi4 min2"),
        (0.45, "qing3 shuo1"),
    ]


def test_letters_are_spelt_and_what_nobody_can_say_is_left_out() -> None:
    assert list(clauses("KTV很吵☃")) == [(0.0, "kei4 ti4 wei1 hen3 chao3")]


@pytest.mark.parametrize("text", ["", "……", "☃"])
def test_a_text_without_words_fails_with_its_reason(text: str) -> None:
    with pytest.raises(VoiceFailed, match="nothing to say"):
        speak(text)


@pytest.mark.parametrize("who", ["nobody", "../f2", ""])
def test_an_unknown_voice_fails_with_its_reason(who: str) -> None:
    with pytest.raises(VoiceFailed, match="no voice"):
        speak("您好", voice=who)


def crashing(times: int, tmp_path: Path) -> str:
    """A stand-in for the interpreter that dies of SIGSEGV `times` times before it does its work."""
    script, count = tmp_path / "python", tmp_path / "count"
    script.write_text(
        f'#!/bin/sh\necho >> {count}\n[ "$(wc -l < {count})" -gt {times} ] || kill -SEGV $$\n'
        f'exec {voice.sys.executable} "$@"\n'
    )
    script.chmod(0o755)
    return str(script)


def test_a_crash_of_espeak_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interpreter = crashing(2, tmp_path)
    monkeypatch.setattr(voice.sys, "executable", interpreter)
    assert speak("您好")


def test_three_crashes_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interpreter = crashing(3, tmp_path)
    monkeypatch.setattr(voice.sys, "executable", interpreter)
    with pytest.raises(VoiceFailed, match="-11"):
        speak("您好")


def test_a_voice_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("espeak", voice.TIMEOUT_SECONDS)

    monkeypatch.setattr(voice.subprocess, "run", hang)
    with pytest.raises(VoiceFailed, match="TimeoutExpired"):
        speak("您好")
