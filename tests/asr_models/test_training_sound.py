"""What the network is shown: features as Kaldi makes them, a telephone's line, takes, and synthetic speakers."""

from __future__ import annotations

import doctest
import sys
from pathlib import Path

import kaldi_native_fbank as knf
import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from asr_models.sound import through_a_law
from asr_models.training import features, measure, speech, synthetic, telephone
from asr_models.training.speech import RATE_HZ, Sound, Utterance
from asr_models.training.synthetic import PAUSE, UNHEARD, VOICES, Order, SpeakersFailed
from asr_models.training.takes import OUTPUTS, Source, Takes, hurried
from asr_models.training.telephone import Telephone
from asr_models.vocabulary import phones

SYLLABLES = ["lu4", "deng1", PAUSE, "huai4", "le5"]


def tone(hz: float, seconds: float, loudness: float = 0.3) -> Sound:
    return (loudness * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)).astype(np.float32)


def noise(seconds: float, loudness: float = 0.1, seed: int = 1) -> Sound:
    return (loudness * np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ))).astype(np.float32)


def loudness(sound: npt.NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(sound**2)))


@pytest.fixture(scope="module")
def line() -> Telephone:
    return Telephone(np.random.default_rng(1), [noise(2.0, seed=seed) for seed in range(4)])


# -- features ------------------------------------------------------------------------------------------------


def _kaldi(sound: Sound) -> npt.NDArray[np.float32]:
    """What Kaldi computes with the values that Vosk is given."""
    values = dict(line.removeprefix("--").split("=") for line in features.CONF.splitlines())
    options = knf.MfccOptions()
    options.use_energy = values.pop("use-energy") == "true"
    options.num_ceps = int(values.pop("num-ceps"))
    options.mel_opts.num_bins = int(values.pop("num-mel-bins"))
    options.mel_opts.low_freq = float(values.pop("low-freq"))
    options.mel_opts.high_freq = float(values.pop("high-freq"))
    options.frame_opts.samp_freq = float(values.pop("sample-frequency"))
    options.frame_opts.dither = float(values.pop("dither"))
    assert not values
    kaldi = knf.OnlineMfcc(options)
    kaldi.accept_waveform(RATE_HZ, (sound * 32768).tolist())
    kaldi.input_finished()
    return np.stack([kaldi.get_frame(number) for number in range(kaldi.num_frames_ready)])


@pytest.mark.parametrize("sound", [noise(1.3), tone(440, 0.5) + noise(0.5, 0.001), noise(0.04, 0.5)])
def test_features_are_those_that_vosk_will_compute(sound: Sound) -> None:
    kaldi, ours = _kaldi(sound), features.mfcc(sound)
    assert ours.shape == kaldi.shape
    assert np.abs(ours - kaldi).max() < 1e-2


def _heard_hz(sound: Sound, stretch: float) -> float:
    """Where an ear so stretched hears the loudest band."""
    ceps = features.mfcc(sound, stretch).mean(axis=0)
    band = np.linalg.solve(features._cosines().T.astype(np.float64), ceps).argmax()
    low, high = features._mel(features.LOW_HZ), features._mel(features.HIGH_HZ)
    return float(700 * (np.exp((low + (band + 1) * (high - low) / (features.MELS + 1)) / 1127) - 1))


@pytest.mark.parametrize("hz", [600, 1000, 1500, 2200])
def test_a_stretched_ear_hears_formants_higher_by_as_much(hz: float) -> None:
    sound = tone(hz, 0.5) + noise(0.5, 1e-4)
    for stretch in (1.0, 1.15, 0.87):
        assert _heard_hz(sound, stretch) == pytest.approx(stretch * hz, rel=0.04, abs=45)  # as wide as a band


def test_masked_bands_say_nothing_and_the_others_what_they_said() -> None:
    sound = noise(1.0)
    back = np.linalg.inv(features._cosines().astype(np.float64))
    whole, masked = features.mfcc(sound) @ back, features.mfcc(sound, masked=(10, 14)) @ back
    assert np.ptp(masked[:, 10:14], axis=0).max() < 1e-3
    assert np.abs(np.delete(whole - masked, range(10, 14), axis=1)).max() < 1e-3


