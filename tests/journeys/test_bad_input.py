"""Callers, operators and disks that misbehave: a clear error, at worst one card, and nobody else harmed."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from rawphone import RawPhone
from stack import RATE_HZ, Stack, power, tone, until

from asr_models import catalogue
from ivr.citizen import Result, Script, send_citizen

NewStack = Callable[..., Stack]


def citizen(stack: Stack, seconds: float = 1.0) -> Result:
    return asyncio.run(send_citizen(Script(to=stack.sip, pcm=tone(1000, seconds), polite=False)))


def still_answers(stack: Stack) -> None:
    """A citizen gets through now; his sound is on tape."""
    result = citizen(stack)
    assert result.status == 200
    call = until("the call is known", lambda: stack.books.by_sip(result.sip_call_id))
    stack.books.until_closed(call.call_id)
    assert power(stack.books.tape(call.call_id)[:, 0], 1000) > 1000


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """One hotline for all bad callers of this module, as in life."""
    made = Stack(tmp_path_factory.mktemp("bad")).start()
    yield made
    assert made.stop() == 0


def test_a_caller_without_a_codec_in_common_is_told_488(stack: Stack) -> None:
    phone = RawPhone(stack.sip)
    answer = phone.invite(phone.sdp("m=audio {port} RTP/AVP 3\r\na=rtpmap:3 GSM/8000\r\n"))
    assert answer.status == 488
    phone.ack()
    phone.close()
    still_answers(stack)


def test_an_address_of_254_characters_in_the_sdp_is_refused_and_kills_nothing(stack: Stack) -> None:
    card = stack.pid("card-0")
    phone = RawPhone(stack.sip)
    assert phone.invite(phone.sdp(address="a" * 250 + ".com")).status == 488
    phone.ack()
    phone.close()
    still_answers(stack)
    assert stack.pid("card-0") == card
    refused = stack.books.payloads("card:0", "call_refused")
    assert refused[-1]["sip_call_id"] == phone.call_id


def test_the_same_address_in_a_later_offer_is_refused_too_and_the_call_goes_on(stack: Stack) -> None:
    card = stack.pid("card-0")
    phone = RawPhone(stack.sip)
    phone.call()
    tag, contact = phone.to_tag, phone.contact
    assert phone.invite(phone.sdp(address="a" * 300)).status == 488
    phone.ack()
    phone.to_tag, phone.contact, phone.refused = tag, contact, False
    phone.speak(tone(1000, 0.5))
    phone.bye()
    phone.close()
    still_answers(stack)
    assert stack.pid("card-0") == card


def test_a_call_id_that_is_no_text_is_kept_readable_and_taped_like_any_other(stack: Stack) -> None:
    phone = RawPhone(stack.sip, call_id="caf\udce9-\udcff")
    phone.call()
    phone.speak(tone(1000, 1.0))
    phone.bye()
    phone.close()
    call = stack.books.until_call("closed")
    assert call.sip_call_id.startswith("caf")
    assert power(stack.books.tape(call.call_id)[:, 0], 1000) > 1000
    still_answers(stack)


def test_a_caller_who_sends_no_sound_at_all_is_kept(stack: Stack) -> None:
    phone = RawPhone(stack.sip)
    phone.call()
    call = until("the call is known", lambda: stack.books.by_sip(phone.call_id))
    until("the greeting was played to him", lambda: "prompt_ended" in stack.books.kinds(call.call_id))
    phone.bye()
    phone.close()
    closed = stack.books.until_closed(call.call_id)
    assert len(stack.books.tape(call.call_id)) / RATE_HZ == pytest.approx(closed.seconds, abs=1.0)


def test_a_card_asks_every_so_often_whether_the_phone_is_still_there(stack: Stack) -> None:
    """A phone that died says no BYE: its leg must not be held for ever (RFC 4028)."""
    phone = RawPhone(stack.sip)
    answer = phone.invite(more="Supported: timer\r\n")
    phone.ack()
    phone.bye()
    phone.close()
    assert answer.header("Session-Expires").startswith("180")


def test_a_refer_is_refused_and_nobody_is_dialled(stack: Stack) -> None:
    """Toll fraud: the default would dial the target at the city's cost."""
    target = RawPhone("127.0.0.1:9")
    phone = RawPhone(stack.sip)
    phone.call()
    phone.send(phone.request("REFER", more=f"Refer-To: <sip:rich@127.0.0.1:{target.port}>\r\n"))
    assert phone.answer("REFER").status == 603
    phone.speak(tone(1000, 0.5))
    phone.bye()
    target.sip.settimeout(0.5)
    with pytest.raises(TimeoutError):
        target.sip.recv(2048)
    phone.close()
    target.close()
    still_answers(stack)


