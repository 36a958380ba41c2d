"""Kernels of the fixed path. What is imported from here is the fastest variant that this board's MicroPython takes.

thumb*.py are on the board only where they can run, and their decorator is unknown elsewhere; the rest is viper
everywhere. All variants give the same bits. VARIANT: "asm" or "viper".
"""

from nearhum.kernels.viper import deinterleave, isqrt, log2_q8, moments, slide
from nearhum.kernels.viper_head import pool_max
from nearhum.kernels.viper_learn import derive, pool, weigh
from nearhum.kernels.viper_near import smallest

try:
    from nearhum.kernels.thumb import bind, centre, dense, distances, layer, learn, score

    VARIANT = "asm"
except (ImportError, SyntaxError):
    from nearhum.kernels.viper import centre
    from nearhum.kernels.viper_head import dense, layer
    from nearhum.kernels.viper_learn import learn
    from nearhum.kernels.viper_near import bind, distances, score

    VARIANT = "viper"


def spectrum(*given):
    """Return this board's Spectrum, see there; its code is loaded where bands ask for it."""
    if VARIANT == "asm":
        from nearhum.kernels.thumb_spectrum import Spectrum
    else:
        from nearhum.kernels.viper_spectrum import Spectrum
    return Spectrum(*given)
