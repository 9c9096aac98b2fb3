"""What is read from an INVITE before pjsua2 sees its media."""

from __future__ import annotations

from ivr.sdp import hostile, read_invitation

INVITE = (
    "INVITE sip:96110@10.0.0.1;transport=udp SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK1\r\n"
    'f: "Wang Wu" <sip:02885551234@10.0.0.9>;tag=1\r\n'
    "t: <sip:12345@10.0.0.1>\r\n"
    "i: abc@10.0.0.9\r\n"
    "Diversion: <sip:+8612319@10.0.0.5>;reason=unconditional;counter=1\r\n"
    "\r\nv=0\r\nc=IN IP4 10.0.0.9\r\n"
)


def test_the_number_dialled_the_caller_and_the_diversion_are_read_from_compact_headers() -> None:
    seen = read_invitation(INVITE)
    assert seen.called == "96110"
    assert seen.caller == "02885551234"
    assert seen.caller_name == "Wang Wu"
    assert seen.sip_call_id == "abc@10.0.0.9"
    assert seen.diverted_from == "+8612319"


def test_a_withheld_number_is_empty_not_anonymous() -> None:
    seen = read_invitation(INVITE.replace("02885551234@10.0.0.9", "anonymous@anonymous.invalid"))
    assert seen.caller == ""


def test_a_name_in_gbk_is_read_though_the_stack_calls_it_broken_utf8() -> None:
    arrived = '"王五"'.encode("gbk").decode("utf-8", "surrogateescape")
    assert read_invitation(INVITE.replace('"Wang Wu"', arrived)).caller_name == "王五"


def test_a_head_with_nothing_in_it_gives_empty_fields() -> None:
    seen = read_invitation("INVITE\r\n\r\n")
    assert (seen.called, seen.caller, seen.caller_name, seen.sip_call_id, seen.diverted_from) == (
        "",
        "",
        None,
        "",
        None,
    )


def test_an_address_longer_than_a_dns_name_may_be_is_hostile_on_any_line() -> None:
    assert hostile(INVITE) is None
    assert hostile(INVITE.replace("c=IN IP4 10.0.0.9", "c=IN IP4 " + "a" * 253)) is None
    assert hostile(INVITE + "m=audio 1 RTP/AVP 8\r\nc=IN IP6 " + "a" * 254 + "\r\n") is not None
