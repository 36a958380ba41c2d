"""Features of windows at the edges: constant, saturated, square, int16 minimum, zero, impulse.

All are defined.
"""

from array import array

from fakes import noise
from harness import Lcg, between, clear_error, done, equal, i8, raises, test
from nearhum import config
from nearhum.errors import ConfigError
from nearhum.features.extract import Features, Plan
from nearhum.features.plan import fingerprint
from nearhum.features.window import Window
from nearhum.settings import KINDS

STATISTICS = "rms,peak,crest,kurtosis,zero_crossings"


def complete(kind="vibration", **given):
    given.update({"kind": kind, "source": {"driver": "none"}})
    return config.complete(given)


def features(values, **given):
    """The int8 features of one window of one channel: mean (scaled), five statistics, bands."""
    given = dict({"n_bands": 8, "statistics": STATISTICS, "mean": "scaled"}, **given)
    c = complete(n_channels=1, n_window=len(values), n_hop=1, **given)
    window = Window(1, len(values), 1)
    window.push(array("h", values), 0, len(values))
    f = Features(Plan(c), c["path"])
    f.extract_into(window.rows)
    return i8(f.vector)


@test
def constants_are_silent_whatever_their_level():
    for level, mean in ((0, 0), (1, 0), (32767, 127), (-32768, -128), (-5, 0), (12345, 48)):
        found = features([level] * 256)
        equal(found, [mean] + [-128] * 4 + [-128] + [-128] * 8, level)


