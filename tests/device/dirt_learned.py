"""Test outliers in a learning period: a twentieth of it, in one burst or scattered, has no effect.

Threshold and detection must stay as they were. The test goes from sensor to alarm, with each kind's
defaults, and outliers are anything that the sensor can deliver. Two cases are not tolerated:
outliers among the first eight windows, and among those that set the range of slow channels, because
nothing else is known then.
"""

import gc
from array import array

from fakes import noise, pipeline
from harness import ON_HOST, Lcg, between, done, equal, named
from nearhum.wire import LEARN, WATCH

N, N_NORMAL = (400, 300) if ON_HOST else (160, 60)
SMALL = dict(n_channels=1, n_window=128, n_hop=128, n_bands=8)
BASE, SPREAD = (2000, 5000, -300), (100, 40, 20)


def vibration(random, wild=None, fault=False):
    """Return a window of a machine; of anything where `wild` is the source of chance; of a
    fault.
    """
    if wild:
        return noise(wild, 128, 1 + wild.below(20000), wild.below(20000))
    return noise(random, 128, (1000 if fault else 200) + random.below(60), 1000)


def telemetry(random, wild=None, fault=False):
    """The same of three slow channels: a row."""
    if wild:
        return array("h", [wild.within(30000) for _ in BASE])
    out = [b + random.within(s) + random.within(s) for b, s in zip(BASE, SPREAD)]
    out[0] += 200 if fault else 0
    return array("h", out)


def feed(hum, frames, scores):
    """Give frames to the pipeline; the scores of the windows that come of it go to `scores`."""
    n, at = len(frames) // hum.config["n_channels"], 0
    while at < n:
        at += hum.window.push(frames, at, n - at)
        if not hum.window.missing:
            hum.take_window()
            hum.keep_window()
            hum.window.advance()
            scores.append(hum.temporal.score)


def learned(kind, row_of, n, dirty, seed):
    """Learn n windows, those numbered in `dirty` of anything; return (threshold, normal over
    it, least of a fault).
    """
    hum = pipeline(kind, **(SMALL if kind == "vibration" else {"n_channels": 3}))
    random, wild, ignored = Lcg(seed), Lcg(seed + 100), []
    equal(hum.console.execute("learn %d" % n)["ok"], True)
    i = 0
    while hum.detector.state == LEARN:
        feed(hum, row_of(random, wild if i in dirty else None), ignored)
        i += 1
    equal(hum.detector.state, WATCH)
    threshold, normal, fault = hum.detector.threshold, [], []
    for _ in range(N_NORMAL):
        feed(hum, row_of(random), normal)
    for _ in range(80):
        feed(hum, row_of(random, None, True), fault)
    settled = 40  # windows until smoothing and overlap hold nothing of before
    return threshold, sum([s >= threshold for s in normal[settled:]]), min(fault[settled:])


def scattered(n, first, last, seed):
    random, out = Lcg(seed), []
    while len(out) < n:
        at = first + random.below(last - first)
        if at not in out:
            out.append(at)
    return out


def borne(kind, row_of, n, dirts, seed):
    clean, _, clean_fault = learned(kind, row_of, n, (), seed)
    between(clean_fault, clean + 1, 8000, "a fault is seen without dirt")
    for dirty in dirts:
        gc.collect()
        threshold, over, fault = learned(kind, row_of, n, dirty, seed)
        first = list(dirty)[:3]
        # clean periods differ by 450 among themselves
        between(threshold - clean, -320, 320, ("threshold", first))
        # the slow view leaves dirt out, so its averages are of fewer windows: -208 at most
        between(fault - clean_fault, -224, 512, ("score of a fault", first))
        between(fault, threshold + 1, 8000, ("a fault is seen", first))
        # one stretch of the slow view, which averages over 8 windows, may lie over the threshold
        between(over, 0, 8, ("windows over the threshold", first))


if ON_HOST:
    for seed in (1, 2, 3):
        dirts = [range(at, at + N // 20) for at in (8, 40, 133, N - 21)] + [
            scattered(N // 20, 8, N, seed)
        ]
        named("vibration_%d" % seed, borne, "vibration", vibration, N, dirts, seed)
        # windows of 32 rows, one a row: a row makes 32 of them dirty, a burst of 29 rows makes 60
        dirts = [range(at, at + 29) for at in (80, 120, 300, 700, 1170)] + [
            scattered(2, 80, 1200, seed)
        ]
        named("telemetry_%d" % seed, borne, "telemetry", telemetry, 1200, dirts, seed)
else:
    named("vibration", borne, "vibration", vibration, N, [range(12, 12 + N // 20)], 1)

done()
