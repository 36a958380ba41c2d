"""The two array libraries that a test compares: the one in use, and the fallback."""

from array import array

from harness import between, equal
from nearhum.features.arrays import fallback, fallback_fft, fallback_linalg, np


class Fallback:
    """The fallback's modules as one, as np has them."""


for _module in (fallback, fallback_fft, fallback_linalg):
    for _name in dir(_module):
        if _name[0] != "_":
            setattr(Fallback, _name, getattr(_module, _name))


def close(found, wanted, what=""):
    for a, b in zip(found, wanted):
        between(a - b, -0.001 - abs(b) / 1e5, 0.001 + abs(b) / 1e5, (what, a, b))
    equal(len(found), len(wanted), what)


def both(act):
    """Run act with np and with the fallback: they are the same where there is no ulab."""
    act(np)
    act(Fallback)


def whole(x):
    return [int(v) for v in x]


def made(lib, code, values):
    return lib.frombuffer(array(code, values), dtype=ord(code))


def floats(lib, values):
    x = lib.zeros(len(values))
    for i, v in enumerate(values):
        x[i] = v
    return x
