"""Measure the heap that each module of the firmware takes, and that a watching board takes.

This is no test by itself: tests/size.py runs it under MicroPython. main.py starts the board as it
was deployed, with a kind's defaults and the driver of its sensor on a bus that answers. The board
learns, enrols three labels with three examples each, and watches. Prints `size NAME BYTES` for each
module (without the modules that it imports) and for the whole, then `size + LINE BYTES`: the
largest further use while a line is carried out.
"""

import builtins
import gc
import json
import sys
from array import array

import machine
import rp2
from harness import Lcg
from uctypes import bytearray_at

MPU6050 = {"driver": "mpu6050", "sda": 4, "scl": 5}
MICROPHONE = {"driver": "pio_microphone", "sck": 16, "ws": 17, "sd": 18}
PUSHED = {"driver": "push"}
SOURCES = {"vibration": (MPU6050, 1000), "motion": (MPU6050, 50), "audio": (MICROPHONE, 16000)}
ASKED = ("status", "log 0 1536", "get state 0", "set smooth 100")

_import = builtins.__import__
_within = [0]  # bytes of the modules that the one being loaded has loaded itself
_of = {}  # bytes of each module, when it was loaded first
_again = {}  # and last: names that a board has met stay
_most = [0]  # bytes in use at most, see ask


def deep(n):
    """Lay frames over what earlier calls have left on the stack: it would keep blocks that
    nobody has any more.
    """
    return deep(n - 1) if n else 0


def in_use():
    deep(4)
    gc.collect()
    return gc.mem_alloc()


def counted(name, *rest):
    """Import, and print what it took, if anything was loaded."""
    n, before, outer = len(sys.modules), in_use(), _within[0]
    _within[0] = 0
    out = _import(name, *rest)
    taken = in_use() - before
    if len(sys.modules) > n:
        _again[name] = taken - _within[0]
        if name not in _of:
            _of[name] = _again[name]
            print("size", name, _of[name])
    _within[0] = outer + taken
    return out


class Signal:
    """What sensors feel: noise that never repeats for long. level: bits that it lies below full
    scale.
    """

    def __init__(self):
        self._random = Lcg(1)
        self._noise = array("h", [self._random.within(32767) for _ in range(1200)])
        self.set(4)

    def set(self, level):
        """Be so much louder or quieter from now on."""
        self.level = level
        self._view = memoryview(array("h", [v >> level for v in self._noise]))

    def some(self, n):
        """Return n int16, at most 600, as a memoryview."""
        at = self._random.below(600)
        return self._view[at : at + n]


signal = Signal()


class Bus:
    """An MPU-6050 that always has 20 frames."""

    def __init__(self, *given, **named):
        pass

    def readfrom_mem_into(self, address, register, out):
        if register == 0x75:
            out[0] = 0x68
        elif register == 0x72:
            out[0], out[1] = 0, 240
        else:
            out[:] = signal.some(len(out))

    def writeto_mem(self, address, register, one):
        pass


class Clocks:
    """A state machine of the PIO."""

    def __init__(self, number):
        pass

    def init(self, program, **named):
        pass

    def active(self, on=None):
        return False


class Sound:
    """A DMA channel, one of those that have one ring: with every look half a quarter of it has
    come, 256 words.
    """

    n_words = n_channels = 0

    def __init__(self):
        self.channel = Sound.n_channels
        Sound.n_channels += 1

    def pack_ctrl(self, **named):
        return 0

    def config(self, *, write, **named):
        self._write = write

    def active(self, on=None):
        return Sound.n_words // 512 % 4 == self.channel

    @property
    def count(self):
        n = Sound.n_words % 512
        bytearray_at(self._write + 4 * n, 1024)[:] = bytes(signal.some(512))
        Sound.n_words += 256
        return 256 - n


class Machine:
    """machine, with that bus in it."""

    I2C, Pin = Bus, machine.Pin
    unique_id, reset_cause = machine.unique_id, machine.reset_cause


class Rp2:
    """rp2, with that sound in it."""

    DMA, StateMachine, PIO = Sound, Clocks, rp2.PIO
    asm_pio = rp2.asm_pio
    microphone = None


def windows(hum, n, level=4):
    """Let n more windows come, through the loop that main.py turns."""
    if level != signal.level:
        signal.set(level)
    last, source = hum.n_windows + n, hum.source
    while hum.n_windows < last and hum.detector.state < 3:
        if hasattr(source, "put"):
            source.put(signal.some(hum.window.n_channels))
        hum.step()