# -- the line ------------------------------------------------------------------------------------------------


def test_what_the_docstring_says_is_so() -> None:
    assert doctest.testmod(telephone).attempted > 0
    assert doctest.testmod(telephone).failed == 0


def test_the_line_has_the_a_law_of_the_house() -> None:
    every = np.arange(-32768, 32768).astype("<i2")
    arrived = telephone.a_law((every / 32768).astype(np.float32)) * 32768
    assert np.array_equal(arrived, np.frombuffer(through_a_law(every.tobytes()), "<i2"))
    assert np.abs(telephone.a_law(np.array([2.0, -2.0], np.float32))).max() < 1


def test_a_line_keeps_the_length_stays_in_range_and_is_the_same_for_the_same_seed(line: Telephone) -> None:
    sound = tone(300, 2.0) * np.repeat([1, 0, 1, 0], RATE_HZ // 2).astype(np.float32)
    for seed in range(40):
        arrived = line.line(sound, np.random.default_rng(seed))
        assert arrived.shape == sound.shape
        assert arrived.dtype == np.float32
        assert np.isfinite(arrived).all()
        assert np.abs(arrived).max() <= 1
        assert np.array_equal(arrived, line.line(sound, np.random.default_rng(seed)))
    assert not np.array_equal(arrived, line.line(sound, np.random.default_rng(0)))


def test_even_silence_comes_out_of_a_line(line: Telephone) -> None:
    for seed in range(20):
        assert np.isfinite(line.line(np.zeros(4000, np.float32), np.random.default_rng(seed))).all()


def test_the_same_exchange_is_built_from_the_same_seed() -> None:
    voices = [noise(1.0)]
    first, second = (Telephone(np.random.default_rng(5), voices) for _ in range(2))
    sound = tone(300, 1.0)
    assert np.array_equal(
        first.line(sound, np.random.default_rng(2), clean=0.0), second.line(sound, np.random.default_rng(2), clean=0.0)
    )


def test_a_clean_line_adds_only_what_eight_bits_add(line: Telephone) -> None:
    sound = tone(300, 1.0)
    arrived = line.line(sound, np.random.default_rng(1), clean=1.0)
    scaled = sound * np.float32(np.dot(sound, arrived) / np.dot(sound, sound))
    assert 20 * np.log10(loudness(scaled) / loudness(arrived - scaled)) > 25


def test_a_line_without_a_speaker_is_as_long_as_it_should_be_and_often_nearly_silent(line: Telephone) -> None:
    levels = []
    for seed in range(40):
        sound = line.noise(12_345, np.random.default_rng(seed))
        assert (sound.shape, sound.dtype) == ((12_345,), np.float32)
        assert np.isfinite(sound).all()
        levels.append(loudness(sound))
    assert min(levels) < 0.005
    assert max(levels) > 0.05
    longer_than_its_bed = 2 * telephone.BED_SECONDS * RATE_HZ
    assert len(line.noise(longer_than_its_bed, np.random.default_rng(1))) == longer_than_its_bed


def test_a_lost_packet_is_twenty_milliseconds_of_silence_or_the_one_before_once_more() -> None:
    sound = np.arange(1, 2 * RATE_HZ + 51, dtype=np.float32)  # no packet is like another
    kinds = set()
    for seed in range(30):
        arrived = telephone._lossy(sound, np.random.default_rng(seed))
        assert np.array_equal(arrived[-50:], sound[-50:])
        for start in range(0, 2 * RATE_HZ, 160):
            packet, before = arrived[start : start + 160], arrived[max(start - 160, 0) : start]
            if not np.array_equal(packet, sound[start : start + 160]):
                kinds.add("silence" if not packet.any() else "again")
                assert not packet.any() or np.array_equal(packet, before)
    assert kinds == {"silence", "again"}
    assert sound[0] == 1  # what was given stays as it was


# -- speech --------------------------------------------------------------------------------------------------


def test_speech_is_loaded_as_it_was_saved_from_several_files(tmp_path: Path) -> None:
    spans = np.array([[3, 0.1, 0.2], [4, 0.2, 0.35]], np.float32)
    some = [Utterance(speech.to_pcm(tone(300, 0.4)), spans, "路灯", "f1")]
    more = [Utterance(speech.to_pcm(noise(0.1)), spans[:0]), Utterance(np.zeros(0, np.int16), spans[:1], "空", "f3")]
    speech.save(tmp_path / "a.npz", some)
    speech.save(tmp_path / "b.npz", more)
    speech.save(tmp_path / "none.npz", [])
    for got, kept in zip(
        speech.load([tmp_path / "a.npz", tmp_path / "none.npz", tmp_path / "b.npz"]), [*some, *more], strict=True
    ):
        assert np.array_equal(got.pcm, kept.pcm)
        assert np.array_equal(got.spans, kept.spans)
        assert (got.text, got.speaker) == (kept.text, kept.speaker)
    assert some[0].seconds == 0.4
    assert {path.name for path in tmp_path.iterdir()} == {"a.npz", "b.npz", "none.npz"}


def test_speech_is_kept_at_half_scale_and_silence_stays_silent() -> None:
    assert np.abs(speech.to_pcm(tone(300, 1.0, loudness=0.01))).max() == pytest.approx(16384, abs=2)
    assert not speech.to_pcm(np.zeros(100, np.float32)).any()
    assert len(speech.to_pcm(np.zeros(0, np.float32))) == 0


def test_the_label_of_an_output_is_what_sounds_in_its_middle_and_silence_between() -> None:
    spans = np.array([[7, 0.03, 0.06], [9, 0.06, 0.1], [5, 0.2, 9.0]], np.float32)
    # middles at 0.0125, 0.0425, 0.0725, 0.1025, 0.1325, 0.1625, 0.1925, 0.2225 s
    assert speech.labels(spans, 8).tolist() == [0, 7, 9, 0, 0, 0, 0, 5]
    assert speech.labels(spans[:0], 3).tolist() == [0, 0, 0]


# -- takes ---------------------------------------------------------------------------------------------------


def _speaker(pdf: int) -> Utterance:
    """Half a second of silence, 0.6 s of a loud unit, half a second of silence."""
    sound = np.concatenate([np.zeros(4000, np.float32), tone(500, 0.6), np.zeros(4000, np.float32)])
    return Utterance(speech.to_pcm(sound), np.array([[pdf, 0.5, 1.1]], np.float32))


def _takes(line: Telephone, **how: object) -> Takes:
    given: dict[str, object] = {"share": 1.0, "pitch": (1.0, 1.0), "formants": (1.0, 1.0)} | how
    return Takes([Source([_speaker(3), _speaker(4)], **given)], line, context=15, seed=1, quiet=0.0)  # type: ignore[arg-type]


def test_a_take_is_the_same_each_time_and_no_two_are_alike(line: Telephone) -> None:
    how = {"pitch": (0.8, 1.2), "formants": (0.9, 1.1), "tempo": (0.9, 1.4)}
    some, again = _takes(line, **how), _takes(line, **how)
    for number in (0, 1, 10**9):
        inputs, labels = some[number]
        assert inputs.shape == (features.MELS, 3 * (OUTPUTS - 1) + 1 + 30)
        assert inputs.dtype == np.float32
        assert labels.shape == (OUTPUTS,)
        assert np.array_equal(inputs, again[number][0])
        assert np.array_equal(labels, again[number][1])
    assert not np.array_equal(some[0][0], some[1][0])


class Wire(Telephone):
    """A line that changes nothing, and has nothing on it."""

    def __init__(self) -> None:
        pass

    def line(self, sound: Sound, generator: np.random.Generator, **_how: object) -> Sound:
        return sound

    def noise(self, samples: int, generator: np.random.Generator) -> Sound:
        return np.zeros(samples, np.float32)


@pytest.mark.parametrize("how", [{}, {"pitch": (0.8, 0.8)}, {"pitch": (1.25, 1.25)}, {"tempo": (1.5, 1.5)}])
def test_labels_lie_where_the_sound_is(how: dict[str, object]) -> None:
    some = _takes(Wire(), **how)
    for number in range(10):
        inputs, labels = some[number]
        energy = inputs[0, some.context : -some.context : 3] if some.context else inputs[0]
        loud = energy > (energy.min() + energy.max()) / 2
        assert 0.1 < np.mean(labels > 0) < 0.9
        # Edges are as wide as a frame, and a hurried piece overlaps the next.
        assert np.mean(loud == (labels > 0)) > 0.95
        assert set(labels.tolist()) <= {0, 3, 4}


def test_a_line_on_which_nobody_speaks_is_silence_all_through(line: Telephone) -> None:
    quiet = Takes([Source([_speaker(3)], 1.0, (1.0, 1.0), (1.0, 1.0))], line, context=15, seed=1, quiet=1.0)
    assert not any(quiet[number][1].any() for number in range(5))


def test_sources_have_their_shares(line: Telephone) -> None:
    both = [Source([_speaker(pdf)], share, (1.0, 1.0), (1.0, 1.0)) for pdf, share in ((3, 3.0), (4, 1.0))]
    some = Takes(both, Wire(), context=15, seed=1, quiet=0.0)
    of_the_first = sum(3 in some[number][1] for number in range(200))
    assert 120 < of_the_first < 180


@pytest.mark.parametrize("tempo", [0.8, 1.3, 1.9])
def test_hurried_speech_keeps_its_pitch_and_changes_its_length(tempo: float) -> None:
    sound = sum((tone(150 * k, 2.0, 0.2 / k) for k in (1, 2, 3)), np.zeros(2 * RATE_HZ, np.float32))
    fast = hurried(sound, tempo)
    assert len(fast) == pytest.approx(len(sound) / tempo, rel=0.03)
    middle = fast[1000:-1000]
    peak = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))).argmax() * RATE_HZ / len(middle)
    assert peak == pytest.approx(150, abs=3)
    assert loudness(middle) == pytest.approx(loudness(sound), rel=0.15)


