"""Coming in and going out: a session is new each time, ends when it should, and its cookie stays in the browser."""

from datetime import timedelta

import pytest

from agent_desk.door import COOKIE
from hotline.accounts import service
from hotline.accounts.models import DeskSession
from hotline.clock import now, to_second

NEW = "a-new-Passphrase-7"


def sessions(desk) -> list[DeskSession]:
    with desk.db.read() as session:
        return session.query(DeskSession).all()


def is_in(browser) -> bool:
    return browser.http.get("/api/session").status_code == 200


def test_whoever_knows_the_password_comes_in_and_is_told_what_they_may(desk):
    answer = desk.log_in(desk.stranger())
    assert answer.status_code == 200
    me = answer.json()
    assert (me["name"], me["role"]) == ("agent", {"name": "agent", "title": "话务员"})
    assert me["permissions"] == ["listen", "take_calls", "watch_calls", "whole_numbers"]
    assert me["must_change_password"] is False
    assert [(row.actor, row.subject) for row in desk.rows("logged_in")] == [("account:agent", "account:agent")]


def test_a_name_may_be_typed_with_capitals_and_spaces(desk):
    assert desk.log_in(desk.stranger(), "  Agent ").status_code == 200


def test_the_cookie_stays_out_of_reach_of_scripts_and_other_sites(desk):
    cookie = desk.log_in(desk.stranger()).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie
    assert "secure" not in cookie
    assert "domain" not in cookie


def test_over_https_the_cookie_is_for_https_only(desk):
    assert "; secure" in desk.log_in(desk.stranger(scheme="https")).headers["set-cookie"].lower()


def test_the_database_does_not_hold_what_the_cookie_holds(desk):
    client = desk.stranger()
    desk.log_in(client)
    token = client.cookies[COOKIE]
    assert [one.token_hash for one in sessions(desk)] == [service.hash_of(token)]
    assert token not in str([vars(one) for one in sessions(desk)])


def test_each_login_begins_a_session_of_its_own(desk):
    tokens = set()
    for _ in range(3):
        client = desk.stranger()
        desk.log_in(client)
        tokens.add(client.cookies[COOKIE])
    assert len(tokens) == len(sessions(desk)) == 3


def test_a_cookie_that_somebody_planted_is_never_taken_over(desk):
    planted = "planted-by-somebody-who-would-then-know-it"
    client = desk.stranger()
    answer = desk.log_in(client, cookie=f"{COOKIE}={planted}")
    assert answer.status_code == 200
    assert answer.cookies[COOKIE] != planted
    assert client.get("/api/session", headers={"Cookie": f"{COOKIE}={planted}"}).status_code == 401


def test_logging_in_again_on_a_browser_ends_what_it_had(desk):
    other = desk.browser("leader")
    desk.log_in(other.http)
    assert other.http.get("/api/session", headers={"Cookie": other.cookie}).status_code == 401
    assert [one.account_name for one in sessions(desk)] == ["agent"]


def test_a_login_that_fails_leaves_the_session_of_the_browser_alone(desk):
    browser = desk.browser("leader")
    assert desk.log_in(browser.http, "agent", "wrong").status_code == 401
    assert is_in(browser)


def test_the_csrf_token_of_one_session_is_not_that_of_another(desk):
    first, second = desk.browser("agent"), desk.browser("agent")
    assert first.csrf != second.csrf
    assert first.ask("DELETE", "/api/session", **{"X-CSRF-Token": second.csrf}).status_code == 403
    assert is_in(first)


def test_logging_out_ends_this_browser_and_no_other(desk):
    here, elsewhere = desk.browser("agent"), desk.browser("agent")
    answer = here.ask("DELETE", "/api/session")
    assert answer.status_code == 204
    assert f'{COOKIE}=""' in answer.headers["set-cookie"]
    assert here.http.get("/api/session", headers={"Cookie": here.cookie}).status_code == 401
    assert is_in(elsewhere)
    assert len(desk.rows("logged_out")) == 1


def test_a_new_password_ends_the_other_browsers_and_keeps_this_one(desk):
    here, elsewhere = desk.browser("agent"), desk.browser("agent")
    answer = here.ask("PUT", "/api/session/password", {"current": desk.password, "new": NEW})
    assert answer.status_code == 200
    assert is_in(here)
    assert not is_in(elsewhere)
    assert desk.log_in(desk.stranger(), "agent", desk.password).status_code == 401
    assert desk.log_in(desk.stranger(), "agent", NEW).status_code == 200


def test_a_password_that_somebody_else_reset_ends_every_browser(desk):
    browsers = [desk.browser("agent"), desk.browser("agent")]
    administrator = desk.browser()
    reset = administrator.ask("POST", "/api/accounts/agent/password")
    assert reset.status_code == 200
    assert not any(is_in(browser) for browser in browsers)
    assert is_in(administrator)
    assert desk.log_in(desk.stranger(), "agent", desk.password).status_code == 401
    again = desk.log_in(desk.stranger(), "agent", reset.json()["one_time_password"])
    assert again.json()["must_change_password"] is True


def test_a_closed_account_is_out_at_once_and_stays_out(desk):
    browser, administrator = desk.browser("agent"), desk.browser()
    assert administrator.ask("PATCH", "/api/accounts/agent", {"active": False}).json()["active"] is False
    assert not is_in(browser)
    closed, unknown = desk.log_in(desk.stranger()), desk.log_in(desk.stranger(), "nobody")
    assert closed.status_code == unknown.status_code == 401
    assert closed.json() == unknown.json()
    assert administrator.ask("PATCH", "/api/accounts/agent", {"active": True}).status_code == 200
    assert not is_in(browser)
    assert desk.log_in(desk.stranger()).status_code == 200


