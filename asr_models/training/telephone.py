"""Everything that a telephone does to a voice before a recogniser hears it, drawn at random and done fast.

Filters, handset and room are one multiplication in the spectrum; noises are cut out of beds that are made once.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from asr_models.sound import through_a_law
from asr_models.training.speech import RATE_HZ, Sound

Generator = np.random.Generator

BED_SECONDS = 40
ROOMS = 60
_ROOM_SECONDS = 0.3
_FRAME = RATE_HZ // 50  # a packet of 20 ms


class Telephone:
    """One exchange with its noises and rooms; the same seed makes the same."""

    def __init__(self, generator: Generator, voices: Sequence[Sound]) -> None:
        """`voices` are what babble is made of."""
        self._noises = [_coloured(generator, slope) for slope in (0.0, 0.5, 1.0, 1.5)]
        self._noises += [_street(generator) for _ in range(3)]
        self._babbles = [_babble(generator, voices, count) for count in (2, 4, 7)]
        self._tones = [_ringing(generator, hz, on, off) for hz, on, off in _CADENCES]
        self._tones += [_hum(generator, hz) for hz in (50.0, 50.0, 100.0, 60.0)]
        self._tones += [_keys(generator), _tune(generator), _tune(generator), _tune(generator), _beeps(generator)]
        self._rooms = [_room(generator) for _ in range(ROOMS)]

    def line(
        self,
        sound: Sound,
        generator: Generator,
        *,
        clean: float = 0.15,
        noise_db: tuple[float, float] = (3, 35),
        worn: float = 0.25,
    ) -> Sound:
        """`sound` as it comes out of a telephone, the same length; a share of `clean` meets nothing but A-law.

        Noise lies `noise_db` below the voice; of what is not clean, `worn` is too loud for its line or loses packets.
        """
        if generator.random() < clean:
            return a_law(_gain(sound, generator))
        room = self._rooms[generator.integers(len(self._rooms))] if generator.random() < 0.4 else None
        sound = _filtered(sound, generator, room)
        if generator.random() < 0.85:
            sound = self._noisy(sound, generator, noise_db)
        sound = _gain(sound, generator)
        if generator.random() < worn * 0.4:
            sound = np.clip(sound * generator.uniform(1.5, 5.0), -0.9, 0.9)
        sound = a_law(sound)
        return _lossy(sound, generator) if generator.random() < worn * 0.6 else sound

    def noise(self, samples: int, generator: Generator) -> Sound:
        """A line on which nobody speaks: a noise, a tone, a tune, or next to nothing."""
        bed = self._bed(generator, babble=False)
        level = 10 ** generator.uniform(-3.2, -0.5)
        sound = _cut(bed, samples, generator) * np.float32(level)
        if generator.random() < 0.5:
            sound = sound + _cut(self._bed(generator, babble=False), samples, generator) * np.float32(level * 0.3)
        return sound.astype(np.float32)

    def _bed(self, generator: Generator, *, babble: bool = True) -> Sound:
        drawn = generator.random()
        beds = self._noises if drawn < 0.5 else self._tones if drawn < 0.8 or not babble else self._babbles
        return beds[generator.integers(len(beds))]

    def _noisy(self, sound: Sound, generator: Generator, noise_db: tuple[float, float]) -> Sound:
        level = float(np.sqrt(np.mean(sound**2))) + 1e-6
        for _ in range(1 + int(generator.random() < 0.25)):
            ratio = generator.uniform(*noise_db)
            bed = _cut(self._bed(generator), len(sound), generator)
            sound = sound + bed * np.float32(level * 10 ** (-ratio / 20))
        return sound


def a_law(sound: Sound) -> Sound:
    """G.711 and back: the steps it leaves.

    >>> np.abs(a_law(np.array([0.5, -0.01], np.float32)) - [0.5, -0.01]).max() < 0.02
    np.True_
    """
    pcm = np.clip(np.rint(sound * np.float32(32768)), -32768, 32767).astype("<i2")
    return np.frombuffer(through_a_law(pcm.tobytes()), "<i2").astype(np.float32) / np.float32(32768)


def _gain(sound: Sound, generator: Generator) -> Sound:
    level = float(np.sqrt(np.mean(sound**2))) + 1e-6
    sound = sound * np.float32(10 ** (generator.uniform(-42, -14) / 20) / level)
    return np.clip(sound, -1, 1)


def _filtered(sound: Sound, generator: Generator, room: npt.NDArray[np.complex64] | None) -> Sound:
    size = _ROOM_FFT if room is not None and len(sound) < _ROOM_FFT else 1 << (len(sound) - 1).bit_length()
    spectrum = np.fft.rfft(sound, size)
    hz = np.linspace(0, RATE_HZ / 2, size // 2 + 1, dtype=np.float32)
    bands = np.linspace(0, RATE_HZ / 2, 9)
    tilt = generator.uniform(-4, 4)
    decibels = generator.normal(0, 3.5, 9) + tilt * np.linspace(-1, 1, 9)
    curve = np.interp(hz, bands, decibels)
    if generator.random() < 0.75:
        low, high = generator.uniform(100, 350), generator.uniform(3000, 3800)
        curve = curve - 24 * np.clip((low - hz) / low, 0, 1) - 40 * np.clip((hz - high) / 400, 0, 1)
    spectrum = spectrum * (10 ** (curve / 20)).astype(np.float32)
    if room is not None and len(sound) < _ROOM_FFT:
        spectrum = spectrum * room
    return np.fft.irfft(spectrum, size)[: len(sound)].astype(np.float32)


def _lossy(sound: Sound, generator: Generator) -> Sound:
    """Packets lost in bursts: silence, or the packet before once more."""
    sound = sound.copy()
    packets = len(sound) // _FRAME
    again = generator.random() < 0.5
    for packet in np.flatnonzero(generator.random(packets) < generator.uniform(0.005, 0.04)):
        for lost in range(int(packet), min(int(packet) + int(generator.integers(1, 3)), packets)):
            start = lost * _FRAME
            before = sound[start - _FRAME : start] if again and lost else 0
            sound[start : start + _FRAME] = before
    return sound


def _cut(bed: Sound, samples: int, generator: Generator) -> Sound:
    if samples >= len(bed):
        bed = np.tile(bed, samples // len(bed) + 2)
    start = generator.integers(len(bed) - samples)
    return bed[start : start + samples]


def _level(sound: npt.NDArray[np.floating]) -> Sound:
    return (sound / (np.sqrt(np.mean(sound**2)) + 1e-9)).astype(np.float32)


def _time() -> npt.NDArray[np.float64]:
    return np.arange(BED_SECONDS * RATE_HZ) / RATE_HZ


def _coloured(generator: Generator, slope: float) -> Sound:
    """Noise that falls with the frequency to the power of `slope`: white, pink, brown."""
    spectrum = np.fft.rfft(generator.standard_normal(BED_SECONDS * RATE_HZ))
    return _level(np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 50.0) ** slope))


def _street(generator: Generator) -> Sound:
    """Rumble that swells, engines that pass, now and then a horn."""
    time = _time()
    swell = np.interp(time, np.arange(0, BED_SECONDS + 2, 2), generator.uniform(0.2, 1.5, BED_SECONDS // 2 + 1))
    sound = _coloured(generator, 1.0) * swell
    for _ in range(5):
        start, base = generator.uniform(0, BED_SECONDS - 4), generator.uniform(40, 130)
        passing = np.exp(-(((time - start - 2) / generator.uniform(0.5, 1.5)) ** 2))
        sweep = np.cumsum(base * (1.1 - 0.2 * np.clip((time - start) / 4, 0, 1))) / RATE_HZ
        sound = sound + passing * sum(np.sin(2 * np.pi * k * sweep) / k for k in range(1, 6))
    for _ in range(2):
        start, hz = generator.uniform(0, BED_SECONDS - 1), generator.uniform(300, 500)
        horn = ((time > start) & (time < start + generator.uniform(0.2, 0.8))) * 1.0
        sound = sound + horn * (np.sin(2 * np.pi * hz * time) + np.sin(2 * np.pi * hz * 1.26 * time))
    return _level(sound)


def _babble(generator: Generator, voices: Sequence[Sound], count: int) -> Sound:
    sound = np.zeros(BED_SECONDS * RATE_HZ, np.float32)
    for _ in range(count if voices else 0):
        at = 0
        while at < len(sound):
            voice = _level(voices[int(generator.integers(len(voices)))])[: len(sound) - at]
            sound[at : at + len(voice)] += voice * np.float32(generator.uniform(0.5, 1.0))
            at += len(voice) + int(generator.integers(RATE_HZ))
    return _level(sound) if count and voices else _coloured(generator, 1.0)


_CADENCES = (
    (450.0, 1.0, 4.0), (450.0, 0.35, 0.35), (450.0, 0.7, 0.7), (450.0, 100.0, 0.0), (425.0, 1.0, 4.0),
    (440.0, 2.0, 4.0), (950.0, 0.33, 0.1), (400.0, 0.4, 0.2), (1000.0, 100.0, 0.0),
)  # fmt: skip


def _ringing(generator: Generator, hz: float, on: float, off: float) -> Sound:
    time = _time()
    hz *= generator.uniform(0.97, 1.03)
    tone = np.sin(2 * np.pi * hz * time) * (time % (on + off) < on)
    return (tone * np.sqrt(2) + 0.003 * generator.standard_normal(len(time))).astype(np.float32)


def _hum(generator: Generator, hz: float) -> Sound:
    time = _time()
    sound = sum(
        generator.uniform(0, 1) / k**0.7 * np.sin(2 * np.pi * hz * k * time + generator.uniform(0, 6))
        for k in range(1, 12)
    )
    return _level(np.asarray(sound) + 0.02 * generator.standard_normal(len(time)))


_LOW_KEYS, _HIGH_KEYS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)


def _keys(generator: Generator) -> Sound:
    time = _time()
    sound = 0.003 * generator.standard_normal(len(time))
    at = 0.0
    while at < BED_SECONDS - 1:
        length = generator.uniform(0.06, 0.4)
        here = (time >= at) & (time < at + length)
        for table in (_LOW_KEYS, _HIGH_KEYS):
            sound[here] += np.sin(2 * np.pi * generator.choice(table) * time[here])
        at += length + generator.uniform(0.05, 1.0)
    return _level(sound)


def _beeps(generator: Generator) -> Sound:
    time = _time()
    sound = 0.003 * generator.standard_normal(len(time))
    at = 0.0
    while at < BED_SECONDS - 1:
        length, hz = generator.uniform(0.05, 1.2), generator.uniform(250, 3000)
        here = (time >= at) & (time < at + length)
        sound[here] += np.sin(2 * np.pi * hz * time[here])
        at += length + generator.uniform(0.1, 1.5)
    return _level(sound)


_SCALE = np.array([0, 2, 4, 7, 9, 12, 14, 16, 19, 21])


def _tune(generator: Generator) -> Sound:
    """Music on hold: a melody over chords, each note with its overtones, dying away."""
    time = _time()
    sound = np.zeros(len(time))
    beat, root = generator.uniform(0.2, 0.6), generator.uniform(110, 260)
    overtones = generator.uniform(0, 1, 6) / np.arange(1, 7) ** generator.uniform(0.5, 1.5)
    for number in range(int(BED_SECONDS / beat)):
        notes = [generator.choice(_SCALE)] if number % 4 else [0, 4, 7, generator.choice(_SCALE)]
        start = int(number * beat * RATE_HZ)
        stop = min(start + int(generator.uniform(1, 5) * beat * RATE_HZ), len(time))
        after = np.arange(stop - start) / RATE_HZ
        fade = np.exp(-after * generator.uniform(1, 6)) * np.minimum(after * 100, 1)
        for note in notes:
            hz = root * 2 ** (note / 12)
            for k, strength in enumerate(overtones, 1):
                if hz * k < RATE_HZ / 2:
                    sound[start:stop] += strength * fade * np.sin(2 * np.pi * hz * k * after)
    return _level(sound)


_ROOM_FFT = 1 << 16


def _room(generator: Generator) -> npt.NDArray[np.complex64]:
    """The spectrum of a room's answer: the voice itself, then what the walls send back."""
    samples = int(_ROOM_SECONDS * RATE_HZ)
    time = np.arange(samples) / RATE_HZ
    answer = generator.standard_normal(samples) * np.exp(-time * 6.9 / generator.uniform(0.08, 0.5))
    answer *= generator.uniform(0.05, 0.5) / (np.sqrt(np.sum(answer**2)) + 1e-9)
    answer[: int(0.004 * RATE_HZ)] = 0
    answer[0] = 1.0
    return np.fft.rfft(answer, _ROOM_FFT).astype(np.complex64)
