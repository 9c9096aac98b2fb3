"""A citizen dials, is answered, speaks and hangs up; the hotline keeps it all."""

from __future__ import annotations

import asyncio
import json
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import SENTENCE
from rawphone import RawPhone
from stack import RATE_HZ, Stack, power, tone, until

from hotline import bus
from ivr.citizen import Result, Script, send_citizen


def citizen(script: Script) -> Result:
    return asyncio.run(send_citizen(script))


def test_a_gas_leak_told_on_the_phone_becomes_words_an_urgent_draft_and_a_tape(shared_stack: Stack) -> None:
    outcome = shared_stack.asked("call", "--text", SENTENCE)
    assert outcome["status"] == 200
    assert outcome["answer_ms"] is not None
    assert "金牛区" in outcome["transcript"]
    assert "燃气" in outcome["transcript"]
    assert outcome["draft"]["district"] == "金牛区"
    assert outcome["draft"]["category"] == "求助"
    assert outcome["draft"]["urgent"] is True
    with wave.open(outcome["recording"]) as tape:
        assert tape.getnchannels() == 2
        assert tape.getnframes() / tape.getframerate() == pytest.approx(outcome["seconds"], abs=1.0)
    # every value says where in the speech it came from, and the words are there on the tape
    span = outcome["draft"]["spans"]["district"]
    assert outcome["spoke_at"] - 0.5 <= span["start"] < span["end"] <= outcome["seconds"]


def test_the_ledger_tells_the_whole_call_in_order_and_verifies(shared_stack: Stack) -> None:
    call_id = shared_stack.asked("call", "--text", "路灯坏了", "--barge-in")["call_id"]
    kinds = [row["kind"] for row in shared_stack.asked("show", call_id)]
    story = ["call_answered", "tape_started", "call_connected", "call_ended", "tape_closed", "call_closed"]
    assert [kind for kind in kinds if kind in story] == story
    assert kinds.index("draft_completed") < kinds.index("call_closed")
    assert shared_stack.command("records", "verify").returncode == 0
    listed = {row["call_id"]: row for row in shared_stack.asked("calls")}
    assert listed[call_id]["state"] == "closed"
    assert listed[call_id]["caller"] == "138****8000"  # a list is no place for whole numbers


def test_the_callers_tone_is_in_the_left_channel_only_and_the_greeting_in_the_right(
    shared_stack: Stack, tmp_path: Path
) -> None:
    heard_file = tmp_path / "heard.wav"
    result = citizen(Script(to=shared_stack.sip, pcm=tone(1000, 3.0), hear=str(heard_file)))
    call = until("the call is known", lambda: shared_stack.books.by_sip(result.sip_call_id))
    shared_stack.books.until_closed(call.call_id)
    tape = shared_stack.books.tape(call.call_id)
    assert result.spoke_at is not None
    spoken = slice(int((result.spoke_at + 0.5) * RATE_HZ), int((result.spoke_at + 2.5) * RATE_HZ))
    assert power(tape[spoken, 0], 1000) > 4000
    assert power(tape[:, 1], 1000) < 20
    greeting, _ = soundfile.read(shared_stack.var / "prompts" / "greeting.wav", dtype="int16")
    heard, _ = soundfile.read(heard_file, dtype="int16")
    assert share_found(heard, greeting) > 0.8, "the caller heard the greeting"
    assert share_found(tape[:, 1], greeting) == 1.0, "the tape has all that he was sent"
    assert share_found(tape[:, 0], greeting) == 0.0, "and his own channel nothing of it"


def share_found(sound: np.ndarray, wanted: np.ndarray) -> float:
    """Which share of the half seconds of ``wanted`` are somewhere in ``sound``.

    Piece by piece: a jitter buffer may stretch a pause, and then the whole matches nowhere.
    """
    size = RATE_HZ // 2
    pieces = [wanted[at : at + size] for at in range(0, len(wanted) - size, size)]
    audible = [piece for piece in pieces if np.abs(piece).mean() > 100]
    return sum(likeness(sound, piece) > 0.9 for piece in audible) / len(audible)


def likeness(sound: np.ndarray, wanted: np.ndarray) -> float:
    """How well ``wanted`` is found at the best place in ``sound``: 1 is the same up to loudness."""
    a, b = sound.astype(np.float64), wanted.astype(np.float64)
    size = 1 << (len(a) + len(b)).bit_length()
    match = np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)), size)[: len(a) - len(b)]
    energy = np.convolve(a * a, np.ones(len(b)), "valid")[: len(match)]
    return float(np.max(match / (np.sqrt(energy + 1e4 * len(b)) * np.linalg.norm(b))))


