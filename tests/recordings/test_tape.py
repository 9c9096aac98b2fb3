"""The tape of a call, on a real disk: its time stays true whatever the disk or the process does."""

import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from recordings.tape import Tape, TapeHealth
from recordings.vault import LEFT, RIGHT, pcm_sha256, read_span, repair

RATE_HZ = 8000
PATIENCE_SECONDS = 60.0
LOGS_ASIDE = "import structlog, sys; structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))"


def noise(seconds: float, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    return rng.integers(-20000, 20000, int(seconds * RATE_HZ), dtype=np.int16).tobytes()


def interleave(left: bytes, right: bytes) -> bytes:
    return np.stack([np.frombuffer(left, "<i2"), np.frombuffer(right, "<i2")], axis=1).tobytes()


def child(script: str, *arguments: str) -> subprocess.Popen[str]:
    """A process of its own, as a card is; it prints JSON lines."""
    return subprocess.Popen(
        [sys.executable, "-u", "-c", LOGS_ASIDE + textwrap.dedent(script), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )


def test_both_channels_lie_on_the_tape_sample_by_sample_with_their_hash(tmp_path: Path) -> None:
    left, right = noise(3.1, 1), noise(3.1, 2)
    tape = Tape(tmp_path / "2026/11/22/a.wav")
    for at in range(0, len(left), 320):
        tape.write(left[at : at + 320], right[at : at + 320])
    closed = tape.close(PATIENCE_SECONDS)

    assert closed.samples == len(left) // 2 == tape.samples
    assert closed.seconds == closed.samples / RATE_HZ
    assert closed.lost_samples == 0
    assert closed.sha256 == hashlib.sha256(interleave(left, right)).hexdigest() == pcm_sha256(tape.path)
    with wave.open(str(tape.path)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, RATE_HZ, 2)
        assert file.readframes(file.getnframes()) == interleave(left, right)
    assert stat.S_IMODE(tape.path.stat().st_mode) == 0o600
    assert tape.close() == closed


def test_a_tape_is_never_written_over(tmp_path: Path) -> None:
    Tape(tmp_path / "a.wav").close(PATIENCE_SECONDS)
    with pytest.raises(FileExistsError):
        Tape(tmp_path / "a.wav")


def test_silence_is_added_up_to_the_clock_and_never_taken_away(tmp_path: Path) -> None:
    tape = Tape(tmp_path / "a.wav")
    tape.pad_to(RATE_HZ)
    tape.write(noise(0.5, 1), noise(0.5, 2))
    tape.pad_to(RATE_HZ)
    tape.pad_to(2 * RATE_HZ)
    assert tape.close(PATIENCE_SECONDS).samples == 2 * RATE_HZ
    assert read_span(tape.path, LEFT, 0, 1) == bytes(2 * RATE_HZ)
    assert read_span(tape.path, RIGHT, 1, 1.5) == noise(0.5, 2)
    assert read_span(tape.path, RIGHT, 1.5, 9) == bytes(RATE_HZ)


def test_a_shorter_channel_is_filled_so_that_the_two_stay_in_step(tmp_path: Path) -> None:
    tape = Tape(tmp_path / "a.wav")
    tape.write(noise(0.2, 1), b"")
    tape.write(noise(0.2, 3), noise(0.2, 4))
    tape.close(PATIENCE_SECONDS)
    assert read_span(tape.path, RIGHT, 0, 0.2) == bytes(3200)
    assert read_span(tape.path, RIGHT, 0.2, 0.4) == noise(0.2, 4)


def test_what_comes_after_the_end_is_ignored(tmp_path: Path) -> None:
    tape = Tape(tmp_path / "a.wav")
    closed = tape.close(PATIENCE_SECONDS)
    tape.write(noise(0.2, 1), noise(0.2, 2))
    tape.pad_to(80_000)
    assert tape.close() == closed
    assert closed.samples == 0


KILLED = """
    import sys, threading
    from pathlib import Path
    from recordings.tape import Tape

    tape, tick, frame = Tape(Path(sys.argv[1])), threading.Event(), b"\\x11\\x11" * 160
    while True:
        tick.wait(0.02)  # the media clock of a card
        tape.write(frame, frame)
        print(tape.samples)
"""


def test_a_killed_card_leaves_all_but_the_last_half_second_readable(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    card = child(KILLED, str(path))
    assert card.stdout
    handed_over = 0
    while handed_over < 1.5 * RATE_HZ:
        handed_over = int(card.stdout.readline())
    card.send_signal(signal.SIGKILL)
    handed_over = max([handed_over, *(int(line) for line in card.stdout.read().split("\n")[:-1])])
    card.wait(PATIENCE_SECONDS)
    card.stdout.close()

    sound, rate_hz = soundfile.read(path, dtype="int16")
    assert rate_hz == RATE_HZ
    assert handed_over - RATE_HZ // 2 <= len(sound) <= handed_over
    assert (sound == 0x1111).all()
    closed = repair(path)
    with wave.open(str(path)) as file:
        assert file.getnframes() == closed.samples >= len(sound)


QUOTA = """
    import json, queue, resource, sys
    from pathlib import Path
    import numpy as np
    from recordings.tape import Tape

    path, seconds, room, more_room = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "more"
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))  # a full disk: EFBIG, and a write cut in two
    told = queue.Queue()
    tape = Tape(path, on_health=told.put)
    left = np.arange(1, seconds * 8000 + 1, dtype=np.uint32).astype("<i2")
    second = lambda n: slice(8000 * n, 8000 * n + 8000)
    tape.write(left[second(0)].tobytes(), (-left[second(0)]).tobytes())
    first = told.get(timeout=60)
    for n in range(1, seconds):
        tape.write(left[second(n)].tobytes(), (-left[second(n)]).tobytes())
    health = [first, tape.health]
    if more_room:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        health.append(told.get(timeout=60))
    closed = tape.close(60 if more_room else 0.2)
    print(json.dumps({"closed": vars(closed), "health": [vars(h) for h in health], "more": told.qsize()}))
"""


def run_out_of_room(path: Path, seconds: int, room: int, more: str) -> dict:
    process = child(QUOTA, str(path), str(seconds), str(room), more)
    out, _ = process.communicate(timeout=PATIENCE_SECONDS)
    return json.loads(out)


def counting(seconds: int) -> np.ndarray:
    left = np.arange(1, seconds * RATE_HZ + 1, dtype=np.uint32).astype("<i2")
    return np.stack([left, -left], axis=1)


# 10,001 bytes: the disk ends in the middle of a frame. 10: not even the header has room.
@pytest.mark.parametrize("room", [10_001, 10])
def test_a_disk_that_fills_and_empties_again_costs_nothing_and_is_told_once_each_way(tmp_path: Path, room: int) -> None:
    told = run_out_of_room(tmp_path / "a.wav", 5, room, "more")

    assert [health["ok"] for health in told["health"]] == [False, False, True]
    assert told["health"][0]["reason"].startswith("OSError")
    assert told["more"] == 0
    assert told["closed"]["lost_samples"] == 0
    sound, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    assert (sound == counting(5)).all()
    assert told["closed"]["sha256"] == pcm_sha256(tmp_path / "a.wav")


def test_what_no_longer_fits_the_wait_becomes_silence_and_later_seconds_keep_their_time(
    tmp_path: Path,
) -> None:
    told = run_out_of_room(tmp_path / "a.wav", 80, 10_001, "more")

    lost = told["closed"]["lost_samples"]
    assert lost == 19 * RATE_HZ  # one second is in the writer's hand, sixty wait
    sound, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    whole = counting(80)
    assert (sound[:RATE_HZ] == whole[:RATE_HZ]).all()
    assert not sound[RATE_HZ : 20 * RATE_HZ].any()
    assert (sound[20 * RATE_HZ :] == whole[20 * RATE_HZ :]).all()


def test_a_disk_that_stays_full_ends_the_tape_truthfully(tmp_path: Path) -> None:
    told = run_out_of_room(tmp_path / "a.wav", 5, 10_001, "none")

    closed, frames = told["closed"], (10_001 - 44) // 4
    assert closed["samples"] == frames
    assert closed["lost_samples"] == 5 * RATE_HZ - frames
    mended = repair(tmp_path / "a.wav")
    assert (mended.samples, mended.sha256) == (frames, closed["sha256"])
    sound, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    assert (sound == counting(5)[:frames]).all()


def test_a_place_that_appears_later_is_no_loss(tmp_path: Path) -> None:
    (tmp_path / "2026").write_text("a file where a directory should be")
    changes: list[TapeHealth] = []
    ill, well = threading.Event(), threading.Event()

    def told(health: TapeHealth) -> None:
        changes.append(health)
        (well if health.ok else ill).set()

    tape = Tape(tmp_path / "2026/a.wav", on_health=told)
    tape.write(noise(0.5, 1), noise(0.5, 2))
    assert ill.wait(PATIENCE_SECONDS)
    assert not tape.health.ok
    (tmp_path / "2026").unlink()
    assert well.wait(PATIENCE_SECONDS)
    assert tape.close(PATIENCE_SECONDS).samples == RATE_HZ // 2
    assert [health.ok for health in changes] == [False, True]
