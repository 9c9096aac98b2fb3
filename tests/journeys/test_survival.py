"""Whatever dies, the caller stays, the tape runs, and afterwards nothing is missing (issue: kill -9 in turn)."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable

import pytest
from rawphone import RawPhone
from stack import RATE_HZ, Stack, power, tone, until

from asr_models import voice
from hotline.db.models import position
from hotline.doctor import cards
from hotline.records.ledger import OUTBOX
from hotline.settings import Settings
from ivr.citizen import Result, Script, send_citizen
from ivr.client import CardClient
from recordings import vault

FIRST, SECOND = "武侯区人民南路的路灯坏了", "成华区的垃圾没有人清理"
PAUSE = bytes(2 * RATE_HZ * 3)


class Caller(threading.Thread):
    """A citizen on the line while the test does its worst."""

    def __init__(self, script: Script) -> None:
        super().__init__()
        self.script = script
        self.result: Result | None = None
        self.start()

    def run(self) -> None:
        self.result = asyncio.run(send_citizen(self.script))

    def outcome(self) -> Result:
        self.join(120)
        assert self.result is not None
        return self.result


@pytest.fixture(scope="module")
def two_sentences() -> bytes:
    return voice.speak(FIRST) + PAUSE + voice.speak(SECOND)


NewStack = Callable[..., Stack]


def heard_first_words(stack: Stack) -> str:
    """Wait until the running call's first sentence is written down; give the call."""
    call = stack.books.until_call("connected")
    until("the first words", lambda: "路灯" in stack.books.transcript(call.call_id))
    return call.call_id


def test_the_ears_die_in_mid_call_and_what_they_missed_comes_from_the_tape(
    new_stack: NewStack, two_sentences: bytes
) -> None:
    stack = new_stack()
    caller = Caller(Script(to=stack.sip, pcm=two_sentences, polite=False))
    call_id = heard_first_words(stack)
    old = stack.kill("ears-0")
    assert caller.outcome().hung_up_by == "citizen", "the call went on"
    call = stack.books.until_closed(call_id)
    stack.until_restarted("ears-0", old)
    assert "路灯" in stack.books.transcript(call_id)
    assert "垃圾" in stack.books.transcript(call_id)
    assert "ears_missed" in stack.books.kinds(call_id)
    assert "hole_filled" in stack.books.kinds(call_id)
    assert stack.books.recording(call_id).samples / RATE_HZ == pytest.approx(call.seconds, abs=1.0)
    assert stack.books.verdict().whole


def test_the_line_service_dies_in_mid_call_and_adopts_the_call_again(new_stack: NewStack, two_sentences: bytes) -> None:
    stack = new_stack()
    caller = Caller(Script(to=stack.sip, pcm=two_sentences, polite=False))
    call_id = heard_first_words(stack)
    old = stack.kill("line")
    result = caller.outcome()
    stack.until_restarted("line", old)
    call = stack.books.until_closed(call_id)
    assert call.seconds == pytest.approx(result.seconds, abs=0.5)
    kinds = stack.books.kinds(call_id)
    assert kinds.count("call_ended") == kinds.count("tape_closed") == kinds.count("call_closed") == 1
    assert "垃圾" in stack.books.transcript(call_id)
    assert "ears_missed" not in kinds, "the card kept the words until somebody was there to write them down"
    assert stack.books.verdict().whole


def test_a_call_that_came_and_went_without_a_line_service_is_in_the_books_afterwards(new_stack: NewStack) -> None:
    stack = new_stack()
    pids = {stack.kill("line")}
    caller = Caller(Script(to=stack.sip, pcm=tone(1000, 2.0), polite=False))
    until("the line service is back", lambda: stack.pid("line") not in pids)
    result = caller.outcome()
    assert result.status == 200
    call = until("the call is known", lambda: stack.books.by_sip(result.sip_call_id))
    stack.books.until_closed(call.call_id)
    assert power(stack.books.tape(call.call_id)[:, 0], 1000) > 3000


def test_the_broker_dies_in_mid_call_and_every_row_is_published_afterwards(
    new_stack: NewStack, two_sentences: bytes
) -> None:
    stack = new_stack()
    caller = Caller(Script(to=stack.sip, pcm=two_sentences, polite=False))
    call_id = heard_first_words(stack)
    old = stack.kill("broker")
    caller.outcome()
    stack.books.until_closed(call_id)
    stack.until_restarted("broker", old)
    assert "垃圾" in stack.books.transcript(call_id)
    last = stack.books.verdict().rows
    until("the outbox is empty", lambda: published(stack) == last)


def published(stack: Stack) -> int:
    with stack.books.db.read() as session:
        return position(session, OUTBOX)


