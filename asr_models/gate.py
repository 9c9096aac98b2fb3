"""What is worth decoding: a gate before the recogniser that silence, hum and the tones of the line do not open.

Decoding silence costs as much as decoding speech, and a tone is decoded into words. The gate is no judge of
speech: it errs to open, and opens for any sound that stands out of the noise of the last seconds unless it is a
pure tone.
"""

import numpy as np
import numpy.typing as npt

HOP_SECONDS = 0.02  # between looks; each look spans two hops
STEP_HOPS = 5  # looks at a time, since it costs little more than one
OPENS_AFTER = 3  # looks in a row with sound: the edge of a tone is seen in two
HANG_OVER_SECONDS = 0.6  # of quiet, and it shuts: longer than a pause for breath, and than vosk's own 0.5 s
PRE_ROLL_SECONDS = 0.3  # decoded from before it opened: the onset, and some silence for the decoder to begin in

OPENS_DB = 8.0  # above the floor
STAYS_DB = 5.0  # and so much keeps it open
FLOOR_SECONDS = 5.0  # the floor is the quietest look of so long: speech has its gaps within it
FAINTEST_FLOOR_DBFS = -68.0  # no room on a telephone is quieter: A-law's smallest step is at -66
DIGITAL_DBFS = -80.0  # fainter looks were made by machines (lost packets) and tell nothing of the room
BAND_HERTZ = (200.0, 3700.0)  # of the telephone; the mains' hum is below
TONE_DB = 30.0  # hum and the two strongest peaks above all the rest are no voice: A-law leaves 35 to a pure tone
PEAK_HERTZ = 75.0  # belongs to a peak, on either side

_DC_BINS = 2  # of a spectrum, what a microphone's offset leaves
_NOTHING = np.float32(1e-12)
_FAINT = 32  # of 32768: -60 dBFS, which opens nothing over the faintest floor
_NO_SOUNDS = [False] * STEP_HOPS
_ROWS = np.arange(STEP_HOPS)[:, None]


class Gate:
    """Looks at one channel of sound at `rate_hz`. Shut at first.

    For its first `FLOOR_SECONDS` it takes the room for a quiet one: until then constant noise opens it.
    """

    def __init__(self, rate_hz: int) -> None:
        self.open = False
        self.quiet = True
        """No sound was seen in the latest step."""
        hop = round(rate_hz * HOP_SECONDS)
        self.step_samples = STEP_HOPS * hop
        self._looks = np.arange(STEP_HOPS)[:, None] * hop + np.arange(2 * hop)
        self._before = np.zeros(hop, dtype=np.int16)
        self._window = np.hanning(2 * hop).astype(np.float32)
        hertz = np.fft.rfftfreq(2 * hop, 1 / rate_hz)
        lowest, highest = (int(at) for at in np.searchsorted(hertz, BAND_HERTZ))
        self._measured = slice(_DC_BINS, highest)
        self._band = slice(lowest - _DC_BINS, None)
        reach = round(PEAK_HERTZ / hertz[1])
        self._peak = np.arange(-reach, reach + 1)
        self._full_scale = np.float32(2**30 * hop * np.sum(self._window**2))
        self._quietest = np.full((round(FLOOR_SECONDS / HOP_SECONDS / STEP_HOPS), 2), FAINTEST_FLOOR_DBFS)
        self._steps = 0
        self._in_a_row = 0
        self._since_sound = 0

    def look(self, step: npt.NDArray[np.int16]) -> bool:
        """Takes the next `step_samples`; whether the gate is open after them."""
        sound = np.concatenate([self._before, step])
        self._before = step[-len(self._before) :]
        self.quiet = True
        # Most of a call is so faint that it need not be measured.
        faint = sound.min() > -_FAINT and sound.max() < _FAINT
        for sounds in _NO_SOUNDS if faint else self._sounds(sound):
            self._in_a_row = self._in_a_row + 1 if sounds else 0
            self._since_sound += 1
            if self._in_a_row >= OPENS_AFTER:
                self.open, self.quiet, self._since_sound = True, False, 0
        if self._since_sound * HOP_SECONDS >= HANG_OVER_SECONDS:
            self.open = False
        if faint and sound.any():
            self._learn(FAINTEST_FLOOR_DBFS)
        return self.open

    def _sounds(self, sound: npt.NDArray[np.int16]) -> list[bool]:
        """Of each look, whether something stands out of the noise, be it beside a constant tone, and is no tone."""
        spectrum = np.fft.rfft(sound[self._looks] * self._window)[:, self._measured]
        power = spectrum.real**2 + spectrum.imag**2
        with_hum = power.sum(axis=1)
        power = power[:, self._band]
        whole = power.sum(axis=1)
        for _ in range(2):
            peak = power.argmax(axis=1)[:, None] + self._peak
            power[_ROWS, np.minimum(np.maximum(peak, 0), power.shape[1] - 1)] = 0
        rest = power.sum(axis=1)
        dbfs = 10 * np.log10(np.stack([whole, rest], axis=1) / self._full_scale + _NOTHING)
        floor = self._quietest.min(axis=0)
        real = dbfs[dbfs[:, 0] > DIGITAL_DBFS]
        if len(real):
            self._learn(np.maximum(real.min(axis=0), FAINTEST_FLOOR_DBFS))
        sounds = (dbfs > floor + (STAYS_DB if self.open else OPENS_DB)).any(axis=1)
        sounds &= with_hum < rest * 10 ** (TONE_DB / 10)
        return sounds.tolist()  # type: ignore[no-any-return]

    def _learn(self, quietest: npt.NDArray[np.float32] | float) -> None:
        self._quietest[self._steps % len(self._quietest)] = quietest
        self._steps += 1
