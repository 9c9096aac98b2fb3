"""`hotline models adapt` as an operator types it: a city's own words in the model that is in use."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import tiny_model
from typer.testing import CliRunner

from asr_models import adapting, catalogue, shelf
from asr_models.adapting import CannotAdapt
from asr_models.client import EarsStream, Event, Heard, Missed, Started, stats
from asr_models.recogniser import load, transcribe
from asr_models.training.text import TEXT
from asr_models.vocabulary import lexicon, phones
from hotline import cli_common, cli_models, cli_shelf
from hotline.clock import SHANGHAI

PATIENCE_SECONDS = 120.0
Say = Callable[[str], bytes]
Start = Callable[..., Any]

WORDS = {
    "路灯": ["lu4 deng1"],
    "坏": ["huai4"],
    "了": ["le5"],
    "燃气": ["ran2 qi4"],
    "泄漏": ["xie4 lou4"],
    "味道": ["wei4 dao4"],
    "很大": ["hen3 da4"],
}
NAME = "鑫蓁桥"  # no such place; no dictionary has it


class Hotline:
    """Its commands, in a house of its own, at a time that goes on with each of them."""

    def __init__(self, var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.models = var / "models"
        self._at = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)
        monkeypatch.setenv("HOTLINE_VAR", str(var))
        monkeypatch.setattr(cli_common.logging, "configure", lambda *_args, **_more: None)
        monkeypatch.setattr(cli_shelf, "shanghai", lambda _now: self._later())

    def __call__(self, *words: str | Path) -> tuple[int, str, str]:
        done = CliRunner().invoke(cli_models.app, [str(word) for word in words])
        return done.exit_code, done.stdout, done.stderr

    def adapt(self, text: str, *more: str) -> tuple[int, str, str]:
        """With a list of these lines."""
        (self.models.parent / "words.txt").write_text(text, encoding="utf-8")
        return self("adapt", "--words", self.models.parent / "words.txt", *more)

    def in_use(self) -> str:
        return shelf.in_use(self.models)

    def hears(self, sound: bytes) -> str:
        model = load(catalogue.find("", self.models))
        return "".join(final.text for final in transcribe(model, sound, 8000))

    def names(self) -> list[str]:
        return [path.name for path in shelf.installed(self.models)]

    def _later(self) -> datetime:
        self._at += timedelta(minutes=1)
        return self._at


@pytest.fixture
def hotline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hotline:
    return Hotline(tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def few_words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that is adapted in a moment. Each of its words is nearly as rare as a new one will be."""
    streets = (TEXT / "slots/street.txt").read_text(encoding="utf-8").split()
    words = WORDS | {street: [" ".join(phones.readings(street))] for street in streets}
    folder = tmp_path_factory.mktemp("model") / "small"
    return tiny_model.build(folder, words, tiny_model.equal(words), catalogue.EMBEDDED)


@pytest.fixture
def small(hotline: Hotline, few_words: Path) -> Hotline:
    """The hotline with the small model in use."""
    shutil.copytree(few_words, hotline.models / "small")
    assert hotline("use", "small")[0] == 0
    return hotline


# -- from a list to what is heard ----------------------------------------------------------------------------


def test_the_embedded_model_learns_a_name_and_a_reading_and_can_be_taken_back(hotline: Hotline, say: Say) -> None:
    at_the_bridge = say("你好，鑫蓁桥的路灯坏了")
    # What is written 大邑 is said as dai4 yi4 here, which the voice reads from 带意.
    in_dayi = say("带意的路灯坏了")
    assert NAME not in hotline.hears(at_the_bridge)
    assert "大邑" not in hotline.hears(in_dayi)

    code, said, told = hotline.adapt(f"# 新地名\n{NAME} xīn zhēn qiáo\n大邑 dai4 yi4\n")
    assert code == 0, told
    assert "with 2 words added" in told
    assert said == (
        "adapted-20260302-090100 is in use: running ears take it within seconds, each call at its next pause "
        "(hotline models use - undoes)\n"
    )
    assert NAME in hotline.hears(at_the_bridge)
    assert "路灯坏了" in hotline.hears(at_the_bridge)
    assert "大邑" in hotline.hears(in_dayi)

    assert hotline("use", "-")[0] == 0
    assert hotline.in_use() == "embedded"
    assert NAME not in hotline.hears(at_the_bridge)


