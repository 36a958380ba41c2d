"""Packets: the channel state of Wi-Fi packets to a few slow channels.

The movement of a person makes these channels unsteady. Enters: blocks of frames from a receiver.
A frame is a packet, and a value of it is a subcarrier, whose two bytes are the real and the
imaginary part, int8. Leaves, in the block's own memory: frames of n_channels int16, for the window.

A channel is a group of neighbouring subcarriers. Its value is the mean of their log powers less
the mean over all subcarriers, so that the receiver's gain does not count. A step of 0.376 dB is 256
counts. A power of 0 counts as 1. The last stage is the median of three packets, because a packet
with an error is usually alone. Leaf; loaded only if n_subcarriers is set.
"""

from array import array

import micropython


class Packets:
    """Reduces packets to n_channels levels, in place. Allocates its buffers once."""

    def __init__(self, n_subcarriers, n_channels, log2):
        """n_subcarriers: 1 to 128, at least n_channels. log2: transform_fixed.Log2."""
        edges = array("H", [c * n_subcarriers // n_channels for c in range(n_channels + 1)])
        # Three rows of n_channels: working space for the present packet, then the packet before
        # it and the one before that. The last item is 0 after a gap, else 1.
        self._levels = array("i", bytes(4 * (3 * n_channels + 1)))
        self._bound = (n_subcarriers, n_channels, edges, log2.table, self._levels)

    @micropython.native
    def reduce(self, block, n_frames):
        """Replace n_frames frames of n_subcarriers values by n_frames of n_channels, in place.

        block: array('h'), at least n_frames * n_subcarriers values. Allocates nothing.
        """
        _reduce(block, n_frames, self._bound)

    def restart(self):
        """Forget the packets before a gap: the median must not span it."""
        self._levels[-1] = 0


@micropython.viper
def _reduce(block: ptr16, n_frames: int, bound):
    # Bounds: a power is at most 2 * 128^2 = 2^15. Its logarithm, in 1/256 of a step, is below
    # 15 * 8 * 256 + 8 < 2^15. The sum over 128 subcarriers stays below 2^22, and the difference of
    # two means fits int16. In place is safe because n_channels <= n_subcarriers: a frame is
    # written only where all values have been read.
    n = int(bound[0])
    n_channels = int(bound[1])
    edges = ptr16(bound[2])
    table = ptr8(bound[3])
    levels = ptr32(bound[4])
    b = 31
    sign = 1 << b
    out = ptr16(int(block))
    for _ in range(n_frames):
        total = 0
        for c in range(n_channels):
            s = 0
            for k in range(edges[c], edges[c + 1]):
                w = block[k]
                v = ((w & 255) ^ 128) - 128
                w = ((w >> 8) ^ 128) - 128
                v = v * v + w * w
                if v > 1:
                    v = v << 15
                    w = 15 << 8
                    if v < 0x800000:
                        v = v << 8
                        w -= 2048
                    at = table[256 + (v >> 23)]
                    v = v << at
                    s += w - (at << 8) + table[(v >> 22) & 255]
            total += s
            levels[c] = ((s << 3) + ((edges[c + 1] - edges[c]) >> 1)) // (edges[c + 1] - edges[c])
        total = ((total << 3) + (n >> 1)) // n
        block = ptr16(int(block) + (n << 1))
        for c in range(n_channels):
            v = int(levels[c]) - total
            at = n_channels + c
            if int(levels[3 * n_channels]) == 0:
                levels[at] = v
                levels[at + n_channels] = v
            w = (int(levels[at]) ^ sign) - sign
            k = (int(levels[at + n_channels]) ^ sign) - sign
            levels[at + n_channels] = w
            levels[at] = v
            # The median of v, w, k: sort the first two, then clamp k between them.
            if v > w:
                s = v
                v = w
                w = s
            if k < w:
                w = k
            if v < w:
                v = w
            out[c] = v
        levels[3 * n_channels] = 1
        out = ptr16(int(out) + (n_channels << 1))