@test
def full_scale_square():
    found = features([32767, -32768] * 128)
    # the mean -1/2 rounds up to 0: peak 2^15, mean square 2^30 less a little; crest 1; every sample
    # changes sign
    equal(found[:6], [0, 127, 127, -64, -64, 255 * 255 // 256 - 128])
    between(found[-1], 110, 127, "the band below Nyquist")


@test
def slow_full_scale_square():
    found = features(([32767] * 16 + [-32768] * 16) * 8)
    equal(found[1:5], [127, 127, -64, -64])
    equal(found[5], 15 * 255 // 256 - 128)
    between(max(found[6:]), 115, 127, "the strongest band")


@test
def one_sample_impulse():
    # a crest of 2^8 in power and a kurtosis of about n = 2^8: 16 steps an octave
    found = features([0] * 128 + [32767] + [0] * 127, spacing="linear")
    between(found[3], 16 * 8 - 64 - 1, 16 * 8 - 64 + 1, "crest")
    between(found[4], 16 * 8 - 64 - 2, 16 * 8 - 64 + 1, "kurtosis")
    low, high = min(found[6:]), max(found[6:])
    between(high - low, 0, 2, "an impulse is white: bands of one width are alike")


@test
def smallest_impulse_is_no_silence():
    found = features([0] * 128 + [1] + [0] * 127)
    equal(found[2], -112)  # peak^2 = 1
    between(found[4], 16 * 8 - 64 - 2, 16 * 8 - 64 + 1, "kurtosis")


@test
def gain_is_a_shift():
    random = Lcg(3)
    x = noise(random, 256, 500, 3000)
    quiet, loud = features(x), features([4 * v for v in x])
    for i in [1, 2] + list(range(6, 14)):
        between(loud[i] - quiet[i], 31, 33, "feature %d, four times the amplitude" % i)
    for i in (3, 4, 5):
        between(loud[i] - quiet[i], -1, 1, "feature %d" % i)


@test
def extremes_stay_in_range_on_every_kind():
    patterns = (
        [-32768] * 64,
        [32767] * 64,
        [-32768, 32767] * 32,
        [0] * 63 + [-32768],
        [32767] * 63 + [-32768],
    )
    for kind in KINDS:
        c = complete(kind)
        plan = Plan(c)
        f = Features(plan, "fixed")
        window = Window(c["n_channels"], c["n_window"], c["n_hop"])
        if f.ranges:
            for channel in range(plan.n_channels):
                f.ranges.assign(channel, 0, 4)
        for pattern in patterns:
            values = (pattern * (c["n_channels"] * c["n_window"] // 64 + 1))[
                : c["n_channels"] * c["n_window"]
            ]
            window.restart()
            window.push(array("h", values), 0, c["n_window"])
            f.extract_into(window.rows)
            equal(len(f.vector), plan.n_features, kind)


@test
def ranges_learn_centre_and_spread():
    c = complete("telemetry", n_range=8, n_window=16)
    f = Features(Plan(c), "fixed")
    window = Window(1, 16, 1)
    for i in range(8):
        window.restart()
        window.push(array("h", [1000 + (160 if (i + j) % 2 else -160) for j in range(16)]), 0, 16)
        equal(f.ranges.observe(window.rows), i == 7)
    equal((f.ranges.centre_q4, f.ranges.step_q4), ([16000], [64]))
    for mean, wanted in (
        (1000, 0),
        (1004, 1),
        (996, -1),
        (1007, 2),
        (1510, 127),
        (488, -128),
        (32767, 127),
        (-32768, -128),
    ):
        equal(f.ranges.scale(0, 16 * mean), wanted, mean)
    again = Features(Plan(c), "fixed").ranges
    equal(again.unpack(memoryview(f.ranges.pack())), 8)
    equal((again.known, again.scale(0, 16064)), (True, 1))


@test
def a_constant_channel_has_the_smallest_range():
    f = Features(Plan(complete("telemetry", n_range=8, n_window=16)), "fixed")
    window = Window(1, 16, 1)
    window.push(array("h", [-32768] * 16), 0, 16)
    for _ in range(8):
        f.ranges.observe(window.rows)
    equal((f.ranges.centre_q4, f.ranges.step_q4), ([-32768 * 16], [4]))
    equal(f.ranges.scale(0, -32768 * 16), 0)


@test
def bands_are_cut_without_gaps():
    for spacing in ("linear", "log", "mel"):
        for n_bands in (1, 5, 12, 32):
            plan = Plan(
                complete(n_channels=1, n_window=512, n_hop=512, n_bands=n_bands, spacing=spacing)
            )
            equal(len(plan.bands), n_bands)
            at = plan.bands[0][0]
            for first, count in plan.bands:
                equal(first, at, spacing)
                equal(count > 0, True)
                at += count
            between(plan.bands[0][0], 1, 256, spacing)
            equal(at <= 256, True, spacing)


@test
def as_many_bands_as_bins():
    plan = Plan(complete(n_channels=1, n_window=64, n_hop=64, n_bands=31, spacing="linear"))
    equal(plan.bands, [(k, 1) for k in range(1, 32)])


@test
def plans_that_cannot_be():
    clear_error(
        raises(ConfigError, Plan, complete(n_channels=1, n_window=32, n_bands=32, n_hop=1)),
        "n_bands = 32",
    )
    clear_error(raises(ConfigError, Plan, complete(n_channels=8, n_bands=20)), "128")


@test
def no_band_is_empty_or_outside_its_range():
    for given, there in (
        ({"f_high_hz": 1}, 0),  # below the first bin
        ({"f_high_hz": 10}, 3),
        ({"f_low_hz": 100, "f_high_hz": 101}, 0),  # between two bins
        ({"f_low_hz": 1990, "f_high_hz": 1999}, 2),
        ({"f_low_hz": 1999}, 0),  # above the last
    ):
        for spacing in ("linear", "log", "mel"):
            made = complete(
                n_channels=1, n_window=1024, n_bands=4, spacing=spacing, rate_hz=4000, **given
            )
            clear_error(raises(ConfigError, Plan, made), "n_bands = 4", "at most %d, for" % there)
    plan = Plan(
        complete(n_channels=1, n_window=1024, n_bands=3, spacing="mel", rate_hz=4000, f_high_hz=10)
    )
    equal(plan.bands, [(1, 1), (2, 1), (3, 1)])


@test
def windows_of_any_length():
    random = Lcg(17)
    for n in (2, 3, 5, 31, 32, 33, 63, 65, 100, 255, 600, 1000, 1023, 1024):
        given = {"n_bands": 0 if n < 32 else 5}
        for level in (0, -32768, 32767):
            found = features([level] * n, **given)
            equal(found[1:], [-128] * (5 + given["n_bands"]), (n, level))
        features([random.within(32767) for _ in range(n)], **given)
        found = features([32767 if i & 1 else -32768 for i in range(n)], **given)
        between(found[1], 124, 127, (n, "rms"))
        equal(found[5], (n - 1) * 255 // n - 128, (n, "crossings"))
        if n >= 32:
            equal(found[-1], max(found[6:]), n)
            between(found[-1], 105, 127, (n, "the band below Nyquist"))
    for n in (0, 1, 1025, 2048, -256, 256.5):
        clear_error(raises(ConfigError, lambda n=n: complete(n_window=n)), "n_window", "2 to 1024")
    clear_error(raises(ConfigError, lambda: complete(n_window=31, n_hop=1)), "n_window = 31", "32")


@test
def names_of_features():
    plan = Plan(complete("motion"))
    equal(plan.name(0), "c0.mean")
    equal(plan.name(1), "c0.rms")
    equal(plan.name(plan.n_per_channel), "c1.mean")
    equal(plan.name(plan.n_features - 1)[:3], "c5.")


@test
def fingerprints_tell_settings_apart():
    seen = set()
    for given in (
        {},
        {"n_bands": 5},
        {"statistics": "rms,peak"},
        {"n_channels": 2},
        {"rate_hz": 100},
        {"spacing": "mel"},
    ):
        seen.add(fingerprint(Plan(complete(**given)), 0))
    seen.add(fingerprint(Plan(complete()), 7))
    equal(len(seen), 7)
    equal(fingerprint(Plan(complete()), 0), fingerprint(Plan(complete(spread_floor=9)), 0))


done()