@pytest.mark.parametrize("keys_by", ["rfc4733", "info", "inband"])
def test_a_callers_keys_are_kept_however_the_phone_sends_them(shared_stack: Stack, keys_by: str) -> None:
    result = citizen(Script(to=shared_stack.sip, keys="19#", keys_by=keys_by, polite=False))
    call = until("the call is known", lambda: shared_stack.books.by_sip(result.sip_call_id))
    shared_stack.books.until_closed(call.call_id)
    pressed = shared_stack.books.payloads(call.call_id, "key_pressed")
    assert "".join(key["key"] for key in pressed) == "19#"
    assert {key["how"] for key in pressed} == {keys_by}


def test_a_silent_caller_is_kept_and_the_draft_says_what_is_missing(shared_stack: Stack) -> None:
    outcome = shared_stack.asked("call", "--linger", "3")
    assert outcome["status"] == 200
    tape = shared_stack.books.tape(outcome["call_id"])
    assert len(tape) / RATE_HZ == pytest.approx(outcome["seconds"], abs=1.0), "silence takes its time on tape"
    assert outcome["transcript"] == ""
    assert outcome["draft"]["district"] is None
    assert "district" in outcome["draft"]["missing"]


def test_the_number_dialled_and_where_it_was_diverted_from_are_kept(shared_stack: Stack) -> None:
    phone = RawPhone(shared_stack.sip, name="02885012345")
    answer = phone.invite(
        more="Diversion: <sip:96110@127.0.0.1>;reason=unconditional\r\n", display="王五".encode("gbk")
    )
    assert answer.status == 200
    phone.ack()
    phone.bye()
    phone.close()
    call = until("the call is known", lambda: shared_stack.books.by_sip(phone.call_id))
    assert (call.caller, call.called, call.diverted_from) == ("02885012345", "12345", "96110")
    assert call.caller_name == "王五"


def test_a_caller_who_holds_and_comes_back_is_still_heard(shared_stack: Stack) -> None:
    phone = RawPhone(shared_stack.sip)
    phone.call()
    phone.speak(tone(900, 1.0))
    phone.invite(phone.sdp(direction="sendonly"))
    phone.ack()
    phone.invite(phone.sdp(direction="sendrecv"))
    phone.ack()
    phone.speak(tone(1300, 1.0))
    phone.bye()
    phone.close()
    call = until("the call is known", lambda: shared_stack.books.by_sip(phone.call_id))
    shared_stack.books.until_closed(call.call_id)
    left = shared_stack.books.tape(call.call_id)[:, 0]
    assert power(left, 900) > 500
    assert power(left, 1300) > 500


def test_what_is_published_is_what_the_ledger_holds(shared_stack: Stack) -> None:
    """Ledger rows arrive on the bus, and words while they are spoken."""

    async def listen_to_a_call() -> tuple[str, list[bus.Message]]:
        url = (shared_stack.var / "run" / "broker.url").read_text().strip()
        subscribed = asyncio.Event()
        heard: list[bus.Message] = []

        async def collect() -> None:
            async for message in bus.subscribe(url, ["hotline/#"], on_subscribed=subscribed.set):
                heard.append(message)

        collecting = asyncio.create_task(collect())
        await subscribed.wait()
        outcome = await asyncio.to_thread(shared_stack.asked, "call", "--text", SENTENCE)

        def closed() -> bool:
            return any(m.topic.endswith("/call_closed") and m.payload["subject"] == outcome["call_id"] for m in heard)

        async with asyncio.timeout(60):
            while not closed():
                await asyncio.sleep(0.05)
        collecting.cancel()
        return outcome["call_id"], heard

    call_id, heard = asyncio.run(listen_to_a_call())
    published = [m.payload["kind"] for m in heard if m.payload.get("subject") == call_id]
    assert published == shared_stack.books.kinds(call_id)
    words = [m.payload["text"] for m in heard if m.topic == f"hotline/calls/{call_id}/words"]
    assert any("金牛区" in text for text in words)


def test_commands_that_ask_for_json_print_nothing_else(shared_stack: Stack) -> None:
    for command in (["calls"], ["doctor"], ["records", "verify"]):
        json.loads(shared_stack.command(*command, "--json").stdout)


def test_a_tape_is_transcribed_with_its_sides_apart(shared_stack: Stack) -> None:
    outcome = shared_stack.asked("call", "--text", SENTENCE)
    said = shared_stack.asked("transcribe", outcome["recording"])
    left = "".join(one["text"] for one in said if one["channel"] == 0)
    right = "".join(one["text"] for one in said if one["channel"] == 1)
    assert "金牛区" in left
    assert "热线" in right or "录音" in right, "the greeting is on the other side"
