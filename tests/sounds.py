"""Sounds of the telephone that are not speech, made anew each time; and speech laid over them.

All are 16-bit mono PCM at 8 kHz that went through A-law, as on the line. Levels are dBFS of the RMS.
"""

import numpy as np
import numpy.typing as npt

RATE_HZ = 8000
Samples = npt.NDArray[np.float64]


def decibels(samples: Samples) -> float:
    return float(10 * np.log10(np.mean(samples**2) + 1e-12))


def at_level(samples: Samples, dbfs: float) -> Samples:
    """Of a sound with pauses, the level while it sounds."""
    sounding = samples[np.abs(samples) > 1e-4 * np.abs(samples).max(initial=1e-9)]
    return samples * 10 ** ((dbfs - decibels(sounding)) / 20)


def from_pcm(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, "<i2") / 32768


def to_pcm(samples: Samples) -> bytes:
    return np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2").tobytes()


def a_law(samples: Samples) -> Samples:
    """To A-law and back: quantised in steps that grow with loudness."""
    loudness = np.clip(np.abs(samples), 0, 1)
    segment = np.clip(np.floor(np.log2(np.maximum(loudness, 1e-9))) + 8, 1, 7)
    step = 2.0 ** (segment - 12)
    return np.sign(samples) * (np.floor(loudness / step) + 0.5) * step


def tones(seconds: float, *hertz: float) -> Samples:
    at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return np.asarray(sum(np.sin(2 * np.pi * one * at) for one in hertz)) / len(hertz)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE_HZ))


def repeated(pattern: Samples, seconds: float) -> Samples:
    return np.resize(pattern, round(seconds * RATE_HZ))


def ringback(seconds: float) -> Samples:
    return repeated(np.concatenate([tones(1.0, 450), silence(4.0)]), seconds)


def busy(seconds: float) -> Samples:
    return repeated(np.concatenate([tones(0.35, 450), silence(0.35)]), seconds)


def keys(seconds: float) -> Samples:
    """Every key of a telephone in turn, a tenth of a second each."""
    low, high = (697, 770, 852, 941), (1209, 1336, 1477)
    pressed = [part for row in low for column in high for part in (tones(0.1, row, column), silence(0.1))]
    return repeated(np.concatenate(pressed), seconds)


def hum(seconds: float) -> Samples:
    return tones(seconds, 50) + 0.5 * tones(seconds, 100) + 0.2 * tones(seconds, 150)


def noise(seconds: float, power: float = 0.0, seed: int = 1) -> Samples:
    """White for 0; falling with frequency for 1 (pink) and 2."""
    count = round(seconds * RATE_HZ)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=count))
    hertz = np.maximum(np.fft.rfftfreq(count, 1 / RATE_HZ), 20.0)
    return np.fft.irfft(spectrum / hertz ** (power / 2), count)


def street(seconds: float) -> Samples:
    """A rumble that swells and fades as cars pass, with a horn now and then."""
    at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    passing = 1 + 0.8 * np.sin(2 * np.pi * at / 7) + 0.4 * np.sin(2 * np.pi * at / 2.3)
    horn = (at % 13 < 0.4) * (np.sin(2 * np.pi * 415 * at) + np.sin(2 * np.pi * 520 * at))
    rumble = noise(seconds, 1.5, seed=3) * passing
    return rumble / np.std(rumble) + 0.5 * horn


def hold_music(seconds: float) -> Samples:
    """A tune over chords, struck and fading like a musical box."""
    tune = [64, 67, 72, 71, 67, 64, 65, 69, 74, 72, 69, 65, 62, 65, 71, 69, 67, 62, 64, 67, 72, 76, 72, 67]
    chords = [(48, 52, 55), (53, 57, 60), (55, 59, 62), (48, 52, 55)]
    at = np.arange(round(0.4 * RATE_HZ)) / RATE_HZ
    beats = []
    for beat, note in enumerate(tune):
        pitches = (note, *chords[beat // 6])
        strength = (1.0, 0.4, 0.4, 0.4)
        beat_sound = sum(
            loud * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * harmonic * at) / harmonic**2
            for pitch, loud in zip(pitches, strength, strict=True)
            for harmonic in (1, 2, 3)
        )
        beats.append(np.asarray(beat_sound) * np.exp(-4 * at))
    return repeated(np.concatenate(beats), seconds)


NOT_SPEECH = {
    "ringback": ringback,
    "busy tone": busy,
    "keys": keys,
    "hum": hum,
    "white noise": noise,
    "pink noise": lambda seconds: noise(seconds, 1.0),
    "street": street,
    "hold music": hold_music,
}


def over(speech: Samples, other: Samples, decibels_above: float) -> Samples:
    """`speech`, and `other` as long as it is, so much fainter."""
    level = decibels(speech[np.abs(speech) > 0.01])
    return speech + at_level(other[: len(speech)], level - decibels_above)
