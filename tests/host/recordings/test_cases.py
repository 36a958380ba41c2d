"""Test files as loggers, spreadsheets, editors and phones write them, each with its right value.

Earlier readers read each of them wrongly without a warning, or refused it without need.
"""

import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from nearhum_host.errors import HostError
from nearhum_host.recordings.reader import files_of, read
from nearhum_host.recordings.tables.meaning import Named

ROWS = np.round(np.random.default_rng(5).normal(0, 0.05, (60, 3)) + (0, 0, 1), 4)
COUNTS = np.round(ROWS * 8192).astype(int)
CRLF = "\r\n"


def lines(
    rows=ROWS, between: str = ",", form: str = "%.4f", before=None, decimal: str = "."
) -> list[str]:
    """Return rows as text; before: a cell that stands first in each."""
    out = []
    for i, row in enumerate(rows):
        cells = [form % value for value in row]
        cells = [cell.replace(".", decimal) for cell in cells]
        out.append(between.join(([before(i)] if before else []) + cells))
    return out


def written(tmp_path: Path, some: list[str], end: str = "\n", encoding: str = "utf-8") -> Path:
    path = tmp_path / "rec.csv"
    path.write_bytes((end.join(some) + end).encode(encoding))
    return path


def samples(found) -> np.ndarray:
    return np.stack(
        [np.concatenate(list(found.column(i))) for i in range(found.n_channels)], axis=1
    )


NOISE = ["ets Jul 29 2019 12:21:46", "", "rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)"]
LVM = ["LabVIEW Measurement\t", "Writer_Version\t2", "Separator\tTab", "Delta_X\t0.020000"]
LVM += ["***End_of_Header***\t", "X_Value\tax\tay\taz"]
LABELLED = ["x:{},y:{},z:{}".format(*line.split(",")) for line in lines()]
CUT = [*lines(), "-0.0155"]

# name: (lines, end of line, encoding, rate, names)
READ = {
    "boot_noise_before": (
        [*NOISE, "MPY: soft reboot", "x,y,z", *lines()],
        CRLF,
        "utf-8",
        None,
        "x y z",
    ),
    "comment_lines": (
        ["# sensor: ADXL355", "# odr: 50", "x,y,z", *lines()],
        "\n",
        "utf-8",
        None,
        "x y z",
    ),
    "names_in_a_comment": (["# x,y,z", *lines()], "\n", "utf-8", None, "x y z"),
    "cut_last_line": (["x,y,z", *CUT], CRLF, "utf-8", None, "x y z"),
    "excel_sep_line": (["sep=;", "x;y;z", *lines(between=";")], CRLF, "utf-8", None, "x y z"),
    "header_other_delimiter": (["x, y, z", *lines(between="\t")], "\n", "utf-8", None, "x y z"),
    "latin1_header": (
        ["Beschl. x (m/s²);y;z", *lines(between=";")],
        "\n",
        "latin-1",
        None,
        "Beschl._x_(m/s²) y z",
    ),
    "bom": (["x,y,z", *lines()], "\n", "utf-8-sig", None, "x y z"),
    "utf16_powershell": (["x,y,z", *lines()], CRLF, "utf-16", None, "x y z"),
    "matlab_fixed_width": (
        [f"  {line}  " for line in lines(between="  ", form="%14.7e")],
        "\n",
        "utf-8",
        None,
        "0 1 2",
    ),
    "plotter_labels": (LABELLED, CRLF, "utf-8", None, "x y z"),
    "trailing_comma": ([f"{line}," for line in lines()], CRLF, "utf-8", None, "0 1 2"),
    "preamble": (
        [*LVM, *lines(between="\t", before=lambda i: f"{i / 50:.4f}")],
        CRLF,
        "utf-8",
        50,
        "ax ay az",
    ),
    "units_row": (
        ["Time,x,y,z", "s,g,g,g", *lines(before=lambda i: f"{i / 50:.4f}")],
        "\n",
        "utf-8",
        50,
        "x y z",
    ),
    "decimal_comma": (
        ["Zeit (s);a (g);b (g);c (g)"]
        + lines(between=";", decimal=",", before=lambda i: f"{i / 50:.4f}".replace(".", ",")),
        CRLF,
        "utf-8",
        50,
        "a_(g) b_(g) c_(g)",
    ),
    "headerless_iso": (
        lines(before=lambda i: f"2026-03-04 10:00:{i // 50:02}.{i % 50 * 20:03}"),
        "\n",
        "utf-8",
        50,
        "1 2 3",
    ),
    "timestamp_of_edge_impulse": (
        ["timestamp,accX,accY,accZ", *lines(before=lambda i: str(16 * i))],
        "\n",
        "utf-8",
        62.5,
        "accX accY accZ",
    ),
    "pandas_index_column": ([",x,y,z", *lines(before=str)], "\n", "utf-8", None, "x y z"),
    "epoch_of_a_zone": (
        ["when,x,y,z", *lines(before=lambda i: f"2026-03-29T01:59:59.{i * 10:03}+01:00")],
        "\n",
        "utf-8",
        100,
        "x y z",
    ),
}


