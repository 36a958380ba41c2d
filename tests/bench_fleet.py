"""Measure what evaluating a fleet costs: `make bench-fleet`. PERFORMANCE.md has the table.

1. Tables of --boards boards and --days days, a row a minute, resampled from scores that the
firmware computed. They are kept in --folder and used again.
2. `nearhum fleet evaluate` on DuckDB, and on Spark in local mode, on the same tables. Each is a
process of its own.
3. `nearhum fleet merge` of as many states, which the firmware made from as many signals.

Exits with 1 if the engines do not agree to the last digit.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from nearhum_host.fleet import generated
from nearhum_host.fleet.merging import merge
from states import board, states

VIBRATION = {"n_channels": 3, "n_window": 64, "n_hop": 64, "n_bands": 12, "f_low_hz": 0}


def tables(folder: Path, n_boards: int, n_days: int) -> None:
    """Make the tables, unless they exist."""
    done = folder / f"made-{n_boards}x{n_days}"
    if done.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    of, step = generated.recorded(), 25
    with ProcessPoolExecutor(2) as pool:
        parts = [
            pool.submit(generated.write, folder, min(step, n_boards - first), n_days, of, 1, first)
            for first in range(0, n_boards, step)
        ]
        rows = sum(part.result() for part in parts)
    done.write_text(f"{rows}")


def evaluated(folder: Path, *options: str) -> tuple[str, float, float, float]:
    """Return (what evaluate printed, seconds, processor seconds, largest memory in GB) of one
    process.
    """
    command = [
        sys.executable,
        "-m",
        "nearhum_host.commands.cli",
        "fleet",
        "evaluate",
        str(folder),
        "--json",
        *options,
    ]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stderr)
    processors = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, seconds, processors, after.ru_maxrss / 1e6


def merged(n: int) -> tuple[float, float]:
    """Return (seconds of a plain merge, of a trimmed one) of n states."""
    asked = [
        {
            **board(3 * i, [(40, 200 + i % 37, 1000), (30, 150, 4000 + i % 11 * 10)]),
            "settings": VIBRATION,
        }
        for i in range(n)
    ]
    images = {f"board {i}": image for i, image in enumerate(states(asked, 7200))}
    config = {"board": "bench", "kind": "vibration", "source": {"driver": "replay"}, **VIBRATION}
    seconds = []
    for trim in (False, True):
        began = time.monotonic()
        merge(images, config, trim=trim)
        seconds.append(time.monotonic() - began)
    return seconds[0], seconds[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boards", type=int, default=1000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "nearhum-bench-fleet"
    )
    asked = parser.parse_args()
    began = time.monotonic()
    tables(asked.folder, asked.boards, asked.days)
    n_rows = int(next(asked.folder.glob("made-*")).read_text())
    print(
        f"{asked.boards} boards x {asked.days} days: {n_rows} rows in"
        f" {time.monotonic() - began:.0f} s",
        flush=True,
    )
    labels = ("--labels", str(asked.folder / "labels.csv"))
    by_duckdb, duckdb_s, processors_s, gb = evaluated(asked.folder, *labels, "--memory", "3GB")
    print("| fleet evaluate | rows | seconds | of processors | GB at most |\n|---|---|---|---|---|")
    print(f"| DuckDB | {n_rows} | {duckdb_s:.1f} | {processors_s:.1f} | {gb:.2f} |", flush=True)
    by_spark, spark_s, processors_s, _ = evaluated(
        asked.folder, *labels, "--engine", "spark", "--master", "local[2]"
    )
    print(f"| Spark, local[2] | {n_rows} | {spark_s:.1f} | {processors_s:.1f} | |", flush=True)
    alike = json.loads(by_duckdb) == json.loads(by_spark)
    print(
        f"Spark takes {spark_s / duckdb_s:.1f} times as long; the figures are"
        f" {'equal' if alike else 'NOT EQUAL'}."
    )
    plain_s, trimmed_s = merged(asked.boards)
    print(f"fleet merge of {asked.boards} boards: {plain_s:.1f} s, with --trim {trimmed_s:.1f} s")
    sys.exit(not alike)


if __name__ == "__main__":
    main()
