"""Utterances: finds where speech begins and ends, and describes it by normalised cepstra.

Enters: every window's int8 log mel bands, from either numeric path. Leaves: when an utterance has
ended, its normalised cepstra, int8, N_CEPSTRA a frame, for words.Words. Each coefficient has its
mean removed and is divided by its spread, so that the distance and the colour of a microphone count
little (Viikki, Laurila, Speech Communication 25, 1998).

The level of a frame is how far it is above the background. The background of each band follows the
sound all the time. It rises slowly, and even more slowly during speech. Cases of `hear_one`:
  1 settling              the first frames after a start or a gap set the background
  2 quiet, level low      stays quiet
  3 quiet, level high     speech begins
  4 speech                goes on while frames are loud: above _KEEP, and above a share of the
                          loudest frame. It lasts for _HANG more frames
  5 speech, _HANG over    ends. If it was long enough, it is an utterance, from _BEFORE frames
                          before its first loud frame to _BEHIND after its last one
  6 speech for LONGEST    ends too, and the present sound becomes the background
"""

from array import array

from micropython import const
from nearhum.kernels.viper_words import MAX_FRAMES, N_CEPSTRA, RING, cepstra, hear, normalise

SETTLE = const(10)  # frames of case 1
_BEGIN = const(27)  # level that begins speech, in 0.5 dB above the background
_KEEP = const(21)  # level that continues it, in 0.5 dB
_SHARE = const(13)  # and the share of the loudest frame's level, in 32nds
_HANG = const(12)  # frames below these levels that end speech; shorter ones are pauses in a word
_BEFORE = const(6)  # frames before the first loud one that belong to the utterance
_BEHIND = const(3)  # frames after the last loud one
_SHORTEST = const(6)  # frames of the shortest utterance
LONGEST = const(96)  # frames, so that with _BEFORE an utterance fits into the ring
_RISE = const(8)  # fastest rise of the background in quiet, in 16ths of a step a frame
_RISE_INSIDE = const(2)  # the same during speech
_FOLLOW = const(-1)  # rise for viper_words.hear: move a quarter of the way
_START = const(-2)  # rise for viper_words.hear: the background starts at this frame


class Utterances:
    """Hears frames of n_bands int8, n_bands from N_CEPSTRA to 32.

    Allocates its buffers once. Hearing allocates nothing.
    """

    def __init__(self, n_bands):
        self._ring = bytearray(RING * n_bands)
        self._levels = bytearray(RING)
        self.background = array("i", bytes(4 * n_bands))  # of each band, steps in Q4
        self._heard = (self._ring, self.background, n_bands)
        # Coefficients, while an utterance ends. Until the next one ends, Templates works in it.
        self.scratch = array("i", bytes(4 * MAX_FRAMES * N_CEPSTRA))
        self._transform = (_cosines(n_bands), n_bands, self.scratch)
        self.cepstra = bytearray(MAX_FRAMES * N_CEPSTRA)  # of the last utterance, a row a frame
        self.n_frames = 0  # rows of `cepstra` in use
        self.restart()

    def restart(self):
        """Forget what is being said, after a gap: the next frame does not follow the last one."""
        self._t = 0  # frames since the gap; after 2 RING - 1 it goes on with RING
        self._speech = False
        # frames since speech began, frames since it was last loud, its loudest level: it stays for
        # guard/plausible.py when speech ends
        self._since = self._rest = self.peak = 0

    def hear_one(self, frame):
        """Take in one frame.

        frame: int8 (n_bands,). Returns True if an utterance ended with it. `cepstra` then has its
        n_frames rows.
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
                self.peak = level
            return False
        self._since += 1
        if level > self.peak:
            self.peak = level
        self._rest = 0 if self._loud(level) else self._rest + 1
        if self._rest < _HANG:
            if self._since < LONGEST:
                return False
            hear(frame, slot, _START, self._heard)
        self._speech = False
        return self._take(t)

    def _loud(self, level):
        return level > _KEEP and level * 32 > self.peak * _SHARE

    def _take(self, t):
        # Skip first frames that turned out too soft, compared with the loudest one.
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
    """Return the cosines of `cepstra`: round(127 cos(pi k (b + 1/2) / n_bands)), int8.

    There is a row of n_bands for each of N_CEPSTRA coefficients k.
    """
    from nearhum.kernels.tables import Sine  # for a start alone, see lifetime.AT_START

    sine = Sine()
    out = bytearray(N_CEPSTRA * n_bands)
    for k in range(N_CEPSTRA):
        for b in range(n_bands):
            # A cosine is the sine a quarter turn further on. A turn has 4 n_bands parts.
            out[k * n_bands + b] = (
                127 * sine.q15(k * (2 * b + 1) + n_bands, 4 * n_bands) + (1 << 14) >> 15 & 255
            )
    return out
