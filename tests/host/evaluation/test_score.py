"""nearhum score and virtual --replay: files of one's own to a report and a board file, as typed."""

import json
import os
import re
import resource
import subprocess
import sys
import time
import wave
from pathlib import Path

import duckdb
import numpy as np
import pytest
from conftest import ON_LINUX_X86_64, OWN_MEMORY
from nearhum_host.boards import board_files
from nearhum_host.boards.application import application
from nearhum_host.evaluation.scored_files import refuse_labels
from nearhum_host.evaluation.scoring import score
from nearhum_host.recordings.fitting import fit
from nearhum_host.recordings.labels_file import label_readings
from nearhum_host.recordings.reader import read, read_all
from nearhum_host.recordings.sample import write_sample

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.skipif(
    not ON_LINUX_X86_64, reason="the unix port has its native emitter on x86-64"
)


def nearhum(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, with a home of its own."""
    environment = {**os.environ, "HOME": str(cwd / "home"), "COLUMNS": "200"}
    command = [str(Path(sys.executable).parent / "nearhum"), *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment)


def scored(cwd: Path, *words: str) -> dict:
    """Return what `score --json` says; its board file is one that can be deployed as it is."""
    done = nearhum("score", *words, "--json", cwd=cwd)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    board = board_files.load(str(cwd / told["written"]["board file"]))
    assert (board.kind, board.rate_hz, board.n_channels) == (
        told["kind"], told["rate_hz"], told["n_channels"],
    )  # fmt: skip
    assert "/main.py" in application(board)
    assert (cwd / told["written"]["report"]).read_text().startswith("<!")
    assert (cwd / told["written"]["log"]).stat().st_size > 1000
    return told


def hum(n: int, rate_hz: float, fault: int, seed: int = 1) -> np.ndarray:
    """Return three axes in g; from sample fault on one of them rings."""
    draw = np.random.default_rng(seed)
    t = np.arange(n) / rate_hz
    x = draw.normal(0, 0.02, (n, 3)) + (0, 0, 1)
    x[:, 0] += 0.1 * np.sin(2 * np.pi * 0.03 * rate_hz * t)
    x[fault:, 1] += 0.2 * np.sin(2 * np.pi * 0.2 * rate_hz * t[fault:])
    return x


def test_the_sample(tmp_path: Path) -> None:
    write_sample(tmp_path / "pump.csv")
    told = scored(tmp_path, "pump.csv")
    assert (told["kind"], told["rate_hz"], told["n_channels"]) == ("vibration", 1000, 3)
    assert told["tone"] == "bad"
    assert told["normal"] == ["normal"]
    assert told["figures"]["missed alarms"] < 0.1
    assert told["figures"]["false alarms"] < 0.05
    again = nearhum(
        "report", "pump-scored/pump.nhl", "--labels", "pump-scored/labels.csv", cwd=tmp_path
    )
    assert again.returncode == 0, again.stderr
    explained = nearhum("score", "pump.csv", "--explain", cwd=tmp_path)
    assert "column 'timestamp_ms' is time" in explained.stdout
    assert "next: nearhum deploy --board pump-scored/pump.toml --port PORT\n" in explained.stderr
    assert "the one that `nearhum virtual` prints" in explained.stderr


def test_a_minute_is_scored_and_says_how_long_it_took(tmp_path: Path) -> None:
    """The figure is printed, and not asserted: both times depend on who else works. Two seconds of
    processor, this process and its firmware, are the aim.
    """
    write_sample(tmp_path / "pump.csv")
    nearhum("score", "pump.csv", cwd=tmp_path)  # caches are warm
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    done = nearhum("score", "pump.csv", cwd=tmp_path)
    wall_s = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"60 s of 3 x 1 kHz: {cpu_s:.2f} s of processor, {wall_s:.2f} s in all")
    assert re.search(r"60 s of 3 x 1000 Hz took [\d.]+ s", done.stderr), done.stderr


def test_what_others_read(tmp_path: Path) -> None:
    write_sample(tmp_path / "pump.csv")
    raw = (tmp_path / "pump.csv").read_bytes()
    told = scored(tmp_path, "pump.csv", "--as", "csv", "--out", ".")
    assert told["as"] == ["pump-windows.csv"]
    assert (tmp_path / "pump.csv").read_bytes() == raw  # what was scored is not written over
    lines = (tmp_path / "pump-windows.csv").read_text().splitlines()
    assert len(lines) == 1 + told["windows"]
    # the first window ends with sample 1,024, the next ones 512 later: the fault began at 45 s
    assert lines[1].startswith("1023,")
    bearing = [line for line in lines if line.endswith(",bearing")]
    assert 45_000 <= float(bearing[0].split(",")[0]) <= 46_600
    for form, n in (("parquet", 1), ("ei-json", 1), ("ei-cbor", 1), ("wav", 1)):
        told = scored(tmp_path, "pump.csv", "--as", form)
        assert len(told["as"]) == n, told["as"]
        assert all((tmp_path / file).stat().st_size > 500 for file in told["as"])
    assert read(tmp_path / told["as"][0]).n_frames == 60_000
    done = nearhum("score", "pump.csv", "--as", "mp3", cwd=tmp_path)
    assert done.returncode == 2


def german_spreadsheet(file: Path) -> None:
    """Write a minute with 7 s missing, as a German Excel saves "Unicode text": UTF-16, semicolons,
    decimal commas.
    """
    x = hum(60_000, 1000, 45_000)
    rows = ["Zeit (ms);a (g);b (g);c (g);Zustand"]
    for i, row in enumerate(x):
        at = i + (7000 if i >= 20_000 else 0)
        state = "gut" if i < 45_000 else "Lager"
        rows.append(f"{at};" + ";".join(f"{v:.4f}" for v in row).replace(".", ",") + f";{state}")
    file.write_bytes("\r\n".join(rows).encode("utf-16"))


def test_a_german_spreadsheet_with_a_gap(tmp_path: Path) -> None:
    german_spreadsheet(tmp_path / "Mühle 3.csv")
    told = scored(tmp_path, "Mühle 3.csv")
    assert "1 gap in its time, 7 s missing" in told["taken"][0]
    assert (told["rate_hz"], told["n_channels"], told["tone"]) == (1000, 3, "bad")
    assert told["figures"]["missed alarms"] < 0.1
    assert told["normal"] == ["gut"]


def wav_of_24_bits(file: Path) -> None:
    """Write 20 s of a fan, whose last five whistle."""
    draw = np.random.default_rng(2)
    x = draw.normal(0, 0.02, 16_000 * 20)
    x[16_000 * 15 :] += 0.1 * np.sin(np.arange(16_000 * 5) * 2 * np.pi * 3000 / 16_000)
    raw = b"".join(int(v * (1 << 23)).to_bytes(3, "little", signed=True) for v in x)
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 3, 16_000, 0, "NONE", ""))
        out.writeframes(raw)


def test_a_wav_of_24_bits(tmp_path: Path) -> None:
    wav_of_24_bits(tmp_path / "fan.wav")
    told = scored(tmp_path, "fan.wav", "--learn", "8s")
    assert (told["kind"], told["rate_hz"], told["tone"]) == ("audio", 16_000, "bad")


def parquet_with_a_time_zone(file: Path, label: str = "") -> None:
    """Write a minute at 500 Hz in which the clocks of Berlin go forward; label: SQL of a column."""
    x = hum(30_000, 500, 20_000)
    raw = file.with_suffix(".raw")
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'Europe/Berlin'")
        db.execute("CREATE TABLE t (i INTEGER, x DOUBLE, y DOUBLE, z DOUBLE)")
        np.savetxt(raw, np.column_stack([np.arange(len(x)), x]), "%.6f", ",")
        db.execute(f"COPY t FROM '{raw}' (HEADER false)")
        start = "TIMESTAMPTZ '2026-03-29 01:59:30+01:00'"
        db.execute(
            f"COPY (SELECT {start} + to_milliseconds(i * 2) AS ts, x, y, z{label} FROM t"
            f" ORDER BY i) TO '{file}' (FORMAT parquet)"
        )
    raw.unlink()


def test_a_parquet_with_a_time_zone_and_labels_by_time(tmp_path: Path) -> None:
    parquet_with_a_time_zone(tmp_path / "mill.parquet")
    # Forty seconds on, the clocks of Berlin show an hour more.
    (tmp_path / "l.csv").write_bytes(
        "\ufefffrom;until;label\r\n"
        "2026-03-29 03:00:10+02:00;2026-03-29 03:00:30+02:00;ring\r\n".encode()
    )
    told = scored(tmp_path, "mill.parquet", "--labels", "l.csv", "--learn", "30s")
    assert (told["rate_hz"], told["n_channels"]) == (500, 3)
    assert told["figures"]["AUC"] > 0.99
    assert told["figures"]["missed alarms"] < 0.15


def test_slow_quantities_of_a_folder(tmp_path: Path) -> None:
    draw = np.random.default_rng(4)
    folder = tmp_path / "boiler"
    folder.mkdir()
    for day in range(3):
        t = np.cumsum(draw.normal(0, 0.02, 300)) * 0.1 + 70 + (8 if day == 2 else 0)
        p = draw.normal(2.1, 0.01, 300)
        rows = [
            f"0{day + 1}.03.2026 {i // 60:02}:{i % 60:02}:00,{a:.2f},{b:.3f}"
            for i, (a, b) in enumerate(zip(t, p, strict=True))
        ]
        (folder / f"{day}.csv").write_text("\n".join(["date,water (°C),pressure (bar)", *rows]))
    told = scored(tmp_path, "boiler", "--learn", "6h")
    assert (told["kind"], told["n_channels"]) == ("telemetry", 2)
    assert told["rate_hz"] == pytest.approx(1 / 60, rel=1e-3)
    assert len(set(told["scale"])) == 2
    assert told["tone"] != "good"


def test_what_was_learned_from_too_little_is_said_beside_the_verdict(tmp_path: Path) -> None:
    rows = ["time_s;Druck [bar];Temperatur [°C]"]
    draw = np.random.default_rng(3)
    for i in range(700):
        hot = 20 if i > 600 else 0
        rows.append(f"{60 * i};{draw.normal(2, 0.01):.3f};{draw.normal(70, 0.1) + hot:.2f}")
    (tmp_path / "Messung Kühlpumpe.csv").write_text("\n".join(rows))
    done = nearhum("score", "Messung Kühlpumpe.csv", "--learn", "1h", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Strange right now" in done.stdout
    assert "Temperatur [°C]" in done.stdout
    assert "channel" not in done.stdout
    assert "set the threshold, which may be off by" in done.stdout
    assert "probably real" not in done.stdout
    board = tmp_path / "Messung-Kühlpumpe-scored" / "messung-kuehlpumpe.toml"
    assert board_files.load(str(board)).kind == "telemetry"
    report = (board.parent / "report.html").read_text()
    verdict = report[report.index('class="verdict') :][:900]
    assert "set the threshold, which may be off by" in verdict
    assert "probably real" not in verdict
    assert "Temperatur [°C]" in verdict
    assert "2 channels · 0.0166" in report
    # the names travel with the log, and with the board file
    (tmp_path / "elsewhere").mkdir()
    log = next(board.parent.glob("*.nhl"))
    (tmp_path / "elsewhere" / "a.nhl").write_bytes(log.read_bytes())
    again = nearhum("report", "elsewhere/a.nhl", "--out", "again.html", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    page = (tmp_path / "again.html").read_text()
    assert "Temperatur [°C]" in page
    assert "channel 0" not in page
    assert "channel 1" not in page
    assert board_files.load(str(board)).source["names"] == ["Druck [bar]", "Temperatur [°C]"]


def test_a_folder_a_label_is_not_one_recording(tmp_path: Path) -> None:
    for label in ("bearing", "ok", "unbalance"):
        (tmp_path / "mill" / label).mkdir(parents=True)
        np.save(tmp_path / "mill" / label / "0.npy", np.zeros((2000, 1), np.int16))
    done = nearhum("score", "mill", "--rate", "1000", cwd=tmp_path)
    assert done.returncode == 2
    assert "mill holds a folder a label: bearing, ok, unbalance;" in done.stderr
    assert "`nearhum score mill/ok`" in done.stderr
    assert "`nearhum evaluate mill --names '{label}/*'`" in done.stderr
    days = tmp_path / "days"
    for day in ("2026-03-04", "2026-03-05"):
        (days / day).mkdir(parents=True)
        np.save(days / day / "0.npy", np.zeros((2000, 1), np.int16))
    refuse_labels(days)
    refuse_labels(tmp_path / "mill" / "ok")


def test_what_cannot_be_scored_says_why(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(100, dtype=np.int16) % 7)
    for words, says in (
        (["a.npy"], "does not say its sampling rate"),
        (["a.npy", "--rate", "50"], "windows of 4 s, 16 are needed"),
        (["none.csv"], "cannot read"),
        (["a.npy", "--rate", "50", "--kind", "vibrations"], "--kind vibrations"),
    ):
        done = nearhum("score", *words, cwd=tmp_path)
        assert done.returncode in (1, 2)
        assert says in done.stderr, done.stderr
        assert "Next: " in done.stderr


def test_labels_in_seconds_from_the_start(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", (hum(60_000, 1000, 45_000) * 8192).astype(np.int16))
    (tmp_path / "l.csv").write_text("from,until,label\n45,60,ring\n")
    readings = read_all([tmp_path / "a.npy"], rate_hz=1000)
    label_readings(tmp_path / "l.csv", readings)
    assert readings[0].stretches[0].labels == [(0, 45_000, "normal"), (45_000, 60_000, "ring")]
    found = score(readings, fit(readings))
    assert dict(found.figures)["AUC"] > 0.99
    assert {label for _, _, label in found.spans} == {"normal", "ring"}


@pytest.mark.slow
def test_a_hundred_megabytes_in_bounded_memory(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    path = tmp_path / "long.csv"
    with path.open("w") as out:
        out.write("timestamp_ms,x,y,z\n")
        block = [",".join(f"{v:.4f}" for v in row) for row in draw.normal(0, 0.05, (20_000, 3))]
        at = 0
        while out.tell() < 100_000_000:
            out.writelines(f"{at + i},{row}\n" for i, row in enumerate(block))
            at += len(block)
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from nearhum_host.recordings.fitting import fit\n"
        "from nearhum_host.recordings.reader import read, read_all\n"
        "from nearhum_host.evaluation.scoring import score\n"
        "readings = read_all([Path(sys.argv[1])])\n"
        "found = score(readings, fit(readings))\n"
        # its own, and that of the interpreter of the firmware
        f"{OWN_MEMORY}\nmost = max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "print(found.trace.n, most // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    n_windows, megabytes = map(int, done.stdout.split())
    assert n_windows == (at - 1024) // 512 + 1
    assert megabytes <= 500
