"""What the firmware takes of a Raspberry Pi Pico: `make size`, or `python tests/size.py --uf2 FILE`.

Flash is the .mpy of each module, heap what loading it takes on an emulated RP2040 that boots the firmware image of
--uf2 or NEARHUM_UF2; then the heap of a board as main.py starts it, with its sensor's driver, that has learned, knows
three labels and watches, for each kind's defaults, beside the budgets (templates of words have one of their own, and
count apart); and what it takes besides, at most, while it is asked something or changed. Ends 1 where a budget is not
kept.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nearhum_host import application, boards, emulated
from nearhum_host.errors import HostError, UsageError
from nearhum_host.paths import firmware_dir
from nearhum_host.targets import EMULATED, open_target
from nearhum_host.terminal import print_rows

DEVICE = Path(__file__).resolve().parent / "device"
FILES = (DEVICE / "harness.py", DEVICE / "heap_use.py")
KINDS = ("telemetry", "vibration", "motion", "audio", "spectra", "radio")
KB = 1024
BUDGETS = {"flash": 96 * KB, "code": 128 * KB, "beyond code": 48 * KB, "templates": 40 * KB, "state": 4 * KB}
TIMEOUT_S = 3600


def flash() -> dict[str, int]:
    """Return {module: bytes of its .mpy} of the application on a Pico."""
    files = application.application(boards.load(emulated.BOARD))
    return {path[1:-4].replace("/", "."): len(mpy) for path, mpy in files.items() if path.endswith(".mpy")}


def heap(target: str, uf2: Path | None, kind: str) -> dict[str, int]:
    """Return {module, or what heap_use.py says beside them: bytes} of a board of that kind."""
    with open_target(target, FILES, uf2, TIMEOUT_S) as there:
        said = there.run(f"import heap_use\nheap_use.main({kind!r}, {(firmware_dir() / 'main.py').read_text()!r})\n")
    rows = [line.removeprefix("size ").rpartition(" ") for line in said.splitlines() if line.startswith("size ")]
    return {name: int(n_bytes) for name, _, n_bytes in rows}


def over(flash_bytes: int, used: dict[str, int]) -> list[str]:
    """Return the budgets that a board of one kind does not keep."""
    together = used["code"] + used["beyond code"]
    found = {**used, "flash": flash_bytes, "code": together}
    return [f"{name}: {found[name]} of {limit} bytes" for name, limit in BUDGETS.items() if found[name] > limit]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--uf2", default=os.environ.get(emulated.UF2_NAME), type=Path, help="firmware image to boot")
    given = parser.parse_args()
    try:
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            measured = dict(zip(KINDS, pool.map(lambda kind: heap(EMULATED, given.uf2, kind), KINDS), strict=True))
    except (HostError, UsageError) as error:
        print(f"{error.message}\n{error.hint}", file=sys.stderr)
        return 2
    of_flash = flash()
    loaded = {name: used[name] for used in measured.values() for name in used if name in of_flash}
    print_rows([{"module": name, "flash": size, "heap": loaded.get(name)} for name, size in of_flash.items()])
    total = sum(of_flash.values())
    print(f"\nflash: {total} of {BUDGETS['flash']} bytes; no heap: not loaded by any kind's defaults\n")
    print_rows(
        [
            {
                "kind": kind, "code": used["code"], "beyond code": used["beyond code"],
                "together": used["code"] + used["beyond code"], "templates": used["templates"],
                "free": used["free"], "state": used["state"],
            }
            for kind, used in measured.items()
        ]
    )  # fmt: skip
    print(
        f"\nbudgets: together {BUDGETS['code']}, beyond code {BUDGETS['beyond code']}, "
        f"templates of words, which count apart, {BUDGETS['templates']}, "
        f"state of 8 prototypes of 32 dimensions {BUDGETS['state']} bytes"
    )
    print("\nbesides, while it answers:\n")
    print_rows(
        [
            {"line": name[2:].replace("_", " "), **{kind: used.get(name) for kind, used in measured.items()}}
            for name in measured[KINDS[0]]
            if name.startswith("+ ")
        ]
    )
    broken = [f"{kind}: {what}" for kind, used in measured.items() for what in over(total, used)]
    for what in broken:
        print(f"OVER {what}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
