"""A folder of a mixture: what holds nothing is left out and said, what cannot be read is named."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from nearhum_host.commands.cli import app
from nearhum_host.errors import HostError
from nearhum_host.recordings.reader import needs_rate, read, read_all
from typer.testing import CliRunner

NOISE = np.random.default_rng(3).integers(0, 256, 5000, np.uint8).tobytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two days of a logger that writes a row a second."""
    there = tmp_path / "pump"
    there.mkdir()
    for day in (1, 2):
        rows = [f"2026-03-0{day} 10:00:{i:02d},{20 + i * i % 7 / 10:.1f}" for i in range(60)]
        (there / f"day{day}.csv").write_text("\n".join(["time,temp", *rows]) + "\n")
    return there


@pytest.mark.parametrize(
    ("name", "raw", "says"),
    [
        ("day3.csv", b"", "day3.csv holds no samples"),
        ("day3.csv", b"time,temp\n", "day3.csv has a line of text and no rows"),
        ("day3.csv", b"time,temp\ns,g\n", "day3.csv has a line of text and no rows"),
        ("readme.txt", b"from the pump\n", "readme.txt has a line of text and no rows"),
    ],
)
def test_what_holds_nothing_yet_is_left_out_and_said(
    folder: Path, name: str, raw: bytes, says: str
) -> None:
    (folder / name).write_bytes(raw)
    found = read_all([folder])
    assert [one.path.name for one in found] == ["day1.csv", "day2.csv"]
    assert f"left out: {folder / says}" in found[0].taken
    with pytest.raises(HostError, match=says):  # but not where it was asked for by its name
        read_all([folder / "day1.csv", folder / name])
    for path in folder.glob("day[12].csv"):
        path.unlink()
    with pytest.raises(HostError, match=says):
        read_all([folder])


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a.csv", "a.csv holds bytes that are no text"),
        ("a.wav", "a.wav is not a wav file"),
        ("a.parquet", "a.parquet is not a readable Parquet file"),
        ("a.npy", "a.npy"),
    ],
)
def test_what_cannot_be_read_is_named(folder: Path, name: str, says: str) -> None:
    (folder / name).write_bytes(NOISE)
    with pytest.raises(HostError, match=says) as refused:
        read_all([folder])
    assert refused.value.hint.count("leave it out") == 1


def test_all_that_cannot_be_read_are_named_at_once(folder: Path) -> None:
    (folder / "a.csv").write_bytes(NOISE)
    (folder / "b.csv").write_text(
        "x,y\n" + "".join(f"{i * i % 91},{i}\n" for i in range(50)) + "1\n,2\n"
    )
    (folder / "c.csv").write_text("")
    with pytest.raises(HostError) as refused:
        read_all([folder])
    assert "2 of 5 files cannot be read" in refused.value.message
    assert "a.csv holds bytes that are no text" in refused.value.message
    assert re.search(r"b\.csv line 52 has 1 cells", refused.value.message)
    assert "leave them out" in refused.value.hint


def test_a_file_of_one_row(folder: Path) -> None:
    (folder / "day3.csv").write_text("time,temp\n2026-03-03 10:00:00,20.1\n")
    last = read_all([folder])[-1]
    with pytest.raises(HostError, match="day3.csv does not say its .* rate: it has one row") as no:
        needs_rate(last)
    assert no.value.hint == "leave it out, or give it with --rate HZ"
    done = CliRunner().invoke(app, ["score", str(folder), "--out", str(folder / "out")])
    assert done.exit_code == 1
    assert "it has one row" in " ".join(done.output.split())


def test_sensors_of_two_rates(folder: Path) -> None:
    rows = [f"2026-03-03 10:00:00.{i:02d},20.{i}" for i in range(90)]
    (folder / "fast.csv").write_text("\n".join(["time,temp", *rows]) + "\n")
    done = CliRunner().invoke(app, ["score", str(folder), "--out", str(folder / "out")])
    assert done.exit_code == 1
    said = " ".join(done.output.split())
    assert "mixed rates:" in said
    assert "score each sensor's files alone" in said


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(HostError, match="a.csv is no file"):
        read(tmp_path / "a.csv")
