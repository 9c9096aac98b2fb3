"""What opens the gate and what does not: levels, noises and tones of the telephone."""

from collections.abc import Callable

import numpy as np
import pytest
from sounds import NOT_SPEECH, Samples, a_law, at_level, from_pcm, noise, silence, to_pcm, tones

from asr_models.gate import FLOOR_SECONDS, HANG_OVER_SECONDS, Gate

Say = Callable[[str], bytes]
LAMP = "武侯区石羊街道路灯坏了"
STEP_SECONDS = 0.1


def opened(samples: Samples, rate_hz: int = 8000) -> list[bool]:
    """Whether the gate was open after each tenth of a second."""
    gate, pcm = Gate(rate_hz), np.frombuffer(to_pcm(a_law(samples)), "<i2")
    size = gate.step_samples
    return [gate.look(pcm[at : at + size]) for at in range(0, len(pcm) // size * size, size)]


def with_room(samples: Samples, dbfs: float) -> Samples:
    return samples + at_level(noise(len(samples) / 8000), dbfs)


def seconds(steps: float) -> int:
    return round(steps / STEP_SECONDS)


def test_speech_opens_it_and_it_shuts_after_the_hang_over(say: Say) -> None:
    speech = at_level(from_pcm(say(LAMP)), -26)
    states = opened(np.concatenate([speech, silence(1.0)]))
    first, last = states.index(True), len(states) - states[::-1].index(True)
    assert 0.4 <= first * STEP_SECONDS <= 0.8  # half a second of silence is before the first word
    assert all(states[first:last])
    speech_ends = len(speech) / 8000 - 1.5
    assert speech_ends + HANG_OVER_SECONDS - 0.3 <= last * STEP_SECONDS <= speech_ends + HANG_OVER_SECONDS + 0.1


@pytest.mark.parametrize("dbfs", [-26, -45])
def test_speech_passes_in_a_quiet_room_however_faint(say: Say, dbfs: float) -> None:
    states = opened(with_room(np.concatenate([silence(8), at_level(from_pcm(say(LAMP)), dbfs)]), -65))
    assert not any(states[: seconds(8)])
    speech = states[seconds(8 + 0.8) : -seconds(1.5)]
    assert all(speech)


@pytest.mark.parametrize("kind", [name for name in NOT_SPEECH if name not in ("street", "hold music")])
@pytest.mark.parametrize("dbfs", [-15, -40])
def test_steady_noise_shuts_it_again_and_pure_tones_never_open_it(kind: str, dbfs: float) -> None:
    states = opened(at_level(NOT_SPEECH[kind](20), dbfs))
    assert not any(states[seconds(FLOOR_SECONDS + 1.0) :])
    if kind in ("ringback", "busy tone", "keys"):
        assert not any(states)


@pytest.mark.parametrize("kind", NOT_SPEECH)
def test_speech_stands_out_of_any_noise_at_15_db(say: Say, kind: str) -> None:
    speech = np.concatenate([silence(8), at_level(from_pcm(say(LAMP)), -26)])
    states = opened(speech + at_level(NOT_SPEECH[kind](len(speech) / 8000)[: len(speech)], -41))
    assert all(states[seconds(8 + 0.8) : -seconds(1.5)])


def test_quiet_speech_is_heard_right_after_a_loud_noise(say: Say) -> None:
    loud = at_level(noise(10), -10)
    states = opened(with_room(np.concatenate([loud, silence(1), at_level(from_pcm(say(LAMP)), -45)]), -65))
    assert not states[seconds(10.9)]
    assert all(states[seconds(11 + 0.8) : -seconds(1.5)])


def test_lost_packets_do_not_teach_it_that_the_room_is_quiet() -> None:
    sound = at_level(noise(20), -35)
    for at in range(0, len(sound), 8000):
        sound[at : at + 320] = 0
    assert not any(opened(sound)[seconds(8) :])


def test_a_voice_beside_a_tone_that_never_ends_opens_it(say: Say) -> None:
    speech = np.concatenate([silence(8), at_level(from_pcm(say(LAMP)), -35)])
    states = opened(speech + at_level(tones(len(speech) / 8000, 450), -20))
    assert not any(states[: seconds(8)])
    assert any(states[seconds(8) :])


@pytest.mark.parametrize("rate_hz", [8000, 11025, 12345, 16000, 44100, 48000])
def test_digital_silence_is_shut_and_noise_opens_it_at_every_rate(rate_hz: int) -> None:
    gate = Gate(rate_hz)
    hiss = np.random.default_rng(1).normal(0, 2000, gate.step_samples).astype("<i2")
    assert not any(gate.look(np.zeros(gate.step_samples, "<i2")) for _ in range(20))
    assert gate.look(hiss)


def test_one_side_of_full_scale_is_no_trouble() -> None:
    gate = Gate(8000)
    for value in (-32768, 32767):
        for _ in range(100):
            gate.look(np.full(gate.step_samples, value, "<i2"))
    assert not gate.open
