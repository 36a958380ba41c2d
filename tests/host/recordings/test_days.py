"""Stamps without a zone: clocks that are put, days that may be months."""

import datetime
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from nearhum_host.errors import HostError
from nearhum_host.recordings.labels_file import label_readings, read_spans
from nearhum_host.recordings.reader import read, read_all
from nearhum_host.recordings.reading import Reading
from nearhum_host.recordings.tables.meaning import Named
from times_written import XYZ, rows_of, start_of

# ---- clocks that are put -------------------------------------------------------------------------


def local(times: Sequence[float], day: str = "2026-10-25") -> list[str]:
    zero = np.datetime64(day, "ms")
    return [str(zero + np.timedelta64(round(s * 1000), "ms")).replace("T", " ") for s in times]


def test_an_hour_that_comes_twice_in_turn(tmp_path: Path) -> None:
    at = [10_000 + i / 10 for i in range(8000)] + [7200 + i / 10 for i in range(8000)]
    found = read(rows_of(tmp_path / "a.csv", "time", local(at)))
    assert ([s.n for s in found.stretches], found.rate_hz) == ([16_000], 10)
    assert "put back an hour after 2026-10-25 02:59:59: read as going on" in found.taken
    np.testing.assert_allclose(np.concatenate(list(found.column(0)))[8000:8400], XYZ[:, 0])
    hourly = local([3600 * h for h in (0, 1, 2, 2, *range(3, 30))])
    found = read(rows_of(tmp_path / "a.csv", "time", hourly))
    assert found.rate_hz == pytest.approx(1 / 3600, rel=1e-3)


@pytest.mark.parametrize("later", [0.0, 0.05])
def test_an_hour_that_comes_twice_mixed(tmp_path: Path, later: float) -> None:
    at = sorted([6000 + i / 2 for i in range(9600)] + [7200 + later + i / 2 for i in range(9000)])
    with pytest.raises(HostError, match=r"'time': an hour of its night stands twice") as caught:
        read(rows_of(tmp_path / "a.csv", "time", local(at)))
    assert "in UTC or with their zone" in caught.value.hint
    part = sorted([9000 + i for i in range(1800)] + [7200 + later + i for i in range(2700)])
    with pytest.raises(HostError, match=r"stands twice, mixed: .*, from 2026-10-25 02:30"):
        read(rows_of(tmp_path / "a.csv", "time", local(part)))
    found = read(rows_of(tmp_path / "a.csv", "time", local(at, "2026-10-20")))
    assert found.n_frames == len(at)  # on a Tuesday a denser hour is one


def test_an_hour_that_is_missing_in_spring(tmp_path: Path) -> None:
    at = [7100 + i / 10 + (3600 if i >= 1000 else 0) for i in range(3000)]
    for day, n in (("2026-03-29", 1), ("2026-03-28", 2)):
        found = read(rows_of(tmp_path / "a.csv", "time", local(at, day)))
        assert len(found.stretches) == n
        assert ("put forward an hour" in found.taken) == (n == 1)


# ---- days ----------------------------------------------------------------------------------------


def slashes(tmp_path: Path, form: str, day: datetime.datetime, n: int = 400) -> Reading:
    at = [f"{day + datetime.timedelta(seconds=i / 50):{form} %H:%M:%S.%f}"[:-3] for i in range(n)]
    return read(rows_of(tmp_path / "a.csv", "time", at))


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y"])
def test_day_or_month_first(tmp_path: Path, form: str) -> None:
    for day in (datetime.datetime(2026, 3, 13, 9), datetime.datetime(2026, 3, 2, 23, 59, 57)):
        found = slashes(tmp_path, form, day)
        assert start_of(found)[:19] == day.isoformat()
        assert ("for so they go on evenly" in found.taken) == (day.day == 2)
    found = slashes(tmp_path, form, datetime.datetime(2026, 3, 2, 9))
    assert (found.rate_hz, start_of(found)) == (50, "")
    assert "may have the day or the month first and is left open" in found.taken
    assert start_of(slashes(tmp_path, form, datetime.datetime(2026, 3, 3, 9)))[:10] == "2026-03-03"


