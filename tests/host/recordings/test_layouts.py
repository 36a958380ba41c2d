"""Tables of another layout: long ones, names that are fewer than columns, last columns, commas."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from nearhum_host.errors import HostError, UsageError
from nearhum_host.recordings.reader import read
from nearhum_host.recordings.reading import Reading
from nearhum_host.recordings.tables.meaning import Named
from nearhum_host.recordings.writers import Samples, write

XYZ = np.round(np.random.default_rng(4).normal(0, 1, (200, 3)), 4)
TURNS = [(i, k) for i in range(200) for k in range(3)]
BLOCKS = sorted(TURNS, key=lambda one: one[::-1])


def read_lines(tmp_path: Path, lines: Sequence[str], named: Named | None = None) -> Reading:
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    return read(tmp_path / "a.csv", named)


def samples(found: Reading) -> np.ndarray:
    return np.stack([np.concatenate(list(found.column(i))) for i in range(found.n_channels)], 1)


def long(order: Sequence[tuple[int, int]], head: str = "time_s,sensor,value", late: float = 0):
    cells = (f"{i / 50 + late * k:.3f},{'xyz'[k]},{XYZ[i, k]}" for i, k in order)
    return [head, *cells]


# ---- long tables ---------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [TURNS, BLOCKS], ids=["turns", "blocks"])
@pytest.mark.parametrize("late", [0, 0.002])
def test_a_value_a_row_is_put_side_by_side(tmp_path: Path, order, late: float) -> None:
    found = read_lines(tmp_path, long(order, late=late))
    assert (found.names, found.rate_hz) == (["x", "y", "z"], 50)
    np.testing.assert_allclose(samples(found), XYZ)
    assert "column 'sensor' names 3 sensors, a value a row: put side by side" in found.taken


def test_a_last_turn_that_is_cut_short(tmp_path: Path) -> None:
    found = read_lines(tmp_path, long(TURNS)[:-1])
    np.testing.assert_allclose(samples(found), XYZ[:-1])
    assert "its last turn is cut short and left out" in found.taken


def test_two_senders_as_they_come(tmp_path: Path) -> None:
    which = np.random.default_rng(2).integers(0, 2, 200)
    rows = [f"{100 * i},{('aa:bb', 'cc:dd')[which[i]]},{XYZ[i, 0]}" for i in range(200)]
    with pytest.raises(HostError, match="column 'mac' names 2 sensors"):
        read_lines(tmp_path, ["t_ms,mac,rssi", *rows])


def test_sensors_by_number_with_units_and_labels(tmp_path: Path) -> None:
    rows = [
        f"{1772618400000 + 20 * i},{k + 1},{XYZ[i, k]},{('g', '°C', 'bar')[k]},"
        f"{'idle' if i < 90 else 'run'},srv"
        for i, k in TURNS
    ]
    found = read_lines(tmp_path, ["ts,sensor_id,value,unit,label,host", *rows])
    assert found.names == ["sensor_id 1", "sensor_id 2", "sensor_id 3"]
    assert (found.units, found.rate_hz) == (["g", "°C", "bar"], 50)
    assert found.stretches[0].labels == [(0, 90, "idle"), (90, 200, "run")]
    np.testing.assert_allclose(samples(found), XYZ)


def test_two_devices_with_two_values(tmp_path: Path) -> None:
    rows = [f"{i / 50:.2f},{'AB'[k]},{XYZ[i, k]},{XYZ[i, 2]}" for i in range(200) for k in (0, 1)]
    found = read_lines(tmp_path, ["time_s,device,x,y", *rows])
    assert found.names == ["A x", "A y", "B x", "B y"]
    np.testing.assert_allclose(samples(found), XYZ[:, [0, 2, 1, 2]])


def test_a_date_and_a_time_of_day_before_a_sensor(tmp_path: Path) -> None:
    rows = [
        f"2026-03-{4 + (i >= 50):02},{'23:59:59' if i < 50 else '00:00:00'}.{20 * i % 1000:03},"
        f"{'xyz'[k]},{XYZ[i, k]}"
        for i, k in BLOCKS
        if i < 100
    ]
    found = read_lines(tmp_path, ["Date,Time,channel,value", *rows])
    assert (found.names, found.rate_hz, len(found.stretches)) == (["x", "y", "z"], 50, 1)
    np.testing.assert_allclose(samples(found), XYZ[:100])


REFUSED_LONG = {
    "one_is_missing": long([one for one in TURNS if one != (50, 1)]),
    "of_other_rates": long([(i, k) for i, k in TURNS if k == 0 or i % 2]),
    "without_times": ["sensor,value", *(f"{'xyz'[k]},{XYZ[i, k]}" for i, k in BLOCKS)],
    "under_a_name_that_says_nothing": long(BLOCKS, "time_s,was,value"),
}


@pytest.mark.parametrize("name", REFUSED_LONG)
def test_a_long_table_that_cannot_be_put_side_by_side(tmp_path: Path, name: str) -> None:
    key = REFUSED_LONG[name][0].split(",")[-2]
    with pytest.raises(HostError, match=f"column '{key}' names 3 sensors") as caught:
        read_lines(tmp_path, REFUSED_LONG[name])
    assert f"--label-column {key}" in caught.value.hint
    assert read_lines(tmp_path, REFUSED_LONG[name], Named(label=key)).names == ["value"]


def test_labels_are_no_sensors(tmp_path: Path) -> None:
    rows = [f"{i % 100 / 50:.2f},{XYZ[i, 0]},{XYZ[i, 1]},{'ab'[i // 100]}" for i in range(200)]
    found = read_lines(tmp_path, ["time_s,x,y,move", *rows])
    assert [stretch.labels for stretch in found.stretches] == [[(0, 100, "a")], [(0, 100, "b")]]
    rows = [f"{i / 50:.2f},{XYZ[i, 0]},{'on' if i % 60 < 30 else 'off'}" for i in range(200)]
    assert read_lines(tmp_path, ["time_s,x,sensor", *rows]).names == ["x"]


# ---- names and columns ---------------------------------------------------------------------------


def table(head: str, between: str = ",", first=lambda i: f"{i / 50:.2f}", last: str = ""):
    some = (between.join([first(i), *map(str, row)]) + last for i, row in enumerate(XYZ))
    return [head, *some]


FEWER = {
    "tab": table("t\tx\ty", "\t"),
    "semicolon": table("t;x;y", ";"),
    "spaces": table("t x y", " "),
    "a_count_has_its_name": table("sample\tx\ty", "\t", str),
    "units_are_fewer": table("t\tx\ty\n\tg\tg", "\t"),
}


@pytest.mark.parametrize("name", FEWER)
def test_fewer_names_than_columns_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(HostError, match=r"line \d names 3 columns, line \d has 4 cells"):
        read_lines(tmp_path, FEWER[name])


def test_names_of_rows_as_r_writes_them(tmp_path: Path) -> None:
    numbers = lambda i: f'"{i + 1}"'  # noqa: E731
    for lines in (
        table('"","x","y","z"', ",", numbers),
        table('"x","y","z"', ",", numbers),
        table('"x" "y" "z"', " ", numbers),
        table("x\ty\tz", "\t", lambda i: str(i + 1)),
        table("\tx\ty\tz", "\t", str),
    ):
        found = read_lines(tmp_path, lines)
        assert found.names == ["x", "y", "z"]
        np.testing.assert_allclose(samples(found), XYZ)


def test_units_below_names_with_empty_ends(tmp_path: Path) -> None:
    found = read_lines(tmp_path, table("n\tx\ty\tz\n\tg\tmg\t", "\t", str))
    assert (found.names, found.units) == (["x", "y", "z"], ["g", "mg", ""])
    found = read_lines(tmp_path, table("t\tx\ty\tz\tlabel\nms\tg\t\tmg\t", "\t", last="\tok"))
    assert (found.names, found.units) == (["x", "y", "z"], ["g", "", "mg"])
    assert found.rate_hz == pytest.approx(50_000)
    found = read_lines(tmp_path, table("t, x, y, z\n [s] ,[g],  [g],[mg] "))
    assert (found.rate_hz, found.units) == (50, ["g", "g", "mg"])


def test_the_last_column(tmp_path: Path) -> None:
    for between in (",", ";", "\t"):
        head = between.join(["t_ms", "x", "y", ""])
        found = read_lines(tmp_path, table(head, between))
        assert found.names == ["x", "y", "3"]
        np.testing.assert_allclose(samples(found), XYZ)
        head = between.join(["t_s", "x", "y", "z", "label"])
        found = read_lines(tmp_path, table(head, between, last=between))
        assert (found.names, found.rate_hz) == (["x", "y", "z"], 50)
        assert "column 'label' is left out: empty" in found.taken
    rows = [f"{row[0]},{'tap' if 150 < i < 160 else ''}" for i, row in enumerate(XYZ)]
    found = read_lines(tmp_path, ["x,label", *rows])
    assert [label for _, _, label in found.stretches[0].labels] == ["", "tap", ""]


def test_the_products_own_tables(tmp_path: Path) -> None:
    states = ["learning"] * 50 + ["watching"] * 150
    scores = np.where(np.arange(200)[:, None] < 50, np.nan, XYZ[:, :2])
    windows = Samples(scores, 2.0, ["score", "threshold"], ["octave"] * 2, [1.0, 1.0])
    for name, texts in {"boot": "1", "state": "", "alarm": "0", "label": "", "truth": ""}.items():
        windows.texts[name] = states if name == "state" else [texts] * 200
    write(tmp_path / "w.csv", windows, "csv")
    found = read(tmp_path / "w.csv")
    assert (found.names, found.rate_hz) == (["score (octave)", "threshold (octave)"], 2)
    np.testing.assert_allclose(samples(found), XYZ[50:, :2])
    assert "50 windows without a score, in which it learned, are left out" in found.taken
    frames = (XYZ * 1000).astype(np.int16)
    write(tmp_path / "s.csv", Samples(frames, 50.0, "xyz", ["g"] * 3, [1000.0] * 3), "csv")
    found = read(tmp_path / "s.csv")
    assert (found.rate_hz, found.units) == (50, ["g"] * 3)
    np.testing.assert_allclose(samples(found), frames / 1000)


# ---- commas --------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["", "{i},", "2026-03-04 10:00:{s:02},", "{t},"])
@pytest.mark.parametrize("behind", ["", ",ok"])
def test_commas_of_two_kinds_without_names(tmp_path: Path, before: str, behind: str) -> None:
    rows = [
        before.format(i=i, s=i % 60, t=f"{i / 10:.1f}".replace(".", ","))
        + ",".join(f"{abs(v):.1f}".replace(".", ",") for v in XYZ[i, :2])
        + behind
        for i in range(60)
    ]
    with pytest.raises(HostError, match="commas are decimal signs and stand between") as caught:
        read_lines(tmp_path, rows)
    assert "with semicolons" in caught.value.hint


def test_whole_numbers_without_names(tmp_path: Path) -> None:
    for scale, zero in ((1000, 0), (3, 512), (300, 0)):
        whole = np.round(XYZ * scale).astype(int) + zero
        found = read_lines(tmp_path, [",".join(map(str, row)) for row in whole])
        np.testing.assert_array_equal(samples(found), whole)
    states = [f"{30 + 7 * i % 50},{i // 100}" for i in range(200)]
    assert samples(read_lines(tmp_path, states)).shape == (200, 2)


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no column 'value'") as caught:
        read_lines(tmp_path, long(TURNS), Named(["value"]))
    assert "x, y, z" in caught.value.hint