def test_another_role_holds_from_the_next_request_on(desk):
    browser, administrator = desk.browser("agent"), desk.browser()
    assert browser.http.get("/api/calls").status_code == 200
    administrator.ask("PATCH", "/api/accounts/agent", {"role": "assessor"})
    assert browser.http.get("/api/calls").status_code == 403


def test_the_last_administrator_cannot_be_closed_or_made_another(desk):
    administrator = desk.browser()
    for change in ({"active": False}, {"role": "agent"}):
        answer = administrator.ask("PATCH", "/api/accounts/administrator", change)
        assert (answer.status_code, answer.json()["type"]) == (409, "last-administrator")
    assert administrator.ask("GET", "/api/accounts").status_code == 200


@pytest.mark.parametrize(
    ("unused", "old", "holds"),
    [
        (service.IDLE, service.IDLE, True),
        (service.IDLE + timedelta(seconds=1), service.IDLE + timedelta(seconds=1), False),
        (timedelta(), service.LONGEST, True),
        (timedelta(), service.LONGEST + timedelta(seconds=1), False),
    ],
)
def test_a_session_ends_when_it_was_not_used_for_long_or_has_lasted_too_long(desk, unused, old, holds):
    at = to_second(now())
    browser = desk.browser("agent", at=at - old)
    key = service.hash_of(browser.token)
    with desk.db.write() as session:
        session.get_one(DeskSession, key).seen_at = at - unused
    with desk.db.read() as session:
        assert (service.find_session(session, key, at) is not None) is holds


def test_a_session_in_use_is_kept_and_one_that_ran_out_is_refused_at_the_door(desk):
    used = desk.browser("agent", at=now() - service.IDLE + timedelta(minutes=5))
    assert is_in(used)  # which notes that it is in use
    with desk.db.read() as session:
        assert now() - session.get_one(DeskSession, service.hash_of(used.token)).seen_at < timedelta(minutes=1)
    assert not is_in(desk.browser("agent", at=now() - service.IDLE - timedelta(minutes=1)))


def test_sessions_that_ran_out_are_swept_when_somebody_logs_in(desk):
    desk.browser("agent", at=now() - service.LONGEST - timedelta(hours=1))
    desk.browser("leader")
    assert [one.account_name for one in sessions(desk)] == ["leader"]


def test_a_one_time_password_is_good_for_nothing_but_choosing_a_password(desk):
    password = desk.add_account("newcomer", "administrator")
    client = desk.stranger()
    me = desk.log_in(client, "newcomer", password).json()
    assert (me["must_change_password"], me["permissions"]) == (True, [])
    headers = {"X-CSRF-Token": me["csrf"]}
    for method, path in (
        ("GET", "/api/calls"),
        ("GET", f"/api/calls/{desk.call_id}"),
        ("GET", f"/api/calls/{desk.call_id}/peaks"),
        ("GET", f"/api/calls/{desk.call_id}/recording"),
        ("GET", "/api/accounts"),
        ("GET", "/api/accounts/roles"),
        ("POST", "/api/accounts/agent/password"),
    ):
        answer = client.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (403, "must-change-password"), path

    chosen = client.put("/api/session/password", json={"current": password, "new": NEW}, headers=headers)
    assert chosen.status_code == 200
    assert chosen.json()["must_change_password"] is False
    assert client.get("/api/calls").status_code == 200
    assert desk.log_in(desk.stranger(), "newcomer", password).status_code == 401


@pytest.mark.parametrize(
    "weak",
    ["short-1x", "x" * 201, "aaaabbbbccccdddd", "my-Agent-password", "Correct-Horse-9"],
    ids=["too short", "too long", "the same few characters", "holds the name", "the old one"],
)
def test_a_weak_password_is_refused_and_the_old_one_goes_on(desk, weak):
    browser = desk.browser("agent")
    answer = browser.ask("PUT", "/api/session/password", {"current": desk.password, "new": weak})
    assert answer.status_code == 422
    assert desk.log_in(desk.stranger(), "agent", desk.password).status_code == 200
    assert desk.rows("password_changed") == []


def test_whoever_sits_down_at_an_open_browser_cannot_set_a_password_without_the_old_one(desk):
    browser = desk.browser("agent")
    tries = [browser.ask("PUT", "/api/session/password", {"current": f"guess {n}", "new": NEW}) for n in range(6)]
    assert [one.status_code for one in tries] == [403] * 5 + [429]
    assert {one.json()["type"] for one in tries[:5]} == {"wrong-password"}
    assert desk.rows("password_changed") == []


def test_no_answer_and_no_row_ever_holds_a_password(desk):
    administrator = desk.browser()
    made = administrator.ask("POST", "/api/accounts", {"name": "li.si", "display_name": "李四", "role": "agent"})
    assert made.status_code == 201
    desk.log_in(desk.stranger(), "li.si", "what-was-typed-wrong")
    kept = "".join(f"{row.subject} {row.payload}" for row in desk.rows())
    assert made.json()["one_time_password"] not in kept
    assert "what-was-typed-wrong" not in kept
    assert desk.password not in administrator.ask("GET", "/api/accounts").text
    assert "argon2" not in administrator.ask("GET", "/api/accounts").text + kept
