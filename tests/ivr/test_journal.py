"""What happened on a card is told until somebody has said that he knows."""

from __future__ import annotations

import asyncio
import json

from ivr.journal import Journal


class Listener:
    """Stands where a commander's connection would be."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []
        self.unread_bytes = 0
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.lines.append(json.loads(data))

    def is_closing(self) -> bool:
        return False

    @property
    def transport(self) -> Listener:
        return self

    def get_write_buffer_size(self) -> int:
        return self.unread_bytes

    def abort(self) -> None:
        self.aborted = True


def told(listener: Listener) -> list[object]:
    return [line.get("n") for line in listener.lines]


def test_a_commander_that_comes_back_is_told_what_it_had_not_acknowledged() -> None:
    journal, first, second = Journal(), Listener(), Listener()
    journal.subscribe(first)  # type: ignore[arg-type]
    for event in ("answered", "connected", "ended"):
        journal.fact({"event": event})
    journal.acknowledge(1)
    journal.unsubscribe(first)  # type: ignore[arg-type]
    journal.fact({"event": "tape_closed"})
    journal.subscribe(second)  # type: ignore[arg-type]
    assert told(first) == [1, 2, 3]
    assert told(second) == [2, 3, 4]


def test_the_momentary_is_told_to_who_is_there_and_never_again() -> None:
    journal, early, late = Journal(), Listener(), Listener()
    journal.subscribe(early)  # type: ignore[arg-type]
    journal.momentary({"event": "words"})
    journal.subscribe(late)  # type: ignore[arg-type]
    assert len(early.lines) == 1
    assert late.lines == []
    assert len(journal) == 0


def test_with_nobody_to_acknowledge_the_oldest_go_and_are_counted() -> None:
    journal = Journal(keep=2)
    for _ in range(5):
        journal.fact({"event": "key"})
    assert (len(journal), journal.lost) == (2, 3)


def test_the_last_acknowledgement_lets_a_stopping_card_go() -> None:
    async def story() -> None:
        journal = Journal()
        journal.subscribe(Listener())  # type: ignore[arg-type]
        journal.fact({"event": "ended"})
        waiting = asyncio.create_task(journal.until_read(timeout_seconds=60))
        await asyncio.sleep(0)
        assert not waiting.done()
        journal.acknowledge(1)
        await waiting

    asyncio.run(story())


def test_a_commander_that_reads_no_more_is_let_go_and_may_come_again() -> None:
    journal, stopped, again = Journal(), Listener(), Listener()
    journal.subscribe(stopped)  # type: ignore[arg-type]
    stopped.unread_bytes = 100 * 1024 * 1024
    journal.fact({"event": "key"})
    assert stopped.aborted
    assert stopped.lines == []
    journal.subscribe(again)  # type: ignore[arg-type]
    assert told(again) == [1]