def test_an_invite_that_would_replace_anothers_call_is_refused(stack: Stack) -> None:
    victim, thief = RawPhone(stack.sip), RawPhone(stack.sip)
    victim.call()
    replaces = f"Replaces: {victim.call_id};to-tag={victim.to_tag};from-tag={victim.tag}\r\nRequire: replaces\r\n"
    assert thief.invite(more=replaces).status >= 400
    thief.ack()
    victim.speak(tone(1000, 0.5))
    victim.bye()
    victim.close()
    thief.close()
    still_answers(stack)


def test_a_thousand_garbage_datagrams_disturb_nobody(stack: Stack) -> None:
    chance = random.Random(12345)
    card = stack.pid("card-0")
    caller = RawPhone(stack.sip)
    caller.call()
    valid = caller.request("OPTIONS")
    noise = RawPhone(stack.sip)
    for n in range(1000):
        if n % 2:
            datagram = chance.randbytes(chance.randrange(1, 1200))
        else:  # almost SIP
            cut = bytearray(valid[: chance.randrange(1, len(valid))])
            cut[chance.randrange(len(cut))] = chance.randrange(256)
            datagram = bytes(cut)
        noise.send(datagram)
    caller.speak(tone(1000, 1.0))
    caller.bye()
    caller.close()
    noise.close()
    still_answers(stack)
    assert stack.pid("card-0") == card
    call = stack.books.by_sip(caller.call_id)
    assert call is not None
    assert power(stack.books.tape(stack.books.until_closed(call.call_id).call_id)[:, 0], 1000) > 1000


def test_a_caller_over_capacity_is_told_busy_and_the_others_talk_on(stack: Stack) -> None:
    phones = [RawPhone(stack.sip) for _ in range(3)]
    for phone in phones:
        phone.call()
    late = RawPhone(stack.sip)
    assert late.invite().status == 486
    late.ack()
    assert stack.command("doctor").returncode == 1, "no call would be taken now"
    for phone in phones:
        phone.bye()
        phone.close()
    late.close()
    still_answers(stack)
    assert stack.command("doctor").returncode == 0


def test_without_kept_legs_even_the_librarys_own_limit_is_no_crash(new_stack: NewStack) -> None:
    stack = new_stack(HOTLINE_LEGS_KEPT="0")
    card = stack.pid("card-0")
    phones = [RawPhone(stack.sip) for _ in range(4)]
    for phone in phones:
        phone.call()
    late = RawPhone(stack.sip)
    assert late.invite().status in (486, 503)
    late.ack()
    for phone in phones:
        phone.bye()
        phone.close()
    late.close()
    still_answers(stack)
    assert stack.pid("card-0") == card


def test_sixty_refusals_in_a_moment_cost_at_most_that_card_and_it_is_back(new_stack: NewStack) -> None:
    """The wheel has no cure for this one (a front door has): the supervisor is the cure."""
    stack = new_stack(HOTLINE_CARDS="2")
    other = stack.pid("card-1")
    gsm = "m=audio {port} RTP/AVP 3\r\na=rtpmap:3 GSM/8000\r\n"
    for _ in range(60):
        one = RawPhone(stack.sip)
        one.send(one.request("INVITE", one.sdp(gsm)))
        one.close()
    until("a citizen gets through", lambda: citizen(stack).status == 200)
    assert stack.pid("card-1") == other


