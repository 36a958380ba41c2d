"""Convert the new records of a board's log into files of the tables (`tables`).

Enters: a log. Leaves: new files, one for each day, and `tabled/BOARD.json`, a note of what has been
written. The tables can always be made again from the log, so a crash or a damaged file loses
nothing:

1. Files are written first, then the note. Files without a note are left over from a crash and are
   removed.
2. If a noted file is missing, because it was damaged and a person removed it, all files of that
   journal are written again.
"""

from __future__ import annotations

import contextlib
import datetime
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from nearhum import wire

from ..errors import HostError
from . import tables
from .decoding import Event, Scores, decoded, slices
from .log_file import Log
from .traces import NO_THRESHOLD, alarm_by_window, place

FORMAT = 1
SLICE_WINDOWS = 1 << 20  # tabled at once: 300 MB of memory
MAX_DAYS = 4000  # eleven years
_FREE_DAYS = 366  # beyond one a record: where a window is an hour, a record has days of them


@dataclass
class Noted:
    """What has been written of one journal.

    next_seq: the first record that has not been written. parts: paths of files in the folder.
    """

    next_seq: int = 0
    parts: list[str] = field(default_factory=list)


def note_file(folder: Path, board: str) -> Path:
    """Return the path of a board's note."""
    return folder / "tabled" / f"{board}.json"


