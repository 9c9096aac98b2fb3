"""The line's spoken Mandarin: text in, telephone PCM out, made by espeak-ng in a process of its own.

espeak-ng crashes now and then, so it never runs inside a process that anybody needs: `speak` starts this
module as a program for each text (JSON on its standard input, PCM on its standard output) and tries again.
espeak-ng's own reading of Chinese characters is poor; it is given pinyin instead, clause by clause.
"""

import ctypes
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

DEFAULT = "f4"
"""The voice the embedded model understands best."""
TRIES = 3
TIMEOUT_SECONDS = 60.0
PEAK = 0.5  # of full scale: -6 dBFS
PAUSE_SECONDS = {"，": 0.25, "、": 0.15, "。": 0.45}

_STOPS = {"，": ',，；;：:（）()“”‘’"《》—…', "、": "、", "。": "。！？!?\n"}
_STOP_OF = {mark: stop for stop, marks in _STOPS.items() for mark in marks}
_DIGITS = ("ling2", "yi1", "er4", "san1", "si4", "wu3", "liu4", "qi1", "ba1", "jiu3")
_ONE_IN_NUMBERS = "yao1"  # in telephone and order numbers
_NUMBER_DIGITS = 7
# fmt: off
_LETTERS = {
    "A": "ei1", "B": "bi4", "C": "xi1", "D": "di4", "E": "yi4", "F": "ai2 fu5", "G": "ji4", "H": "ei2 chi5",
    "I": "ai4", "J": "jie4", "K": "kei4", "L": "ai2 lou5", "M": "ai2 mu5", "N": "en1", "O": "ou1", "P": "pi4",
    "Q": "qiu1", "R": "a4", "S": "ai2 si5", "T": "ti4", "U": "you1", "V": "wei1", "W": "da2 bu5 liu5",
    "X": "ai2 ke5 si5", "Y": "wai4", "Z": "zei4",
}
# fmt: on


class VoiceFailed(Exception):
    """No speech could be made of a text; the message says why, without the text."""


