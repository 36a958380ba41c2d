"""Test every kernel on its own instruction set: the machine code of built files on simulated cores.

The results are compared with the golden vectors, with results worked out by hand, and with viper on
the unix port for random and extreme inputs. Thumb and RV32 run on `unicorn`. Xtensa runs on QEMU
(Debian's package qemu-system-misc, from Debian 13 on qemu-system-xtensa), and is skipped with a
message if QEMU is not installed.
"""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from device import run as device
from nearhum_host.boards import application
from nearhum_host.paths import firmware_dir

from machine_code import python, xtensa

HERE = Path(__file__).parent
TIMEOUT_S = 600  # A run takes less than a minute on a machine without other load.

each_arch = pytest.mark.parametrize("arch", python.ARCHS)
# Kernels in which alignment may go wrong: they read words from arrays of shorter items, or several
# words from one address.
ALIGNED = [
    *(f"kernels/viper.{name}" for name in ("deinterleave", "slide")),
    *(f"kernels/fast.{name}" for name in ("centre", "distances", "score", "learn", "dense")),
    "kernels/fast.transform",
    *(f"kernels/viper_words.{name}" for name in ("l1", "hear")),
]


def needed(arch: str) -> None:
    """Skip the test if this machine cannot run code of that arch."""
    if arch == "xtensawin" and not xtensa.is_here():
        pytest.skip(f"no {xtensa.QEMU}: the machine code of xtensawin does not run here")


def run(arch: str, script: Path, *arguments: str, **environment: str) -> str:
    """Run a script under CPython with the kernels' machine code. Returns its output."""
    needed(arch)
    done = subprocess.run(
        [sys.executable, str(HERE / "run.py"), arch, str(script), *arguments],
        capture_output=True, text=True, timeout=TIMEOUT_S, env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def results(said: str) -> dict[str, list[str]]:
    """Return {function: CRC-32 of each call} from the output of calls.py."""
    return {line.split()[0]: line.split()[1:] for line in said.splitlines()}


@cache
def on_unix() -> dict[str, list[str]]:
    """Return the results of the same calls in viper on the unix port, with 64-bit words."""
    interpreter = device.micropython()
    if interpreter is None:
        pytest.skip("no MicroPython unix port to compare with")
    done = subprocess.run(
        [interpreter, "-X", "heapsize=8M", str(HERE / "calls.py"), str(firmware_dir())],
        capture_output=True, text=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return results(done.stdout)


def compare(found: dict[str, list[str]], wanted: dict[str, list[str]]) -> None:
    differing = {}
    for name, crcs in wanted.items():
        here = found.get(name, [])
        if here != crcs:
            differing[name] = [i for i, crc in enumerate(crcs) if here[i : i + 1] != [crc]]
    assert not differing, f"calls that differ from viper on unix, by function: {differing}"


@each_arch
def test_machine_code_gives_the_golden_vectors(arch: str) -> None:
    """The whole pipeline gives the golden vectors, from sample to label and learned state."""
    lines, well = device.verdict(run(arch, device.DEVICE / "golden.py"))
    assert well, "\n".join(lines)
    assert sum(line.startswith("ok ") for line in lines) >= 6


@each_arch
def test_machine_code_gives_results_worked_out_by_hand(arch: str) -> None:
    lines, well = device.verdict(run(arch, device.DEVICE / "kernels.py"))
    assert well, "\n".join(lines)
    assert sum(line.startswith("ok ") for line in lines) >= 20


@each_arch
def test_machine_code_equals_viper_on_unix(arch: str, tmp_path: Path) -> None:
    """Random and extreme inputs give the same results, and no function is left out."""
    counted = tmp_path / "calls.json"
    said = run(arch, HERE / "calls.py", str(firmware_dir()), NEARHUM_CALLS=str(counted))
    compare(results(said), on_unix())
    all_of_them = {
        f"{python.module_of(source)}.{name}"
        for source in application.modules(arch)
        for name, _ in python.functions_of(source, arch).values()
    }
    assert len(all_of_them) >= 50
    assert all_of_them - set(json.loads(counted.read_text())) == left_out(arch)


def left_out(arch: str) -> set[str]:
    """Return the functions that are in a file but that no board of the arch uses.

    It is the viper l1, because there is one in assembler.
    """
    return {"kernels/viper_words.l1"} if arch == "armv6m" else set()


def test_machine_code_keeps_to_what_a_cortex_m0_takes() -> None:
    """There is no unaligned access. Every test of armv6m checks that all instructions exist."""
    said = run("armv6m", HERE / "calls.py", str(firmware_dir()), *ALIGNED, NEARHUM_STRICT="1")
    compare(results(said), {name: on_unix()[name] for name in ALIGNED})


@each_arch
def test_machine_code_refuses_arguments_too_many_and_too_few(arch: str) -> None:
    needed(arch)
    done = subprocess.run(
        [sys.executable, str(HERE / "arguments.py"), arch],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) >= 100