def test_a_call_goes_on_while_the_model_learns_and_hears_the_word_afterwards(
    small: Hotline, socket: Path, start_ears: Start, say: Say
) -> None:
    start_ears(socket, small.models / catalogue.CURRENT).wait_ready()
    silence = bytes(320)

    async def call() -> list[Event]:
        told: list[Event] = []
        news = asyncio.Event()

        def tell(event: Event) -> None:
            told.append(event)
            news.set()

        async def until_heard(count: int) -> None:
            while sum(isinstance(event, Heard) for event in told) < count:
                news.clear()
                await news.wait()

        async with asyncio.timeout(PATIENCE_SECONDS):
            stream = EarsStream(socket, "call-1", tell)
            stream.feed(say("路灯坏了"))
            await until_heard(1)
            learning = asyncio.create_task(asyncio.to_thread(small.adapt, f"{NAME} xin1 zhen1 qiao2"))
            stream.feed(say("燃气泄漏"))
            await until_heard(2)
            code, _, complained = await learning
            assert code == 0, complained
            while (await stats(socket))["model"] != small.in_use():
                stream.feed(silence)
                await asyncio.sleep(0.02)  # as a line does: what comes faster than it can be taken is let go
            stream.feed(say("鑫蓁桥路灯坏了"))
            await stream.finish(PATIENCE_SECONDS)
        return told

    events = asyncio.run(call())
    assert [event.model for event in events if isinstance(event, Started)] == ["small"]
    assert not [event for event in events if isinstance(event, Missed)]
    heard = [event.final.text for event in events if isinstance(event, Heard)]
    assert heard == ["路灯坏了", "燃气泄漏", "鑫蓁桥路灯坏了"]


def test_a_model_that_is_only_built_is_not_used_until_somebody_says_so(small: Hotline) -> None:
    code, said, _ = small.adapt(f"{NAME} xin1 zhen1 qiao2", "--no-use")
    assert (code, said) == (
        0,
        "adapted-20260302-090100 is installed; to use it: hotline models use adapted-20260302-090100\n",
    )
    assert small.in_use() == "small"
    assert small("use", "adapted-20260302-090100")[0] == 0


def test_an_adapted_model_is_the_one_it_was_made_of_with_the_words_added(small: Hotline, few_words: Path) -> None:
    (small.models / "small/NOTICE").write_text("whose it is")
    assert small.adapt(f"{NAME} xin1 zhen1 qiao2\n路灯 lu4 deng5")[0] == 0
    made = small.models / small.in_use()
    assert {path.relative_to(made) for path in made.rglob("*")} == {
        path.relative_to(small.models / "small") for path in (small.models / "small").rglob("*")
    }
    for file in ("am/final.mdl", "conf/model.conf", "conf/mfcc.conf"):
        assert (made / file).read_bytes() == (few_words / file).read_bytes()
    before, after = lexicon.read(few_words / lexicon.FILE), lexicon.read(made / lexicon.FILE)
    assert set(after) - set(before) == {NAME}
    assert after["路灯"] == [*before["路灯"], ("l", "u4", "d", "eng5")]  # one more way, and the old one
    assert all(after[word] == before[word] for word in WORDS if word != "路灯")


# -- what cannot be done -------------------------------------------------------------------------------------


def test_a_model_that_does_not_tell_how_its_words_are_said_is_refused_with_the_reason(small: Hotline) -> None:
    (small.models / "small" / lexicon.FILE).unlink()
    code, said, complained = small.adapt(NAME)
    assert (code, said) == (1, "")
    assert "the model small has no graph/lexicon.txt.gz" in complained
    assert "hotline models use embedded" in complained
    assert (small.in_use(), small.names()) == ("small", ["small"])


def test_a_broken_model_is_refused_with_what_it_lacks(small: Hotline) -> None:
    (small.models / "small/rescore/G.fst").unlink()
    code, _, complained = small.adapt(NAME)
    assert code == 1
    assert "lacks rescore/G.fst" in complained


