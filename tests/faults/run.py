"""Inject every fault and print the table: `python tests/faults/run.py [MODULE ...]`.

Without names it runs all modules of this folder, each in a process of its own, and several in
parallel: modules that wait leave the processor to those that compute. Progress goes to stderr, the
table to stdout. Exits with 1 if a row is not ok, or if a module stopped early.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from faults.rows import Row, table  # noqa: E402


def names() -> list[str]:
    """Return the names of the modules that have rows."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if "\ndef rows(" in path.read_text())


AT_ONCE = 3
LONGEST = ("hostile", "power_cuts")  # They compute longest, so they start first.


def run_one(name: str) -> None:
    """Run a module here, and print each of its rows as a line of JSON."""
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{name} {time.monotonic() - began:6.0f} s  {text}", file=sys.stderr, flush=True)

    for row in importlib.import_module(f"faults.{name}").rows(say):
        say(f"{row.fault}, {row.stage}: {row.cases:,} {'ok' if row.ok else 'FAIL'}")
        print(json.dumps(dataclasses.asdict(row)), flush=True)


def collect(chosen: list[str]) -> tuple[list[Row], list[str]]:
    """Return the rows of the modules, in their order, and the names of those that stopped early."""

    def run(name: str) -> tuple[list[Row], bool]:
        command = [sys.executable, str(Path(__file__).resolve()), "--rows", name]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        # The rows of a module that stopped early are printed too.
        return [Row(**json.loads(line)) for line in done.stdout.splitlines()], done.returncode != 0

    with ThreadPoolExecutor(AT_ONCE) as pool:
        first = sorted(
            chosen, key=lambda name: LONGEST.index(name) if name in LONGEST else len(LONGEST)
        )
        futures = {name: pool.submit(run, name) for name in first}
    parts = {name: futures[name].result() for name in chosen}
    return [row for rows, _ in parts.values() for row in rows], [
        name for name in chosen if parts[name][1]
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("modules", nargs="*", help="; ".join(names()))
    parser.add_argument(
        "--rows", action="store_true", help="print rows as JSON, of one module, in this process"
    )
    given = parser.parse_args()
    chosen = given.modules
    unknown = sorted(set(chosen) - set(names()))
    if unknown:
        parser.error(f"no module {', '.join(unknown)}; there are: {', '.join(names())}")
    if given.rows:
        for name in chosen:
            run_one(name)
        return 0
    began = time.monotonic()
    rows, broken = collect(chosen or names())
    failed = [row for row in rows if not row.ok]
    print(table(rows))
    print(
        f"{len(rows)} rows, {sum(row.cases for row in rows):,} cases, {len(failed)} rows failed",
        end="",
    )
    print(f"; broke off: {', '.join(broken)}" if broken else "")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{time.monotonic() - began:.0f} s; {used.ru_utime + used.ru_stime:.0f} s of processors")
    return 1 if failed or broken or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
