"""Test months of uptime: clock and counters stay small integers, and a window allocates nothing.

A 32-bit board keeps integers of 31 bits without the heap, the unix port 63 bits. So the locked heap
shows the defect on a board only, and the test also checks every integer in the parts of the
pipeline.
"""

import time

import micropython
from fakes import noise, pipeline
from harness import Lcg, Skip, between, done, equal, test
from nearhum.board import Clock
from nearhum.detection.prototypes import MAX_COUNT
from nearhum.wire import LAST_WINDOW, LEARN, RUN, WATCH, record_bytes, unpack_record

SMALL = dict(n_channels=1, n_window=64, n_hop=64, n_bands=6, statistics="rms", mean="scaled")
HALF_YEAR_S = 15768000


def small(*parts):
    """Raise AssertionError where one of the parts holds an integer beyond 31 bits."""
    for part in parts:
        for name, value in part.__dict__.items():
            if isinstance(value, int):
                between(value, -(1 << 30), (1 << 30) - 1, "%s.%s" % (type(part).__name__, name))


def all_small(hum):
    d = hum.detector
    small(
        hum,
        hum.clock,
        hum.window,
        hum.temporal,
        hum.guard,
        hum.journal,
        hum.learned,
        hum.recogniser,
    )
    small(d, d.prototypes, hum.features, hum.features.transform)


def locked_windows(hum, n):
    """Take n windows, sample to journal, with the heap locked but where a run or an event is
    journalled.
    """
    if not hasattr(micropython, "heap_lock"):
        raise Skip("micropython.heap_lock")
    random = Lcg(9)
    blocks = [noise(random, 64, 300, 2000) for _ in range(4)]
    journal = hum.journal
    for i in range(n):
        block = blocks[i % 4]
        micropython.heap_lock()
        try:
            hum.window.push(block, 0, 64)
            hum.take_window()
            hum.window.advance()
            hum.clock.tick()
            journal.now_s, journal.now_ms = hum.clock.seconds, hum.clock.ms
            hum.learned.save_when_due()
            quiet = (
                0 < journal._runs._n < RUN - 1
                and hum.n_windows
                and not hum.period_over
                and not hum.turn
            )
            if quiet:
                hum.keep_window()
        finally:
            micropython.heap_unlock()
        if not quiet:
            hum.keep_window()
        if i % 16 == 15 or i == n - 1:
            all_small(hum)


@test
def the_clock_goes_on_where_ticks_wrap():
    clock = Clock()
    leap = 1 << 28  # three days; ticks wrap after twelve
    for i in range(1, 61):
        clock._ticks = time.ticks_add(time.ticks_ms(), -leap)
        clock.ms = 0
        clock.tick()
        between(clock.seconds, i * (leap // 1000), i * (leap // 1000) + 60)
        small(clock)
    equal(clock.seconds > HALF_YEAR_S, True)


@test
def milliseconds_carry_into_seconds():
    clock = Clock()
    clock.ms = 999
    clock._ticks = time.ticks_add(time.ticks_ms(), -1)
    clock.tick()
    between(clock.seconds * 1000 + clock.ms, 1000, 1500)
    between(clock.ms, 0, 999)


@test
def windows_count_on_from_none():
    hum = pipeline("vibration", **SMALL)
    hum.console.execute("learn 20")
    locked_windows(hum, 20)
    equal(hum.detector.state, WATCH)
    hum.n_windows = LAST_WINDOW - 99
    hum.clock.seconds = HALF_YEAR_S
    locked_windows(hum, 200)
    equal(hum.n_windows, 100)
    status = hum.console.execute("status")
    equal((status["n_windows"], status["uptime_s"] >= HALF_YEAR_S), (100, True))


@test
def records_tell_the_time_modulo_49_days():
    hum = pipeline("vibration", **SMALL)
    journal = hum.journal
    for seconds in (4294967, 4294968, 2 * 4294968):
        journal.now_s, journal.now_ms = seconds, 500
        journal.event("e")
        journal.flush()
        _, _, raw = journal.read(journal.seq - 1, 1040)
        ticks_ms = unpack_record(raw, 0, record_bytes(raw, 0, len(raw)))[2]
        equal(ticks_ms, (seconds * 1000 + 500) % (1 << 32))


@test
def a_period_of_sixteen_million_windows_ends_in_small_integers():
    hum = pipeline("vibration", **SMALL)
    hum.console.execute("learn 16000000")
    locked_windows(hum, 2)
    d, p = hum.detector, hum.detector.prototypes
    # as if nearly all of it had been learned: embeddings of -128 and 127, scores at the limit
    n = MAX_COUNT - 30
    p.counts[0] = n
    row = p._row[0]
    for i in range(p.n_dims):
        v = 127 if i & 1 else -128
        row.sums[i] = n * v
        row.squares[2 * i], row.squares[2 * i + 1] = n * v * v >> 24, n * v * v & 0xFFFFFF
    d.learn_left = 40
    c = d.period.calibration
    c.n = n // 2
    for mean_q8 in (8191 << 8, -8191 << 8):
        c._mean_q8 = mean_q8
        for i in range(len(c.bins)):
            c.bins[i] = 65535
        locked_windows(hum, 15)
    # windows unlike those are modes of their own, without a share of all: dropped at the end
    equal((d.state, d.learn_left, sum(p.counts), p.n > 1), (LEARN, 10, MAX_COUNT, True))
    locked_windows(hum, 10)
    equal((d.state, p.n), (WATCH, 1))
    between(p.counts[0], n, MAX_COUNT, "windows")


@test
def thirty_windows_of_thirty_over():
    hum = pipeline("vibration", alarm_m=30, alarm_n=30, **SMALL)
    hum.console.execute("learn 20")
    locked_windows(hum, 20)
    hum.detector.threshold = -8192
    locked_windows(hum, 29)
    equal(hum.temporal.alarm, False)
    locked_windows(hum, 40)
    equal((hum.temporal.alarm, max(hum.temporal._words)), (True, (1 << 30) - 1))


done()
