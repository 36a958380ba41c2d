"""Test the console with a fuzzer: any bytes, any commands in any order, while windows arrive.

For every line: it is answered in one line of JSON, whatever it contains. It never ends the loop.
The heap holds nothing more afterwards. Between two commands the sensor is read. On a host,
NEARHUM_LINES sets the number of lines (a million in `make test-faults`), and the measurements are
printed.
"""

import gc
import json
import os
import time

from fakes import Played, noise, pipeline, reset
from harness import ON_HOST, Lcg, between, done, equal, named, scratch, unsound
from nearhum import VERBS, lifetime
from nearhum.console.console import MAX_LINE_BYTES
from nearhum.errors import NearhumError
from nearhum.settings import SETTINGS
from nearhum.storage import changed

SEED = int(ON_HOST and os.getenv("NEARHUM_SEED") or 77)
N_LINES = int(ON_HOST and os.getenv("NEARHUM_LINES") or 900)
ROUND = 5000  # lines between two starts of the board
FRESH = 5  # of so many rounds one has code that comes and goes, as on a board; the first of all has
BATCH = 3  # lines that come at once, on average; and a window
# Bytes of heap that a round may leave in use: what is loaded when it is asked for, room for what
# was learned that is kept. A host's objects are 64-bit words. A line that kept one block of heap
# (32 bytes) would come to 160,000.
KEPT = 49152
SMALL = {"n_channels": 1, "n_window": 64, "n_hop": 64, "n_bands": 6}
BOARDS = (
    ("vibration", dict(SMALL, teach="ask", label_n=3, label_m=2, teach_s=60), 4),
    ("telemetry", {"n_window": 8, "rate_hz": 10}, 1),
    ("audio", {"rate_hz": 8000, "n_window": 256, "n_hop": 128}, 1),
)  # and how many of six lines are for it
WORDS = (
    "stop", "pause", "resume", "stable", "as", "off", "all", "log", "learned", "factory",
    "snapshots", "pending", "state", "0", "1", "2", "3", "20", "40", "999999999", "10000000000",
    "-1", "1.5", "1e9", "nan", "inf", "20s", "1m", "24h", "9999d", "h", "tap", "b\u00fcro",
    "\U0001f41d", "x" * 33, '"', "\\", "%s", "%d", "{}", "None", "../x",
)  # fmt: skip


class Fuzzer:
    """Makes lines; the same ones on every target."""

    def __init__(self, seed):
        self.random = Lcg(seed)
        self.names, self.verbs = sorted(SETTINGS), sorted(VERBS)

    def pick(self, some):
        """Return one of some."""
        return some[self.random.below(len(some))]

    def line(self):
        """Return the bytes of a line without its end."""
        kind = self.random.below(16)
        if kind == 0:
            return self.noise(self.random.below(80))
        if kind == 1 and self.random.below(8) == 0:
            return self.noise(MAX_LINE_BYTES - 8 + self.random.below(600))
        words = [self.pick(self.verbs)] + [self.word() for _ in range(self.random.below(4))]
        line = self.pick((" ", " ", "  ", "\t")).join(words).encode()
        if kind < 5:  # a few bytes of it others
            at = self.random.below(len(line) + 1)
            line = line[:at] + self.noise(self.random.below(4)) + line[at + self.random.below(3) :]
        return line

    def word(self):
        """Return a word that some verb knows, or should not."""
        kind = self.random.below(8)
        if kind == 0:
            return self.pick(self.names)
        if kind == 1:
            choices = SETTINGS[self.pick(self.names)][0]
            return str(self.pick(choices) if isinstance(choices, tuple) else choices)
        return self.pick(WORDS)

    def noise(self, n):
        """Return n bytes, none of which ends a line or is Ctrl-C: that ends the loop, see
        tests/host/test_ctrl_c.py.
        """
        out = bytearray(n)
        for i in range(n):
            byte = self.random.below(256)
            out[i] = 32 if byte in (3, 10, 13) else byte
        return bytes(out)


