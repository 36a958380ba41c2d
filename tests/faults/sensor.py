"""Faults of the sensor, of its bus and of time, at every stage, on the virtual board in virtual
time.

The promise for each of them: the board goes on, and says what is wrong in `status` and in the log.
It learns nothing that the sensor did not measure. When the fault is over, it goes on by itself with
all that it knew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from .rig import PATIENCE_S, Rig, Status, expect, rig, template
from .rows import Row, Say

WRAP_MS = 1 << 30


@dataclass(frozen=True)
class Fault:
    """name: and the state of the world. word: what `status` calls the source meanwhile.

    says: part of the fault or warning in `status`. events: all events that must be in the log
        afterwards.
    teaches: whether windows are learned meanwhile. over: whether it ends by itself.
    at_start: whether it needs its own start. lasts_s: least duration in the board's time.
    """

    name: str
    told: dict[str, Any]
    word: str = "fault"
    says: str = ""
    events: tuple[str, ...] = ("fault", "recovered")
    teaches: bool = False
    over: bool = False
    at_start: dict[str, Any] = field(default_factory=dict)
    lasts_s: int = 12

    def shows(self, status: Status) -> bool:
        if self.at_start:
            return status["uptime_s"] >= 8
        return (
            self.over
            or status["source"] == self.word
            and self.says in f"{status['fault']} {status['warning']}"
        )

    def outcome(self, stage: str) -> str:
        """Return what is promised."""
        if self.over or self.teaches:
            out = "watches on" + (
                f", logs {' and '.join(self.events)}" if self.events else ", time goes on"
            )
        else:
            out = f"says {self.word}, learns nothing, goes on by itself"
        return out + {"learn": "; the period ends", "enrol": "; ten examples"}.get(stage, "")


FAULTS = (
    Fault("sensor missing, or unplugged", {"gone": True}, says="no answer"),
    Fault("another chip in its place", {"who": 0x42, "dip": 1}, says="0x42"),
    Fault("sensor stuck", {"stuck": True}, "stuck", "stuck"),
    Fault("sensor saturated", {"saturated": True}, "saturated", "saturated"),
    Fault("its supply dips: the chip sleeps", {"dip": 1}, over=True),
    Fault("bus errors, half of all transfers", {"nack": 32768}, says="no answer"),
    Fault("bus errors, one transfer in 2000", {"nack": 33}, "ok", events=(), teaches=True),
    Fault("FIFO overruns at every read", {"overrun": 65536}, says="no whole window"),
    Fault("FIFO overruns now and then", {"overrun": 50}, "ok", events=("gap",), teaches=True),
    Fault("rate 10 % high", {"rate": 110}, "ok", "% of rate_hz", ("rate",), teaches=True),
    Fault("rate 10 % low", {"rate": 90}, "ok", "% of rate_hz", ("rate",), teaches=True),
    Fault(
        "the clock jumps an hour ahead", {"jump_ms": 3600000}, events=(), teaches=True, over=True
    ),
    Fault(
        "the clock jumps an hour back", {"jump_ms": -3600000}, events=(), teaches=True, over=True
    ),
    Fault(
        "the tick counter wraps at 2^30",
        {},
        "ok",
        events=(),
        teaches=True,
        at_start={"ticks": WRAP_MS - 5000},
    ),
)


def well(status: Status) -> bool:
    return status["source"] == "ok" and not status["warning"]


def shown(there: Rig, fault: Fault) -> Status:
    """Return the status that shows the fault, after it has lasted long enough."""
    there.wait(fault.lasts_s)
    return there.until(fault.shows, "shown")


def at_boot(there: Rig, fault: Fault) -> None:
    if not fault.over:
        there.world(**fault.told, **fault.at_start)
    there.reset()
    if fault.over:  # A fault that ends before the start has no effect.
        there.status()
        there.world(**fault.told)
    shown(there, fault)


def at_learn(there: Rig, fault: Fault) -> None:
    there.ask("learn 300")
    there.until(lambda s: s["learn_left"] <= 290, "learning")
    there.world(**fault.told)
    status = shown(there, fault)
    if not fault.teaches and not fault.over:
        left, until_s = status["learn_left"], status["uptime_s"] + 20
        status = there.until(lambda s: s["uptime_s"] > until_s, "later")
        expect(
            (status["learn_left"], status["state"]) == (left, "learn"),
            f"it was taught: {left}, {status}",
        )
    there.world()
    status = there.until(lambda s: s["state"] == "watch", "at the end of the period")
    expect(status["n_learned"] + 20 >= 300, f"learned {status['n_learned']}")
    there.ask("rollback")


def at_watch(there: Rig, fault: Fault) -> None:
    there.world(**fault.told)
    shown(there, fault)


def at_enrol(there: Rig, fault: Fault) -> None:
    there.world(when="enrol", **fault.told)
    there.wait(1)
    there.ask("enrol tap 10")
    if not fault.teaches and not fault.over:
        status = shown(there, fault)
        expect(status["enrolling"] > 0, f"enrolled of what the sensor did not measure: {status}")
        there.world()
    there.until(lambda s: not s["enrolling"], "enrolled")
    tap = [p for p in there.ask("list")["prototypes"] if p["label"] == "tap"]
    expect(len(tap) == 1 and tap[0]["count"] == 10, f"ten examples: {tap}")
    there.ask("forget tap")
    if fault.teaches and not fault.over:
        shown(there, fault)  # Enrolling ten windows is fast, but measuring a rate takes a minute.


def at_save(there: Rig, fault: Fault) -> None:
    there.world(when="save", **fault.told)
    there.wait(1)
    there.ask("trust")  # Writes a snapshot and a state.
    shown(there, fault)


def at_pull(there: Rig, fault: Fault) -> None:
    there.world(**fault.told)
    shown(there, fault)
    there.events()  # Must be complete while the fault lasts.


STAGE: dict[str, Callable[[Rig, Fault], None]] = {
    "boot": at_boot, "learn": at_learn, "watch": at_watch, "enrol": at_enrol, "save": at_save,
    "pull": at_pull,
}  # fmt: skip
STAGES = tuple(STAGE)


def one(there: Rig, fault: Fault, stage: str) -> None:
    """Inject one fault at one stage of a watching board. Raises Broken if a promise is broken."""
    known = there.knows()
    n_before = len(there.events())
    if fault.at_start and stage != "boot":
        there.world(**fault.at_start)
        there.reset()
    STAGE[stage](there, fault)
    there.world()
    n = there.until(well, "well again")["n_windows"]
    there.until(lambda s: well(s) and s["n_windows"] > n + 8, "watching on")
    expect(there.knows() == known, f"it knows {there.knows()}, and knew {known}")
    end = time.monotonic() + PATIENCE_S
    names: list[str] = []
    while not all(name in names for name in fault.events):
        expect(time.monotonic() < end, f"the log has {names}, not {fault.events}")
        time.sleep(0.1)
        names = [event.name for event in there.events()[n_before:]]


def of(fault: Fault, image: bytes, stages: tuple[str, ...] = STAGES) -> list[Row]:
    """Return a row for each stage. After a row that is not ok, the next stage gets a new board."""
    out: list[Row] = []
    left = list(stages)
    while left:
        with rig(image) as there:
            there.start()
            while left:
                stage = left.pop(0)
                try:
                    one(there, fault, stage)
                except Exception as error:
                    out.append(Row(fault.name, stage, 1, f"{type(error).__name__}: {error}", False))
                    break
                out.append(Row(fault.name, stage, 1, fault.outcome(stage)))
    return out


def rows(say: Say) -> Iterator[Row]:
    say("a board learns")
    image = template()
    with ThreadPoolExecutor(2) as pool:
        for some in pool.map(lambda fault: of(fault, image), FAULTS):
            yield from some
