"""Test pre-computed spectra, bands without their level, and radio packets, at limits and gaps."""

from array import array

import micropython
from fakes import Played, pipeline
from harness import Lcg, between, clear_error, done, equal, i8, raises, test
from nearhum import config
from nearhum.errors import ConfigError
from nearhum.features.extract import Features, Plan
from nearhum.features.level import less_mean
from nearhum.features.packets import Packets
from nearhum.features.transform_fixed import Log2
from nearhum.features.window import Window
from nearhum.sources import GAP
from nearhum.wire import IDLE, WATCH


def complete(kind, **given):
    given.update({"kind": kind, "source": {"driver": "none"}})
    return config.complete(given)


def bands(values, path="fixed", **given):
    """The int8 bands of one spectrum; 8 of them, as they are, unless given otherwise."""
    given = dict(
        {"n_bands": 8, "level": "kept", "n_window": len(values), "n_hop": len(values)}, **given
    )
    c = complete("spectra", path=path, **given)
    window = Window(1, len(values), len(values))
    window.push(array("h", values), 0, len(values))
    return i8(Features(Plan(c), path).extract_into(window.rows))


# --- given spectra --------------------------------------------------------------------------------


@test
def nothing_is_silence():
    equal(bands([0] * 64), [-128] * 8)
    equal(bands([0] * 64, level="free"), [0] * 8)


@test
def a_constant_spectrum():
    # 63 bins in 8 bands: 7 or 8 bins of 2^20 a band
    for level in bands([1024] * 64):
        between(level, 8 * 22 + 6 - 128, 8 * 23 - 128, "bands of 7 or 8 bins")
    equal(max([abs(v) for v in bands([1024] * 64, level="free")]) <= 2, True)


@test
def saturated_spectra_hold():
    equal(bands([32767] * 512), [127] * 8)
    equal(bands([-32768] * 512), [127] * 8)  # a magnitude
    equal(bands([32767] * 1024, n_bands=1), [127])
    equal(bands([-32768] * 64, n_bands=31, f_high_hz=31.5)[0], 8 * 30 - 128)  # one bin of 2^30


