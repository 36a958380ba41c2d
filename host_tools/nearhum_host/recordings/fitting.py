"""Choose a board configuration for a recording: kind of signal, rate, channels and scale.

Enters: readings of one sensor, and the user's options. Leaves: a Fit with a reason for each guess.
`score` makes a session of it, and fitted_file.py a board file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from nearhum import settings as settings_of

from ..errors import HostError, UsageError
from .counts import guess_scale
from .reader import needs_rate
from .reading import Reading

MOST_CHANNELS = settings_of.SETTINGS["n_channels"][1]
MOST_HZ = settings_of.SETTINGS["rate_hz"][1]
SLOW_HZ = 24  # The bands of motion (0.4 to 12 Hz) need at least this rate.
ALWAYS_MOTION_HZ = 100  # Below, a window of vibration (1,024 samples) is longer than a gesture.
MOTION_HZ = 400  # Limbs and handles are usually sampled below this rate, machines above.
SOUND_HZ = 4000  # A wav file with a lower rate is taken for vibration, not for sound.
FEW_WINDOWS = 40  # With fewer windows, they are made to overlap.
# By setting that a recording determines: how to change it.
_INSTEAD = {
    "kind": "say --kind",
    "rate_hz": "say --rate where the file does not say its rate; a recording is not resampled",
    "n_channels": "choose channels with --columns",
}
_FILES = ("head", "prior")  # Settings that name a file on the board.


@dataclass
class Fit:
    """A configuration that fits a recording.

    scale: counts per unit for each column, None if samples are counts. settings: those that differ
    from the defaults of the kind. why: a sentence for each guess.
    """

    kind: str
    rate_hz: float
    n_channels: int
    scale: list[float] | None
    units: list[str]
    settings: dict[str, Any] = field(default_factory=dict)
    why: list[str] = field(default_factory=list)

    def value(self, name: str) -> Any:
        """Return a setting, by default that of the kind."""
        return self.settings.get(name, settings_of.defaults(self.kind)[name])

    @property
    def config(self) -> dict[str, Any]:
        """The settings of a session."""
        own = {"kind": self.kind, "rate_hz": self.rate_hz, "n_channels": self.n_channels}
        return {**own, **self.settings}

    def windows_in(self, n_frames: int) -> int:
        """Return the number of windows in n_frames without a gap."""
        return max(0, (n_frames - self.value("n_window")) // self.value("n_hop") + 1)


def fit(
    readings: Sequence[Reading],
    kind: str | None = None,
    scale: Sequence[float] | None = None,
    settings: dict[str, Any] | None = None,
) -> Fit:
    """Return the configuration that fits readings of one sensor.

    kind, scale: the user's, None to guess. settings: override the defaults of the kind. Raises
    HostError if the rate is unknown, or a board cannot have that rate or so many channels, and
    UsageError if an option contradicts the recording.
    """
    first = readings[0]
    rate_hz = needs_rate(first)
    if first.n_channels > MOST_CHANNELS:
        raise HostError(
            f"{first.path} has {first.n_channels} channels, a board has {MOST_CHANNELS} at most",
            "choose some with --columns",
        )
    if rate_hz > MOST_HZ:
        raise HostError(
            f"{first.path} was sampled at {rate_hz:g} Hz, a board samples at {MOST_HZ} Hz at most",
            "resample it",
        )
    if kind is not None and kind not in settings_of.KINDS:
        raise UsageError(f"--kind {kind}", hint="one of " + ", ".join(settings_of.KINDS))
    guessed, why = _kind(first, rate_hz)
    reasons = list(dict.fromkeys(text for reading in readings for text in reading.guesses))
    reasons += [] if kind else [f"kind {guessed}: {why}"]
    kind = kind or guessed
    factors = list(scale) if scale is not None else None
    if factors is None:
        columns = [_both_ends(readings, i) for i in range(first.n_channels)]
        factors = guess_scale(columns, first.units, apart=kind == "telemetry")
        reasons.append(_why_scale(factors, first))
    elif len(factors) == 1:
        factors *= first.n_channels
    found = Fit(
        kind, rate_hz, first.n_channels, factors, first.units, dict(settings or {}), reasons
    )
    _check_settings(found, first)
    _more_windows(found, readings)
    return found


def _check_settings(found: Fit, reading: Reading) -> None:
    """Raise UsageError if a setting contradicts the recording, or names a file on a board."""
    own = {"kind": found.kind, "rate_hz": found.rate_hz, "n_channels": found.n_channels}
    for name, value in own.items():
        if found.settings.get(name, value) != value:
            raise UsageError(
                f"--set {name}={found.settings[name]}: it is {value} for {reading.path}",
                hint=_INSTEAD[name],
            )
    for name in _FILES:
        if found.settings.get(name):
            raise UsageError(
                f"--set {name}={found.settings[name]}: there is no such file where it is scored",
                hint=f"score it without, and say `nearhum set {name}` on a board",
            )
    if found.value("n_subcarriers") not in (0, found.n_channels):
        raise UsageError(
            f"--kind {found.kind} with n_subcarriers = {found.value('n_subcarriers')} takes packets"
            f" of a receiver, {reading.path} holds samples",
            hint="--set n_subcarriers=0 where its columns are strengths, or another --kind",
        )


def _kind(reading: Reading, rate_hz: float) -> tuple[str, str]:
    if reading.path.suffix.lower() == ".wav" and rate_hz >= SOUND_HZ:
        return "audio", f"a wav at {rate_hz:g} Hz"
    if rate_hz < SLOW_HZ:
        return "telemetry", f"{rate_hz:g} samples a second are slow physical quantities"
    names = [name.lower() for name in reading.names]
    of_a_limb = reading.n_channels >= 3 or any("gyr" in name for name in names)
    if rate_hz < ALWAYS_MOTION_HZ or (rate_hz < MOTION_HZ and of_a_limb):
        return "motion", _channels(reading, rate_hz)
    return "vibration", _channels(reading, rate_hz)


def _channels(reading: Reading, rate_hz: float) -> str:
    n = reading.n_channels
    return f"{n} channel{'s' if n != 1 else ''} at {rate_hz:g} Hz"


def _both_ends(readings: Sequence[Reading], i: int) -> np.ndarray:
    """Return the smallest and largest samples of channel i, and one fraction if there is any."""
    out: list[float] = []
    whole = True
    for reading in readings:
        for part in reading.column(i):
            if not len(part):
                continue
            out += [float(part.min()), float(part.max())]
            if whole and part.dtype.kind == "f":
                odd = part != np.rint(part)
                whole = not odd.any()
                if not whole:
                    out.append(float(part[int(np.argmax(odd))]))
    values = np.array(out)
    whole = whole and len(values) > 0 and bool((np.abs(values) < 2**62).all())
    return values.astype(np.int64) if whole else values


def _why_scale(factors: Sequence[float] | None, reading: Reading) -> str:
    if factors is None:
        return "no scale: the samples are whole numbers of 16 bits"
    if len(set(factors)) == 1:
        unit = reading.units[0] or "unit"
        return f"scale {factors[0]:g}: counts per {unit}, so that the largest sample fits 16 bits"
    shown = ",".join(f"{factor:g}" for factor in factors)
    return f"scale {shown}: counts per unit of each column, so that its largest fits 16 bits"


def _more_windows(found: Fit, readings: Sequence[Reading]) -> None:
    """Make windows overlap if there would be too few to learn from."""
    window = found.value("n_window")
    if "n_hop" in found.settings or found.value("n_hop") < window or found.value("bin_hz"):
        return
    n = sum(found.windows_in(stretch.n) for reading in readings for stretch in reading.stretches)
    if n < FEW_WINDOWS:
        found.settings["n_hop"] = window // 4
        found.why.append(f"n_hop {window // 4}: {n} without overlap would be too few to learn from")
