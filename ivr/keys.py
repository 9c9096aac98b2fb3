"""Keys that arrive as tones in the sound itself: a Goertzel filter over the leg's PCM (Q.23, Q.24)."""

from __future__ import annotations

import numpy as np

from ivr.pcm import RATE_HZ

_ROWS = (697.0, 770.0, 852.0, 941.0)
_COLUMNS = (1209.0, 1336.0, 1477.0, 1633.0)
_KEYS = ("123A", "456B", "789C", "*0#D")
_BLOCK = 205  # 25.6 ms: the eight tones fall on distinct bins
_MIN_POWER = 10_000.0  # mean square; about -50 dBFS
_MIN_SHARE = 0.82  # of the block's energy in the two tones: speech never reaches it for long
_MAX_TWIST = 8.0  # ratio of the two powers (9 dB)
_HOLD_BLOCKS = 2  # 40 ms is the shortest key a receiver must accept

_angles = 2 * np.pi * np.arange(_BLOCK)[None, :] * np.array(_ROWS + _COLUMNS)[:, None] / RATE_HZ
_BASIS = np.exp(-1j * _angles)


class KeyDetector:
    """``feed`` PCM (16-bit mono, 8 kHz, any length), get back the keys that were pressed in it, each once."""

    def __init__(self) -> None:
        self._rest = np.empty(0, dtype=np.float64)
        self._candidate: str | None = None
        self._blocks = 0
        self._gap = 0

    def feed(self, pcm: bytes) -> str:
        samples = np.concatenate([self._rest, np.frombuffer(pcm, dtype="<i2").astype(np.float64)])
        whole = len(samples) // _BLOCK
        self._rest = samples[whole * _BLOCK :]
        pressed = ""
        for block in samples[: whole * _BLOCK].reshape(whole, _BLOCK):
            pressed += self._step(_key_of(block))
        return pressed

    def _step(self, key: str | None) -> str:
        if key is None:
            self._gap += 1
            if self._gap >= 2:  # one spoilt block in the middle of a key is not its end
                self._candidate, self._blocks = None, 0
            return ""
        self._gap = 0
        if key != self._candidate:
            self._candidate, self._blocks = key, 1
            return ""
        self._blocks += 1
        return key if self._blocks == _HOLD_BLOCKS else ""


def _key_of(block: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> str | None:
    mean_square = float(np.mean(block * block))
    if mean_square < _MIN_POWER:
        return None
    # the power of a sine of amplitude A is A^2/2; its correlation over N samples is A*N/2
    power = 2 * np.abs(_BASIS @ block) ** 2 / _BLOCK**2
    row, column = int(np.argmax(power[:4])), int(np.argmax(power[4:]))
    low, high = float(power[row]), float(power[4 + column])
    if low + high < _MIN_SHARE * mean_square or max(low, high) > _MAX_TWIST * min(low, high):
        return None
    return _KEYS[row][column]


def tones(keys: str, *, on_seconds: float = 0.1, off_seconds: float = 0.1) -> bytes:
    """The sound of ``keys``, for simulated phones that have no other way to send them."""
    pcm = b""
    t = np.arange(int(on_seconds * RATE_HZ)) / RATE_HZ
    for key in keys:
        row = next(r for r, line in enumerate(_KEYS) if key in line)
        low, high = _ROWS[row], _COLUMNS[_KEYS[row].index(key)]
        wave = 8000 * (np.sin(2 * np.pi * low * t) + np.sin(2 * np.pi * high * t))
        pcm += wave.astype("<i2").tobytes() + bytes(2 * int(off_seconds * RATE_HZ))
    return pcm
