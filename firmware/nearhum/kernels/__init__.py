"""Kernels of the fixed path.

What is imported from here is the fastest variant that this board's MicroPython takes.

thumb*.py are on the board only where they can run, and their decorator is unknown elsewhere; the
rest is viper everywhere. All variants give the same bits. VARIANT: "asm" or "viper".
"""

from nearhum.kernels.viper import deinterleave, isqrt, log2_q8, slide, smallest
from nearhum.kernels.viper_derive import derive, pool, weigh

try:
    from nearhum.kernels.thumb import bind, centre, learn, score

    VARIANT = "asm"
except (ImportError, SyntaxError):
    from nearhum.kernels.viper_window import bind, centre, learn, score

    VARIANT = "viper"


def spectrum(*given):
    """Return this board's Spectrum, see there; its code is loaded where bands ask for it."""
    if VARIANT == "asm":
        from nearhum.kernels.thumb_spectrum import Spectrum
    else:
        from nearhum.kernels.viper_spectrum import Spectrum
    return Spectrum(*given)


def last_stage(n):
    """Return what viper_spectrum ends a transform of n real samples with.

    Raises ImportError where it is not here.
    """
    if n & 0x540:  # 64, 256 and 1024: of n / 2 complex points, 8 remain after the passes of radix 4
        from nearhum.kernels.viper_last8 import last8 as last
    else:
        from nearhum.kernels.viper_last4 import last4 as last
    return last


def nearest():
    """Return this board's `distances`, see viper_nearest; its code is loaded where windows are
    recognised.
    """
    if VARIANT == "asm":
        from nearhum.kernels.thumb import distances
    else:
        from nearhum.kernels.viper_nearest import distances
    return distances


def head():
    """Return this board's (layer, dense), see viper_head; their code is loaded where there is a
    head.
    """
    if VARIANT == "asm":
        from nearhum.kernels.thumb_head import dense, layer
    else:
        from nearhum.kernels.viper_head import dense, layer
    return layer, dense
