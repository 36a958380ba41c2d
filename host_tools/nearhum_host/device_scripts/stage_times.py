"""Time the stages of the pipeline, for `nearhum bench`.

Runs under MicroPython, unchanged on every target. Enters: synthetic inputs. Leaves: a line for each
stage; stopwatch.py describes it.
"""

import gc
import json
import os
import sys
from array import array

from nearhum import kernels
from nearhum.kernels import viper_window
from stopwatch import no_kernel_of_3, no_kernel_of_4, report

IN_TWO = ("bind", "centre", "learn", "score")  # Kernels that exist in viper and assembler.


def choose(variant):
    """Make the package use the kernels of a variant: "asm" or "viper"."""
    if variant == "viper":
        for name in IN_TWO:
            setattr(kernels, name, getattr(viper_window, name))
        from nearhum.kernels import viper_head, viper_nearest, viper_spectrum

        kernels.spectrum = viper_spectrum.Spectrum
        kernels.nearest = lambda: viper_nearest.distances
        kernels.head = lambda: (viper_head.layer, viper_head.dense)
    elif variant != kernels.VARIANT:
        raise ValueError("no %s kernels here" % variant)


def settings(**given):
    from nearhum import config

    given.update(
        {"kind": "vibration", "n_channels": 1, "statistics": "", "source": {"driver": "push"}}
    )
    return config.complete(given)


def samples(n):
    """Return array('h'): a tone, a weaker tone and noise, computed with integers only."""
    out, seed = array("h", bytes(2 * n)), 1
    for i in range(n):
        seed = (seed * 1103515245 + 12345) & 0x3FFFFFFF
        out[i] = (
            ((i * 37) % 64 - 32) * 300 + ((i * 11) % 16 - 8) * 200 + ((seed >> 12) & 1023) - 512
        )
    return out


def numbers(n, low, high):
    """Return n pseudo-random integers from low to high."""
    return [low + (i * 7919 + 13) % (high - low + 1) for i in range(n)]


def as_bytes(values):
    return bytearray([v & 255 for v in values])


def transform(n, n_bands, path="fixed"):
    """Return (run, samples, bands): from DC removal to log bands, as features.Features calls it."""
    from nearhum.features.extract import Features, Plan

    plan = Plan(settings(rate_hz=20000, n_window=n, n_hop=n, n_bands=n_bands))
    features = Features(plan, path)
    x, out = samples(n), bytearray(n_bands)
    centre, reading, extract = (
        kernels.centre,
        features.transform.reading,
        features.transform.extract_bands_into,
    )

    def run():
        centre(x, n, reading)
        extract(x, out)

    return run, x, plan.bands


def features(suffix, n, rivals):
    gc.collect()
    run, x, bands = transform(n, 32)
    ulab = rivals.features_in_ulab(x, bands) if rivals and rivals.np else None
    plain = rivals.features_in_bytecode(x, bands) if rivals else None
    report("features_%d%s" % (n, suffix), run, ulab, plain)


def dense(suffix, n_in, n_out, rivals):
    weights, bias, x = (
        numbers(n_in * n_out, -127, 127),
        numbers(n_out, -9000, 9000),
        numbers(n_in, -100, 100),
    )
    make, kernel = kernels.head()
    layer = make(
        as_bytes(weights), array("i", bias), array("H", [0, 1, 10] * n_out), n_in, n_out, -128
    )
    given, out = as_bytes(x), bytearray(n_out)
    no_kernel = no_kernel_of_4
    ulab = rivals.dense_in_ulab(weights, bias, x, n_out) if rivals and rivals.np else None
    plain = rivals.dense_in_bytecode(weights, bias, x, n_out) if rivals else None
    report("dense_%d_%d%s" % (n_in, n_out, suffix), lambda: kernel(given, n_in, out, layer), ulab,
           plain, lambda: no_kernel(given, n_in, out, layer))  # fmt: skip


def distance(suffix, n_rows, n, rivals):
    means, weights, x = (
        numbers(n_rows * n, -90, 90),
        numbers(n_rows * n, 1, 255),
        numbers(n, -100, 100),
    )
    m, w, given, out = (
        as_bytes(means),
        as_bytes(weights),
        as_bytes(x),
        array("i", bytes(4 * n_rows)),
    )
    bound = kernels.bind(m, w, n, n, out)
    kernel, no_kernel = kernels.nearest(), no_kernel_of_3
    ulab = rivals.distances_in_ulab(means, weights, x, n_rows) if rivals and rivals.np else None
    plain = rivals.distances_in_bytecode(means, weights, x, n_rows) if rivals else None
    report("distance_%dx%d%s" % (n_rows, n, suffix), lambda: kernel(given, n_rows, bound), ulab,
           plain, lambda: no_kernel(given, n_rows, bound))  # fmt: skip


