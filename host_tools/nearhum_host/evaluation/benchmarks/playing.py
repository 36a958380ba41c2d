"""Run a MicroPython process that plays recordings through the firmware, and read its journals.

The journal is a ring, as on a board. In a long recording the oldest segments are overwritten before
the end, so they are read while it runs. Progress is the position in the recording's file, which
Linux shows in /proc.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

LOOK_S = 0.25  # Between two looks. A segment of 16 KB takes seconds to fill.
FIRST_LOOKS_S = 0.01  # Between the first ones. A short recording ends within LOOK_S.


def play(
    command: Sequence[str],
    roots: Sequence[Path],
    on_progress: Callable[[int, int], None] | None,
    timeout_s: float,
) -> tuple[int, str, list[bytes]]:
    """Run a command that plays replay.nhr of each of roots. Returns (exit code, output, journals).

    roots: the folders that stand for the boards' file systems. on_progress is called for the first.
    Raises TimeoutError after timeout_s, when the process has been ended.
    """
    kept: list[dict[int, bytes]] = [{} for _ in roots]
    end = time.monotonic() + timeout_s
    recording = roots[0] / "replay.nhr"
    with (roots[0] / "said").open("w+b") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        try:
            pause = FIRST_LOOKS_S
            while True:
                try:
                    process.wait(pause)
                    break
                except subprocess.TimeoutExpired:
                    pass
                pause = min(LOOK_S, 1.5 * pause)
                if pause == LOOK_S:
                    _collect_all(roots, kept)
                    if on_progress:
                        on_progress(_played(process.pid, recording), recording.stat().st_size)
                if time.monotonic() > end:
                    raise TimeoutError
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        said.seek(0)
        text = said.read().decode(errors="replace")
    _collect_all(roots, kept)
    journals = [b"".join(some[number] for number in sorted(some)) for some in kept]
    return process.returncode, text, journals


def _collect_all(roots: Sequence[Path], kept: Sequence[dict[int, bytes]]) -> None:
    for root, some in zip(roots, kept, strict=True):
        _collect(root, some)


def _collect(root: Path, kept: dict[int, bytes]) -> None:
    """Copy new content of the segments. A segment that is gone is kept as it was last seen."""
    for file in sorted((root / "hum" / "log").glob("*.seg"), key=lambda file: int(file.stem, 16)):
        number = int(file.stem, 16)
        if number + 1 in kept:
            continue  # The segment was complete before the next one began.
        try:
            kept[number] = file.read_bytes()
        except FileNotFoundError:
            continue  # The firmware removed it since the folder was listed.


def _played(pid: int, recording: Path) -> int:
    """Return how many bytes of the recording the process has read, 0 if the system does not say."""
    try:
        for link in (Path("/proc") / str(pid) / "fd").iterdir():
            if link.resolve() == recording.resolve():
                where = (Path("/proc") / str(pid) / "fdinfo" / link.name).read_text(
                    encoding="utf-8"
                )
                return int(where.split("pos:")[1].split()[0])
    except (OSError, IndexError, ValueError):
        pass
    return 0
