"""The one form of sound on the line: 16-bit mono PCM, little-endian, 8 kHz, in frames of 20 ms."""

RATE_HZ = 8000
FRAME_SAMPLES = 160  # 20 ms
FRAME_BYTES = 2 * FRAME_SAMPLES
FRAME_SECONDS = FRAME_SAMPLES / RATE_HZ
SILENCE = bytes(FRAME_BYTES)
