"""The classifiers: learnt from lines, kept in a file, and able to say which words decided."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hotline.drafts import judge, lexicon, mishearing, training
from hotline.drafts.features import features
from hotline.drafts.judge import TOPIC
from hotline.drafts.packing import NotTrained
from hotline.drafts.urgency import CALM

LAMP, GAS = "城市管理/市政设施/路灯照明", "供气/燃气/泄漏"


def line(text: str, topic: str, category: str, urgent_class: str | None, *, doubt: bool = False) -> str:
    row = {"text": text, "topic": topic, "category": category, "urgent": urgent_class is not None, "doubt": doubt}
    return json.dumps({**row, "urgent_class": urgent_class}, ensure_ascii=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> judge.Judge:
    corpus = tmp_path_factory.mktemp("corpus")
    for author, places in enumerate(["门口", "楼下", "巷子", "院坝", "路口"]):
        lines = [
            line(f"{places}的路灯坏了黑得很", LAMP, "求助", None),
            line(f"{places}的路灯坏了一个月没人管", LAMP, "投诉", None),
            line(f"{places}天然气漏了味道很大", GAS, "求助", "燃气泄漏"),
            line(f"{places}天然气漏的那根管子已经修好了", GAS, "求助", None),
            line(f"{places}好像有点天然气味我也不确定", GAS, "求助", None, doubt=True),
        ]
        (corpus / f"{author}.jsonl").write_text("\n".join(lines))
    return training.train(corpus)


@pytest.mark.parametrize(
    ("said", "topic", "category", "urgent_class"),
    [
        ("我们小区路灯坏了黑得很", LAMP, "求助", CALM),
        ("小区路灯坏了没人管", LAMP, "投诉", CALM),
        ("闻到天然气漏了味道很大", GAS, "求助", "燃气泄漏"),
        ("天然气漏的已经修好了", GAS, "求助", CALM),
    ],
)
def test_what_was_learnt_holds_for_other_places(trained, said, topic, category, urgent_class):
    judged = trained.judge(said)
    names = [judged.answers[question][0].name for question in (TOPIC, "category", "urgent_class")]
    assert names == [topic, category, urgent_class]


def test_the_words_that_decided_are_named(trained):
    said = "我今天买了菜回来，路灯坏了黑得很，就这样"
    start, end = trained.judge(said).where(TOPIC, LAMP, 8)
    assert end - start <= 8
    assert "路灯" in said[start:end]


def test_nothing_said_is_not_judged(trained):
    judged = trained.judge("，。")
    assert judged.best(TOPIC) is None
    assert judged.margin("urgent_class", CALM) == -1


def test_what_is_kept_judges_alike(trained, tmp_path):
    judge.save(trained, tmp_path / "trained.npz")
    kept = judge.load(tmp_path / "trained.npz")
    said = "路灯坏了没人管"
    assert kept.judge(said).answers == trained.judge(said).answers


@pytest.mark.parametrize("load", [judge.load, lexicon.load, mishearing.load_mender])
@pytest.mark.parametrize("harm", ["missing", "cut off", "of another kind"])
def test_a_file_that_cannot_be_used_says_what_makes_it_anew(load, harm, tmp_path: Path):
    path = tmp_path / f"{harm}.npz"
    if harm == "cut off":
        path.write_bytes(judge.TRAINED.read_bytes()[:5000])
    elif harm == "of another kind":
        path.write_text("[]")
    with pytest.raises(NotTrained, match="hotline drafts train"):
        load(path)


def test_a_file_that_lacks_a_question_is_not_used(trained, tmp_path):
    fewer = replace(trained.manner, questions={"category": trained.manner.questions["category"]})
    judge.save(replace(trained, manner=fewer), tmp_path / "older.npz")
    with pytest.raises(NotTrained, match="does not answer doubt, urgent_class"):
        judge.load(tmp_path / "older.npz")


def test_places_and_numbers_are_all_one_to_the_features():
    assert features("金牛区路灯坏了三十天").matter == features("成华区路灯坏了二十天").matter


def test_a_word_said_a_hundred_times_counts_once():
    once, often = features("路灯坏了").matter, features("路灯坏了" * 100).matter
    assert once["#城市管理/市政设施/路灯照明"] == often["#城市管理/市政设施/路灯照明"]
