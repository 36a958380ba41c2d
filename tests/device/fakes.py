"""Stand-ins for what surrounds the pipeline: sensor, serial line, settings in a folder, heads."""

import gc
import io
import json
import os
import struct
import sys
from array import array

import micropython
from harness import Lcg, Skip, as_bytes, equal, scratch
from nearhum import lifetime
from nearhum.config import frame_values
from nearhum.wire import HEAD_MAGIC, seal

POLL = 3  # MP_STREAM_POLL


class Played:
    """A source that gives what the test put into `script`: arrays of frames, codes, or errors
    to raise.
    """

    script = []
    cue = ""

    def __init__(self, config):
        self.n_values = frame_values(config)

    def read_into(self, block):
        if not Played.script:
            return 0
        what = Played.script.pop(0)
        if isinstance(what, Exception):
            raise what
        if isinstance(what, int):
            return what
        n = min(len(what), len(block))
        block[:n] = what[:n]
        if n < len(what):
            Played.script.insert(0, what[n:])
        return n // self.n_values

    def close(self):
        pass


class _Driver:
    Source = Played


sys.modules["nearhum.sources.played"] = _Driver


class Line(io.IOBase):
    """A serial line: `input` bytes to be read, `taken` those written. accepts: bytes it takes
    before it is full.
    """

    def __init__(self, accepts=1 << 20):
        self.input = bytearray()
        self.taken = bytearray()
        self.accepts = accepts

    def readinto(self, buf):
        n = min(len(buf), len(self.input))
        buf[:n] = self.input[:n]
        self.input = self.input[n:]
        return n

    def write(self, buf):
        assert len(buf) <= self.accepts, "the console wrote although the line was full"
        self.accepts -= len(buf)
        self.taken += buf
        return len(buf)

    def ioctl(self, request, events):
        if request != POLL:
            return -22  # EINVAL: no file number, so that select asks here
        ready = 1 if self.input else 0
        return (ready | (4 if self.accepts >= 32 else 0)) & events

    def console(self, verbs):
        """Return a Console on this line.

        It asks the line at once: select takes a millisecond for what is no file.
        """
        from nearhum.console.console import Console

        line = self

        class Quick(Console):
            def _ready(self, poller):
                return line.ioctl(POLL, 1 if poller is self._input else 4)

        return Quick(verbs, self, self)

    def answers(self):
        """Return the JSON lines written since the last call."""
        out = [json.loads(line) for line in bytes(self.taken).decode().split("\n") if line]
        self.taken = bytearray()
        return out


def settings(kind, root, **given):
    """Write settings of a board whose sensor is Played; returns root."""
    given.update({"kind": kind, "source": {"driver": "played"}})
    with open(root + "nearhum.json", "w") as f:
        json.dump(given, f)
    return root


def pipeline(kind, root=None, line=None, **given):
    """Return a Pipeline on settings of this kind; root: a scratch folder by default; line: its
    serial line.
    """
    import nearhum.pipeline as module
    from nearhum.console.verbs import Verbs
    from nearhum.pipeline import Pipeline

    # the last one, unless a test holds it: two may be more than a board's heap
    module._current = None
    gc.collect()
    hum = Pipeline(settings(kind, root or scratch(), **given))
    line = line or Line()
    hum.console = line.console(Verbs(hum))
    hum.line = line
    return hum


def reset():
    """Let go of the last pipeline and of the package's code, as a reset does; what is asked for is
    loaded anew.

    For tests of one kind of board after the other: the code of all of them is more than a board's
    heap. What tests name themselves (errors they expect, drivers they put there) stays as it is.
    """
    if "nearhum.pipeline" in sys.modules:
        sys.modules["nearhum.pipeline"]._current = None
    kept = ("errors", "wire", "config", "settings", "board", "lifetime", "files", "sources")
    loaded = [name[8:] for name in sys.modules if name[:8] == "nearhum."]
    lifetime.release(
        [name for name in sorted(loaded, reverse=True) if name.split(".")[0] not in kept]
    )
    gc.collect()


def noise(random, n, level, tone=0, period=16):
    """Return array('h') of n samples: pseudo-random within +-level, and a triangle of that
    height and period.
    """
    out = array("h", bytes(2 * n))
    for i in range(n):
        phase = i % period
        wave = (2 * phase if phase * 2 < period else 2 * (period - phase)) - period // 2
        out[i] = random.within(level) + tone * wave // period
    return out


