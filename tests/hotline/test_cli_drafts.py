"""``hotline draft`` and ``hotline drafts``: one JSON object a line, errors that say what to do."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hotline.cli import app
from hotline.drafts import judge

KEYS = [
    *("category", "topic", "district", "street", "department", "urgent", "urgent_class", "handover"),
    *("phone", "address", "title", "content", "spans", "missing"),
]


def run(*arguments: str, stdin: str | None = None):
    return CliRunner().invoke(app, list(arguments), input=stdin)


def test_words_become_one_json_object():
    result = run("draft", "--text", "金牛区抚琴街道燃气泄漏，味道很大", "--json")
    assert result.exit_code == 0
    made = json.loads(result.stdout)
    assert set(KEYS) <= set(made)
    assert made["district"] == "金牛区"
    assert made["urgent"] is True
    assert made["phone"] is None
    assert made["spans"]["district"]["text"] == "金牛区"


def test_a_file_becomes_one_line_each_in_order(tmp_path: Path):
    texts = ["路灯坏了", "", "请问公积金怎么提取", "😀" * 50]
    file = tmp_path / "calls.jsonl"
    file.write_text("\n".join(json.dumps({"text": text}) for text in texts) + "\n\n")
    result = run("draft", str(file))
    made = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one["category"] for one in made] == ["求助", None, "咨询", made[3]["category"]]
    assert run("draft", "-", stdin=file.read_text()).stdout == result.stdout


@pytest.mark.parametrize(
    ("content", "says"),
    [("{", "line 1: no JSON"), ("[1]", "line 1: no object"), ('{"words": "喂"}', 'line 1: no "text"')],
)
def test_a_bad_line_is_named(tmp_path: Path, content, says):
    file = tmp_path / "calls.jsonl"
    file.write_text(content)
    for command in (("draft",), ("drafts", "eval")):
        result = run(*command, str(file))
        assert result.exit_code == 2
        assert says in result.stderr


def test_neither_words_nor_a_file_is_an_error():
    assert run("draft").exit_code == 2
    assert run("draft", "/no/such/file").exit_code == 2


def test_without_classifiers_the_command_says_how_to_make_them(monkeypatch, tmp_path: Path):
    monkeypatch.setattr("hotline.drafts.draft.load_judge", lambda: judge.load(tmp_path / "none.npz"))
    result = run("draft", "--text", "喂")
    assert result.exit_code == 2
    assert "hotline drafts train" in result.stderr


def test_eval_shows_accuracy_confusion_and_the_worst(tmp_path: Path):
    file = tmp_path / "right.jsonl"
    rows = [
        {"text": "金牛区三楼着火了", "category": "求助", "district": "金牛区", "urgent": True, "handover": "119"},
        {"text": "请问公积金怎么提取", "category": "投诉", "department": "市公积金中心", "urgent": False},
    ]
    file.write_text("\n".join(json.dumps(row) for row in rows))
    report = json.loads(run("drafts", "eval", str(file), "--json").stdout)
    assert report["rows"] == 2
    assert report["accuracy"]["category"] == {"right": 1, "of": 2, "rate": 0.5}
    assert report["accuracy"]["handover recall"] == {"right": 1, "of": 1, "rate": 1.0}
    assert report["confusion"] == [{"field": "category", "should_be": "投诉", "is": "咨询", "times": 1}]
    assert report["worst"][0]["text"] == "请问公积金怎么提取"
    assert "投诉 → 咨询" in run("drafts", "eval", str(file)).stdout
