"""Window: blocks of interleaved samples to one full window a channel, sliding by a hop.

Enters: blocks of int16 frames from a source. Leaves: rows, one memoryview of 'h' (n_window,) a channel.
A gap (overrun, start of a recording's segment) restarts it: no window ever spans one.
"""

from array import array

import micropython

from nearhum.kernels import deinterleave, slide

STUCK, SATURATED = 1, 2


@micropython.viper
def _clipped(samples: ptr16, n: int, step: int, clip: int) -> int:
    left = n
    while n >= step:
        n -= step
        if (samples[n] + clip - 1) & 0xFFFF >= 2 * clip - 1:
            left -= step << 4
    return left


class Window:
    """n_channels rows of n_window int16; advances by n_hop. Allocates its buffer once."""

    def __init__(self, n_channels, n_window, n_hop):
        self.n_channels = n_channels
        self.n_window = n_window
        self.n_hop = n_hop
        self._samples = array("h", bytes(2 * n_channels * n_window))
        view = memoryview(self._samples)
        self.rows = [view[c * n_window : (c + 1) * n_window] for c in range(n_channels)]
        # of each row all but the last sample and all but the first: where nothing moves they are the same
        self._pairs = [(row[:-1], row[1:]) for row in self.rows]
        self.missing = n_window  # samples a row: at 0 the window is full

    @micropython.native
    def push(self, block, start, n_frames):
        """Take frames from block, array('h') interleaved, frame `start` on. Returns how many of n_frames it took."""
        n, missing = self.n_window, self.missing
        if n_frames > missing:
            n_frames = missing
        deinterleave(block, n_frames, start, self.n_channels, self._samples, n, n - missing)
        self.missing = missing - n_frames
        return n_frames

    @micropython.native
    def advance(self):
        """Let the oldest n_hop samples go."""
        n, hop = self.n_window, self.n_hop
        if hop < n:
            slide(self._samples, n - hop, self.n_channels, n, hop)
        self.missing = hop

    def ill(self, clip):
        """Return STUCK where no row moves, SATURATED where more than a sixteenth is clipped, 0 for neither.

        clip: |sample| that is clipped; some 16 samples a row are looked at.
        """
        for head, tail in self._pairs:
            if head != tail:
                n = self.n_window
                return SATURATED if _clipped(self._samples, n * self.n_channels, n >> 4 | 1, clip) < 0 else 0
        return STUCK

    def restart(self):
        """Drop what has been collected: the next sample does not follow the last one."""
        self.missing = self.n_window
