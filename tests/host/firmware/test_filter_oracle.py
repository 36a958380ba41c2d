"""Test filters, roots, angles and convolutions against the oracle in tests/reference.

Inputs are generated and extreme. The oracle refuses every intermediate outside int32. float64 shows
how close the filters are to their design.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import bands, filters, learning, signals
from reference.cosine import cosine_distance
from reference.heads import head_file
from reference.transform import Centred

ROOT = Path(__file__).parents[3]
FULL = 32768  # of the cascade's input
HEADROOM = 4

Call = Callable[..., Any]


# --- filters --------------------------------------------------------------------------------------

corners = st.integers(100, 45000)  # of a rate of 100000


@given(low=corners, high=corners)
@settings(max_examples=200, deadline=None)
def test_sections(call: Call, low: int, high: int) -> None:
    made = call("band_pass", low, high, 100000)
    assert made == [word for s in filters.band_pass(low, high, 100000) for word in s.words()]


@pytest.mark.parametrize(
    ("low", "high"), [(100, 45000), (100, 150), (2000, 9000), (24000, 26000), (44000, 45000)]
)
def test_cascades_of_nasty_windows(call: Call, low: int, high: int) -> None:
    x = Centred(signals.nasty(400))
    z, bits = filters.widened(x.y)
    for row, length, wanted in zip(x.x[::3], bits[::3], z[::3], strict=True):
        assert call("widen", row.tolist()) == [length, *wanted.tolist()]
    sections = filters.band_pass(low, high, 100000)
    words = [word for s in sections for word in s.words()]
    for row, wanted in zip(z, filters.biquads(z, sections), strict=True):
        assert call("biquads", row.tolist(), words) == wanted.tolist()


samples = st.lists(
    st.integers(-131072, 131072) | st.sampled_from([-131072, -32768, 0, 32768, 131072]), min_size=1
)


@given(values=samples, data=st.data())
@settings(max_examples=150, deadline=None)
def test_cascades_of_anything(call: Call, values: list[int], data: st.DataObject) -> None:
    """Beyond full scale too: sections saturate and no intermediate leaves int32."""
    sections = []
    for _ in range(data.draw(st.integers(1, 4))):
        order = data.draw(st.sampled_from([2, 4, 8]))
        corner, k = data.draw(corners), data.draw(st.integers(0, order // 2 - 1))
        q = 1 / (2 * math.cos(math.pi * (2 * k + 1) / (2 * order)))
        high_pass = data.draw(st.booleans())
        s = filters.section(high_pass, corner / 100000, q)
        assert call("section", high_pass, corner, 100000, k, order) == s.words()
        sections.append(s)
    words = [word for s in sections for word in s.words()]
    values = values * data.draw(st.integers(1, 30))
    assert (
        call("biquads", values, words) == filters.biquads(np.array([values]), sections)[0].tolist()
    )


def true_cascade(x: np.ndarray, sections: list[list[float]]) -> np.ndarray:
    """Return x filtered in float64, direct form II transposed, from rest."""
    for b0, b1, b2, _, a1, a2 in sections:
        s1, s2 = np.zeros(len(x)), np.zeros(len(x))
        out = np.empty_like(x)
        for i in range(x.shape[1]):
            y = b0 * x[:, i] + s1
            s1 = b1 * x[:, i] - a1 * y + s2
            s2 = b2 * x[:, i] - a2 * y
            out[:, i] = y
        x = out
    return x


def designed(high_pass: bool, corner: float, order: int) -> list[list[float]]:
    """Return the sections of a Butterworth filter by the bilinear transform, in float64."""
    out = []
    k = math.tan(math.pi * corner)
    for i in range(order // 2):
        q = 1 / (2 * math.cos(math.pi * (2 * i + 1) / (2 * order)))
        norm = 1 / (1 + k / q + k * k)
        b = norm if high_pass else k * k * norm
        out.append(
            [
                b,
                (-2 if high_pass else 2) * b,
                b,
                1,
                2 * (k * k - 1) * norm,
                (1 - k / q + k * k) * norm,
            ]
        )
    return out


@pytest.mark.parametrize(
    ("low", "high", "floor_db"),
    [
        (0.05, 0.3, -89),
        (0.1, 0.13, -89),
        (0.3, 0.45, -89),
        (0.01, 0.4, -89),
        (0.002, 0.01, -89),
        (0.001, 0.0015, -78),
    ],
)
def test_noise_floor(low: float, high: float, floor_db: float) -> None:
    """Noise of the integers, against float64 with the same coefficients, in dB of a full-scale
    sine; and their gain.

    The oracle stands for the kernel: they are bit-identical.
    """
    n = 4096
    t = np.arange(n)
    random = np.random.default_rng(3)
    tones = [np.sin(2 * np.pi * f * t) for f in np.geomspace(low / 2, min(0.49, 2 * high), 12)]
    noise = [random.uniform(-1, 1, n) * level for level in (1, 0.1, 0.01)]
    x = np.round(
        FULL * np.stack([*tones, *noise, np.where(t // 50 % 2, 1, -1), np.ones(n)])
    ).astype(np.int64)
    sections = filters.band_pass(round(low * 1e6), round(high * 1e6), 10**6)
    found = filters.biquads(x, sections)
    apart = found - true_cascade(x.astype(float), [s.second_order() for s in sections])
    worst = 20 * math.log10(np.sqrt((apart**2).mean(axis=1)).max() / (FULL / math.sqrt(2)))
    whole = designed(True, low, 4) + designed(False, high, 2)
    z = np.exp(-2j * np.pi * np.geomspace(low / 3, min(0.49, 3 * high), 200))
    ratio = np.ones(len(z))
    gain = np.ones(len(z))
    for s, w in zip(sections, whole, strict=True):
        ratio, gain = ratio * _gain(s.second_order(), z) / _gain(w, z), gain * _gain(w, z)
    off_db = abs(20 * np.log10(ratio[gain > 0.01])).max()
    print(
        f"{low} to {high} of the rate: noise {worst:.1f} dB, gain off by {off_db:.3f} dB, at most"
        f" {apart.max():.1f}"
    )
    assert worst <= floor_db
    assert off_db <= 0.15


def _gain(c: list[float], z: np.ndarray) -> np.ndarray:
    return abs((c[0] + c[1] * z + c[2] * z * z) / (1 + c[4] * z + c[5] * z * z))


def test_a_band_pass_keeps_its_headroom() -> None:
    """The sum of |impulse response|, after every section, stays below what the samples leave:
    no window saturates.
    """
    largest = 0.0
    for low in (0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.44):
        impulse = np.zeros((1, 100 + int(6 / low)))
        impulse[0, 0] = 1
        for high in (low * 1.01, low * 1.5, low * 4, 0.45):
            if high > 0.45:
                continue
            response = impulse
            for s in filters.band_pass(round(low * 1e6), round(high * 1e6), 10**6):
                response = true_cascade(response, [s.second_order()])
                largest = max(largest, np.abs(response).sum())
    print(f"at most {largest:.2f}")
    assert largest < HEADROOM


@given(values=samples, factor=st.integers(1, 64), start=st.integers(0, 5), times=st.integers(1, 20))
@settings(max_examples=200, deadline=None)
def test_rectify(call: Call, values: list[int], factor: int, start: int, times: int) -> None:
    values = (values * times * factor)[: 40 * factor] + [0] * (start + 2 * factor)
    n = (len(values) - start) // factor - 1
    out, e = filters.rectified(np.array([values[start:]]), factor, n)
    assert call("rectify", values, factor, start) == [int(e[0]), *out[0].tolist()]


def test_rectify_at_the_largest(call: Call) -> None:
    values = [131072, -131072] * 32 * 4
    out, e = filters.rectified(np.array([values]), 64, 3)
    assert call("rectify", values, 64, 0) == [int(e[0]), *out[0].tolist()]


@given(
    n=st.integers(1, 32), spacing=st.sampled_from(["linear", "log", "mel"]),
    rate=st.integers(10**5, 10**8), factor=st.integers(1, 64), percent=st.integers(1, 100),
    data=st.data(),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_cuts(
    call: Call, n: int, spacing: str, rate: int, factor: int, percent: int, data: st.DataObject
) -> None:
    """Bands of a decimated signal, whose bins are a fraction of the rate that need not be whole."""
    n_fft = data.draw(st.sampled_from([64, 128, 256, 512, 1024]))
    top = percent * rate // (400 * factor)
    try:
        wanted = bands.cut(n, spacing, Fraction(rate, factor * n_fft), 0, Fraction(top), n_fft // 2)
    except ValueError:
        return
    assert call("cut", n, spacing, rate, 0, top, factor * n_fft, n_fft // 2) == [
        list(band) for band in wanted
    ]


# --- roots and angles -----------------------------------------------------------------------------


@given(value=st.integers(0, (1 << 47) - 1) | st.integers(0, 1 << 23).map(lambda r: r * r))
@settings(max_examples=500, deadline=None)
def test_isqrt(call: Call, value: int) -> None:
    assert call("isqrt", value) == math.isqrt(value)


int8s = st.integers(-128, 127) | st.sampled_from([-128, -127, 0, 1, 127])


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_cosines(call: Call, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 128))
    row = st.lists(int8s, min_size=n, max_size=n) | st.integers(-128, 127).map(lambda v: [v] * n)
    x, rows = data.draw(row), data.draw(st.lists(row, min_size=1, max_size=4))
    if data.draw(st.booleans()):
        rows.append(x)
    found = call("cosine", x, rows)
    assert found == [cosine_distance(x, y) for y in rows]
    for y, distance in zip(rows, found, strict=True):
        lengths = math.sqrt(sum(v * v for v in x) * sum(v * v for v in y))
        wanted = 1 - sum(a * b for a, b in zip(x, y, strict=True)) / lengths if lengths else 1
        assert abs(distance - 32768 * wanted) < 5


# --- heads ----------------------------------------------------------------------------------------


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_convolutions(call: Call, data: st.DataObject) -> None:
    """Networks of one convolution, perhaps pooled, with weights and inputs at their edges."""
    channels, width, stride = (
        data.draw(st.integers(1, 8)),
        data.draw(st.integers(1, 9)),
        data.draw(st.integers(1, 4)),
    )
    n_positions = data.draw(st.integers(1, 6))
    n_in = channels * (width + (n_positions - 1) * stride)
    n_out = data.draw(st.integers(1, 128 // n_positions))
    seed = np.random.default_rng(data.draw(st.integers(0, 1 << 30)))
    weights = seed.integers(-128, 128, (n_out, channels * width))
    weights[seed.random(weights.shape) < 0.3] = data.draw(st.sampled_from([-128, -127, 0, 127]))
    layer = {
        "channels": channels, "width": width, "stride": stride, "weights": weights,
        "bias": seed.integers(-20000, 20000, n_out), "pre": seed.integers(7, 12, n_out),
        "factor": seed.integers(1, 32768, n_out), "post": seed.integers(10, 20, n_out),
        "relu": data.draw(st.booleans()),
    }  # fmt: skip
    layers = [layer, {"pool": n_out}] if data.draw(st.booleans()) else [layer]
    x = seed.integers(-128, 128, (4, n_in))
    x[0], x[1] = -128, 127
    found = call("network", head_file(n_in, layers).hex(), x.tolist())
    assert found == learning.network(x, layers).tolist()
