"""The float path gives the fixed path's features within one step, above the floor the same floor."""

from array import array

from fakes import noise
from harness import Lcg, between, done, equal, i8, test
from nearhum import config, np
from nearhum.features import Features, Plan
from nearhum.window import Window

print("nearhum.np is", np.NAME)


def compared(x, n_bands=12, spacing="log", n=256):
    """(fixed, float) features of one window."""
    out = []
    for path in ("fixed", "float"):
        c = config.complete(
            {
                "kind": "vibration", "path": path, "n_channels": 1, "n_window": n, "n_hop": n, "n_bands": n_bands,
                "spacing": spacing, "statistics": "rms,peak,crest,kurtosis,zero_crossings", "mean": "scaled",
                "source": {"driver": "none"},
            }
        )  # fmt: skip
        window = Window(1, n, n)
        window.push(x, 0, n)
        f = Features(Plan(c), path)
        f.extract_into(window)
        out.append(i8(f.vector))
    return out


def agree(x, what, **given):
    fixed, other = compared(x, **given)
    equal(fixed[:6], other[:6], (what, "mean and statistics are exact on both"))
    for i in range(6, len(fixed)):
        between(fixed[i] - other[i], -1, 1, (what, i, fixed, other))


@test
def noise_of_every_level():
    random = Lcg(21)
    for level in (2, 5, 20, 100, 1000, 10000, 32767):
        agree(noise(random, 256, level), level)


@test
def tones_in_noise():
    random = Lcg(22)
    for level in (1, 30, 1000):
        for period in (4, 7, 16, 50):
            agree(noise(random, 256, level, 20 * level, period), (level, period))


@test
def a_mean_does_not_leak():
    random = Lcg(23)
    for mean in (-20000, -1001, 3, 15000):
        x = noise(random, 256, 12000 if abs(mean) < 15000 else 100, 0)
        agree(array("h", [v + mean for v in x]), mean)


@test
def full_scale_squares():
    for period in (2, 4, 8, 32, 128):
        x = array("h", [32767 if i % period * 2 < period else -32768 for i in range(256)])
        fixed, other = compared(x)
        equal(fixed[:6], other[:6], period)
        top = max(other[6:])
        for i in range(6, len(fixed)):
            if other[i] > top - 125:
                between(fixed[i] - other[i], -1, 1, (period, i))


@test
def constants_are_silent_on_both():
    for level in (0, -32768, 32767, 77):
        fixed, other = compared(array("h", [level] * 256))
        equal(fixed, other, level)


@test
def windows_that_are_no_power_of_two():
    random = Lcg(24)
    for n in (32, 100, 200):
        agree(noise(random, n, 500, 3000, 9), n, n_bands=8, n=n)


@test
def linear_and_mel_bands():
    random = Lcg(25)
    for spacing in ("linear", "mel"):
        agree(noise(random, 256, 200, 4000, 11), spacing, spacing=spacing, n_bands=20)


done()
