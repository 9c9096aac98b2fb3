"""Who looks into a call or listens to its tape is in the ledger; the tape comes whole, in ranges, or not at all."""

import threading
from datetime import timedelta

import pytest

from agent_desk import calls
from hotline.calls import queries
from hotline.events import Kind

CALL = "/api/calls/20261122-151805-0abcd"
TAPE, PEAKS = f"{CALL}/recording", f"{CALL}/peaks"


def path_of_tape(desk, path: str, state: str = "closed") -> None:
    with desk.db.write() as session:
        row = queries.recording(session, desk.call_id)
        row.path, row.state = path, state


def test_the_tape_comes_as_it_lies_in_the_vault(desk):
    answer = desk.browser("agent").http.get(TAPE)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.content == desk.tape()


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=44-", slice(44, None)),
        ("bytes=-8", slice(-8, None)),
        ("bytes=100-100", slice(100, 101)),
    ],
)
def test_a_part_of_the_tape_may_be_asked_for(desk, asked, part):
    whole = desk.tape()
    answer = desk.browser("agent").ask("GET", TAPE, Range=asked)
    assert answer.status_code == 206
    assert answer.content == whole[part]
    assert answer.headers["content-range"].endswith(f"/{len(whole)}")


def test_a_part_beyond_the_end_is_told_so(desk):
    answer = desk.browser("agent").ask("GET", TAPE, Range="bytes=999999999-")
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(desk.tape())}"
    assert desk.browser("agent").ask("GET", TAPE, Range="bytes=z-").status_code == 400


def test_listening_is_one_row_however_many_parts_are_asked_for(desk):
    browser = desk.browser("quality_inspector")
    for start in range(0, 1000, 100):
        assert browser.ask("GET", TAPE, Range=f"bytes={start}-{start + 99}").status_code == 206
    assert browser.http.get(TAPE).status_code == 200
    rows = desk.rows(Kind.RECORDING_HEARD)
    assert [(row.actor, row.subject) for row in rows] == [("account:quality_inspector", desk.call_id)]


def test_listening_is_one_row_when_the_parts_are_asked_for_all_at_once(desk):
    browser = desk.browser("agent")
    clients = [desk.stranger() for _ in range(8)]
    together, statuses = threading.Barrier(len(clients)), []

    def listen(client) -> None:
        together.wait()
        headers = {"Cookie": browser.cookie, "Range": "bytes=0-99"}
        statuses.append(client.get(TAPE, headers=headers).status_code)

    threads = [threading.Thread(target=listen, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [206] * len(clients)
    assert len(desk.rows(Kind.RECORDING_HEARD)) == 1


def test_everybody_who_listens_has_a_row_of_their_own(desk):
    for name in ("agent", "quality_inspector", "agent"):
        desk.browser(name).http.get(TAPE)
    assert [row.actor for row in desk.rows(Kind.RECORDING_HEARD)] == [
        "account:agent", "account:quality_inspector", "account:agent",
    ]  # fmt: skip


def test_who_listens_again_later_has_another_row(desk, monkeypatch):
    browser = desk.browser("agent")
    browser.http.get(TAPE)
    later = calls.now() + timedelta(minutes=calls.ACCESS_MINUTES, seconds=1)
    monkeypatch.setattr(calls, "now", lambda: later)
    browser.http.get(TAPE)
    assert len(desk.rows(Kind.RECORDING_HEARD)) == 2


def test_opening_a_call_is_one_row_and_not_part_of_its_story(desk):
    browser = desk.browser("leader")
    page = browser.http.get(CALL).json()
    assert browser.http.get(CALL).json()["timeline"] == page["timeline"]
    rows = desk.rows(Kind.CALL_OPENED)
    assert [(row.actor, row.subject) for row in rows] == [("account:leader", desk.call_id)]
    assert {moment["kind"] for moment in page["timeline"]}.isdisjoint({Kind.CALL_OPENED, Kind.RECORDING_HEARD})
    assert page["seq"] >= rows[0].seq


def test_a_role_that_may_not_listen_leaves_no_row(desk):
    for name in ("reviewer", "leader", "supervisor", "assessor"):
        for place in (TAPE, PEAKS):
            answer = desk.browser(name).http.get(place)
            assert answer.status_code == 403
    assert desk.rows(Kind.RECORDING_HEARD) == []


def test_what_cannot_be_logged_is_not_shown(desk, busy):
    browser = desk.browser("agent")
    with busy(desk):
        for place in (CALL, TAPE):
            answer = browser.http.get(place)
            assert (answer.status_code, answer.json()["type"]) == (503, "database-away")
    assert desk.rows(Kind.CALL_OPENED, Kind.RECORDING_HEARD) == []
    assert browser.http.get(CALL).status_code == 200
    assert len(desk.rows(Kind.CALL_OPENED)) == 1


@pytest.mark.parametrize("path", ["../secret.wav", "/etc/passwd", "2026/../../secret.wav", "", ".", "2026/11/22",
                                  "2026/11/22/gone.wav", "link.wav"])  # fmt: skip
def test_nothing_but_a_file_in_the_vault_is_ever_sent(desk, path):
    (desk.vault.parent / "secret.wav").write_bytes(desk.tape())
    (desk.vault / "link.wav").symlink_to(desk.vault.parent / "secret.wav")
    path_of_tape(desk, path)
    for place in (TAPE, PEAKS):
        answer = desk.browser("agent").http.get(place)
        assert (answer.status_code, answer.json()["type"]) == (404, "no-tape")
    assert desk.rows(Kind.RECORDING_HEARD) == []


def test_a_tape_that_still_runs_is_not_played(desk):
    path_of_tape(desk, f"2026/11/22/{desk.call_id}.wav", "open")
    for place in (TAPE, PEAKS):
        answer = desk.browser("agent").http.get(place)
        assert (answer.status_code, answer.json()["type"]) == (409, "tape-runs")


def test_a_call_without_a_tape_and_a_call_that_never_was_are_told_apart(desk):
    desk.tell("answered", "c-2", sip_call_id="s", caller="1", caller_name=None, called="12345",
              diverted_from=None, answer_ms=1.0)  # fmt: skip
    browser = desk.browser("agent")
    for part in ("recording", "peaks"):
        assert browser.http.get(f"/api/calls/c-2/{part}").json()["type"] == "no-tape"
        assert browser.http.get(f"/api/calls/c-3/{part}").json()["type"] == "no-such-call"
    assert browser.http.get("/api/calls/c-2").json()["recording"] is None


def test_a_file_that_is_no_tape_has_no_outline(desk):
    (desk.vault / f"2026/11/22/{desk.call_id}.wav").write_bytes(b"RIFF, or so it says" * 10)
    answer = desk.browser("agent").http.get(PEAKS)
    assert (answer.status_code, answer.json()["type"]) == (404, "no-tape")


def test_the_outline_shows_each_side_by_itself(desk):
    outline = desk.browser("agent").http.get(PEAKS, params={"stretches": 10}).json()
    assert outline == {"seconds": 4.0, "left": [0.5] * 10, "right": [0.0] * 10}


def test_the_outline_of_a_tape_that_was_repaired_is_drawn_anew(desk):
    browser = desk.browser("agent")
    assert browser.http.get(PEAKS).json()["seconds"] == 4.0
    desk.tape(frames=8000)
    assert browser.http.get(PEAKS).json()["seconds"] == 1.0
