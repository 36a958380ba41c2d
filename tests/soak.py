"""Soak: a virtual board runs for months of its own time, with a power cut a day and a pull every
five.

`make soak DAYS=90`, or `make soak HOURS=N` at the pace of the host's clock. Everything runs as on a
board: source, pipeline (telemetry: a window a second, three ranged channels, full covariance, drift
followed), journal, store, LittleFS, console, and `nearhum pull` over the serial line. Only the
waiting is compressed: the sensor delivers the frames of each second at once, and the board's clock
follows it (soak_board.py). No window is left out.

Every operation of the flash is counted. Prints a table of promises, and exits with 1 if one is
broken.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from faults.session import chip_with  # noqa: E402
from nearhum import wire  # noqa: E402
from nearhum_host.boards import board_files, state_image  # noqa: E402
from nearhum_host.boards.application import application  # noqa: E402
from nearhum_host.logs.decoding import decode  # noqa: E402
from nearhum_host.logs.log_file import read_log  # noqa: E402
from nearhum_host.logs.pulling import pull  # noqa: E402
from nearhum_host.serial_line.link import Link  # noqa: E402
from nearhum_host.virtual import VirtualBoard  # noqa: E402
from nearhum_host.virtual.powercut import ERASE, read_journal  # noqa: E402
from states import modes_of  # noqa: E402

SETTINGS = {"kind": "telemetry", "rate_hz": 1, "n_channels": 3, "source": {"driver": "soak"}}
DAY_S, PULLED = 86400, 5  # Seconds of a day, days between pulls. A Pico's log holds six days.
LEARN = 2400  # Windows: 40 minutes, two cycles of the machine.
HEAP_BYTES = 1024  # By which memory in use may differ from that after the first hour.
SCORE = 26  # Q8, a tenth of an octave: by which the mean score of a day may drift.
CYCLES = 100_000  # Erases that a block of NOR flash endures, by its data sheet.
N_BLOCKS = 352  # Of a Pico's file system.
YEARS = 10
UNSYNCED = 130  # Windows that a power cut may cost: those of two minutes wait to be written.

Say = Callable[[str], None]


@dataclass
class Flash:
    """What the flash went through: erases by block, and bytes programmed."""

    erased: Counter[int] = field(default_factory=Counter)
    programmed: int = 0

    def count(self, journal: Path) -> None:
        """Count the operations in a journal, and empty it. The board that wrote it has no power."""
        for operation in read_journal(journal):
            if operation.kind == ERASE:
                self.erased[operation.address // 4096] += 1
            else:
                self.programmed += operation.length
        journal.unlink()


@dataclass
class Day:
    """The board at the end of a day, before its power is cut."""

    at_s: int
    status: dict[str, Any]
    heap: int


class Soaked:
    """One board in its soak. folder: for its files."""

    def __init__(self, folder: Path, speed: int, say: Say) -> None:
        self.folder, self._speed, self._say = folder, speed, say
        self.log, self._card, self._image = (
            folder / "board.nhl",
            folder / "sd",
            folder / "flash.bin",
        )
        self._card.mkdir()
        files = application(board_files.load("virtual"), SETTINGS, check=False)
        files["/boot.py"] = (Path(__file__).with_name("soak_board.py")).read_bytes()
        self._image.write_bytes(chip_with(files, "rp2040"))
        self.flash = Flash()
        self._journal = folder / "flash.journal"
        self._start_s = 0
        self.board: VirtualBoard | None = None

    def plan(self, until_s: int) -> None:
        """Let the board run at full speed to a second of the soak."""
        half = self._card / "soak.new"
        half.write_text(
            json.dumps({"start": self._start_s, "until": until_s, "speed": self._speed})
        )
        half.replace(self._card / "soak.json")

    def power_on(self, at_s: int) -> None:
        """Start the board, also after a power cut."""
        self._start_s = at_s
        self.plan(at_s)
        if self.board is None:
            self.board = VirtualBoard(
                "rp2040", self._image, sd=self._card, journal=self._journal
            ).start()
        else:
            self.board.power_on()
            self.board.wait_event("booted", 60)

    def run(self, until_s: int) -> None:
        """Run to a second of the soak."""
        assert self.board
        self.plan(until_s)
        with Link(self.board.path) as link:
            while self._start_s + link.ask("status", 60)["uptime_s"] < until_s:
                time.sleep(0.05)

    def day(self) -> Day:
        """Return the board's status and memory, once nothing waits to be written to flash."""
        assert self.board
        with Link(self.board.path) as link:
            status = link.ask("status", 60)
            link.ask(f"log {status['seq']}")
            status = link.ask("status")
        return Day(self._start_s + status["uptime_s"], status, -status["mem_free"])

    def state(self) -> bytes:
        """Return what it has learned."""
        assert self.board
        with Link(self.board.path) as link:
            return state_image.fetch(link)

    def ask(self, line: str) -> dict[str, Any]:
        """Send a console line, and return the answer."""
        assert self.board
        with Link(self.board.path) as link:
            return link.ask(line)

    def pull(self) -> None:
        """Pull the log."""
        assert self.board
        with Link(self.board.path) as link:
            done = pull(link, self.log)
        self._say(f"pulled {done.n_records} records, {done.n_bytes} bytes, gaps {len(done.gaps)}")

    def power_off(self) -> None:
        """Cut the power."""
        assert self.board
        self.board.power_off()
        self.flash.count(self._journal)


