"""Do the samples come in time, and do they look like what the sensor measures?

Enters: what device_scripts/sensor_probe.py measured. Leaves: findings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from .checking import sensor_units
from .findings import FAIL, OK, WARN, Verdict

_AXES = "xyz"
# The softest band that an audio board tells from silence, in dB of full scale: -80 steps of the
# features where words are recognised, -128 where windows are. 8 steps are a factor of two in power
# (features/transform_fixed.py).
_FLOOR_DB, _FLOOR_OF_WINDOWS_DB = -77, -95
# Spoken digits of 23 dB above that floor and more are recognised like loud ones; of those of 17 dB
# one in three is lost.
_CLEAR_DB = 23


def flow(found: dict[str, Any]) -> Iterator[Verdict]:
    measured, rate = found["measured"], found["config"]["rate_hz"]
    driver = found["config"]["source"].get("driver")
    if measured["n_faults"]:
        yield Verdict(
            "faults", FAIL, f"{measured['n_faults']} reads failed: {measured['fault']}",
            "a loose contact, long wires, weak pull-ups (4.7 kOhm is usual), or freq_hz too high",
        )  # fmt: skip
    if not measured["n_frames"]:
        remedy = (
            "push comes from your own code, which did not run now"
            if driver == "push"
            else "is it asleep? Power it off"
        )
        yield Verdict("rate", WARN if driver == "push" else FAIL, "no samples came", remedy)
        return
    true = measured["n_frames"] * 1e6 / measured["measured_us"]
    off = true / rate - 1
    text = (
        f"{true:.1f} Hz by the board's clock, {rate:g} set ({off:+.1%}; {measured['n_frames']}"
        " frames)"
    )
    if abs(off) <= 0.02 or abs(true - rate) * measured["measured_us"] < 2e6:
        yield Verdict("rate", OK, text)
    else:
        far = "the driver and the chip disagree: report this" if abs(off) > 0.15 else ""
        yield Verdict(
            "rate",
            WARN,
            text,
            far or f"the chip's own clock; set rate_hz = {true:.0f} only if the driver takes it",
        )
    if measured["n_gaps"]:
        yield Verdict(
            "overruns", FAIL, f"{measured['n_gaps']} in {measured['measured_us'] / 1e6:.1f} s",
            "lower rate_hz, or raise freq_hz of the bus",
        )  # fmt: skip
    else:
        yield Verdict("overruns", OK, "none")
    if measured["late"]:
        share = measured["late"] / measured["n_frames"]
        yield Verdict("jitter", WARN, f"{share:.1%} of the samples were late", "lower rate_hz")


def statistics(measured: dict[str, Any]) -> list[tuple[float, float]]:
    """Return the mean and the standard deviation of each channel, in counts."""
    n = max(1, measured["n_judged"])
    out = []
    for total, squares in zip(measured["sums"], measured["squares"], strict=True):
        mean = total / n
        out.append((mean, math.sqrt(max(0.0, squares / n - mean * mean))))
    return out


def signal(found: dict[str, Any]) -> Iterator[Verdict]:
    measured, unit, counts = found["measured"], found["unit"], found["counts"]
    if not measured["n_judged"]:
        return
    each = statistics(measured)
    if unit == "g":
        yield from _gravity(each[:3], counts)
        names: list[str] = [*_AXES, *(f"{axis} (turning)" for axis in _AXES)][: len(each)]
    else:
        called = sensor_units.names(found["config"])
        names = called if len(called) == len(each) else [str(i + 1) for i in range(len(each))]
        shown = ", ".join(
            f"{name}: {mean / counts:+.3f}" for name, (mean, _) in zip(names, each, strict=True)
        )
        yield Verdict("mean", OK, f"{shown} {unit}".rstrip())
    if found["config"].get("kind") == "audio" and unit == "full scale":
        floor = _FLOOR_OF_WINDOWS_DB if found["config"].get("recognise") == "windows" else _FLOOR_DB
        yield _level(each[0][1], counts, floor)
    stuck = [name for name, (_, spread) in zip(names, each, strict=True) if spread == 0]
    if stuck:
        yield Verdict(
            "channels",
            FAIL,
            f"{', '.join(stuck)} never varied",
            "a broken chip, a data line that is not connected, or no input",
        )
    thousandths = {"g": "mg", "V": "mV"}.get(unit)
    factor, name = (1000, thousandths) if thousandths else (1, unit)
    noise = ", ".join(
        (
            f"{axis} {spread * factor / counts:.2f}"
            if axis in _AXES or unit != "g"
            else f"{axis} {spread:.0f} counts"
        )
        for axis, (_, spread) in zip(names, each, strict=True)
    )
    quiet = max((spread for _, spread in each[:3]), default=0) * 1000 / counts if unit == "g" else 0
    if quiet > 100:
        yield Verdict(
            "noise",
            WARN,
            f"{noise} {name} rms",
            "does the machine run, or is the sensor loose? Compare with the machine off",
        )
    else:
        yield Verdict("noise", OK, f"{noise} {name} rms".rstrip())
    clipped = [
        name
        for name, low, high in zip(names, measured["low"], measured["high"], strict=True)
        if low == -32768 or high == 32767
    ]
    if clipped:
        yield Verdict(
            "range",
            WARN,
            f"{', '.join(clipped)} reached the end of the range",
            "use a larger range_g, or less gain",
        )


def _level(rms: float, counts: int, floor: int) -> Verdict:
    """Judge how loud a microphone was while it was examined. rms: in counts. floor: in dB."""
    level = 20 * math.log10(max(rms, 0.1) / counts)
    text = f"{level:.0f} dB of full scale ({rms:.0f} counts rms); the floor is {floor} dB"
    if level >= floor + _CLEAR_DB:
        return Verdict("level", OK, text)
    return Verdict(
        "level", WARN, text,
        f"what it is to hear needs {floor + _CLEAR_DB} dB: make that sound while `doctor` listens;"
        " if it stays so soft, go nearer or raise gain_bits",
    )  # fmt: skip


def _gravity(each: list[tuple[float, float]], counts: int) -> Iterator[Verdict]:
    g = [mean / counts for mean, _ in each]
    length = math.sqrt(sum(v * v for v in g))
    strongest = max(range(3), key=lambda i: abs(g[i]))
    shown = ", ".join(f"{axis} {v:+.2f}" for axis, v in zip(_AXES, g, strict=True))
    text = f"|g| = {length:.2f} ({shown})"
    if 0.9 <= length <= 1.1:
        upright = abs(g[strongest]) / length > 0.9
        way = (
            f"{_AXES[strongest]} points {'up' if g[strongest] > 0 else 'down'}"
            if upright
            else "mounted at an angle"
        )
        yield Verdict("gravity", OK, f"{text}: {way}")
    elif length < 0.2:
        yield Verdict(
            "gravity", FAIL, text, "no gravity: an axis that is dead, or the chip measures nothing"
        )
    else:
        yield Verdict(
            "gravity",
            WARN,
            text,
            "not 1 g: a strong vibration or turning, a bad chip, or another range than it was told",
        )
