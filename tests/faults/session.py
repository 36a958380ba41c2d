"""Record a board's life: what it does to its flash in every stage, and what it promised at what
time.

Enters: an application. Leaves: Chapters, one for each stage: the flash before it, the journal of
    its operations, every promise with the length of that journal when the host received it, and the
    pulled records. It is a virtual board with the real firmware, LittleFS and console. Only its
    clock runs fast (boot.py), so that the minutes between syncs take tens of milliseconds.
"""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import time
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from littlefs import LittleFS, UserContext
from nearhum import wire
from nearhum_host.boards import board_files
from nearhum_host.boards.application import application
from nearhum_host.errors import DeviceError
from nearhum_host.logs.log_file import read_log
from nearhum_host.logs.pulling import pull
from nearhum_host.recordings.nhr import Recording, write_nhr
from nearhum_host.serial_line.link import Link
from nearhum_host.virtual import VirtualBoard, emulated
from nearhum_host.virtual.chips import chip_named

SETTINGS = {
    "kind": "vibration", "rate_hz": 32, "n_channels": 1, "n_window": 32, "n_hop": 32, "n_bands": 5,
}  # fmt: skip
FAST = 1000  # Times the host's clock: a window each millisecond, a sync of scores every 120 ms.
BOOT_PY = f"""
import sys, time as real

class Time:
    def __getattr__(self, name):
        return getattr(real, name)

    def ticks_ms(self):
        return real.ticks_ms() * {FAST}

sys.modules["time"] = Time()
"""
LONGEST_S = 240  # Of the recording that replaces the sensor, by the host's clock.


@dataclass(frozen=True)
class Promise:
    """What the board had promised when its flash journal had so many bytes.

    synced_seq: records below it are safe. sequence: of the saved state, 0 if it was not asked.
    known: facts of `status` that hold from then on, in this chapter.
    """

    read: int
    synced_seq: int
    sequence: int = 0
    known: Mapping[str, object] = field(default_factory=dict)


@dataclass
class Chapter:
    """One stage.

    flash: the image before it. journal: the file of its flash operations. records: CRC by seq of
        all records written. full: whether there is no room, so that old records make place for new
        ones.
    """

    stage: str
    model: str
    flash: Path
    journal: Path
    card: Path
    full: bool = False
    promises: list[Promise] = field(default_factory=list)
    records: dict[int, int] = field(default_factory=dict)


def chip_with(files: Mapping[str, bytes], model: str) -> bytes:
    """Return the flash of a chip whose file system has these files and an empty folder `hum`."""
    board = board_files.load({"rp2040": "rpi_pico", "esp32": "esp32_generic"}[model])
    image = bytearray(b"\xff" * board.flash.size_bytes)
    fs = emulated.file_system(files, board.flash)
    image[board.flash.fs_offset_bytes : board.flash.fs_offset_bytes + len(fs)] = fs
    return bytes(image)


def file_system(image: bytes, model: str) -> LittleFS:
    """Return the file system of a chip, in a copy of its flash."""
    chip = chip_named(model)
    context = UserContext(chip.fs_bytes)
    context.buffer[:] = image[chip.fs_offset : chip.fs_offset + chip.fs_bytes]
    n = chip.fs_bytes // 4096
    return LittleFS(
        context=context, block_size=4096, block_count=n, prog_size=chip.prog_bytes, read_size=32
    )


def n_free(image: bytes, model: str) -> int:
    """Return the number of free blocks in a chip's file system."""
    return chip_named(model).fs_bytes // 4096 - file_system(image, model).used_block_count


def crowded(image: bytes, model: str) -> bytes:
    """Return a flash with a file that leaves no block for what is written next."""
    fs = file_system(image, model)
    with fs.open("/ballast", "wb") as file:
        # A block of a long file also contains pointers to other blocks.
        file.write(bytes(4088 * n_free(image, model)))
    fs.unmount()
    at = chip_named(model).fs_offset
    return image[:at] + bytes(fs.context.buffer) + image[at + len(fs.context.buffer) :]


def files(
    patch: Callable[[dict[str, bytes]], None] = lambda files: None, **settings: object
) -> dict[str, bytes]:
    """Return the application of a virtual board with the fast clock.

    patch: changes it, for negative controls.
    """
    made = application(board_files.load("virtual"), {**SETTINGS, **settings})
    made["/boot.py"] = BOOT_PY.encode()
    patch(made)
    return made


def make_card(folder: Path) -> None:
    """Write the recording that replaces the sensor: a hum, with another one in it now and then."""
    folder.mkdir()
    draw = np.random.default_rng(1)
    n = SETTINGS["rate_hz"] * LONGEST_S * FAST
    hum = draw.normal(0, 200, n) + 1000 * np.sin(np.arange(n) / 3)
    hum[np.arange(n) % (SETTINGS["rate_hz"] * 5000) < SETTINGS["rate_hz"] * 40] *= 3
    recording = Recording(SETTINGS["rate_hz"], 1)
    recording.add(hum.astype(np.int16).reshape(-1, 1))
    write_nhr(recording, folder / "replay.nhr")
    (folder / "replay.json").write_text('{"speed": 1}')


