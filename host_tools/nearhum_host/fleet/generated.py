"""Logs of a fleet that never was, for scale: scores that the firmware gave, resampled, as the
tables that `pull` makes.

Enters: a seed and sizes. Leaves: a folder of tables (tables.py), one row a minute, board and day,
and labels.csv, what is true of them. Where its rows come from:

1. the firmware runs over two slow channels, seeded: it learns, then watches normal hours, then
   faults (`recorded`)
2. an hour of a board is an hour of those, drawn at random: a normal one, or of a fault where the
   board has one
3. boards differ: each has an offset of its score, a few a large one; some days are missing; some
   boards reset

So a day has the correlation of an hour, alarms come as often and last as long as the firmware's
own, and the truth is known. A board's rows depend on the seed and its number alone.
"""

from __future__ import annotations

import csv
import datetime
import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from nearhum import wire

from ..logs import tables

HOUR = 60  # rows
DAY = 24 * HOUR
FIRST_DAY = datetime.date(2026, 1, 1)
CONFIG = {
    "board": "pump",
    "kind": "telemetry",
    "rate_hz": 0.017,
    "n_channels": 2,
}  # a row a minute: rates count in millihertz
OFFSET = 40  # spread of the boards' offsets, Q8
STANDS_OUT, OFFSET_OUT = 0.01, 600  # share of boards with a large one, and how large it is, Q8
FAULTY = 0.05  # share of boards with a fault of some hours
NORMAL, FAULT = "normal", "fault"
MISSING, RESETS = 0.01, 0.02  # a board and day


@dataclass(frozen=True)
class Recorded:
    """What the firmware said of normal hours and of faults: arrays (hours, HOUR): scores int16
    Q8, alarms bool.
    """

    threshold: int
    normal: np.ndarray
    normal_alarm: np.ndarray
    fault: np.ndarray
    fault_alarm: np.ndarray


def recorded(seed: int = 2, n_hours: int = 200, n_faults: int = 12) -> Recorded:
    """Run the firmware over slow channels and return its scores of whole hours."""
    from ..evaluation.benchmarks.base import Session
    from ..evaluation.benchmarks.runner import interpreter, run_one, windows_in
    from ..recordings.nhr import Recording

    random = np.random.default_rng(seed)
    n_learn, n_normal = 20 * HOUR, n_hours * HOUR
    n = n_learn + n_normal + n_faults * 4 * HOUR
    slow = np.zeros((n, 2))
    for i, step in enumerate(random.normal(0, 1, (n, 2))):
        slow[i] = 0.9 * slow[i - 1] + step if i else step
    rows = 8000 + 100 * slow + random.normal(0, 40, (n, 2))
    rows[:, 1] += 2 * (rows[:, 0] - 8000)  # the channels know of each other
    faults = []
    for k in range(n_faults):  # three hours of a fault, an hour of recovery
        first = n_learn + n_normal + k * 4 * HOUR
        faults.append(first)
        rows[first : first + 3 * HOUR] += np.array([1, -1]) * (600 + 300 * (k % 4))
    frames = rows.clip(-32768, 32767).astype(np.int16)
    recording = Recording(CONFIG["rate_hz"], 2)
    recording.add(frames[:n_learn], f"learn {windows_in(CONFIG, n_learn) - 40}")
    recording.add(frames[n_learn:], "~watch")
    run = run_one(Session("fleet", CONFIG, recording), "fixed", interpreter())
    first = len(run.scores) - (n - n_learn)  # of the window that ends with the first row watched

    def hours(starts: list[int], of: np.ndarray) -> np.ndarray:
        return np.stack([of[first + start - n_learn :][:HOUR] for start in starts])

    normal = [n_learn + i * HOUR for i in range(1, n_hours)]
    strange = [start + i * HOUR for start in faults for i in (1, 2)]
    return Recorded(
        int(run.thresholds[-1]),
        hours(normal, run.scores), hours(normal, run.alarm), hours(strange, run.scores),
        hours(strange, run.alarm),
    )  # fmt: skip


@dataclass
class BoardDays:
    """The rows of one board by column, its events by column, and what is true of it: (from,
    until, label).
    """

    board: str
    windows: dict[str, np.ndarray]
    events: dict[str, Any]
    spans: list[tuple[str, str, str]]


