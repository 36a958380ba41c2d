"""Power cuts at every operation of an upgrade: main.py starts on the flash as each cut would leave
it.

Three applications follow one another on one board that has learned. A is from before there were two
folders, with its own main.py and its list of hashes. B and C are current. Each module says to which
application it belongs. Each application has a module that is a folder of the same name in the next
one. The steps:

B is deployed over A, and C over B. B is put back and runs for ten minutes, so that C is removed. C
is deployed over B again and runs for ten minutes, so that B is removed.

For every operation of the flash in a step the power fails before it, after a part of its bytes,
with random bits of it old and new, and after it. On each such image a real MicroPython mounts
LittleFS and runs main.py (device/upgrade_images.py). The promises:

1. One of the two applications runs, with only its own modules. Once the new one has started, it is
always that one. There is no warning and no safe mode.
2. What was learned is unchanged, and the log goes on after the acknowledged records.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from nearhum_host.boards import application as made
from nearhum_host.boards import board_files
from nearhum_host.boards.deployment import deploy, undo
from nearhum_host.boards.upgrade.places import NAMED_PATH
from nearhum_host.paths import firmware_dir
from nearhum_host.recordings.nhr import Recording, write_nhr
from nearhum_host.serial_line.link import Link
from nearhum_host.virtual import VirtualBoard
from nearhum_host.virtual.powercut import read_journal

from faults import session
from faults.on_images import OnImages, each_cut, in_shares, spread
from faults.rows import Row, Say
from faults.world import files, with_file

MODEL = "rp2040"
DEVICE = Path(__file__).parent / "device"
OLD_MAIN = DEVICE / "main_of_one_folder.txt"
TEARS = ("before", "prefix", "bits", "after")
MOST = 150  # Operations of a step, spread over it.
LAST = 80  # Operations at its end, each of which is cut. They include the switch.
OUTCOME = "one of the two runs, whole; all that was learned is there"


@dataclass
class Step:
    """One step: the flash before it, the journal of its operations, and what may run after a cut.

    knows: what the board knew before it. may: marks of the applications, the old one first.
    """

    name: str
    flash: Path
    journal: Path
    card: Path
    knows: dict
    may: tuple[str, ...]


@dataclass
class Judged:
    """The result of some cases: how often each application ran, and the broken promises."""

    cases: Counter[str] = field(default_factory=Counter)
    ran: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def application(mark: str, folder: Path) -> dict[str, bytes]:
    """Return an application whose modules all say to which application they belong.

    `talk` is a module in A, a folder in B, and a module again in C.
    """
    board = board_files.load("virtual")
    files = made.application(board, session.SETTINGS)
    talk = "nearhum/talk/__init__" if mark == "B" else "nearhum/talk"
    for path in [*files, f"/{talk}.mpy"]:
        if not path.startswith("/nearhum/") or not path.endswith(".mpy"):
            continue
        name = path[1:-4]
        source = firmware_dir() / f"{name}.py"
        text = source.read_text() if source.is_file() else ""
        if name == "nearhum/pipeline":
            text += "\nimport nearhum.talk\n"
        changed = folder / "changed.py"
        changed.write_text(f"{text}\nMARK = {mark!r}\n")
        files[path] = made.compiled(changed, Path(name).name, board.mpy_arch)
    return files


def of_one_folder(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return an application as it was deployed before there were two folders."""
    new = ("/nearhum/start.mpy", "/nearhum/boots.mpy", "/nearhum/trial.mpy", "/choose_app.mpy")
    out = {path: contents for path, contents in files.items() if path not in new}
    out["/main.py"] = OLD_MAIN.read_bytes()
    sums = {path: hashlib.sha256(contents).hexdigest() for path, contents in out.items()}
    return {**out, "/nearhum.mft": json.dumps(sums, indent=0, sort_keys=True).encode()}


