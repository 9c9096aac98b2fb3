"""Two people on two cards talk to each other, and the tape has both; sockets are legs like any other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hand import hand_on
from rawphone import RawPhone, RawPhoneThatAnswers
from stack import RATE_HZ, Stack, power, tone, until

from hotline.calls import queries
from hotline.calls.cards import Cards, LegAt
from hotline.doctor import cards as card_statuses
from hotline.settings import Settings
from ivr.citizen import Result, Script, send_citizen
from ivr.client import CardClient, CardRefused

NewStack = Callable[..., Stack]


def test_a_caller_on_one_card_and_an_agent_on_the_other_hear_each_other_on_tape(new_stack: NewStack) -> None:
    stack = new_stack(HOTLINE_CARDS="2")
    agent_phone = RawPhoneThatAnswers()

    async def story() -> Result:
        async with hand_on(stack, 0, 1) as hand:
            caller = asyncio.create_task(
                send_citizen(
                    Script(to=stack.sip, pcm=tone(1000, 12.0), polite=False, hear=str(stack.var / "caller-heard.wav"))
                )
            )
            call = await asyncio.to_thread(stack.books.until_call, "connected")
            await hand.ask("1", "dial", leg="agent-1", to=f"sip:agent@127.0.0.1:{agent_phone.port}")
            await hand.until_state("1", "agent-1", "connected")
            cards = Cards({str(card): stack.card_socket(card) for card in (0, 1)}, hand.clients)
            await cards.join(LegAt("0", call.call_id), LegAt("1", "agent-1"))
            await asyncio.to_thread(agent_phone.speak, tone(700, 3.0))
            result = await caller
            await hand.until_state("0", call.call_id, None)
            status = await hand.ask("0", "status")
            assert not status["legs"], "the link ended with the caller"
            await hand.ask("1", "hang_up", leg="agent-1")
            return result

    result = asyncio.run(story())
    call = until("the call is known", lambda: stack.books.by_sip(result.sip_call_id))
    stack.books.until_closed(call.call_id)
    tape = stack.books.tape(call.call_id)
    assert loudest(tape[:, 1], 700) > 3000, "the agent, on another card, is on the tape's right side"
    assert loudest(tape[:, 0], 700) < 300
    assert loudest(tape[:, 0], 1000) > 3000
    assert loudest(tape[:, 1], 1000) < 300, "and the caller does not hear himself (the greeting has a little of it)"
    assert loudest(np.frombuffer(agent_phone.heard(), dtype="<i2"), 1000) > 3000, "the agent heard the caller"
    agent_phone.close()


def loudest(samples: np.ndarray, hz: float) -> float:
    """The strongest second of ``hz``."""
    return max(power(samples[at : at + RATE_HZ], hz) for at in range(0, max(1, len(samples) - RATE_HZ), RATE_HZ // 2))


def test_a_socket_with_pcm_is_a_leg_and_its_words_are_on_the_callers_timeline(
    new_stack: NewStack, spoken: bytes
) -> None:
    stack = new_stack()

    async def story() -> tuple[str, bytes]:
        async with hand_on(stack, 0) as hand:
            caller = asyncio.create_task(send_citizen(Script(to=stack.sip, pcm=tone(1000, 14.0), polite=False)))
            call = await asyncio.to_thread(stack.books.until_call, "connected")
            voice = bytes(2 * 2 * RATE_HZ) + spoken + bytes(2 * RATE_HZ) + tone(500, 2.0)
            heard = await hand.speak_as_agent(stack, call.call_id, voice)
            await hand.until_state("0", "headset", None)
            await caller
            return call.call_id, heard

    call_id, heard = asyncio.run(story())
    stack.books.until_closed(call_id)
    assert loudest(stack.books.tape(call_id)[:, 1], 500) > 3000
    assert loudest(np.frombuffer(heard, dtype="<i2"), 1000) > 3000
    assert "legs_joined" in stack.books.kinds(call_id)
    with stack.books.db.read() as session:
        said = [row for row in queries.utterances(session, call_id) if row.speaker == "agent"]
    sentence = next(row for row in said if "金牛区" in row.text)
    assert sentence.start > 1.5, "after the two seconds of silence"
    assert sentence.end < stack.books.call(call_id).seconds


def test_the_same_sound_on_both_sides_is_written_to_the_same_samples(new_stack: NewStack) -> None:
    """Left and right share the bridge's clock: a caller who hears himself lies at one place on both channels."""
    stack = new_stack()
    noise = np.random.default_rng(7).integers(-8000, 8000, RATE_HZ * 3).astype("<i2").tobytes()

    async def story() -> str:
        async with hand_on(stack, 0) as hand:
            caller = asyncio.create_task(send_citizen(Script(to=stack.sip, pcm=noise, polite=False)))
            call = await asyncio.to_thread(stack.books.until_call, "connected")
            await hand.ask("0", "join", leg=call.call_id, other=call.call_id)
            await caller
            return call.call_id

    call_id = asyncio.run(story())
    stack.books.until_closed(call_id)
    tape = stack.books.tape(call_id).astype(np.float64)
    match = np.fft.irfft(np.fft.rfft(tape[:, 0]) * np.conj(np.fft.rfft(tape[:, 1])), len(tape))
    assert int(np.argmax(match)) == 0


def test_a_phone_that_never_answers_is_given_up_by_our_own_clock(new_stack: NewStack) -> None:
    stack = new_stack()
    silent = RawPhone("127.0.0.1:9")

    async def story() -> list[dict[str, Any]]:
        client = await CardClient.connect(stack.card_socket(0))
        to = f"sip:nobody@127.0.0.1:{silent.port}"
        await client.ask("dial", leg="duty-1", to=to, ring_seconds=1)
        with pytest.raises(CardRefused, match="exists already"):
            await client.ask("dial", leg="duty-1", to=to)
        async with asyncio.timeout(60):
            while (await client.ask("status"))["legs"]:
                await asyncio.sleep(0.05)
        await client.close()
        return stack.books.payloads("duty-1", "leg_ended")

    asyncio.run(story())
    ended = until("its end is in the books", lambda: stack.books.payloads("duty-1", "leg_ended"))
    assert ended[0]["hung_up_by"] == "no answer"
    assert ended[0]["cause"] != 408, "pjsip's own patience, 32 s, was not needed"
    silent.close()


def test_a_card_that_is_asked_nonsense_says_what_is_wrong_and_lives(shared_stack: Stack) -> None:
    async def story() -> None:
        reader, writer = await asyncio.open_unix_connection(shared_stack.card_socket(0))
        for line, said in (
            (b"hello\n", "not a message"),
            (b"[1]\n", "a message is a JSON object"),
            (b'{"id":1,"do":"fly"}\n', "unknown command 'fly'"),
            (b'{"id":2,"do":"dial","leg":"x"}\n', "dial needs 'to'"),
            (b'{"id":3,"do":"play","leg":"x","wav":"/nowhere.wav"}\n', "cannot be read as sound"),
            (b'{"id":4,"do":"hang_up","leg":"x"}\n', "no such leg: x"),
            (b'{"id":5,"do":"dial","leg":"x","to":"not an address"}\n', "cannot dial not an address"),
            (b'{"id":6,"do":"dial","leg":"x","to":"sip:duty@bureau.example"}\n', "with numbers, not a name"),
        ):
            writer.write(line)
            assert said in json.loads(await reader.readline())["error"]
        writer.close()

    asyncio.run(story())
    statuses = asyncio.run(card_statuses(Settings(var=shared_stack.var)))
    assert statuses[0]["callers"] == 0
