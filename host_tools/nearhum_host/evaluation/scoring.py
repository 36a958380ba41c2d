"""Score recordings of the user with the firmware itself, without a board.

Enters: readings of one sensor in their order, and the settings that fit them. Leaves: the journal
    that a board would have written, and figures if there are true labels. The beginning is learned
    as normal, and the rest is watched.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..boards import fitted_file
from ..errors import HostError
from ..logs import log_file
from ..logs.traces import NORMAL, Trace, trace
from ..recordings.converting import recorded
from ..recordings.fitting import Fit
from ..recordings.nhr import Recording
from ..recordings.reading import Reading, Stretch
from . import truth
from .benchmarks.base import Run, Session
from .benchmarks.runner import interpreter, run_one

LEARN_S = 120  # Learned by default, but at most half of the recording.
LEAST = 8  # Windows to learn from, and windows to watch.
SLOWEST = 200  # Windows a second of the slowest machine. A run that takes longer has stopped.
# Labels that mean normal in public data sets, and in German.
NORMALS = frozenset(
    ("normal", "healthy", "ok", "good", "nominal", "baseline", "background", "gut", "idle")
    + ("0", "false", "no", "none", "n", "", "0.0")
)


@dataclass
class Scored:
    """What the firmware said about a recording.

    spans: true labels, (first window, last window, label). learned: number of windows.
    figures: (name, share) if labels are known. normal: the labels that count as normal.
    """

    run: Run
    trace: Trace
    recording: Recording
    learned: int
    spans: list[tuple[int, int, str]]
    figures: list[tuple[str, Any]]
    normal: list[str]
    n_clipped: int


def score(
    readings: Sequence[Reading],
    fit: Fit,
    learn_s: float | None = None,
    name: str = "recording",
    path: str = "fixed",
    on_progress: Callable[[int, int], None] | None = None,
) -> Scored:
    """Run the firmware over readings. Between two readings there is a gap.

    learn_s: how much is learned. None learns two minutes, at most half of the recording, and
        nothing that a label calls strange.
    Raises HostError if there are too few windows, or if the firmware fails.
    """
    recording, n_clipped = recorded(readings, fit.scale)
    stretches = [stretch for reading in readings for stretch in reading.stretches]
    normal = _normal(stretches)
    windows = [fit.windows_in(stretch.n) for stretch in stretches]
    n_learn = _n_learn(fit, stretches, windows, normal, learn_s)
    recording.segments[0].cue = f"learn {n_learn}"
    config = {"board": name, **fit.config}
    names = fitted_file.channel_names(readings[0].names)
    if names:  # The firmware writes them into the log, where the report finds them.
        config["source"] = {"names": names}
    session = Session(name, config, recording)
    timeout_s = 900 + sum(windows) / SLOWEST
    run = run_one(session, path, interpreter(), on_progress, timeout_s)
    spans = _spans(fit, stretches, run.windows_of(recording), normal)
    found = trace(log_file.parse(run.journal), name, spans)
    figures = truth.judged([found])["figures"] if spans else []
    return Scored(run, found, recording, n_learn, spans, figures, normal, n_clipped)


def _normal(stretches: Sequence[Stretch]) -> list[str]:
    """Return the labels that mean normal. If there are none, the first row's label counts as
    normal.
    """
    labels = dict.fromkeys(label for stretch in stretches for _, _, label in stretch.labels)
    some = [label for label in labels if label.strip().lower() in NORMALS]
    return some or list(labels)[:1]


def _n_learn(
    fit: Fit,
    stretches: Sequence[Stretch],
    windows: Sequence[int],
    normal: Sequence[str],
    learn_s: float | None,
) -> int:
    total = sum(windows)
    hop_s = fit.value("n_hop") / fit.rate_hz
    if total < 2 * LEAST:
        window_s = fit.value("n_window") / fit.rate_hz
        raise HostError(
            f"the recording has {total} windows of {window_s:.3g} s, {2 * LEAST} are needed: "
            f"{LEAST} to learn from, {LEAST} to watch",
            "a longer recording, or shorter windows with --set n_window=N",
        )
    if learn_s is not None:
        n = max(LEAST, round(learn_s / hop_s))
        if n > total - 1:
            raise HostError(
                f"--learn {learn_s:g} s leaves nothing to watch of {total * hop_s:.4g} s",
                "learn less of it",
            )
        return n
    n = min(max(math.ceil(LEARN_S / hop_s), fit.value("learn_windows")), total // 2)
    strange = _first_strange(fit, stretches, windows, normal)
    if strange is not None and strange < n:
        if strange < LEAST:
            raise HostError(
                f"its labels call window {strange} strange: {LEAST} normal ones come first",
                "say how much is learned with --learn, or put normal rows first",
            )
        n = strange
    return max(LEAST, n)


def _first_strange(
    fit: Fit, stretches: Sequence[Stretch], windows: Sequence[int], normal: Sequence[str]
) -> int | None:
    """Return how many windows end before the first row whose label is not normal, None for no such
    row.
    """
    before = 0
    for stretch, n in zip(stretches, windows, strict=True):
        for first, _, label in stretch.labels:
            if label not in normal:
                return before + min(n, fit.windows_in(first))
        before += n
    return None


def _spans(
    fit: Fit, stretches: Sequence[Stretch], windows: Sequence[range], normal: Sequence[str]
) -> list[tuple[int, int, str]]:
    """Return the true labels by window.

    A window has the label of its rows, or of an event that lies completely inside it. A window with
    rows of several labels has none.
    """
    size, hop = fit.value("n_window"), fit.value("n_hop")
    out = []
    for stretch, some in zip(stretches, windows, strict=True):
        for first, until, label in stretch.labels:
            strange = label not in normal
            if until - first >= size:
                low, high = -(-first // hop), (until - size) // hop
            elif strange:
                low, high = max(0, -(-(until - size) // hop)), first // hop
            else:
                continue
            high = min(high, len(some) - 1)
            if low <= high:
                name = label if strange else NORMAL
                out.append((some.start + low, some.start + high, name))
    return out
