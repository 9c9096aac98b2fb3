"""How many callers one core hears at once, and how soon after their last word; beside two plain ways of doing it.

Each way is a server in a process of its own on one core. A feeder on another core plays callers to it at the pace
of real time, and says how late it was itself. Run as a program, this is the servers and the feeder.
"""

from __future__ import annotations

import asyncio
import base64
import json
import math
import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import debian
import numpy as np
import psutil
from reports import percentile
from sounds import a_law, at_level, from_pcm, noise, to_pcm

from asr_models import catalogue, voice
from hotline.app import ears_environment

Row = list[str]

RATE_HZ = 8000
PIECE_BYTES = 320  # 20 ms, as a telephone sends
FEED_SECONDS = 16.0
LAST_WORDS_SECONDS = 1.0  # listened to after the last piece
SOON_SECONDS = {"ears": 1.0, "bare": 1.0, "plain": 2.0, "websocket": 2.0}
"""What counts as in time. The plain ways wait for vosk's own end of an utterance: a few callers wait 1.7 s for it."""
CALLERS = range(30, 171, 10)  # fifteen: four attempts find the most

SENTENCES = (
    ("f4", "武侯区玉林街道井盖丢了，请你们快点派人来看一下"),
    ("m3", "金牛区抚琴街道燃气泄漏，味道很大"),
    ("f1", "成华区双水碾街道路灯坏了，晚上看不见路"),
    ("m7", "青羊区草堂街道半夜施工，噪音很大，睡不着"),
    ("f2", "你好，我要反映一个问题"),
    ("m1", "锦江区春熙路有人占道经营"),
    ("f5", "小区停水三天了，没有人管"),
    ("m4", "公交车站牌倒了，很危险"),
    ("f3", "高新区的红绿灯坏了，路口很堵"),
    ("m8", "楼下的饭馆油烟很大，请你们处理一下"),
)


# -- what the callers say ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Script:
    """A minute or so of one caller, half of it silence; `spoken` is when each sentence begins and ends."""

    pcm: bytes
    spoken: list[tuple[float, float]]


def written(folder: Path) -> Path:
    """The script, spoken and written to a file for the feeders."""
    pieces: list[Any] = []
    spoken, at = [], 0
    for name, text in SENTENCES:
        speech = at_level(from_pcm(voice.speak(text, voice=name)), -26)
        loud = np.flatnonzero(np.abs(speech) > 0.01)
        speech = speech[loud[0] : loud[-1] + 1]
        spoken.append((at / RATE_HZ, (at + len(speech)) / RATE_HZ))
        pieces += [speech, np.zeros(len(speech))]
        at += 2 * len(speech)
    sound = np.concatenate(pieces)
    sound = a_law(sound + at_level(noise(len(sound) / RATE_HZ)[: len(sound)], -65))
    path = folder / "script.json"
    path.write_text(json.dumps({"pcm": base64.b64encode(to_pcm(sound)).decode(), "spoken": spoken}))
    return path


def read(path: Path) -> Script:
    said = json.loads(path.read_text())
    return Script(base64.b64decode(said["pcm"]), [(start, end) for start, end in said["spoken"]])


# -- the servers ---------------------------------------------------------------------------------------------


def serve_ears(address: str) -> None:
    from asr_models.ears import serve

    asyncio.run(serve(Path(address), lambda: catalogue.EMBEDDED, workers=1, on_ready=_ready))


def serve_plain(address: str) -> None:
    """One thread, a recogniser for each stream, in turn; a turn takes what came, at least a tenth of a second."""
    new = _recognisers()
    least = 2 * RATE_HZ // 10
    door = socket.socket(socket.AF_UNIX)
    door.bind(address)
    door.listen(1024)
    streams: dict[socket.socket, tuple[Any, bytearray]] = {}
    ready = selectors.DefaultSelector()
    ready.register(door, selectors.EVENT_READ)
    _ready()
    while True:
        for key, _ in ready.select():
            if key.fileobj is door:
                peer = door.accept()[0]
                ready.register(peer, selectors.EVENT_READ)
                streams[peer] = (new(), bytearray())
                continue
            assert isinstance(key.fileobj, socket.socket)
            peer = key.fileobj
            recogniser, sound = streams[peer]
            pcm = _received(peer)
            if not pcm:
                ready.unregister(peer)
                streams.pop(peer)
                continue
            sound += pcm
            if len(sound) >= least:
                said = _decoded(recogniser, bytes(sound))
                sound.clear()
                if said:
                    with suppress(ConnectionError):
                        peer.send(said.encode() + b"\n")


def serve_websocket(address: str) -> None:
    """A thread for each stream, as vosk-server has it in its simplest form: a message in, a result out."""
    from websockets import ConnectionClosed
    from websockets.sync.server import ServerConnection, serve

    new = _recognisers()

    def hear(peer: ServerConnection) -> None:
        recogniser = new()
        with suppress(ConnectionClosed):
            for message in peer:
                assert isinstance(message, bytes)
                said = _decoded(recogniser, message)
                if said:
                    peer.send(said)

    with serve(hear, "127.0.0.1", int(address), compression=None) as server:
        _ready()
        server.serve_forever()


