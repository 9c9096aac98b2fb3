"""The draft at the desk: who may edit it, what a page is shown, what other pages are told, what is refused and how."""

import json

import pytest
from live_pages import CALL, play, serving, until

from hotline.accounts.roles import ROLES, Permission

DRAFT, ACCEPT, PAGE = (f"/api/calls/{CALL}{part}" for part in ("/draft", "/accept", ""))
NUMBER, OTHER_NUMBER = "13812345678", "13900139000"


def put(browser, field, value, path=DRAFT):
    return browser.ask("PATCH", path, {"field": field, "value": value})


def test_an_edit_is_shown_on_the_page_and_in_the_list_with_what_was_heard_beside_it(desk):
    agent = desk.browser("agent")
    answer = put(agent, "district", "成华区")
    assert answer.status_code == 200
    field = answer.json()["fields"]["district"]
    assert (field["value"], field["edited"], field["suggested"]) == ("成华区", True, "金牛区")
    assert field["span"]["text"] == "金牛区"
    page = agent.http.get(PAGE).json()
    assert page["draft"]["fields"]["district"] == field
    assert page["call"]["district"] == "成华区"
    assert agent.http.get("/api/calls").json()["calls"][0]["district"] == "成华区"
    assert "draft_edited" in [moment["kind"] for moment in page["timeline"]]


def test_an_edit_is_known_as_of_its_ledger_row(desk):
    first = put(desk.browser("agent"), "title", "燃气味很大").json()
    assert first["seq"] == desk.newest
    assert desk.rows("draft_edited")[-1].actor == "account:agent"


def test_an_edit_taken_back_says_again_what_was_heard(desk):
    agent = desk.browser("agent")
    put(agent, "district", "成华区")
    field = agent.ask("DELETE", f"{DRAFT}/district").json()["fields"]["district"]
    assert (field["value"], field["edited"], field["suggested"]) == ("金牛区", False, None)


def test_what_is_missing_comes_with_its_question_and_goes_when_it_is_answered(desk):
    agent = desk.browser("agent")
    before = agent.http.get(PAGE).json()["draft"]
    assert before["missing"] == list(before["asks"]) == ["address"]
    assert "请问" in before["asks"]["address"]
    after = put(agent, "address", "花牌坊街 8 号").json()
    assert (after["missing"], after["asks"]) == ([], {})


@pytest.mark.parametrize("role", [name for name in ROLES if Permission.TAKE_CALLS not in ROLES[name].permissions])
def test_who_takes_no_calls_changes_no_draft(shared_desk, role):
    browser = shared_desk.browser(role)
    newest = shared_desk.newest
    for answer in (
        put(browser, "title", "别的"),
        browser.ask("DELETE", f"{DRAFT}/title"),
        browser.ask("POST", ACCEPT),
    ):
        assert (answer.status_code, answer.json()["type"]) == (403, "not-permitted")
    assert shared_desk.newest == newest


