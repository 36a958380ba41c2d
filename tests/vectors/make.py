"""Make golden.json, real_windows.json and the vectors of `nearhum selftest`.

It runs the firmware and keeps hashes of the results. Run `python tests/vectors/make.py` after a
change that is meant to alter features, scores or state. The difference in the files is part of that
change.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import bits  # noqa: E402
from device.run import micropython  # noqa: E402
from nearhum_host.boards import stage_check  # noqa: E402
from nearhum_host.virtual.targets import UNIX, open_target  # noqa: E402

_ON_DEVICE = """
import sys
sys.path.insert(0, {tests!r} + "/device")
import harness
import json
from outcome import SETTINGS, canonical, outcome
kinds = {{kind: outcome(kind) for kind in SETTINGS}}
print(json.dumps(kinds))
print(canonical(kinds).decode())
"""


def main() -> int:
    interpreter = micropython()
    if interpreter is None:
        print("no MicroPython unix port to make them with", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [interpreter, "-X", "heapsize=2M", "-c", _ON_DEVICE.format(tests=str(HERE.parent))],
            capture_output=True, text=True, env={"NEARHUM_SCRATCH": folder},
        )  # fmt: skip
    if done.returncode:
        print(done.stdout + done.stderr, file=sys.stderr)
        return 1
    kinds, canonical = done.stdout.split("\n", 1)
    golden = {
        "magic": "nearhum golden",
        "version": 1,
        "sha256": hashlib.sha256(canonical[:-1].encode()).hexdigest(),
        "kinds": json.loads(kinds),
    }
    (HERE / "golden.json").write_text(json.dumps(golden, indent=1, sort_keys=True) + "\n")
    with open_target(UNIX, (stage_check.MODULE,), None, 60) as there:
        stage_check.VECTORS.write_text(stage_check.sealed(stage_check.crcs(stage_check.run(there))))
    bits.VECTORS.write_text(stage_check.sealed(bits.found(UNIX, bits.ALL)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
