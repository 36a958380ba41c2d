"""Faults of the board: its file system, heap, files, power supply and loop, on the virtual board.

The promise: a console or a REPL answers and says what is wrong, the state on flash is unchanged,
and the board goes on by itself when the fault is over. If it cannot watch, it is in safe mode
(firmware/main.py).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from littlefs import LittleFS, UserContext
from nearhum_host.boards.upgrade.places import STARTERS
from nearhum_host.errors import DeviceError
from nearhum_host.virtual.chips import chip_named

from .rig import PATIENCE_S, Rig, Status, expect, rig, template
from .rows import Row, Say
from .sensor import STAGES, well

MODEL = chip_named("rp2040")
BLOCK = 4096
N_BROWN_OUTS = 40  # Six in a row end in safe mode. All others have no effect.


# --- the flash from outside -----------------------------------------------------------------------


def mounted(image: bytearray) -> LittleFS:
    """Return the file system in a chip's flash. What is written to it is in image after `put`."""
    context = UserContext(MODEL.fs_bytes)
    context.buffer[:] = image[MODEL.fs_offset : MODEL.fs_offset + MODEL.fs_bytes]
    return LittleFS(
        context=context,
        block_size=BLOCK,
        block_count=MODEL.fs_bytes // BLOCK,
        prog_size=256,
        read_size=32,
    )


def files(image: bytes) -> dict[str, bytes]:
    """Return all files of a flash by their paths."""
    fs = mounted(bytearray(image))
    out = {}
    for folder, _, names in fs.walk("/"):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            with fs.open(path, "rb") as file:
                out[path] = file.read()
    return out


def with_file(image: bytes, path: str, contents: bytes) -> bytes:
    """Return the flash with the contents of one file replaced."""
    changed = bytearray(image)
    fs = mounted(changed)
    with fs.open(path, "wb") as file:
        file.write(contents)
    fs.unmount()
    changed[MODEL.fs_offset : MODEL.fs_offset + MODEL.fs_bytes] = fs.context.buffer
    return bytes(changed)


def states(image: bytes) -> dict[str, bytes]:
    return {path: contents for path, contents in files(image).items() if path.startswith("/hum/s")}


# --- stages ---------------------------------------------------------------------------------------


def begin(there: Rig, stage: str) -> None:
    """Bring a watching board into a stage."""
    if stage == "learn":
        there.ask("learn 300")
        there.until(lambda s: s["learn_left"] <= 290, "learning")
    elif stage == "enrol":
        there.ask("enrol tap 10")
    elif stage == "save":
        there.ask("trust")
    elif stage == "pull":
        there.events()


def settle(there: Rig, stage: str, known: dict[str, Any]) -> None:
    """Wait until the board is well, and undo what the stage changed.

    Raises Broken if something is lost.
    """
    if stage == "learn":
        there.until(lambda s: s["state"] == "watch", "at the end of the period")
        there.ask("rollback")
    if stage == "enrol" and any(p["label"] == "tap" for p in there.ask("list")["prototypes"]):
        there.until(lambda s: not s["enrolling"], "enrolled")
        there.ask("forget tap")
    n = there.until(well, "well again")["n_windows"]
    there.until(lambda s: s["n_windows"] > n + 8, "watching on")
    expect(there.knows() == known, f"it knows {there.knows()}, and knew {known}")


def by_stage(
    name: str,
    image: bytes,
    act: Callable[[Rig, str, dict[str, Any]], str],
    stages: tuple[str, ...] = STAGES,
) -> list[Row]:
    """Return a row for each stage. act: changes a watching board, and returns the outcome."""

    def one(stage: str) -> Row:
        try:
            with rig(image) as there:
                there.start()
                known = there.knows()
                return Row(name, stage, 1, act(there, stage, known))
        except Exception as error:
            return Row(name, stage, 1, f"{type(error).__name__}: {error}", False)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, stages))


# --- the file system ------------------------------------------------------------------------------