def test_a_sound_too_short_to_hurry_stays_as_it_is() -> None:
    assert np.array_equal(hurried(noise(0.05), 1.5), noise(0.05))


# -- synthetic speakers --------------------------------------------------------------------------------------


def order(text: str, voice: str = "f4", said: list[str] = SYLLABLES) -> Order:
    return Order(text, said, said, voice, 170, 50, 50)


def test_a_speaker_tells_where_each_unit_of_what_he_says_lies(tmp_path: Path) -> None:
    synthetic.speak([order("路灯，坏了"), order("快", "m3", ["kuai4"])], tmp_path / "said.npz")
    lamp, quick = speech.load([tmp_path / "said.npz"])
    assert (lamp.text, lamp.speaker, quick.text, quick.speaker) == ("路灯，坏了", "f4", "快", "m3")
    for one, syllables in ((lamp, SYLLABLES), (quick, ["kuai4"])):
        units = phones.word_phones([syllable for syllable in syllables if syllable != PAUSE])
        states = [phones.pdfs()[unit, state] for unit in units for state in range(phones.states(unit))]
        assert one.spans[:, 0].tolist() == states
        assert (one.spans[:, 2] > one.spans[:, 1]).all()
        assert (one.spans[1:, 1] >= one.spans[:-1, 2] - 1e-6).all()
        assert one.spans[0, 1] >= 0
        assert one.spans[-1, 2] <= one.seconds + 1e-3
    # The vowel of 坏 is louder than the pause before it.
    pause, vowel = (lamp.spans[5, 2], lamp.spans[6, 1]), (lamp.spans[7, 1], lamp.spans[8, 2])
    quiet, loud = (lamp.sound[int(a * RATE_HZ) : int(b * RATE_HZ)] for a, b in (pause, vowel))
    assert len(quiet) > 500
    assert loudness(loud) > 10 * loudness(quiet)
    assert not list(tmp_path.glob("*.json"))


