"""The work of the kernels in plain bytecode and in ulab, for comparison in `nearhum bench`.

Runs under MicroPython. Enters: the inputs of a kernel, as lists or float arrays. Leaves: functions
to time. They compute what the kernels do, in floats: mean, Hann window, transform, power, band
sums, logarithm in int8 steps.
"""

import math

try:
    from ulab import numpy as np
    from ulab import utils
except ImportError:
    np = None

_STEPS = 8 / math.log(2)


def features_in_bytecode(x, bands):
    """Return a function that makes int8 bands of x, array('h'), with a radix-2 FFT on lists of
    floats.
    """
    n = len(x)
    window = [math.sin(math.pi * i / n) ** 2 for i in range(n)]
    cos = [math.cos(2 * math.pi * i / n) for i in range(n // 2)]
    sin = [-math.sin(2 * math.pi * i / n) for i in range(n // 2)]
    order = [0] * n
    for i in range(1, n):
        order[i] = order[i >> 1] >> 1 | (n >> 1 if i & 1 else 0)
    out = bytearray(len(bands))

    def run():
        mean = sum(x) / n
        y = [(x[i] - mean) * window[i] for i in range(n)]
        re, im = [y[i] for i in order], [0.0] * n
        half = 1
        while half < n:
            step = n // (2 * half)
            for k in range(half):
                c, s = cos[k * step], sin[k * step]
                for i in range(k, n, 2 * half):
                    j = i + half
                    tr, ti = re[j] * c - im[j] * s, re[j] * s + im[j] * c
                    re[j], im[j] = re[i] - tr, im[i] - ti
                    re[i] += tr
                    im[i] += ti
            half *= 2
        for b in range(len(bands)):
            first, count = bands[b]
            energy = 1e-9
            for i in range(first, first + count):
                energy += re[i] * re[i] + im[i] * im[i]
            out[b] = max(-128, min(127, int(_STEPS * math.log(energy)) - 230)) & 255

    return run


def features_in_ulab(x, bands):
    """Return the same with ulab: its spectrogram without allocation where the build has it
    whole, slices kept.
    """
    n = len(x)
    samples = np.frombuffer(x, dtype=np.int16)
    window = np.array([math.sin(math.pi * i / n) ** 2 for i in range(n)])
    out, scratchpad, power = np.zeros(n), np.zeros(2 * n), np.zeros(n)
    slices = [power[first : first + count] for first, count in bands]
    energies = np.zeros(len(bands))
    limits = -128, 127

    def run():
        y = samples * window
        y -= window * np.mean(samples)
        utils.spectrogram(y, out=out, scratchpad=scratchpad)
        power[:] = out * out
        for b in range(len(slices)):
            energies[b] = np.sum(slices[b])
        return np.array(np.clip(np.log2(energies + 1e-9) * 8 - 230, *limits), dtype=np.int8)

    return run


def dense_in_bytecode(weights, bias, x, n_out):
    """Return a function that makes n_out int8 of x by rows of weights, both int8 as lists."""
    n_in = len(x)
    out = [0] * n_out

    def run():
        at = 0
        for r in range(n_out):
            total = bias[r]
            for i in range(n_in):
                total += weights[at] * x[i]
                at += 1
            total >>= 10
            out[r] = -128 if total < -128 else 127 if total > 127 else total

    return run


def dense_in_ulab(weights, bias, x, n_out):
    """Return the same by np.dot of float arrays."""
    n_in = len(x)
    w = np.array(weights, dtype=np.float).reshape((n_out, n_in))
    v = np.array(x, dtype=np.float).reshape((n_in, 1))
    b = np.array(bias, dtype=np.float).reshape((n_out, 1))

    def run():
        return np.clip((np.dot(w, v) + b) / 1024, -128, 127)

    return run


def distances_in_bytecode(means, weights, x, n_rows):
    """Return a function that makes n_rows sums of (x - mean)^2 * weight, all lists."""
    n = len(x)
    out = [0] * n_rows

    def run():
        at = 0
        for r in range(n_rows):
            total = 0
            for i in range(n):
                d = x[i] - means[at]
                total += d * d * weights[at]
                at += 1
            out[r] = total

    return run


def distances_in_ulab(means, weights, x, n_rows):
    """Return the same on float arrays."""
    n = len(x)
    m = np.array(means, dtype=np.float).reshape((n_rows, n))
    w = np.array(weights, dtype=np.float).reshape((n_rows, n))
    v = np.array(x, dtype=np.float)

    def run():
        d = m - v
        return np.sum(d * d * w, axis=1)

    return run


def learning_in_bytecode(x):
    """Return a function that brings a running mean and sum of squares (Welford 1962) of floats
    up to date with x.
    """
    n = len(x)
    mean, m2 = [0.0] * n, [0.0] * n
    count = [0]

    def run():
        count[0] += 1
        for i in range(n):
            d = x[i] - mean[i]
            mean[i] += d / count[0]
            m2[i] += d * (x[i] - mean[i])

    return run


def learning_in_ulab(x):
    """Return the same on float arrays."""
    v = np.array(x, dtype=np.float)
    mean, m2 = np.zeros(len(x)), np.zeros(len(x))
    count = [0]

    def run():
        nonlocal mean, m2
        count[0] += 1
        d = v - mean
        mean += d / count[0]
        m2 += d * (v - mean)

    return run
