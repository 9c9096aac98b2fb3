"""Guessing passwords comes to an end soon, tells nothing, and hinders nobody else."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from hotline.accounts import service
from hotline.accounts.models import LoginTry

AT = datetime(2026, 11, 22, 7, 18, 5, tzinfo=UTC)
HERE = service.TRIES["here"]


def test_after_five_wrong_tries_even_the_right_password_has_to_wait(desk):
    client = desk.stranger()
    for n in range(HERE):
        answer = desk.log_in(client, "agent", f"guess {n}")
        assert (answer.status_code, answer.json()["type"]) == (401, "wrong-password")
    answer = desk.log_in(client, "agent", desk.password)
    assert (answer.status_code, answer.json()["type"]) == (429, "too-many-tries")
    assert 0 < int(answer.headers["retry-after"]) <= service.TRY_WINDOW.total_seconds()
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(desk.rows("login_failed")) == HERE
    assert "set-cookie" not in answer.headers


def test_a_name_that_does_not_exist_is_answered_like_one_that_does(desk):
    def told(name):
        client = desk.stranger()
        answers = [desk.log_in(client, name, "guess") for _ in range(HERE + 1)]
        return [(one.status_code, one.json(), sorted(one.headers)) for one in answers]

    assert told("agent") == told("nobody")


def test_what_is_typed_as_a_name_that_does_not_exist_is_not_kept_in_the_ledger(desk):
    newest = desk.newest
    desk.log_in(desk.stranger(), "my-password-in-the-wrong-field", "guess")
    assert desk.newest == newest


def test_many_tries_at_once_are_no_more_than_the_limit(desk):
    clients = [desk.stranger() for _ in range(12)]
    together, statuses = threading.Barrier(len(clients)), []

    def guess(n: int) -> None:
        together.wait()
        statuses.append(desk.log_in(clients[n], "agent", f"guess {n}").status_code)

    threads = [threading.Thread(target=guess, args=(n,)) for n in range(len(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [401] * HERE + [429] * (len(clients) - HERE)


def test_slips_are_forgiven_with_the_right_password(desk):
    client = desk.stranger()
    for _ in range(2):
        for n in range(HERE - 1):
            assert desk.log_in(client, "agent", f"slip {n}").status_code == 401
        assert desk.log_in(client, "agent", desk.password).status_code == 200


def test_somebody_else_on_another_machine_is_not_hindered(desk):
    guesser = desk.stranger()
    for n in range(HERE):
        desk.log_in(guesser, "agent", f"guess {n}")
    assert desk.log_in(guesser, "agent", desk.password).status_code == 429
    assert desk.log_in(desk.stranger("192.0.2.2"), "agent", desk.password).status_code == 200
    assert desk.log_in(guesser, "leader", desk.password).status_code == 200


def test_a_success_under_another_name_does_not_forgive_the_guesses(desk):
    guesser = desk.stranger()
    for n in range(HERE):
        desk.log_in(guesser, "agent", f"guess {n}")
    assert desk.log_in(guesser, "leader", desk.password).status_code == 200
    assert desk.log_in(guesser, "agent", desk.password).status_code == 429


def test_the_address_a_stranger_claims_to_come_from_does_not_count(desk):
    client = desk.stranger()
    for n in range(HERE):
        desk.log_in(client, "agent", f"guess {n}", **{"X-Forwarded-For": f"198.51.100.{n}"})
    answer = desk.log_in(client, "agent", desk.password, **{"X-Forwarded-For": "198.51.100.99"})
    assert answer.status_code == 429


def tries(desk, count: int, at: datetime, name: str = "agent", address: str = "192.0.2.1") -> None:
    for _ in range(count):
        with desk.db.write() as session:
            service.note_try(session, name, address, at)


def test_the_wait_ends_with_the_window(desk):
    tries(desk, HERE, AT)
    with pytest.raises(service.TooManyTries) as told:
        tries(desk, 1, AT + timedelta(minutes=5))
    assert told.value.wait == service.TRY_WINDOW - timedelta(minutes=5)
    with pytest.raises(service.TooManyTries):
        tries(desk, 1, AT + service.TRY_WINDOW - timedelta(seconds=1))
    tries(desk, 1, AT + service.TRY_WINDOW + timedelta(seconds=1))


def test_tries_that_were_refused_do_not_lengthen_the_wait(desk):
    tries(desk, HERE, AT)
    for minute in range(10):
        with pytest.raises(service.TooManyTries):
            tries(desk, 1, AT + timedelta(minutes=minute))
    tries(desk, 1, AT + service.TRY_WINDOW + timedelta(seconds=1))


def test_one_address_that_tries_many_names_is_stopped_too(desk):
    for n in range(service.TRIES["address"]):
        tries(desk, 1, AT, name=f"name{n}")
    with pytest.raises(service.TooManyTries):
        tries(desk, 1, AT, name="agent")
    tries(desk, 1, AT, name="agent", address="192.0.2.2")


def test_one_name_tried_from_many_addresses_is_stopped_too(desk):
    for n in range(service.TRIES["name"]):
        tries(desk, 1, AT, address=f"2001:db8::{n:x}")
    with pytest.raises(service.TooManyTries):
        tries(desk, 1, AT, address="192.0.2.1")
    tries(desk, 1, AT, name="leader")


def test_old_tries_are_swept(desk):
    tries(desk, HERE, AT)
    tries(desk, 1, AT + 2 * service.TRY_WINDOW, name="leader")
    with desk.db.read() as session:
        assert session.query(LoginTry).count() == 1
