"""Synthetic speakers: espeak-ng is given pinyin and says when each unit sounds, so nothing needs to be aligned.

libespeak-ng crashes now and then; each few hundred utterances are spoken by a process of their own, and those
of one that died are spoken again in halves.
"""

import ctypes
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soxr

from asr_models.training import speech
from asr_models.training.speech import RATE_HZ, Utterance
from asr_models.vocabulary import phones

TIMEOUT_SECONDS = 600.0
PAUSE = ","

# fmt: off
VOICES = (
    "Alex", "Alicia", "Andrea", "Andy", "Denis", "Diogo", "Gene", "Henrique", "Hugo", "Jacky", "Lee", "Marco", "Mike",
    "Michael", "Nguyen", "Reed", "RicishayMax", "Storm", "Tweaky", "adam", "anika", "announcer", "antonio", "aunty",
    "belinda", "benjamin", "boris", "caleb", "david", "ed", "edward", "f1", "f3", "f4", "f5", "gustave", "ian",
    "iven", "iven2", "john", "kaukovalta", "klatt", "klatt2", "klatt3", "klatt5", "linda", "m1", "m2", "m3", "m4",
    "m6", "m8", "marcelo", "max", "miguel", "mike2", "norbert", "pablo", "paul", "pedro", "quincy", "robert",
    "robosoft2", "sandro", "shelby", "steph", "steph2", "travis", "victor", "zac",
)
UNHEARD = ("Annie", "f2", "m5", "m7", "Mario", "klatt4", "grandpa", "rob")
"""Voices kept for measuring: no sound of theirs is ever trained on."""
# fmt: on


@dataclass(frozen=True)
class Order:
    """One utterance to be spoken: `said` are the syllables to sound and `meant` those to learn, `","` a pause."""

    text: str
    said: list[str]
    meant: list[str]
    voice: str
    words_per_minute: int
    pitch: int
    range: int


class SpeakersFailed(Exception):
    """espeak-ng could not be started, or lost too much; the message says which."""


MOST_LOST = 0.1


def speak(orders: Sequence[Order], path: Path, most_lost: float = MOST_LOST) -> None:
    """Speaks all orders into `path` (see `speech.save`), but for those that crash espeak-ng every time and those that
    it says otherwise. Raises `SpeakersFailed` and leaves no file if these are more than `most_lost` of all."""
    _speak(orders, path)
    spoken = len(speech.load([path]))
    if spoken < (1 - most_lost) * len(orders):
        path.unlink()
        raise SpeakersFailed(f"espeak-ng spoke {spoken} of {len(orders)} utterances of {path.name}")


def _speak(orders: Sequence[Order], path: Path) -> None:
    job = path.with_suffix(".json")
    job.write_text(json.dumps([asdict(order) for order in orders]), encoding="utf-8")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "asr_models.training.synthetic", str(job), str(path)],
            timeout=TIMEOUT_SECONDS,
            capture_output=True,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        done = None
    finally:
        job.unlink()
    if done is not None and done.returncode > 0:
        raise SpeakersFailed(done.stderr)
    if done is not None and done.returncode == 0:
        return
    halves: list[Utterance] = []
    if len(orders) > 1:
        middle = len(orders) // 2
        for letter, part in (("a", orders[:middle]), ("b", orders[middle:])):
            half = path.with_name(f"{path.stem}{letter}.half.npz")
            _speak(part, half)
            halves += speech.load([half])
            half.unlink()
    speech.save(path, halves)


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_WORD, _PHONEME = 1, 7
_END_OF_SYLLABLE, _SILENCES = "_|", ("_:", "_", "__", "_::")
_RATE, _PITCH, _RANGE = 1, 3, 4


class _Espeak:
    """libespeak-ng telling its phonemes; one a process."""

    _CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.cdll.LoadLibrary(espeakng_loader.get_library_path())
        self.rate_hz = int(self._library.espeak_Initialize(2, 0, espeakng_loader.get_data_path().encode(), 0x8001))
        self._pieces: list[bytes] = []
        self._events: list[tuple[int, int, str, int]] = []
        self._sink = self._CALLBACK(self._keep)
        self._library.espeak_SetSynthCallback(self._sink)

    def say(self, order: Order) -> tuple[bytes, list[tuple[int, int, str, int]]]:
        self._pieces, self._events = [], []
        self._library.espeak_SetVoiceByName(f"cmn-latn-pinyin+{order.voice}".encode())
        for parameter, value in ((_RATE, order.words_per_minute), (_PITCH, order.pitch), (_RANGE, order.range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        text = " ".join(order.said).replace(f" {PAUSE}", PAUSE).encode()
        self._library.espeak_Synth(text, ctypes.c_size_t(len(text) + 1), 0, 1, 0, 1, None, None)
        return b"".join(self._pieces), self._events

    def _keep(self, samples: int | None, count: int, events: "ctypes._Pointer[_Event]") -> int:
        if samples and count > 0:
            self._pieces.append(ctypes.string_at(samples, 2 * count))
        at = 0
        while events[at].type:
            event = events[at]
            name = event.id.string.decode(errors="replace") if event.type == _PHONEME else ""
            self._events.append((event.type, event.sample, name, event.text_position))
            at += 1
        return 0


def _syllables(events: list[tuple[int, int, str, int]]) -> list[list[tuple[int, str]]]:
    """The phonemes (sample, name) of each syllable, closed by the `_|` at which it ends."""
    found: list[list[tuple[int, str]]] = []
    current: list[tuple[int, str]] = []
    for kind, sample, name, _ in events:
        if kind != _PHONEME or name in _SILENCES:
            continue
        current.append((sample, name))
        if name == _END_OF_SYLLABLE:
            if len(current) > 1:
                found.append(current)
            current = []
    return found


def _spans(syllables: list[list[tuple[int, str]]], meant: list[str], rate_hz: int) -> np.ndarray | None:
    """Where each state of each unit lies; None when espeak-ng spoke other syllables than it was given."""
    if len(syllables) != len(meant):
        return None
    rows: list[tuple[int, float, float]] = []
    pdfs = phones.pdfs()
    for heard, syllable in zip(syllables, meant, strict=True):
        start, end = heard[0][0] / rate_hz, heard[-1][0] / rate_hz
        units = phones.phones(syllable)
        if len(units) == 2:
            if len(heard) < 3:
                return None
            middle = heard[1][0] / rate_hz
            rows.append((pdfs[units[0], 0], start, middle))
            start = middle
        half = (start + end) / 2
        rows += [(pdfs[units[-1], 0], start, half), (pdfs[units[-1], 1], half, end)]
    return np.array(rows, np.float32).reshape(-1, 3)


def _main(job: Path, path: Path) -> None:
    espeak = _Espeak()
    spoken = []
    for asked in json.loads(job.read_text(encoding="utf-8")):
        order = Order(**asked)
        pcm, events = espeak.say(order)
        meant = [syllable for syllable in order.meant if syllable != PAUSE]
        spans = _spans(_syllables(events), meant, espeak.rate_hz)
        if spans is None or not pcm:
            continue
        sound = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
        sound = soxr.resample(sound, espeak.rate_hz, RATE_HZ).astype(np.float32)
        spoken.append(Utterance(speech.to_pcm(sound), spans, order.text, order.voice))
    speech.save(path, spoken)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), Path(sys.argv[2]))