def card(folder: Path, speed: int) -> Path:
    """Make a card with the recording that replaces the sensor. speed 0: as fast as the board reads
    it.
    """
    folder.mkdir()
    n = 32 * 60_000
    hum = np.random.default_rng(1).normal(0, 200, n) + 1000 * np.sin(np.arange(n) / 3)
    recording = Recording(session.SETTINGS["rate_hz"], 1)
    recording.add(hum.astype(np.int16).reshape(-1, 1))
    write_nhr(recording, folder / "replay.nhr")
    (folder / "replay.json").write_text(json.dumps({"speed": speed}))
    return folder


def known(link: Link) -> dict:
    """Return what a board has learned, by its own answers."""
    status = link.ask("status")
    return {
        "list": link.ask("list")["prototypes"],
        "threshold": status["threshold"],
        "synced_seq": status["synced_seq"],
    }


def steps(folder: Path) -> Iterator[Step]:
    """Go through the steps. Yields each."""
    fast = card(folder / "fast", 0)
    slow = card(folder / "slow", 1)
    a, b, c = (application(mark, folder) for mark in "ABC")
    flash = folder / "flash.bin"
    flash.write_bytes(session.chip_with(of_one_folder(a), MODEL))
    with VirtualBoard(MODEL, flash, sd=fast) as board, Link(board.path) as link:
        link.ask("learn 600")
        while link.ask("status")["state"] != "watch":
            time.sleep(0.1)
        link.ask("enrol hum 3")
        while link.ask("status")["enrolling"]:
            time.sleep(0.1)
        link.ask("trust")
        link.stop()

    def one(name: str, may: tuple[str, ...], act, sd: Path = fast) -> Step:
        before, journal = folder / f"{name}.bin", folder / f"{name}.journal"
        boot_py = session.BOOT_PY if sd == slow else ""  # With BOOT_PY, the clock runs fast.
        flash.write_bytes(with_file(flash.read_bytes(), "/boot.py", boot_py.encode()))
        with VirtualBoard(MODEL, flash, sd=sd) as board, Link(board.path) as link:
            knows = known(link)
            link.stop()
        shutil.copy(flash, before)
        with VirtualBoard(MODEL, flash, sd=sd, journal=journal) as board:
            with Link(board.path) as link:
                # It has started. Of 100 Ctrl-C in the middle of an import one or two leave
                # MicroPython's unix port with its table of names locked: the raw REPL hangs then.
                link.ask("status")
                act(link)
                knows_after = known(link)
                link.stop()
            for what in ("list", "threshold"):
                assert knows_after[what] == knows[what], f"{name}: {what} has changed"
        return Step(name, before, journal, fast, knows, may)

    yield one("B over A of one folder", ("A", "B"), lambda link: deploy(link, b))
    yield one("C over B", ("B", "C"), lambda link: deploy(link, c))
    yield one("B put back", ("C", "B"), undo)
    yield one("B runs for ten minutes", ("B",), lambda link: ten_minutes(link, flash, "/"), slow)
    alone(flash, "/beside/", "/")
    yield one("C over B alone", ("B", "C"), lambda link: deploy(link, c))
    yield one(
        "C runs for ten minutes", ("C",), lambda link: ten_minutes(link, flash, "/beside/"), slow
    )
    alone(flash, "/", "/beside/")


def alone(flash: Path, folder: str, other: str) -> None:
    """Check that an application is in one folder, and nothing of any application in the other."""
    assert f"{folder}nearhum.mft" in files(flash.read_bytes())
    assert not (left := left_in(flash, other)), f"something is left: {left}"


def left_in(flash: Path, folder: str) -> list[str]:
    """Return the files of an application in a folder."""
    there = files(flash.read_bytes())
    return [path for path in there if path.startswith(f"{folder}nearhum") and path != NAMED_PATH]