def board_days(number: int, n_days: int, of: Recorded, seed: int) -> BoardDays:
    """Return what board `number` logged in so many days."""
    random = np.random.default_rng((seed, number))
    board = f"pump{number:04d}-{random.integers(1 << 48):012x}"
    offset = int(random.normal(0, OFFSET)) + (OFFSET_OUT if random.random() < STANDS_OUT else 0)
    picks = random.integers(0, len(of.normal), n_days * 24)
    scores, alarm = (
        of.normal[picks].reshape(-1).astype(np.int32),
        of.normal_alarm[picks].reshape(-1).copy(),
    )
    strange = []
    minute = np.datetime64(FIRST_DAY.isoformat(), "s") + np.arange(n_days * DAY) * np.timedelta64(
        60, "s"
    )
    if random.random() < FAULTY:
        start, n = (
            int(random.integers(24, n_days * 24 - 12)) if n_days > 1 else 6,
            int(random.integers(2, 12)),
        )
        chosen = random.integers(0, len(of.fault), n)
        rows = slice(start * HOUR, (start + n) * HOUR)
        scores[rows], alarm[rows] = of.fault[chosen].reshape(-1), of.fault_alarm[chosen].reshape(-1)
        strange.append((rows.start, rows.stop))
    scores = (scores + offset).clip(-8191, 32766)
    alarm |= scores >= of.threshold
    here = np.repeat(random.random(n_days) >= MISSING, DAY)
    here[:DAY] = True
    resets = np.zeros(n_days * DAY, bool)
    resets[0] = True
    for day in np.flatnonzero(random.random(n_days) < RESETS):
        resets[day * DAY + int(random.integers(1, DAY))] = True
    resets &= here
    boot = np.cumsum(resets)
    since = np.arange(len(boot)) - np.flatnonzero(resets)[boot - 1]
    columns = {
        "time_utc": minute, "boot": boot.astype(np.int32), "window_index": since.astype(np.int64),
        "ticks_ms": since.astype(np.int64) * 60000, "seq": np.arange(len(boot), dtype=np.int64) * 2,
        "score": scores / wire.SCORE_ONE, "alarm": alarm,
    }  # fmt: skip
    columns = {name: values[here] for name, values in columns.items()}
    columns["threshold"] = np.full(int(here.sum()), of.threshold / wire.SCORE_ONE)
    edges = [0, *(edge for span in strange for edge in span), len(minute)]
    spans = [
        (str(minute[a]), str(minute[b - 1]), FAULT if (a, b) in strange else NORMAL)
        for a, b in pairwise(edges)
    ]
    return BoardDays(board, columns, _events(columns), spans)


def _events(columns: dict[str, np.ndarray]) -> dict[str, Any]:
    boot, alarm = columns["boot"], columns["alarm"]
    started = np.flatnonzero(np.diff(boot, prepend=0))
    edge = alarm & (~np.concatenate([[False], alarm[:-1]]) | np.isin(np.arange(len(boot)), started))
    rows = []
    for i in sorted({*started.tolist(), *np.flatnonzero(edge).tolist()}):
        at = {
            name: columns[name][i].item()
            for name in ("boot", "ticks_ms", "window_index", "score", "threshold")
        }
        at = {
            **at,
            "journal": 1,
            "seq": columns["seq"][i].item(),
            "time_utc": columns["time_utc"][i],
            "label": None,
        }
        if i in started:
            facts = {
                "version": "0.1.0",
                "board": CONFIG["board"],
                "boot": at["boot"],
                "config": CONFIG,
            }
            nothing = {"window_index": None, "score": None, "threshold": None}
            rows.append({**at, **nothing, "event": "boot", "facts": json.dumps(facts)})
        if edge[i]:
            facts = {"event": "alarm", "window": at["window_index"], "strangest": [["c0.mean", 60]]}
            rows.append({**at, "seq": at["seq"] + 1, "event": "alarm", "facts": json.dumps(facts)})
    out: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    out["time_utc"] = np.array(out["time_utc"])
    return out


def write(
    folder: Path, n_boards: int, n_days: int, of: Recorded, seed: int = 1, first: int = 0
) -> int:
    """Write the tables of n_boards boards from `first` on, and append to labels.csv.

    Returns the rows of windows.
    """
    n_rows, spans = 0, []
    for number in range(first, first + n_boards):
        days = board_days(number, n_days, of, seed)
        n = len(days.windows["boot"])
        same = {
            "journal": np.ones(n, np.int16),
            "hop_s": np.full(n, 60.0),
            "state": ["watch"] * n,
            "label": [None] * n,
        }
        _write_days(folder, "windows", days.board, {**days.windows, **same})
        _write_days(folder, "events", days.board, days.events)
        n_rows += n
        spans += [(days.board, *span) for span in days.spans]
    labels = folder / "labels.csv"
    with open(labels, "a", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        if not labels.stat().st_size:
            rows.writerow(["board", "from_utc", "until_utc", "label"])
        rows.writerows(spans)
    return n_rows


def _write_days(folder: Path, table: str, board: str, columns: dict[str, Any]) -> None:
    # by pyarrow: a file a day of a thousand boards, 60,000 of them, takes DuckDB ten minutes
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        "SMALLINT": pa.int16(), "INTEGER": pa.int32(), "BIGINT": pa.int64(),
        "TIMESTAMP": pa.timestamp("us"), "DOUBLE": pa.float64(), "BOOLEAN": pa.bool_(),
        "VARCHAR": pa.string(),
    }  # fmt: skip
    fields = [pa.field(column.name, types[column.type]) for column in tables.TABLES[table]]
    schema = pa.schema(fields, metadata={tables.SCHEMA_KEY: str(tables.SCHEMA)})
    rows = pa.table(
        {field.name: pa.array(columns[field.name], field.type) for field in fields}, schema=schema
    )
    day = columns["time_utc"].astype("datetime64[D]")
    edges = [0, *(np.flatnonzero(np.diff(day.astype(np.int64))) + 1).tolist(), len(day)]
    for start, end in pairwise(edges):
        some = rows.slice(start, end - start)
        file = tables.part_file(
            folder, table, board, str(day[start]), f"1-{some['seq'][0]}-{some['seq'][-1]}"
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(some, file, compression="zstd")
