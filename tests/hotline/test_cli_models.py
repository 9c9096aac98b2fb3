"""`hotline models …` as an operator types it, against a publisher on loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from model_publisher import NAME, Publisher, archive
from typer.testing import CliRunner

from asr_models import catalogue, downloading, shelf
from hotline import cli_common, cli_models
from hotline.cli_meter import Meter

REPOSITORY = Path(__file__).parents[2]
Hotline = Callable[..., tuple[int, str, str]]


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher().serving() as serving:
        serving.offers(NAME, archive())
        serving.offers("vosk-model-small-en-us-0.15", b"x", lang="en-us")
        serving.offers("vosk-model-cn-0.1", b"x", obsolete="true")
        yield serving


@pytest.fixture
def hotline(tmp_path: Path, publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> Hotline:
    """Gives exit code, what was printed, what was complained of."""
    monkeypatch.setenv("HOTLINE_VAR", str(tmp_path))
    monkeypatch.setenv("HOTLINE_MODEL_LIST", publisher.list)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(cli_common.logging, "configure", lambda *_args, **_more: None)
    monkeypatch.setattr(downloading.time, "sleep", lambda _seconds: None)

    def type_in(*words: str, answer: str = "") -> tuple[int, str, str]:
        done = CliRunner().invoke(cli_models.app, list(words), input=answer)
        return done.exit_code, done.stdout, done.stderr

    return type_in


def listed(hotline: Hotline) -> dict[str, tuple[str, bool]]:
    code, said, _ = hotline("list", "--json")
    assert code == 0
    return {row["name"]: (row["state"], row["in_use"]) for row in json.loads(said)["models"]}


# -- list ----------------------------------------------------------------------------------------------------


def test_the_list_has_the_embedded_model_and_the_publisher_s_chinese_ones(hotline):
    assert listed(hotline) == {"embedded": ("embedded", True), NAME: ("offered", False)}
    code, said, complained = hotline("list")
    assert (code, complained) == (0, "")
    embedded, offered, legend = said.splitlines()
    assert embedded.split() == ["*", "embedded", "15", "MB", "CC", "BY-SA", "embedded"]
    assert offered.split() == [NAME, f"{len(archive()) / 1e6:.0f}", "MB", "Apache", "2.0", "offered"]
    assert legend == "* in use"


def test_without_the_publisher_it_says_so_and_shows_what_is_known_and_what_is_here(hotline, monkeypatch, tmp_path):
    shutil.copytree(catalogue.EMBEDDED, tmp_path / "models/city")
    for address, why in (("http://127.0.0.1:9/list", "cannot be read"), ("", "no list of models is set")):
        monkeypatch.setenv("HOTLINE_MODEL_LIST", address)
        code, said, complained = hotline("list")
        assert code == 0
        assert why in complained
        assert [line.split()[-1] for line in said.splitlines()[:-1]] == ["embedded", "installed", *["known"] * 3]
        _, said, _ = hotline("list", "--json")
        assert why in json.loads(said)["list"]["problem"]


def test_an_address_that_is_none_is_refused_by_name(hotline, monkeypatch):
    monkeypatch.setenv("HOTLINE_MODEL_LIST", "/media/stick/list.json")
    code, _, complained = hotline("list")
    assert code == 2
    assert "HOTLINE_MODEL_LIST" in complained


def test_of_a_broken_model_is_said_what_is_missing_and_of_a_begun_one_how_much_is_here(hotline, publisher, tmp_path):
    shutil.copytree(catalogue.EMBEDDED, tmp_path / "models/city")
    (tmp_path / "models/city/graph/words.txt").unlink()
    publisher.troubles.extend([("cut", 2_000_000), 404])
    assert hotline("install", NAME)[0] == 1
    _, said, _ = hotline("list")
    assert "broken: lacks graph/words.txt" in said
    assert "begun: 2 MB are here" in said


def test_the_one_in_use_is_shown_wherever_it_lies_and_when_it_is_gone(hotline, monkeypatch, tmp_path):
    shutil.copytree(catalogue.EMBEDDED, tmp_path / "elsewhere")
    monkeypatch.setenv("HOTLINE_MODEL", str(tmp_path / "elsewhere"))
    assert listed(hotline)[str(tmp_path / "elsewhere")] == ("installed", True)
    monkeypatch.delenv("HOTLINE_MODEL")
    (tmp_path / "models").mkdir(exist_ok=True)
    for name in ("current", "gone"):
        (tmp_path / "models/current").unlink(missing_ok=True)
        (tmp_path / "models/current").symlink_to(name)
        assert listed(hotline)[name] == ("broken", True)
    assert "broken: is not there" in hotline("list")[1]


# -- from the list to the ears -------------------------------------------------------------------------------


def test_a_model_is_installed_used_taken_back_and_removed(hotline, tmp_path):
    code, said, complained = hotline("install", NAME)
    assert (code, said) == (0, f"{NAME} is installed; to use it: hotline models use {NAME}\n")
    assert complained.count("downloading") == complained.count("unpacking") == 11
    assert listed(hotline)[NAME] == ("installed", False)

    code, said, _ = hotline("use", NAME)
    assert (code, said) == (0, f"{NAME} is in use: running ears take it within seconds, each call at its next pause\n")
    assert catalogue.find("", tmp_path / "models").resolve() == tmp_path / "models" / NAME
    assert listed(hotline) == {"embedded": ("embedded", False), NAME: ("installed", True)}
    assert hotline("use", NAME)[1] == f"{NAME} is in use already\n"

    code, _, complained = hotline("remove", NAME, "--yes")
    assert code == 1
    assert "in use: use another one first" in complained
    assert hotline("use", "-")[1].startswith("embedded is in use")
    assert hotline("use", "--back")[1].startswith(f"{NAME} is in use")
    assert hotline("use", "embedded")[0] == 0

    code, _, _ = hotline("remove", NAME, answer="n\n")
    assert code == 1
    assert listed(hotline)[NAME] == ("installed", False)
    code, said, _ = hotline("remove", NAME, answer="y\n")
    assert code == 0
    assert said.endswith(f"{NAME} is deleted\n")
    assert listed(hotline)[NAME] == ("offered", False)


def test_a_model_carried_here_is_installed_by_its_path_and_nobody_vouches_for_it(hotline, tmp_path, monkeypatch):
    (tmp_path / "city.zip").write_bytes(archive())
    code, said, complained = hotline("install", str(tmp_path / "city.zip"))
    assert (code, said) == (0, "city is installed; to use it: hotline models use city\n")
    assert "no checksum was given" in complained
    assert listed(hotline)["city"] == ("installed", False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "city.tar.gz").write_bytes(b"another kind")
    assert "unpack it and give the folder" in hotline("install", "city.tar.gz")[2]


def test_a_spoilt_model_leaves_the_one_in_use(hotline, tmp_path):
    for name in ("good", "bad"):
        shutil.copytree(catalogue.EMBEDDED, tmp_path / "models" / name)
    (tmp_path / "models/bad/am/final.mdl").write_bytes(b"spoilt")
    hotline("use", "good")
    code, said, complained = hotline("use", "bad")
    assert (code, said) == (1, "")
    assert "bad" in complained
    assert shelf.in_use(tmp_path / "models") == "good"


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("install", "vosk-model-small-cn"), 1, f"choose from {NAME}"),
        (("install", "./gone.zip"), 1, "no such file"),
        (("install", NAME, "--md5", "0"), 2, "--md5 is for a file"),
        (("use",), 2, "give the name of an installed model"),
        (("use", "-"), 1, "no other model was in use"),
        (("use", "gone"), 1, "no model gone is installed"),
        (("remove", "gone", "--yes"), 1, "no model gone is installed"),
        (("remove", "embedded", "--yes"), 1, "the embedded model stays"),
    ],
)
def test_what_cannot_be_done_is_said_with_what_can(hotline, words, code, why):
    got, said, complained = hotline(*words)
    assert (got, said) == (code, "")
    assert why in complained


def test_without_a_list_a_model_is_installed_from_a_file_and_this_is_said(hotline, monkeypatch):
    monkeypatch.setenv("HOTLINE_MODEL_LIST", "http://127.0.0.1:9/list")
    code, _, complained = hotline("install", NAME)
    assert code == 1
    assert "cannot be read" in complained
    assert "install it by its path" in complained


def test_a_setting_that_goes_before_the_choice_is_named(hotline, monkeypatch, tmp_path):
    shutil.copytree(catalogue.EMBEDDED, tmp_path / "models/city")
    monkeypatch.setenv("HOTLINE_MODEL", "city")
    code, _, complained = hotline("remove", "city", "--yes")
    assert code == 1
    assert "in use" in complained
    _, _, complained = hotline("use", "city")
    assert "HOTLINE_MODEL=city goes before it" in complained


def test_a_folder_that_cannot_be_written_is_named(hotline, tmp_path):
    (tmp_path / "models").write_text("no folder")
    code, _, complained = hotline("install", NAME)
    assert code == 1
    assert str(tmp_path / "models") in complained


def test_ctrl_c_leaves_what_has_come_and_the_same_command_goes_on(hotline, publisher, tmp_path):
    publisher.troubles.append(("stall", 3_000_000))
    process = subprocess.Popen(
        [sys.executable, "-c", "from hotline.cli import main; main()", "models", "install", NAME],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # whoever runs us behind a & has it ignored
    )
    assert publisher.stalled.wait(120)
    process.send_signal(signal.SIGINT)
    _, complained = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "the same command goes on from here" in complained
    had = (tmp_path / f"models/.incoming/{NAME}.zip.part").stat().st_size
    assert had > 0
    assert hotline("install", NAME)[0] == 0
    assert publisher.asked == ["", f"bytes={had}-"]


# -- how far it is -------------------------------------------------------------------------------------------


def test_on_a_terminal_there_is_a_bar_and_elsewhere_a_line_every_tenth(capsys, monkeypatch):
    for terminal in (True, False):
        monkeypatch.setattr(sys.stderr, "isatty", lambda terminal=terminal: terminal)
        meter = Meter()
        for done in range(0, 10_000_001, 10_000):
            meter.progress("downloading", done, 10_000_000)
        meter.say("done")
        said = capsys.readouterr().err
        if terminal:
            assert said.count("\r[") == 101
            assert "[###############...............] downloading  50 %  5 of 10 MB" in said
            assert said.endswith("\ndone\n")
        else:
            assert said.splitlines()[-2:] == ["downloading 100 %  10 of 10 MB", "done"]
            assert len(said.splitlines()) == 12