def noted(folder: Path, board: str) -> dict[str, Noted]:
    """Read a board's note, by journal.

    A missing or damaged note counts as empty, and everything is written again. Raises HostError if
    the note has another format.
    """
    try:
        kept = json.loads(note_file(folder, board).read_text(encoding="utf-8"))
        if kept["format"] != FORMAT:
            raise HostError(
                f"{note_file(folder, board)} has format {kept['format']}, this nearhum reads"
                f" {FORMAT}",
                "update nearhum, or pull into a new folder",
            )
        return {
            number: Noted(int(n["next_seq"]), list(n["parts"]))
            for number, n in kept["journals"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def tabulate(folder: Path, board: str, journal: int, log: Log) -> int:
    """Write the records of a log that the tables in a folder do not have yet.

    Returns the number of windows written. Raises HostError if a file cannot be written, FormatError
    if the content of a record is invalid.
    """
    all_noted = noted(folder, board)
    here = all_noted.get(str(journal), Noted())
    if any(not (folder / part).is_file() for part in here.parts):
        here = Noted()
    _remove_unnoted(folder, board, journal, here)
    next_seq = log.records[-1].seq + 1 if log.records else 0
    if next_seq <= here.next_seq:
        return 0
    n_windows, all_days = 0, set[str]()
    with duckdb.connect() as connection:
        for first, until in slices(log, here.next_seq, SLICE_WINDOWS):
            scores, events = decoded(log, first, until)
            name = f"{journal}-{first:08d}-{until - 1:08d}"
            for table, rows in (("windows", _windows(scores, events)), ("events", _events(events))):
                rows["journal"] = np.full(len(rows["seq"]), journal)
                connection.execute(
                    "CREATE OR REPLACE TEMP TABLE given AS SELECT * FROM rows"
                    f" WHERE seq >= {first} AND seq < {until}"
                )
                count, days = _by_day(connection)
                n_windows += count if table == "windows" else 0
                all_days |= set(days)
                _check_days(len(all_days), log, board)
                for day in days:
                    part = tables.part_file(folder, table, board, day, name)
                    rows_of = f"SELECT * FROM dated WHERE day = '{day}'"
                    tables.write_part(connection, rows_of, table, part)
                    here.parts.append(part.relative_to(folder).as_posix())
    here.next_seq = next_seq
    all_noted[str(journal)] = here
    _write_note(folder, board, all_noted)
    return n_windows


def _check_days(n: int, log: Log, board: str) -> None:
    """Raise HostError where a log has more days than a board that runs can have logged: each is a
    file or two, and a lying board could ask for any number of them.
    """
    most = min(MAX_DAYS, _FREE_DAYS + len(log.records))
    if n > most:
        raise HostError(
            f"the log of {board} names more than {most} days in {len(log.records)} records: no"
            " board has run so",
            "its log is kept; `nearhum report` shows it, and takes no file a day",
        )


def _by_day(connection: duckdb.DuckDBPyConnection) -> tuple[int, list[str]]:
    """Make the table `dated` from `given`: UTC as a timestamp, NaN as NULL, and a column day.

    Returns (number of rows, days as text).
    """
    today = datetime.datetime.now(datetime.UTC).date()
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE dated AS
            SELECT * REPLACE (CASE WHEN isnan(score) THEN NULL ELSE score END AS score,
                              CASE WHEN isnan(threshold) THEN NULL ELSE threshold END AS threshold),
                   CASE WHEN isnan(utc) THEN NULL
                        ELSE make_timestamp(CAST(round(utc * 1e6) AS BIGINT)) END AS time_utc,
                   coalesce(CAST(time_utc AS DATE), DATE '{today}') AS day
            FROM given""")
    days = connection.execute(
        "SELECT DISTINCT CAST(day AS VARCHAR) FROM dated ORDER BY 1"
    ).fetchall()
    (count,) = connection.execute("SELECT count(*) FROM dated").fetchone() or (0,)
    return int(count), [day for (day,) in days]


def _windows(scores: Scores, events: list[Event]) -> dict[str, np.ndarray]:
    windows, boot_of = np.array(scores.windows, np.int64), np.array(scores.boots, np.int64)
    raw, limits = np.array(scores.scores, np.int16), np.array(scores.thresholds, np.int16)
    states = np.array(scores.states, np.uint8)
    names = np.array([None, *scores.names[1:]], dtype=object)
    numbers, hops = _of_boots(events, int(boot_of.max()) if len(boot_of) else 0)
    placed = [(place(event, windows, boot_of), event) for event in events]
    return {
        "boot": numbers[boot_of],
        "seq": np.array(scores.seqs, np.int64),
        "utc": np.array(scores.utc, float),
        "ticks_ms": np.array(scores.ticks_ms, np.int64),
        "window_index": windows,
        "hop_s": hops[boot_of],
        "score": _octaves(raw, wire.NO_SCORE),
        "threshold": _octaves(limits, NO_THRESHOLD),
        "state": np.array(wire.STATE_NAMES, dtype=object)[states],
        "alarm": alarm_by_window(placed, states),
        "label": names[np.array(scores.labels, np.int64)],
    }


def _events(events: list[Event]) -> dict[str, np.ndarray]:
    numbers, _ = _of_boots(events, max((event.boot for event in events), default=0))
    window = [event.what.get("window") for event in events]
    label = [event.what.get("label") for event in events]
    octaves = {
        key: np.array([_octave(event.what.get(key)) for event in events], float)
        for key in ("score", "threshold")
    }
    return {
        "boot": numbers[[event.boot for event in events]] if events else numbers[:0],
        "seq": np.array([event.seq for event in events], np.int64),
        "utc": np.array([event.utc for event in events], float),
        "ticks_ms": np.array([event.ticks_ms for event in events], np.int64),
        "window_index": np.array(
            [str(w) if isinstance(w, int) else None for w in window], dtype=object
        ),
        **octaves,
        "event": np.array([event.name for event in events], dtype=object),
        "label": np.array(
            [some if isinstance(some, str) else None for some in label], dtype=object
        ),
        "facts": np.array(
            [json.dumps(event.what, ensure_ascii=False) for event in events], dtype=object
        ),
    }


def _of_boots(events: list[Event], last: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (the board's own boot number, interval of windows in seconds) by boot of the log.

    The interval is NaN where it is unknown.
    """
    numbers, hops = np.arange(last + 1), np.full(last + 1, np.nan)
    for event in events:
        if event.name == "boot" and event.boot <= last:
            number, config = event.what.get("boot"), event.what.get("config")
            if isinstance(number, int):
                numbers[event.boot] = number
            with contextlib.suppress(TypeError, KeyError, ValueError, ZeroDivisionError):
                hops[event.boot] = float(config["n_hop"]) / float(config["rate_hz"])  # type: ignore[index]
    return numbers, hops


def _octaves(q8: np.ndarray, none: int) -> np.ndarray:
    return np.where(q8 == none, np.nan, q8 / wire.OCTAVE_Q8)


def _octave(q8: Any) -> float:
    known = isinstance(q8, int) and q8 not in (wire.NO_SCORE, NO_THRESHOLD)
    return q8 / wire.OCTAVE_Q8 if known else float("nan")


def _remove_unnoted(folder: Path, board: str, journal: int, here: Noted) -> None:
    known = set(here.parts)
    for table in tables.TABLES:
        for part in (folder / table / f"board={board}").glob(f"day=*/{journal}-*"):
            if part.relative_to(folder).as_posix() not in known:
                part.unlink(missing_ok=True)


def _write_note(folder: Path, board: str, journals: dict[str, Noted]) -> None:
    file = note_file(folder, board)
    half = file.with_suffix(".new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        kept = {
            "format": FORMAT,
            "journals": {number: vars(one) for number, one in journals.items()},
        }
        half.write_text(json.dumps(kept), encoding="utf-8")
        half.replace(file)
    except OSError as error:
        raise HostError(
            f"cannot write {file}: {error.strerror}", "make room or choose another place"
        ) from None
