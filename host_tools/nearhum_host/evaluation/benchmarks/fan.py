"""fan: spectra of a cooling fan, computed elsewhere, with damaged blades, three speeds and many
rooms.

Damage: a file with all speeds is learned. Another one, and those of damaged fans, are watched. In
    the last quarter of a file the fan is off, where no damage can show. So the first three quarters
    are judged, and the table also has the figures of the whole file.

Move: what was learned in one room is watched in another, before and after 60 spectra were learned
    there anew. In a file with all speeds these 60 are evenly spaced in another such file. At one
    speed they are the first 60 of the file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...recordings.datasets import machines
from ...recordings.nhr import Recording
from .. import metrics
from . import base

N_RELEARNED = 60
ALL_SPEEDS = "hmlo"
NORMAL = "normal"
RUNNING = 0.75  # Share of a file with all speeds. After it, the fan is off.


@dataclass(frozen=True)
class Asked:
    """The content of a session.

    group: fan and room, or fan, both rooms and speed. state: what is watched. moved: whether it is
        a move, whose segments are: learned, before, learned anew, after.
    """

    group: str
    state: str
    moved: bool = False
    all_speeds: bool = False


class Fan:
    """auc, far and tpr of running spectra. far_before, far_after: of a move, in the worse
    direction.

    The same names with one_speed are of files with one speed.
    """

    name = "fan"
    told = (
        f"a learning period: one file of all speeds, or one speed; after a move, {N_RELEARNED}"
        " spectra"
    )

    def sessions(self, root: Path, windows_in: base.WindowsIn) -> list[base.Session]:
        files = machines.fan(root)
        of = {(f.fan, f.speed, f.state, f.room, f.take): f.spectra for f in files}
        out = []
        for (fan, speed, state, room, take), learned in sorted(of.items()):
            if state != NORMAL or take not in ("", "1"):
                continue
            if speed == ALL_SPEEDS:
                for f in files:
                    if (f.fan, f.speed, f.room) == (fan, speed, room) and (f.state, f.take) != (
                        state,
                        take,
                    ):
                        about = Asked(f"{fan}_{room}", f.state)
                        out.append(
                            _session(
                                f"{fan}_{room}_{f.state}_{f.take}",
                                about,
                                ("learn", learned),
                                (base.WATCH, f.spectra),
                            )
                        )
            for other in sorted({f.room for f in files} - {room}):
                there = of.get((fan, speed, state, other, take))
                again = of.get((fan, speed, state, other, "2")) if speed == ALL_SPEEDS else there
                if there is None or again is None:
                    continue
                if speed == ALL_SPEEDS:
                    drawn = np.linspace(0, len(there) - 1, N_RELEARNED).astype(int)
                    before, few, after = again, there[drawn], again
                else:
                    before, few, after = (
                        there[:N_RELEARNED],
                        there[:N_RELEARNED],
                        there[N_RELEARNED:],
                    )
                about = Asked(f"{fan}_{room}_to_{other}_{speed}", state, True, speed == ALL_SPEEDS)
                parts = (
                    ("learn", learned),
                    (base.WATCH, before),
                    ("learn", few),
                    (base.WATCH, after),
                )
                out.append(_session(about.group, about, *parts))
        return out

    def judge(self, runs: Sequence[tuple[base.Session, base.Run]]) -> base.Judgement:
        damage: list[tuple[str, str, base.Rows]] = []
        moves: list[tuple[Asked, base.Rows, base.Rows]] = []
        spans = {}
        for session, run in runs:
            asked, windows = session.about, run.windows_of(session.recording)
            label = base.LABEL_NORMAL if asked.state == NORMAL else base.LABEL_ANOMALY
            watched = windows[1::2]
            # The spans of a move are those after learning anew, of a damaged fan the running part.
            n = int(RUNNING * len(watched[-1])) if label == base.LABEL_ANOMALY else len(watched[-1])
            spans[session.name] = base.spans_of(watched[-1][:n], label)
            rows = [_rows(run, some, label == base.LABEL_ANOMALY) for some in watched]
            if asked.moved:
                moves.append((asked, rows[0], rows[1]))
            else:
                damage.append((asked.group, asked.state, rows[0]))
        flat = [rows for _, _, rows in damage] + [rows for _, *both in moves for rows in both]
        trivial = {}
        for name, some in base.trivial_rows(flat).items():
            n = len(damage)
            pairs = list(zip(some[n::2], some[n + 1 :: 2], strict=True))
            trivial[name] = _figures(
                [(g, s, rows) for (g, s, _), rows in zip(damage, some[:n], strict=True)],
                [(asked, *pair) for (asked, _, _), pair in zip(moves, pairs, strict=True)],
            )
        return base.Judgement(_figures(damage, moves), trivial, _table(runs, damage, moves), spans)


def _session(name: str, about: Asked, *parts: tuple[str, np.ndarray]) -> base.Session:
    """Return a session. parts: (cue, spectra) of each segment. "learn" learns all of it."""
    n_bins = parts[0][1].shape[1]
    rate_hz = machines.FAN_RATE_HZ * n_bins  # Values a second.
    config = {
        "kind": "spectra",
        "rate_hz": rate_hz,
        "n_channels": 1,
        "n_window": n_bins,
        "n_hop": n_bins,
        "bin_hz": machines.FAN_BIN_HZ,
    }
    recording = Recording(rate_hz, 1)
    for cue, spectra in parts:
        recording.add(spectra.reshape(-1, 1), f"{cue} {len(spectra)}" if cue == "learn" else cue)
    return base.Session(name, config, recording, about)


def _rows(run: base.Run, windows: range, anomalous: bool) -> base.Rows:
    some = slice(windows.start, windows.stop)
    return base.Rows(
        np.full(len(windows), anomalous), run.alarm[some], run.scores[some].astype(float)
    )


def _running(rows: base.Rows) -> base.Rows:
    n = int(RUNNING * len(rows.alarm))
    return base.Rows(rows.anomalous[:n], rows.alarm[:n], rows.score[:n])


def _figures(
    damage: Sequence[tuple[str, str, base.Rows]],
    moves: Sequence[tuple[Asked, base.Rows, base.Rows]],
) -> dict[str, float | None]:
    running = [(group, state, _running(rows)) for group, state, rows in damage]
    counts = base.confusion([rows for _, _, rows in running])
    return {
        "auc": _auc(running),
        "far": counts.far,
        "tpr": counts.tpr,
        "auc_whole": _auc(damage),
        "far_whole": base.confusion([rows for _, _, rows in damage]).far,
        "far_before": _worst(
            [base.confusion([before]).far for asked, before, _ in moves if asked.all_speeds]
        ),
        "far_after": _worst(
            [base.confusion([after]).far for asked, _, after in moves if asked.all_speeds]
        ),
        "far_before_one_speed": metrics.mean(
            [base.confusion([before]).far for asked, before, _ in moves if not asked.all_speeds]
        ),
        "far_after_one_speed": metrics.mean(
            [base.confusion([after]).far for asked, _, after in moves if not asked.all_speeds]
        ),
    }


def _auc(damage: Sequence[tuple[str, str, base.Rows]]) -> float | None:
    """Return the mean AUC over the damaged fans, each with all normal files of its group."""
    normal: dict[str, list[base.Rows]] = {}
    for group, state, rows in damage:
        if state == NORMAL:
            normal.setdefault(group, []).append(rows)
    return base.mean_auc(
        [
            base.joined([*normal[g], rows])
            for g, state, rows in damage
            if state != NORMAL and g in normal
        ]
    )


def _worst(shares: Sequence[float | None]) -> float | None:
    return max((share for share in shares if share is not None), default=None)


def _table(
    runs: Sequence[tuple[base.Session, base.Run]],
    damage: Sequence[tuple[str, str, base.Rows]],
    moves: Sequence[tuple[Asked, base.Rows, base.Rows]],
) -> list[dict[str, object]]:
    names = [session.name for session, _ in runs if not session.about.moved]
    normal = {group: rows for group, state, rows in damage if state == NORMAL}
    table: list[dict[str, object]] = []
    for name, (group, state, rows) in zip(names, damage, strict=True):
        counts = base.confusion([_running(rows)])
        both = (
            [(group, NORMAL, normal[group]), (group, state, rows)]
            if group in normal and state != NORMAL
            else []
        )
        table.append(
            {
                "file": name,
                "spectra": len(rows.alarm),
                "far": counts.far,
                "tpr": counts.tpr,
                "auc": _auc([(g, s, _running(r)) for g, s, r in both]),
                "auc_whole": _auc(both),
            }
        )
    for asked, before, after in moves:
        table.append(
            {
                "file": asked.group,
                "spectra": len(after.alarm),
                "far_before": base.confusion([before]).far,
                "far_after": base.confusion([after]).far,
            }
        )
    return table
