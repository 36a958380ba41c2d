"""Run a script under CPython with the firmware's kernels as machine code.

Run `run.py ARCH SCRIPT [ARGUMENT ...]`. Its output is the script's. Three environment variables
change the run:

- NEARHUM_CALLS: a file for the number of calls of each kernel, as JSON.
- NEARHUM_CHANGED: `module function offset hex`. These bytes replace those of the function's code,
  to see whether a test notices.
- NEARHUM_STRICT: accesses and instructions that only other chips of the family accept are errors
  (cores.py).
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS)]

from machine_code import python  # noqa: E402


def changed(module: str, function: str, code: bytes) -> bytes:
    """Return code, with the bytes of NEARHUM_CHANGED if it names this function."""
    where = os.environ.get("NEARHUM_CHANGED", "").split()
    if where[:2] != [module, function]:
        return code
    at, other = int(where[2]), bytes.fromhex(where[3])
    return code[:at] + other + code[at + len(other) :]


def main() -> None:
    arch, script, *arguments = sys.argv[1:]
    simulated = python.install(arch, bool(os.environ.get("NEARHUM_STRICT")), changed)
    sys.argv = [script, *arguments]
    sys.path[0] = str(Path(script).parent)
    sys.path.insert(1, str(TESTS))
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        simulated.machine.core.close()
        if os.environ.get("NEARHUM_CALLS"):
            Path(os.environ["NEARHUM_CALLS"]).write_text(json.dumps(simulated.machine.n_calls))


if __name__ == "__main__":
    main()
