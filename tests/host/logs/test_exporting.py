"""Test exports of logs and scored recordings for other programs: what is written is read back."""

import csv
import datetime
import json
from pathlib import Path

import duckdb
import nearhum_host
import numpy as np
import pytest
from host.logs.test_logs import boot, event, record, run_payload
from nearhum import wire
from nearhum_host.errors import HostError, UsageError
from nearhum_host.logs import exporting, log_file
from nearhum_host.logs.traces import Trace, trace

START_NS = 1_774_745_998_500_000_000
HOP_NS = 160_000_000


@pytest.fixture(scope="module")
def found() -> Trace:
    """A minute of a machine that rings at its end, with a gap in what was watched."""
    draw = np.random.default_rng(1)
    frames = draw.normal(0, 300, (64 * 120, 1))
    frames[64 * 100 :] += 3000 * np.sin(np.arange(64 * 20)[:, None] / 3)
    recording = nearhum_host.Recording(400, 1)
    recording.add(frames[: 64 * 70].astype(np.int16), "learn 40")
    recording.add(frames[64 * 70 :].astype(np.int16), "")
    settings = {"kind": "vibration", "rate_hz": 400, "n_channels": 1}
    run = nearhum_host.run(recording, {**settings, "n_window": 64, "n_hop": 64, "n_bands": 6})
    return trace(log_file.parse(run.journal), "mill", [(100, 119, "ring")])


def times(found: Trace) -> np.ndarray:
    """Hop by hop, and 7 s that nobody recorded after window 70."""
    at = np.arange(found.n, dtype=np.int64) * HOP_NS
    at[70:] += 7_000_000_000
    return START_NS + at


def test_csv_has_a_row_a_window(tmp_path: Path, found: Trace) -> None:
    (file,) = exporting.export(found, times(found), True, tmp_path / "mill", "csv")
    assert file.name == "mill-windows.csv"
    with file.open(newline="") as some:
        rows = list(csv.DictReader(some))
    assert len(rows) == found.n == 120
    got = [float(row["score (octave)"] or "nan") for row in rows]
    np.testing.assert_allclose(got, found.scores, atol=1e-6)
    assert [float(row["timestamp_ms"]) for row in rows] == list(times(found) / 1e6)
    assert [row["state"] for row in rows] == [wire.STATE_NAMES[s] for s in found.states]
    assert [row["alarm"] == "1" for row in rows] == found.alarm.tolist()
    assert rows[110]["truth"] == "ring"


def test_parquet_has_units_and_times(tmp_path: Path, found: Trace) -> None:
    (file,) = exporting.export(found, times(found), True, tmp_path / "mill", "parquet")
    with duckdb.connect() as db:
        told = dict(
            db.execute(
                f"SELECT decode(key), decode(value) FROM parquet_kv_metadata('{file}')"
            ).fetchall()
        )
        kinds = [row[1] for row in db.execute(f"DESCRIBE SELECT * FROM '{file}'").fetchall()]
        score, at = zip(*db.execute(f"SELECT score, time FROM '{file}'").fetchall(), strict=True)
    assert (told["unit.score"], told["unit.threshold"]) == ("octave", "octave")
    assert kinds[:3] == ["TIMESTAMP_NS", "DOUBLE", "DOUBLE"]
    nan = float("nan")
    np.testing.assert_allclose([nan if s is None else s for s in score], found.scores)
    assert at[0] == datetime.datetime.fromtimestamp(START_NS / 1e9, datetime.UTC).replace(
        tzinfo=None
    )
    (other,) = exporting.export(
        found, times(found) - START_NS, False, tmp_path / "since", "parquet"
    )
    with duckdb.connect() as db:
        assert db.execute(f"SELECT max(time_s) FROM '{other}'").fetchone() == (26.04,)


def test_edge_impulse_gets_runs_at_one_pace(tmp_path: Path, found: Trace) -> None:
    files = exporting.export(found, times(found), True, tmp_path / "mill", "ei-json")
    watched = np.flatnonzero(found.watching & np.isfinite(found.scores))
    wanted = [watched[watched < 70], watched[watched >= 70]]
    assert len(files) == 2
    for file, run in zip(files, wanted, strict=True):
        told = json.loads(file.read_text())
        payload = told["payload"]
        assert payload["interval_ms"] == 160
        assert payload["sensors"] == [
            {"name": "score", "units": "octave"}, {"name": "threshold", "units": "octave"},
        ]  # fmt: skip
        np.testing.assert_allclose(
            payload["values"], np.column_stack([found.scores[run], found.thresholds[run]])
        )
        assert told["protected"]["iat"] == times(found)[run[0]] // 10**9
    cbor = exporting.export(found, times(found), True, tmp_path / "mill", "ei-cbor")
    assert [file.name for file in cbor] == [
        "mill-windows.s00000.cbor", "mill-windows.s00001.cbor",
    ]  # fmt: skip


def test_what_cannot_be_written_says_so(tmp_path: Path, found: Trace) -> None:
    for form in ("wav", "mp3"):
        with pytest.raises(UsageError, match=f"scores as '{form}'"):
            exporting.export(found, times(found), True, tmp_path / "mill", form)
    with pytest.raises(HostError, match="cannot write"):
        exporting.export(found, times(found), True, tmp_path / "no" / "mill", "csv")


@pytest.mark.parametrize("utc", [None, 1_774_745_998])
def test_a_log_that_was_pulled(tmp_path: Path, utc: int | None) -> None:
    records = [boot(1)]
    if utc is not None:
        records.append(event(2, event="time", utc=utc, window=0))
    records.append(record(3, run_payload(0, [100, 200, 300]), wire.RUN))
    file = tmp_path / "pump.nhl"
    file.write_bytes(b"".join(records))
    (out,) = exporting.export_log(log_file.read_log(file), file, "csv")
    assert out == tmp_path / "pump-windows.csv"
    with out.open(newline="") as some:
        rows = list(csv.DictReader(some))
    assert [float(row["score (octave)"]) * 256 for row in rows] == pytest.approx([100, 200, 300])
    first = float(rows[0]["timestamp_ms"])
    assert first == pytest.approx(3 + 1000 * (utc or 0), abs=1000)
