"""Spectra and linear algebra are the same with ulab and with the built-in fallback."""

import struct
from array import array
from math import cos, pi, sin

from harness import Lcg, between, done, equal, raises, test
from libraries import both, close, floats, made
from nearhum.features.arrays import fallback, fallback_fft, np, spectrum

print("np is", np.NAME)


# --- from samples to amplitudes -------------------------------------------------------------------


@test
def int32_become_floats():
    def act(lib):
        x = floats(lib, [7, 7, 7, 7])
        found = lib.from_int32_buffer(array("i", [1, -2, 1 << 24, -(1 << 30)]), count=3, out=x)
        equal([v for v in x], [1, -2, 1 << 24, 7])
        equal(found is x, True)
        # the pad of the float path is an array of floats in which a kernel left int32
        pad = array(np.FLOAT_CODE, struct.pack("<4i", 5, 0, 9, 9))
        lib.from_int32_buffer(pad, count=2, out=x)
        equal([v for v in x], [5, 0, 1 << 24, 7])
        equal([v for v in lib.from_int32_buffer(array("i", [3, -4]))], [3, -4])

    act(spectrum)
    act(fallback_fft)


def spectrograms():
    return (spectrum.spectrogram, floats_of_np), (
        fallback_fft.spectrogram,
        floats_of_fallback,
    )


def floats_of_np(values):
    return floats(np, values)


def floats_of_fallback(values):
    return floats(fallback, values)


@test
def amplitudes_of_known_signals():
    for spectrogram, of in spectrograms():
        for n in (4, 8, 64, 256):
            pad = of([3] * (2 * n))
            x = of([1] + [0] * (n - 1))
            equal(spectrogram(x, scratchpad=pad, out=x) is x, True)
            close(x, [1] * n, "impulse")
            out = of([9] * n)
            x = of([cos(2 * pi * i / n) + 2 * sin(2 * pi * i / n) for i in range(n)])
            spectrogram(x, scratchpad=pad, out=out)
            wanted = [0] * n
            wanted[1] = wanted[n - 1] = n / 2 * 5**0.5
            close(out, wanted, "tone")
            close(
                [x[0], x[1]],
                [1, cos(2 * pi / n) + 2 * sin(2 * pi / n)],
                "the samples are left alone",
            )


@test
def every_way_to_a_spectrogram_is_right_or_refused():
    # builds of ulab differ in which one is right: what `sound` lets through must be
    ways = [spectrum.spectrogram]
    if np.NAME != "fallback":
        from ulab import utils

        ways = [utils.spectrogram, spectrum.of_halves, spectrum.by_fft]
    n_sound = 0
    random = Lcg(3)
    values = [random.within(30000) for _ in range(128)]
    wanted = fallback_fft.spectrogram(floats(fallback, values), out=fallback.zeros(128))
    for way in ways:
        x = floats(np, values)
        way(x, scratchpad=np.zeros(256), out=x)
        right = max([abs(a - b) for a, b in zip(x, wanted)]) < 2
        equal(spectrum.sound(way), right)
        n_sound += right
    between(n_sound, min(2, len(ways)), len(ways), "one of the first two at least, and fft")
    equal(
        (
            spectrum.sound(None),
            spectrum.sound(lambda x: x),
            spectrum.sound(spectrum.spectrogram),
        ),
        (False, False, True),
    )


@test
def ulab_and_fallback_agree():
    random = Lcg(8)
    values = [random.within(30000) for _ in range(256)]
    a, b = floats(np, values), floats(fallback, values)
    spectrum.spectrogram(a, scratchpad=np.zeros(512), out=a)
    fallback_fft.spectrogram(b, out=b)
    for i in range(256):
        between(a[i] - b[i], -4, 4)  # of 500,000: single floats


@test
def only_powers_of_two():
    for spectrogram, of in spectrograms():
        raises(
            ValueError, lambda: spectrogram(of([0] * 6), scratchpad=of([0] * 12), out=of([0] * 6))
        )
        raises(
            ValueError, lambda: spectrogram(of([0] * 8), scratchpad=of([0] * 16), out=of([0] * 4))
        )
        raises(
            ValueError, lambda: spectrogram(of([0] * 8), scratchpad=of([0] * 8), out=of([0] * 8))
        )


# --- linear algebra -------------------------------------------------------------------------------


def matrix(lib, rows):
    m = lib.zeros((len(rows), len(rows[0])))
    for i, row in enumerate(rows):
        for j, v in enumerate(row):
            m[i, j] = v
    return m


@test
def cholesky_of_known_matrices():
    def act(lib):
        found = lib.cholesky(matrix(lib, [[4, 2, -2], [2, 10, 2], [-2, 2, 6]]))
        for row, wanted in zip(found, ([2, 0, 0], [1, 3, 0], [-1, 1, 2])):
            close(row, wanted)
        close(lib.cholesky(matrix(lib, [[2.25]]))[0], [1.5])

    both(act)


@test
def cholesky_refuses():
    def act(lib):
        for rows in (
            [[1, 2], [2, 1]],
            [[0]],
            [[1, 1], [1, 1]],
            [[1, 0.5], [0.4, 1]],
            [[1, 0, 0], [0, 1, 0]],
        ):
            raises(ValueError, lambda rows=rows: lib.cholesky(matrix(lib, rows)))

    both(act)


@test
def triangles_are_solved():
    def act(lib):
        # above the diagonal nothing is read
        lower = matrix(lib, [[2, 9, 9], [1, 3, 9], [-1, 1, 4]])
        close(lib.solve_triangular(lower, floats(lib, [4, 5, 6]), lower=True), [2, 1, 1.75])
        close(lib.solve_triangular(lower, made(lib, "h", [4, 5, 6])), [2, 1, 1.75])
        raises(
            ValueError,
            lambda: lib.solve_triangular(matrix(lib, [[1, 0], [1, 0]]), floats(lib, [1, 1])),
        )

    both(act)


done()
