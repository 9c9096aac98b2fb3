"""Whatever is sent to the desk, it answers with a problem that says what is wrong, and goes on."""

import json

import pytest

from agent_desk.pages import BODY_BYTES

CALL = "/api/calls/20261122-151805-0abcd"
PROBLEM = "application/problem+json"
LOGIN = {"content-type": "application/json"}


def problem(answer, status: int) -> dict:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    assert answer.json()["status"] == status
    assert answer.json()["title"]
    return answer.json()


@pytest.mark.parametrize("size", [BODY_BYTES + 1, 10 * BODY_BYTES])
def test_a_body_that_is_too_long_is_refused_by_its_length(shared_desk, size):
    problem(shared_desk.stranger().post("/api/session", content=b" " * size, headers=LOGIN), 413)


def test_a_body_without_a_length_is_refused_when_it_has_grown_too_long(shared_desk):
    sent = []

    def pieces():
        for _ in range(200):
            sent.append(1024)
            yield b" " * 1024

    problem(shared_desk.stranger().post("/api/session", content=pieces(), headers=LOGIN), 413)
    assert sum(sent) <= 200 * 1024


def test_a_body_in_pieces_that_is_short_enough_is_read(shared_desk):
    body = json.dumps({"name": "agent", "password": shared_desk.password}).encode()
    answer = shared_desk.stranger().post(
        "/api/session", content=(body[n : n + 1] for n in range(len(body))), headers=LOGIN
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("length", ["-1", "x", "1e9", "", "99999999999999999999"])
def test_a_length_that_is_none_is_refused(shared_desk, length):
    headers = {**LOGIN, "content-length": length}
    problem(shared_desk.stranger().post("/api/session", content=b"{}", headers=headers), 413)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe", b'{"name": "agent"}', b'{"name": null, "password": null}',
     b'{"name": ["agent"], "password": {}}', b'{"name": "agent\\u0000", "password": "x"}',
     b'{"name": "agent", "password": ""}', b'{"name": "\\ud800", "password": "x"}',
     b'{"name": "agent", "password": "\\ud800"}', b'{"name": 1e999, "password": NaN}'],
    ids=["empty", "cut short", "null", "a list", "a text", "not UTF-8", "half", "nulls", "other types", "NUL",
         "no password", "half a character as name", "half a character as password", "no numbers"],
)  # fmt: skip
def test_a_body_that_does_not_fit_is_told_so_without_repeating_it(shared_desk, body):
    newest = shared_desk.newest
    told = problem(shared_desk.stranger().post("/api/session", content=body, headers=LOGIN), 422)
    assert told["type"] == "invalid"
    assert all(one["field"] and one["message"] for one in told["errors"])
    assert shared_desk.newest == newest


def test_a_body_that_is_too_deep_to_read_is_refused(shared_desk):
    problem(shared_desk.stranger().post("/api/session", content=b"[" * 60_000, headers=LOGIN), 400)


def test_a_password_that_does_not_fit_is_not_repeated(shared_desk):
    secret = "a-very-secret-" + "x" * 200
    answer = shared_desk.stranger().post("/api/session", json={"name": "agent", "password": secret})
    problem(answer, 422)
    assert "very-secret" not in answer.text


def test_a_body_of_another_kind_is_refused(shared_desk):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        headers = {"content-type": kind}
        answer = shared_desk.stranger().post("/api/session", content=b"name=agent&password=x", headers=headers)
        problem(answer, 422)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/calls?limit=0", 422),
        ("/api/calls?limit=201", 422),
        ("/api/calls?limit=x", 422),
        ("/api/calls?day=2026-13-01", 422),
        ("/api/calls?day=0001-01-01", 422),
        ("/api/calls?day=9999-12-31", 422),
        ("/api/calls?state=both", 422),
        ("/api/calls?urgent=perhaps", 422),
        ("/api/calls?before=never-was", 404),
        ("/api/calls?before=%00", 422),
        ("/api/calls?before=" + "x" * 65, 422),
        (f"{CALL}/peaks?stretches=0", 422),
        (f"{CALL}/peaks?stretches=8001", 422),
        ("/api/calls/never-was", 404),
        ("/api/calls/%00", 422),
        ("/api/calls/..%2f..%2fetc", 404),
        ("/api/calls/'%20OR%20'1'='1", 422),
        ("/api/calls/" + "x" * 65, 422),
        ("/api/calls/%E8%B7%AF", 422),
    ],
)
def test_an_address_that_does_not_fit_is_told_so(shared_desk, path, status):
    problem(shared_desk.browser().http.get(path), status)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/api/nothing", "/api/", "/api/calls/x/y/z", "/api/../api/nothing", "/api/%2e%2e/x"])
def test_nothing_lies_at_other_addresses_of_the_api(shared_desk, method, path):
    told = problem(shared_desk.browser().ask(method, path), 404)
    assert told["type"] in ("no-such-thing", "about:blank")


def test_an_address_is_not_guessed_to_be_another(shared_desk):
    problem(shared_desk.browser().http.get("/api/calls/", follow_redirects=False), 404)