def test_what_is_meant_is_learnt_whatever_accent_it_is_said_with(tmp_path: Path) -> None:
    synthetic.speak([Order("生", ["sen1"], ["sheng1"], "f4", 170, 50, 50)], tmp_path / "said.npz")
    (one,) = speech.load([tmp_path / "said.npz"])
    assert one.spans[:, 0].tolist() == [phones.pdfs()["sh", 0], *(phones.pdfs()["eng1", half] for half in (0, 1))]


def test_syllables_that_the_speaker_says_otherwise_are_left_out(tmp_path: Path) -> None:
    twice = Order("路灯", ["lu4", "deng1"], ["lu4"], "f4", 170, 50, 50)
    synthetic.speak([twice, order("快", said=["kuai4"])], tmp_path / "said.npz", most_lost=0.5)
    assert [one.text for one in speech.load([tmp_path / "said.npz"])] == ["快"]


@pytest.mark.parametrize("texts", [["a", "b", "CRASH", "d", "e"], ["CRASH"], ["CRASH", "b"]])
def test_a_crash_of_espeak_loses_only_what_it_crashed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, texts: list[str]
) -> None:
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\ngrep -q CRASH "$3" && kill -SEGV $$\nexec {sys.executable} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setattr(synthetic.sys, "executable", str(script))
    (tmp_path / "w").mkdir()
    synthetic.speak([order(text, said=["kuai4"]) for text in texts], tmp_path / "w/said.npz", most_lost=1.0)
    assert [one.text for one in speech.load([tmp_path / "w/said.npz"])] == [text for text in texts if text != "CRASH"]
    assert [path.name for path in (tmp_path / "w").iterdir()] == ["said.npz"]


