"""The result of the reader: stretches of samples, with names, units, rate and labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .tables.clock import same_rate


@dataclass
class Stretch:
    """Samples without a gap.

    columns: one array (n,) a channel; labels: (first, until, label) by row. first_row: of the
    file; start_ns: since 1970, None where unknown; name: of its array in an .npz. since, lasted: by
    the file's own times, in periods of its samples, from the file's first sample to its own first,
    and from that to its last; None where the file has no times.
    """

    columns: list[np.ndarray]
    name: str = ""
    first_row: int = 0
    start_ns: int | None = None
    since: float | None = None
    lasted: float | None = None
    labels: list[tuple[int, int, str]] = field(default_factory=list)
    groups: list[tuple[int, int, str]] = field(default_factory=list)

    @property
    def n(self) -> int:
        return len(self.columns[0]) if self.columns else 0


@dataclass
class Reading:
    """What a file holds. rate_hz: None where it does not say; measured: by its times, not a header.

    level: what the numbers of sound are, see sound.Sound. period_s: of its samples by its times,
    None where their unit is not known; zones: that its times say. taken: one line that says what
    was taken for what; notes: what a person should know, a sentence each; guesses: such of what was
    done with it later; how: what --explain shows.
    """

    path: Path
    rate_hz: float | None
    names: list[str]
    units: list[str]
    stretches: list[Stretch]
    measured: bool = False
    taken: str = ""
    notes: list[str] = field(default_factory=list)
    how: list[str] = field(default_factory=list)
    period_s: float | None = None
    zones: list[str] = field(default_factory=list)
    level: str = ""
    guesses: list[str] = field(default_factory=list)

    @property
    def n_channels(self) -> int:
        return len(self.names)

    @property
    def n_frames(self) -> int:
        return sum(stretch.n for stretch in self.stretches)

    def column(self, i: int) -> Iterator[np.ndarray]:
        """Yield the samples of channel i, stretch by stretch."""
        for stretch in self.stretches:
            yield stretch.columns[i]

    def say(self, text: str) -> None:
        """Add a sentence about a later step that changed the reading."""
        self.guesses.append(text)
        self.taken += f"; {text}"


def starts_s(readings: Sequence[Reading]) -> list[list[float]]:
    """Return the start of each stretch of each reading, in s since the first sample of all.

    The files' own times are used, so gaps count. If all readings have dates, these give their
    distance. Otherwise each follows the previous one. Each reading must have a rate.
    """
    firsts = [reading.stretches[0].start_ns for reading in readings]
    dated = all(first is not None for first in firsts)
    out: list[list[float]] = []
    end_s = 0.0
    for reading, first in zip(readings, firsts, strict=True):
        at_s = ((first or 0) - (firsts[0] or 0)) / 1e9 if dated else end_s
        period_s = reading.period_s or 1 / (reading.rate_hz or 1.0)
        starts, before = [], 0
        for stretch in reading.stretches:
            since = before if stretch.since is None else stretch.since
            starts.append(at_s + since * period_s)
            before += stretch.n
            end_s = starts[-1] + stretch.n / pace_hz(reading, stretch)
        out.append(starts)
    return out


def pace_hz(reading: Reading, stretch: Stretch) -> float:
    """Return the rate of a stretch, by its own times if these agree with the nominal rate."""
    rate_hz = reading.rate_hz or 1.0
    if not stretch.lasted:
        return rate_hz
    own_hz = (stretch.n - 1) / stretch.lasted / (reading.period_s or 1 / rate_hz)
    return own_hz if same_rate(own_hz, rate_hz) else rate_hz
