"""No other site can make somebody's browser do something at the desk."""

import pytest
from starlette.websockets import WebSocketDisconnect

NEW = "a-new-Passphrase-7"
CHANGES = [
    ("DELETE", "/api/session", None),
    ("PUT", "/api/session/password", {"current": "Correct-Horse-9", "new": NEW}),
    ("POST", "/api/accounts", {"name": "intruder", "display_name": "甲", "role": "administrator"}),
    ("PATCH", "/api/accounts/leader", {"role": "administrator"}),
    ("POST", "/api/accounts/leader/password", None),
]
FORGED = {
    "no token": {"X-CSRF-Token": ""},
    "another token": {"X-CSRF-Token": "guessed"},
    "a token that is not ASCII": {"X-CSRF-Token": "猜".encode()},
    "from a foreign page": {"Origin": "https://evil.test"},
    "from a page of the same name on another port": {"Origin": "http://desk.test:8080"},
    "from a page of the same name over https": {"Origin": "https://desk.test"},
    "from a sandboxed page": {"Origin": "null"},
    "from another site": {"Sec-Fetch-Site": "cross-site"},
    "from a neighbour of the same site": {"Sec-Fetch-Site": "same-site"},
}


@pytest.fixture(scope="module")
def administrator(shared_desk):
    return shared_desk.browser()


@pytest.mark.parametrize("forgery", FORGED)
@pytest.mark.parametrize(("method", "path", "body"), CHANGES, ids=[f"{one[0]} {one[1]}" for one in CHANGES])
def test_a_forged_change_is_refused_and_changes_nothing(shared_desk, administrator, method, path, body, forgery):
    newest = shared_desk.newest
    answer = administrator.ask(method, path, body, **FORGED[forgery])
    assert answer.status_code == 403
    assert answer.json()["type"] in ("csrf", "foreign-origin")
    assert shared_desk.newest == newest
    assert administrator.http.get("/api/session").status_code == 200


@pytest.mark.parametrize("forgery", [name for name in FORGED if "token" not in name])
def test_nobody_is_logged_in_by_another_site(desk, forgery):
    newest = desk.newest
    answer = desk.log_in(desk.stranger(), **FORGED[forgery])
    assert (answer.status_code, answer.json()["type"]) == (403, "foreign-origin")
    assert "set-cookie" not in answer.headers
    assert desk.newest == newest


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://desk.test", "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "same-origin"}, {}],
    ids=["a browser", "a browser that hides where it is", "a program"],
)
def test_our_own_page_may(desk, headers):
    assert desk.log_in(desk.stranger(), **headers).status_code == 200
    assert desk.browser().ask("PATCH", "/api/accounts/leader", {"display_name": "王"}, **headers).status_code == 200


def test_a_page_on_another_port_of_ours_is_our_own(desk):
    client = desk.stranger()
    at = {"Host": "desk.test:12345", "Origin": "http://desk.test:12345"}
    assert desk.log_in(client, **at).status_code == 200


def test_looking_needs_no_token(shared_desk, administrator):
    assert administrator.http.get("/api/calls").status_code == 200


def test_no_other_site_is_given_leave_to_read(shared_desk, administrator):
    for method in ("GET", "OPTIONS"):
        answer = administrator.http.request(
            method, "/api/calls", headers={"Origin": "https://evil.test", "Access-Control-Request-Method": "GET"}
        )
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://desk.test.evil.test", "https://desk.test"])
def test_a_websocket_of_a_foreign_page_is_refused_before_it_is_accepted(shared_desk, administrator, origin):
    refused = administrator.http.websocket_connect("/api/live?after=0", headers={"Origin": origin})
    with pytest.raises(WebSocketDisconnect) as told, refused:
        pass
    assert told.value.code == 4403
    assert shared_desk.feed.pages == 0
