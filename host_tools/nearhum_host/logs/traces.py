"""Convert one log into arrays by window, in the units that charts and figures use.

Enters: a log, and the truth about its windows, if known. Leaves: a Trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from nearhum import wire

from ..boards.checking import sensor_units
from ..errors import HostError
from ..recordings.labels_file import read_spans
from ..recordings.tables.rows import read_rows
from .decoding import Event, decoded, n_windows, newest
from .log_file import Log

NORMAL = "normal"
NO_THRESHOLD = 32767  # The board records this before it has a threshold. No score reaches it.


@dataclass
class Trace:
    """One log by window. The n windows are counted from the log's start, over all boots.

    scores, thresholds: (n,) float, octaves of squared distance, NaN where there was none.
    states: (n,) uint8. alarm: (n,) bool, as the board announced it.
    labels: (n,) object, "" for unknown. truth: (n,) object, a label, or None where it is not known.
    boots: index of each boot's first window.
    window_s: interval of windows in seconds, None if the log does not state it.
    """

    name: str
    scores: np.ndarray
    thresholds: np.ndarray
    states: np.ndarray
    alarm: np.ndarray
    labels: np.ndarray
    truth: np.ndarray
    events: list[tuple[int, Event]]  # With the index of the window.
    boots: list[int] = field(default_factory=list)
    window_s: float | None = None
    config: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    left_out: int = 0  # Windows before these: too many to be drawn at once.
    channels: Sequence[str] = ()  # Names of the channels, if known.

    @property
    def n(self) -> int:
        return len(self.scores)

    @property
    def learning(self) -> np.ndarray:
        return self.states == wire.LEARN

    @property
    def watching(self) -> np.ndarray:
        return self.states == wire.WATCH

    @property
    def known(self) -> np.ndarray:
        """Windows outside learning whose truth is known, (n,) bool."""
        return ~self.learning & np.array([label is not None for label in self.truth], bool)

    @property
    def margin(self) -> np.ndarray:
        """Octaves above the threshold. They decide on alarms and are comparable between boards."""
        return self.scores - self.thresholds


def trace(log: Log, name: str = "", spans: Sequence[tuple[int, int, str]] = ()) -> Trace:
    """Convert a log into a trace.

    spans: (first window, last window, label), last included, counted from the start of the log. If
    the log has more than MAX_WINDOWS windows, only the newest of them are converted.
    Raises FormatError if the content of a sound record is invalid, HostError if there is no scored
    window.
    """
    since = newest(log)
    scores, events = decoded(log, since)
    n, left_out = len(scores.windows), n_windows(log, since)
    if n == 0:
        raise HostError(
            f"{name or 'the log'} holds no scored window",
            "pull it again after the board has listened for a while",
        )
    windows = np.array(scores.windows, np.int64)
    boot_of = np.array(scores.boots, np.int64)
    raw, limits = np.array(scores.scores, np.int16), np.array(scores.thresholds, np.int16)
    states = np.array(scores.states, np.uint8)
    boots = [int(i) for i in np.flatnonzero(np.diff(boot_of, prepend=-1))]
    placed = [(place(event, windows, boot_of), event) for event in events]
    truth = np.full(n, None, dtype=object)
    for first, last, label in spans:
        truth[max(0, first - left_out) : max(0, last + 1 - left_out)] = label
    last_boot = next((e.what for e in reversed(events) if e.name == "boot"), {})
    config = last_boot.get("config")
    config = config if isinstance(config, dict) else {}
    return Trace(
        name=name,
        scores=_octaves(raw),
        thresholds=_octaves(np.where(limits == NO_THRESHOLD, wire.NO_SCORE, limits)),
        states=states,
        alarm=alarm_by_window(placed, states),
        labels=np.array([scores.names[i] for i in scores.labels], dtype=object),
        truth=truth,
        events=placed,
        boots=boots,
        window_s=_window_s(config.get("n_hop"), config.get("rate_hz")),
        config=config,
        left_out=left_out,
        about={key: value for key, value in last_boot.items() if key != "config"},
        channels=sensor_units.names(config),
    )


def _window_s(n_hop: Any, rate_hz: Any) -> float | None:
    # The firmware's limits. A value outside them is damage and not a setting.
    for value, low, high in ((n_hop, 1, 1024), (rate_hz, 0.001, 100000)):
        if not isinstance(value, int | float) or not low <= value <= high:
            return None
    return n_hop / rate_hz


def _octaves(q8: np.ndarray) -> np.ndarray:
    return np.where(q8 == wire.NO_SCORE, np.nan, q8 / wire.OCTAVE_Q8)


def place(event: Event, windows: np.ndarray, boot_of: np.ndarray) -> int:
    """Return the index of an event's window, or of its boot's first window if it names none."""
    start, stop = (int(i) for i in np.searchsorted(boot_of, [event.boot, event.boot + 1]))
    window = event.what.get("window")
    if not isinstance(window, int):
        return start
    return start + int(np.searchsorted(windows[start:stop], window))


def alarm_by_window(events: Sequence[tuple[int, Event]], states: np.ndarray) -> np.ndarray:
    """Return whether the board's alarm was on, (n,) bool.

    events: in order, each with the index of its window.

    An alarm lasts from its "alarm" event to the first of: its "alarm_end", the next boot, the end
    of the log, or a change of state or a rollback, after which the board has forgotten the alarm.
    """
    alarm = np.zeros(len(states), bool)
    begun: tuple[int, int] | None = None  # Index of the first window, boot.
    for at, event in events:
        if begun is not None and (
            event.name in ("alarm_end", "state", "rollback") or event.boot != begun[1]
        ):
            alarm[begun[0] : at] = True
            begun = None
        if begun is None and event.name == "alarm":
            begun = at, event.boot
    if begun is not None:
        alarm[begun[0] :] = True
    return alarm & (states == wire.WATCH)


def read_labels(path: Path, log: Log | None = None) -> list[tuple[int, int, str]]:
    """Read the spans of a labels file: csv with first,last,label or from,until,label.

    first and last are windows, counted from the log's start over all boots, last included. from and
    until are ISO times, and need a log whose board was told the time. The label "normal" means
    normal, and any other an anomaly.

    Returns [(first, last, label)] in windows. Raises HostError if a column is missing or a value is
    not a window or a time.
    """
    rows = read_rows(path, ("label",))
    if rows and "first" not in rows[0][1]:
        return _by_time(path, log)
    spans = []
    for number, row in rows:
        try:
            first, last, label = int(row["first"]), int(row["last"]), row["label"].strip()
        except (KeyError, TypeError, ValueError, AttributeError):
            raise HostError(
                f"{path} line {number} is not a span",
                "the columns are first,last,label; windows are whole numbers",
            ) from None
        if not 0 <= first <= last or not label:
            raise HostError(
                f"{path} line {number}: {first} to {last} {label!r} is not a span of windows",
                "first <= last",
            )
        spans.append((first, last, label))
    return spans


def _by_time(path: Path, log: Log | None) -> list[tuple[int, int, str]]:
    """Read a labels file with times, and return its spans as windows of a log."""
    utc = np.array(decoded(log)[0].utc, float) if log is not None else np.empty(0)
    if not np.isfinite(utc).any():
        raise HostError(
            f"{path} has times, and the log does not say what time it was",
            "label its windows: the columns are first,last,label",
        )
    spans = []
    for begin, end, label in read_spans(path):
        if not isinstance(begin, int):
            raise HostError(
                f"{path}: {begin:g} is not a time of a log", "ISO times as 2026-03-04 10:00:00"
            )
        inside = np.flatnonzero((utc >= begin / 1e9) & (utc <= end / 1e9))
        if len(inside):
            spans.append((int(inside[0]), int(inside[-1]), label))
    return spans
