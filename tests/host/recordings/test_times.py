"""Times as loggers write them: unit by name and by size, counts, clocks that are put, days."""

import datetime
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from nearhum_host.errors import HostError
from nearhum_host.recordings.reader import read
from nearhum_host.recordings.reading import Reading
from nearhum_host.recordings.tables.meaning import Named
from times_written import XYZ, rows_of, start_of

START = datetime.datetime(2026, 3, 4, 10, 0, 57)
S_START = int(START.replace(tzinfo=datetime.UTC).timestamp())
DAY_S = 86400
GUESS = "is a guess; where it is wrong, give it with --rate HZ"
NO_RATE = "say no rate: give it with --rate HZ"


def read_times(tmp_path: Path, name: str, cell: Callable[[float], object], n: int = 400) -> Reading:
    """Return the reading of 50 Hz under a column of times. cell: of the seconds since its start."""
    return read(rows_of(tmp_path / "a.csv", name, [cell(i / 50) for i in range(n)]))


# ---- units ---------------------------------------------------------------------------------------

BY_NAME = {
    1 / 60: ("time_min", "t [min]", "Zeit in min", "t/min", "minutes", "elapsed time (minutes)"),
    1 / 3600: ("time_h", "hours", "Laufzeit (h)", "t / h"),
    1 / DAY_S: ("time_d", "days"),
    1.0: ("seconds_elapsed", "Time (s)", "t[s]", "TimeSec", "temps (secondes)"),
    1e3: ("time (ms)", "millis", "timeMs", "ms", "t_ms", "elapsedMillis", "Time, ms"),
    1e6: ("timestamp_us", "micros", "timestampUs", "time [µs]", "micros()"),
    1e9: ("timestamp [ns]", "#timestamp [ns]", "time_ns"),
}


@pytest.mark.parametrize("factor", BY_NAME)
def test_the_name_says_the_unit(tmp_path: Path, factor: float) -> None:
    form = "{:.0f}" if factor > 1 else "{:.12f}"
    for name in BY_NAME[factor]:
        found = read_times(tmp_path, f'"{name}"', lambda s: form.format(s * factor + 3 * factor))
        assert (found.rate_hz, found.names) == (50, ["x", "y", "z"]), name
        assert GUESS not in found.taken


def test_a_short_unit_without_a_time_is_none(tmp_path: Path) -> None:
    for name in ("acc_min", "min", "flow_h", "T_C", "h"):
        path = tmp_path / "a.csv"
        warm = np.sort(XYZ[:, 0])
        path.write_text("\n".join([f"t_ms,{name}", *(f"{20 * i},{v}" for i, v in enumerate(warm))]))
        assert read(path).names == [name]


def test_a_row_of_units_says_it(tmp_path: Path) -> None:
    some = [f"{i / 3000:.9f}\t{row[0]}\t{row[1]}\tok" for i, row in enumerate(XYZ)]
    (tmp_path / "a.csv").write_text("\n".join(["Time\tx\ty\tlabel", "min\tg\tmg\t", *some]))
    found = read(tmp_path / "a.csv")
    assert (found.rate_hz, found.units) == (50, ["g", "mg"])


SIZES = {
    "spreadsheet": ("date", lambda s: f"{25_569 + (S_START + s) / DAY_S:.10f}"),
    "spreadsheet_under_time": ("time", lambda s: f"{25_569 + (S_START + s) / DAY_S:.10f}"),
    "datenum": ("t", lambda s: f"{719_529 + (S_START + s) / DAY_S:.10f}"),
    "julian": ("JD", lambda s: f"{2_440_587.5 + (S_START + s) / DAY_S:.9f}"),
    "net_ticks": ("Timestamp", lambda s: 621_355_968 * 10**9 + round((S_START + s) * 10**7)),
    "file_time": ("Timestamp", lambda s: 116_444_736 * 10**9 + round((S_START + s) * 10**7)),
    "epoch_s": ("time", lambda s: f"{S_START + s:.3f}"),
    "epoch_ms": ("ts", lambda s: round((S_START + s) * 1000)),
    "epoch_us": ("time", lambda s: S_START * 10**6 + round(s * 10**6)),
    "epoch_ns": ("time", lambda s: S_START * 10**9 + round(s * 10**9)),
    "compact": ("time", lambda s: f"{START + datetime.timedelta(seconds=s):%Y%m%d%H%M%S.%f}"),
    "compact_ms": (
        "time",
        lambda s: f"{START + datetime.timedelta(seconds=s):%Y%m%d%H%M%S%f}"[:17],
    ),
    "compact_iso": ("time", lambda s: f"{START + datetime.timedelta(seconds=s):%Y%m%dT%H%M%S.%f}"),
    "month_by_name": (
        "Time",
        lambda s: f"{START + datetime.timedelta(seconds=s):%d-%b-%Y %H:%M:%S.%f}"[:-3],
    ),
    "two_digits": ("t", lambda s: f"{START + datetime.timedelta(seconds=s):%d.%m.%y %H:%M:%S.%f}"),
}