def test_a_list_with_wrong_lines_changes_nothing_and_names_them(small: Hotline) -> None:
    code, said, complained = small.adapt(f"{NAME} xin1 zhen1 qiao2\n3号线\n犀浦 xi1 pooh3\n")
    assert (code, said) == (1, "")
    assert "words.txt:\nline 2: '3号线'" in complained
    assert "line 3: 'pooh3'" in complained
    assert "Nothing was changed: mend these lines" in complained
    assert (small.in_use(), small.names()) == ("small", ["small"])


def test_a_list_that_can_be_read_only_once_is_enough(small: Hotline) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as file:
        file.write(f"{NAME} xin1 zhen1 qiao2")
    code, _, complained = small("adapt", "--words", f"/dev/fd/{reading}")
    os.close(reading)
    assert code == 0, complained
    assert NAME in lexicon.read(small.models / small.in_use() / lexicon.FILE)


def test_a_list_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "gbk.txt").write_bytes("犀浦".encode("gbk"))
    for name, why in (("gone.txt", "No such file"), (".", "Is a directory"), ("gbk.txt", "save it as UTF-8")):
        with pytest.raises(CannotAdapt, match=why):
            adapting.read_words(tmp_path / name)


def test_a_graph_that_cannot_be_built_leaves_nothing_behind(small: Hotline) -> None:
    spoilt = small.models / "small/rescore/G.carpa"
    spoilt.write_bytes(spoilt.read_bytes()[:200])
    code, _, complained = small.adapt(f"{NAME} xin1 zhen1 qiao2")
    assert code == 1
    assert "the graph could not be built (exit code 2;" in complained
    assert "G.carpa is spoilt" in complained
    assert "nothing was changed" in complained
    assert (small.in_use(), small.names()) == ("small", ["small"])
    assert not (small.models / shelf.WORKSHOP / "adapting").exists()


def test_a_graph_that_is_never_done_is_given_up(small: Hotline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapting, "TIMEOUT_SECONDS", 0.01)
    code, _, complained = small.adapt(f"{NAME} xin1 zhen1 qiao2")
    assert code == 1
    assert "the graph was not built after 0 s: nothing was changed" in complained
    assert (small.in_use(), small.names()) == ("small", ["small"])


def test_two_who_adapt_at_once_take_turns_and_no_words_are_lost(small: Hotline) -> None:
    (small.models / shelf.WORKSHOP / "adapting/graph").mkdir(parents=True)  # somebody was killed here
    told: list[str] = []

    class Told:
        def say(self, text: str) -> None:
            told.append(text)

        def progress(self, what: str, done: int, total: int) -> None: ...

    def find() -> Path:
        return catalogue.find("", small.models)

    def learn(word: str) -> None:
        words = small.models.parent / word
        words.write_text(word, encoding="utf-8")
        adapting.adapt(small.models, find, words, small._later, Told(), use=True)

    both = [threading.Thread(target=learn, args=(word,)) for word in ("云栖里", "鹿鸣渚")]
    for one in both:
        one.start()
    for one in both:
        one.join(PATIENCE_SECONDS)
    assert small.names() == ["adapted-20260302-090100", "adapted-20260302-090200", "small"]
    assert "somebody else is at work on adapted models: waiting until that is done" in told
    assert {"云栖里", "鹿鸣渚"} <= set(lexicon.read(find() / lexicon.FILE))


# -- what is kept --------------------------------------------------------------------------------------------


def test_what_was_learnt_stays_learnt_and_what_nobody_needs_any_more_is_named(small: Hotline, say: Say) -> None:
    first, second, third = (f"adapted-20260302-090{minute}00" for minute in (1, 2, 3))
    small.adapt("鹿鸣渚 lu4 ming2 zhu3")
    _, _, told = small.adapt("云栖里 yun2 qi1 li3")
    assert "also kept" not in told
    _, _, told = small.adapt("雁鹭洲 yan4 lu4 zhou1")
    assert f"also kept: {first}, {second} (hotline models remove NAME" in told
    assert small.names() == [first, second, third, "small"]
    assert small.hears(say("鹿鸣渚路灯坏了") + say("云栖里燃气泄漏") + say("雁鹭洲路灯坏了")) == (
        "鹿鸣渚路灯坏了云栖里燃气泄漏雁鹭洲路灯坏了"
    )
    assert small("use", "-")[0] == 0
    assert small.in_use() == second
    assert small.hears(say("云栖里燃气泄漏")) == "云栖里燃气泄漏"