class Board:
    """The board of one chapter, and its promises."""

    def __init__(self, chapter: Chapter, board: VirtualBoard, link: Link, log: Path) -> None:
        self.chapter, self.board, self.link, self.log = chapter, board, link, log

    def ask(self, line: str) -> dict:
        """Ask, and note what the answer promises."""
        answer = self.link.ask(line)
        if line == "status":
            read = self.chapter.journal.stat().st_size
            self.chapter.promises.append(Promise(read, answer["synced_seq"]))
        return answer

    def change(self, line: str, **known: object) -> None:
        """Change something. The state with the change was saved when the answer came."""
        self.link.ask(line)
        self.saved(**known)

    def saved(self, **known: object) -> None:
        """Note that the present state is saved."""
        image = b64decode(self.link.ask("get state 0")["b64"])
        read = self.chapter.journal.stat().st_size
        sequence = int.from_bytes(image[8:12], "little")
        self.chapter.promises.append(Promise(read, 0, sequence, known))

    def until(self, key: str, value: object) -> None:
        """Wait until status has this value."""
        end = time.monotonic() + 60
        while (status := self.ask("status"))[key] != value:
            assert time.monotonic() < end, status

    def for_s(self, seconds: float, then: Callable[[], None] = lambda: None) -> None:
        """Ask for the status for so long, and call then() after each answer."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.ask("status")
            then()

    def pull(self) -> None:
        """Pull the log, as a user does."""
        pull(self.link, self.log)
        self.ask("status")


def booting(b: Board, length: float) -> None:
    """Start again and again, by the reset button and by power cuts at any time."""
    chance = random.Random(2)
    for i in range(max(4, round(40 * length))):
        if i % 2:
            b.board.reset()
        else:
            b.board.power_off()
            b.board.power_on()
        b.board.wait_event("booted")
        if chance.random() < 0.8:
            b.ask("status")
            time.sleep(chance.random() * 0.05)


def learning(b: Board, length: float) -> None:
    """A learning period, saved every minute, paused and resumed; then one that adds a mode."""
    b.change("learn 1000000", state="learn")
    for _ in range(max(2, round(8 * length))):
        b.for_s(0.1)
        b.change("learn pause", paused=True)
        b.change("learn resume")
    b.change("watch", state="watch")
    b.change(f"learn {round(1500 * length)} as fast")
    b.until("state", "watch")
    b.saved(state="watch")


def watching(b: Board, length: float) -> None:
    """Scores are synced every two minutes, alarms within ten seconds."""
    b.for_s(8 * length)


def enrolling(b: Board, length: float) -> None:
    """Enrol labels, one after another."""
    for i in range(max(2, round(8 * length))):
        b.link.ask(f"enrol label{i} 3")
        b.until("enrolling", 0)
        b.saved(n_labels=i + 1)


def saving(b: Board, length: float) -> None:
    """Change what was learned in all other ways: snapshots, rollbacks, settings."""
    for i in range(max(1, round(3 * length))):
        b.change("veto knock")
        b.change("rollback")
        b.change("rollback")
        b.link.ask(f"set alarms_per_day {i + 2}")
        b.change("veto knock off")
        b.link.ask("enrol again 1")
        b.until("enrolling", 0)
        b.saved()
        b.change("relabel again anew")
        b.change("forget anew")
        b.change("trust")


def pulling(b: Board, length: float) -> None:
    """Pull the log again and again while it is written."""
    b.for_s(5 * length, b.pull)


STAGES: dict[str, Callable[[Board, float], None]] = {
    "boot": booting, "learn": learning, "watch": watching, "enrol": enrolling, "save": saving,
    "pull": pulling,
}  # fmt: skip


def record(
    made: Mapping[str, bytes],
    model: str,
    length: float,
    folder: Path,
    stages: tuple[str, ...] = tuple(STAGES),
    full: bool = False,
) -> Iterator[Chapter]:
    """Go through the stages in the order of a board's life. Yields each as a Chapter.

    made: the application. length: 1 for a whole life; a shorter one has less of everything.
    folder: for the files, which stay. stages: those to yield. Others are still run if a later one
        needs them, because nothing can be watched before it is learned.
    full: before the first Chapter, another file takes all room except for a log and the copies for
        changes.
    """
    flash, card, log = folder / "flash.bin", folder / "sd", folder / "board.nhl"
    make_card(card)
    flash.write_bytes(chip_with(made, model))
    order = ("learn", "watch", "enrol", "save", "pull", "boot")
    lived = [(stage, stage in stages) for stage in order if stage in stages or stage == "learn"]
    before = [("learn", False), ("save", False), ("watch", False), ("watch", False)] if full else []
    for i, (stage, wanted) in enumerate(before + lived):
        if full and i == len(before):
            flash.write_bytes(crowded(flash.read_bytes(), model))
        chapter = Chapter(stage, model, folder / f"{i}.bin", folder / f"{i}.journal", card, full)
        shutil.copy(flash, chapter.flash)
        with (
            VirtualBoard(model, flash, sd=card, journal=chapter.journal) as board,
            Link(board.path) as link,
        ):
            b = Board(chapter, board, link, log)
            b.ask("status")
            STAGES[stage](b, length if wanted else 0.2)
            with contextlib.suppress(DeviceError):
                link.stop()  # Ctrl-C writes everything to flash.
        with VirtualBoard(model, flash, sd=card) as board, Link(board.path) as link:
            pull(link, log)
        for one in read_log(log).records:
            raw = wire.pack_record(one.kind, one.seq, one.ticks_ms, one.payload)
            chapter.records[one.seq] = zlib.crc32(raw)
        if wanted:
            yield chapter


def described(chapter: Chapter) -> str:
    """Return the content of a chapter in one line."""
    known = json.dumps([dict(promise.known) for promise in chapter.promises if promise.known][-1:])
    return (
        f"{chapter.stage} on {chip_named(chapter.model).name}: {chapter.journal.stat().st_size:,}"
        f" bytes of journal, {len(chapter.promises)} promises, {len(chapter.records)} records,"
        f" {known}"
    )