def test_a_page_that_sees_no_numbers_sees_none_in_edits_either(desk):
    agent = desk.browser("agent")
    put(agent, "phone", OTHER_NUMBER)
    put(agent, "content", f"请回拨 {OTHER_NUMBER}")
    order = agent.ask("POST", ACCEPT).json()
    masked = desk.browser("leader").http.get(PAGE)
    for number in (NUMBER, OTHER_NUMBER, OTHER_NUMBER[3:], order["extract_code"]):
        assert number not in masked.text
    draft = masked.json()["draft"]
    assert (draft["fields"]["phone"]["value"], draft["fields"]["phone"]["suggested"]) == ("139****9000", "138****5678")
    assert draft["order"]["order_no"] == order["order_no"]
    assert draft["order"]["extract_code"] is None


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("title", "长" * 31, "30"),
        ("category", "吐槽", "表扬"),
        ("phone", "没有", "数字"),
        ("department", "某某局", "街道办"),
        ("urgent", None, "紧急"),
        ("plate", "川" * 90, "过长"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_in_words_for_the_agent(shared_desk, field, value, said):
    newest = shared_desk.newest
    answer = put(shared_desk.browser("agent"), field, value)
    assert (answer.status_code, answer.json()["type"]) == (422, "value-not-allowed")
    assert said in answer.json()["detail"]
    assert [row.kind for row in shared_desk.rows() if row.seq > newest] == ["logged_in"]


def test_a_field_that_is_none_is_told_those_that_are(shared_desk):
    answer = put(shared_desk.browser("agent"), "colour", "红")
    assert answer.status_code == 422
    assert "title" in answer.text
    assert shared_desk.browser("agent").ask("DELETE", f"{DRAFT}/colour").status_code == 422


def test_nothing_can_be_edited_or_accepted_of_a_call_that_does_not_exist(shared_desk):
    agent = shared_desk.browser("agent")
    assert put(agent, "title", "x", "/api/calls/none/draft").json()["type"] == "no-such-call"
    assert agent.ask("DELETE", "/api/calls/none/draft/title").json()["type"] == "no-such-call"
    assert agent.ask("POST", "/api/calls/none/accept").json()["type"] == "no-draft"


def test_an_accepted_draft_has_its_order_and_is_closed_to_everybody(desk):
    agent, admin = desk.browser("agent"), desk.browser("administrator")
    order = agent.ask("POST", ACCEPT).json()
    assert order["agent"] == "话务员"
    assert agent.ask("POST", ACCEPT).json() == order, "asked again it is the same"
    page = agent.http.get(PAGE).json()
    assert page["draft"]["order"] == order
    assert page["call"]["order_no"] == order["order_no"]
    for answer in (
        put(agent, "title", "别的"),
        agent.ask("DELETE", f"{DRAFT}/title"),
        admin.ask("POST", ACCEPT),
    ):
        assert (answer.status_code, answer.json()["type"]) == (409, "accepted")
    assert order["order_no"] in admin.ask("POST", ACCEPT).json()["detail"]


def test_an_order_that_would_say_nothing_is_not_made(desk):
    agent = desk.browser("agent")
    put(agent, "title", None)
    put(agent, "category", None)
    answer = agent.ask("POST", ACCEPT)
    assert (answer.status_code, answer.json()["type"]) == (409, "incomplete")
    assert "标题、类别" in answer.json()["detail"]
    assert desk.rows("order_drafted") == []


def test_the_extraction_code_is_in_no_ledger_row(desk):
    order = desk.browser("agent").ask("POST", ACCEPT).json()
    assert all(order["extract_code"] not in (row.payload or "") for row in desk.rows())
    (row,) = desk.rows("order_drafted")
    assert json.loads(row.payload)["order_no"] == order["order_no"]


def test_the_choices_are_those_that_are_accepted(shared_desk):
    agent = shared_desk.browser("agent")
    choices = agent.http.get("/api/choices").json()
    assert "抚琴街道" in choices["streets"]["金牛区"]
    for field in ("category", "topic", "district", "department", "handover", "wish"):
        assert put(agent, field, choices[field][-1]).status_code == 200


def test_other_pages_are_told_of_edits_and_of_the_order(live_desk):
    live_desk.hear(["金牛区", "路灯", "坏了"])

    async def story() -> None:
        async with serving(live_desk) as served, served.page("agent", watch=CALL) as page:
            await page.next("ready")
            browser = live_desk.browser("administrator")
            put(browser, "address", "花牌坊街 8 号")
            order = browser.ask("POST", ACCEPT).json()
            while page.seen[-1].get("kind") != "order_drafted":
                await page.next("record")
            told = {message["kind"]: message for message in page.seen if message["type"] == "record"}
            edited = told["draft_edited"]["draft"]
            assert edited["fields"]["address"]["value"] == "花牌坊街 8 号"
            assert edited["seq"] == told["draft_edited"]["seq"]
            assert told["order_drafted"]["draft"]["order"] == order
            assert told["order_drafted"]["call"]["order_no"] == order["order_no"]

    play(story)


def test_a_page_on_another_call_hears_of_an_edit_but_not_what_it_says(live_desk):
    live_desk.hear(["金牛区", "路灯", "坏了"])

    async def story() -> None:
        async with serving(live_desk) as served, served.page("leader") as page:
            await page.next("ready")
            put(live_desk.browser("agent"), "address", "花牌坊街 8 号")
            await until(lambda: live_desk.feed.seq >= live_desk.newest)
            while page.seen[-1].get("kind") != "draft_edited":
                await page.next("record")
            assert page.seen[-1]["draft"] is None
            assert "花牌坊街" not in json.dumps(page.seen, ensure_ascii=False)

    play(story)