def test_a_card_dies_in_mid_call_its_tape_is_linked_and_the_other_cards_call_goes_on(
    new_stack: NewStack, two_sentences: bytes
) -> None:
    stack = new_stack(HOTLINE_CARDS="2")
    other_card = "sip:12345@" + sip_of(stack, 1)
    doomed = RawPhone(stack.sip)
    doomed.call()
    answered = time.time()
    spared = Caller(Script(to=other_card, pcm=two_sentences, polite=False))
    doomed.speak(voice.speak(FIRST) + tone(1000, 2.0))
    call = until("the doomed call is known", lambda: stack.books.by_sip(doomed.call_id))
    sent_seconds = time.time() - answered
    old = stack.kill("card-0")
    doomed.close()
    stack.until_restarted("card-0", old)
    closed = stack.books.until_closed(call.call_id)
    assert (closed.reason, closed.hung_up_by) == ("the card died", "card")
    recording = stack.books.recording(call.call_id)
    assert recording.state == "repaired"
    assert recording.samples / RATE_HZ >= sent_seconds - 0.5, "no second older than half a second is lost"
    assert recording.sha256 == vault.pcm_sha256(stack.books.recordings / recording.path)
    assert power(stack.books.tape(call.call_id)[:, 0][-RATE_HZ // 2 :], 1000) > 3000
    assert "路灯" in stack.books.transcript(call.call_id)
    assert spared.outcome().hung_up_by == "citizen"
    until("the other call is closed", lambda: [c for c in stack.books.calls() if c.card == "1" and c.state == "closed"])
    until("the marker is gone", lambda: not vault.open_tapes(stack.books.recordings))
    assert stack.books.verdict().whole
    # and the card takes calls again
    again = asyncio.run(send_citizen(Script(to=stack.sip, pcm=tone(1000, 1.0), polite=False)))
    assert again.status == 200


def sip_of(stack: Stack, card: int) -> str:
    status = asyncio.run(cards(Settings(var=stack.var)))
    return next(str(one["sip"]) for one in status if one["card"] == str(card))


def test_card_and_line_service_die_together_and_the_tape_finds_its_way_back(new_stack: NewStack) -> None:
    stack = new_stack()
    phone = RawPhone(stack.sip)
    line = stack.kill("line")
    phone.call()  # nobody writes this call down
    phone.speak(voice.speak(FIRST) + tone(1000, 1.0))
    until("the tape is marked open", lambda: vault.open_tapes(stack.books.recordings))
    card = stack.kill("card-0")
    phone.close()
    stack.until_restarted("line", line)
    stack.until_restarted("card-0", card)
    call = until("the call is known", lambda: stack.books.by_sip(phone.call_id))
    stack.books.until_closed(call.call_id)
    assert "路灯" in stack.books.transcript(call.call_id)
    until("the marker is gone", lambda: not vault.open_tapes(stack.books.recordings))


def test_the_whole_hotline_is_killed_and_the_next_start_closes_what_was_open(new_stack: NewStack) -> None:
    stack = new_stack()
    phone = RawPhone(stack.sip)
    phone.call()
    phone.speak(voice.speak(FIRST) + tone(1000, 1.0))
    call = until("the call is known", lambda: stack.books.by_sip(phone.call_id))
    for name in stack.processes():
        stack.kill(name)
    assert stack.process is not None
    stack.process.kill()
    stack.process.wait()
    phone.close()
    stack.start()
    stack.books.until_closed(call.call_id)
    assert stack.books.recording(call.call_id).state == "repaired"
    assert "路灯" in stack.books.transcript(call.call_id)
    assert stack.books.verdict().whole


def test_a_clean_stop_says_goodbye_and_closes_every_tape(new_stack: NewStack) -> None:
    stack = new_stack()
    caller = Caller(Script(to=stack.sip, pcm=tone(1000, 30.0), polite=False))
    call = stack.books.until_call("connected")
    assert stack.stop() == 0
    assert caller.outcome().hung_up_by == "hotline"
    row = stack.books.call(call.call_id)
    assert row.state in ("ended", "closed")
    assert stack.books.recording(call.call_id).state == "closed"
    stack.start()
    stack.books.until_closed(call.call_id)


def test_ears_that_hang_keep_no_other_call_open(new_stack: NewStack, two_sentences: bytes) -> None:
    """Stopped, not dead: they take connections and say nothing. What they owe is fetched when they come to."""
    stack = new_stack()
    caller = Caller(Script(to=stack.sip, pcm=two_sentences, polite=False))
    call_id = heard_first_words(stack)
    os.kill(stack.pid("ears-0"), signal.SIGSTOP)
    result = caller.outcome()
    assert result.hung_up_by == "citizen"
    until("the call is over", lambda: stack.books.call(call_id).state == "ended")
    os.kill(stack.pid("ears-0"), signal.SIGCONT)
    stack.books.until_closed(call_id)
    assert "垃圾" in stack.books.transcript(call_id)


def test_a_stop_while_two_legs_are_tied_is_a_clean_one(new_stack: NewStack) -> None:
    stack = new_stack()
    caller = Caller(Script(to=stack.sip, pcm=tone(1000, 30.0), polite=False))
    call = stack.books.until_call("connected")

    async def tie() -> None:
        client = await CardClient.connect(stack.card_socket())
        await client.ask("open_leg", leg="link", tied_to=call.call_id)
        await client.ask("join", leg=call.call_id, other="link")
        await client.close()

    asyncio.run(tie())
    assert stack.stop() == 0
    assert caller.outcome().hung_up_by == "hotline"
    assert "Assertion" not in stack.log
    assert stack.books.recording(call.call_id).state == "closed"
