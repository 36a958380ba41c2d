"""Convert samples to counts, the int16 that a sensor would deliver, and guess the scale.

Enters: columns of numbers in any unit. Leaves: int16 frames, (n, channels), and the number of
clipped values. The conversion works in blocks, so it needs little memory besides the frames.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import HostError, UsageError

LOW, HIGH = -32768, 32767  # The range of int16.
BLOCK = 1 << 18  # Samples converted at a time.
MOST_SAMPLES = 1 << 28  # Limit of one recording: half a gigabyte as int16.
# Accelerometers: counts per g for ranges of 2, 4, 8, 16 and 32 g. The finest that fits is chosen.
_G = (16384.0, 8192.0, 4096.0, 2048.0, 1024.0)
_PER_G = {"g": 1.0, "mg": 1e-3, "m/s²": 1 / 9.80665, "m/s2": 1 / 9.80665, "m/s^2": 1 / 9.80665}
# Gyroscopes: counts per degree per second for ranges of 250, 500, 1000 and 2000.
_DPS = (131.072, 65.536, 32.768, 16.384)
_PER_DPS = {"dps": 1.0, "°/s": 1.0, "deg/s": 1.0, "rad/s": 57.29577951308232}
HEADROOM = 30000  # Counts that the largest sample reaches at most, if the scale is guessed.
LEAST_SCALE, MOST_SCALE = 1e-8, 1e8  # Allowed counts per unit.
SCALE_HINT = f"counts per unit are {LEAST_SCALE:g} to {MOST_SCALE:g}"
LEAST_TOP, MOST_TOP = 1e-30, 1e30  # Allowed largest sample, if the scale is guessed.


def to_counts(
    samples: np.ndarray, scale: float | Sequence[float] | None, where: str = "the samples"
) -> tuple[np.ndarray, int]:
    """Return (frames, n_clipped): samples times scale, rounded to int16, (n, c), and the number of
    clipped values.

    samples: real numbers, (n, c), in physical units or counts. scale: counts per unit, one or one
    for each column. where: name of the samples, for messages. Raises HostError on NaN or infinity,
    and on fractions without a scale, which would be lost by rounding.
    """
    return columns_to_counts([samples[:, i] for i in range(samples.shape[1])], scale, where)


def columns_to_counts(
    columns: Sequence[np.ndarray], scale: float | Sequence[float] | None, where: str = "the samples"
) -> tuple[np.ndarray, int]:
    """Return the same for columns, each (n,)."""
    factors: list[float | None] = [None] * len(columns)
    if scale is not None:
        given = np.atleast_1d(np.asarray(scale, np.float64))
        if len(given) not in (1, len(columns)):
            raise HostError(
                f"{len(given)} scales for {len(columns)} channels of {where}",
                "give one scale, or one a column",
            )
        if not (np.isfinite(given).all() and (given > 0).all()):
            raise HostError(f"a scale of {scale}: {SCALE_HINT}", "give another with --scale")
        factors = [float(f) for f in np.broadcast_to(given, len(columns))]
    n = len(columns[0]) if columns else 0
    for i, column in enumerate(columns):
        _check(column, i, where)
    out = np.empty((n, len(columns)), np.int16)
    n_clipped = 0
    for i, (column, factor) in enumerate(zip(columns, factors, strict=True)):
        if factor is None and column.dtype == np.int16:
            out[:, i] = column
            continue
        for at in range(0, n, BLOCK):
            part = column[at : at + BLOCK].astype(np.float64)
            if factor is None:
                if column.dtype.kind == "f" and np.any(part != np.rint(part)):
                    raise HostError(
                        f"{where} holds fractions and no scale was given",
                        "give the sensor's counts per unit with --scale, "
                        "for example 8192 for g on a ±4 g range",
                    )
            else:
                with np.errstate(
                    over="ignore", under="ignore"
                ):  # Values that are too large are clipped below.
                    part *= factor
            np.rint(part, out=part)
            n_clipped += int(np.count_nonzero((part < LOW) | (part > HIGH)))
            out[at : at + BLOCK, i] = np.clip(part, LOW, HIGH)
    return out, n_clipped


def _check(column: np.ndarray, channel: int, where: str) -> None:
    if column.dtype.kind not in "iufb":
        raise HostError(
            f"{where} holds {column.dtype}, expected numbers", "save it as int16 or float32"
        )
    if column.dtype.kind != "f":
        return
    bad = ~np.isfinite(column)
    if bad.any():
        frame = int(np.argmax(bad))
        raise HostError(
            f"{where}: frame {frame}, channel {channel} is {column[frame]}, not a finite number "
            f"({int(bad.sum())} such values)",
            "fill or cut the missing samples before converting: "
            "the board would have delivered a number",
        )


def guess_scale(
    columns: Sequence[np.ndarray], units: Sequence[str], apart: bool
) -> list[float] | None:
    """Return counts per unit for each column, or None if the samples are counts already.

    apart: whether each column has its own scale, as slow physical quantities need. Otherwise
    columns of one unit share a scale, so that axes can be compared. The scale is that of the finest
    usual range of an accelerometer or gyroscope, and for other units the power of two that fills
    16 bits. Raises HostError if a sample is out of range.
    """
    tops = [_top(column) for column in columns]
    for i, top in enumerate(tops):
        if top and np.isfinite(top) and not LEAST_TOP <= top <= MOST_TOP:
            raise HostError(
                f"channel {i} reaches {top:.3g}{' at most' if top < LEAST_TOP else ''}",
                f"mend or convert it: {LEAST_TOP:g} to {MOST_TOP:g} are read",
            )
    whole = all(_is_whole(column) for column in columns)
    if whole and all(len(c) == 0 or (c.min() >= LOW and c.max() <= HIGH) for c in columns):
        return None
    out: list[float] = []
    for i, unit in enumerate(units):
        same = (
            [tops[i]] if apart else [top for top, u in zip(tops, units, strict=True) if u == unit]
        )
        out.append(_scale_of(max(same), unit.strip().lower()))
    return out


def _top(column: np.ndarray) -> float:
    return max(abs(float(column.max())), abs(float(column.min()))) if len(column) else 0.0


def _is_whole(column: np.ndarray) -> bool:
    if column.dtype.kind in "iub":
        return True
    blocks = (column[at : at + BLOCK] for at in range(0, len(column), BLOCK))
    return all(bool(np.all(part == np.rint(part))) for part in blocks)


def _scale_of(top: float, unit: str) -> float:
    for known, ranges in ((_PER_G, _G), (_PER_DPS, _DPS)):
        if unit in known:
            for counts in ranges:
                if top * known[unit] * counts <= HIGH:
                    return counts * known[unit]
    if top == 0 or not np.isfinite(top):  # _check reports where such a value is.
        return 1.0
    return float(2.0 ** np.floor(np.log2(HEADROOM / top)))


def scales(text: str | None) -> list[float] | None:
    """Return the numbers in a text, separated by commas; None without a text. Raises UsageError."""
    try:
        found = [float(part) for part in text.split(",")] if text else None
    except ValueError:
        raise UsageError(
            f"--scale {text}", hint="counts per unit, as 8192, or one a column: 8192,8192,1877"
        ) from None
    if found and not all(LEAST_SCALE <= scale <= MOST_SCALE for scale in found):
        raise UsageError(
            f"--scale {text}", hint=f"{SCALE_HINT}: as 8192, or one a column: 8192,8192,1877"
        )
    return found
