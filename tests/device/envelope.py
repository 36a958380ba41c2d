"""Test the envelope: its bands detect the rhythm of blows, unlike bands of the spectrum."""

from array import array
from math import exp, pi, sin

from fakes import noise
from harness import Lcg, between, clear_error, done, equal, i8, raises, test
from nearhum import config
from nearhum.errors import ConfigError
from nearhum.features.extract import Features, Plan
from nearhum.features.plan import fingerprint
from nearhum.features.window import Window

N_WINDOW = 1024
BANDS = {
    "rate_hz": 12000, "n_bands": 12, "spacing": "log", "statistics": "rms",
    "n_envelope_bands": 12, "envelope_low_hz": 2000, "envelope_high_hz": 4500,
    "envelope_top_hz": 400,
}  # fmt: skip


def complete(**given):
    both = dict(
        BANDS,
        kind="vibration",
        source={"driver": "none"},
        n_channels=1,
        n_window=N_WINDOW,
        n_hop=N_WINDOW,
    )
    both.update(given)
    return config.complete(both)


def extractor(**given):
    """Return what takes a window's samples to int8 features, and the plan."""
    c = complete(**given)
    plan = Plan(c)
    made = Features(plan, c["path"])
    window = Window(plan.n_channels, plan.n_window, plan.n_window)

    def extract(values):
        window.restart()
        window.push(array("h", values), 0, plan.n_window)
        made.extract_into(window.rows)
        return i8(made.vector)

    return extract, plan


# --- a bearing ------------------------------------------------------------------------------------

BLOW_HZ = 107  # a ball passes a pit in the outer race
SHAFT = [int(2000 * sin(2 * pi * i / 400)) for i in range(400)]
RING = [int(600 * exp(-i / 18) * sin(2 * pi * 3300 * i / 12000)) for i in range(120)]