def _recognisers() -> Callable[[], Any]:
    import vosk

    vosk.SetLogLevel(-1)
    model = vosk.Model(str(catalogue.EMBEDDED))

    def new() -> Any:
        recogniser = vosk.KaldiRecognizer(model, float(RATE_HZ))
        recogniser.SetWords(True)
        return recogniser

    return new


def _decoded(recogniser: Any, pcm: bytes) -> str:
    """A final with words, else a partial one that has words."""
    if recogniser.AcceptWaveform(pcm):
        said = json.loads(recogniser.Result())
        return json.dumps({"event": "final", "end": said["result"][-1]["end"]}) if said.get("result") else ""
    said = json.loads(recogniser.PartialResult())
    return json.dumps({"event": "partial", "text": said["partial"]}) if said["partial"] else ""


def _received(peer: socket.socket) -> bytes:
    try:
        return peer.recv(1 << 16)
    except ConnectionError:
        return b""


def _ready() -> None:
    print("READY", flush=True)


# -- the feeder ----------------------------------------------------------------------------------------------


@dataclass
class Caller:
    """A connection that plays the script from `skipped` seconds on and notes when each final came."""

    peer: socket.socket
    skipped: float
    framed: bool  # a WebSocket
    began: float = 0.0
    unsent: bytearray = field(default_factory=bytearray)
    unread: bytearray = field(default_factory=bytearray)
    finals: list[tuple[float, float]] = field(default_factory=list)
    """End of the last word in seconds of the stream, wall clock since it began."""

    def play(self, piece: bytes) -> None:
        self.unsent += b"\x82\xfe" + len(piece).to_bytes(2, "big") + bytes(4) + piece if self.framed else piece
        # A server that died (OpenBLAS has its limits of threads) has heard nobody: the finals are what counts.
        with suppress(BlockingIOError, ConnectionError):
            del self.unsent[: self.peer.send(self.unsent)]

    def leave(self) -> None:
        if self.framed:
            with suppress(BlockingIOError, ConnectionError):
                self.peer.send(b"\x88\x80" + bytes(4))
        self.peer.close()

    def listen(self) -> None:
        self.unread += _received(self.peer)
        for line in self._messages():
            said = json.loads(line)
            if said["event"] == "final":
                self.finals.append((said["end"], time.monotonic() - self.began))

    def _messages(self) -> Iterator[bytes]:
        while self.framed and len(self.unread) >= 4:
            short = self.unread[1] < 126
            size = self.unread[1] if short else int.from_bytes(self.unread[2:4], "big")
            head = 2 if short else 4
            if len(self.unread) < head + size:
                return
            opcode, payload = self.unread[0] & 15, bytes(self.unread[head : head + size])
            del self.unread[: head + size]
            if opcode == 1:
                yield payload
        while not self.framed and b"\n" in self.unread:
            line, _, rest = self.unread.partition(b"\n")
            self.unread = rest
            yield bytes(line)

    def delays(self, script: Script, until: float) -> Iterator[float]:
        """Of each sentence whose end was played long enough before `until` (stream seconds); inf without words."""
        length = len(script.pcm) / 2 / RATE_HZ
        for start, end in script.spoken:
            for turn in (0, length):
                begins, ends = start + turn - self.skipped, end + turn - self.skipped
                if begins >= 0 and ends <= until - LAST_WORDS_SECONDS:
                    came = [at for last, at in self.finals if begins < last < ends + (ends - begins)]
                    yield max(came) - ends if came else math.inf


def feed(kind: str, address: str, count: int, script: Script) -> dict[str, Any]:
    """Plays `count` callers for `FEED_SECONDS`: the delays of their finals, and how late the feeder was."""
    length = len(script.pcm) / 2 / RATE_HZ
    twice = 2 * script.pcm
    # Spread over the script: not everybody speaks at once, though all begin within a piece.
    callers = [_connected(kind, address, round(n * length / count / 0.02) * 0.02, n) for n in range(count)]
    ready = selectors.DefaultSelector()
    for caller in callers:
        ready.register(caller.peer, selectors.EVENT_READ, caller)
    late = []
    groups = [callers[at::4] for at in range(4)]
    start = time.monotonic() + 0.1
    ticks = round(FEED_SECONDS / 0.005)
    for tick in range(ticks + round(LAST_WORDS_SECONDS / 0.005)):
        due = start + tick * 0.005
        while (wait := due - time.monotonic()) > 0:
            for key, _ in ready.select(wait):
                key.data.listen()
        if tick >= ticks:  # the last words
            continue
        late.append(time.monotonic() - due)
        for caller in groups[tick % 4]:
            if tick < 4:
                caller.began = due
            at = round(caller.skipped * RATE_HZ) * 2 + tick // 4 * PIECE_BYTES
            caller.play(twice[at : at + PIECE_BYTES])
    for caller in callers:
        caller.leave()
    delays = [delay for caller in callers for delay in caller.delays(script, FEED_SECONDS)]
    return {"delays": delays, "late_p99": percentile(late, 99)}


