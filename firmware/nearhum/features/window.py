"""Window: blocks of interleaved samples to one full window a channel, sliding by a hop.

Enters: blocks of int16 frames from a source. Leaves: rows, one memoryview of 'h' (n_window,) a
channel. A gap (overrun, start of a recording's segment) restarts it: no window ever spans one.
"""

from array import array

import micropython
from micropython import const
from nearhum.kernels import deinterleave, slide

STUCK = const(1)
SATURATED = const(2)
_NO_CLIP = const(0x10000)

# words of `look`, which says where a glance looks
_ROW = const(0)  # bytes a row
_STEP = const(1)  # bytes from one look to the next, some 16 a row, each at two neighbours
_ROWS = const(2)  # bytes of all rows
_SPARE = const(3)  # a sixteenth of the looks, one at least
CLIP = const(4)  # |sample| that is clipped
SEEN = const(5)  # of the windows before: SEEN_ILL or 0
SEEN_ILL = const(4)


@micropython.viper
def glance(two: ptr16, look: ptr32) -> int:
    """Return 0 where a window is sound and those before it were; else what Window.ill takes.

    two: the samples; then the two neighbours that are looked at.
    """
    v = 0
    end = 0
    spare = int(look[_SPARE])
    found = int(look[SEEN]) | STUCK
    row = int(two)
    rows = row + int(look[_ROWS])
    step = int(look[_STEP])
    below = int(look[CLIP]) - 1
    while row < rows:
        two = ptr16(row)
        row += int(look[_ROW])
        end = row - 2
        while int(two) < end:
            v = two[0]
            if v != two[1]:
                found &= SEEN_ILL
            if (v + below) & 0xFFFF > below + below:  # |v| > below
                spare -= 1
            two = ptr16(int(two) + step)
    return found | SATURATED if spare < 0 else found


class Window:
    """n_channels rows of n_window int16; advances by n_hop. Allocates its buffer once."""

    def __init__(self, n_channels, n_window, n_hop):
        self.n_channels = n_channels
        self.n_window = n_window
        self.n_hop = n_hop
        self.samples = array("h", bytes(2 * n_channels * n_window))
        view = memoryview(self.samples)
        self.rows = [view[c * n_window : (c + 1) * n_window] for c in range(n_channels)]
        step = n_window >> 4 | 1
        spare = max(1, n_channels * n_window // step >> 4)
        self.look = array(
            "i", [2 * n_window, 2 * step, 2 * n_window * n_channels, spare, _NO_CLIP, 0]
        )
        self.missing = n_window  # samples a row: at 0 the window is full

    @micropython.native
    def push(self, block, start, n_frames):
        """Take frames from block, array('h') interleaved, frame `start` on.

        Returns how many of n_frames it took.
        """
        n, missing = self.n_window, self.missing
        if n_frames > missing:
            n_frames = missing
        deinterleave(block, n_frames, start, self.n_channels, self.samples, n, n - missing)
        self.missing = missing - n_frames
        return n_frames

    @micropython.native
    def advance(self):
        """Let the oldest n_hop samples go."""
        n, hop = self.n_window, self.n_hop
        if hop < n:
            slide(self.samples, n - hop, self.n_channels, n, hop)
        self.missing = hop

    def ill(self, found):
        """Return STUCK where no row moves, SATURATED where more than a sixteenth of the looks is
        clipped, else 0.

        found: what a glance found. Where nothing moved there, every sample is looked at.
        """
        if found & STUCK:
            look = self.look
            step, look[_STEP] = look[_STEP], 2
            found &= glance(self.samples, look) | SATURATED
            look[_STEP] = step
        return STUCK if found & STUCK else found & SATURATED

    def restart(self):
        """Drop what has been collected: the next sample does not follow the last one."""
        self.missing = self.n_window
