"""Generate the tables of a synthetic fleet, to test evaluation at scale.

Enters: a seed and sizes. Leaves: a folder of tables as `pull` writes them (tables.py), with one row
for each minute of a board, and labels.csv with the truth. The rows are made in three steps:

1. The firmware runs over two slow random channels. It learns, then watches normal hours, then
   hours with faults (`recorded`).
2. Each hour of a board is one of these hours, drawn at random: normal, or a fault where the board
   has one.
3. Boards differ. Each has an offset of its score, and a few have a large one. Some days are
   missing, and some boards reset.

Within an hour the rows therefore correlate as in a real log, and alarms are as frequent and as long
as the firmware's own. The rows of a board do not depend on how many other boards there are.
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

HOUR = 60  # Rows, one a minute.
DAY = 24 * HOUR
FIRST_DAY = datetime.date(2026, 1, 1)
CONFIG = {
    "board": "pump",
    "kind": "telemetry",
    "rate_hz": 0.017,
    "n_channels": 2,
}  # 0.017 Hz is a row a minute: the firmware counts rates in whole millihertz.
OFFSET = 40  # Standard deviation of the boards' offsets, octaves in Q8.
STANDS_OUT, OFFSET_OUT = 0.01, 600  # Share of boards with a large offset, its size in Q8.
FAULTY = 0.05  # Share of boards with a fault of some hours.
NORMAL, FAULT = "normal", "fault"
MISSING, RESETS = 0.01, 0.02  # Probabilities for each day of a board.


@dataclass(frozen=True)
class Recorded:
    """The firmware's scores and alarms in normal hours and in hours with a fault.

    threshold: octaves in Q8. normal, fault: (hours, HOUR) int16, octaves in Q8.
    normal_alarm, fault_alarm: (hours, HOUR) bool.
    """

    threshold: int
    normal: np.ndarray
    normal_alarm: np.ndarray
    fault: np.ndarray
    fault_alarm: np.ndarray


def recorded(seed: int = 2, n_hours: int = 200, n_faults: int = 12) -> Recorded:
    """Run the firmware over two slow random channels and return its scores by the hour.

    n_hours: normal hours. n_faults: faults of three hours, each with an hour to recover.
    """
    from ..evaluation.benchmarks.base import Session
    from ..evaluation.benchmarks.runner import run_one, windows_in
    from ..recordings.nhr import Recording
    from ..virtual.unix_port import interpreter

    random = np.random.default_rng(seed)
    n_learn, n_normal = 20 * HOUR, n_hours * HOUR
    n = n_learn + n_normal + n_faults * 4 * HOUR
    slow = np.zeros((n, 2))
    for i, step in enumerate(random.normal(0, 1, (n, 2))):
        slow[i] = 0.9 * slow[i - 1] + step if i else step
    rows = 8000 + 100 * slow + random.normal(0, 40, (n, 2))
    rows[:, 1] += 2 * (rows[:, 0] - 8000)  # The channels correlate.
    faults = []
    for k in range(n_faults):  # Three hours of a fault, then an hour of recovery.
        first = n_learn + n_normal + k * 4 * HOUR
        faults.append(first)
        rows[first : first + 3 * HOUR] += np.array([1, -1]) * (600 + 300 * (k % 4))
    frames = rows.clip(-32768, 32767).astype(np.int16)
    recording = Recording(CONFIG["rate_hz"], 2)
    recording.add(frames[:n_learn], f"learn {windows_in(CONFIG, n_learn) - 40}")
    recording.add(frames[n_learn:], "~watch")
    run = run_one(Session("fleet", CONFIG, recording), "fixed", interpreter())
    # Index of the window that ends with the first row watched.
    first = len(run.scores) - (n - n_learn)

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
    """The tables of one board by column, and the truth about it.

    spans: (first time, last time, label), UTC as ISO 8601.
    """

    board: str
    windows: dict[str, np.ndarray]
    events: dict[str, Any]
    spans: list[tuple[str, str, str]]


def board_days(number: int, n_days: int, of: Recorded, seed: int) -> BoardDays:
    """Return the log of board `number` over n_days. seed: of the whole fleet."""
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
        "score": scores / wire.OCTAVE_Q8, "alarm": alarm,
    }  # fmt: skip
    columns = {name: values[here] for name, values in columns.items()}
    columns["threshold"] = np.full(int(here.sum()), of.threshold / wire.OCTAVE_Q8)
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
    """Write the tables of boards `first` to `first + n_boards - 1`, and append to labels.csv.

    Returns the number of rows of windows.
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
    # pyarrow, because DuckDB takes ten minutes to write 60,000 files (a thousand boards by day).
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
