"""Test that the float path gives the fixed path's features within one step, with the same floor.

It runs on ulab if this MicroPython has it, otherwise on the fallback, and prints which.
"""

import gc
from array import array

import micropython
from fakes import noise
from harness import Lcg, between, done, equal, i8, test
from nearhum import config
from nearhum.features.arrays import np, spectrum
from nearhum.features.extract import Features, Plan
from nearhum.features.window import Window
from nearhum.kernels.viper_float import fold, weigh_window

print("np is", np.NAME)

WIDE = 1 if np.FLOAT_BYTES == 8 else 0


def made(path, n, **given):
    """(features, window) of one channel of n samples on that path."""
    c = config.complete(
        dict(
            {
                "kind": "vibration", "path": path, "n_channels": 1, "n_window": n, "n_hop": n,
                "n_bands": 12, "statistics": "rms,peak,crest,kurtosis,zero_crossings",
                "mean": "scaled", "source": {"driver": "none"},
            }, **given
        )
    )  # fmt: skip
    return Features(Plan(c), path), Window(1, n, n)


def compared(x, n=256, **given):
    """(fixed, float) features of one window."""
    out = []
    for path in ("fixed", "float"):
        f, window = made(path, n, **given)
        window.push(x, 0, n)
        f.extract_into(window.rows)
        out.append(i8(f.vector))
    return out


def agree(x, what, **given):
    fixed, other = compared(x, **given)
    equal(fixed[:6], other[:6], (what, "mean and statistics are exact on both"))
    for i in range(6, len(fixed)):
        between(fixed[i] - other[i], -1, 1, (what, i, fixed, other))
    return other


# --- against the fixed path -----------------------------------------------------------------------


@test
def noise_of_every_level():
    random = Lcg(21)
    for level in (2, 20, 1000, 32767):
        agree(noise(random, 256, level), level)


@test
def tones_in_noise():
    random = Lcg(22)
    for level in (1, 1000):
        for period in (4, 7, 50):
            agree(noise(random, 256, level, 20 * level, period), (level, period))


@test
def a_mean_does_not_leak():
    random = Lcg(23)
    for mean in (-20000, 3, 15000):
        x = noise(random, 256, 12000 if abs(mean) < 15000 else 100, 0)
        agree(array("h", [v + mean for v in x]), mean)


@test
def linear_and_mel_bands():
    random = Lcg(25)
    for spacing in ("linear", "mel"):
        agree(noise(random, 256, 200, 4000, 11), spacing, spacing=spacing, n_bands=20)


@test
def every_length_of_window():
    random = Lcg(24)
    for n in (32, 33, 63, 100, 500):
        agree(noise(random, n, 500, 3000, 9), n, n_bands=8, n=n)


@test
def full_scale_squares():
    for period in (2, 8, 256):
        x = array("h", [32767 if i % period * 2 < period else -32768 for i in range(256)])
        agree(x, period)


@test
def impulses():
    for at, level in ((40, 1), (128, 32767), (200, -32768)):
        x = array("h", bytes(512))
        x[at] = level
        agree(x, (at, level))


@test
def constants_are_silent_on_both():
    for level in (0, -32768, 32767, 77):
        fixed, other = compared(array("h", [level] * 256))
        equal(fixed, other, level)
        equal(max(other[6:]), -128, level)


@test
def the_floor_hangs_on_the_strongest_bin_of_all():
    # a tone that fills bins above the only bands there are; in them there is next to nothing
    tone = array("h", [20000 if i & 2 else -20000 for i in range(256)])
    inside = agree(tone, "inside", spacing="linear", n_bands=8)
    outside = agree(tone, "outside", spacing="linear", n_bands=8, f_high_hz=500)
    top = max(inside[6:])
    # the Hann window spreads a tone over three bins, 4.7 steps more than the strongest alone
    between(max(outside[6:]), top - 133 - 6, top - 133, "all at the floor under the tone")
    equal(len(set(outside[6:])), 1)


# --- its kernels ----------------------------------------------------------------------------------


@test
def windows_are_weighed_exactly():
    x = array("h", [32767, -32768, 5, 0, -7, 300])
    hann = array("H", [0, 16384, 9000, 1, 16383, 77])
    for mean, rest in ((0, 0), (-32768, 7), (32767, -8), (12, 3)):
        z = array("i", [99] * 8)
        weigh_window(z, x, hann, 6, 8, array("i", [mean, rest, 0]))
        equal(list(z), [(x[i] - mean) * hann[i] - (rest * hann[i] >> 4) for i in range(6)] + [0, 0])


@test
def powers_of_amplitudes():
    random = Lcg(30)
    for scale in (2**-10, 1.0, 3e4, 2**40):
        m = 33
        bins = array(np.FLOAT_CODE, [0] * (2 * m))
        for k in range(2 * m):
            bins[k] = (1 + random.below(60000)) * scale / (1 << k % 7)
        wanted = [bins[k] * bins[k] for k in range(m)]
        e = fold(bins, m, WIDE)
        power = array("i", bytes(bins))
        for k in range(1, m):
            found = power[k] * 4.0**e
            between(found / wanted[k], 0.9999, 1.0001, (scale, k)) if power[
                k
            ] > 1 << 14 else between(found - wanted[k], -(4.0**e), 4.0**e, (scale, k))
        equal(power[0], max(power[1:m]))
        between(power[0], 1 << 28, 1 << 30)


@test
def powers_far_below_the_strongest_are_none():
    for weak, wanted in (
        (0.75, 9 << 24),
        (2**-13, 1 << 2),
        (2**-14, 1),
        (2**-15, 0),
        (2**-60, 0),
        (0, 0),
    ):
        bins = array(np.FLOAT_CODE, [7, 1, weak, 0, 0, 0, 0, 0])
        equal(fold(bins, 4, WIDE), -14)
        equal(list(array("i", bytes(bins)))[:4], [1 << 28, 1 << 28, wanted, 0], weak)
    silence = array(np.FLOAT_CODE, [5] + [0] * 7)  # the mean's bin is looked at by nobody
    fold(silence, 4, WIDE)
    equal(list(array("i", bytes(silence)))[:4], [0] * 4)


# --- what a window allocates ----------------------------------------------------------------------


@test
def a_window_allocates_what_ulab_does_and_no_more():
    f, window = made("float", 256)
    window.push(noise(Lcg(5), 256, 300, 2000), 0, 256)
    f.extract_into(window.rows)
    if np.NAME == "fallback":
        return  # it makes all its numbers on the heap
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    f.extract_into(window.rows)
    n_bytes = gc.mem_alloc() - before
    gc.enable()
    print("a window of 256 allocates", n_bytes, "bytes")
    if spectrum.spectrogram is spectrum.of_halves:
        between(n_bytes, 1, 1024)  # views and what operators need, none of them as long as a window
    elif spectrum.spectrogram is not spectrum.by_fft:
        micropython.heap_lock()
        try:
            f.extract_into(window.rows)
        finally:
            micropython.heap_unlock()
        equal(n_bytes, 0)


done()
