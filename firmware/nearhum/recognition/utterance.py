"""Utterances: where speech begins and ends among the frames of a sound, and what was said as
normalised cepstra.

Enters: every window's int8 log mel bands, the fixed path's or the float path's. Leaves: once an
utterance has ended, its normalised cepstra, int8, N_CEPSTRA a frame (mean and spread of each taken
away, so that a microphone's distance and colour count little: Viikki, Laurila, Speech Communication
25, 1998). A frame's level is how far it stands out of the background, whose bands are followed all
the time: up slowly, slower while someone speaks. Cases of `hear_one`:
  1 settling              the first frames after a start or a gap: they make the background
  2 quiet, level low      stays quiet
  3 quiet, level high     QUIET -> SPEECH
  4 speech                goes on while frames reach KEEP and a share of the loudest one, and for
                          HANG frames more
  5 speech, HANG over     ends; long enough: an utterance, from BEFORE its first such frame to
                          BEHIND its last one
  6 speech for LONGEST    ends as well, and what sounds now is the background
"""

from array import array

from micropython import const
from nearhum.kernels.viper_words import MAX_FRAMES, N_CEPSTRA, RING, cepstra, hear, normalise

SETTLE = const(10)  # frames
_BEGIN = const(27)  # half dB above the background
_KEEP = const(21)
_SHARE = const(13)  # of the loudest frame, in 32nds
_HANG = const(12)
_BEFORE = const(6)
_BEHIND = const(3)
_SHORTEST = const(6)
LONGEST = const(96)
_RISE = const(8)  # 16ths of a step a frame
_RISE_INSIDE = const(2)
_FOLLOW = const(-1)  # to kernels.hear: settle
_START = const(-2)


class Utterances:
    """Hears frames of n_bands int8, N_CEPSTRA to 32.

    Allocates its buffers once, hearing allocates nothing.
    """

    def __init__(self, n_bands):
        self._ring = bytearray(RING * n_bands)
        self._levels = bytearray(RING)
        self._heard = (self._ring, array("i", bytes(4 * n_bands)), n_bands)
        # coefficients while one ends; what compares it with others may use it until the next one
        # does
        self.scratch = array("i", bytes(4 * MAX_FRAMES * N_CEPSTRA))
        self._transform = (_cosines(n_bands), n_bands, self.scratch)
        self.cepstra = bytearray(MAX_FRAMES * N_CEPSTRA)  # of the last utterance
        self.n_frames = 0  # rows of it
        self.restart()

    def restart(self):
        """Forget what is being said: the next frame does not follow the last one."""
        self._t = 0  # frames since then, counted on from RING behind 2 RING
        self._speech = False
        # frames since speech began, since it was last loud; loudest level
        self._since = self._rest = self._peak = 0

    def hear_one(self, frame):
        """Take in one frame.

        Returns True when an utterance ended with it: `cepstra` has n_frames of it then.
        """
        t = self._t
        self._t = t + 1 if t < 2 * RING - 1 else RING
        slot = t & RING - 1
        if t < SETTLE:
            hear(frame, slot, _FOLLOW if t else _START, self._heard)
            return False
        speech = self._speech
        level = hear(frame, slot, _RISE_INSIDE if speech else _RISE, self._heard)
        self._levels[slot] = level
        if not speech:
            if level > _BEGIN:
                self._speech = True
                self._since = self._rest = 0
                self._peak = level
            return False
        self._since += 1
        if level > self._peak:
            self._peak = level
        self._rest = 0 if self._loud(level) else self._rest + 1
        if self._rest < _HANG:
            if self._since < LONGEST:
                return False
            hear(frame, slot, _START, self._heard)
        self._speech = False
        return self._take(t)

    def _loud(self, level):
        return level > _KEEP and level * 32 > self._peak * _SHARE

    def _take(self, t):
        # the first frames of speech may be too soft beside the loudest one
        n = self._since + 1 - self._rest
        begun = t - self._since
        while n > 1 and not self._loud(self._levels[begun & RING - 1]):
            begun += 1
            n -= 1
        if n < _SHORTEST:
            return False
        n += _BEFORE + min(_BEHIND, self._rest)
        self.n_frames = cepstra(self._ring, begun - _BEFORE & RING - 1, n, self._transform)
        normalise(self.scratch, self.n_frames, self.cepstra)
        return True


def _cosines(n_bands):
    """Return round(127 cos(pi k (b + 1/2) / n_bands)), int8, a row for each of N_CEPSTRA
    coefficients k.
    """
    from nearhum.kernels.tables import Sine  # for a start alone, see lifetime.AT_START

    sine = Sine()
    out = bytearray(N_CEPSTRA * n_bands)
    for k in range(N_CEPSTRA):
        for b in range(n_bands):
            # a quarter of a turn further on it is a sine; a turn has 4 n_bands parts
            out[k * n_bands + b] = (
                127 * sine.q15(k * (2 * b + 1) + n_bands, 4 * n_bands) + (1 << 14) >> 15 & 255
            )
    return out