def done(hum, line):
    """Carry out a line.

    Raises RuntimeError where it is refused: what is compiled for a board has no `assert`.
    """
    answer = hum.console.execute(line)
    if not answer["ok"]:
        raise RuntimeError("%s: %s" % (line, answer["error"]))


def learn_and_watch(hum):
    """What a user does in the first hour."""
    config = hum.config
    n_range = config["n_range"] if hum.features.ranges else 0
    done(hum, "learn %d" % max(24 + hum.n_settling + n_range, 2 * n_range))
    while hum.detector.state != 2:
        windows(hum, 1)
    for label in ("one", "two", "three"):
        done(hum, "enrol %s 3" % label)
        while hum.learned.enrol_left:
            if config["recognise"] == "words":
                windows(hum, 24, 0)
                windows(hum, 40, 6)
            else:
                windows(hum, 1, 3)
    windows(hum, 8)
    while hum.console._out:
        hum.console.poll()


def sample(timer):
    """Note what is in use now, garbage of less than two kilobytes among it."""
    _most[0] = max(_most[0], gc.mem_alloc())


def ask(hum, line):
    """Print what a line and its answer take at most meanwhile, looked at every millisecond."""
    before = _most[0] = in_use()
    gc.threshold(2048)  # a collection after every two kilobytes: the rest of what is in use is live
    timer = machine.Timer(-1, mode=machine.Timer.PERIODIC, period=1, callback=sample)
    answer = hum.console.execute(line)
    hum.console.answer(answer)
    timer.deinit()
    gc.threshold(-1)
    while hum.console._out:
        hum.console.poll()
    if not answer["ok"]:
        raise RuntimeError("%s: %s" % (line, answer["error"]))
    print("size +", line.replace(" ", "_"), _most[0] - before)


def code_bytes():
    """Return the bytes of code: of the modules in memory, and the names of those that were let
    go of.
    """
    from nearhum import lifetime

    gone = [name for name in _of if name not in sys.modules and name != "main"]
    for name in gone:
        counted(name)
    lifetime.release([name[8:] for name in gone])
    return sum(_of.values()) - sum([_again[name] for name in gone])


def templates_bytes(hum):
    """Return what the utterances that words are told by take of the heap: what a copy of them
    takes.
    """
    if hum.config["recognise"] != "words":
        return 0
    before = in_use()
    copy = [bytes(memoryview(cepstra)) for cepstra in hum.recogniser.templates.all]
    return in_use() - before if copy else 0


def state_bytes():
    """Return the bytes of what 8 normal prototypes of 32 dimensions have learned, as they are
    saved.
    """
    from nearhum.detection.detect import Detector
    from nearhum.detection.prototypes import Prototypes
    from nearhum.features.transform_fixed import Log2

    detector = Detector(Prototypes(8, 32, 2, Log2()), 2)
    for _ in range(8):
        detector.prototypes.add(None)
    return len(detector.pack())


class Chosen:
    """Stands in for choose_app."""

    def choose():
        return "nearhum.start"


def main(kind, text):
    """Print the sizes of a board of that kind.

    text: main.py, which a board compiles at every start.
    """
    source, rate_hz = SOURCES.get(kind, (PUSHED, 0))
    given = {"kind": kind, "source": source}
    if rate_hz:
        given["rate_hz"] = rate_hz
    with open("/nearhum.json", "w") as f:
        json.dump(given, f)
    sys.modules["machine"], sys.modules["rp2"] = Machine, Rp2
    before = in_use()

    def run(hum):
        learn_and_watch(hum)
        used = []
        for _ in range(8):  # what looks like an address keeps a block now and then
            windows(hum, 1)
            used.append(in_use() - before)
        print("size free", gc.mem_free())
        code, kept = code_bytes(), templates_bytes(hum)
        print("size code", code)
        print("size beyond code", min(used) - code - kept)
        print("size templates", kept)
        builtins.__import__ = _import
        for line in ASKED:
            ask(hum, line)
        print("size state", state_bytes())
        raise KeyboardInterrupt

    builtins.__import__ = counted
    from nearhum.pipeline import Pipeline

    Pipeline.run = run
    n = in_use()
    compiled = compile(text, "main.py", "exec")
    _of["main"] = in_use() - n
    print("size main", _of["main"])
    sys.modules["choose_app"] = Chosen  # it is over before the application starts
    exec(compiled, {"__name__": "__main__"})
