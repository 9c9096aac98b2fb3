"""Each role is let in where its row of the table says so, and nowhere else."""

import pytest
from fastapi.routing import APIRoute

from hotline.accounts.roles import ROLES, Permission

CALL_PATH = "/api/calls/20261122-151805-0abcd"
WATCH, TAKE = Permission.WATCH_CALLS, Permission.TAKE_CALLS
LISTEN, MANAGE = Permission.LISTEN, Permission.MANAGE_ACCOUNTS
NEWCOMER = {"name": "{role}-made", "display_name": "甲", "role": "agent"}

ROUTES = {
    # method and path as the OpenAPI document has them: (address, body, permission, answer to whoever may)
    ("GET", "/api/calls"): ("/api/calls", None, WATCH, 200),
    ("GET", "/api/calls/{call_id}"): (CALL_PATH, None, WATCH, 200),
    ("GET", "/api/calls/{call_id}/peaks"): (f"{CALL_PATH}/peaks", None, LISTEN, 200),
    ("GET", "/api/calls/{call_id}/recording"): (f"{CALL_PATH}/recording", None, LISTEN, 200),
    ("GET", "/api/choices"): ("/api/choices", None, WATCH, 200),
    ("PATCH", "/api/calls/{call_id}/draft"): (f"{CALL_PATH}/draft", {"field": "urgent", "value": True}, TAKE, 200),
    ("DELETE", "/api/calls/{call_id}/draft/{field}"): (f"{CALL_PATH}/draft/urgent", None, TAKE, 200),
    ("POST", "/api/calls/{call_id}/accept"): ("/api/calls/of-{role}/accept", None, TAKE, 200),
    ("GET", "/api/accounts"): ("/api/accounts", None, MANAGE, 200),
    ("GET", "/api/accounts/roles"): ("/api/accounts/roles", None, MANAGE, 200),
    ("POST", "/api/accounts"): ("/api/accounts", NEWCOMER, MANAGE, 201),
    ("PATCH", "/api/accounts/{name}"): ("/api/accounts/target", {"role": "leader"}, MANAGE, 200),
    ("POST", "/api/accounts/{name}/password"): ("/api/accounts/target/password", None, MANAGE, 200),
    ("GET", "/api/session"): ("/api/session", None, None, 200),
    ("PUT", "/api/session/password"): (
        "/api/session/password", {"current": "Correct-Horse-9", "new": "another-Passphrase-1"}, None, 200
    ),
    ("DELETE", "/api/session"): ("/api/session", None, None, 204),
}  # fmt: skip
FOR_ANYBODY = {("GET", "/api/health"), ("POST", "/api/session")}


@pytest.fixture(scope="module")
def role_desk(shared_desk):
    shared_desk.add_account("target")
    for role in ROLES:  # what one has accepted, another cannot
        shared_desk.answer(f"of-{role}")
        shared_desk.hear(["我家", "门口", "路灯", "坏了"], f"of-{role}")
    return shared_desk


def ask(browser, route, role="stranger"):
    address, body, _, _ = ROUTES[route]
    if body is NEWCOMER:
        body = {**body, "name": f"{role}-made"}
    return browser.ask(route[0], address.format(role=role), body)


def test_the_table_has_every_route_there_is(shared_desk):
    document = shared_desk.app.openapi()
    there = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert there == set(ROUTES) | FOR_ANYBODY
    hidden = {
        route.path
        for route in shared_desk.app.routes
        if isinstance(route, APIRoute) and not route.include_in_schema and route.path.startswith("/api")
    }
    assert hidden <= {"/api/{path:path}"}


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_what_its_permissions_say(role_desk, role, route):
    address, _, permission, answered = ROUTES[route]
    newest = role_desk.newest
    browser = role_desk.browser(role)
    answer = ask(browser, route, role)
    if permission is None or permission in ROLES[role].permissions:
        assert answer.status_code == answered, answer.text
    else:
        assert (answer.status_code, answer.json()["type"]) == (403, "not-permitted"), address
        assert [row.kind for row in role_desk.rows() if row.seq > newest] == ["logged_in"]


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
@pytest.mark.parametrize("cookie", ["", "hotline_session=made-up", "hotline_session=", "hotline_session=\x80\xff"])
def test_without_a_session_nobody_may_anything(role_desk, route, cookie):
    newest = role_desk.newest
    address, body, _, _ = ROUTES[route]
    headers = [(b"cookie", cookie.encode("latin-1")), (b"x-csrf-token", b"made-up")]
    answer = role_desk.stranger().request(route[0], address, json=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (401, "not-logged-in")
    assert role_desk.newest == newest


def test_health_is_for_everybody_and_speaks_of_nobody(shared_desk):
    answer = shared_desk.stranger().get("/api/health")
    assert answer.status_code == 200
    assert set(answer.json()) == {"status", "seq", "pages", "words_dropped", "pages_too_slow"}


def test_an_administrator_finds_everything_in_the_table_of_roles():
    assert ROLES["administrator"].permissions == set(Permission)
    assert {role for role, it in ROLES.items() if MANAGE in it.permissions} == {"administrator"}


def test_the_desk_names_the_roles_as_the_table_does(shared_desk):
    roles = shared_desk.browser().http.get("/api/accounts/roles").json()
    assert {one["name"]: one["title"] for one in roles} == {name: role.title for name, role in ROLES.items()}
