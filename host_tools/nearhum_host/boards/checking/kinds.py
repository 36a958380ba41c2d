"""Kinds of signal: whether samples of a rate can be of one, and of which they can be.

Enters: a kind, samples a second, and what is set beside. Leaves: nothing, or a UsageError that says
why not and which kinds fit. Settings that no board can have are told by configuration.py; here it
is about those that a board could have, and that nobody can mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nearhum.settings import KINDS, defaults

from ...errors import UsageError

LEAST_OF_MOTION_HZ = 24  # Twice the 12 Hz up to which limbs and handles move.
LOWEST_SOUND_HZ = 4000  # Speech has most of its energy below 2 kHz. At a lower rate words are lost.


def check(kind: str, rate_hz: float, own: Mapping[str, Any], of: str) -> None:
    """Raise UsageError where samples at rate_hz cannot be of that kind.

    own: settings that were given, without the kind's own; of: what holds the samples.
    """
    why = _why_not(kind, rate_hz, own)
    if not why:
        return
    fit = [other for other in KINDS if not _why_not(other, rate_hz, {}) and _usual(other, rate_hz)]
    hint = f"--kind {' or '.join(fit)}"
    if kind == "spectra":
        hint += "; where its rows are bins: --set bin_hz=WIDTH --set n_window=BINS"
    raise UsageError(f"--kind {kind}: {why}; {of} has {rate_hz:g} samples a second", hint=hint)


def _usual(kind: str, rate_hz: float) -> bool:
    """Return whether a kind is usually sampled at that rate."""
    return (rate_hz >= LEAST_OF_MOTION_HZ) != (kind == "telemetry")


def _why_not(kind: str, rate_hz: float, own: Mapping[str, Any]) -> str:
    usual = defaults(kind)
    if kind == "spectra" and "bin_hz" not in own:
        return (
            f"it takes spectra that were computed elsewhere, one after the other, of"
            f" {usual['n_window']} bins {usual['bin_hz']:g} Hz wide, and no samples in time"
        )
    if kind == "radio" and "n_subcarriers" not in own:
        return f"it takes packets of a receiver with {usual['n_subcarriers']} subcarriers"
    if kind == "audio" and rate_hz < LOWEST_SOUND_HZ:
        return f"it hears words, in sound of {LOWEST_SOUND_HZ} samples a second or more"
    if kind == "motion" and "f_high_hz" not in own and rate_hz < 2 * usual["f_high_hz"]:
        return (
            f"it looks at {usual['f_low_hz']:g} to {usual['f_high_hz']:g} Hz, which takes"
            f" {2 * usual['f_high_hz']:g} samples a second or more"
        )
    return ""
