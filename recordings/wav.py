"""The one file format of our tapes: a canonical WAV whose header can be mended by arithmetic alone.

Two channels, 16-bit PCM, a header of 44 bytes, then nothing but frames. With the layout fixed, the truth
about a tape is the length of its file, and whatever a dead process left in the header can be put right.
"""

import struct

CHANNELS = 2
SAMPLE_BYTES = 2
FRAME_BYTES = CHANNELS * SAMPLE_BYTES
HEADER_BYTES = 44
_LAYOUT = struct.Struct("<4sI4s4sIHHIIHH4sI")
# RIFF counts in 32 bits: 37 hours at 8 kHz. A longer tape keeps its frames; only the header stops counting.
_MOST_BYTES = (0xFFFFFFFF - HEADER_BYTES) // FRAME_BYTES * FRAME_BYTES


class NotATape(Exception):
    """A file that is not in the format of our tapes, so nothing may be mended or read in it."""


def header(rate_hz: int, frames: int) -> bytes:
    """The 44 bytes before `frames` frames of two-channel 16-bit PCM at `rate_hz`."""
    data_bytes = min(frames * FRAME_BYTES, _MOST_BYTES)
    return _LAYOUT.pack(
        b"RIFF",
        HEADER_BYTES - 8 + data_bytes,
        b"WAVE",
        b"fmt ",
        16,
        1,
        CHANNELS,
        rate_hz,
        rate_hz * FRAME_BYTES,
        FRAME_BYTES,
        8 * SAMPLE_BYTES,
        b"data",
        data_bytes,
    )


def rate_of(head: bytes) -> int:
    """The sampling rate in Hz that the first 44 bytes of a tape state. Raises `NotATape`.

    The two lengths in the header are not looked at: a tape whose process died states them too short.
    """
    if len(head) < HEADER_BYTES:
        raise NotATape("shorter than a WAV header")
    riff, _, wave, fmt, size, coding, channels, rate_hz, _, _, bits, data, _ = _LAYOUT.unpack(head[:HEADER_BYTES])
    if (riff, wave, fmt, size, data) != (b"RIFF", b"WAVE", b"fmt ", 16, b"data"):
        raise NotATape("not a plain WAV header")
    if (coding, channels, bits) != (1, CHANNELS, 8 * SAMPLE_BYTES) or rate_hz == 0:
        raise NotATape("not two channels of 16-bit PCM")
    return int(rate_hz)