def counted(hum):
    """Count a pipeline's sensor reads, and its commands since the last one: [reads, commands]."""
    counts = [0, 0]
    read, execute = hum.source.read_into, hum.console.execute

    def read_into(block):
        counts[0] += 1
        counts[1] = 0
        return read(block)

    def executed(line):
        counts[1] += 1
        return execute(line)

    hum.source.read_into, hum.console.execute = read_into, executed
    return counts


def check(lines, answer):
    """Raise AssertionError unless an answer is one, and harmless."""
    equal(answer["ok"] in (True, False) and "verb" in answer, True, lines)
    if not answer["ok"]:
        equal(bool(answer["error"]) and "hint" in answer, True, lines)
        said = json.dumps(answer)
        if not 32 <= min(said.encode()) <= max(said.encode()) < 127:
            equal(unsound(said), [], lines)


def started(kind, root, given):
    """Return a pipeline with what `set` has left there; where it cannot start so, without, as
    main does.
    """
    Played.script = []
    try:
        return pipeline(kind, root, **given)
    except (NearhumError, ImportError):
        equal(changed.set_aside(root), True, "nothing was set, and it does not start")
        return pipeline(kind, root, **given)


def held(hum):
    """Return the bytes of heap in use once all that was learned is forgotten."""
    for line in ("reset all", "list", "get", "help"):
        hum.console.execute(line)
    gc.collect()
    return gc.mem_alloc()


def flood(kind, given, n_lines, seed):
    """Send n_lines to a board of that kind; it starts anew after every ROUND."""
    reset()
    fuzzer, root, random = Fuzzer(seed), scratch(), Lcg(seed + 1)
    sent = n_windows = slowest_us = start = after = most = n_rounds = 0
    release = lifetime.release
    while sent < n_lines:
        # the code of a verb is loaded for each line that asks for it, which takes half of the time;
        # it stays in most rounds of many, so that the lines are many
        lifetime.release = (lambda modules: None) if n_rounds % FRESH else release
        n_rounds += 1
        # `set` took nothing that keeps it from starting, or that is taken back
        started(kind, root, given)
        changed.set_aside(root)
        hum = frames = counts = lines = answers = None
        gc.collect()  # a board's heap has room for one
        hum = started(kind, root, given)
        frames = noise(random, hum.window.n_hop * hum.plan.n_channels, 2000, 4000)
        start = held(hum)
        counts = counted(hum)
        until = min(sent + ROUND, n_lines)
        hum.line.taken = bytearray()
        while sent < until:
            lines = [fuzzer.line() for _ in range(1 + fuzzer.random.below(2 * BATCH - 1))]
            hum.line.input += b"\n".join(lines) + b"\n"
            Played.script = [frames]
            reads, begun = counts[0], time.ticks_us()
            while hum.line.input or hum.console._out:
                hum.step()
                equal(counts[1] <= 1, True, "commands between two reads of the sensor")
            slowest_us = max(
                slowest_us, time.ticks_diff(time.ticks_us(), begun) // (counts[0] - reads)
            )
            answers = hum.line.answers()
            equal(
                (len(answers), hum.console.dropped), (len([1 for line in lines if line]), 0), lines
            )
            for answer in answers:
                check(lines, answer)
            equal((Played.script, hum.guard.faults), ([], 0))
            sent += len(lines)
        after = held(hum)
        most = max(most, after - start)
        between(after - start, -200000, KEPT, "bytes of heap more than at the start of the round")
        n_windows += hum.n_windows
    lifetime.release = release
    between(n_windows, sent // (2 * BATCH), sent, "windows that came meanwhile: one a batch")
    print(
        "%s: %d lines, %d windows meanwhile; heap at most %+d bytes after %d lines; slowest turn"
        " %d ms" % (kind, sent, n_windows, most, min(ROUND, n_lines), slowest_us // 1000)
    )


for index in range(len(BOARDS)):
    kind, given, share = BOARDS[index]
    named("a_flood_of_lines_to_" + kind, flood, kind, given, N_LINES * share // 6, SEED + index)

done()