def bearing(random, blows):
    """One window: a shaft at 30 Hz, noise, and blows: none, regular, or as many at any time."""
    n = N_WINDOW + 200
    x = [random.within(400) + random.within(400) + SHAFT[i % 400] for i in range(n)]
    at = random.below(100)
    while blows and at < n - 120:
        for i in range(120):
            x[at + i] += RING[i]
        at += (
            12000 // BLOW_HZ + random.within(1)
            if blows == "regular"
            else random.below(2 * 12000 // BLOW_HZ)
        )
    return x[100 : 100 + N_WINDOW]


@test
def blows_of_a_bearing():
    extract, plan = extractor()
    names = [plan.name(i) for i in range(plan.n_features)]
    random = Lcg(5)
    mean = {}
    for blows in (None, "regular", "random"):
        some = [extract(bearing(random, blows)) for _ in range(10)]
        mean[blows] = [sum(column) / len(some) for column in zip(*some)]
    at = names.index("c0.env.83.7-124Hz")
    plain = [i for i in range(plan.n_features) if ".env." not in names[i]]
    equal(len(plain), 13)
    rise = [mean["regular"][i] - mean[None][i] for i in range(plan.n_features)]
    # 2.3 dB and less in the spectrum, 5 dB and more in the envelope
    between(max([abs(rise[i]) for i in plain]), 0, 6, "plain bands")
    between(rise[at], 13, 40, "envelope at the rate of the blows")
    # blows of the same energy at any time: the same spectrum, but no peak in the envelope
    apart = [mean["regular"][i] - mean["random"][i] for i in range(plan.n_features)]
    between(max([abs(apart[i]) for i in plain]), 0, 5, "plain bands")
    between(
        2 * apart[at] - apart[at - 1] - apart[at + 1], 20, 80, "the peak over its neighbours, twice"
    )


@test
def a_modulated_tone():
    extract, plan = extractor()
    tone = [
        int(8000 * (1 + 0.5 * sin(2 * pi * 150 * i / 12000)) * sin(2 * pi * 3110 * i / 12000))
        for i in range(1024)
    ]
    found = extract(tone)[13:]
    names = [plan.name(i) for i in range(13, plan.n_features)]
    equal(names[found.index(max(found))], "c0.env.124-184Hz")
    # a rectified sine has 2/pi of its amplitude, the band-pass leaves 0.97 of it, the triangle
    # 0.97: a = 2390 counts; a Hann window of 142 samples in a transform of 256: 8 log2(a^2 / 4 *
    # 3/8 * 256/142) - 96 = 63
    between(max(found), 62, 64, "its level")
    # modulated from below the band, there is nothing
    between(
        max(extract([int(8000 * sin(2 * pi * 150 * i / 12000)) for i in range(1024)])[13:]),
        -128,
        -20,
        "hum alone",
    )


@test
def gain_is_a_shift():
    extract, plan = extractor()
    x = noise(Lcg(3), N_WINDOW, 900, 1200, 5)
    quiet, loud = extract(x), extract([8 * v for v in x])
    for i in range(13, plan.n_features):
        between(loud[i] - quiet[i], 47, 49, plan.name(i))


@test
def a_window_speaks_for_itself():
    extract, _ = extractor()
    x = noise(Lcg(4), N_WINDOW, 900, 1200, 5)
    first = extract(x)
    extract([-32768, 32767] * 512)
    equal(extract(x), first)
    equal(extractor()[0](x), first)


@test
def edges_are_defined():
    extract, _ = extractor()
    for level in (0, 1, 32767, -32768):
        equal(extract([level] * N_WINDOW)[13:], [-128] * 12, level)
    square = extract([32767, -32768] * 512)[13:]
    between(max(square), -128, 0, "a square far above the band")
    inside = extract(([32767, 32767, -32768, -32768]) * 256)[13:]
    between(max(inside), -128, 30, "one in the band, whose envelope is flat")
    bursts = extract(([32767, -32768] * 2 + [-32768] * 60) * 16)[13:]
    between(max(bursts), 60, 127, "full-scale bursts")
    for values in ([-32768] * 1023 + [32767], [0] * 512 + [32767] + [0] * 511, [1, 0] * 512):
        extract(values)


@test
def the_float_path_takes_them_from_the_fixed_one():
    x = noise(Lcg(4), N_WINDOW, 900, 1200, 5)
    equal(extractor(path="float")[0](x)[13:], extractor()[0](x)[13:])


@test
def alone_and_on_several_channels():
    extract, plan = extractor(n_channels=2, n_bands=0, statistics="", n_envelope_bands=5)
    equal(plan.n_features, 10)
    equal([plan.name(i)[:7] for i in (0, 4, 5)], ["c0.env.", "c0.env.", "c1.env."])
    a, b = noise(Lcg(4), N_WINDOW, 900, 1200, 5), noise(Lcg(5), N_WINDOW, 900, 1200, 7)
    both = []
    for i in range(N_WINDOW):
        both += [a[i], b[i]]
    found = extract(both)
    alone = extractor(n_bands=0, statistics="", n_envelope_bands=5)[0]
    equal((found[:5], found[5:]), (alone(a), alone(b)))


@test
def fingerprints_tell_envelopes_apart():
    seen = {fingerprint(Plan(complete(**given)), 0) for given in (
        {}, {"n_envelope_bands": 0}, {"n_envelope_bands": 11}, {"envelope_low_hz": 1900},
        {"envelope_high_hz": 4400}, {"envelope_top_hz": 390},
    )}  # fmt: skip
    equal(len(seen), 6)


@test
def envelopes_that_cannot_be():
    for given, words in (
        ({"envelope_low_hz": 0}, ("envelope_low_hz = 0",)),
        ({"envelope_low_hz": 11.9}, ("envelope_low_hz", "1000")),
        ({"envelope_high_hz": 2000}, ("envelope_high_hz = 2000", "envelope_low_hz")),
        ({"envelope_high_hz": 5401}, ("envelope_high_hz = 5401", "0.45")),
        ({"envelope_top_hz": 2001}, ("envelope_top_hz = 2001", "envelope_low_hz")),
        ({"n_envelope_bands": 33}, ("n_envelope_bands = 33",)),
    ):
        clear_error(raises(ConfigError, lambda given=given: complete(**given)), *words)
    for given, words in (
        ({"envelope_top_hz": 60}, ("19 samples", "1024", "32", "longer window")),
        ({"envelope_low_hz": 40, "envelope_top_hz": 40}, ("900", "envelope_low_hz")),
        ({"envelope_low_hz": 30, "envelope_top_hz": 30}, ("0 samples",)),
        (
            {"n_envelope_bands": 32, "envelope_top_hz": 100},
            ("n_envelope_bands = 32", "bins of", "longer window"),
        ),
        ({"n_channels": 8}, ("200 features", "128")),
    ):
        clear_error(raises(ConfigError, lambda given=given: Plan(complete(**given))), *words)
    # without bands of it, what else is said of an envelope does not matter
    equal(Plan(complete(n_envelope_bands=0, envelope_low_hz=0)).envelope, None)
    equal(Plan(complete(envelope_top_hz=0)).envelope.factor, 12000 // (4 * 1250))


done()