def test_speakers_that_cannot_start_are_no_crash_and_say_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho there is no libespeak >&2\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setattr(synthetic.sys, "executable", str(script))
    with pytest.raises(SpeakersFailed, match="there is no libespeak"):
        synthetic.speak([order("快", said=["kuai4"])], tmp_path / "said.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["python"]


def test_a_file_that_lacks_much_of_what_was_ordered_is_not_left(tmp_path: Path) -> None:
    twice = Order("路灯", ["lu4", "deng1"], ["lu4"], "f4", 170, 50, 50)
    with pytest.raises(SpeakersFailed, match=r"spoke 1 of 2 utterances of said\.npz"):
        synthetic.speak([twice, order("快", said=["kuai4"])], tmp_path / "said.npz")
    assert not list(tmp_path.iterdir())


def test_no_voice_that_measures_is_trained_on() -> None:
    assert set(VOICES) & set(UNHEARD) == set()
    assert len(set(VOICES)) == len(VOICES)


# -- what is measured ----------------------------------------------------------------------------------------


def test_the_sets_to_measure_on_are_made_without_the_recordings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "SENTENCES", 2)
    (tmp_path / "written.txt").write_text("# by hand\n路灯坏了。\n什么时候来水？\n", encoding="utf-8")
    older = tmp_path / "sets/written-clean/0117.wav"
    older.parent.mkdir(parents=True)
    older.touch()
    measure.make(tmp_path / "sets", written=tmp_path / "written.txt", recordings=None)
    folders = {path.name for path in (tmp_path / "sets").iterdir()}
    assert folders == {"hotline-clean", "hotline-noisy", "written-clean", "written-noisy"}
    for kind in ("clean", "noisy"):
        folder = tmp_path / f"sets/written-{kind}"
        said = [(folder / f"{number:04d}.txt").read_text(encoding="utf-8") for number in range(2)]
        assert said == ["路灯坏了。\n", "什么时候来水？\n"]
        assert sorted(path.suffix for path in folder.iterdir()) == [".txt", ".txt", ".wav", ".wav"]
    clean, rate_hz = soundfile.read(tmp_path / "sets/written-clean/0000.wav")
    noisy, _ = soundfile.read(tmp_path / "sets/written-noisy/0000.wav")
    assert rate_hz == RATE_HZ
    assert len(clean) == len(noisy) > RATE_HZ
    air = slice(0, int(0.3 * RATE_HZ))
    assert np.abs(clean[air]).max() <= 8 / 32768  # the least that A-law knows
    assert loudness(noisy - clean) > 0.01
