"""Another model beside running calls: words go on, the old one's memory goes, a broken one changes nothing."""

import asyncio
import gc
import os
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from asr_models import catalogue
from asr_models.client import EarsStream, Event, Heard, Missed, Started, stats
from asr_models.loading import Loaded
from asr_models.recogniser import Model, Recogniser, load, transcribe
from asr_models.words import Final

PATIENCE_SECONDS = 60.0
Say = Callable[[str], bytes]
Start = Callable[..., Any]

LAMP = "武侯区石羊街道路灯坏了"
GAS = "金牛区抚琴街道燃气泄漏，味道很大"


def text_of(finals: list[Final]) -> str:
    return "".join(final.text for final in finals)


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """The same model under another name."""
    return Path(shutil.copytree(catalogue.EMBEDDED, tmp_path / "second"))


@pytest.mark.parametrize("tenths", range(0, 60, 3))
def test_a_model_changed_at_any_moment_loses_no_words(model: Model, say: Say, tenths: int) -> None:
    sound, current = say(LAMP) + say(GAS) + say(LAMP), [model]
    ears = Recogniser(model, 8000, newest=lambda: current[0])
    finals = []
    for at in range(0, len(sound), 1600):
        if at == tenths * 1600:
            current[0] = load(catalogue.EMBEDDED)
        finals += ears.feed(sound[at : at + 1600])
    finals += ears.finish()
    straight = transcribe(model, sound, 8000)
    assert text_of(finals) == text_of(straight)
    assert [final.end for final in finals] == pytest.approx([final.end for final in straight], abs=0.1)


def test_the_old_model_goes_with_its_last_recogniser(say: Say) -> None:
    old = load(catalogue.EMBEDDED)
    gone, current = weakref.ref(old.loaded), [old]
    speaking = Recogniser(old, 8000, newest=lambda: current[0])
    silent = Recogniser(old, 8000, newest=lambda: current[0])
    speaking.feed(say(LAMP)[:24000])
    silent.feed(bytes(16000))
    current[0] = load(catalogue.EMBEDDED)
    del old
    silent.feed(bytes(16000))
    gc.collect()
    assert gone() is not None
    speaking.feed(say(LAMP)[24000:] + bytes(16000))
    gc.collect()
    assert gone() is None


def test_a_model_of_another_rate_takes_over_in_the_middle_of_a_call(model: Model, say: Say, second: Path) -> None:
    conf = second / "conf/mfcc.conf"
    conf.write_text(conf.read_text().replace("=8000", "=16000").replace("--high-freq=-200", "--high-freq=3800"))
    current = [model]
    ears = Recogniser(model, 8000, newest=lambda: current[0])
    first = ears.feed(say(GAS))
    current[0] = load(second)
    (final,) = ears.feed(say(GAS)) + ears.finish()
    assert "区" in final.text
    assert final.end == pytest.approx(first[0].end + len(say(GAS)) / 16000, abs=0.3)