def test_a_day_that_is_told_late_in_the_file(tmp_path: Path) -> None:
    begin = datetime.datetime(2026, 3, 12, 14)
    at = [f"{begin + datetime.timedelta(seconds=i):%d/%m/%Y %H:%M:%S}" for i in range(40_000)]
    found = read(rows_of(tmp_path / "a.csv", "time", at))
    assert (start_of(found)[:19], found.rate_hz) == ("2026-03-12T14:00:00", 1)
    assert len(found.stretches) == 1


def test_days_of_labels(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text("from,until,label\n02/03/2026 10:00,02/03/2026 11:00,a\n")
    with pytest.raises(HostError, match=r"line 2: '02/03/2026 10:00' may have the day"):
        read_spans(path)
    path.write_text("from,until,label\n02/03/2026 10:00,13/03/2026 11:00,a\n")
    assert read_spans(path)[0][0] == 1772445600 * 10**9


# ---- what the user says --------------------------------------------------------------------------


def same_day(tmp_path: Path, form: str = "02/03/2026") -> Path:
    at = [f"{form} 09:00:{i // 50:02d}.{i % 50 * 20:03d}" for i in range(400)]
    return rows_of(tmp_path / "a.csv", "time", at)


@pytest.mark.parametrize(("day_first", "month"), [(True, 3), (False, 2)])
def test_the_user_says_which_is_first(tmp_path: Path, day_first: bool, month: int) -> None:
    option = "--day-first" if day_first else "--month-first"
    path = same_day(tmp_path)
    assert "--day-first or --month-first says it" in read(path).taken
    found = read(path, Named(day_first=day_first))
    assert start_of(found)[:19] == f"2026-{month:02d}-0{5 - month}T09:00:00"
    which = "day" if day_first else "month"
    assert f"dates as 02/03/2026 09:00:00.000 have the {which} first, as was said" in found.taken
    # neither is a date that says it itself overruled, nor one that cannot be meant in two ways
    other = same_day(tmp_path, "03/13/2026" if day_first else "13/03/2026")
    with pytest.raises(HostError, match=f"and {option} was given"):
        read(other, Named(day_first=day_first))
    same = same_day(tmp_path, "13/03/2026" if day_first else "03/13/2026")
    assert start_of(read(same, Named(day_first=day_first)))[:10] == "2026-03-13"
    iso = same_day(tmp_path, "2026-03-02")
    assert start_of(read(iso, Named(day_first=day_first)))[:10] == "2026-03-02"


def test_it_overrules_what_was_guessed(tmp_path: Path) -> None:
    begin = datetime.datetime(2026, 3, 2, 23, 59, 57)
    at = [f"{begin + datetime.timedelta(seconds=i):%d/%m/%Y %H:%M:%S}" for i in range(9)]
    path = rows_of(tmp_path / "a.csv", "time", at)
    assert "have the day first, for so they go on evenly; --month-first says" in read(path).taken
    found = read(path, Named(day_first=False))
    assert start_of(found)[:10] == "2026-02-03"
    assert len(read(path).stretches) < len(found.stretches)  # a month of it is missing


def test_dates_of_labels_by_the_option(tmp_path: Path) -> None:
    at = [f"2026-03-02 09:00:{i // 50:02d}.{i % 50 * 20:03d}" for i in range(400)]
    readings = read_all([rows_of(tmp_path / "a.csv", "time", at)])
    path = tmp_path / "l.csv"
    path.write_text("from,until,label\n02/03/2026 09:00:02,02/03/2026 09:00:04,a\n")
    with pytest.raises(HostError, match="may have the day") as refused:
        label_readings(path, readings)
    assert "say which with --day-first or --month-first" in refused.value.hint
    label_readings(path, readings, day_first=True)
    assert readings[0].stretches[0].labels == [
        (0, 100, "normal"), (100, 200, "a"), (200, 400, "normal"),
    ]  # fmt: skip
    with pytest.raises(HostError, match="no row of the recording lies in a span"):
        label_readings(path, readings, day_first=False)
