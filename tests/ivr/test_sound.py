"""Sound between the bridge's clock and the rest: in step, in order, never growing late."""

from __future__ import annotations

import pytest

from ivr.pcm import FRAME_BYTES, SILENCE
from ivr.sound import Arriving, Pair, Prompt, frames_of


def frame(n: int) -> bytes:
    return bytes([n]) * FRAME_BYTES


@pytest.mark.parametrize("left_first", [True, False])
def test_both_sides_begin_with_the_same_tick_whichever_the_bridge_serves_first(left_first: bool) -> None:
    pair = Pair(left_first=left_first)
    first, second = (pair.take_left, pair.take_right) if left_first else (pair.take_right, pair.take_left)
    second(frame(99))  # the sinks were set in the middle of a tick: its second half belongs to nothing
    for tick in (1, 2, 3):
        first(frame(tick))
        second(frame(tick))
    left, right = pair.drain()
    assert left == right == frame(1) + frame(2) + frame(3)


def test_a_tick_of_which_only_one_side_has_come_waits_for_the_other() -> None:
    pair = Pair(left_first=True)
    pair.take_left(frame(1))
    assert pair.drain() == (b"", b"")
    pair.take_right(frame(7))
    assert pair.drain() == (frame(1), frame(7))


def test_a_prompt_speaks_once_and_says_when_it_has_ended() -> None:
    ended: list[bool] = []
    prompt = Prompt(frame(1) + b"\x05\x05", on_end=lambda: ended.append(True))
    assert prompt() == frame(1)
    assert prompt() == b"\x05\x05" + SILENCE[2:]
    assert not ended
    assert prompt() is None
    assert prompt() is None
    assert ended == [True]


def test_music_goes_round() -> None:
    music = Prompt(frame(1) + frame(2), loop=True)
    assert [music() for _ in range(5)] == [frame(1), frame(2), frame(1), frame(2), frame(1)]


def test_an_empty_prompt_ends_at_once_also_in_a_loop() -> None:
    assert Prompt(b"", loop=True)() is None


def test_sound_from_a_socket_is_cut_into_frames_whatever_pieces_it_came_in() -> None:
    arriving = Arriving()
    pcm = b"".join(frame(n) for n in range(4))
    for at in range(0, len(pcm), 100):
        arriving.put(pcm[at : at + 100])
    assert b"".join(arriving() or b"" for _ in range(4)) == pcm


def test_a_sender_that_runs_ahead_loses_its_oldest_sound_so_that_delay_does_not_grow() -> None:
    arriving = Arriving()
    for n in range(50):
        arriving.put(frame(n))
    assert arriving.dropped == 40
    assert arriving() == frame(40)


def test_a_sender_that_pauses_is_waited_for_a_little_before_it_flows_again() -> None:
    arriving = Arriving()
    arriving.put(frame(1))
    assert arriving() is None, "one frame is no cushion"
    arriving.put(frame(2))
    assert arriving() == frame(1)
    assert arriving() == frame(2)
    assert arriving() is None
    arriving.put(frame(3))
    assert arriving() is None


def test_the_last_frame_is_filled_up_with_silence() -> None:
    assert list(frames_of(b"\x01" * (FRAME_BYTES + 2)))[-1] == b"\x01\x01" + SILENCE[2:]
