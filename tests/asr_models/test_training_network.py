"""How the network is trained: stopped and gone on with, with some of the recordings or none, by one plan.

Skipped where there is no torch, which is in no lock since nothing that runs needs it:
`.venv/bin/pip install -r asr_models/training/requirements.txt`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="only training needs torch, and it is in no lock")

from asr_models.training import network, real, speech, train  # noqa: E402
from asr_models.training.real import Recording  # noqa: E402
from asr_models.training.speech import OUTPUT_SECONDS, RATE_HZ, Sound, Utterance  # noqa: E402
from asr_models.training.takes import Source  # noqa: E402
from asr_models.training.telephone import Telephone  # noqa: E402
from asr_models.training.train import CannotTrain, Plan, Stage  # noqa: E402
from asr_models.vocabulary import phones  # noqa: E402

SMALL = network.Shape(width=16, waist=8, entry=8, blocks=1)
PLAN = Plan(utterances=8, shard=8, first_batches=4, main_batches=4, last_batches=4, loaders=0)


def silent(_line: str) -> None:
    pass


def sound(seconds: float, seed: int = 1) -> Sound:
    return (0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ))).astype(np.float32)


def said(pdf: int, seed: int = 1) -> Utterance:
    return Utterance(speech.to_pcm(sound(1.0, seed)), np.array([[pdf, 0.1, 0.9]], np.float32))


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Telephone:
    """And all that makes training take a moment."""
    monkeypatch.setattr(train, "BATCH", 2)
    monkeypatch.setattr(train, "KEEP_EVERY", 2)
    monkeypatch.setattr(train, "Shape", lambda **given: network.Shape(**{**vars(SMALL), **given}))
    whole = train._log_priors
    monkeypatch.setattr(train, "_log_priors", lambda *given: whole(*given, count=4))
    return Telephone(np.random.default_rng(1), [sound(1.0)])


def test_a_training_that_was_stopped_ends_as_one_that_never_was(
    tmp_path: Path, line: Telephone, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source([said(3), said(4, 2)], 1.0, pitch=(0.9, 1.1), formants=(0.9, 1.1))
    stage = Stage("first", [source], 6, 2e-3)
    (tmp_path / "whole").mkdir()
    whole = train._learn(stage, line, tmp_path / "whole", PLAN, silent)

    keep = train._keep

    def keep_and_stop(path: Path, state: dict[str, object]) -> None:
        keep(path, state)
        raise KeyboardInterrupt

    (tmp_path / "stopped").mkdir()
    monkeypatch.setattr(train, "_keep", keep_and_stop)
    for _ in range(2):  # after two batches, and after four
        with pytest.raises(KeyboardInterrupt):
            train._learn(stage, line, tmp_path / "stopped", PLAN, silent)
    monkeypatch.setattr(train, "_keep", keep)
    again = train._learn(stage, line, tmp_path / "stopped", PLAN, silent)

    assert [path.name for path in again.parent.iterdir()] == ["first.pt"]
    one, other = (torch.load(path, weights_only=True) for path in (whole, again))
    assert one["network"].keys() == other["network"].keys()
    assert all(torch.equal(one["network"][name], other["network"][name]) for name in one["network"])
    assert torch.equal(one["log_priors"], other["log_priors"])


def test_a_network_goes_on_from_another_and_is_loaded_ready_to_hear(tmp_path: Path, line: Telephone) -> None:
    source = Source([said(3)], 1.0, pitch=(1.0, 1.0), formants=(1.0, 1.0))
    first = train._learn(Stage("first", [source], 2, 2e-3), line, tmp_path, PLAN, silent)
    second = train._learn(Stage("second", [source], 2, 0.0, first), line, tmp_path, PLAN, silent)
    before, _ = train.load(first)
    after, log_priors = train.load(second)
    assert torch.equal(before.last.weight, after.last.weight)  # at no rate nothing is learnt
    assert not after.training
    assert float(np.exp(log_priors).sum()) == pytest.approx(1.0, abs=1e-3)


# -- the plan ------------------------------------------------------------------------------------------------


@pytest.fixture
def espeak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "_synthetic", lambda *_: [said(3), said(4, 2)])


def recorded(monkeypatch: pytest.MonkeyPatch, folder: Path, words: int = 0, syllables: int = 0, talk: int = 0) -> Path:
    """So many recordings of each kind, which all say the same."""
    for kind, count, ending in (("words", words, "mp3"), ("syllables", syllables, "mp3"), ("talk", talk, "flac")):
        if count:
            (folder / kind).mkdir(parents=True)
            (folder / kind / f"1.{ending}").touch()

    def read(count: int) -> list[Recording]:
        return [Recording(f"灯{number}", "somebody", [["d", "eng1"]], sound(1.0, number)) for number in range(count)]

    monkeypatch.setattr(real, "words", lambda _: read(words))
    monkeypatch.setattr(real, "syllables", lambda _: read(syllables))
    monkeypatch.setattr(real, "sentences", lambda _: read(talk))
    return folder


@pytest.mark.usefixtures("line", "espeak")
@pytest.mark.parametrize(
    ("kinds", "files"),
    [
        ({"words": 9}, ["first", "main"]),
        ({"syllables": 9}, ["first", "main"]),
        ({"talk": 9}, ["first", "last", "main"]),
        ({"words": 9, "syllables": 9, "talk": 9}, ["first", "last", "main"]),
    ],
)
def test_any_of_the_recordings_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kinds: dict[str, int], files: list[str]
) -> None:
    done = train.run(tmp_path / "work", recorded(monkeypatch, tmp_path / "speech", **kinds), PLAN, silent)
    assert sorted(path.stem for path in (tmp_path / "work").glob("*.pt")) == files
    assert done.name == ("last.pt" if "talk" in kinds else "main.pt")


@pytest.mark.usefixtures("line", "espeak")
def test_a_network_without_recordings_is_never_taken_for_one_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert train.run(tmp_path / "work", None, PLAN, silent).name == "synthetic.pt"
    assert train.run(tmp_path / "work", None, PLAN, silent).name == "synthetic.pt"
    with pytest.raises(CannotTrain, match="recordings None, not "):
        train.run(tmp_path / "work", recorded(monkeypatch, tmp_path / "speech", words=9), PLAN, silent)
    with pytest.raises(CannotTrain, match="there are no recordings in "):
        train.run(tmp_path / "other", tmp_path / "nowhere", PLAN, silent)


@pytest.mark.usefixtures("line", "espeak")
def test_one_folder_holds_the_work_of_one_plan(tmp_path: Path) -> None:
    train.run(tmp_path, None, PLAN, silent)
    train.run(tmp_path, None, Plan(**{**vars(PLAN), "threads": 2}), silent)
    for name in ("seed", "main_batches"):
        with pytest.raises(CannotTrain, match=rf"was begun with {name} {vars(PLAN)[name]}, not 7: "):
            train.run(tmp_path, None, Plan(**{**vars(PLAN), name: 7}), silent)


# -- where the units of a recording lie ----------------------------------------------------------------------


def scored(units: Sequence[tuple[str, int]]) -> real.Scores:
    """What a network says that is sure of each of these units (or of silence) for so many outputs."""
    rows = []
    for unit, outputs in units:
        states = phones.states(unit)
        for state in range(states):
            row = np.full(len(phones.pdfs()), -9.0, np.float32)
            row[phones.pdfs()[unit, state]] = -0.1
            rows += [row] * (outputs // states)
    return np.array(rows)


def test_of_nothing_nothing_is_aligned() -> None:
    assert real.aligned([], network.Network(SMALL), np.zeros(len(phones.pdfs()), np.float32)) == []


def test_units_are_found_where_they_sound_by_the_reading_that_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = scored([("SIL", 10), ("d", 2), ("eng1", 8), ("SIL", 10)])
    monkeypatch.setattr(real, "posteriors", lambda _network, _sound: heard)
    recording = Recording("灯", "somebody", [["l", "u4"], ["d", "eng1"]], sound(len(heard) * OUTPUT_SECONDS))
    too_short = Recording("灯", "somebody", [["d", "eng1"] * 40], recording.sound)
    (one,) = real.aligned([recording, too_short], network.Network(SMALL), np.zeros(len(phones.pdfs()), np.float32))
    air = real._EDGE_SECONDS
    assert one.spans[:, 0].tolist() == [phones.pdfs()["d", 0], phones.pdfs()["eng1", 0], phones.pdfs()["eng1", 1]]
    assert one.spans[:, 1:] == pytest.approx(
        np.array([[air, air + 0.06], [air + 0.06, air + 0.18], [air + 0.18, air + 0.3]]), abs=1e-3
    )
    assert one.seconds == pytest.approx(0.3 + 2 * air, abs=1e-3)


def test_of_many_recordings_the_least_likely_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    sure = scored([("SIL", 4), ("d", 2), ("eng1", 4), ("SIL", 4)])
    monkeypatch.setattr(real, "posteriors", lambda _network, heard: sure * (3 if heard[0] else 1))
    recordings = [
        Recording(str(number), "somebody", [["d", "eng1"]], np.full(len(sure) * 240, number == 7, np.float32))
        for number in range(30)
    ]
    kept = real.aligned(recordings, network.Network(SMALL), np.zeros(len(phones.pdfs()), np.float32))
    assert [one.text for one in kept] == [str(number) for number in range(30) if number != 7]


def test_what_measures_does_not_train() -> None:
    recordings = [Recording(f"词{number}", "somebody", [], sound(0.1)) for number in range(400)]
    trained = real.trained(recordings)
    assert {one.text for one in recordings if one.held_out} == {one.text for one in recordings} - {
        one.text for one in trained
    }
    assert 0.04 < 1 - len(trained) / len(recordings) < 0.12
