"""Synthetic signals: what a slow channel, or the strength of a vibration, may do in normal
operation.

Enters: a number of steps and a random generator. Leaves: float (n,) with mean 0 and spread 1, if
    the signal has them. A step is a window: a row of telemetry, or the strength of a window of
    vibration. `settles` is the number of steps after which a signal repeats itself. Two of them
    show all that it does. It is None for a signal that never repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Draw = np.random.Generator


@dataclass(frozen=True)
class Signal:
    """One signal. made: (n, n_learned, draw) -> float (n,). n_learned: steps that are learned."""

    made: Callable[[int, int, Draw], np.ndarray]
    settles: int | None


def _autoregressive(constant: float) -> Signal:
    """Return first-order noise. constant: steps in which its memory decays by a factor of e."""
    pole = float(np.exp(-1 / constant))

    def made(n: int, _: int, draw: Draw) -> np.ndarray:
        from scipy.signal import lfilter

        start = draw.normal(size=1) * pole
        noise = draw.normal(size=n) * np.sqrt(1 - pole**2)
        return np.asarray(lfilter([1.0], [1.0, -pole], noise, zi=start)[0])

    return Signal(made, max(1, round(6 * constant)))  # About a cycle with the same memory.


def _cycle(steps: float) -> Signal:
    def made(n: int, _: int, draw: Draw) -> np.ndarray:
        phase = 2 * np.pi * (np.arange(n) / steps + draw.random())
        return np.sqrt(2) * np.sin(phase) + 0.2 * draw.normal(size=n)

    return Signal(made, max(1, round(steps)))


def _white(n: int, _: int, draw: Draw) -> np.ndarray:
    return draw.normal(size=n)


def _pink(n: int, _: int, draw: Draw) -> np.ndarray:
    spectrum = np.fft.rfft(draw.normal(size=n)) / np.sqrt(np.maximum(1, np.arange(n // 2 + 1)))
    found = np.fft.irfft(spectrum, n)
    return found / found.std()


def _brown(n: int, _: int, draw: Draw) -> np.ndarray:
    return 0.05 * np.cumsum(draw.normal(size=n))


def _day(n: int, _: int, draw: Draw) -> np.ndarray:
    angle = 2 * np.pi * (np.arange(n) / 1000 + draw.random())
    return np.tanh(3 * np.sin(angle)) + 0.3 * draw.normal(size=n)  # Day, night, short dusk.


def _stays(levels: np.ndarray, least: int, most: int) -> Callable[[int, int, Draw], np.ndarray]:
    def made(n: int, _: int, draw: Draw) -> np.ndarray:
        out, at, which = np.empty(n), 0, int(draw.integers(len(levels)))
        while at < n:
            end = at + int(draw.integers(least, most))
            out[at:end] = levels[which]
            which = int((which + draw.integers(1, len(levels))) % len(levels))
            at = end
        return out + 0.2 * draw.normal(size=n)

    return made


def _ramp(n: int, _: int, draw: Draw) -> np.ndarray:
    return np.arange(n) / 5000 + draw.normal(size=n)


def _heavy(n: int, _: int, draw: Draw) -> np.ndarray:
    return draw.standard_t(3, size=n) / np.sqrt(3)


def _quantised(n: int, _: int, draw: Draw) -> np.ndarray:
    return np.rint(draw.normal(size=n))


def _stuck(n: int, n_learned: int, draw: Draw) -> np.ndarray:
    out = draw.normal(size=n)
    out[:n_learned] = 0  # The sensor is stuck during the learning period only.
    return out


def _burst(n: int, n_learned: int, draw: Draw) -> np.ndarray:
    out = draw.normal(size=n)
    first = int(0.6 * n_learned)
    out[first : first + max(1, n_learned // 30)] *= 10
    return out


SIGNALS: Mapping[str, Signal] = {
    "white": Signal(_white, 1),
    "pink": Signal(_pink, None),
    "brown": Signal(_brown, None),
    **{f"ar_{t:g}": _autoregressive(t) for t in (0.2, 2, 20, 200)},
    **{f"cycle_{t:g}": _cycle(t) for t in (0.3, 3, 30, 300)},
    "day_night": Signal(_day, 1000),
    "two_modes": Signal(_stays(np.array([-1.0, 1.0]), 100, 400), 500),
    "levels": Signal(_stays(np.linspace(-1.4, 1.4, 5), 50, 200), 1000),
    "ramp": Signal(_ramp, None),
    "heavy_tails": Signal(_heavy, 1),
    "quantised": Signal(_quantised, 1),
    "stuck_then_alive": Signal(_stuck, None),
    "burst": Signal(_burst, 1),
}