def _connected(kind: str, address: str, skipped: float, number: int) -> Caller:
    if kind == "websocket":
        peer = socket.create_connection(("127.0.0.1", int(address)))
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        peer.sendall(
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += peer.recv(1)
        assert b" 101 " in answer
    else:
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(address)
        if kind in ("ears", "bare"):
            hello = {"stream": f"caller-{number}", "rate_hz": RATE_HZ, "offset": 0, "pace": "live"}
            peer.sendall(json.dumps(hello).encode() + b"\n")
    peer.setblocking(False)
    return Caller(peer, skipped, kind == "websocket")


# -- the measurement -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Heard:
    """What `callers` at once came to."""

    callers: int
    p50: float
    p95: float
    core: float
    feeder_late: float

    def __str__(self) -> str:
        late = f", the feeder itself {1000 * self.feeder_late:.0f} ms late" if self.feeder_late > 0.02 else ""
        return f"{self.callers} (p50 {self.p50:.2f} s, p95 {self.p95:.2f} s, {100 * self.core:.0f} % of the core{late})"


def callers_a_core(folder: Path) -> list[Row]:
    """The most callers whose finals come soon after their last word, 95 times of 100.

    All have jemalloc, as the ears of a hotline have it; what the ears are without it is told too.
    """
    if not ears_environment():
        debian.install("libjemalloc2")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return [["live callers a core", "needs two cores", "", ""]]
    script = written(folder)
    ears, bare, plain, websocket = (
        most(kind, folder, script, cores[0], cores[-1]) for kind in ("ears", "bare", "plain", "websocket")
    )
    return [
        [
            f"live callers a core, half of it silence: final after the last word at p95 ≤ {SOON_SECONDS['ears']} s",
            str(ears),
            f"{name}, ≤ {SOON_SECONDS[kind]} s: {other}",
            f"{ears.callers / other.callers:.1f}" if other.callers else "-",
        ]
        for kind, name, other in (
            ("bare", "ears without jemalloc", bare),
            ("plain", "plain recognisers in turn", plain),
            ("websocket", "a thread a stream over WebSocket", websocket),
        )
    ]


def most(kind: str, folder: Path, script: Path, core: int, feeders_core: int) -> Heard:
    """By halving: whoever hears 80 in time hears 60."""
    best = Heard(0, math.nan, math.nan, math.nan, 0.0)
    low, high = 0, len(CALLERS)
    while low < high:
        middle = (low + high) // 2
        heard = measure(kind, folder, script, CALLERS[middle], core, feeders_core)
        print(kind, heard, flush=True)
        if heard.p95 <= SOON_SECONDS[kind]:
            best, low = heard, middle + 1
        else:
            high = middle
    return best


def measure(kind: str, folder: Path, script: Path, count: int, core: int, feeders_core: int) -> Heard:
    address = str(_free_port()) if kind == "websocket" else str(folder / f"{kind}-{count}.sock")
    server = _program(core, "serve", kind, address)
    try:
        assert server.stdout
        while (line := server.stdout.readline()) != "READY\n":
            assert line, f"{kind} did not start"
        times, began = psutil.Process(server.pid).cpu_times, time.monotonic()
        before = times()
        feeder = _program(feeders_core, "feed", kind, address, str(count), str(script))
        told = json.loads(feeder.communicate(timeout=120)[0].splitlines()[-1])
        after, passed = times(), time.monotonic() - began
    finally:
        server.kill()
        server.communicate()
    return Heard(
        count,
        percentile(told["delays"], 50),
        percentile(told["delays"], 95),
        (after.user + after.system - before.user - before.system) / min(passed, FEED_SECONDS),
        told["late_p99"],
    )


def _program(core: int, *arguments: str) -> subprocess.Popen[str]:
    repository = Path(__file__).parents[2]
    paths = [repository, repository / "tests", repository / "tests" / "bench"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths)), "OMP_NUM_THREADS": "1"}
    if arguments[1] != "bare":
        environment |= ears_environment()
    return subprocess.Popen(
        [sys.executable, __file__, str(core), *arguments], stdout=subprocess.PIPE, text=True, env=environment
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    core, task, kind, address, *rest = sys.argv[1:]
    os.sched_setaffinity(0, {int(core)})
    if task == "serve":
        {"ears": serve_ears, "bare": serve_ears, "plain": serve_plain, "websocket": serve_websocket}[kind](address)
    else:
        print(json.dumps(feed(kind, address, int(rest[0]), read(Path(rest[1])))))


if __name__ == "__main__":
    main()
