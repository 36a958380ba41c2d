"""Inject every fault and print the table: `python tests/faults/run.py [MODULE ...]`, without names all modules here.

Progress goes to stderr, the table to stdout. Ends 1 if any row is not ok, or a module broke off.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import traceback
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from faults.rows import Row, table  # noqa: E402


def names() -> list[str]:
    """Return the names of the modules that have rows."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if "\ndef rows(" in path.read_text())


def collect(chosen: list[str]) -> tuple[list[Row], list[str]]:
    """Return the rows of the modules, and the names of those that broke off."""
    rows: list[Row] = []
    broken = []
    for name in chosen:
        began = time.monotonic()

        def say(text: str, name: str = name, began: float = began) -> None:
            print(f"{name} {time.monotonic() - began:6.0f} s  {text}", file=sys.stderr, flush=True)

        try:
            for row in importlib.import_module(f"faults.{name}").rows(say):
                say(f"{row.fault}, {row.stage}: {row.cases:,} {'ok' if row.ok else 'FAIL'}")
                rows.append(row)
        except Exception:  # the other modules' rows are worth having
            traceback.print_exc()
            broken.append(name)
    return rows, broken


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("modules", nargs="*", help="; ".join(names()))
    chosen = parser.parse_args().modules
    unknown = sorted(set(chosen) - set(names()))
    if unknown:
        parser.error(f"no module {', '.join(unknown)}; there are: {', '.join(names())}")
    rows, broken = collect(chosen or names())
    failed = [row for row in rows if not row.ok]
    print(table(rows))
    print(f"{len(rows)} rows, {sum(row.cases for row in rows):,} cases, {len(failed)} rows failed", end="")
    print(f"; broke off: {', '.join(broken)}" if broken else "")
    return 1 if failed or broken or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