@test
def one_bin_is_a_band_over_the_floor():
    for at in (1, 20, 63):
        found = bands([0] * at + [1000] + [0] * (63 - at))
        equal(sorted(found)[:7], [31 - 133] * 7)  # held to 50 dB under it
        equal(max(found), (8 * 5102 // 256) - 128)  # 2 log2(1000) = 5102 / 256
    found = bands([0] * 20 + [32767] + [0] * 43)
    equal(sorted(found), [112 - 133] * 7 + [112])
    equal(bands([32767] + [0] * 63), [-128] * 8)  # bin 0 belongs to no band


@test
def loudness_falls_out_and_shape_does_not():
    random = Lcg(5)
    quiet = [200 + random.within(150) for _ in range(128)]
    loud = [8 * v for v in quiet]
    here, there = bands(quiet, level="free"), bands(loud, level="free")
    equal(max([abs(a - b) for a, b in zip(here, there)]) <= 1, True)
    equal(min([b - a for a, b in zip(bands(quiet), bands(loud))]) >= 47, True)  # six bits of power
    equal(bands(quiet[::-1], level="free") != here, True)


@test
def both_paths_have_the_same_bits():
    random = Lcg(6)
    for _ in range(5):
        x = [random.within(32767) for _ in range(100)]
        equal(bands(x, "float", level="free"), bands(x, "fixed", level="free"))


@test
def bins_have_their_frequencies():
    plan = Plan(
        complete("spectra", n_window=100, n_hop=100, bin_hz=2, n_bands=2, f_low_hz=11, f_high_hz=31)
    )
    equal(plan.bands, [(6, 5), (11, 5)])
    equal(plan.name(0), "c0.11-21Hz")
    equal(Plan(complete("spectra")).n_features, 24)


@test
def levels_saturate():
    for values, wanted in (
        ([-128] * 7 + [127], [-32] * 7 + [127]),
        ([127] * 7 + [-128], [32] * 7 + [-128]),
        ([5], [0]),
        ([1, 2], [-1, 0]),
        ([-1, -2], [0, -1]),
    ):
        out = bytearray([v & 255 for v in values])
        less_mean(out, len(values))
        mean = (sum(values) + len(values) // 2) // len(values)
        equal(i8(out), [max(-128, min(127, v - mean)) for v in values])
        if wanted[-1] in (127, -128):
            equal(i8(out), [max(-128, min(127, v - mean)) for v in values], wanted)
        else:
            equal(i8(out), wanted)


# --- packets --------------------------------------------------------------------------------------


def word(real, imaginary):
    v = (real & 255) | (imaginary & 255) << 8
    return (v ^ 0x8000) - 0x8000


def reduced(rows, n_channels, made=None):
    made = made or Packets(len(rows[0]), n_channels, Log2())
    block = array("h", [v for row in rows for v in row])
    made.reduce(block, len(rows))
    return [list(block[i * n_channels : (i + 1) * n_channels]) for i in range(len(rows))]


@test
def packets_without_power_and_saturated_ones():
    equal(reduced([[0] * 64] * 3, 8), [[0] * 8] * 3)
    equal(reduced([[word(-128, -128)] * 64] * 3, 8), [[0] * 8] * 3)
    # half of it silent: 15 octaves of power, 2048 counts each, are 7.5 over and 7.5 under the mean;
    # 4 of the table
    equal(reduced([[word(-128, -128)] * 64 + [0] * 64], 2), [[15364, -15364]])
    equal(reduced([[word(127, 127)] + [0] * 127], 1), [[0]])


@test
def one_subcarrier_shows_in_its_channel():
    found = reduced([[word(3, -4)] * 31 + [word(30, -40)] + [word(3, -4)] * 32], 4)[0]
    equal(found.index(max(found)), 1)
    between(
        found[1],
        2048 * 6.64 / 16 * 0.75 - 3,
        2048 * 6.64 / 16 * 0.75 + 3,
        "a sixteenth of it, less the mean",
    )


@test
def a_packet_with_an_error_is_outvoted():
    good, bad = [word(9, 9)] * 8, [word(100, 0)] + [word(9, 9)] * 7
    equal(reduced([good, good, bad, good, good], 8), [[0] * 8] * 5)
    equal(reduced([good, bad, bad, bad], 8)[3][0] > 0, True)


@test
def a_gap_makes_a_start():
    good, other = [word(9, 9)] * 8, [word(100, 0)] * 4 + [word(9, 9)] * 4
    made = Packets(8, 2, Log2())
    reduced([good, good], 2, made)
    equal(reduced([other], 2, made)[0], [0, 0])  # may be an error
    made.restart()
    equal(reduced([other], 2, made)[0][0] > 0, True)  # nothing is known to the contrary


@test
def packets_allocate_nothing():
    made = Packets(64, 8, Log2())
    block = array("h", [(i * 7919 & 0xFFFF) - 32768 for i in range(64 * 8)])
    made.reduce(block, 8)
    if hasattr(micropython, "heap_lock"):
        micropython.heap_lock()
        try:
            made.reduce(block, 8)
            made.restart()
        finally:
            micropython.heap_unlock()


# --- on their way ---------------------------------------------------------------------------------


def run(hum, *script):
    for what in script:
        for one in (what,) if isinstance(what, int) else what:
            Played.script = [one]
            while Played.script:
                hum.step()


def packets(n, seed, unrest=0):
    # array by array: a board's heap has no room for all of them in one piece
    random = Lcg(seed)
    for _ in range(n):
        yield array(
            "h",
            [
                word(50 + random.within(1 + unrest), 20 + random.within(1 + unrest))
                for _ in range(16)
            ],
        )


@test
def a_radio_from_its_packets_to_an_alarm():
    hum = pipeline("radio", n_subcarriers=16, n_channels=4, n_window=50, n_hop=10, settle_s=0)
    equal(len(hum.block) % 16, 0)
    hum.console.execute("learn 60")
    run(hum, packets(700, 1))
    equal(hum.detector.state, WATCH)
    run(hum, packets(200, 2))
    equal(hum.temporal.alarm, False)
    run(hum, packets(200, 3, 30))
    equal(hum.temporal.alarm, True)
    # a gap restarts window and packets
    run(hum, packets(7, 4), GAP, packets(3, 5))
    equal(hum.window.missing, 47)


@test
def what_is_heard_while_somebody_leaves_is_not_learned():
    given = {"n_subcarriers": 16, "n_channels": 4, "n_window": 50, "n_hop": 10}
    counts = []
    for settle in (0, 2):
        hum = pipeline("radio", settle_s=settle, **given)
        hum.console.execute("learn 60")
        run(hum, packets(200, 1, 30), packets(500, 2))
        equal(hum.detector.state, WATCH)
        counts.append(
            (sum(hum.detector.prototypes.counts) + hum.detector.dropped, hum.detector.threshold)
        )
    equal(counts[0][0], 60)
    equal(counts[1][0], 40)  # 20 windows begin in two seconds
    # a period of which it would be more than half is refused; one that ends in it has learned
    # nothing
    answer = hum.console.execute("learn 39")
    equal((answer["ok"], "39" in answer["error"], "40" in answer["hint"]), (False, True, True))
    hum.learned.start(10)
    run(hum, packets(300, 1))
    equal(hum.detector.state, IDLE)


@test
def settings_that_do_not_go_together():
    for kind, given, word_ in (
        ("spectra", {"n_hop": 256}, "n_hop"),
        ("spectra", {"statistics": "rms"}, "bin_hz"),
        ("spectra", {"mean": "scaled"}, "bin_hz"),
        ("spectra", {"n_bands": 0}, "bin_hz"),
        ("spectra", {"f_high_hz": 513}, "f_high_hz"),
        ("spectra", {"f_low_hz": 512}, "f_low_hz"),
        ("radio", {"n_subcarriers": 7}, "n_subcarriers"),
        ("radio", {"settle_s": -1}, "settle_s"),
    ):
        clear_error(
            raises(ConfigError, lambda kind=kind, given=given: complete(kind, **given)), word_
        )
    clear_error(raises(ConfigError, lambda: Plan(complete("spectra", f_high_hz=20))), "n_bands")


done()
