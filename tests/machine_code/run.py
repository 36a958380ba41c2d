"""Run a script under CPython with the firmware's kernels as machine code: `run.py ARCH SCRIPT
[ARGUMENT ...]`.

Writes what the script prints. NEARHUM_CALLS names a file for the number of calls a kernel had,
JSON. NEARHUM_CHANGED is `module function offset hex`: those bytes of that function's code are
loaded instead, to see whether a test notices. NEARHUM_STRICT: what only other chips of the family
take is an error, see cores.py.
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
    """Return code with the bytes that NEARHUM_CHANGED names, if it is this function's."""
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
