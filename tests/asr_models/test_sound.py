"""Sound files of all kinds, and files that are none."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from asr_models.sound import SoundUnreadable, channels, read_pcm, through_a_law
from hotline import cli_books, cli_common


def tone(rate_hz: int, seconds: float) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(rate_hz * seconds)) / rate_hz)


@pytest.mark.parametrize(("rate_hz", "name"), [(8000, "a.wav"), (16000, "a.flac"), (44100, "a.ogg"), (48000, "a.wav")])
def test_any_rate_becomes_the_telephone_s(tmp_path: Path, rate_hz: int, name: str) -> None:
    soundfile.write(tmp_path / name, tone(rate_hz, 20.0), rate_hz)
    sound = np.frombuffer(read_pcm(tmp_path / name), "<i2") / 32768
    assert abs(len(sound) - 160_000) <= 2
    middle = slice(8000, 152_000)
    assert np.abs(sound[middle] - tone(8000, 20.0)[middle]).max() < 0.05


def test_one_channel_can_be_chosen_or_all_mixed(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([tone(8000, 1), np.zeros(8000)], axis=1), 8000)
    left, right, mixed = (np.frombuffer(read_pcm(tmp_path / "a.wav", channel=c), "<i2") for c in (0, 1, None))
    assert not right.any()
    assert np.abs(left - 2.0 * mixed).max() <= 2
    with pytest.raises(SoundUnreadable, match="none numbered 2"):
        read_pcm(tmp_path / "a.wav", channel=2)


def test_what_is_beyond_full_scale_is_clipped_and_what_is_no_number_is_silence(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.array([2.0, -2.0, np.nan, np.inf] * 800), 8000, subtype="FLOAT")
    sound = np.frombuffer(read_pcm(tmp_path / "a.wav"), "<i2")
    assert sound[:4].tolist() == [32767, -32768, 0, 0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "is empty"), (b"\0" * 5000, "cannot be read as sound"), (None, "there is no sound file")],
)
def test_a_file_without_sound_is_refused_with_its_reason(tmp_path: Path, content: bytes | None, reason: str) -> None:
    if content is not None:
        (tmp_path / "a.wav").write_bytes(content)
    for read in (read_pcm, channels):
        with pytest.raises(SoundUnreadable, match=reason):
            read(tmp_path / "a.wav")


@pytest.mark.parametrize("content", [b"", b"\0" * 5000, None, "short"])
def test_hotline_transcribe_names_a_file_without_sound_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | str | None
) -> None:
    monkeypatch.setenv("HOTLINE_VAR", str(tmp_path))
    monkeypatch.setattr(cli_common.logging, "configure", lambda *_args, **_more: None)
    path = tmp_path / "a.wav"
    if content == "short":
        soundfile.write(path, np.zeros(160), 16000)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    done = CliRunner().invoke(cli_books.app, ["transcribe", str(path)])
    assert done.exit_code == 2
    assert done.stderr.count(str(path)) == 1


def test_a_sound_too_short_to_hold_a_word_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(160), 16000)
    with pytest.raises(SoundUnreadable, match=r"too short: 0\.010 s"):
        read_pcm(tmp_path / "a.wav")


def test_a_telephone_line_keeps_the_sound_and_adds_the_noise_of_its_eight_bits() -> None:
    every = np.arange(-32768, 32768)
    arrived = np.frombuffer(through_a_law(every.astype("<i2").tobytes()), "<i2").astype(int)
    assert len(np.unique(arrived)) == 256
    assert (np.diff(arrived) >= 0).all()
    assert np.abs(arrived - every).max() == 512
    assert np.abs(arrived - every)[np.abs(every) < 512].max() == 8
    # G.711 table 1a: the first and the last of the values that a decoder gives
    assert arrived[[0, 32767, 32768, 65535]].tolist() == [-32256, -8, 8, 32256]
    assert through_a_law(b"") == b""