@pytest.fixture
def built(tmp_path, monkeypatch, make_desk):
    """A desk whose browser part is built, with a secret beside it."""
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<title>desk</title>")
    (static / "assets" / "app.js").write_text("1")
    (tmp_path / "secret.txt").write_text("secret")
    (static / "secret.txt").write_text("secret")
    monkeypatch.setattr("agent_desk.pages.BUILT", static)
    desk = make_desk()
    yield desk
    desk.close()


OUT = [
    "../secret.txt",
    "../../secret.txt",
    "..%2fsecret.txt",
    "%2e%2e/secret.txt",
    "%2e%2e%2f%2e%2e%2fsecret.txt",
    "..%5c..%5csecret.txt",
    "....//secret.txt",
    "/etc/passwd",
    "//etc/passwd",
    "%00",
    "a%00b",
    "x" * 5000,
]


@pytest.mark.parametrize("way", OUT)
def test_no_address_leads_out_of_the_built_files(built, way):
    client = built.stranger()
    for folder in ("/assets/", "/"):
        answer = client.get(folder + way)
        assert answer.status_code in (200, 404)
        assert "secret" not in answer.text
        assert "root:" not in answer.text
        if answer.status_code == 200:
            assert answer.text == "<title>desk</title>"


def test_every_page_comes_with_headers_that_guard_it(built):
    client = built.stranger()
    for path in ("/", "/calls/1", "/assets/app.js", "/assets/none.js", "/api/health", "/api/nothing", "/favicon.svg"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert (headers.get("cache-control") == "no-store") is path.startswith("/api/")
    assert client.get("/calls/1").text == "<title>desk</title>"
    assert client.get("/").headers["cache-control"] == "no-cache"


def test_pages_that_are_not_built_say_how_to_build_them(tmp_path, monkeypatch, shared_desk):
    monkeypatch.setattr("agent_desk.pages.BUILT", tmp_path)
    answer = shared_desk.stranger().get("/")
    assert answer.status_code == 503
    assert "make setup" in answer.text


HTML = """<script>alert(1)</script><img src=x onerror="alert('1')">&amp;{{7*7}}"""


def test_what_looks_like_html_comes_out_as_it_was_said_and_as_json(desk):
    desk.answer("c-2", caller=HTML, caller_name=HTML)
    desk.hear(["金牛区", HTML], "c-2")
    answer = desk.browser("agent").http.get("/api/calls/c-2")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    page = answer.json()
    assert page["utterances"][0]["text"] == f"金牛区{HTML}"
    assert page["utterances"][0]["words"][1]["text"] == HTML
    assert (page["call"]["caller"], page["call"]["caller_name"]) == (HTML, HTML)


def test_a_database_that_is_busy_is_told_as_that_and_looking_goes_on(desk, busy):
    browser = desk.browser()
    with busy(desk):
        for method, path, body in (
            ("POST", "/api/session", {"name": "agent", "password": desk.password}),
            ("PATCH", "/api/accounts/leader", {"role": "agent"}),
            ("POST", "/api/accounts/leader/password", None),
        ):
            answer = browser.ask(method, path, body)
            assert problem(answer, 503)["type"] == "database-away"
            assert int(answer.headers["retry-after"]) > 0
            assert "locked" not in answer.text
        assert browser.http.get("/api/calls").status_code == 200
    assert browser.ask("PATCH", "/api/accounts/leader", {"role": "agent"}).status_code == 200


def test_a_fault_of_ours_says_nothing_of_how_we_are_made_and_logs_nobodys_words(desk, monkeypatch, capfd):
    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr("agent_desk.calls.queries.page", broken)
    browser = desk.browser()
    answer = browser.http.get("/api/calls")
    assert problem(answer, 500)["type"] == "fault"
    logged = "".join(capfd.readouterr())
    assert "request failed" in logged
    assert "secret" not in answer.text + logged


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "display_name": "甲", "role": "agent"},
        {"name": "Agent", "display_name": "甲", "role": "agent"},
        {"name": "a\n", "display_name": "甲", "role": "agent"},
        {"name": "ab\n", "display_name": "甲", "role": "agent"},
        {"name": "../x", "display_name": "甲", "role": "agent"},
        {"name": "fine", "display_name": "", "role": "agent"},
        {"name": "fine", "display_name": "a\nb", "role": "agent"},
        {"name": "fine", "display_name": "甲" * 65, "role": "agent"},
        {"name": "fine", "display_name": "甲", "role": "Agent"},
        {"name": "fine", "display_name": "甲", "role": "agent\n"},
        {"name": "fine", "display_name": "甲", "role": "god"},
    ],
)
def test_an_account_that_does_not_fit_is_not_made(shared_desk, body):
    newest = shared_desk.newest
    administrator = shared_desk.browser()
    problem(administrator.ask("POST", "/api/accounts", body), 422)
    assert shared_desk.newest == newest + 1  # the login


def test_a_name_is_given_once(shared_desk):
    body = {"name": "leader", "display_name": "甲", "role": "agent"}
    assert problem(shared_desk.browser().ask("POST", "/api/accounts", body), 409)["type"] == "name-taken"


def test_an_account_that_never_was_is_told_so(shared_desk):
    administrator = shared_desk.browser()
    assert problem(administrator.ask("PATCH", "/api/accounts/nobody", {}), 404)["type"] == "no-such-account"
    assert problem(administrator.ask("POST", "/api/accounts/nobody/password"), 404)["type"] == "no-such-account"