def soak(n_seconds: int, speed: int, folder: Path, say: Say) -> list[tuple[str, str, str, bool]]:
    """Run a board for n_seconds of its time. Returns [(promise, found, bound, whether it holds)].

    speed: 0 for as fast as possible, otherwise times as fast as the host's clock.
    """
    began = time.monotonic()
    it = Soaked(folder, speed, say)
    it.power_on(0)
    days: list[Day] = []
    estimated = 0  # Blocks erased, by the board's own count.
    try:
        it.run(60)
        it.ask(f"learn {LEARN}")
        it.run(min(3600, n_seconds // 2))
        first, taught = it.day(), it.state()
        say(f"after {first.at_s} s: {first.status['state']}, threshold {first.status['threshold']}")
        at = 0
        while at < n_seconds:
            at = min(at + DAY_S, n_seconds)
            it.run(at)
            days.append(it.day())
            estimated += days[-1].status["erased"]
            if len(days) % PULLED == 0 or at == n_seconds:
                it.pull()
            if at < n_seconds:
                it.power_off()
                it.power_on(at)
            if len(days) % 5 == 1 or at == n_seconds:
                say(f"day {len(days)}, {time.monotonic() - began:.0f} s: "
                    f"{days[-1].status['seq']} records, "
                    f"{days[-1].status['mem_free']} bytes free")  # fmt: skip
        last = it.state()
        it.pull()
        it.power_off()
    finally:
        with contextlib.suppress(Exception):
            assert it.board
            it.board.stop()
    return judged(it, days, first, (taught, last), estimated, time.monotonic() - began)


def judged(it, days, first, states, estimated, took_s) -> list[tuple[str, str, str, bool]]:
    """Return the lines of the table, see soak."""
    log = read_log(it.log)
    scores, events = decode(log.records)
    n_days = days[-1].at_s / DAY_S
    ran = [day.status["n_windows"] for day in days]
    logged = [0] * (max(scores.boots) + 1)
    for boot, window in zip(scores.boots, scores.windows, strict=True):
        logged[boot] = max(logged[boot], window + 1)
    lost = [one - two for one, two in zip(ran[:-1], logged[1:], strict=False)]
    heap = max(day.heap - first.heap for day in days)
    means = _means(scores)
    farthest = max(means, key=lambda mean: abs(mean - means[0]))
    busiest = max(it.flash.erased.values())
    a_day = it.flash.erased.total() / n_days
    n_alarms = sum(event.name == "alarm" for event in events)
    before, after = (modes_of(state, 3, 3) for state in states)
    same = len(before) > 0 and before == after
    drift = min(day.status["drift_left"] for day in days)
    told = days[-1].status["flash_years"]
    allowed = CYCLES * N_BLOCKS / 3 / (YEARS * 365)
    return [
        ("windows, starts, seconds of this machine", f"{sum(ran):,}, {len(days)}, {took_s:.0f}", "",
         True),
        ("records lost: gaps and damage in the log",
         f"{len(log.gaps)}, {len(log.damages)} of {len(log.records):,}", "0, 0",
         not log.gaps and not log.damages),
        ("synced records that the log has not",
         f"{max(0, days[-1].status['synced_seq'] - log.records[-1].seq - 1)}", "0",
         log.records[-1].seq + 1 >= days[-1].status["synced_seq"]),
        ("windows that a power cut cost, at most", f"{max(lost, default=0)}", f"{UNSYNCED}",
         -1 < max(lost, default=0) <= UNSYNCED),
        ("heap in use beyond that after the first hour",
         f"{days[-1].heap - first.heap} bytes at the end, {heap} at most", f"{HEAP_BYTES}",
         heap <= HEAP_BYTES),
        ("what was learned (count, sums) as after the first hour",
         "the same" if same else "another", "the same", same),
        ("mean score of a day, first and farthest",
         f"{means[0] / 256:+.3f}, {farthest / 256:+.3f} octaves", f"{SCORE / 256:.2f} apart",
         abs(farthest - means[0]) <= SCORE),
        # The machine's cycle of 20 minutes alone accounts for half of it.
        ("budget of drift left, at least", f"{drift} %", "40 %", drift >= 40),
        ("alarms of a sound machine", f"{n_alarms} in {n_days:.1f} days, 1 a day allowed",
         f"{3 + 3 * n_days:.0f}", n_alarms <= 3 + 3 * n_days),
        ("flash: blocks erased a day", f"{a_day:.0f}", f"{allowed:.0f}", a_day <= allowed),
        ("flash: erases of the busiest block in ten years like these",
         f"{busiest * YEARS * 365 / n_days:,.0f}", f"{CYCLES:,}, once it was levelled for a month",
         n_days < 30 or busiest * YEARS * 365 / n_days <= CYCLES),
        ("flash: years by status", f"{told}", f"{YEARS} at least", told >= YEARS),
        ("flash: erases that the board estimates", f"{estimated:,} of {it.flash.erased.total():,}",
         "within a third", 0.67 <= estimated / it.flash.erased.total() <= 1.33),
        ("faults, learning off, state not saved", f"{max(day.status['faults'] for day in days)}",
         "0", all(not day.status["faults"] and not day.status["unsaved"] for day in days)),
    ]  # fmt: skip


def _means(scores) -> list[float]:
    """Return the mean score, Q8, of the watched windows after each start of the board."""
    sums: dict[int, list[int]] = {}
    for boot, score, state in zip(scores.boots, scores.scores, scores.states, strict=True):
        if state == wire.WATCH and score != wire.NO_SCORE:
            one = sums.setdefault(boot, [0, 0])
            one[0] += score
            one[1] += 1
    return [total / n for total, n in sums.values() if n > 1000] or [0.0]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--days", type=float, default=0, help="of the board's time, as fast as it goes"
    )
    parser.add_argument("--hours", type=float, default=0, help="at the host's pace")
    given = parser.parse_args()
    n_seconds = round(given.days * DAY_S + given.hours * 3600)
    if n_seconds < 4 * 3600 and not given.hours or n_seconds < 120:
        parser.error("give --days (a sixth at least) or --hours")

    def say(text: str) -> None:
        print(f"soak: {text}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="nearhum-soak-") as folder:
        rows = soak(n_seconds, 0 if given.days else 1, Path(folder), say)
    width = max(len(promise) for promise, *_ in rows)
    for promise, found, bound, holds in rows:
        print(
            f"{promise:<{width}}  {'ok  ' if holds else 'FAIL'}  {found}"
            + (f"  (bound: {bound})" if bound else "")
        )
    return 0 if all(holds for *_, holds in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
