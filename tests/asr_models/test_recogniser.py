"""Sound in, words out, with the embedded model and real (synthetic) speech."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from asr_models import catalogue, recogniser
from asr_models.catalogue import ModelBroken
from asr_models.recogniser import Model, Recogniser, transcribe, transcribe_file
from asr_models.voice import speak
from asr_models.words import Final, from_wire, joined, to_wire

Say = Callable[[str], bytes]

GAS = "金牛区抚琴街道燃气泄漏，味道很大"
LAMP = "武侯区石羊街道路灯坏了"


def text_of(finals: list[Final]) -> str:
    return "".join(final.text for final in finals)


def test_the_embedded_model_hears_the_place_and_the_matter(model: Model, say: Say) -> None:
    (final,) = transcribe(model, say(GAS), 8000)
    assert "金牛区" in final.text
    assert "燃气" in final.text
    assert "金牛区" in [word.text for word in final.words]
    assert final.text == "".join(word.text for word in final.words)
    assert 0 < final.confidence <= 1


def test_times_are_call_times_and_silence_before_speech_is_not_part_of_it(model: Model, say: Say) -> None:
    (final,) = transcribe(model, bytes(16000 * 6) + say(LAMP), 8000, offset_seconds=100.0)
    speech_starts = 100.0 + 6.0 + 0.5
    assert speech_starts - 0.6 <= final.start <= speech_starts + 0.3
    assert final.end <= 100.0 + 6.0 + len(say(LAMP)) / 16000
    starts = [word.start for word in final.words]
    assert starts == sorted(starts)
    assert final.words[0].start == final.start
    assert final.words[-1].end == final.end


def test_every_word_is_where_it_was_said_and_a_pause_belongs_to_none(model: Model) -> None:
    first, pause, second = speak(GAS.split("，")[0]), bytes(16 * 450), speak(LAMP)
    words = [word for final in transcribe(model, first + pause + second, 8000) for word in final.words]
    ends, begins = len(first) / 16000, (len(first) + len(pause)) / 16000
    before = [word for word in words if word.start < ends]
    after = words[len(before) :]
    assert before[-1].text == "泄漏"
    assert before[-1].end <= ends + 0.1
    assert after[0].start == pytest.approx(begins, abs=0.1)
    assert after[-1].end == pytest.approx(begins + len(second) / 16000, abs=0.15)
    for word in words:  # a syllable of the voice takes a fifth of a second or so
        assert 0.08 * len(word.text) <= word.end - word.start <= 0.5 * len(word.text), word


@pytest.mark.parametrize("size", [160, 333, 3200, 10_000_000])
def test_how_the_sound_is_cut_makes_no_difference(model: Model, say: Say, size: int) -> None:
    sound = say(LAMP) + say(GAS)
    ears, finals = Recogniser(model, 8000), []
    for at in range(0, len(sound), size):
        finals += ears.feed(sound[at : at + size])
    finals += ears.finish()
    assert finals == transcribe(model, sound, 8000)
    assert len(finals) == 2
    assert ears.seconds == len(sound) / 16000


def test_partial_words_come_before_the_utterance_ends_and_go_when_it_has(model: Model, say: Say) -> None:
    ears, sound = Recogniser(model, 8000), say(LAMP)
    partials, finals = [], []
    for at in range(0, len(sound), 3200):
        finals += ears.feed(sound[at : at + 3200])
        partials.append(ears.partial())
    assert partials[0] == ""
    assert any("武侯区" in partial for partial in partials)
    assert finals
    assert partials[-1] == ""


def test_heard_until_never_goes_back_nor_beyond_speech_that_is_still_open(model: Model, say: Say) -> None:
    ears, sound = Recogniser(model, 8000, 10.0), say(LAMP) + say(GAS)
    before, finals = 10.0, []
    for at in range(0, len(sound), 800):
        new = ears.feed(sound[at : at + 800])
        ears.partial()
        assert all(final.start >= before for final in new)
        assert ears.heard_until >= before
        assert ears.heard_until <= 10.0 + ears.seconds
        before = ears.heard_until
        finals += new
    finals += ears.finish()
    assert len(finals) == 2
    assert ears.heard_until == round(10.0 + len(sound) / 16000, 3)


def test_silence_and_faint_noise_say_nothing(model: Model) -> None:
    faint = np.random.default_rng(1).normal(0, 30, 8000 * 8).astype("<i2").tobytes()
    assert transcribe(model, bytes(16000 * 8), 8000) == []
    assert transcribe(model, faint, 8000) == []
    assert transcribe(model, b"", 8000) == []
    assert transcribe(model, b"\1", 8000) == []


def test_sound_of_another_rate_is_heard_as_well(model: Model, say: Say, tmp_path: Path) -> None:
    wide = soxr.resample(np.frombuffer(say(GAS), "<i2"), 8000, 16000)
    assert "燃气" in text_of(transcribe(model, wide.tobytes(), 16000))
    stereo = np.stack([np.zeros_like(wide), wide], axis=1)
    soundfile.write(tmp_path / "wide.flac", stereo, 16000)
    assert "燃气" in text_of(list(transcribe_file(tmp_path / "wide.flac", model)))
    assert "燃气" in text_of(list(transcribe_file(tmp_path / "wide.flac", model, channel=1)))
    assert list(transcribe_file(tmp_path / "wide.flac", model, channel=0)) == []


def test_a_model_of_16_khz_hears_the_telephone(say: Say, tmp_path: Path) -> None:
    """Most public models are of 16 kHz, and vosk refuses to turn 8 kHz into that. The embedded one, told to look
    at the same band of 16 kHz sound, stands in for them."""
    shutil.copytree(catalogue.EMBEDDED, tmp_path / "wide")
    conf = tmp_path / "wide/conf/mfcc.conf"
    conf.write_text(conf.read_text().replace("=8000", "=16000").replace("--high-freq=-200", "--high-freq=3800"))
    wide = recogniser.load(tmp_path / "wide")
    assert wide.rate_hz == 16000
    assert "区" in text_of(transcribe(wide, say(GAS), 8000))


@pytest.mark.parametrize(
    "name", ["am/final.mdl", "conf/model.conf", "conf/mfcc.conf", "graph/words.txt", "graph/HCLG.fst"]
)
def test_a_model_without_one_of_its_files_is_refused_by_the_file_s_name(tmp_path: Path, name: str) -> None:
    shutil.copytree(catalogue.EMBEDDED, tmp_path / "m")
    (tmp_path / "m" / name).unlink()
    with pytest.raises(ModelBroken, match="install it anew") as broken:
        recogniser.load(tmp_path / "m")
    assert name in broken.value.missing or name == "am/final.mdl"
    assert name in str(broken.value)


@pytest.mark.parametrize("name", ["am/final.mdl", "graph/HCLG.fst"])
def test_a_model_with_a_spoilt_file_is_refused(tmp_path: Path, name: str) -> None:
    shutil.copytree(catalogue.EMBEDDED, tmp_path / "m")
    (tmp_path / "m" / name).write_bytes(b"not what it should be")
    with pytest.raises(ModelBroken, match="cannot be loaded") as broken:
        recogniser.load(tmp_path / "m")
    assert broken.value.missing == ()


def test_words_are_joined_as_one_writes_them() -> None:
    assert joined(["路灯", "坏", "了"]) == "路灯坏了"
    assert joined(["我", "用", "open", "source", "软件"]) == "我用open source软件"
    assert joined([]) == ""


def test_an_utterance_survives_the_wire(model: Model, say: Say) -> None:
    (final,) = transcribe(model, say(LAMP), 8000)
    assert from_wire(to_wire(final)) == final
