"""Max pooling of a head, for any board. The rules of kernels/viper.py hold."""

import micropython


@micropython.viper
def pool_max(x: ptr8, n_positions: int, n_channels: int, out: ptr8):
    """Write the largest value of each channel over all positions to out.

    x: int8 (n_positions, n_channels). out: int8 (n_channels,).
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
