"""Kaldi's MFCC, with one thing that Kaldi has not: the ear can be stretched.

A mel bank stretched by 1.1 hears formants a tenth higher than they are and leaves the pitch alone; with
resampling, which moves both, a speaker becomes another one.
"""

import functools

import numpy as np
import numpy.typing as npt

from asr_models.training.speech import RATE_HZ

WINDOW, SHIFT, FFT = 200, 80, 256  # samples: 25 ms every 10 ms
MELS = 40
LOW_HZ, HIGH_HZ = 40.0, RATE_HZ / 2 - 200.0
LIFTER = 22.0
FLOOR = float(np.finfo(np.float32).eps)

CONF = """\
--use-energy=false
--num-mel-bins=40
--num-ceps=40
--low-freq=40
--high-freq=-200
--sample-frequency=8000
--dither=0
"""
"""What is computed here, as the mfcc.conf that Vosk reads."""

Frames = npt.NDArray[np.float32]


def mfcc(sound: Frames, stretch: float = 1.0, masked: tuple[int, int] | None = None) -> Frames:
    """(frames, 40) of `sound` (-1 to 1 at 8 kHz); the mel bands in the range `masked` are silenced to their mean."""
    frames = np.lib.stride_tricks.sliding_window_view(sound * np.float32(32768), WINDOW)[::SHIFT]
    frames = frames - frames.mean(axis=1, keepdims=True)
    frames = frames - np.float32(0.97) * np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    power = np.abs(np.fft.rfft(frames * _povey(), FFT)).astype(np.float32) ** 2
    mels = np.log(np.maximum(power[:, : FFT // 2] @ _bank(round(stretch, 2)), FLOOR))
    if masked is not None:
        mels[:, masked[0] : masked[1]] = mels[:, masked[0] : masked[1]].mean(axis=0)
    return mels @ _cosines()


@functools.cache
def _povey() -> Frames:
    return ((0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / (WINDOW - 1))) ** 0.85).astype(np.float32)


def _mel(hz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return np.asarray(1127.0 * np.log(1.0 + np.asarray(hz) / 700.0))


@functools.cache
def _bank(stretch: float) -> Frames:
    """Triangles over the mel scale (FFT / 2, 40), as Kaldi lays them."""
    low, high = _mel(LOW_HZ), _mel(HIGH_HZ)
    step = (high - low) / (MELS + 1)
    hz = RATE_HZ / FFT * np.arange(FFT // 2) * stretch
    mel = _mel(hz)[:, None]
    left = low + step * np.arange(MELS)[None, :]
    up, down = (mel - left) / step, (left + 2 * step - mel) / step
    return np.maximum(np.minimum(up, down), 0).astype(np.float32)


@functools.cache
def _cosines() -> Frames:
    """The orthonormal DCT with Kaldi's lifter: (mels, ceps)."""
    k, n = np.arange(MELS)[None, :], np.arange(MELS)[:, None]
    table = np.sqrt(2.0 / MELS) * np.cos(np.pi / MELS * (n + 0.5) * k)
    table[:, 0] = np.sqrt(1.0 / MELS)
    return (table * (1.0 + 0.5 * LIFTER * np.sin(np.pi * np.arange(MELS) / LIFTER))[None, :]).astype(np.float32)
