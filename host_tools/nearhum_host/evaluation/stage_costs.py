"""Measure the time of the firmware's stages on a target, beside ulab and plain bytecode.

Enters: a target. Leaves: microseconds, cycles and bytes of each stage.
    device_scripts/stage_times.py is what runs, unchanged on every target.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from nearhum import __version__

from ..boards.board_files import Board
from ..errors import HostError
from ..serial_line.visible_text import object_in
from ..virtual.targets import DEVICE_SCRIPTS, Target, open_target

STAGES = ("features", "kernels", "whole", "float")
# For one run, by the clock of this machine: an emulated board takes minutes for a float FFT.
TIMEOUT_S = 3600
AUDIO_HOP_US = 16_000  # Between two windows of the kind audio: 256 samples at 16 kHz.

Line = dict[str, Any]


def bench(
    target: str,
    uf2: Path | None = None,
    growth: bool = False,
    on_done: Callable[[int, int], None] = lambda n, of: None,
    board: Board | None = None,
) -> dict[str, Any]:
    """Measure the stages on target: unix, virtual, emulated (which boots uf2), or the port of a
    board.

    growth: measure how the cost grows with the size instead.
    on_done: called with (runs done, number of runs). board: as of targets.open_target.

    Returns {"target", "clock_hz", "versions", "stages"}. stages: [{"name", "us", "us_min",
    "us_max", "cycles", "bytes", "ulab_us", "bytecode_us"}].
    us: median of five calls, minus an empty one. cycles: None if the clock is not known.
    ulab_us, bytecode_us: the same work there, None if it was not measured.
    Raises HostError, UsageError.
    """
    with open_target(
        target,
        tuple(DEVICE_SCRIPTS / f"{name}.py" for name in ("stage_times", "stopwatch", "rivals")),
        uf2,
        TIMEOUT_S,
        board,
    ) as there:
        jobs = _jobs(there, growth)
        n_done = 0

        def run(code: str) -> list[Line]:
            nonlocal n_done
            lines = _lines(there.run(code))
            n_done += 1
            on_done(n_done, len(jobs))
            return lines

        with ThreadPoolExecutor(there.n_at_once) as pool:
            lines = [line for some in pool.map(run, jobs) for line in some]
    try:
        return _collected(target, lines)
    # A board may print anything, so its figures may have any type.
    except (ArithmeticError, KeyError, TypeError, ValueError) as error:
        raise HostError(
            f"the benchmark's figures make no sense: {error!r}"[:200], "deploy this release"
        ) from None


def _jobs(there: Target, growth: bool) -> list[str]:
    """Return the code of each run. One run for each stage, because a board's heap holds no more.

    The rivals, ulab and bytecode, run beside the last variant.
    """
    out = []
    for variant in there.variants:
        last = variant == there.variants[-1]
        for stage in ("growth",) if growth else STAGES:
            if stage != "float" or last:
                rivals = ", rivals" if last and not growth else ""
                out.append(
                    f"import stage_times{rivals}\nstage_times.main({variant!r}, {there.root!r},"
                    f" ({stage!r},){rivals})\n"
                )
    return out


def _lines(said: str) -> list[Line]:
    found = [
        object_in(line.removeprefix("bench "))
        for line in said.splitlines()
        if line.startswith("bench {")
    ]
    return [row for row in found if row is not None]


def _collected(target: str, lines: list[Line]) -> dict[str, Any]:
    about = next((line for line in lines if "name" not in line), None)
    measured = [line for line in lines if "name" in line]
    if about is None or not measured:
        raise HostError(
            "the benchmark gave no figures",
            "is the application of this release on the board? deploy it",
        )
    rivals: dict[str, dict[str, float | None]] = {}
    for line in measured:
        found = rivals.setdefault(_work(line), {"ulab_us": None, "bytecode_us": None})
        for key in found:
            if line[key]:
                found[key] = round(median(line[key]), 2)
    clock_hz = about["clock_hz"]
    stages = []
    for line in measured:
        us = median(line["us"])
        stages.append(
            {
                "name": line["name"], "us": round(us, 2),
                "us_min": round(min(line["us"]), 2), "us_max": round(max(line["us"]), 2),
                "cycles": round(us * clock_hz / 1e6) if clock_hz else None, "bytes": line["bytes"],
                **rivals[_work(line)],
            }
        )  # fmt: skip
    versions = {"nearhum": __version__, "micropython": about["micropython"], "ulab": about["ulab"]}
    return {"target": target, "clock_hz": clock_hz, "versions": versions, "stages": stages}


def _work(line: Line) -> str:
    """Return the name of a stage without its variant."""
    return line["name"].partition(":")[0]
