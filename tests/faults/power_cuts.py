"""Power cuts at every write: the firmware boots on the flash as each cut would leave it.

For every operation in the flash journal (see session.py) the power fails before it, after a part of
its bytes, with random bits of it old and new, and after it. On each such image a real MicroPython
mounts LittleFS and starts the pipeline (device/boot_images.py). Its answers at the console are
compared with what the board had promised by then:

1. The board starts, its status answers, and no slot is damaged. What was learned is the last saved
state, or the one that was being saved. What a command had changed before its answer is there.
2. Every record below the last reported synced_seq is there, byte for byte. Later records have no
holes. The records of this start come after them, and status reports how far it is synced.
3. The board goes on: what is changed now survives another start.
"""

from __future__ import annotations

import contextlib
import random
import tempfile
import zlib
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nearhum import wire
from nearhum_host.boards import board_files
from nearhum_host.boards.application import application
from nearhum_host.serial_line.link import Link
from nearhum_host.virtual import VirtualBoard
from nearhum_host.virtual.powercut import MARK, Cut, Replay, read_journal

from faults import session
from faults.on_images import OnImages, each_cut, in_shares, spread
from faults.rows import Row, Say

OUTCOME = "old state or new, acknowledged records there, goes on"
TEARS = ("before", "prefix", "bits", "after")
MOST = 1000  # Operations of a stage, spread over it.
LEAST = 10_500  # Cases on the geometry of a Pico.
MOST_CROWDED = 150  # Operations of a stage on a full flash.
N_WHOLE = 8  # Cuts of a stage and geometry on which the whole board is started.
GO_ON_EVERY = 3  # Cases.
WHOLE_LOG_EVERY = 10  # Cases. In the others, only the last records are compared.