@pytest.mark.parametrize("name", READ)
def test_is_read_right(tmp_path: Path, name: str) -> None:
    some, end, encoding, rate_hz, names = READ[name]
    found = read(written(tmp_path, some, end, encoding))
    np.testing.assert_allclose(samples(found), ROWS)
    assert found.rate_hz == rate_hz
    assert [one.replace(" ", "_") for one in found.names] == names.split()
    assert len(found.stretches) == 1


BIG = np.round(np.random.default_rng(6).uniform(-9000, 9000, (60, 2)), 2)
BIG[:2] = [(7335.19, 29.46), (-1234567.5, 0.25)]


def grouped(decimal: str, between: str, digits: int = 2) -> list[str]:
    """Return the rows of BIG as spreadsheets show them: 7.335,19;29,46."""
    signs = str.maketrans(".,", decimal + between)
    return [";".join(f"{v:,.{digits}f}".translate(signs) for v in row) for row in BIG]


@pytest.mark.parametrize(("decimal", "between"), [",.", ".,", ".'", ",\u202f", ".\u2019"])
def test_thousands_are_read_where_they_cannot_be_fractions(
    tmp_path: Path, decimal: str, between: str
) -> None:
    found = read(written(tmp_path, ["a;b", *grouped(decimal, between)]))
    assert found.names == ["a", "b"]
    np.testing.assert_allclose(samples(found), BIG)
    times = [f"{i / 50:.2f}".replace(".", decimal) for i in range(60)]
    rows = [f"{at};{row}" for at, row in zip(times, grouped(decimal, between), strict=True)]
    found = read(written(tmp_path, ["Zeit (s);a;b", *rows]))
    assert (found.rate_hz, found.names) == (50, ["a", "b"])
    np.testing.assert_allclose(samples(found), BIG)


def test_thousands_in_quotes(tmp_path: Path) -> None:
    rows = [f'"{a:,.2f}",{b}' for a, b in BIG.tolist()]
    found = read(written(tmp_path, ["a,b", *rows]))
    np.testing.assert_allclose(samples(found), BIG)


def test_the_minus_of_typesetters(tmp_path: Path) -> None:
    some = [line.replace("-", "\u2212") for line in lines()]
    np.testing.assert_allclose(samples(read(written(tmp_path, ["x,y,z", *some]))), ROWS)