def ten_minutes(link: Link, flash: Path, other: str) -> None:
    """Wait until the board has removed the application in the other folder: hours of its time.

    It removes one file at each check of its health, and a busy machine makes few of these checks.
    """
    end = time.monotonic() + 300
    while link.ask("status")["uptime_s"] < 9000 or left_in(flash, other):
        assert time.monotonic() < end


class Starter(OnImages):
    """Starts images from main.py."""

    def __init__(self, step: Step, base: bytes) -> None:
        super().__init__("upgrade_images.py", MODEL, base, step.card)

    def start(self, address: int, cells: bytes) -> dict:
        """Start on the base with these cells in it. Returns what the board said."""
        return self.ask("start", address, cells)


def judge(step: Step, most: int, say: Say = lambda text: None) -> Judged:
    """Start on the cuts of a step: at most so many operations spread over it, and each of its last
    ones.
    """
    operations = list(read_journal(step.journal))
    n = len(operations)
    chosen = spread(n, most) | {n - 1}
    if most > LAST:
        chosen |= set(range(max(0, n - LAST), n))
    out, order = Judged(), []
    for found, whole in in_shares(
        operations, lambda share: _share(step, operations, share, chosen)
    ):
        out.cases += found.cases
        out.ran += found.ran
        out.wrong += found.wrong
        order += whole
    if order != sorted(order, key=step.may.index):
        out.wrong.append(f"{step.name}: it went back to the old one: {order}")
    if order and order[-1] != step.may[-1]:
        out.wrong.append(f"{step.name}: at the end {order[-1]} runs")
    say(f"{step.name}: {n} operations, {out.cases.total():,} cases, {dict(out.ran)}")
    for wrong in out.wrong[:5]:
        say(wrong)
    return out


def _share(step: Step, operations, share: range, chosen: set[int]) -> tuple[Judged, list[str]]:
    found, order = Judged(), []
    cuts = each_cut(lambda base: Starter(step, base), step.flash, operations, share, chosen)
    for starter, some in cuts:
        for cut in some:
            answer = starter.start(cut.address, cut.cells)
            runs = "".join(answer.get("marks", {}))
            found.cases[cut.tear] += 1
            found.ran[runs] += 1
            where = f"{step.name}, operation {cut.index}, {cut.tear}: "
            found.wrong += [where + why for why in wrong_with(answer, step)]
            if cut.tear in ("before", "after") and runs in step.may:
                order.append(runs)
    return found, order


def wrong_with(answer: dict, step: Step) -> list[str]:
    """Return which promises an answer of the board breaks."""
    if "error" in answer:
        return [answer["error"].strip().splitlines()[-1]]
    if "safe" in answer:
        return [f"safe mode: {answer['safe']}"]
    status = answer.get("status")
    if not status or not status.get("ok"):
        return [f"no detector runs: {answer}"]
    why = []
    if [mark for mark in answer["marks"] if mark not in step.may] or len(answer["marks"]) != 1:
        why.append(f"modules of {answer['marks']}")
    if status["warning"] or answer.get("again"):
        why.append(f"it warns: {status['warning']}")
    if not answer["n_windows"]:
        why.append("it does not watch")
    if status["threshold"] != step.knows["threshold"] or answer["list"] != step.knows["list"]:
        why.append(f"it knows {answer['list']}, and knew {step.knows['list']}")
    if status["synced_seq"] < step.knows["synced_seq"]:
        why.append(f"its log ends at {status['synced_seq']}, before {step.knows['synced_seq']}")
    return why


def rows(say: Say) -> Iterator[Row]:
    """Yield a row for each step, each of its operations cut in four ways."""
    with tempfile.TemporaryDirectory() as folder:
        for step in steps(Path(folder)):
            found = judge(step, MOST, say)
            yield Row(
                f"power cut in an upgrade: {step.name}", "boot", found.cases.total(),
                found.wrong[0] if found.wrong else OUTCOME, not found.wrong,
            )  # fmt: skip
