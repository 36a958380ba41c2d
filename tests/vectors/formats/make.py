"""Keep the files that this firmware writes as golden files of its format.

Run `python tests/vectors/formats/make.py`. It fills the boards of tests/device/filled.py and keeps
their files in the folder vN beside this script. N is the number of the format. An existing folder
is never written again: files of a released format must stay readable, and a change of the format
gets a new number.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parents[1]
sys.path.insert(0, str(TESTS))

from device.run import micropython  # noqa: E402
from nearhum import wire  # noqa: E402

_ON_DEVICE = """
import sys
sys.path.insert(0, {device!r})
import harness
from filled import make
make({folder!r})
"""


def fill(folder: Path) -> None:
    """Fill every board below a folder with the firmware of this checkout.

    Raises CalledProcessError if the firmware fails.
    """
    code = _ON_DEVICE.format(device=str(TESTS / "device"), folder=f"{folder}/")
    subprocess.run([micropython() or "micropython", "-X", "heapsize=4M", "-c", code], check=True)
    for copy in folder.glob("*.copy"):
        shutil.rmtree(copy)
    for known in folder.glob("*/*.json"):
        known.write_text(json.dumps(json.loads(known.read_text()), sort_keys=True) + "\n")


def main() -> int:
    kept = HERE / f"v{wire.FORMAT}"
    if kept.exists():
        print(
            f"{kept} is kept as it is; a changed format is FORMAT {wire.FORMAT + 1} in wire.py",
            file=sys.stderr,
        )
        return 1
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder))
        shutil.copytree(folder, kept)
    print(f"{kept}: {sum(path.is_file() for path in kept.rglob('*'))} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