@pytest.mark.parametrize("form", SIZES)
def test_the_size_says_unit_and_start(tmp_path: Path, form: str) -> None:
    found = read_times(tmp_path, *SIZES[form])
    assert found.rate_hz == pytest.approx(50, rel=1e-3)
    assert found.names == ["x", "y", "z"]
    assert len(found.stretches) == 1
    assert start_of(found)[:21] in ("2026-03-04T10:00:57.0", "2026-03-04T10:00:56.9")
    assert GUESS not in found.taken


def test_hours_minutes_and_seconds_in_one_number(tmp_path: Path) -> None:
    """Of GPS receivers: the step over a whole minute is 40 more."""
    for name in ("utc", "time"):
        found = read_times(
            tmp_path, name, lambda s: f"{START + datetime.timedelta(seconds=s):%H%M%S.%f}"
        )
        assert (found.rate_hz, len(found.stretches)) == (50, 1)
        assert "taken for hours, minutes and seconds, as 101530" in found.taken
    late = datetime.datetime(2026, 3, 4, 23, 59, 57)
    found = read_times(
        tmp_path, "utc", lambda s: f"{late + datetime.timedelta(seconds=s):%H%M%S.%f}"
    )
    assert (found.rate_hz, len(found.stretches)) == (50, 1)