def refusing(told: dict[str, Any]) -> Callable[[Rig, str, dict[str, Any]], str]:
    """Return a function that lets the file system fail in a stage."""

    def act(there: Rig, stage: str, known: dict[str, Any]) -> str:
        if stage == "boot":
            there.world(**told)
            there.reset()
        elif stage == "save":
            # A full file system is full before the save: it cannot fill in the middle of a write.
            there.world(**told if "full" in told else {"when": "save", **told})
            there.wait(1)
            try:
                there.ask("trust")
            except DeviceError as refused:
                expect("file system" in refused.message, f"refused with {refused.message}")
        else:
            begin(there, stage)
            there.world(**told)
        n = there.status()["n_windows"]
        there.until(lambda s: s["n_windows"] > n + 30, "watching meanwhile")
        if stage == "learn":
            there.until(lambda s: s["state"] == "watch", "at the end of the period")
        if stage == "pull":
            there.events()
        there.world()
        there.until(lambda s: not s["unsaved"], "saved by itself")
        settle(there, stage, known)
        there.reset()
        there.until(well, "well after a reset")
        expect(there.knows() == known, "after a reset it knows something else")
        return "watches on; what was learned is saved when it can be, by itself; a reset finds it"

    return act


# --- the loop and the supply ----------------------------------------------------------------------


def stalled(there: Rig, stage: str, known: dict[str, Any]) -> str:
    if stage == "boot":
        there.reset()
        there.status()
    else:
        begin(there, stage)
    there.world(stall=True)
    there.unlink()
    there.board.wait_event("watchdog", PATIENCE_S)
    there.world()
    settle(there, stage, known)
    causes = [event.what.get("cause") for event in there.events() if event.name == "start"]
    expect(causes[-1] == "WDT", f"the log says of the starts: {causes}")
    if stage == "watch":
        there.link.stop()
        time.sleep(7)  # Longer than the watchdog waits.
        there.link.stop()
        there.link.resume()
        expect(there.status()["state"] == "watch", "it does not watch")
        return (
            "the chip resets it, the log says WDT, it goes on; Ctrl-C holds the watchdog: the REPL"
            " stays"
        )
    return "the chip resets it, the log says WDT, it goes on"


def browned_out(there: Rig, stage: str, known: dict[str, Any]) -> str:
    if stage != "boot":
        begin(there, stage)
    there.unlink()
    there.world(hurry=0)  # The board's time stands still, so that no start lasts ten seconds.
    for _ in range(N_BROWN_OUTS):
        there.board.power_off()
        there.board.power_on()
        there.board.wait_event("booted", PATIENCE_S)
        time.sleep(0.25)
    there.world()
    status = there.status()
    expect(status["state"] == "safe", f"not in safe mode: {status}")
    expect("starts in a row" in status["warning"], f"it does not say why: {status}")
    try:
        there.ask("learn 20")
        expect(False, "it learns in safe mode")
    except DeviceError as refused:
        expect(
            "safe mode" in refused.message and "trust" in refused.hint,
            f"refused with {refused.message}",
        )
    names = [event.name for event in there.events()]
    expect(names.count("safe") == 1, f"the log has {names}")
    if stage == "boot":
        there.world(hurry=100)  # Ten minutes pass quickly.
        how = "by itself after ten minutes"
    else:
        there.ask("trust")
        how = "by `trust`"
    there.unlink()
    there.until(lambda s: s["state"] != "safe", "started")
    there.world()
    settle(there, stage, known)
    return f"safe mode, told once in the log; the console answers; it starts {how} and goes on"


# --- the heap -------------------------------------------------------------------------------------


def short_of_heap(image: bytes, kilobytes: range, say: Say) -> Row:
    """Start the board with every size of heap in kilobytes."""
    before = states(image)
    ends: dict[str, int] = {}

    def start(n_kb: int) -> str:
        with rig(image, n_kb * 1024) as there:
            there.start()
            try:
                state = there.status()["state"]
                there.link.stop()
            except DeviceError as stopped:
                expect(
                    "stopped" in stopped.message, f"{n_kb} KB: {stopped.message}; {stopped.hint}"
                )
                state = "REPL"
            there.unlink()
            there.board.stop()
            after = states(there.image.read_bytes())
            expect(
                state == "watch" or {k: v for k, v in after.items() if k in before} == before,
                f"{n_kb} KB: state changed",
            )
            return state

    with ThreadPoolExecutor(2) as pool:
        for state in pool.map(start, kilobytes):
            ends[state] = ends.get(state, 0) + 1
    expect(len(ends) >= 2, f"no heap was too small: {ends}")
    told = ", ".join(f"{n} {state}" for state, n in sorted(ends.items()))
    return Row(
        "heap exhausted, wherever in the start",
        "boot",
        len(kilobytes),
        f"console or REPL answers ({told}); state as it was",
    )


