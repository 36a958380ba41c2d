"""Columns of times for the property test: each as some logger or spreadsheet writes them, with what
it says.
"""

import datetime
from collections.abc import Callable
from dataclasses import dataclass

START = datetime.datetime(2026, 3, 4, 10, 0, tzinfo=datetime.UTC)
MIDNIGHT = datetime.datetime(2026, 3, 4, 23, 59, 59, tzinfo=datetime.UTC)
LATE = datetime.datetime(2026, 3, 13, 10, 0, 57, tzinfo=datetime.UTC)
AUTUMN = datetime.datetime(2026, 10, 25, 2, 59, 59, tzinfo=datetime.UTC)
DAY_S = 86400


@dataclass(frozen=True)
class Written:
    """How times are written. name, unit: of the column; cell: of (seconds, row, start).

    says: "rate", or "none" where it counts rows; start: whether the day is said; needs_unit: it is
    read right by its unit alone.
    """

    name: str
    unit: str
    cell: Callable[[float, int, datetime.datetime], str]
    says: str = "rate"
    start: bool = False
    needs_unit: bool = False
    starts: tuple[datetime.datetime, ...] = (START,)


def _at(form: str, digits: int = 3) -> Callable[[float, int, datetime.datetime], str]:
    def cell(seconds: float, _row: int, start: datetime.datetime) -> str:
        shown = (start + datetime.timedelta(seconds=round(seconds, 4))).strftime(form)
        return shown[: len(shown) - 6 + digits] if form.endswith("%f") else shown

    return cell


def _epoch(factor: int) -> Callable[[float, int, datetime.datetime], str]:
    return lambda s, i, start: str(round(start.timestamp()) * factor + round(s * factor))


def _days(zero: float, digits: int) -> Callable[[float, int, datetime.datetime], str]:
    return lambda s, i, start: f"{(start.timestamp() + s) / DAY_S + zero:.{digits}f}"


def _autumn(seconds: float, row: int, start: datetime.datetime) -> str:
    """Return the time of a clock that is put back from three to two."""
    back_s = 3600 if seconds >= 1 - 1e-9 else 0
    return _at("%Y-%m-%d %H:%M:%S.%f")(seconds - back_s, row, start)


TIMES = {
    "none": Written("", "", lambda s, i, start: "", "none"),
    "s": Written("Zeit", "s", lambda s, i, start: f"{s:.4f}"),
    "ms": Written("timestamp", "ms", lambda s, i, start: f"{round(1000 * s)}"),
    "min": Written("time", "min", lambda s, i, start: f"{s / 60:.8f}", needs_unit=True),
    "h": Written("Time", "h", lambda s, i, start: f"{s / 3600:.10f}", needs_unit=True),
    "us": Written("time", "us", lambda s, i, start: f"{round(1e6 * s)}", needs_unit=True),
    "iso": Written("time", "", _at("%Y-%m-%d %H:%M:%S.%f"), start=True),
    "zone": Written(
        "when",
        "",
        lambda s, i, start: _at("%Y-%m-%dT%H:%M:%S.%f")(s + 7200, i, start) + "+02:00",
        start=True,
    ),
    "compact": Written("time", "", _at("%Y%m%dT%H%M%S.%f"), start=True, starts=(START, LATE)),
    "epoch_ms": Written("timestamp", "", _epoch(1000), start=True),
    "epoch_s": Written("time", "", lambda s, i, start: f"{start.timestamp() + s:.4f}", start=True),
    "epoch_us": Written("timestamp", "", _epoch(1_000_000), start=True),
    "epoch_ns": Written("time", "", _epoch(1_000_000_000), start=True),
    "ticks": Written(
        "Ticks",
        "",
        lambda s, i, start: str(
            621_355_968_000_000_000 + round(start.timestamp()) * 10_000_000 + round(s * 1e7)
        ),
        start=True,
    ),
    "spreadsheet": Written("Datum", "", _days(25_569, 10), start=True),
    "datenum": Written("datenum", "", _days(719_529, 9), start=True),
    "nmea": Written("utc", "", _at("%H%M%S.%f"), starts=(LATE, START)),
    "german": Written("Datum", "", _at("%d.%m.%Y %H:%M:%S,%f"), start=True),
    "day/month": Written(
        "date", "", _at("%d/%m/%Y %H:%M:%S.%f"), start=True, starts=(START, MIDNIGHT, LATE)
    ),
    "month/day": Written(
        "date", "", _at("%m/%d/%Y %H:%M:%S.%f"), start=True, starts=(START, MIDNIGHT, LATE)
    ),
    "autumn": Written("time", "", _autumn, start=True, starts=(AUTUMN,)),
    "index": Written("", "", lambda s, i, start: str(i), "none"),
    "count": Written("sample", "", lambda s, i, start: str(i), "none"),
    "tens": Written("index", "", lambda s, i, start: str(10 * i), "none"),
    "byte": Written("counter", "", lambda s, i, start: str(i % 256), "none"),
}
