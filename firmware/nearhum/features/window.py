"""Window: blocks of interleaved samples to one full window a channel, sliding by a hop.

Enters: blocks of int16 frames from a source. Leaves: rows, one memoryview of 'h' (n_window,) a
channel, for the features. A gap (an overrun, or the start of a recording's segment) restarts the
window, so that no window spans a gap. `glance` also checks whether the samples can be real.
"""

from array import array

import micropython
from micropython import const
from nearhum.kernels import deinterleave, slide

STUCK = const(1)  # bit of `glance` and `defect`: no sample differs from its neighbour
SATURATED = const(2)  # bit: too many samples are clipped
_NO_CLIP = const(0x10000)  # No |int16| reaches this, so that nothing counts as clipped.

# Indices of the array `look`, which tells a glance where to look.
_ROW = const(0)  # bytes of a row
_STEP = const(1)  # bytes from one look to the next: about 16 looks a row, each at two neighbours
_ROWS = const(2)  # bytes of all rows
_SPARE = const(3)  # clipped looks that are tolerated: a sixteenth of the looks, at least 1
CLIP = const(4)  # |sample| from which on it is clipped; guard/health.py sets it
RECENT = const(5)  # RECENT_DEFECT if a recent window had a defect, else 0; guard/health.py sets it
RECENT_DEFECT = const(4)  # bit of `glance`


@micropython.viper
def glance(two: ptr16, look: ptr32) -> int:
    """Return 0 if this window and the recent ones have no defect, else bits for Window.defect.

    two: the samples; later this register holds the address of the two neighbours in view. look:
    Window.look.
    """
    v = 0
    end = 0
    spare = int(look[_SPARE])
    found = int(look[RECENT]) | STUCK
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
                found &= RECENT_DEFECT
            if (v + below) & 0xFFFF > below + below:  # |v| > below
                spare -= 1
            two = ptr16(int(two) + step)
    return found | SATURATED if spare < 0 else found


class Window:
    """n_channels rows of n_window int16 samples, which advance by n_hop samples.

    Allocates its buffer once.
    """

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
        self.missing = n_window  # samples that each row still needs: the window is full at 0

    @micropython.native
    def push(self, block, start, n_frames):
        """Copy frames from a block until the window is full.

        block: array('h'), interleaved. start: the first frame to take. n_frames: how many there
        are. Returns how many it took. Allocates nothing.
        """
        n, missing = self.n_window, self.missing
        if n_frames > missing:
            n_frames = missing
        deinterleave(block, n_frames, start, self.n_channels, self.samples, n, n - missing)
        self.missing = missing - n_frames
        return n_frames

    @micropython.native
    def advance(self):
        """Drop the oldest n_hop samples of each row. Allocates nothing."""
        n, hop = self.n_window, self.n_hop
        if hop < n:
            slide(self.samples, n - hop, self.n_channels, n, hop)
        self.missing = hop

    def defect(self, found):
        """Return STUCK if no sample differs, SATURATED if more than a sixteenth of the looks were
        clipped, else 0.

        found: what a glance returned. If it saw no difference, this looks at every sample.
        """
        if found & STUCK:
            look = self.look
            step, look[_STEP] = look[_STEP], 2
            found &= glance(self.samples, look) | SATURATED
            look[_STEP] = step
        return STUCK if found & STUCK else found & SATURATED

    def restart(self):
        """Drop all samples, after a gap: the next sample does not follow the last one."""
        self.missing = self.n_window
