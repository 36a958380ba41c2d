"""Kernels of the fixed path. What is imported from here is the fastest variant that this board's MicroPython takes.

thumb.py is on the board only where it can run, and its decorator is unknown elsewhere; the rest is viper everywhere.
All variants give the same bits. VARIANT: "asm" or "viper".
"""

from nearhum.kernels.viper import (
    deinterleave,
    derive,
    isqrt,
    learn,
    log2_q8,
    moments,
    pool_max,
    slide,
    strangest,
    weigh,
)  # fmt: skip

try:
    from nearhum.kernels.thumb import Spectrum, bind, centre, dense, distances, layer, score

    VARIANT = "asm"
except (ImportError, SyntaxError):
    from nearhum.kernels.viper import bind, centre, dense, distances, layer, score
    from nearhum.kernels.viper_spectrum import Spectrum

    VARIANT = "viper"