def fill(window, random, level, tone=0):
    """Fill all rows of a window at once."""
    window.restart()
    window.push(noise(random, window.n_window * window.n_channels, level, tone), 0, window.n_window)


def take(hum, n, seed=1, level=200, tone=1000):
    """Let a pipeline take n windows of noise and a tone."""
    random = Lcg(seed)
    for _ in range(n):
        fill(hum.window, random, level, tone)
        hum.take_window()
        hum.keep_window()


def body_in(store):
    """Return the bytes of the state that a store loads, None where there is none."""
    bodies = []
    equal(store.load(bodies.append), len(bodies) == 1)
    return bytes(bodies[0]) if bodies else None


PAGE_BYTES = 256
_BLANK = bytes(PAGE_BYTES)


@micropython.viper
def _copy(to: ptr8, at: int, source: ptr8, start: int, n: int):
    for i in range(n):
        to[at + i] = source[start + i]


class Flash:
    """A small block device in RAM for a real LittleFS: refuses writes while `sick`.

    Nothing is allocated but once for a page: LittleFS also comes here from a finaliser, where
    nothing can be.
    """

    sick = False
    sick_for = 0  # programs that are refused

    def __init__(self, n_blocks):
        self.n_blocks = n_blocks
        # each once it is written, and none large: a board's heap has no room for all of them, nor
        # for many in one piece
        self.pages = [None] * (n_blocks * 4096 // PAGE_BYTES)

    def readblocks(self, block, buf, offset=0):
        self._each(block * 4096 + offset, buf, False)

    def writeblocks(self, block, buf, offset=0):
        self.sick_for -= 1
        if self.sick or self.sick_for >= 0:
            return -5  # EIO; an exception would jump through the file system's own code
        try:
            self._each(block * 4096 + offset, buf, True)
        except MemoryError:
            return -28  # ENOSPC

    def _each(self, at, buf, writes):
        i = 0
        while i < len(buf):
            page, start = at // PAGE_BYTES, at % PAGE_BYTES
            n = min(PAGE_BYTES - start, len(buf) - i)
            if writes and not self.pages[page]:
                self.pages[page] = bytearray(PAGE_BYTES)
            cells = self.pages[page] or _BLANK
            if writes:
                _copy(cells, start, buf, i, n)
            else:
                _copy(buf, i, cells, start, n)
            i += n
            at += n

    def ioctl(self, op, argument):
        if op == 4:
            return self.n_blocks
        if op == 5:
            return 4096
        if op == 6 and self.sick:
            return -5
        return 0  # LittleFS does not count on erased cells


def on_flash(act, n_blocks=16):
    """Call act(flash, root) with a LittleFS of that many blocks of 4 KB mounted."""
    if not hasattr(os, "VfsLfs2"):
        raise Skip("no LittleFS in this MicroPython")
    flash = Flash(n_blocks)
    os.VfsLfs2.mkfs(flash)
    os.mount(os.VfsLfs2(flash), "/ram")
    try:
        os.mkdir("/ram/hum")
        act(flash, "/ram/")
    finally:
        flash.sick = False
        os.umount("/ram")


def layer(weights, bias, rescale, relu=0, geometry=None):
    """The bytes of a head's layer: rows of int8, int32 biases, (pre, factor, post) rows;
    geometry: of a convolution.
    """
    out = struct.pack("<HBB", len(weights), relu, 1 if geometry else 0)
    if geometry:  # channels, width, stride
        out += struct.pack("<HHHH", *(geometry + (0,)))
    for b in bias:
        out += struct.pack("<i", b)
    for row in rescale:
        out += struct.pack("<HHH", *row)
    for row in weights:
        out += bytes(as_bytes(row))
    return out


def pooling(n_channels):
    """The bytes of a layer that pools over positions."""
    return struct.pack("<HBB", n_channels, 0, 2)


def head(n_in, *layers):
    """A head file of layers' bytes; its fingerprint is 7."""
    return seal(HEAD_MAGIC, 7, 0, struct.pack("<HBB", n_in, len(layers), 0) + b"".join(layers))
