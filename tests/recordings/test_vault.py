"""Where tapes lie, and how an orphan becomes a file that every player opens."""

import hashlib
import stat
import wave
from datetime import UTC, datetime
from pathlib import Path

import pytest
import soundfile

from recordings import vault, wav
from recordings.reel import Reel
from recordings.vault import LEFT, RIGHT, OpenTape

EVENING = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)  # already the 23rd in Shanghai


def test_a_tape_lies_under_the_day_in_shanghai(tmp_path: Path) -> None:
    assert vault.tape_path(tmp_path, "c1-0007", EVENING) == tmp_path / "2026/11/23/c1-0007.wav"


@pytest.mark.parametrize("call_id", ["", "../a", "a/b", "/etc/passwd", ".hidden", "..", "a\0", "a\n", "路", "x" * 101])
def test_a_call_id_cannot_lead_out_of_the_vault(tmp_path: Path, call_id: str) -> None:
    with pytest.raises(ValueError, match="not a call id"):
        vault.tape_path(tmp_path, call_id, EVENING)
    with pytest.raises(ValueError, match="not a call id"):
        vault.mark_open(tmp_path, OpenTape(call_id, "a.wav", EVENING))


def test_a_start_without_a_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="time zone"):
        vault.tape_path(tmp_path, "a", EVENING.replace(tzinfo=None))


def test_an_open_tape_is_remembered_until_it_is_unmarked(tmp_path: Path) -> None:
    first = OpenTape("b", "2026/11/23/b.wav", EVENING, {"leg": "caller", "号码": ["12345"]})
    second = OpenTape("a", "2026/11/23/a.wav", EVENING.replace(second=1))
    vault.mark_open(tmp_path, second)
    vault.mark_open(tmp_path, first)

    assert vault.open_tapes(tmp_path) == [first, second]
    assert stat.S_IMODE((tmp_path / ".open/b.json").stat().st_mode) == 0o600
    vault.unmark(tmp_path, "b")
    vault.unmark(tmp_path, "b")
    assert vault.open_tapes(tmp_path) == [second]


@pytest.mark.parametrize("path", ["../a.wav", "/a.wav", ""])
def test_a_marker_cannot_name_a_file_outside_the_vault(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="not a path inside"):
        vault.mark_open(tmp_path, OpenTape("a", path, EVENING))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"call_id": "a"}', "\0"])
def test_one_spoilt_marker_does_not_hide_the_others(tmp_path: Path, text: str) -> None:
    good = OpenTape("good", "good.wav", EVENING)
    vault.mark_open(tmp_path, good)
    (tmp_path / ".open/bad.json").write_text(text)
    assert vault.open_tapes(tmp_path) == [good]


def test_a_vault_that_does_not_exist_has_no_open_tapes(tmp_path: Path) -> None:
    assert vault.open_tapes(tmp_path / "none") == []


def frames(count: int) -> bytes:
    return b"".join(n.to_bytes(2, "little") + (1000 + n).to_bytes(2, "little") for n in range(count))


def strictly_read(path: Path) -> bytes:
    with wave.open(str(path)) as file:
        return file.readframes(file.getnframes())


@pytest.mark.parametrize("stated", [0, 100, 9999])
@pytest.mark.parametrize("torn", [b"", b"\1", b"\1\2\3"])
def test_an_orphan_is_made_whole_whatever_its_header_says(tmp_path: Path, stated: int, torn: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav.header(16000, stated) + frames(500) + torn)

    mended = vault.repair(path)

    assert (mended.samples, mended.seconds, mended.lost_samples) == (500, 500 / 16000, 0)
    assert mended.sha256 == hashlib.sha256(frames(500)).hexdigest() == vault.pcm_sha256(path)
    assert strictly_read(path) == frames(500)
    once = path.read_bytes()
    assert vault.repair(path) == mended
    assert path.read_bytes() == once


@pytest.mark.parametrize("content", [b"", b"RIFF", wav.header(8000, 0), wav.header(8000, 7), bytes(44)])
def test_a_tape_without_sound_becomes_an_empty_wav(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    assert vault.repair(path).samples == 0
    assert strictly_read(path) == b""
    assert vault.repair(path).sha256 == hashlib.sha256(b"").hexdigest()


def test_a_header_that_never_reached_the_disk_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(bytes(44) + frames(300))
    assert vault.repair(path).samples == 300
    assert strictly_read(path) == frames(300)


def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, [0.0] * 800, 8000, subtype="PCM_16")  # one channel: not ours
    before = path.read_bytes()
    with pytest.raises(wav.NotATape):
        vault.repair(path)
    assert path.read_bytes() == before


def test_a_running_tape_is_not_mended_but_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    reel = Reel(path, 8000)
    reel.state_length()
    reel.append(frames(400))
    with pytest.raises(vault.TapeStillRuns):
        vault.repair(path)
    assert vault.read_span(path, RIGHT, 0, 1) == b"".join((1000 + n).to_bytes(2, "little") for n in range(400))
    reel.end(400)
    assert vault.repair(path).samples == 400


def test_a_span_is_cut_at_the_ends_of_the_tape(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav.header(8000, 0) + frames(8000))
    left = frames(8000)
    assert vault.read_span(path, LEFT, 0.5, 0.5 + 2 / 8000) == left[16000:16002] + left[16004:16006]
    assert len(vault.read_span(path, RIGHT, -3, 99)) == 16000
    assert vault.read_span(path, LEFT, 5, 6) == b""
    assert vault.read_span(path, LEFT, 0.5, 0.2) == b""
    with pytest.raises(ValueError, match="no channel"):
        vault.read_span(path, 2, 0, 1)
