"""Runs under MicroPython: what each module of the firmware takes of the heap, and what a board that watches takes.

Not a test by itself: tests/size.py asks it. It loads the pipeline on a kind's default settings, learns, takes two
labels, watches, and prints `size NAME BYTES` for each module (what it imports counts apart), then for the whole.
"""

import builtins
import gc
import sys

from fakes import noise, pipeline
from harness import Lcg

_import = builtins.__import__
_within = [0]  # bytes of the modules that the one being loaded has loaded itself
_of = {}  # bytes of each module


def in_use():
    gc.collect()
    return gc.mem_alloc()


def counted(name, *rest):
    """Import, and print what it took, if anything was loaded."""
    n, before, outer = len(sys.modules), in_use(), _within[0]
    _within[0] = 0
    out = _import(name, *rest)
    taken = in_use() - before
    if len(sys.modules) > n:
        _of[name] = taken - _within[0]
        print("size", name, _of[name])
    _within[0] = outer + taken
    return out


def state_bytes():
    """Return the bytes of what 8 normal prototypes of 32 dimensions have learned, as they are saved."""
    from nearhum.detect import Detector
    from nearhum.dsp_fixed import Log2
    from nearhum.prototypes import Prototypes

    detector = Detector(Prototypes(8, 32, 2, Log2()), 2)
    for _ in range(8):
        detector.prototypes.add(None)
    return len(detector.pack())


def main(root, kind):
    """Print the sizes of a pipeline of that kind; root: a folder for its files."""
    before = in_use()
    _within[0] = 0
    builtins.__import__ = counted
    hum = pipeline(kind, root)
    code = sum([_of[name] for name in _of if name in sys.modules])  # without what was let go of after the start
    hum.learned.start((hum.config["n_range"] if hum.features.ranges else 0) + 16 + hum.n_settling)
    random, n = Lcg(1), hum.window.n_hop
    block = noise(random, n * hum.window.n_channels, 900)
    total = hum.detector.learn_left + 30
    for i in range(total):
        if i in (total - 20, total - 10):
            hum.learned.enrol_label, hum.learned.enrol_left = "one" if i == total - 10 else "other", 3
        while hum.window.missing:
            block[i % len(block)] = random.within(9000)
            hum.window.push(block, 0, n)
        hum.take_window()
        hum.keep_window()
        hum.window.advance()
    block = None
    assert hum.detector.threshold, "it has not learned"
    builtins.__import__ = _import
    total = in_use() - before
    print("size code", code)
    print("size beyond code", total - code)
    print("size free", gc.mem_free())
    print("size state", state_bytes())
    hum.close()