def learning(suffix, n, rivals):
    x, sums, squares = numbers(n, -100, 100), array("i", bytes(4 * n)), array("i", bytes(8 * n))
    given, mean, variance, weights = (
        as_bytes(x),
        bytearray(n),
        array("i", bytes(4 * n)),
        bytearray(n),
    )
    ulab = rivals.learning_in_ulab(x) if rivals and rivals.np else None
    plain = rivals.learning_in_bytecode(x) if rivals else None
    kernel, no_kernel = kernels.learn, no_kernel_of_4
    report("learn_%d%s" % (n, suffix), lambda: kernel(given, n, sums, squares), ulab, plain,
           lambda: no_kernel(given, n, sums, squares))  # fmt: skip

    def derive():
        kernels.derive(sums, n, squares, 100, mean, variance)
        kernels.weigh(variance, n, 4 << 12, weights, 1)

    report("derive_%d%s" % (n, suffix), derive)


def head_file(n_in, n_out):
    """Return a head of one dense layer, as head.py's docstring has it on file."""
    import struct

    from nearhum.wire import HEAD_MAGIC, seal

    body = struct.pack("<HBBHBB", n_in, 1, 0, n_out, 0, 0) + struct.pack(
        "<%di" % n_out, *numbers(n_out, -900, 900)
    )
    body += struct.pack("<HHH", 0, 1, 8) * n_out + bytes(as_bytes(numbers(n_in * n_out, -127, 127)))
    return seal(HEAD_MAGIC, 1, 0, body)


def whole(name, root, n_prototypes, **given):
    """A window from its samples to the guard, by the pipeline of these settings, watching, with
    so many prototypes.
    """
    from nearhum.pipeline import Pipeline

    with open(root + "nearhum.json", "w") as f:
        json.dump(
            dict(
                given,
                kind=given.get("kind", "vibration"),
                n_channels=1,
                source={"driver": "push"},
            ),
            f,
        )
    hum = Pipeline(root)
    n, hop = hum.window.n_window, hum.window.n_hop
    block, window = samples(n), hum.window

    def run():
        window.push(block, 0, window.missing)
        hum.take_window()
        window.advance()

    hum.learned.start(16)
    for _ in range(16):
        run()
        hum.keep_window()
    p = hum.detector.prototypes
    while p.n < n_prototypes:
        j = p.add(None)
        p.learn_one(j, hum.embedding)
        p.derive(j)
    # One hop of samples fills the window again.
    report(name, run)
    hum.close()
    return n, hop


def main(variant, root, stages, rivals=None):
    """Time the stages of a variant; root: a folder for files, ends with /. rivals: the module,
    or None for none.
    """
    choose(variant)
    suffix = ":" + variant
    if "features" in stages:
        features(suffix, 256, rivals)
        features(suffix, 512, rivals)
    if "kernels" in stages:
        dense(suffix, 64, 16, rivals)
        distance(suffix, 8, 32, rivals)
        learning(suffix, 32, rivals)
    if "whole" in stages:
        with open(root + "bench.nhh", "wb") as f:
            f.write(head_file(32, 16))
        given = {"rate_hz": 20000, "n_window": 256, "n_hop": 256, "n_bands": 32, "statistics": ""}
        given["head"] = root + "bench.nhh"
        whole("sample_to_score" + suffix, root, 4, slow=0, **given)
        gc.collect()
        # with the slow average that vibration has unless told otherwise, and its threshold
        whole("sample_to_score_scales" + suffix, root, 4, **given)
        gc.collect()
        whole("audio_512" + suffix, root, 1, kind="audio", head="")
        os.remove(root + "bench.nhh")
    if "growth" in stages:
        for n in (64, 128, 256, 512, 1024):
            for n_bands in (8, 16, 31):
                gc.collect()
                report("features_%d_%d_bands%s" % (n, n_bands, suffix), transform(n, n_bands)[0])
        for n_rows in (1, 4, 8, 16):
            for n in (16, 32, 64, 128):
                distance(suffix, n_rows, n, None)
    # Without ulab the float path runs the fallback, which is correct but slow.
    if "float" in stages and rivals and rivals.np:
        for n in (256, 512):
            gc.collect()
            report("features_%d:float" % n, transform(n, 32, "float")[0])
    if sys.platform == "rp2":
        from machine import freq
    release = ".".join([str(n) for n in sys.implementation.version[:3]])
    try:
        from ulab import __version__ as ulab
    except ImportError:
        ulab = None
    print("bench", json.dumps({
        "clock_hz": freq() if sys.platform == "rp2" else None, "micropython": release, "ulab": ulab,
    }))  # fmt: skip
