"""The outline of a tape: each stretch its loudest sample, each side by itself."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from recordings import wav
from recordings.peaks import peaks
from recordings.wav import NotATape

RATE_HZ = 8000


def tape(path: Path, left: list[int], right: list[int], more: bytes = b"") -> Path:
    samples = np.array([left, right], dtype="<i2").T
    path.write_bytes(wav.header(RATE_HZ, len(left)) + samples.tobytes() + more)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tape.wav"


def test_a_tone_on_the_left_leaves_the_right_silent(file):
    seconds = np.arange(2 * RATE_HZ) / RATE_HZ
    tone = (16384 * np.sin(2 * np.pi * 440 * seconds)).astype(int).tolist()
    seen = peaks(tape(file, tone, [0] * len(tone)), 100)
    assert seen.seconds == 2.0
    assert len(seen.left) == len(seen.right) == 100
    assert min(seen.left) > 0.49
    assert max(seen.left) <= 0.5
    assert set(seen.right) == {0.0}


def test_a_click_stands_in_its_stretch_and_in_no_other(file):
    right = [0] * 1000
    right[250] = -3277
    seen = peaks(tape(file, [0] * 1000, right), 10)
    assert seen.right == [0, 0, 0.1, 0, 0, 0, 0, 0, 0, 0]
    assert set(seen.left) == {0.0}


def test_the_lowest_sample_there_is_does_not_turn_over(file):
    seen = peaks(tape(file, [-32768, -32768], [32767, 0]), 2)
    assert seen.left == [1.0, 1.0]
    assert seen.right == [1.0, 0.0]


def test_a_tape_without_sound_has_an_empty_outline(file):
    seen = peaks(tape(file, [], []), 100)
    assert (seen.seconds, seen.left, seen.right) == (0.0, [], [])


def test_a_tape_shorter_than_its_outline_has_a_stretch_a_sample(file):
    seen = peaks(tape(file, [0, 16384, 0], [32767, 0, 0]), 100)
    assert seen.left == [0, 0.5, 0]
    assert seen.right == [1, 0, 0]


def test_what_a_dead_process_left_half_written_does_not_count(file):
    assert peaks(tape(file, [16384], [0], more=b"\x00\x40\x00"), 10).left == [0.5]
    assert peaks(tape(file, [], [], more=b"\x00"), 10).left == []


def test_the_length_of_the_file_counts_not_what_its_header_says(file):
    file.write_bytes(wav.header(RATE_HZ, 0) + b"\x00\x40\x00\x00" * RATE_HZ)
    assert peaks(file, 10).seconds == 1.0


@pytest.mark.parametrize("content", [b"", b"RIFF", b"\x00" * 44, b"OggS" * 100])
def test_another_kind_of_file_is_no_tape(file, content):
    file.write_bytes(content)
    with pytest.raises(NotATape):
        peaks(file, 10)


def test_a_file_that_is_not_there_is_told_so(file):
    with pytest.raises(FileNotFoundError):
        peaks(file, 10)


@settings(derandomize=True, database=None, max_examples=60, deadline=None)
@given(
    samples=some.lists(some.tuples(*[some.integers(-32768, 32767)] * 2), min_size=1, max_size=200),
    stretches=some.integers(1, 250),
)
def test_no_sample_is_left_out_and_none_is_counted_twice(tmp_path_factory, samples, stretches):
    left, right = (list(side) for side in zip(*samples, strict=True))
    seen = peaks(tape(tmp_path_factory.getbasetemp() / "any.wav", left, right), stretches)
    count = min(stretches, len(samples))
    bounds = [n * len(samples) // count for n in range(count + 1)]
    for side, drawn in ((left, seen.left), (right, seen.right)):
        assert drawn == [
            pytest.approx(max(abs(one) for one in side[start:end]) / 32768, abs=0.0006)
            for start, end in pairwise(bounds)
        ]
