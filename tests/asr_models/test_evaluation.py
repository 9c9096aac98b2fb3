"""How well a model hears: what is compared with what, and folders of recordings good and bad."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from asr_models import evaluation
from asr_models.evaluation import CannotEvaluate, Edits, compare, edits, evaluate, normal, pinyin, spoken
from asr_models.recogniser import Model
from hotline import cli_common, cli_models

Say = Callable[[str], bytes]
Hotline = Callable[..., tuple[int, str, str]]

LAMP = "武侯区石羊街道路灯坏了"
GAS = "金牛区抚琴街道燃气泄漏，味道很大"
CHINESE = st.text(st.sampled_from("路灯坏了金牛区燃气泄漏一二三"), max_size=12)


def recording(folder: Path, name: str, pcm: bytes, said: str | None = None, rate_hz: int = 8000) -> Path:
    """A sound file, and what is said in it beside it."""
    samples = np.frombuffer(pcm, "<i2")
    soundfile.write(folder / name, soxr.resample(samples, 8000, rate_hz), rate_hz)
    if said is not None:
        (folder / name).with_suffix(".txt").write_text(said, encoding="utf-8")
    return folder / name


@pytest.fixture
def hotline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hotline:
    """Gives exit code, what was printed, what was complained of."""
    monkeypatch.setenv("HOTLINE_VAR", str(tmp_path / "var"))
    monkeypatch.delenv("HOTLINE_MODEL", raising=False)
    monkeypatch.setattr(cli_common.logging, "configure", lambda *_args, **_more: None)

    def type_in(*words: object) -> tuple[int, str, str]:
        done = CliRunner().invoke(cli_models.app, ["eval", *map(str, words)])
        return done.exit_code, done.stdout, done.stderr

    return type_in


# -- comparing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "heard", "expected"),
    [
        ("路灯坏了", "路灯坏了", Edits(0, 0, 0, 4)),
        ("路灯坏了", "路等坏了", Edits(1, 0, 0, 4)),
        ("路灯坏了", "路灯都坏了", Edits(0, 1, 0, 4)),
        ("路灯坏了", "路灯", Edits(0, 0, 2, 4)),
        ("路灯坏了", "", Edits(0, 0, 4, 4)),
        ("", "路灯", Edits(0, 2, 0, 0)),
        (["lu", "deng"], ["lu", "de", "deng"], Edits(0, 1, 0, 2)),
    ],
)
def test_the_fewest_changes_are_counted_each_as_what_it_is(said: str, heard: str, expected: Edits) -> None:
    assert edits(said, heard) == expected


@given(CHINESE, CHINESE)
def test_changes_account_for_the_lengths_and_the_other_way_round_what_was_missed_was_made_up(a: str, b: str) -> None:
    there, back = edits(a, b), edits(b, a)
    assert there.length + there.insertions - there.deletions == len(b)
    assert there.errors == back.errors
    assert there.insertions - there.deletions == back.deletions - back.insertions
    assert (there.errors == 0) == (a == b)


def test_rates_are_over_everything_that_was_said() -> None:
    both = edits("路灯坏了", "路灯") + edits("路灯坏了路灯", "路灯坏了路灯")
    assert both.rate == 0.2
    assert edits("路", "路灯坏").rate == 2.0
    assert Edits().rate is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("路灯 坏了，两天！\n", "路灯坏了两天"),
        ("Ｗｉ－Ｆｉ（信号）弱。", "wifi信号弱"),
        ("二〇二六", "二零二六"),
        ("路灯[unk]坏<UNK>了", "路灯坏了"),
        ("……——「」", ""),
    ],
)
def test_only_letters_and_characters_are_compared(text: str, expected: str) -> None:
    assert normal(text) == expected


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("我住3栋2单元504室。", "我住三栋二单元五零四室"),
        ("我住３栋２单元５０４室", "我住三栋二单元五百零四室"),
        ("拨打110，电话13800138000", "拨打幺幺零电话幺三八零零幺三八零零零"),
        ("电话13800138000", "电话一三八零零一三八零零零"),
        ("2026年11月25日", "二零二六年十一月二十五日"),
        ("罚款1,200元", "罚款一千二百元"),
        ("200块，2个", "两百块两个"),
        ("占30%，还有0.5％", "占百分之三十还有百分之零点五"),
        ("长2.5公里", "长两点五公里"),
        ("15:30到16:05", "十五点三十分到十六点零五分"),
        ("8：00到8:30", "八点到八点半"),
        ("邮编007", "邮编零零七"),
    ],
)
def test_figures_in_a_reference_are_read_the_way_the_speaker_did(said: str, heard: str) -> None:
    assert spoken(said, heard) == heard
    assert compare("a.wav", said, heard).characters.errors == 0


def test_figures_that_were_not_heard_are_read_the_likeliest_way() -> None:
    assert spoken("23号院504", "") == "二十三号院五百零四"
    assert compare("a.wav", "23号院", "三十号院").characters == Edits(1, 0, 1, 5)


def test_a_reference_may_have_figures_without_end() -> None:
    assert spoken("5" * 5000, "五") == "五" * 5000


@given(st.text(), st.text())
def test_whatever_stands_in_a_reference_can_be_compared(said: str, heard: str) -> None:
    result = compare("a.wav", said, heard)
    assert result.characters.length == len(result.said)
    assert compare("a.wav", result.said, result.said).characters.errors == 0


def test_a_character_of_the_same_sound_is_an_error_in_characters_and_none_in_pinyin() -> None:
    result = compare("a.wav", "路灯坏了", "路等坏了")
    assert (result.characters.errors, result.syllables.errors) == (1, 0)
    assert pinyin("路灯wifi") == ["lu", "deng", "w", "i", "f", "i"]


# -- hearing -------------------------------------------------------------------------------------------------


def test_a_folder_of_recordings_is_heard_whatever_their_format_rate_and_depth(
    model: Model, say: Say, tmp_path: Path
) -> None:
    (tmp_path / "deeper").mkdir()
    recording(tmp_path, "a.wav", say(LAMP), LAMP)
    recording(tmp_path, "b.flac", say(GAS), GAS, 16000)
    recording(tmp_path, "c.mp3", say(LAMP), LAMP, 44100)
    recording(tmp_path / "deeper", "d.OGG", say(GAS), "\ufeff" + GAS, 48000)
    told: list[tuple[int, int]] = []
    ticks = iter(range(100))
    report = evaluate(model, tmp_path, tell=lambda *done: told.append(done), clock=lambda: float(next(ticks)))
    assert [one.file for one in report.heard] == ["a.wav", "b.flac", "c.mp3", "deeper/d.OGG"]
    assert report.skipped == []
    assert report.characters.length == 2 * len(normal(LAMP)) + 2 * len(normal(GAS))
    assert report.characters.rate is not None
    assert report.characters.rate < 0.5
    assert report.syllables.errors <= report.characters.errors
    assert report.seconds == pytest.approx((2 * len(say(LAMP)) + 2 * len(say(GAS))) / 16000, abs=0.3)
    assert report.real_time_factor == 4 / report.seconds, "a second for each by this clock"
    assert told == [(n, 4) for n in range(5)]


def test_one_channel_alone_can_be_heard(model: Model, say: Say, tmp_path: Path) -> None:
    pcm = np.frombuffer(say(LAMP), "<i2")
    soundfile.write(tmp_path / "a.wav", np.stack([np.zeros_like(pcm), pcm], axis=1), 8000)
    (tmp_path / "a.txt").write_text(LAMP, encoding="utf-8")
    left, right, third = (evaluate(model, tmp_path, channel=channel) for channel in (0, 1, 2))
    assert left.characters == Edits(0, 0, len(LAMP), len(LAMP))
    assert right.characters.deletions < len(LAMP) / 2
    assert third.skipped == [("a.wav", "has 2 channel(s), none numbered 2")]


def test_what_is_heard_over_a_telephone_line_went_through_it(
    model: Model, say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording(tmp_path, "a.wav", say(LAMP), LAMP, 16000)
    through: list[int] = []

    def line(pcm: bytes) -> bytes:
        through.append(len(pcm))
        return bytes(len(pcm))

    assert evaluate(model, tmp_path, telephone=True).characters.errors < len(LAMP) / 2
    monkeypatch.setattr("asr_models.recogniser.through_a_law", line)
    assert evaluate(model, tmp_path, telephone=True).heard[0].heard == ""
    assert sum(through) == pytest.approx(len(say(LAMP)), abs=100), "at 8 kHz"


def test_what_cannot_be_used_is_named_with_its_reason_and_the_rest_is_heard(
    model: Model, say: Say, tmp_path: Path
) -> None:
    recording(tmp_path, "good.wav", say(LAMP), LAMP)
    recording(tmp_path, "no text.wav", say(LAMP))
    recording(tmp_path, "empty text.wav", say(LAMP), " \n")
    recording(tmp_path, "only marks.wav", say(LAMP), "……。")
    recording(tmp_path, "gbk.wav", say(LAMP), "")
    (tmp_path / "gbk.txt").write_bytes(LAMP.encode("gb18030"))
    recording(tmp_path, "short.wav", bytes(100), LAMP)
    for name, content in (("empty.wav", b""), ("noise.flac", b"\1" * 5000), ("film.m4a", b"\0\0\0\x20ftypM4A")):
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).with_suffix(".txt").write_text(LAMP, encoding="utf-8")
    (tmp_path / "alone.txt").write_text(LAMP, encoding="utf-8")
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "good.json").write_text("{}")
    (tmp_path / ".hidden.wav").write_bytes(b"")
    report = evaluate(model, tmp_path)
    assert [one.file for one in report.heard] == ["good.wav"]
    reasons = dict(report.skipped)
    assert reasons.pop("noise.flac").startswith("cannot be read as sound")
    assert reasons.pop("film.m4a").startswith("cannot be read as sound")
    assert reasons == {
        "alone.txt": "has no sound file beside it",
        "no text.wav": "has no no text.txt beside it",
        "empty text.wav": "empty text.txt has no words in it",
        "only marks.wav": "only marks.txt has no words in it",
        "gbk.wav": "gbk.txt is not written in UTF-8",
        "short.wav": "is too short: 0.006 s of sound",
        "empty.wav": "is empty (0 bytes)",
    }


def test_silence_misses_every_word_and_makes_none_up(model: Model, tmp_path: Path) -> None:
    recording(tmp_path, "a.wav", bytes(32000), LAMP)
    report = evaluate(model, tmp_path)
    assert report.characters == Edits(0, 0, len(LAMP), len(LAMP))
    assert report.as_dict(5)["worst"] == [{"file": "a.wav", "cer": 1.0, "reference": LAMP, "hypothesis": ""}]


def test_a_folder_without_recordings_is_refused(model: Model, tmp_path: Path) -> None:
    (tmp_path / "README.txt").write_text("nothing here", encoding="utf-8")
    for folder, reason in ((tmp_path, "no sound file"), (tmp_path / "x", "no such folder"),
                           (tmp_path / "README.txt", "is no folder")):  # fmt: skip
        with pytest.raises(CannotEvaluate, match=reason):
            evaluate(model, folder)


def test_the_worst_come_first_and_those_without_error_not_at_all() -> None:
    report = evaluation.Report()
    for file, said, heard in (("right", "路灯", "路灯"), ("half", "路灯", "路等"), ("none", "路灯", ""),
                              ("long", "路灯路灯", "")):  # fmt: skip
        report.heard.append(compare(file, said, heard))
    assert [one.file for one in report.worst(9)] == ["long", "none", "half"]
    assert [one.file for one in report.worst(1)] == ["long"]


# -- as an operator types it ---------------------------------------------------------------------------------


def test_the_command_prints_json_alone_and_how_far_it_is_elsewhere(hotline: Hotline, say: Say, tmp_path: Path) -> None:
    folder = tmp_path / "sounds"
    folder.mkdir()
    recording(folder, "a.wav", say(LAMP), LAMP)
    recording(folder, "b.wav", say(GAS))
    code, said, complained = hotline(folder, "--json", "--telephone")
    assert code == 0
    report = json.loads(said)
    assert {"files", "seconds", "characters", "cer", "pinyin_er", "rtf", "worst", "skipped"} <= set(report)
    assert (report["files"], report["characters"]) == (1, len(LAMP))
    assert 0 <= report["cer"] < 0.5
    assert report["rtf"] > 0
    assert report["skipped"] == [{"file": "b.wav", "reason": "has no b.txt beside it"}]
    assert "2 of 2" in complained


def test_the_command_tells_people_what_was_said_and_what_was_heard(hotline: Hotline, tmp_path: Path) -> None:
    folder = tmp_path / "sounds"
    folder.mkdir()
    for name in ("a.wav", "b.wav"):
        recording(folder, name, bytes(16000), LAMP)
    code, said, _ = hotline(folder, "--model", "embedded", "--limit", 1)
    assert code == 0
    assert "100.00 %  a.wav" in said
    assert f"said  {LAMP}" in said
    assert "b.wav" not in said


@pytest.mark.parametrize("json_only", [(), ("--json",)])
def test_nothing_that_could_be_heard_is_a_failure_that_names_each_file(
    hotline: Hotline, tmp_path: Path, json_only: tuple[str, ...]
) -> None:
    folder = tmp_path / "sounds"
    folder.mkdir()
    (folder / "a.wav").write_bytes(b"")
    (folder / "a.txt").write_text(LAMP, encoding="utf-8")
    code, said, complained = hotline(folder, *json_only)
    assert code == 1
    assert "is empty (0 bytes)" in said
    assert "no file in it could be used" in complained
    if json_only:
        report = json.loads(said)
        assert (report["files"], report["cer"], report["pinyin_er"], report["rtf"]) == (0, None, None, None)


@pytest.mark.parametrize(
    ("options", "reason"),
    [((), "no such folder"), (("--model", "/nowhere/at/all"), "no such folder")],
)
def test_a_folder_that_is_not_there_is_an_error_of_one_line(
    hotline: Hotline, tmp_path: Path, options: tuple[str, ...], reason: str
) -> None:
    code, said, complained = hotline(tmp_path / "nowhere", "--json", *options)
    assert (code, said) == (1, "")
    assert reason in complained
    assert complained.count("\n") == 1


def test_a_model_that_is_not_there_is_an_error_of_one_line(hotline: Hotline, tmp_path: Path) -> None:
    recording(tmp_path, "a.wav", bytes(16000), LAMP)
    code, said, complained = hotline(tmp_path, "--model", tmp_path / "nowhere")
    assert (code, said) == (1, "")
    assert "is not there" in complained
