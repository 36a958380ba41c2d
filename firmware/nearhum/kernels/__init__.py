"""Kernels of the fixed path, in the fastest variant that this board's MicroPython can run.

Enters and leaves: arrays, see each kernel. thumb*.py are deployed only to boards that can run them,
and other boards do not know their decorator. Everything else is viper. All variants give the same
bits. VARIANT: "asm" or "viper".
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
    """Return this board's Spectrum, and load its code. given: as for viper_spectrum.Spectrum."""
    if VARIANT == "asm":
        from nearhum.kernels.thumb_spectrum import Spectrum
    else:
        from nearhum.kernels.viper_spectrum import Spectrum
    return Spectrum(*given)


def last_stage(n):
    """Return the last stage of viper_spectrum's transform of n real samples: last8 or last4.

    Raises ImportError if it was not deployed.
    """
    # With n of 64, 256 or 1024, the passes of radix 4 leave 8 of n / 2 complex points, else 4.
    if n & 0x540:
        from nearhum.kernels.viper_last8 import last8 as last
    else:
        from nearhum.kernels.viper_last4 import last4 as last
    return last


def nearest():
    """Return this board's `distances` (viper_nearest), and load its code."""
    if VARIANT == "asm":
        from nearhum.kernels.thumb import distances
    else:
        from nearhum.kernels.viper_nearest import distances
    return distances


def head():
    """Return this board's (layer, dense) for heads (viper_head), and load their code."""
    if VARIANT == "asm":
        from nearhum.kernels.thumb_head import dense, layer
    else:
        from nearhum.kernels.viper_head import dense, layer
    return layer, dense
