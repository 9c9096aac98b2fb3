"""What a dead card leaves behind: every call ends truthfully and can be closed, whenever the card died."""

from __future__ import annotations

import fcntl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hotline.calls import queries, salvage, service
from hotline.calls.models import Call, CallLeg
from hotline.db import Database
from recordings import vault
from recordings.tape import Tape
from recordings.vault import OpenTape

CALL = "20261122-151500-0abcd"
BEGAN = datetime(2026, 11, 22, 7, 15, tzinfo=UTC)
DETAILS: dict[str, Any] = {
    "sip_call_id": "sip-1",
    "caller": "13800138000",
    "caller_name": None,
    "called": "12345",
    "diverted_from": None,
    "card": "0",
    "card_run": "0-old",
}


def fact(n: int, event: str, **fields: Any) -> dict[str, Any]:
    return {"n": n, "event": event, "at": BEGAN.timestamp() + n, "leg": CALL, **fields}


def told() -> list[dict[str, Any]]:
    """The facts of a whole call, as a card tells them."""
    return [
        fact(1, "answered", answer_ms=1.0, **DETAILS),
        fact(2, "tape_started", path="2026/11/22/" + CALL + ".wav", rate_hz=8000),
        fact(3, "connected"),
        fact(4, "ended", cause=200, reason="OK", seconds=2.0, hung_up_by="far end"),
        fact(5, "tape_closed", samples=16000, sha256="ab", lost_samples=0, filled_samples=0),
        fact(6, "ears_stopped", seconds=2.0),
    ]


def take(db: Database, facts: list[dict[str, Any]], run: str = "0-old") -> None:
    for one in facts:
        with db.write() as session:
            service.take(session, "0", run, one)


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """A vault with the call's tape: two seconds, left as a killed card leaves it."""
    root = tmp_path / "recordings"
    path = vault.tape_path(root, CALL, BEGAN)
    vault.mark_open(root, OpenTape(CALL, path.relative_to(root).as_posix(), BEGAN, DETAILS))
    tape = Tape(path)
    tape.write(bytes(32_000), bytes(32_000))
    tape.close()
    return root


@pytest.mark.parametrize("came", range(7))
def test_a_card_that_dies_after_any_of_its_facts_leaves_a_call_that_can_be_closed(
    db: Database, recordings: Path, came: int
) -> None:
    take(db, told()[:came])
    assert salvage.settle(db, recordings, "0", "0-new").ready == [CALL]
    with db.read() as session:
        call = session.get_one(Call, CALL)
        tape = queries.recording(session, CALL)
        assert call.state == "ended"
        assert call.seconds == pytest.approx(2.0)
        assert [leg.ears for leg in queries.legs(session, CALL)] == ["stopped"]
        assert tape is not None
        assert tape.state == ("closed" if came >= 5 else "repaired")
        assert tape.samples == 16000
        holes = [leg.holes for leg in queries.legs(session, CALL)]
        assert holes == ([[]] if came == 6 else [[[0.0, 2.0]]]), "what may have been said is owed from the tape"


def test_settling_twice_changes_nothing_more(db: Database, recordings: Path) -> None:
    take(db, told()[:3])
    salvage.settle(db, recordings, "0", "0-new")
    with db.read() as session:
        before = [row.hash for row in service.ledger.history(session, CALL)]
    salvage.settle(db, recordings, "0", "0-new")
    with db.read() as session:
        assert [row.hash for row in service.ledger.history(session, CALL)] == before


def test_a_call_of_the_cards_present_life_is_left_alone(db: Database, recordings: Path) -> None:
    take(db, told()[:3])
    assert salvage.settle(db, recordings, "0", "0-old").ready == []
    with db.read() as session:
        assert session.get_one(Call, CALL).state == "connected"


def test_a_fact_told_twice_is_written_once(db: Database) -> None:
    take(db, told() + told())
    with db.read() as session:
        kinds = [row.kind for row in service.ledger.history(session, CALL)]
    assert len(kinds) == len(set(kinds)) == 6


def test_a_tape_that_is_no_tape_costs_its_words_not_the_line_service(db: Database, recordings: Path) -> None:
    take(db, told()[:3])
    path = vault.tape_path(recordings, CALL, BEGAN)
    path.write_bytes(b"RIFFsomething else entirely that is long enough to be a header of its own")
    assert salvage.settle(db, recordings, "0", "0-new").ready == [CALL]
    with db.read() as session:
        assert session.get_one(Call, CALL).state == "ended"


def test_a_marker_left_after_the_closing_is_taken_away(db: Database, recordings: Path) -> None:
    take(db, told())
    with db.write() as session:
        session.get_one(Call, CALL).state = "closed"
    salvage.settle(db, recordings, "0", "0-new")
    assert vault.open_tapes(recordings) == []


@pytest.mark.parametrize(
    "strange",
    [
        fact(1, "sings"),
        fact(1, "answered"),
        fact(1, "heard", start=0.0, end=1.0, text="你好", confidence=1.0, words=[]),
        fact(1, "tape_started", path="x", rate_hz=8000),
    ],
)
def test_a_fact_that_cannot_be_read_is_kept_and_does_not_hold_up_the_next(
    db: Database, strange: dict[str, Any]
) -> None:
    take(db, [strange])
    take(db, [{**one, "n": one["n"] + 1} for one in told()])
    with db.read() as session:
        assert session.get_one(Call, CALL).state == "ended"
        assert "fact_unreadable" in [row.kind for row in service.ledger.history(session, CALL)]


def test_a_leg_whose_words_were_all_said_owes_nothing(db: Database, recordings: Path) -> None:
    said = fact(4, "heard", start=0.1, end=2.0, text="你好", confidence=1.0, words=[])
    take(db, [*told()[:3], said])
    salvage.settle(db, recordings, "0", "0-new")
    with db.read() as session:
        assert session.get_one(CallLeg, CALL).holes == []


def test_a_tape_that_is_still_being_written_is_settled_later_not_written_off(db: Database, recordings: Path) -> None:
    take(db, told()[:3])
    with vault.tape_path(recordings, CALL, BEGAN).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # as its writer holds it
        assert salvage.settle(db, recordings, "0", "0-new") == salvage.Settled([], [CALL])
    assert salvage.settle(db, recordings, "0", "0-new") == salvage.Settled([CALL], [])
    with db.read() as session:
        assert session.get_one(Call, CALL).seconds == pytest.approx(2.0)


def test_the_words_of_another_party_are_written_under_his_name_and_his_ears_are_waited_for(db: Database) -> None:
    agent = {"leg": "agent-1"}
    take(db, told()[:3])
    take(db, [fact(4, "listening", of=CALL, speaker="agent") | agent])
    take(db, [fact(5, "heard", start=1.0, end=2.0, text="请讲", confidence=1.0, words=[]) | agent])
    with db.read() as session:
        assert [(row.speaker, row.text) for row in queries.utterances(session, CALL)] == [("agent", "请讲")]
        assert {leg.leg_id: leg.ears for leg in queries.legs(session, CALL)} == {
            CALL: "listening",
            "agent-1": "listening",
        }
    take(db, [fact(6, "ears_stopped", seconds=1.0) | agent])
    with db.read() as session:
        assert session.get_one(CallLeg, "agent-1").ears == "stopped"