def test_an_ack_of_a_request_that_looks_merged_costs_at_most_that_card_and_it_is_back(new_stack: NewStack) -> None:
    """pjproject pull request 4203: an ACK without a to-tag beside a running INVITE aborts the wheel."""
    stack = new_stack(HOTLINE_CARDS="2")
    other = stack.pid("card-1")
    phone = RawPhone(stack.sip)
    phone.send(phone.request("INVITE", phone.sdp("m=audio {port} RTP/AVP 3\r\na=rtpmap:3 GSM/8000\r\n")))
    phone.answer()
    phone.send(phone.request("ACK"))
    phone.close()
    until("a citizen gets through", lambda: citizen(stack).status == 200)
    assert stack.pid("card-1") == other


def test_a_caller_who_never_acks_is_let_go_and_others_get_through_meanwhile(new_stack: NewStack) -> None:
    stack = new_stack()
    phone = RawPhone(stack.sip)
    assert phone.invite().status == 200
    still_answers(stack)
    call = until("the call is known", lambda: stack.books.by_sip(phone.call_id))
    phone.until_bye()  # RFC 3261 §13.3.1.4: after 64·T1, 32 s
    phone.close()
    closed = stack.books.until_closed(call.call_id)
    assert closed.connected_at is None


def test_a_full_disk_costs_the_tape_not_the_call_and_the_tape_goes_on_when_there_is_room(
    new_stack: NewStack,
) -> None:
    """The simulated quota: the process may write no file beyond so many bytes."""
    import resource

    stack = new_stack()
    card = stack.pid("card-0")
    phone = RawPhone(stack.sip)
    phone.call()
    phone.speak(tone(1000, 1.0))
    call = until("the call is known", lambda: stack.books.by_sip(phone.call_id))
    resource.prlimit(card, resource.RLIMIT_FSIZE, (96_000, resource.RLIM_INFINITY))  # three seconds of tape
    phone.speak(tone(1000, 3.0))
    until("the tape's trouble is in the books", lambda: stack.books.payloads(call.call_id, "tape_failed"))
    resource.prlimit(card, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    phone.speak(tone(700, 2.0))
    until("and its recovery", lambda: stack.books.payloads(call.call_id, "tape_recovered"))
    phone.bye()
    phone.close()
    closed = stack.books.until_closed(call.call_id)
    tape = stack.books.tape(call.call_id)
    assert len(tape) / RATE_HZ == pytest.approx(closed.seconds, abs=1.0)
    assert stack.books.recording(call.call_id).lost_samples == 0
    assert power(tape[-RATE_HZ:, 0], 700) > 1000
    assert stack.pid("card-0") == card


def test_a_database_without_room_makes_facts_wait_and_loses_none(new_stack: NewStack) -> None:
    import resource

    stack = new_stack()
    line = stack.pid("line")
    size = max(path.stat().st_size for path in stack.var.glob("hotline.db*"))
    resource.prlimit(line, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    result = citizen(stack, 2.0)
    assert result.status == 200
    resource.prlimit(line, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    call = until("the call is known", lambda: stack.books.by_sip(result.sip_call_id))
    stack.books.until_closed(call.call_id)
    assert stack.books.kinds(call.call_id).count("call_ended") == 1
    assert stack.books.verdict().whole
    assert "database does not take" in stack.log, "there was trouble to get over"


def test_a_model_with_a_file_missing_is_named_and_the_embedded_one_listens(new_stack: NewStack, tmp_path: Path) -> None:
    broken = tmp_path / "broken-model"
    shutil.copytree(catalogue.EMBEDDED, broken)
    (broken / "graph" / "words.txt").unlink()
    stack = new_stack(HOTLINE_MODEL=str(broken))
    outcome = stack.asked("call", "--text", "路灯坏了", "--barge-in")
    assert "路灯" in outcome["transcript"]
    assert "words.txt" in stack.log
    doctor = stack.command("doctor")
    assert doctor.returncode == 0
    assert "not with the model that was asked for" in doctor.stdout


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HOTLINE_CARDS", "many", "HOTLINE_CARDS='many'"),
        ("HOTLINE_SIP_PORT", "99999", "HOTLINE_SIP_PORT='99999'"),
        ("HOTLINE_LOG_LEVEL", "loud", "HOTLINE_LOG_LEVEL='loud'"),
        ("HOTLINE_SIP_HOST", "192.0.2.1", "must be an address of this machine"),
        ("HOTLINE_MQTT_URL", "localhost:1883", "mqtt://user:password@host:port"),
        ("HOTLINE_DATABASE_URL", "nonsense", "sqlite:///path"),
        ("HOTLINE_SIP_HOST", "0.0.0.0", "one of this machine's own"),
        ("HOTLINE_RTP_PORT", "61000", "HOTLINE_RTP_PORT='61000'"),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_starts(tmp_path: Path, name: str, value: str, said: str) -> None:
    stack = Stack(tmp_path, {name: value})
    done = stack.command("run")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_misspelt_setting_is_not_passed_over_in_silence(new_stack: NewStack) -> None:
    stack = new_stack(HOTLINE_CARD="2")
    assert "HOTLINE_CARD is no setting: did you mean HOTLINE_CARDS?" in stack.said


def test_a_port_that_is_taken_is_named(shared_stack: Stack, tmp_path: Path) -> None:
    second = Stack(tmp_path, sip_port=shared_stack.sip_port)
    done = second.command("run")
    assert done.returncode == 2
    assert f"127.0.0.1:{shared_stack.sip_port}" in done.stderr
    assert "HOTLINE_SIP_PORT" in done.stderr


def test_a_second_hotline_in_the_same_folder_is_refused(shared_stack: Stack) -> None:
    done = shared_stack.command("run")
    assert done.returncode == 2
    assert "already runs" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["call", "--to", "12345"], "an address looks like sip:"),
        (["call", "--wav", "/nowhere.wav"], "/nowhere.wav"),
        (["call", "--text", "你好", "--keys", "x"], "a telephone has"),
        (["call", "--text", "你好", "--wav", "/nowhere.wav"], "not both"),
        (["transcribe", "/nowhere.wav"], "/nowhere.wav"),
        (["show", "no-such-call"], "hotline calls"),
    ],
)
def test_a_command_given_nonsense_says_what_would_be_right(
    shared_stack: Stack, arguments: list[str], said: str
) -> None:
    done = shared_stack.command(*arguments)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_call_to_nobody_ends_with_its_status(shared_stack: Stack) -> None:
    silent = RawPhone("127.0.0.1:9")
    silent.close()  # nobody listens there now
    done = shared_stack.command("call", "--to", f"sip:12345@127.0.0.1:{silent.port}", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["status"] != 200


def test_without_a_hotline_a_call_and_the_doctor_say_how_to_start_one(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    call = stack.command("call", "--text", "你好")
    assert call.returncode == 2
    assert "make run" in call.stderr
    doctor = stack.command("doctor")
    assert doctor.returncode == 1
    assert "make run" in doctor.stdout


def test_an_altered_row_is_named(tmp_path: Path) -> None:
    import sqlite3

    stack = Stack(tmp_path).start()
    try:
        call_id = stack.asked("call", "--text", "路灯坏了", "--barge-in")["call_id"]
    finally:
        stack.stop()
    database = sqlite3.connect(stack.var / "hotline.db")
    seq = database.execute("select seq from records where kind='call_ended' and subject=?", (call_id,)).fetchone()[0]
    database.execute("update records set payload = replace(payload, '200', '487') where seq=?", (seq,))
    database.commit()
    database.close()
    done = stack.command("records", "verify")
    assert done.returncode == 1
    assert f"row {seq}" in done.stdout
