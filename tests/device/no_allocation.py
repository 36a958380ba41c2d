"""Test that nothing is allocated from sample to guard, for every kind's defaults, on both paths.

With heap_lock, any allocation raises MemoryError. A 32-bit board allocates nothing either, because
tests/reference proves that no integer that bytecode sees exceeds 31 bits.
"""

from array import array

import micropython
from fakes import head, layer, noise, pipeline, pooling, reset
from harness import Lcg, Skip, as_bytes, done, equal, named, scratch, test, test_of
from nearhum import kernels
from nearhum.kernels import viper_filter, viper_pool
from nearhum.kernels.viper_cosine import cosines
from nearhum.settings import KINDS
from nearhum.wire import LEARN, WATCH


def locked_window(hum, block):
    """One window from its samples to the guard, with the heap locked; what keep_window writes
    may allocate.
    """
    n = len(block) // hum.window.n_channels
    micropython.heap_lock()
    try:
        while hum.window.missing:
            hum.window.push(block, 0, n)
        hum.take_window()
        hum.window.advance()
    finally:
        micropython.heap_unlock()
    hum.keep_window()


def blocks(hum, count):
    # of half a window, or of a hop where that is longer: a board's heap has no room for some whole
    # ones
    random = Lcg(6)
    n = max(hum.window.n_window // 2, hum.window.n_hop) * hum.window.n_channels
    return [noise(random, n, 300, 2000, 16 * hum.window.n_channels) for _ in range(count)]


def warm(hum, some, windows):
    """Take windows with the heap open."""
    for i in range(windows):
        block = some[i % len(some)]
        while hum.window.missing:
            hum.window.push(block, 0, len(block) // hum.window.n_channels)
        hum.take_window()
        hum.window.advance()
        hum.keep_window()


def of_kind(kind, **given):
    if not hasattr(micropython, "heap_lock"):
        raise Skip("micropython.heap_lock")
    reset()
    hum = pipeline(kind, **given)
    some = blocks(hum, 4)
    n_range = hum.config["n_range"] if hum.features.ranges else 0
    # idle: nothing learned
    if not n_range:
        warm(hum, some, 1)
        for block in some:
            locked_window(hum, block)
    # learn: the range of slow channels may allocate, and the first window makes the prototype
    hum.learned.start(2 * n_range + 24 + hum.n_settling)
    warm(hum, some, n_range + 1)
    equal(hum.detector.state, LEARN)
    for i in range(n_range + 23 + hum.n_settling):
        locked_window(hum, some[i % 4])
    equal(hum.detector.state, WATCH, kind)
    equal(hum.detector.n_scores > 5, True)
    # watch, with labels enrolled; words are below
    if hum.config["recognise"] == "windows":
        for label in ("one", "two"):
            hum.console.execute("enrol %s 2" % label)
            warm(hum, some, 2)
        equal(len(hum.recogniser.ids), 2)
    for i in range(8):
        locked_window(hum, some[i % 4])
    # an alarm begins and ends
    loud, random = some[1], Lcg(7)
    for i in range(len(loud)):
        loud[i] = random.within(30000)
    for i in range(8):
        locked_window(hum, loud if i < 4 else some[0])


for _kind in KINDS:
    named("defaults of " + _kind, of_kind, _kind)


@test_of("ulab")
def the_float_path_on_ulab():
    from nearhum.features.arrays import np, spectrum

    if np.NAME == "fallback" or spectrum.spectrogram in (
        spectrum.of_halves,
        spectrum.by_fft,
    ):
        raise Skip("a ulab with a sound spectrogram; here it is %s" % np.NAME)
    of_kind("audio", path="float", n_window=128, n_hop=128, n_bands=8, recognise="windows")


@test
def words_from_their_first_frame_to_the_answer():
    reset()
    hum = pipeline("audio")
    words, vector = hum.recogniser, hum.features.vector
    frames = [
        as_bytes([i * (b - 9) % 40 - 100 + 90 * (i % 60 > 30) for b in range(20)])
        for i in range(60)
    ]
    for i in range(120):
        vector[:] = frames[i % 60]
        words.predict_one(vector)
    for label in ("one", "two", "two"):
        words.enrol(label, bytes(words.utterances.cepstra[:300]))
    answers = []
    vector[:] = frames[0]
    for i in range(180):
        for b in range(20):
            vector[b] = frames[i % 60][b]
        micropython.heap_lock()
        try:
            found = words.predict_one(vector)
        finally:
            micropython.heap_unlock()
        if found:
            answers.append(found)
    equal(answers, [1] * 3)


@test
def every_statistic():
    reset()
    hum = pipeline(
        "vibration", statistics="rms,peak,crest,kurtosis,zero_crossings", mean="scaled", n_bands=8
    )
    some = blocks(hum, 2)
    warm(hum, some, 1)
    for block in some * 3:
        locked_window(hum, block)


@test
def envelope_bands():
    reset()
    hum = pipeline(
        "vibration", n_channels=2, n_bands=4, n_envelope_bands=8, envelope_low_hz=500,
        envelope_high_hz=1500, envelope_top_hz=200,
    )  # fmt: skip
    some = blocks(hum, 2)
    warm(hum, some, 1)
    for block in some * 3:
        locked_window(hum, block)


@test
def a_head_of_convolutions():
    reset()
    root = scratch()
    with open(root + "head.nhh", "wb") as f:
        one = layer([[1, 2, -1]] * 4, [0] * 4, [(0, 1, 1)] * 4, 1, (1, 3, 1))
        f.write(head(8, one, pooling(4), layer([[1, 2, 3, 4]] * 5, [0] * 5, [(2, 1, 0)] * 5)))
    hum = pipeline(
        "vibration", n_channels=1, n_bands=8, statistics="", root=root, head=root + "head.nhh"
    )
    some = blocks(hum, 2)
    warm(hum, some, 1)
    for block in some * 3:
        locked_window(hum, block)


@test
def filters_and_angles_alone():
    z, out = array("i", [0x20000 + i * 500 for i in range(200)]), array("h", bytes(80))
    sections = viper_filter.band_pass(1000, 3000, 10000)
    x, rows, distances = (
        as_bytes([1, 2, 3, 127]),
        as_bytes([3, 2, 1, -128] * 3),
        array("i", bytes(12)),
    )
    bound = kernels.bind(rows, 4, distances)
    micropython.heap_lock()
    try:
        viper_filter.biquads(z, 0, 200, sections, 3)
        viper_filter.rectify_into(z, 0, 4, out, 40)
        kernels.isqrt(0x7FFFFF, 0xFFFFFF)
        viper_pool.pool_max(rows, 3, 4, x)
        cosines(x, 3, bound)
    finally:
        micropython.heap_unlock()


@test
def the_lock_is_real():
    micropython.heap_lock()
    try:
        caught = False
        try:
            [1, 2, 3] * 50
        except MemoryError:
            caught = True
    finally:
        micropython.heap_unlock()
    equal(caught, True)


done()
