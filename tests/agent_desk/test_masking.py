"""Whose role does not show numbers whole sees them nowhere: not in a list, a page, a draft, a word."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_desk import views
from asr_models.written import written
from hotline.accounts.roles import ROLES, Permission
from hotline.calls import queries
from hotline.calls.models import Utterance
from hotline.log import mask_numbers

NUMBER, SPOKEN = "13812345678", "幺三八幺二三四五六七八"
DIVERTED = "02887654321"
ROLES_MASKED = [
    name
    for name, role in ROLES.items()
    if Permission.WATCH_CALLS in role.permissions and Permission.WHOLE_NUMBERS not in role.permissions
]
ROLES_WHOLE = [name for name, role in ROLES.items() if Permission.WHOLE_NUMBERS in role.permissions]
PLACES = ["/api/calls", "/api/calls/20261122-151805-0abcd"]


def test_both_kinds_of_roles_are_looked_at():
    assert ROLES_MASKED
    assert ROLES_WHOLE


@pytest.mark.parametrize("role", ROLES_MASKED)
def test_a_role_that_sees_no_numbers_gets_none_anywhere(shared_desk, role):
    for place in PLACES:
        seen = shared_desk.browser(role).http.get(place).text
        for number in (NUMBER, SPOKEN, DIVERTED, NUMBER[3:], SPOKEN[3:], SPOKEN[:6]):
            assert number not in seen, place
        assert "138****5678" in seen


@pytest.mark.parametrize("role", ROLES_WHOLE)
def test_a_role_that_sees_numbers_sees_them_whole(shared_desk, role):
    browser = shared_desk.browser(role)
    assert NUMBER in browser.http.get(PLACES[0]).text
    page = browser.http.get(PLACES[1])
    for number in (NUMBER, SPOKEN, DIVERTED):
        assert number in page.text
    assert page.json()["draft"]["fields"]["phone"]["value"] == NUMBER
    assert "*" not in page.text


def test_the_masked_page_says_the_rest_as_it_was_said(shared_desk):
    masked = shared_desk.browser("leader").http.get(PLACES[1]).json()
    whole = shared_desk.browser("agent").http.get(PLACES[1]).json()
    assert masked["call"]["caller"] == "138****5678"
    assert masked["call"]["diverted_from"] == "028****4321"
    assert masked["call"]["called"] == whole["call"]["called"] == "12345"
    assert masked["draft"]["fields"]["phone"]["value"] == "138****5678"
    assert masked["utterances"][1]["text"] == "我的电话是***********"
    assert masked["utterances"][0] == whole["utterances"][0]
    for name in ("category", "district", "street", "urgent", "urgent_class"):
        assert masked["draft"]["fields"][name] == whole["draft"]["fields"][name]


def test_masked_words_stay_in_step_with_the_masked_text(shared_desk):
    masked = shared_desk.browser("leader").http.get(PLACES[1]).json()["utterances"]
    whole = shared_desk.browser("agent").http.get(PLACES[1]).json()["utterances"]
    for hidden, seen in zip(masked, whole, strict=True):
        assert "".join(word["text"] for word in hidden["words"]) == hidden["text"]
        assert [(len(word["text"]), word["start"], word["end"]) for word in hidden["words"]] == [
            (len(word["text"]), word["start"], word["end"]) for word in seen["words"]
        ]


def test_the_written_form_shows_a_number_to_those_alone_who_may_see_it(shared_desk):
    masked = shared_desk.browser("leader").http.get(PLACES[1]).json()["utterances"][1]
    whole = shared_desk.browser("agent").http.get(PLACES[1]).json()["utterances"][1]
    assert whole["written"] == f"我的电话是{NUMBER}"
    assert [word["written"] for word in whole["words"][4:]] == ["138", "1234", "5678"]
    assert masked["written"] == "我的电话是***********"
    assert [word["written"] for word in masked["words"][4:]] == ["***", "****", "****"]
    assert whole["text"] == f"我的电话是{SPOKEN}", "what was said stays as it was"


@given(st.text("幺一二三四五六七八九零两十百千万点年月号块 ，-138", max_size=30))
def test_the_written_form_is_made_of_what_is_masked_already(said):
    row = Utterance(id=1, speaker="caller", start=0.0, end=1.0, text=said, confidence=1.0, source="live")
    row.words = [{"text": char, "start": 0.0, "end": 1.0, "confidence": 1.0} for char in said]
    seen = views.utterance_view(row, whole=False)
    assert seen.text == mask_numbers(said, strict=True)
    assert seen.written == written(seen.text)
    assert "".join(word.written for word in seen.words) == seen.written


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (list(SPOKEN), SPOKEN),
        (list(NUMBER), " ".join(NUMBER)),
        (["138", "1234", "5678"], "138 1234 5678"),
        (["138", "1234", "5678"], "138-1234-5678"),
        (["幺三八", "幺二三四", "五六七八"], "幺三八，幺二三四，五六七八"),
    ],
    ids=["digit by digit", "digits apart", "groups", "dashes", "pauses"],
)
def test_a_number_is_masked_however_it_was_broken_up(desk, words, text):
    desk.hear(["电话", *words], start=40.0, text=f"电话{text}")
    said = desk.browser("leader").http.get(PLACES[1]).json()["utterances"][-1]
    assert sum(char in "0123456789幺一二三四五六七八" for char in said["text"]) == 0
    assert sum(char in "0123456789幺一二三四五六七八" for word in said["words"] for char in word["text"]) == 0
    assert len(said["text"]) == len(f"电话{text}")
    assert said["text"].count("*") == 11


def test_a_draft_does_not_join_up_a_number_that_was_said_in_three_breaths(desk):
    desk.answer("c-2", caller="anonymous")
    for n, part in enumerate(("我的电话幺三八", "幺二三四", "五六七八")):
        desk.hear([part], "c-2", start=1.0 + 10 * n)
    masked = desk.browser("leader").http.get("/api/calls/c-2").json()["draft"]["fields"]
    whole = desk.browser("agent").http.get("/api/calls/c-2").json()["draft"]["fields"]
    assert whole["phone"]["value"] == NUMBER
    assert masked["phone"]["value"] == "138****5678"
    for name, field in masked.items():
        if field is not None and name != "phone":
            assert sum(char in SPOKEN for char in str(field["value"])) <= 6, name
            assert sum(char in SPOKEN for char in field["span"]["text"]) <= 6, name


def test_a_number_that_stands_where_a_name_should_is_masked(desk):
    desk.answer("c-2", caller_name=f"王 {NUMBER}")
    for place in ("/api/calls", "/api/calls/c-2"):
        assert NUMBER not in desk.browser("leader").http.get(place).text
    assert f"王 {NUMBER}" in desk.browser("agent").http.get("/api/calls/c-2").text


def test_words_being_spoken_are_masked_before_the_number_is_complete():
    said = {"speaker": "caller", "text": "电话幺三八幺二", "heard_until": 3.0}
    assert views.live_words("c-1", said, whole=False).text == "电话*****"
    assert views.live_words("c-1", said, whole=True).text == "电话幺三八幺二"


def test_masking_keeps_the_length_of_whatever_was_said():
    for text in (SPOKEN, f"我{SPOKEN}的", "一二三四五六七", "1234", "138 1234 5678", "", "燃气泄漏", "12 345，67。8"):
        for strict in (False, True):
            assert len(mask_numbers(text, strict=strict)) == len(text)
    assert mask_numbers("三楼二单元五号", strict=True) == "三楼二单元五号"


def test_the_ledger_rows_that_a_page_shows_carry_no_words(shared_desk):
    page = shared_desk.browser("leader").http.get(PLACES[1]).json()
    assert {tuple(sorted(moment)) for moment in page["timeline"]} == {("at", "kind", "seq")}
    with shared_desk.db.read() as session:
        assert NUMBER in json.dumps(queries.draft(session, shared_desk.call_id).fields)
