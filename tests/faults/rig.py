"""A virtual board whose world fails on demand: real MicroPython, firmware and console, simulated
MPU-6050.

device/faulty.py is that world, started by /boot.py. At the start, a board's flash is that of the
template: the application is deployed, normal is learned, and the label hum is enrolled.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from nearhum_host.boards import board_files
from nearhum_host.boards.application import application
from nearhum_host.boards.deployment import deploy
from nearhum_host.logs import decoding, log_file
from nearhum_host.logs.pulling import pull
from nearhum_host.serial_line.link import Link
from nearhum_host.serial_line.repl import stopped
from nearhum_host.virtual import VirtualBoard

FAULTY = Path(__file__).with_name("device") / "faulty.py"
SETTINGS = {
    "kind": "vibration", "rate_hz": 200, "n_channels": 3, "n_window": 64, "n_hop": 64, "n_bands": 6,
    "label_m": 1, "label_n": 1, "source": {"driver": "mpu6050", "sda": 4, "scl": 5},
}  # fmt: skip
PATIENCE_S = 90.0  # Enough for a busy machine.

Status = dict[str, Any]


class Broken(AssertionError):
    """The board broke a promise."""


class Rig:
    """One board and its world. A context manager.

    image: its flash, or None for an empty one.
    """

    def __init__(self, folder: Path, image: bytes | None = None, heap_bytes: int = 0) -> None:
        self.folder = folder
        self.card = folder / "card"
        self.card.mkdir(exist_ok=True)
        self.image = folder / "flash.bin"
        if image is not None:
            self.image.write_bytes(image)
        self.world()
        self.board = VirtualBoard("rp2040", self.image, sd=self.card)
        if heap_bytes:
            self.board.chip = replace(self.board.chip, heap_bytes=heap_bytes)
        self._link: Link | None = None

    def __enter__(self) -> Rig:
        return self

    def __exit__(self, *_: object) -> None:
        self.unlink()
        self.board.stop()

    def world(self, **told: Any) -> None:
        """Set the state of the world from now on. Without arguments, all is well."""
        half = self.card / "world.new"
        half.write_text(json.dumps(told))
        half.replace(self.card / "world.json")

    def start(self) -> None:
        self.board.start()

    def reset(self) -> None:
        """Press the reset button."""
        self.unlink()
        self.board.reset()

    @property
    def link(self) -> Link:
        if self._link is None:
            self._link = Link(self.board.path)
        return self._link

    def unlink(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def ask(self, line: str) -> Status:
        return self.link.ask(line, PATIENCE_S)

    def status(self) -> Status:
        return self.ask("status")

    def until(self, wanted: Callable[[Status], Any], what: str) -> Status:
        """Return the first status for which wanted is true. Raises Broken after PATIENCE_S."""
        end = time.monotonic() + PATIENCE_S
        while True:
            status = self.status()
            if wanted(status):
                return status
            if time.monotonic() > end:
                raise Broken(f"never {what}: {status}")
            time.sleep(0.05)  # Each answer costs the board time.

    def wait(self, seconds: int) -> None:
        """Wait for so many seconds of the board's time."""
        before = self.status()["uptime_s"]
        self.until(lambda s: s["uptime_s"] > before + seconds, "later")

    def events(self) -> list[decoding.Event]:
        """Pull the log. Raises Broken if a record is missing or damaged."""
        file = self.folder / "log.nhl"
        pull(self.link, file)
        log = log_file.read_log(file)
        if log.damages or log.gaps:
            raise Broken(f"the log has damages {log.damages} and gaps {log.gaps}")
        return decoding.decode(log.records)[1]

    def knows(self) -> dict[str, Any]:
        """Return what was learned, as the board lists it, and its threshold."""
        return {"list": self.ask("list")["prototypes"], "threshold": self.status()["threshold"]}


def expect(true: Any, what: str) -> None:
    if not true:
        raise Broken(what)


@contextlib.contextmanager
def rig(image: bytes | None = None, heap_bytes: int = 0) -> Iterator[Rig]:
    """Yield a Rig in a folder of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="nearhum-faults-") as folder,
        Rig(Path(folder), image, heap_bytes) as there,
    ):
        yield there


def template(**settings: Any) -> bytes:
    """Return the flash of a board that has learned and watches."""
    with rig() as there:
        there.start()
        with stopped(there.link) as repl:
            for path, contents in (
                ("/boot.py", b"import faulty\n"),
                ("/lib/faulty.py", FAULTY.read_bytes()),
            ):
                repl.write(path, contents)
        deploy(there.link, application(board_files.load("virtual"), {**SETTINGS, **settings}))
        there.ask("learn 400")  # Enough independent scores, so that there is no warning.
        there.until(lambda s: s["state"] == "watch", "learned")
        there.ask("enrol hum 3")
        there.until(lambda s: s["n_labels"] == 1 and not s["enrolling"], "enrolled")
        there.until(lambda s: s["uptime_s"] > 12, "stable")
        there.link.stop()
        there.unlink()
        there.board.power_off()
        there.board.stop()
        return there.image.read_bytes()