# --- files ----------------------------------------------------------------------------------------


def damaged(contents: bytes, how: str, chance: random.Random) -> bytes:
    """Return contents cut off, or with one bit flipped."""
    at = chance.randrange(len(contents))
    if how == "cut":
        return contents[:at]
    return contents[:at] + bytes([contents[at] ^ 1 << chance.randrange(8)]) + contents[at + 1 :]


def start_damaged(image: bytes, path: str, known: dict[str, Any]) -> str:
    """Start a board with a damaged file. Returns what it does.

    Raises Broken if that is not enough.
    """
    with rig(image) as there:
        there.start()
        try:
            status: Status = there.status()
        except DeviceError as stopped:
            expect(
                "stopped" in stopped.message and not path.startswith("/hum/"),
                f"{path}: {stopped.message}",
            )
            return "REPL"
        if status["state"] == "safe":
            expect(
                path in status["warning"] or path == "/nearhum.mft", f"{path}: {status['warning']}"
            )
            return "safe mode names it"
        expect(path.startswith("/hum/"), f"{path}: it runs: {status}")
        there.until(lambda s: s["n_windows"] > 8, "watching")
        # If it is the newer one, the one before it is used, and the user is told.
        if path.startswith("/hum/state."):
            expect(
                there.knows() == known or "state" in status["warning"],
                f"{path}: it knows {there.knows()}, {status}",
            )
        else:
            expect(there.knows() == known, f"{path}: it knows {there.knows()}")
        return "watches on"


def corrupt(
    image: bytes, known: dict[str, Any], chosen: Callable[[str], bool], what: str, promised: str
) -> Row:
    """Return the row of a kind of file. Each file is cut off, and has a bit flipped."""
    chance = random.Random(1)
    cases = [
        (path, how, damaged(contents, how, chance))
        for path, contents in sorted(files(image).items())
        for how in ("cut", "flip")
        if contents and chosen(path)
    ]

    def one(case: tuple[str, str, bytes]) -> str:
        path, _, contents = case
        return start_damaged(with_file(image, path, contents), path, known)

    try:
        with ThreadPoolExecutor(2) as pool:
            ends = set(pool.map(one, cases))
    except Exception as error:
        return Row(f"{what} damaged", "boot", len(cases), f"{type(error).__name__}: {error}", False)
    return Row(f"{what} damaged", "boot", len(cases), promised, ends <= set(promised.split(" or ")))


def rows(say: Say) -> Iterator[Row]:
    say("a board learns")
    image = template()
    with rig(image) as there:
        there.start()
        known = there.knows()
    for name, told in (
        ("file system full", {"full": True}),
        ("file system fails: EIO", {"sick": 5}),
        ("file system read-only", {"sick": 30}),
    ):
        yield from by_stage(name, image, refusing(told))
    yield from by_stage("brown-out loop", image, browned_out)
    watched = template(watchdog_s=4)
    yield from by_stage("the loop stalls", watched, stalled)
    yield short_of_heap(image, range(100, 360, 2), say)
    yield corrupt(
        image,
        known,
        lambda p: p.endswith((".mpy", ".mft")) or p == "/nearhum.json",
        "application file",
        "safe mode names it or REPL",
    )
    yield corrupt(
        image,
        known,
        lambda p: p in STARTERS,
        "main.py or choose_app",
        "safe mode names it or REPL",
    )
    yield corrupt(
        image,
        known,
        lambda p: p.startswith("/hum/"),
        "a file of what was learned and logged",
        "watches on",
    )
