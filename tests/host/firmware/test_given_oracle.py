"""Test radio packets against their oracle bit for bit, and that of spectra against float64."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import given as oracle

ROOT = Path(__file__).parents[3]

Call = Callable[..., Any]


words = st.one_of(
    st.integers(-32768, 32767),
    st.sampled_from([0, 1, -1, 128, 0x80 << 8 ^ -0x10000, 0x7F7F, -0x7F80, 256]),
)


@st.composite
def packets_and_channels(draw: Any) -> tuple[np.ndarray, int]:
    n = draw(st.integers(1, 128))
    count = draw(st.integers(1, 6))
    values = draw(st.lists(words, min_size=n, max_size=n))
    rows = [values]
    for _ in range(count - 1):
        rows.append(
            rows[-1] if draw(st.booleans()) else draw(st.lists(words, min_size=n, max_size=n))
        )
    return np.array(rows, np.int64), draw(st.integers(1, min(8, n)))


@given(case=packets_and_channels())
@settings(max_examples=150, deadline=None)
def test_packets_are_bit_identical(call: Call, case: tuple[np.ndarray, int]) -> None:
    packets, n_channels = case
    # in two blocks: what a block knows of the one before it is the same
    found = call("packets", packets.tolist(), n_channels, len(packets) // 2)
    assert found == oracle.channels(packets, n_channels).tolist()


def test_packets_of_every_byte(call: Call) -> None:
    every = np.arange(-32768, 32768, 7).reshape(-1, 1)[:9000].reshape(-1, 100)[:, :96]
    assert call("packets", every.tolist(), 5, 11) == oracle.channels(every, 5).tolist()


def test_gain_falls_out_of_packets() -> None:
    """Twice the amplitude on every subcarrier: at most the rounding of int8 parts is left, a
    sixth of a step.
    """
    draw = np.random.default_rng(3)
    parts = draw.integers(-63, 64, (40, 64, 2))
    parts[np.abs(parts).sum(axis=2) < 20] = 20

    def packed(values: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(values.astype(np.int8)).view("<i2")[:, :, 0].astype(np.int64)

    assert (
        np.abs(oracle.channels(packed(parts), 8) - oracle.channels(packed(2 * parts), 8)).max()
        <= 8 * 3
    )


def test_band_levels_in_float64() -> None:
    draw = np.random.default_rng(4)
    spectra = np.round(
        np.exp(draw.uniform(0, np.log(32767), (300, 1))) * draw.random((300, 256))
    ).astype(np.int64)
    cut = [(1, 1), (2, 30), (32, 100), (132, 124)]
    power = spectra.astype(float) ** 2
    with np.errstate(divide="ignore"):
        true = np.stack(
            [8 * np.log2(power[:, a : a + n].sum(axis=1)) - 128 for a, n in cut], axis=1
        )
    true = np.clip(true, -128, 127)
    true = np.maximum(true, true.max(axis=1, keepdims=True) - 133)
    assert np.abs(oracle.band_levels(spectra, cut) - true).max() < 0.6
