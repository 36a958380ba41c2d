"""Columns that are mostly empty: remarks are no labels, and one error counts the empty cells."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pytest
from nearhum_host.errors import HostError
from nearhum_host.recordings.reader import read
from nearhum_host.recordings.reading import Reading
from nearhum_host.recordings.tables.meaning import Named

N = 600


def table(folder: Path, names: str, more: Callable[[int], str]) -> Path:
    """Write a second a row with a temperature, and what else a row has."""
    rows = [f"{i},{20 + i % 7 / 10:.1f},{more(i)}" for i in range(N)]
    path = folder / "a.csv"
    path.write_text("\n".join([f"time_s,temp,{names}", *rows]) + "\n")
    return path


def labels(found: Reading) -> set[str]:
    return {label for stretch in found.stretches for _, _, label in stretch.labels}


# ---- remarks and labels --------------------------------------------------------------------------


@pytest.mark.parametrize("empty", ["", "-"])
def test_texts_in_a_few_rows_are_remarks(tmp_path: Path, empty: str) -> None:
    some = {40: "started", 300: "valve checked", 301: "again", 590: "oil"}
    path = table(tmp_path, "x1", lambda i: some.get(i, empty))
    found = read(path)
    assert (found.names, labels(found)) == (["temp"], set())
    assert "column 'x1' is left out: remarks in 4 of 600 rows; --label-column takes" in found.taken
    chosen = read(path, Named(label="x1"))
    assert labels(chosen) == {empty, *some.values()}
    assert "column 'x1' is the label" in chosen.taken


def test_texts_over_runs_of_rows_are_labels(tmp_path: Path) -> None:
    found = read(table(tmp_path, "x1", lambda i: "leak" if 200 <= i < 230 else ""))
    assert labels(found) == {"", "leak"}
    assert "column 'x1' is the label" in found.taken
    found = read(table(tmp_path, "x1", lambda i: "tap" if i % 90 == 80 else "rest"))
    assert labels(found) == {"tap", "rest"}  # every row is filled


@pytest.mark.parametrize(
    ("name", "is_label"), [("event", True), ("Fault", True), ("Bemerkung", False), ("notes", False)]
)
def test_a_name_says_it(tmp_path: Path, name: str, is_label: bool) -> None:
    single = read(table(tmp_path, name, lambda i: "knock" if i in (50, 400) else ""))
    assert (labels(single) == {"", "knock"}) == is_label
    runs = read(table(tmp_path, name, lambda i: "knock" if i > 300 else ""))
    assert (labels(runs) == {"", "knock"}) == is_label
    assert (f"column {name!r} is left out: remarks by its name" in runs.taken) != is_label


def test_a_label_by_name_goes_before_another_text(tmp_path: Path) -> None:
    found = read(table(tmp_path, "who,state", lambda i: f"{'ab'[i // 300]},{i // 200}"))
    assert labels(found) == {"0", "1", "2"}
    assert "column 'who' is left out: text; --label-column takes it as the label" in found.taken


# ---- empty cells ---------------------------------------------------------------------------------


def test_empty_cells_are_counted(tmp_path: Path) -> None:
    path = table(
        tmp_path, "p,q",
        lambda i: f"{'' if 18 <= i < 430 else 1.5 + i % 3},{'' if i in (3, 9) else i * i % 97}",
    )  # fmt: skip
    with pytest.raises(HostError) as refused:
        read(path)
    assert refused.value.message == (
        f"{path} has 412 empty cells in column 'p', first at lines 20, 21, 22; and 2 in 'q'"
    )
    assert "fill them or cut their rows, which leaves a gap in the time" in refused.value.hint
    assert "--columns" in refused.value.hint
    assert read(path, Named(["temp"])).n_frames == N
    path = table(tmp_path, "p", lambda i: "NaN" if i in (5, 7) else str(i * i % 97))
    with pytest.raises(HostError, match=r"has 2 cells 'NaN' in column 'p', first at lines 7, 9$"):
        read(path)
    path = table(tmp_path, "p", lambda i: "" if i == 5 else str(i * i % 97))
    with pytest.raises(HostError, match="line 7, column 'p': the cell is empty"):
        read(path)


def test_empty_cells_far_apart_in_a_long_file(tmp_path: Path) -> None:
    """The file is read a megabyte at a time: cells of all its parts are counted."""
    empty = {20_000, 60_000, 119_999}
    values = np.arange(120_000) * 7919 % 9973
    rows = [f"{i},{'' if i in empty else v},{v}" for i, v in enumerate(values)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["time_ms,a,b", *rows]) + "\n")
    with pytest.raises(HostError, match="has 3 empty cells in column 'a', first at lines 20002, 6"):
        read(path)


def test_empty_cells_of_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    with duckdb.connect() as db:
        db.execute(
            "COPY (SELECT i AS time_s, CASE WHEN i % 100 <> 50 THEN i * i % 97 END AS whole,"
            " CASE WHEN i < 590 THEN (i * i % 89) / 2 END::DOUBLE AS half FROM range(600) r(i))"
            f" TO '{path}' (FORMAT parquet)"
        )
    with pytest.raises(HostError) as refused:
        read(path)
    assert refused.value.message == (
        f"{path} has 6 empty cells in column 'whole', first at rows 51, 151, 251; and 10 in 'half'"
    )
