"""nearhum.np: the functions the float path uses mean the same with ulab and with the built-in fallback.

The whole file runs on whichever of the two this MicroPython has, and says which.
"""

from array import array
from math import cos, pi, sin

from harness import Lcg, Skip, between, done, equal, raises, test
from nearhum import np, np_fallback

print("nearhum.np is", np.NAME)


def close(found, wanted, what=""):
    for a, b in zip(found, wanted):
        between(a - b, -0.001 - abs(b) / 1e5, 0.001 + abs(b) / 1e5, (what, a, b))
    equal(len(found), len(wanted), what)


def both(act):
    """Run act with np and with the fallback: they are the same where there is no ulab."""
    act(np)
    act(np_fallback)


@test
def zeros_are_floats():
    def act(lib):
        z = lib.zeros(4)
        z[1] = 0.5
        equal([v for v in z], [0, 0.5, 0, 0])
        equal(len(z), 4)

    both(act)


@test
def frombuffer_shares_memory():
    def act(lib):
        x = array("h", [1, -2, 3])
        view = lib.frombuffer(x, dtype=lib.int16)
        x[1] = -7
        equal([int(v) for v in view], [1, -7, 3])
        view[0] = 9
        equal(x[0], 9)
        window = memoryview(array("h", range(10)))[4:7]
        equal([int(v) for v in lib.frombuffer(window, dtype=lib.int16)], [4, 5, 6])

    both(act)


@test
def slices_are_views():
    def act(lib):
        x = lib.zeros(6)
        x[2:5][1] = 4.0
        equal([v for v in x], [0, 0, 0, 4, 0, 0])
        x[:2] = lib.frombuffer(array("h", [7, 8]), dtype=lib.int16) * 1.0
        equal([v for v in x], [7, 8, 0, 4, 0, 0])
        equal([v for v in x[-3:]], [4, 0, 0])

    both(act)


@test
def int16_times_int16_wraps():
    def act(lib):
        a = lib.frombuffer(array("h", [300, -300, 2]), dtype=lib.int16)
        b = lib.frombuffer(array("h", [300, 300, 3]), dtype=lib.int16)
        equal([int(v) for v in a * b], [24464, -24464, 6])
        equal([int(v) for v in a + b], [600, 0, 5])

    both(act)


@test
def int16_times_float_is_float():
    def act(lib):
        a = lib.frombuffer(array("h", [300, -32768, 2]), dtype=lib.int16)
        f = lib.zeros(3)
        f[0], f[1], f[2] = 0.5, 2.0, -1.0
        close([v for v in a * f], [150, -65536, -2])
        close([v for v in f * 3 - f], [1, 4, -2])
        close([v for v in f + f], [1, 4, -2])

    both(act)


@test
def lengths_must_agree():
    def act(lib):
        raises(ValueError, lambda: lib.zeros(3) + lib.zeros(4))

    both(act)


@test
def sums():
    def act(lib):
        equal(lib.sum(lib.frombuffer(array("h", [1, -2, 5]), dtype=lib.int16)), 4)
        x = lib.zeros(3)
        x[0] = 0.25
        close([lib.sum(x)], [0.25])

    both(act)


@test
def the_transform_of_known_signals():
    for n in (2, 8, 64):
        for fft in (np.fft, np_fallback.fft.fft):
            x = np.zeros(n) if fft is np.fft else np_fallback.zeros(n)
            x[0] = 1.0
            re, im = fft(x)
            close([v for v in re], [1] * n, "impulse")
            close([v for v in im], [0] * n, "impulse")
            for i in range(n):
                x[i] = cos(2 * pi * i / n) + 2 * sin(2 * pi * i / n)
            re, im = fft(x)
            if n > 2:
                close([re[1], im[1], re[n - 1], im[n - 1]], [n / 2, -n, n / 2, n], "tone")
                close([v for v in re[2 : n - 1]], [0] * (n - 3), "elsewhere")


@test
def ulab_and_fallback_agree():
    if np.NAME == "fallback":
        raise Skip("no ulab in this MicroPython")
    random = Lcg(8)
    a, b = np.zeros(128), np_fallback.zeros(128)
    for i in range(128):
        a[i] = b[i] = random.within(2000)
    (re, im), (re2, im2) = np.fft(a), np_fallback.fft.fft(b)
    for i in range(128):
        between(re[i] - re2[i], -0.5, 0.5)
        between(im[i] - im2[i], -0.5, 0.5)


@test
def only_powers_of_two():
    raises(ValueError, np_fallback.fft.fft, np_fallback.zeros(6))
    raises(ValueError, np.fft, np.zeros(6))


done()
