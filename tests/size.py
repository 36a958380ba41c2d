"""Measure what the firmware takes of a board: `make size`, or `python tests/size.py --uf2 FILE`.

First the native code of each board file and kind, against the room on its chip. It needs no image.
Then, if --uf2 or NEARHUM_UF2 names a firmware, a Raspberry Pi Pico: the flash of each module's
.mpy, and the heap that loading it takes on an emulated RP2040 that boots that image. Then for each
kind the heap of a board as main.py starts it, with its sensor's driver, which has learned, knows
three labels and watches, against the budgets (templates of words have one of their own), and the
largest further use while a verb runs. Exits with 1 if a budget is exceeded.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nearhum_host.boards import application, board_files, memory_plan
from nearhum_host.commands.terminal import print_rows
from nearhum_host.errors import HostError, UsageError
from nearhum_host.paths import firmware_dir
from nearhum_host.virtual import emulated
from nearhum_host.virtual.targets import EMULATED, open_target

DEVICE = Path(__file__).resolve().parent / "device"
FILES = (DEVICE / "harness.py", DEVICE / "heap_use.py")
KINDS = ("telemetry", "vibration", "motion", "audio", "spectra", "radio")
# The sources of some kinds. The other kinds use the accelerometer of the board file.
SOURCES: dict[str, dict[str, object]] = {
    "audio": {"driver": "i2s_microphone", "sck": 16, "ws": 17, "sd": 18},
    "telemetry": {"driver": "push"},
    "radio": {"driver": "wifi"},
}
AUDIO_BY_PIO = {"driver": "pio_microphone", "sck": 16, "ws": 17, "sd": 18}  # On the port rp2.
KB = 1024
BUDGETS = {
    "flash": 192 * KB,
    "code": 128 * KB,
    "beyond code": 48 * KB,
    "templates": 40 * KB,
    "state": 4 * KB,
}
TIMEOUT_S = 3600


def native() -> tuple[list[dict[str, object]], list[str]]:
    """Return rows of the native code of each board file by kind, and the budgets exceeded."""
    rows, broken = [], []
    for name in board_files.names():
        board = board_files.load(name)
        row: dict[str, object] = {"native code": name}
        for kind in KINDS:
            source = AUDIO_BY_PIO if (kind, board.port) == ("audio", "rp2") else SOURCES.get(kind)
            given = {"kind": kind, "rate_hz": 16000, "source": source or {}}
            found = memory_plan.plan(application.application(board, given, check=False))
            row[kind] = found.n_bytes
            if board.native_bytes is not None and (
                found.n_bytes > board.native_bytes or found.returns
            ):
                returns = (
                    f", {sum(found.returns.values())} of it let go of" if found.returns else ""
                )
                broken.append(
                    f"{name}, {kind}: {found.n_bytes} of {board.native_bytes} bytes of native"
                    f" code{returns}"
                )
        rows.append({**row, "room": board.native_bytes or "in the heap"})
    return rows, broken


def flash() -> dict[str, int]:
    """Return {module: bytes of its .mpy} of the application on a Pico."""
    files = application.application(board_files.load(emulated.BOARD))
    return {
        path[1:-4].replace("/", "."): len(mpy)
        for path, mpy in files.items()
        if path.endswith(".mpy")
    }


def heap(target: str, uf2: Path | None, kind: str) -> dict[str, int]:
    """Return {module, or another entry of heap_use.py: bytes} of a board of that kind."""
    with open_target(target, FILES, uf2, TIMEOUT_S) as there:
        said = there.run(
            f"import heap_use\nheap_use.main({kind!r},"
            f" {(firmware_dir() / 'main.py').read_text()!r})\n"
        )
    rows = [
        line.removeprefix("size ").rpartition(" ")
        for line in said.splitlines()
        if line.startswith("size ")
    ]
    return {name: int(n_bytes) for name, _, n_bytes in rows}


def over(flash_bytes: int, used: dict[str, int]) -> list[str]:
    """Return the budgets that a board of one kind exceeds."""
    together = used["code"] + used["beyond code"]
    found = {**used, "flash": flash_bytes, "code": together}
    return [
        f"{name}: {found[name]} of {limit} bytes"
        for name, limit in BUDGETS.items()
        if found[name] > limit
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--uf2", default=os.environ.get(emulated.UF2_NAME), type=Path, help="firmware image to boot"
    )
    given = parser.parse_args()
    rows, broken = native()
    print_rows(rows)
    for what in broken:
        print(f"OVER {what}")
    if not given.uf2:
        print("\nflash and heap: not measured, for neither --uf2 nor NEARHUM_UF2 names an image")
        return 1 if broken else 0
    print()
    try:
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            measured = dict(
                zip(
                    KINDS,
                    pool.map(lambda kind: heap(EMULATED, given.uf2, kind), KINDS),
                    strict=True,
                )
            )
    except (HostError, UsageError) as error:
        print(f"{error.message}\n{error.hint}", file=sys.stderr)
        return 2
    of_flash = flash()
    loaded = {name: used[name] for used in measured.values() for name in used if name in of_flash}
    print_rows(
        [
            {"module": name, "flash": size, "heap": loaded.get(name)}
            for name, size in of_flash.items()
        ]
    )
    total = sum(of_flash.values())
    print(
        f"\nflash: {total} of {BUDGETS['flash']} bytes; no heap: not loaded by any kind's"
        " defaults\n"
    )
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
            {
                "line": name[2:].replace("_", " "),
                **{kind: used.get(name) for kind, used in measured.items()},
            }
            for name in measured[KINDS[0]]
            if name.startswith("+ ")
        ]
    )
    over_budget = [
        f"{kind}: {what}" for kind, used in measured.items() for what in over(total, used)
    ]
    for what in over_budget:
        print(f"OVER {what}")
    broken += over_budget
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
