"""Measure how many changed instructions the tests of machine code notice (mutation testing).

Run `mutations.py [--count N] [--seed S]`. For each instruction set in turn, it draws a function,
weighted by size, and an instruction in it, and flips one bit. The tests run on the changed code. A
mutation is noticed if the results differ, an error occurs, or the code does not end.

It prints a line for each mutation, with the reason for a surviving one if it is known (REASONS),
and the share that was noticed. The exit code is 1 below 95 %.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

from device import run as device  # noqa: E402
from nearhum_host.boards import application  # noqa: E402
from nearhum_host.paths import firmware_dir  # noqa: E402

from machine_code import mpy, python, xtensa  # noqa: E402

WANTED = 0.95
TIMEOUT_S = 40
CALLS = ("calls.py", str(firmware_dir()))
# Why no test can notice a mutation: (arch, function, offset, old and new instruction).
_FILLER = "between two jumps: room for a longer one, which nothing comes to"
REASONS: dict[tuple[str, str, int, str, str], str] = {
    ("armv6m", "kernels/viper_bands.bands_into", 806, "00bf", "00af"): _FILLER,
    ("armv6m", "kernels/viper.smallest", 214, "00bf", "10bf"): _FILLER,
    ("armv7emsp", "kernels/viper_derive.weigh", 444, "0790", "0798"): (
        "the store of _ in `for _ in range(n_rows)`, which nobody reads"
    ),
}


def instructions(arch: str, code: bytes) -> list[tuple[int, int]]:
    """Return (offset, bytes) of each instruction. Constants among them count as instructions."""
    out, at = [], 0
    if arch == "xtensawin" and code[0] & 0x3F == 6:  # The code begins with a jump over constants.
        at = 4 + (int.from_bytes(code[:3], "little") >> 6)
    while at < len(code) - 1:
        first = code[at] | code[at + 1] << 8
        if arch == "xtensawin":
            n = 2 if first & 15 >= 8 else 3
        elif arch == "rv32imc":
            n = 4 if first & 3 == 3 else 2
        else:
            n = 4 if first >> 11 in (0b11101, 0b11110, 0b11111) else 2
        out.append((at, n))
        at += n
    return [(at, n) for at, n in out if at + n <= len(code)]


def drawn(count: int, seed: int) -> list[tuple[str, str, str, int, bytes, bytes]]:
    """Return (arch, module, function, offset, old, new) of each mutation."""
    dice = random.Random(seed)
    archs = [arch for arch in python.ARCHS if arch != "xtensawin" or xtensa.is_here()]
    all_of = {}
    for arch in archs:
        all_of[arch] = [
            (python.module_of(source), name, code.data)
            for source in application.modules(arch)
            if "kernels" in source.parts
            for name, code in python.functions_of(source, arch).values()
            if not (arch == "armv6m" and code.kind == mpy.VIPER and name == "l1")
        ]
    out = []
    for i in range(count):
        arch = archs[i % len(archs)]
        module, name, code = dice.choices(all_of[arch], [len(code) for *_, code in all_of[arch]])[0]
        at, n = dice.choice(instructions(arch, code))
        old = code[at : at + n]
        new = (int.from_bytes(old, "little") ^ 1 << dice.randrange(8 * n)).to_bytes(n, "little")
        out.append((arch, module, name, at, old, new))
    return out


def noticed(arch: str, module: str, name: str, at: int, new: bytes, unix: str) -> str:
    """Return the test that noticed a mutation, "" if none did."""
    environment = {**os.environ, "NEARHUM_CHANGED": f"{module} {name} {at} {new.hex()}"}
    run = [sys.executable, str(HERE / "run.py"), arch]
    for told, command in (
        ("calls", [*run, str(HERE / CALLS[0]), CALLS[1]]),
        ("arguments", [sys.executable, str(HERE / "arguments.py"), arch]),
        ("by hand", [*run, str(device.DEVICE / "kernels.py")]),
        ("golden", [*run, str(device.DEVICE / "golden.py")]),
    ):
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S * (told == "golden") * 4 + TIMEOUT_S,
                env=environment,
            )
        except subprocess.TimeoutExpired:
            return f"{told}, without end"
        if done.returncode or "\nFAIL " in done.stdout or told == "calls" and done.stdout != unix:
            return told
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=18)
    given = parser.parse_args()
    interpreter = device.micropython()
    assert interpreter, "no MicroPython unix port to compare with"
    unix = subprocess.run(
        [interpreter, "-X", "heapsize=8M", str(HERE / CALLS[0]), CALLS[1]],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    n_noticed, by = 0, {}
    for arch, module, name, at, old, new in drawn(given.count, given.seed):
        found = noticed(arch, module, name, at, new, unix)
        by[found] = by.get(found, 0) + 1
        n_noticed += bool(found)
        what = f"{arch} {module}.{name} at {at}: {old.hex()} to {new.hex()}"
        if found:
            print(f"{found:12} {what}", flush=True)
        else:
            reason = REASONS.get(
                (arch, f"{module}.{name}", at, old.hex(), new.hex()), "no reason found"
            )
            print(f"SURVIVED     {what}: {reason}", flush=True)
    print(f"{n_noticed} of {given.count} noticed ({n_noticed / given.count:.1%}): {by}")
    return 0 if n_noticed >= WANTED * given.count else 1


if __name__ == "__main__":
    sys.exit(main())