def test_a_ramp_is_a_channel(tmp_path: Path) -> None:
    for before, names in (("", ["rpm", "x"]), ("t_ms,", ["rpm", "x"])):
        some = [f"{10 * i},{row[0]}" for i, row in enumerate(ROWS)]
        if before:
            some = [f"{20 * i},{row}" for i, row in enumerate(some)]
        found = read(written(tmp_path, [f"{before}rpm,x", *some]))
        assert found.names == names
        assert found.rate_hz == (50 if before else None)
        assert "column 'rpm' rises by equal steps, and is a channel" in found.taken
    found = read(written(tmp_path, ["sampleTime,x", *(f"{20 * i},{i % 7}" for i in range(60))]))
    assert found.names == ["x"]


def test_a_unit_that_is_guessed_is_said_to_be(tmp_path: Path) -> None:
    for step, unit, rate_hz in ((16, "ms", 62.5), (60, "s", 1 / 60), (120, "s", 1 / 120)):
        path = written(tmp_path, ["time,temp", *(f"{step * i},{i * i % 7}" for i in range(60))])
        found = read(path)
        assert found.rate_hz == pytest.approx(rate_hz, rel=1e-3)
        assert f"steps of {step} are taken for {unit}, so" in found.taken
        assert "is a guess; where it is wrong, give it with --rate HZ" in found.taken
        seconds = read(path, rate_hz=1 / step)
        assert seconds.rate_hz == pytest.approx(1 / step)
        assert "is a guess" not in seconds.taken
    path = written(tmp_path, ["time_ms,temp", *(f"{16 * i},{i * i % 7}" for i in range(60))])
    assert "is a guess" not in read(path).taken


def test_a_column_of_units_can_be_left_out(tmp_path: Path) -> None:
    path = written(tmp_path, ["a,b", *(f"{row[0]} g,{row[1]}" for row in ROWS)])
    assert read(path, Named(["b"])).names == ["b"]
    path = written(
        tmp_path, ["x,load", *(f"{row[0]},{10 + i // 30} %" for i, row in enumerate(ROWS))]
    )
    assert read(path, Named(label="load")).stretches[0].labels[0] == (0, 30, "10 %")


