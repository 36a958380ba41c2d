"""Run each stage of the pipeline on synthetic inputs, for `nearhum selftest`.

Runs under MicroPython, unchanged on every target. Enters: integers from a linear congruential
generator, the same everywhere. Leaves: for each stage a line `selftest NAME CRC` with the CRC-32 of
its results, in the order of the data. The first line that differs from stage_hashes.json names the
stage in which this board computes something else.
"""

import gc
import json
import os
from array import array
from binascii import crc32

from nearhum import kernels
from nearhum.kernels import tables

LOG2 = tables.log2_table()


class Lcg:
    """Yield pseudo-random integers that are the same on every target."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 1103515245 + 12345) & 0x3FFFFFFF
        return (self.state >> 8) % n


def windows(n):
    """Yield windows of n int16: silence, full-scale squares, an impulse at an end, tones in
    noise of several levels.
    """
    random = Lcg(n)
    yield array("h", [-7] * n)
    yield array("h", [32767 if i & 4 else -32768 for i in range(n)])
    yield array("h", [-32768] * (n - 1) + [32767])
    for level in (40, 2500, 65535):
        yield array("h", [random.below(level) - level // 2 for _ in range(n)])


def signed(random, n):
    return bytearray([random.below(256) for _ in range(n)])


def crc_of(parts):
    crc = 0
    for part in parts:
        crc = crc32(bytes(part), crc)
    return crc


def centre():
    for n in (33, 64, 1000):
        for x in windows(n):
            reading = array("i", bytes(8))
            mean_q4 = kernels.centre(x, n, reading)
            reading.append(mean_q4)
            yield reading


def moments():
    from nearhum.kernels.viper_moments import moments as write_moments

    for n in (33, 256):
        for x in windows(n):
            out = array("i", bytes(28))
            write_moments(x, n, 5, out)
            yield out


def spectra(n_window, n):
    """Yield power and bands of each window."""
    first, count = 2, (n // 2 - 5) // 8
    cut = [(first + i * count, count) for i in range(8)]
    reading, out = array("i", bytes(8)), bytearray(8)
    spectrum = kernels.spectrum(n_window, n, cut, -3000, 133, LOG2, reading)
    for x in windows(n_window):
        kernels.centre(x, n_window, reading)
        spectrum.extract_into(x, out)
        yield spectrum.power
        yield out


def head():
    random = Lcg(3)
    make, dense = kernels.head()
    for n_in, n_out in ((64, 16), (32, 7), (9, 5)):
        weights, bias = (
            signed(random, n_in * n_out),
            array("i", [random.below(9000) - 4500 for _ in range(n_out)]),
        )
        rescale = array("H", [3, 9000, 19] * n_out)
        for low in (-128, 0):
            layer, out = make(weights, bias, rescale, n_in, n_out, low), bytearray(n_out)
            for _ in range(4):
                dense(signed(random, n_in), n_in, out, layer)
                yield out


def learned():
    """Yield sums, then means and variances, then weights, of 200 embeddings."""
    random, n = Lcg(4), 32
    sums, squares, variance = (
        array("i", bytes(4 * n)),
        array("i", bytes(8 * n)),
        array("i", bytes(4 * n)),
    )
    mean, weights = bytearray(n), bytearray(n)
    for _ in range(200):
        kernels.learn(signed(random, n), n, sums, squares)
    yield sums
    yield squares
    kernels.derive(sums, n, squares, 200, mean, variance)
    yield mean
    yield variance
    kernels.weigh(variance, n, 4 << 12, weights, 1)
    yield weights


def distances():
    random = Lcg(5)
    measure = kernels.nearest()
    for n_rows, n in ((8, 32), (3, 17)):
        out = array("i", bytes(4 * n_rows))
        means, weights = (
            signed(random, n_rows * n),
            bytearray([1 + random.below(255) for _ in range(n_rows * n)]),
        )
        bound = kernels.bind(means, weights, n, n, out)
        for _ in range(4):
            measure(signed(random, n), n_rows, bound)
            yield out


def scores():
    random = Lcg(6)
    for n_rows, n in ((4, 32), (1, 17)):
        out, scales = (
            array("i", bytes(4 * n_rows)),
            array("i", [random.below(4000) for _ in range(n_rows)]),
        )
        means, weights = (
            signed(random, n_rows * n),
            bytearray([1 + random.below(255) for _ in range(n_rows * n)]),
        )
        bound = kernels.bind(means, weights, n, LOG2, scales, out)
        for _ in range(4):
            kernels.score(signed(random, n), n_rows, bound)
            yield out


def whole(root):
    """Yield features, scores, labels and what was learned, of a pipeline that learns, is shown,
    and watches.
    """
    from nearhum.pipeline import Pipeline

    given = {
        "kind": "vibration",
        "rate_hz": 4000,
        "n_channels": 2,
        "n_window": 128,
        "n_hop": 128,
        "n_bands": 8,
    }
    with open(root + "nearhum.json", "w") as f:
        json.dump(dict(given, statistics="rms,crest,kurtosis", source={"driver": "push"}), f)
    hum, random = Pipeline(root), Lcg(7)
    hum.learned.start(24)
    for i in range(36):
        if i == 24:
            hum.learned.enrol_label, hum.learned.enrol_left = "knock", 3
        level = 9000 if i > 30 else 2000 + 100 * (i & 3)
        hum.window.restart()
        hum.window.push(array("h", [random.below(level) - level // 2 for _ in range(256)]), 0, 128)
        hum.take_window()
        yield hum.features.vector
        yield array("h", [hum.temporal.score, hum.detector.threshold, hum.label_id])
        hum.keep_window()
    yield hum.learned.pack()
    hum.close()


def main(root):
    """Run every stage. root: an empty folder for the pipeline's files, ends with /."""
    stages = [
        (
            "tables",
            lambda: (
                LOG2,
                tables.hann_q14(tables.Sine(), 200),
                tables.twiddles_q12(tables.Sine(), 256),
            ),
        )
    ]
    stages += [("centre", centre), ("statistics", moments)]
    for n_window, n in ((64, 64), (100, 128), (256, 256), (512, 512), (1024, 1024)):
        stages.append(("bands_%d" % n_window, lambda n_window=n_window, n=n: spectra(n_window, n)))
    stages += [("head", head), ("learning", learned), ("distance", distances), ("score", scores)]
    stages.append(("pipeline", lambda: whole(root)))
    for name, stage in stages:
        gc.collect()
        print("selftest", name, "%08x" % crc_of(stage()))
    os.remove(root + "nearhum.json")