@dataclass
class Judged:
    """The result of some cases.

    states: CRC by sequence of every state loaded. wrong: broken promises.
    """

    cases: Counter[str] = field(default_factory=Counter)
    states: dict[int, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    # Cases without the last acknowledged record. On a full flash it may have to make room.
    n_gone: int = 0

    @property
    def n(self) -> int:
        """All cases."""
        return self.cases.total()

    def add(self, other: Judged) -> None:
        """Add the results of other cases of the same chapter."""
        self.cases += other.cases
        self.wrong += other.wrong
        self.n_gone += other.n_gone
        for sequence, crc in other.states.items():
            if self.states.setdefault(sequence, crc) != crc:
                self.wrong.append(f"state {sequence} was loaded with two contents")


class Booter(OnImages):
    """Boots the firmware on images."""

    def __init__(self, chapter: session.Chapter, base: bytes, compiled: Path) -> None:
        super().__init__("boot_images.py", chapter.model, base, chapter.card, str(compiled))

    def boot(self, address: int, cells: bytes, from_seq: int, go_on: bool) -> dict:
        """Boot on the base with these cells in it. Returns what the board said."""
        return self.ask("boot", address, cells, from_seq, go_on)


def judge(
    chapter: session.Chapter, compiled: Path, most: int, n_bits: int, say: Say = lambda text: None
) -> Judged:
    """Boot on the cuts of a chapter, and compare with the promises.

    most: operations, spread evenly over the chapter.
    """
    operations = list(read_journal(chapter.journal))
    n = len(operations)
    chosen, found = spread(n, most), Judged()

    def share_of(share: range) -> Judged:
        part = Judged()
        cuts = each_cut(
            lambda base: Booter(chapter, base, compiled),
            chapter.flash, operations, share, chosen, n_bits,
        )  # fmt: skip
        for booter, some in cuts:
            _judge_operation(chapter, booter, some, part)
        return part

    for part in in_shares(operations, share_of):
        found.add(part)
    say(
        f"{chapter.stage} on {chapter.model}: {n} operations, {found.n:,} cases, {len(found.wrong)}"
        " wrong"
    )
    for wrong in found.wrong[:5]:
        say(wrong)
    return found


def _judge_operation(
    chapter: session.Chapter, booter: Booter, cuts: list[Cut], found: Judged
) -> None:
    """Judge all cuts of one operation.

    The first cut is before it and the last after it, so these are the old state and the new one.
    """
    promises = [promise for promise in chapter.promises if promise.read <= cuts[0].read]
    synced = max((promise.synced_seq for promise in promises), default=0)
    sequence = max((promise.sequence for promise in promises), default=0)
    told = [promise for promise in promises if promise.known]
    known = dict(told[-1].known) if told else {}
    if len(told) < len([promise for promise in chapter.promises if promise.known]):
        # The next change may be there already.
        known = {name: value for name, value in known.items() if name == "n_labels"}
    said = []
    for cut in cuts:
        at = found.n
        from_seq = 0 if at % WHOLE_LOG_EVERY == 0 else max(0, synced - 4)
        answer = booter.boot(cut.address, cut.cells, from_seq, at % GO_ON_EVERY == 0)
        found.cases[cut.tear] += 1
        where = f"{chapter.stage} on {chapter.model}, operation {cut.index}, {cut.tear}: "
        if "error" in answer:
            found.wrong.append(where + answer["error"].strip().splitlines()[-1])
            continue
        first = answer["status"].get("log_first", 0)
        found.n_gone += 0 < synced <= first
        why = _records_wrong(
            answer, chapter, max(from_seq, first) if chapter.full else from_seq, synced
        )
        if answer["refused"]:
            why.append(f"a slot is refused: {answer['refused']}")
        if answer["sequence"] < sequence:
            why.append(f"state {answer['sequence']}, {sequence} was saved")
        status = answer["status"]
        if not status.get("ok"):
            why.append(f"status: {status}")
        for name, value in known.items():
            if status.get(name) != value and not (
                name == "n_labels" and (status.get(name) or 0) > int(str(value))
            ):
                why.append(f"{name} is {status.get(name)}, not {value}")
        if not answer.get("went_on", True):
            why.append("what was changed afterwards was lost")
        if found.states.setdefault(answer["sequence"], answer["state"]) != answer["state"]:
            why.append(f"state {answer['sequence']} is not what was saved")
        said.append((answer["sequence"], cut.tear))
        found.wrong += [where + one for one in why]
    if said and said[0][1] == "before" and said[-1][1] == "after":
        old, new = said[0][0], said[-1][0]
        found.wrong += [
            f"{chapter.stage}, operation {cuts[0].index}, {tear}: state {one}, neither {old} nor"
            f" {new}"
            for one, tear in said
            if one not in (old, new)
        ]


def _records_wrong(answer: dict, chapter: session.Chapter, from_seq: int, synced: int) -> list[str]:
    """Return what is wrong with the records of a board that has just started."""
    began = answer["began"]
    there = [(seq, crc) for seq, crc in answer["records"] if seq < began]
    fresh = [seq for seq, _ in answer["records"] if seq >= began]
    why = []
    if began < synced:
        why.append(f"records {began} to {synced - 1} are lost, and their numbers given again")
    if [seq for seq, _ in there] != list(range(from_seq, began)):
        missing = sorted(set(range(from_seq, began)) - {seq for seq, _ in there})
        why.append(
            f"records {missing[:5]} are missing of those below {began}; {synced} were acknowledged"
        )
    changed = [seq for seq, crc in there if chapter.records.get(seq) != crc]
    if chapter.full:  # Some records made room for others before they were pulled.
        changed = [seq for seq in changed if seq in chapter.records]
    if changed:
        why.append(f"records {changed[:5]} are not as they were written")
    if fresh != list(range(began, began + len(fresh))) or not fresh:
        why.append(f"the records of this start are {fresh[:5]}, from {began}")
    if answer["status"].get("synced_seq") != began + len(fresh):
        why.append(
            f"status says synced up to {answer['status'].get('synced_seq')}, {began + len(fresh)}"
            " are there"
        )
    return why


def start_whole(chapter: session.Chapter, n: int, folder: Path) -> list[str]:
    """Start the whole virtual board, with its application on its flash, on n cuts of a chapter.

    This includes what Booter leaves out: MicroPython's own start, main.py, the modules on flash,
    and the serial line. Returns what is wrong.
    """
    operations = list(read_journal(chapter.journal))
    chance = random.Random(n)
    chosen = set(chance.sample(range(len(operations)), n))
    replay, image, wrong = Replay(chapter.flash.read_bytes()), folder / "whole.bin", []
    for i, operation in enumerate(operations):
        if not replay.take(operation):
            continue
        if i in chosen:
            cut = chance.choice(list(replay.cuts()))
            cells = bytearray(replay.image)
            cells[cut.address : cut.address + len(cut.cells)] = cut.cells
            image.write_bytes(cells)
            synced = max((p.synced_seq for p in chapter.promises if p.read <= cut.read), default=0)
            with (
                VirtualBoard(chapter.model, image, sd=chapter.card) as board,
                Link(board.path) as link,
            ):
                status = link.ask("status")
                raw = b64decode(link.ask(f"log {max(0, synced - 1)}")["b64"])
            there = raw and (
                wire.record_seq(raw, 0),
                zlib.crc32(raw[: wire.record_bytes(raw, 0, len(raw))]),
            )
            if (
                status["synced_seq"] < synced
                or synced
                and there != (synced - 1, chapter.records[synced - 1])
            ):
                wrong.append(
                    f"{chapter.stage}, operation {i}, {cut.tear}: {synced} were acknowledged, now"
                    f" {status}"
                )
        replay.done()
    return wrong


@contextlib.contextmanager
def compiled_application() -> Iterator[Path]:
    """Yield a folder with the application as it is deployed, without its start."""
    with tempfile.TemporaryDirectory() as folder:
        for path, contents in application(board_files.load("virtual"), everything=True).items():
            if path.startswith("/nearhum/"):
                file = Path(folder + path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(contents)
        yield Path(folder)


def crowded_rows(compiled: Path, folder: Path, say: Say) -> Iterator[Row]:
    """Yield a row for every stage on a full flash, where the oldest log makes room for what is
    written.
    """
    folder.mkdir()
    for chapter in session.record(session.files(), "rp2040", 0.3, folder, full=True):
        left = session.n_free(chapter.flash.read_bytes(), chapter.model)
        say(f"{left} blocks are free; {session.described(chapter)}")
        judged = judge(chapter, compiled, MOST_CROWDED, 1, say)
        if left > 4:
            judged.wrong.append(f"{left} blocks were free: it was not full")
        gone = f"gone in {judged.n_gone:,}" if judged.n_gone else "there"
        outcome = (
            f"old state or new, the last acknowledged record {gone}, older ones as there is room,"
            " goes on"
        )
        yield Row("power cut on a full file system", chapter.stage, judged.n,
                  judged.wrong[0] if judged.wrong else outcome, not judged.wrong)  # fmt: skip


def rows(say: Say) -> Iterator[Row]:
    """Yield a row for every stage: the cuts of its operations, on the geometries of a Pico and an
    ESP32.
    """
    found: dict[str, Judged] = {}
    whole: dict[str, list[str]] = {}
    with compiled_application() as compiled, tempfile.TemporaryDirectory() as folder:
        for model, length, least in (("rp2040", 1.0, LEAST), ("esp32", 0.3, 0)):
            place = Path(folder) / model
            place.mkdir()
            chapters = list(session.record(session.files(), model, length, place))
            n = [
                min(MOST, sum(o.kind != MARK for o in read_journal(chapter.journal)))
                for chapter in chapters
            ]
            # A fast machine writes more in the same time.
            n_bits = max(1, -(-least // sum(n)) - len(TEARS) + 1)
            for chapter in chapters:
                say(session.described(chapter))
                judged = judge(chapter, compiled, MOST, n_bits, say)
                judged.states.clear()  # States of another board have the same numbers.
                found.setdefault(chapter.stage, Judged()).add(judged)
                whole.setdefault(chapter.stage, []).extend(start_whole(chapter, N_WHOLE, place))
        yield from crowded_rows(compiled, Path(folder) / "crowded", say)
    for stage, judged in found.items():
        kinds = ", ".join(f"{judged.cases[tear]:,} {tear}" for tear in TEARS)
        outcome = judged.wrong[0] if judged.wrong else f"{OUTCOME} ({kinds})"
        yield Row("power cut in a flash operation", stage, judged.n, outcome, not judged.wrong)
    for stage, wrong in whole.items():
        outcome = wrong[0] if wrong else "the board starts and has its last acknowledged record"
        yield Row("power cut, the whole board started", stage, 2 * N_WHOLE, outcome, not wrong)