REFUSED = {
    "thousands_or_fractions": (
        ["a;b", *(f"7.{335 + i};{i},46" for i in range(60))],
        "line 2, column 'a': '7.335' is not a number in one way alone",
    ),
    "thousands_and_hundreds": (
        ["a", *(f"7.{335 + i}" if i % 3 else f"{912 + i}" for i in range(60))],
        "line 3, column 'a': '7.336' is not a number in one way alone",
    ),
    "thousands_between_commas": (
        ["a,b", *(f"{a:,.1f},{b}" for a, b in BIG[2:].tolist())],
        "names 2 columns",
    ),
    "thousands_between_commas_without_names": (
        [f"{7000 + i:,.1f},{i % 7}.25" for i in range(60)],
        "'000.0' is not a whole number: commas stand between thousands",
    ),
    "thousands_alone": (
        [f"{7500 + i:,.1f}" for i in range(60)],
        "line 1, column 0: '7,500.0' is not a whole number",
    ),
    "two_groups_of_another_size": (
        ["a;b", *(f"7.33{i % 7},19;{i},46" for i in range(59)), "73.35,19;1,46"],
        "line 61, column 'a': '73.35,19' is not a number",
    ),
    "a_unit_in_its_cells": (
        ["a,b", *(f"{row[0]} g,{row[1]}" for row in ROWS)],
        f"line 2, column 'a': '{ROWS[0][0]} g' is not a number but one with a unit",
    ),
    "percent": (["a;b", *(f"{90 + i % 9} %;{i % 7}" for i in range(60))], "'90 %' is not a number"),
    "a_unit_in_all_cells": (
        ["a;b", *(f"{row[0]} g;{row[1]} g" for row in ROWS)],
        f"line 2: '{ROWS[0][0]} g' is not a number",
    ),
    "mostly_errors": (
        ["a,b", *(f"{row[0] if i % 5 == 0 else 'ERR'},{row[1]}" for i, row in enumerate(ROWS))],
        "line 3, column 'a': 'ERR' is not a number",
    ),
    "nothing_but_errors": (["a,b", *(f"ERR,{row[1]}" for row in ROWS)], "'ERR' is not a number"),
    "text_under_a_unit": (
        ["a (°C),b", *(f"{'cold' if i % 2 else 'warm'},{row[1]}" for i, row in enumerate(ROWS))],
        "line 2, column 'a (°C)': 'warm' is not a number",
    ),
    "decimal_comma_ints": (lines(decimal=","), "commas are decimal signs"),
    "decimal_comma_under_names": (["x,y,z", *lines(decimal=",")], "names 3 columns"),
    "duplicate_names": (["x,y,z,x", *lines(before=str)], "has 2 columns 'x'"),
    "underscore_number": (["x,y,z", "1_000,2,3", "4,5,6"], "line 2, column 'x': '1_000' is not"),
    "excel_error_cells": (
        ["x,y,z", "0.1,0.2,1", "#N/A,0.1,1"],
        "line 3, column 'x': '#N/A' is not",
    ),
    "nan_gap": (["x,y,z", *lines()[:9], "NaN,NaN,NaN", *lines()], "line 11, column 'x': 'NaN'"),
    "empty_cell": (
        ["x,y,z", *lines()[:9], "1,,1", *lines()],
        "line 11, column 'y': the cell is empty",
    ),
    "first_row_bad": (["t_ms,x", "0,1e", "20,1.5", "40,1.7", "60,1.2"], "line 2, column 'x': '1e'"),
    "too_few_cells": (
        ["x,y,z", *lines()[:9], "1,2", *lines()],
        "line 11 has 2 cells, the others 3",
    ),
    "too_many_cells": (["x,y,z", *lines(), "1,2,3,4"], "line 62 has 4 cells, the others 3"),
    "time_goes_back": (
        ["time,x,y,z", *lines(before=lambda i: str(i * 7919 % 61))],
        "its time goes back",
    ),
    "no_time": (
        ["time,x,y,z", *lines(before=lambda i: f"t{i}")],
        "line 2, column 'time': 't0' is not a time",
    ),
    "no_numbers": (["a,b", "red,blue"], "no column of numbers"),
    "a_cell_missing_in_two_columns_of_whole_numbers": (
        ["x,y", *(f"{i * i % 91},{i}" for i in range(50)), "1", "2,3"],
        "line 52 has 1 cells, the others 2",
    ),
    "an_excel_workbook": (["PK\x03\x04"], "an Excel workbook"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_by_name_and_place(tmp_path: Path, name: str) -> None:
    some, says = REFUSED[name]
    path = written(tmp_path, some)
    with pytest.raises(HostError) as refused:
        read(path)
    assert says in refused.value.message
    assert str(path) in refused.value.message
    assert refused.value.hint


def test_one_channel_under_a_name_with_spaces(tmp_path: Path) -> None:
    path = written(tmp_path, ["Acceleration z (g)", *lines(ROWS[:, 2:])])
    found = read(path)
    assert found.names == ["Acceleration z (g)"]
    assert found.units == ["g"]
    np.testing.assert_allclose(samples(found), ROWS[:, 2:])


def test_one_channel_with_decimal_commas(tmp_path: Path) -> None:
    for head in (["a"], ["Temperatur, °C"], []):
        found = read(written(tmp_path, [*head, *lines(ROWS[:, 2:], decimal=",")]))
        np.testing.assert_allclose(samples(found), ROWS[:, 2:])


def test_a_gap_in_time_is_a_gap(tmp_path: Path) -> None:
    at = [20 * i + (7000 if i >= 40 else 0) for i in range(60)]
    path = written(
        tmp_path, ["timestamp_ms,x,y,z", *lines(COUNTS, form="%d", before=lambda i: str(at[i]))]
    )
    found = read(path)
    assert [stretch.n for stretch in found.stretches] == [40, 20]
    assert found.rate_hz == 50
    assert "1 gap in its time, 7 s missing" in found.taken
    assert found.stretches[0].columns[0].dtype == np.int16


def test_another_rate_than_the_times_say(tmp_path: Path) -> None:
    path = written(tmp_path, ["timestamp,x,y,z", *lines(before=lambda i: str(16 * i))])
    with pytest.raises(HostError, match=r"its times say 62\.5 Hz, --rate says 50 Hz"):
        read(path, rate_hz=50)
    assert read(path, rate_hz=62).rate_hz == 62  # a sensor's clock is off by as much


def test_rows_out_of_order_are_put_in_order(tmp_path: Path) -> None:
    order = list(range(60))
    order[10], order[11] = order[11], order[10]
    some = lines(before=lambda i: f"2026-03-04T10:00:{i // 50:02}.{i % 50 * 20:03}Z")
    found = read(written(tmp_path, ["time,x,y,z", *(some[i] for i in order)]))
    np.testing.assert_allclose(samples(found), ROWS)
    assert "rows were put in the order of time" in found.taken


def test_a_logger_that_starts_again(tmp_path: Path) -> None:
    some = lines(before=lambda i: str(20 * (i % 30)))
    found = read(written(tmp_path, ["millis,x,y,z", *some[:30], "millis,x,y,z", *some[30:]]))
    assert [stretch.n for stretch in found.stretches] == [30, 30]
    assert found.rate_hz == 50


def test_microseconds_that_wrap(tmp_path: Path) -> None:
    some = lines(before=lambda i: str(((1 << 32) - 300_000 + 20_000 * i) % (1 << 32)))
    found = read(written(tmp_path, ["micros,x,y,z", *some]))
    assert [stretch.n for stretch in found.stretches] == [60]
    assert found.rate_hz == 50


def test_labels_are_as_written(tmp_path: Path) -> None:
    some = [f"{line},{'07' if i < 20 else '1'}" for i, line in enumerate(lines())]
    found = read(written(tmp_path, ["x,y,z,label", *some]), Named(label="label"))
    assert found.stretches[0].labels == [(0, 20, "07"), (20, 60, "1")]
    assert found.names == ["x", "y", "z"]


def test_columns_by_number_where_names_stand_twice(tmp_path: Path) -> None:
    path = written(tmp_path, ["acc,acc,acc", *lines()])
    np.testing.assert_allclose(samples(read(path, Named(["0", "2"]))), ROWS[:, [0, 2]])


def test_a_file_larger_than_its_head(tmp_path: Path) -> None:
    rows = np.round(np.random.default_rng(1).normal(0, 1, (40_000, 2)), 3)
    some = [f"{20 * i};{a:.3f};{b:.3f}".replace(".", ",") for i, (a, b) in enumerate(rows)]
    for encoding in ("utf-8", "utf-16"):
        found = read(written(tmp_path, ["t_ms;a;b", *some], CRLF, encoding))
        np.testing.assert_allclose(samples(found), rows)
        assert found.rate_hz == 50
    some[35_000] = "700000;1_0;2,0"
    with pytest.raises(HostError, match="line 35002, column 'a': '1_0' is not a number"):
        read(written(tmp_path, ["t_ms;a;b", *some]))


# ---- what systems leave in folders ---------------------------------------------------------------


def test_files_that_a_mac_leaves_are_none(tmp_path: Path) -> None:
    for name in ("on/t0.wav", "on/._t0.wav", "__MACOSX/on/._t0.wav", ".git/x.csv", "off/notes.pdf"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\0\5\26\7")
    assert files_of(tmp_path) == [tmp_path / "on" / "t0.wav"]


# ---- Parquet -------------------------------------------------------------------------------------


def parquet(path: Path, query: str) -> Path:
    import duckdb

    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'Europe/Berlin'")
        db.execute(f"COPY ({query}) TO '{path.parent}/written.tmp' (FORMAT parquet)")
    (path.parent / "written.tmp").rename(path)
    return path


def test_a_name_is_no_pattern(tmp_path: Path) -> None:
    parquet(tmp_path / "r1.parquet", "SELECT (i * i % 97)::SMALLINT AS x FROM range(400) r(i)")
    for name in ("r[1].parquet", "r*.parquet", "r'?.parquet"):
        odd = parquet(tmp_path / name, "SELECT (i * i % 89)::SMALLINT AS x FROM range(333) r(i)")
        assert read(odd).n_frames == 333


def test_folders_are_no_columns(tmp_path: Path) -> None:
    path = tmp_path / "label=tap" / "wearer=3" / "r0.parquet"
    found = read(parquet(path, "SELECT (i * i % 97)::SMALLINT AS x FROM range(400) r(i)"))
    assert found.names == ["x"]


def test_numbers_as_text_in_parquet(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "t.parquet",
        "SELECT (i / 7)::VARCHAR AS x, i % 89 AS y, (i % 2)::VARCHAR AS class_id "
        "FROM range(400) r(i)",
    )
    with pytest.raises(HostError, match=r"column 'x': '0\.0' is text"):
        read(path)
    assert read(path, Named(["y"])).names == ["y"]


def test_times_of_parquet(tmp_path: Path) -> None:
    x = "(i * i % 97)::SMALLINT AS x"
    start = "TIMESTAMPTZ '2026-03-29 01:59:58+01:00'"
    found = read(
        parquet(
            tmp_path / "zone.parquet",
            f"SELECT {start} + to_milliseconds(i * 20) AS ts, {x} FROM range(400) r(i)",
        )
    )
    assert (found.rate_hz, found.names, len(found.stretches)) == (50, ["x"], 1)
    assert found.stretches[0].start_ns == 1774745998 * 10**9
    found = read(
        parquet(
            tmp_path / "epoch.parquet",
            f"SELECT 1774745998000 + i * 20 AS ts, {x}, i < 9 AS started FROM range(400) r(i)",
        )
    )
    assert (found.rate_hz, found.names) == (50, ["x"])
    assert found.stretches[0].labels == [(0, 9, "true"), (9, 400, "false")]


# ---- sound ---------------------------------------------------------------------------------------

SOUND = np.round(9000 * np.sin(np.arange(1600) / 7)).astype("<i2")


def chunk(name: bytes, body: bytes, size: int | None = None, pad: bool = True) -> bytes:
    n = len(body) if size is None else size
    return name + struct.pack("<I", n) + body + (b"\0" if pad and len(body) % 2 else b"")


def wav(
    path: Path,
    body: bytes,
    code=1,
    bits=16,
    rate=16000,
    size=None,
    before=b"",
    riff=b"RIFF",
    after=b"",
) -> Path:
    width = bits // 8
    form = struct.pack("<HHIIHH", code, 1, rate, rate * width, width, bits)
    if code == 0xFFFE:
        form += struct.pack("<HHI", 22, bits, 4) + b"\1\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
    inside = b"WAVE" + chunk(b"fmt ", form) + before + chunk(b"data", body, size) + after
    path.write_bytes(
        riff + struct.pack("<I", 0xFFFFFFFF if riff == b"RF64" else len(inside)) + inside
    )
    return path


def wide(bits: int) -> bytes:
    return b"".join((int(v) << bits - 16).to_bytes(bits // 8, "little", signed=True) for v in SOUND)


DS64 = chunk(b"ds64", struct.pack("<QQQI", 0, 2 * len(SOUND), len(SOUND), 0))
WAVS = {
    "16bit": (SOUND.tobytes(), {}),
    "32bit_pcm": (wide(32), {"bits": 32}),
    "24bit_pcm": (wide(24), {"bits": 24}),
    "extensible_16bit": (SOUND.tobytes(), {"code": 0xFFFE}),
    "extensible_24bit": (wide(24), {"code": 0xFFFE, "bits": 24}),
    "float32": ((SOUND / 32768).astype("<f4").tobytes(), {"code": 3, "bits": 32}),
    "float64": ((SOUND / 32768).astype("<f8").tobytes(), {"code": 3, "bits": 64}),
    "header_size_zero": (SOUND.tobytes(), {"size": 0}),
    "header_size_ffffffff": (SOUND.tobytes(), {"size": 0xFFFFFFFF}),
    "rf64_without_ds64": (SOUND.tobytes(), {"riff": b"RF64", "size": 0xFFFFFFFF}),
    "rf64": (
        SOUND.tobytes(),
        {"riff": b"RF64", "size": 0xFFFFFFFF, "before": DS64, "after": b"LIST\0\0\0\0"},
    ),
    "odd_list_padded": (SOUND.tobytes(), {"before": chunk(b"LIST", b"INFOabc")}),
    "odd_list_unpadded": (SOUND.tobytes(), {"before": chunk(b"LIST", b"INFOabc", pad=False)}),
}


@pytest.mark.parametrize("name", WAVS)
def test_sound_is_read_right(tmp_path: Path, name: str) -> None:
    body, given = WAVS[name]
    found = read(wav(tmp_path / "rec.wav", body, **given))
    assert found.rate_hz == 16000
    assert samples(found)[:, 0].tolist() == SOUND.tolist()


def test_sound_that_is_cut_short(tmp_path: Path) -> None:
    path = wav(tmp_path / "rec.wav", SOUND.tobytes())
    path.write_bytes(path.read_bytes()[:2001])
    found = read(path)
    assert samples(found)[:, 0].tolist() == SOUND[: (2001 - 44) // 2].tolist()
    assert "it is cut short: its header says 3200 bytes of sound, 1957 are there" in found.taken


def test_a_microphone_in_the_low_bits(tmp_path: Path) -> None:
    quiet = (SOUND // 18).astype("<i4")
    found = read(wav(tmp_path / "rec.wav", quiet.tobytes(), bits=32))
    assert samples(found)[:, 0].tolist() == quiet.tolist()
    assert "lower 24 of 32 bits" in found.taken


def test_mulaw_and_alaw(tmp_path: Path) -> None:
    every = bytes(range(256))
    mulaw = samples(read(wav(tmp_path / "m.wav", every, code=7, bits=8)))[:, 0]
    assert mulaw[[0, 1, 0x7F, 0x80, 0x8F, 0xFF]].tolist() == [-32124, -31100, 0, 32124, 16764, 0]
    alaw = samples(read(wav(tmp_path / "a.wav", every, code=6, bits=8)))[:, 0]
    assert alaw[[0, 1, 0x55, 0xD5, 0x80, 0xAA]].tolist() == [-5504, -5248, -8, 8, 5504, 32256]


def test_sound_that_is_refused(tmp_path: Path) -> None:
    for given, says in (
        ({"code": 0x55, "bits": 8}, "coded as MP3"),
        ({"code": 1, "bits": 16, "rate": 0}, "has an impossible format"),
    ):
        with pytest.raises(HostError, match=says):
            read(wav(tmp_path / "rec.wav", b"\0" * 64, **given))
    (tmp_path / "no.wav").write_bytes(b"ID3\4" + bytes(90))
    with pytest.raises(HostError, match="is not a wav file"):
        read(tmp_path / "no.wav")
    floats = np.array([0, np.nan], "<f4").tobytes()
    with pytest.raises(HostError, match="frame 1, channel 0 is nan"):
        read(wav(tmp_path / "nan.wav", floats, code=3, bits=32))


def test_stereo(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "s.wav"), "wb") as out:
        out.setparams((2, 2, 8000, 0, "NONE", ""))
        out.writeframes(SOUND.tobytes())
    assert samples(read(tmp_path / "s.wav")).tolist() == SOUND.reshape(-1, 2).tolist()
