"""The recogniser behind its gate: silence costs little and shifts no time, noise is no words, nothing grows."""

import json
from collections.abc import Callable

import numpy as np
import psutil
import pytest
import soxr
import vosk
from sounds import NOT_SPEECH, Samples, a_law, at_level, from_pcm, noise, silence, to_pcm

from asr_models.recogniser import LONGEST_SECONDS, Model, Recogniser, transcribe
from asr_models.words import Final, joined

Say = Callable[[str], bytes]

GAS = "金牛区抚琴街道燃气泄漏，味道很大"
LAMP = "武侯区石羊街道路灯坏了"
NOISE = "工地半夜施工，吵得睡不着"


def text_of(finals: list[Final]) -> str:
    return "".join(final.text for final in finals)


def ungated(model: Model, pcm: bytes) -> str:
    """What plain vosk makes of it."""
    plain, said = vosk.KaldiRecognizer(model.loaded, 8000.0), []
    for at in range(0, len(pcm), 1600):
        if plain.AcceptWaveform(pcm[at : at + 1600]):
            said += json.loads(plain.Result())["text"].split()
    return joined(said + json.loads(plain.FinalResult())["text"].split())


def distance(one: str, other: str) -> int:
    """Characters to change, add or leave out."""
    row = list(range(len(other) + 1))
    for at, left in enumerate(one, 1):
        before, row[0] = row[0], at
        for place, right in enumerate(other, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (left != right))
    return row[-1]


def test_silence_is_not_decoded_and_the_words_after_it_keep_their_times(model: Model, say: Say) -> None:
    pauses = (0.0, 30.0, 0.0, 7.3)
    speech = say(LAMP)
    straight = transcribe(model, speech, 8000, 50.0)[0]
    ears, at, finals, began = Recogniser(model, 8000, 50.0), 0.0, [], []
    for pause in pauses:
        finals += ears.feed(bytes(2 * round(8000 * pause)) + speech)
        began.append(at + pause)
        at += pause + len(speech) / 16000
    assert ears.seconds == pytest.approx(at, abs=0.1)
    assert text_of(finals) == straight.text * len(pauses)
    for final, begin in zip(finals, began, strict=True):
        assert final.end == pytest.approx(straight.end + begin, abs=0.07)
        for word, same in zip(final.words[1:], straight.words[1:], strict=True):
            assert word.start == pytest.approx(same.start + begin, abs=0.07)
    fed = ears._vosk_samples / 8000
    assert fed < len(pauses) * len(speech) / 16000


def test_heard_until_follows_silence_closely(model: Model) -> None:
    ears = Recogniser(model, 8000, 10.0)
    assert ears.feed(bytes(16000 * 20)) == []
    assert ears.partial() == ""
    assert 29.5 <= ears.heard_until <= 30.0


def test_an_utterance_is_final_soon_after_its_last_word(model: Model, say: Say) -> None:
    delays = []
    for text in (GAS, LAMP, NOISE):
        ears, sound = Recogniser(model, 8000), say(text) + bytes(16000)
        spoken = np.flatnonzero(np.abs(from_pcm(sound)) > 0.02)[-1] / 8000
        for at in range(0, len(sound), 320):
            if ears.feed(sound[at : at + 320]):
                delays.append((at + 320) / 16000 - spoken)
    assert len(delays) == 3
    assert max(delays) <= 0.9


def test_two_sentences_without_a_pause_for_breath_lose_nothing(model: Model, say: Say) -> None:
    sound = say(LAMP)[:-24000] + bytes(2 * 4000) + say(GAS)[8000:]
    said = text_of(transcribe(model, sound, 8000))
    assert "路灯" in said
    assert "金牛区" in said


@pytest.mark.parametrize("kind", ["ringback", "busy tone", "keys", "hum", "white noise", "pink noise"])
@pytest.mark.parametrize("dbfs", [-15, -26, -40])
def test_a_minute_of_tones_or_steady_noise_is_no_words(model: Model, kind: str, dbfs: float) -> None:
    sound = to_pcm(a_law(at_level(NOT_SPEECH[kind](60), dbfs)))
    assert transcribe(model, sound, 8000) == []


@pytest.mark.parametrize("kind", ["street", "hold music"])
def test_a_minute_of_street_or_music_is_no_words(model: Model, kind: str) -> None:
    assert transcribe(model, to_pcm(a_law(at_level(NOT_SPEECH[kind](60), -26))), 8000) == []


@pytest.mark.parametrize("kind", NOT_SPEECH)
def test_speech_over_any_sound_is_heard_as_well_as_without_the_gate(model: Model, say: Say, kind: str) -> None:
    with_gate = without = 0
    for text in (GAS, LAMP, NOISE):
        speech = np.concatenate([silence(5), at_level(from_pcm(say(text)), -26)])
        sound = to_pcm(a_law(speech + at_level(NOT_SPEECH[kind](len(speech) / 8000)[: len(speech)], -41)))
        with_gate += distance(text, text_of(transcribe(model, sound, 8000)))
        without += distance(text, ungated(model, sound))
    assert with_gate <= without + 1


@pytest.fixture(scope="module")
def unbroken(say: Say) -> Samples:
    """A minute of speech without a moment's rest, in a noisy room."""
    spoken = [from_pcm(say(text)) for text in (GAS, LAMP, NOISE)]
    close = np.concatenate([sound[np.convolve(np.abs(sound), np.ones(800) / 800, "same") > 0.01] for sound in spoken])
    minute = np.resize(close, 60 * 8000)
    return minute + at_level(noise(60), -40)


def test_ten_minutes_of_unbroken_speech_come_in_pieces_and_memory_stays_bounded(
    model: Model, unbroken: Samples
) -> None:
    ears, pcm, process = Recogniser(model, 8000), to_pcm(unbroken), psutil.Process()
    ends, after_two = [0.0], 0
    for minute in range(10):
        for at in range(0, len(pcm), 3200):
            ends += [final.end for final in ears.feed(pcm[at : at + 3200])]
        if minute == 1:
            after_two = process.memory_info().rss
    assert max(np.diff([*ends, ears.seconds])) <= LONGEST_SECONDS + 1.0
    assert process.memory_info().rss - after_two < 40 << 20


@pytest.mark.parametrize("rate_hz", [8000, 11025, 12345, 16000, 22050, 44100, 48000])
def test_every_rate_is_heard_with_its_times(model: Model, say: Say, rate_hz: int) -> None:
    sound = soxr.resample(np.frombuffer(bytes(16000 * 4) + say(GAS), "<i2"), 8000, rate_hz)
    (final,) = transcribe(model, sound.tobytes(), rate_hz)
    assert "燃气" in final.text
    assert 4.0 <= final.start <= 4.8


def test_strange_sound_is_taken_and_does_no_harm(model: Model, say: Say) -> None:
    rng = np.random.default_rng(1)
    square = np.repeat(np.resize(np.array([32767, -32768], "<i2"), 400), 40).tobytes()
    for strange in (b"", b"\1", rng.bytes(160_001), square, b"\xff\x7f" * 16000, b"\0\x80" * 16000):
        ears = Recogniser(model, 8000)
        ears.feed(strange)
        if len(strange) % 2:
            ears.feed(b"\0")
        finals = ears.feed(bytes(16000 * 2) + say(LAMP)) + ears.finish()
        assert "路灯" in text_of(finals)
        assert all(0 <= word.start <= word.end <= ears.seconds for final in finals for word in final.words)