def speak(text: str, *, voice: str = DEFAULT, words_per_minute: int = 170, rate_hz: int = 8000) -> bytes:
    """`text` spoken, as 16-bit mono PCM at `rate_hz` with its peak at -6 dBFS. Blocks; raises `VoiceFailed`.

    `voice` is a variant of espeak-ng (f1 to f5, m1 to m8); the default is the one that the embedded model hears
    best. Digits are read one by one, Latin letters spelt.
    """
    request = json.dumps({"text": text, "voice": voice, "words_per_minute": words_per_minute, "rate_hz": rate_hz})
    package = str(Path(__file__).parent.parent)
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    for _ in range(TRIES):
        try:
            spoken = subprocess.run(
                [sys.executable, "-P", "-m", "asr_models.voice"],
                input=request.encode(),
                capture_output=True,
                timeout=TIMEOUT_SECONDS,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as trouble:
            reason = type(trouble).__name__
            continue
        if spoken.returncode == 0:
            return spoken.stdout
        last_line = spoken.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        reason = last_line or f"espeak-ng ended with {spoken.returncode}"
        if spoken.returncode == 2:  # it said no; asking again would not help
            break
    raise VoiceFailed(f"no speech: {reason}")


def clauses(text: str) -> Iterator[tuple[float, str]]:
    """The text clause by clause as pinyin with tone digits, each with the seconds of pause before it."""
    pause = 0.0
    for stop, marks in groupby(_marked(text), key=lambda mark: mark if mark in PAUSE_SECONDS else ""):
        if stop:
            pause = max(pause, PAUSE_SECONDS[stop])
        elif pinyin := _pinyin("".join(marks)):
            yield pause, pinyin
            pause = 0.0


def _marked(text: str) -> str:
    # A point between two digits is read, not a stop.
    text = re.sub(r"(?<=\d)[.．](?=\d)", "点", text)
    return "".join(_STOP_OF.get(mark, mark) for mark in text)


def _pinyin(clause: str) -> str:
    from pypinyin import Style, lazy_pinyin

    said: list[str] = []
    for part in re.findall(r"[0-9０-９]+|[A-Za-z]+|[^0-9０-９A-Za-z]+", clause):
        if part[0].isdigit():
            number = len(part) >= _NUMBER_DIGITS
            said += [_ONE_IN_NUMBERS if number and int(digit) == 1 else _DIGITS[int(digit)] for digit in part]
        elif part[0].isascii() and part[0].isalpha():
            said += [_LETTERS[letter] for letter in part.upper()]
        else:
            said += lazy_pinyin(part, style=Style.TONE3, neutral_tone_with_five=True, errors="ignore")
    return " ".join(said)


class _Espeak:
    """libespeak-ng as `espeakng_loader` brings it. One a process; any call may end the process."""

    _SYNCHRONOUS, _DO_NOT_EXIT, _RATE, _CHARACTERS, _UTF8 = 2, 0x8000, 1, 1, 1

    def __init__(self, voice: str, words_per_minute: int) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        # It keeps its data's path in 160 bytes, which a deep virtual environment exceeds.
        data = Path(espeakng_loader.get_data_path())
        if not re.fullmatch(r"[A-Za-z0-9]+", voice) or not (data / "voices/!v" / voice).is_file():
            raise VoiceFailed(f"espeak-ng has no voice {voice!r}")  # it would take its plain one without a word
        os.chdir(data.parent)
        self.rate_hz = int(self._library.espeak_Initialize(self._SYNCHRONOUS, 0, b".", self._DO_NOT_EXIT))
        if self.rate_hz <= 0:
            raise VoiceFailed("espeak-ng finds no data")
        self._pieces: list[bytes] = []
        sink = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
        self._sink = sink(self._keep)  # must live as long as the library calls it
        self._library.espeak_SetSynthCallback(self._sink)
        if self._library.espeak_SetVoiceByName(f"cmn-latn-pinyin+{voice}".encode()):
            raise VoiceFailed(f"espeak-ng has no voice {voice!r}")
        self._library.espeak_SetParameter(self._RATE, words_per_minute, 0)

    def say(self, pinyin: str) -> bytes:
        """16-bit PCM at `rate_hz`."""
        self._pieces.clear()
        text = pinyin.encode()
        if self._library.espeak_Synth(
            text, ctypes.c_size_t(len(text) + 1), 0, self._CHARACTERS, 0, self._UTF8, None, None
        ):
            raise VoiceFailed("espeak-ng refused a clause")
        return b"".join(self._pieces)

    def _keep(self, samples: int | None, count: int, _events: int | None) -> int:
        if samples and count > 0:
            self._pieces.append(ctypes.string_at(samples, 2 * count))
        return 0


def _synthesise(text: str, voice: str, words_per_minute: int, rate_hz: int) -> bytes:
    import numpy as np
    import soxr

    spoken = list(clauses(text))
    if not spoken:
        raise VoiceFailed("the text has nothing to say")
    espeak = _Espeak(voice, words_per_minute)
    pieces = []
    for pause, pinyin in spoken:
        pieces += [bytes(2 * round(pause * espeak.rate_hz)), espeak.say(pinyin)]
    sound = np.frombuffer(b"".join(pieces), dtype="<i2").astype(np.float32) / 32768
    sound = soxr.resample(sound, espeak.rate_hz, rate_hz)
    peak = float(np.abs(sound).max(initial=0.0))
    if not peak:
        raise VoiceFailed("espeak-ng was silent")
    return bytes(np.rint(sound * (PEAK / peak * 32767)).astype("<i2").tobytes())


def _main() -> int:
    try:
        pcm = _synthesise(**json.load(sys.stdin.buffer))
    except VoiceFailed as trouble:
        print(trouble, file=sys.stderr)
        return 2
    sys.stdout.buffer.write(pcm)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
