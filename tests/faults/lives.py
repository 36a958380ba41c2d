"""Lives of boards on flash that fails, and every command with every amount of free heap.

In its life a board has several power cuts, a log that is cleared, a full flash, failing operations,
stuck bits or rot. Each life is drawn from its kind and number. MicroPython runs and judges
thousands of them in one process (device/lives.py, device/heap_sweep.py). A life may have three
defects:

    lost      something acknowledged is missing: a record, the saved state, a setting
    misread   the board reads something that was never written
    silent    a loss is reported nowhere: not in status, not in the log, not by a gap in the numbers

None of them may occur. Only rot may cause a loss, which must be reported.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from device.run import micropython

from faults.power_cuts import compiled_application
from faults.rows import Row, Say

DEVICE = Path(__file__).parent / "device"
N_AT_ONCE = max(2, os.cpu_count() or 2)
LONGEST_S = 120  # For a life, or an answer of the sweep. A broken file system may loop forever.

# Number of lives in `make test-faults`: 5,000 in all.
LIVES = {"cuts": 1500, "reset": 700, "full": 500, "eio": 900, "stuck": 500, "rot": 900}
WHAT = {
    "cuts": "power cuts, two to five in a life, also while it starts",
    "reset": "power cuts around `reset log`",
    "full": "power cuts on a full flash, one segment",
    "eio": "an erase or program refused with EIO, each in turn",
    "stuck": "stuck bits, and power cuts",
    "rot": "rot at rest, then a start",
}
# The outcomes of each kind. A kind that may lose nothing has one.
SOUND = "nothing acknowledged lost, nothing misread, goes on"
COMMANDS = (
    "help", "status", "list", "list snapshots", "list pending", "look", "look names 0", "raw",
    "get", "get alarm_n", "get state 0", "log 0", "log 500 1536", "time 1795000000", "learn 20",
    "learn 10 as fast", "learn stable 24h", "learn pause", "watch", "enrol tap 2", "forget hum",
    "forget tap", "relabel hum tap", "rollback", "rollback 1", "trust", "veto tap",
    "veto knock off", "accept 1", "reject 1", "reset learned", "reset log", "reset all",
    "reset factory", "set alarms_per_day 5", "set alarm_n 6", "nonsense",
)  # fmt: skip
HEAP_BLOCK = 32  # Bytes of a block of the heap, on 64 bits.


@dataclass
class Lived:
    """The result of the lives of one kind.

    Counts are of lives. safe: those that ended without a pipeline, in safe mode or without a file
    system. wrong: broken promises.
    """

    n: int = 0
    starts: int = 0
    operations: int = 0
    lost: int = 0
    misread: int = 0
    silent: int = 0
    told: int = 0
    safe: int = 0
    no_file_system: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, number: int, said: dict) -> None:
        """Add a life."""
        where = f"{said.get('kind')} {number} ({said.get('what', '')}): "
        self.n += 1
        if "error" in said:
            self.wrong.append(where + str(said["error"]).strip())
            return
        self.starts += said["starts"]
        self.operations += said["operations"]
        for name in ("lost", "misread", "silent", "told"):
            setattr(self, name, getattr(self, name) + bool(said[name]))
        self.safe += not said["started"]
        self.no_file_system += any("no file system" in text for text in said["told"])
        bad = said["misread"] + said["silent"]
        if said["kind"] != "rot":
            bad += said["lost"] + said["told"]
        self.wrong += [where + text for text in bad]


class Process:
    """A MicroPython that answers lines of JSON. A context manager.

    It is restarted if it dies, or is silent for too long.
    """

    def __init__(self, script: str, heap: str, compiled: Path) -> None:
        interpreter = micropython()
        assert interpreter, "no MicroPython unix port"
        self._command = [interpreter, "-X", f"heapsize={heap}", str(DEVICE / script), str(compiled)]
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        answers: queue.Queue[str] = queue.Queue()
        stream = self._process.stdout
        assert stream

        def read() -> None:
            for line in stream:
                answers.put(line)
            answers.put("")

        self._answers = answers
        threading.Thread(target=read, daemon=True).start()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.kill()
        self._process.wait()

    def ask(self, what: list, patience_s: float = LONGEST_S) -> dict:
        """Return the answer to one line, {"error": ...} if there was none."""
        assert self._process.stdin
        line = ""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()
        try:
            line = self._answers.get(timeout=patience_s)
            if line:
                return json.loads(line)
            why = f"MicroPython died: {self._process.wait()}"
        except queue.Empty:
            why = f"no answer for {patience_s} s"
        except ValueError:
            why = f"it said {line!r}"
        self._end()
        self._start()
        return {"error": why}


def lives(kind: str, numbers: range, compiled: Path) -> Lived:
    """Run the lives of a kind with these numbers, several in parallel."""
    found = Lived()
    with ThreadPoolExecutor(N_AT_ONCE) as pool:
        shares = [numbers[i::N_AT_ONCE] for i in range(N_AT_ONCE)]

        def live(share: range) -> list[tuple[int, dict]]:
            with Process("lives.py", "16M", compiled) as process:
                return [(number, process.ask([kind, number])) for number in share]

        for part in pool.map(live, shares):
            for number, said in part:
                found.add(number, said)
    return found


def outcome(kind: str, found: Lived) -> str:
    """Return the result of lives as text for the table."""
    if found.wrong:
        return found.wrong[0].splitlines()[-1][:300]
    if kind != "rot":
        return f"{SOUND} ({found.starts:,} starts, {found.operations:,} operations)"
    return (
        f"lost in {found.lost}, each time told in status and log or by a hole in the numbers;"
        f" {found.safe - found.no_file_system} safe mode, {found.no_file_system} no file system"
    )


def sweep(
    commands: tuple[str, ...], step: int, compiled: Path, first: int = 0
) -> tuple[Counter[str], list[str]]:
    """Carry out commands with every amount of free heap, from `first` bytes on.

    Returns counts, and what was wrong.
    """
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    shares = [commands[i::N_AT_ONCE] for i in range(N_AT_ONCE)]

    def one(share: tuple[str, ...]) -> list[tuple[str, dict]]:
        with Process("heap_sweep.py", "3M", compiled) as process:
            return [
                (command, process.ask([command, step, first or step], 1800)) for command in share
            ]

    with ThreadPoolExecutor(N_AT_ONCE) as pool:
        for part in pool.map(one, shares):
            for command, said in part:
                if "error" in said:
                    wrong.append(f"{command}: {said['error']}")
                    continue
                for name in ("steps", "answered", "ended"):
                    counts[name] += said[name]
                wrong += [f"{command}: {text}" for text in said["wrong"]]
    return counts, wrong


def rows(say: Say) -> Iterator[Row]:
    """Yield a row for each kind of life, and one for the commands that lack heap."""
    with compiled_application() as compiled:
        for kind, n in LIVES.items():
            found = lives(kind, range(n), compiled)
            say(f"{kind}: {found}")
            for wrong in found.wrong[:5]:
                say(wrong)
            yield Row(WHAT[kind], "life", found.n, outcome(kind, found), not found.wrong)
        counts, wrong = sweep(COMMANDS, HEAP_BLOCK, compiled)
        for text in wrong[:5]:
            say(text)
        told = (
            f"{counts['answered']:,} answered, in {counts['ended']:,} the loop began again;"
            " old state or new, the log whole"
        )
        yield Row("MemoryError anywhere in a command", "life", counts["steps"],
                  wrong[0][:300] if wrong else told, not wrong)  # fmt: skip
