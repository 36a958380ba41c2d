"""Window: blocks of interleaved samples to one full window a channel, sliding by a hop.

Enters: blocks of int16 frames from a source. Leaves: rows, one memoryview of 'h' (n_window,) a channel.
A gap (overrun, start of a recording's segment) restarts it: no window ever spans one.
"""

from array import array

import micropython

from nearhum.kernels import deinterleave, slide

STUCK, SATURATED = 1, 2


@micropython.viper
def _ill(samples: ptr16, n_channels: int, n: int, clip: int) -> int:
    ill = 1
    step = n >> 4 | 1
    row = 0
    while row < n_channels * n:
        end = row + n
        i = row
        while ill & int(i < end):
            if samples[i] != samples[row]:
                ill = 0
            i += 1
        row = end
    row = 0
    while row < n_channels * n:
        end = row + n
        i = row
        left = n
        while i < end:
            v = samples[i]
            if v > 32767:
                v = 65536 - v
            if v >= clip:
                left -= step << 3
            i += step
        if left < 0:
            return 2
        row = end
    return ill


class Window:
    """n_channels rows of n_window int16; advances by n_hop. Allocates its buffer once."""

    def __init__(self, n_channels, n_window, n_hop):
        self.n_channels = n_channels
        self.n_window = n_window
        self.n_hop = n_hop
        self._samples = array("h", bytes(2 * n_channels * n_window))
        view = memoryview(self._samples)
        self.rows = [view[c * n_window : (c + 1) * n_window] for c in range(n_channels)]
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
        """Return STUCK where no row moves, SATURATED where more than an eighth of a row is clipped, 0 for neither.

        clip: |sample| that is clipped; about 16 samples a row are looked at.
        """
        return _ill(self._samples, self.n_channels, self.n_window, clip)

    def restart(self):
        """Drop what has been collected: the next sample does not follow the last one."""
        self.missing = self.n_window
