"""Pooling of a head, for any board. Rules of kernels/viper.py."""

import micropython


@micropython.viper
def pool_max(x: ptr8, n_positions: int, n_channels: int, out: ptr8):
    """Write the largest of each channel's int8 over all positions to out.

    x: a row of n_channels a position.
    """
    end = n_positions * n_channels
    for c in range(n_channels):
        top = -128
        i = c
        while i < end:
            v = (x[i] ^ 128) - 128
            if v > top:
                top = v
            i += n_channels
        out[c] = top