def test_files_still_being_copied_are_waited_for_and_a_broken_model_is_refused_once(
    second: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    models.mkdir()

    def find() -> Path:
        return catalogue.find("", models)

    async def scene() -> None:
        loaded = await Loaded.first(find, catalogue.EMBEDDED, tmp_path / "note")
        first = loaded.model
        words = (second / "graph/words.txt").read_bytes()
        (second / "graph/words.txt").unlink()
        (models / "current").symlink_to(second)
        await loaded._look(find)  # seen for the first time: perhaps not whole yet
        await loaded._look(find)
        assert loaded.model is first
        assert loaded._refused[0] == str(second)
        (second / "graph/words.txt").write_bytes(words)
        await loaded._look(find)
        assert loaded.model is first
        await loaded._look(find)
        assert loaded.model.name == "second"
        assert loaded.model is not first
        now = loaded.model
        (models / "current").unlink()
        (models / "current").symlink_to(tmp_path / "nowhere")
        for _ in range(3):
            await loaded._look(find)
        assert loaded.model is now

    asyncio.run(scene())


def test_a_model_that_kills_whoever_loads_it_does_not_kill_the_ears(second: Path, tmp_path: Path) -> None:
    conf = second / "conf/model.conf"
    conf.write_text(conf.read_text().replace("subsampling-factor=3", "subsampling-factor=0"))  # vosk aborts on it

    async def scene() -> None:
        found = [catalogue.EMBEDDED]
        loaded = await Loaded.first(lambda: found[0], None, tmp_path / "note")
        first, found[0] = loaded.model, second
        await loaded._look(lambda: found[0])
        await loaded._look(lambda: found[0])
        assert loaded.model is first
        assert loaded._refused[0] == str(second)

    asyncio.run(scene())


def test_links_in_a_circle_are_a_model_that_is_not_there_and_the_next_one_is_taken(
    second: Path, tmp_path: Path
) -> None:
    current = tmp_path / "current"
    current.symlink_to("current")

    async def scene() -> None:
        loaded = await Loaded.first(lambda: current, catalogue.EMBEDDED, tmp_path / "note")
        assert (loaded.model.name, loaded.fell_back) == ("embedded", True)
        looks = iter([current, current])
        watching = asyncio.create_task(loaded.watch(lambda: next(looks, second), 0.01))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while loaded.model.name != "second":
                await asyncio.sleep(0.01)
        watching.cancel()

    asyncio.run(scene())


def test_whatever_goes_wrong_with_a_look_there_is_another_look(second: Path, tmp_path: Path) -> None:
    def trouble() -> Path:
        raise RuntimeError("nobody has thought of this")

    async def scene() -> None:
        loaded = await Loaded.first(lambda: catalogue.EMBEDDED, None, tmp_path / "note")
        looks = iter([trouble, trouble])
        watching = asyncio.create_task(loaded.watch(lambda: next(looks, lambda: second)(), 0.01))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while loaded.model.name != "second":
                await asyncio.sleep(0.01)
        watching.cancel()

    asyncio.run(scene())


def test_ears_that_stop_take_the_trial_with_them(second: Path, tmp_path: Path) -> None:
    def trials() -> list[psutil.Process]:
        return [child for child in psutil.Process().children() if "asr_models.trial" in child.cmdline()]

    async def scene() -> None:
        loaded = await Loaded.first(lambda: catalogue.EMBEDDED, None, tmp_path / "note")
        watching = asyncio.create_task(loaded.watch(lambda: second, 0.01))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (trying := trials()):
                await asyncio.sleep(0.01)
            trying[0].suspend()  # it would take for ever
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        assert not trials()

    asyncio.run(scene())


def test_a_call_hears_with_the_new_model_without_a_break(
    socket: Path, start_ears: Start, say: Say, tmp_path: Path
) -> None:
    shutil.copytree(catalogue.EMBEDDED, tmp_path / "first")
    shutil.copytree(catalogue.EMBEDDED, tmp_path / "second")
    current = tmp_path / "current"
    current.symlink_to("first")
    start_ears(socket, current).wait_ready()

    async def call() -> list[Event]:
        told: list[Event] = []
        news = asyncio.Event()

        def tell(event: Event) -> None:
            told.append(event)
            news.set()

        async def until_heard(count: int) -> None:
            while len([event for event in told if isinstance(event, Heard)]) < count:
                news.clear()
                await news.wait()

        async with asyncio.timeout(PATIENCE_SECONDS):
            stream = EarsStream(socket, "call-1", tell)
            stream.feed(say(LAMP))
            await until_heard(1)
            (tmp_path / "link").symlink_to("second")
            os.replace(tmp_path / "link", current)  # noqa: PTH105  a link is put in place of a link at once
            while (await stats(socket))["model"] != "second":
                stream.feed(bytes(320))
                await asyncio.sleep(0.02)  # as a line does: what comes faster than it can be taken is let go
            stream.feed(say(GAS))
            await stream.finish(PATIENCE_SECONDS)
        return told

    events = asyncio.run(call())
    assert [event.model for event in events if isinstance(event, Started)] == ["first"]
    assert not [event for event in events if isinstance(event, Missed)]
    lamp, gas = (event.final for event in events if isinstance(event, Heard))
    assert "路灯" in lamp.text
    assert "燃气" in gas.text
