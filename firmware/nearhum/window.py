"""Window: blocks of interleaved samples to one full window a channel, sliding by a hop.

Enters: blocks of int16 frames from a source. Leaves: rows, one memoryview of 'h' (n_window,) a channel.
A gap (overrun, start of a recording's segment) restarts it: no window ever spans one.
"""

from array import array

from nearhum import kernels


class Window:
    """n_channels rows of n_window int16; advances by n_hop. Allocates its buffer once."""

    def __init__(self, n_channels, n_window, n_hop):
        self.n_channels = n_channels
        self.n_window = n_window
        self.n_hop = n_hop
        self._samples = array("h", bytes(2 * n_channels * n_window))
        view = memoryview(self._samples)
        self.rows = [view[c * n_window : (c + 1) * n_window] for c in range(n_channels)]
        self.filled = 0

    def push(self, block, start, n_frames):
        """Take frames from block, array('h') interleaved, frame `start` on. Returns how many of n_frames it took."""
        n = min(n_frames, self.n_window - self.filled)
        kernels.deinterleave(block, start, n, self.n_channels, self._samples, self.n_window, self.filled)
        self.filled += n
        return n

    @property
    def full(self):
        """True when the rows hold a whole window."""
        return self.filled == self.n_window

    def advance(self):
        """Let the oldest n_hop samples go."""
        keep = self.n_window - self.n_hop
        if keep:
            kernels.slide(self._samples, self.n_channels, self.n_window, keep, self.n_hop)
        self.filled = keep

    def restart(self):
        """Drop what has been collected: the next sample does not follow the last one."""
        self.filled = 0