def test_clocks_as_whole_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    seconds = [36_000 + i // 50 for i in range(6000)]
    clock = [f"{s // 3600}{s % 3600 // 60:02}{s % 60:02}" for s in seconds]
    found = read(rows_of(path, "Date,Time", [f"20260304,{cell}" for cell in clock]))
    assert (found.rate_hz, len(found.stretches)) == (50, 1)
    assert "column 'Date' is left out: the same in all rows" in found.taken
    days = [datetime.date(2026, 1, 1) + datetime.timedelta(days=i) for i in range(400)]
    found = read(rows_of(path, "date", [f"{day:%Y%m%d}" for day in days]))
    assert found.rate_hz == pytest.approx(1 / DAY_S, rel=1e-3)
    assert (start_of(found)[:10], len(found.stretches)) == ("2026-01-01", 1)


def test_a_start_that_may_be_two_is_left_open(tmp_path: Path) -> None:
    for zero, says in ((3_855_500_000, "1904 or 1900"), (794_000_000, "1970 or 2001")):
        found = read_times(tmp_path, "timestamp", lambda s, zero=zero: f"{zero + s:.3f}")
        assert (found.rate_hz, start_of(found)) == (50, "")
        assert says in found.taken


def test_an_uptime_is_no_epoch(tmp_path: Path) -> None:
    """micros() passes 1.7e9 after 28 minutes, nanoseconds since the start 1.7e12."""
    for zero, step in ((1_700_000_000, 20_000), (1_700_000_000_000, 20_000_000)):
        found = read_times(
            tmp_path, "timestamp", lambda s, zero=zero, step=step: zero + round(50 * s) * step
        )
        assert (found.rate_hz, start_of(found)) == (None, "")
        assert NO_RATE in found.taken
        assert read(tmp_path / "a.csv", rate_hz=50).rate_hz == 50


def test_a_guess_is_said_and_what_is_not_known(tmp_path: Path) -> None:
    found = read_times(tmp_path, "time", lambda s: f"{s:.2f}")
    assert found.rate_hz == 50
    assert f"its steps of 0.02 are taken for s, so 50 Hz {GUESS}" in found.taken
    for name, factor in (("time", 1e6), ("time", 50), ("time (ticks)", 1000), ("t (m)", 1)):
        found = read_times(tmp_path, name, lambda s, factor=factor: f"{s * factor:g}")
        assert found.rate_hz is None, name
        assert NO_RATE in found.taken
        assert found.names == ["x", "y", "z"]


def test_a_size_that_contradicts_the_name(tmp_path: Path) -> None:
    for name, cell, says in (
        ("time_ms", lambda s: f"{S_START + s:.2f}", "seconds since 1970"),
        ("timestamp_s", lambda s: S_START * 1000 + round(s * 1000), "milliseconds since 1970"),
        ("Time (s)", SIZES["spreadsheet"][1], "days of a spreadsheet"),
    ):
        with pytest.raises(HostError, match=f"its numbers have the size of {says}") as caught:
            read_times(tmp_path, name, cell)
        assert caught.value.hint == "name the column by the unit that it has"
    found = read_times(tmp_path, "micros", lambda s: 1_500_000_000 + round(s * 1e6))
    assert (found.rate_hz, start_of(found)) == (50, "")


def test_days_by_the_minute_and_times_of_day_as_shares(tmp_path: Path) -> None:
    found = read_times(tmp_path, "time", lambda s: f"{46085.5 + 50 * s / 1440:.10f}")
    assert (found.rate_hz, start_of(found)) == (
        pytest.approx(1 / 60, 1e-3),
        "2026-03-04T12:00:00.000",
    )
    found = read_times(tmp_path, "time", lambda s: f"{0.41 + s / DAY_S:.12f}")
    assert found.rate_hz == 50
    assert "taken for days" in found.taken
    assert GUESS in found.taken


def test_a_warmth_beside_a_time_is_a_channel(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["t_s,T", *(f"{i},{20 + i / 100:.2f}" for i in range(99))]))
    assert (read(path).names, read(path).rate_hz) == (["T"], 1)


# ---- counts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["index", "", "n", "k", "sample", "seq_no", "PktNr", "foo"])
@pytest.mark.parametrize("step", [1, 7, 10])
def test_an_index_is_no_channel_and_no_rate(tmp_path: Path, name: str, step: int) -> None:
    found = read_times(tmp_path, name, lambda s: step * round(50 * s) + 3)
    assert (found.names, found.rate_hz) == (["x", "y", "z"], None)
    assert "counts the rows" in found.taken
    assert ("--columns" in found.taken) == (name == "foo")


def test_an_index_beside_a_time(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["t_ms,foo,x", *(f"{20 * i},{10 * i},{i % 7}" for i in range(99))]))
    found = read(path)
    assert (found.names, found.rate_hz) == (["x"], 50)
    assert "'foo' is left out: rises by 10 in every row" in found.taken
    assert read(path, Named(["foo", "x"])).names == ["foo", "x"]


def test_a_count_that_begins_again_has_no_gap(tmp_path: Path) -> None:
    for step, turn in ((1, 256), (10, 256), (1, 100), (3, 1 << 16)):
        found = read_times(
            tmp_path, "counter", lambda s, k=step, w=turn: (k * round(50 * s) + w - 30) % w
        )
        assert [stretch.n for stretch in found.stretches] == [400], (step, turn)
        assert found.names == ["x", "y", "z"]


def test_an_index_with_a_gap_has_one(tmp_path: Path) -> None:
    at = [10 * i + (5000 if i >= 100 else 0) for i in range(400)]
    found = read(rows_of(tmp_path / "a.csv", "index", at))
    assert ([s.n for s in found.stretches], found.rate_hz) == ([100, 300], None)


def test_a_first_column_without_names_is_time_or_count(tmp_path: Path) -> None:
    path = rows_of(tmp_path / "a.csv", "", [10 * i for i in range(400)], named=False)
    found = read(path)
    assert found.names == ["1", "2", "3"]
    assert GUESS in found.taken
