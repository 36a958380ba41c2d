"""The class VirtualBoard: power, a reset button, a USB plug and a flash chip, as on the bench.

Enters: calls from any thread. Leaves: a serial port for the host, and events. supervisor.py does
the work in a thread of its own.
"""

import contextlib
import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..errors import HostError, UsageError
from . import flash_image
from .child import Child
from .chips import chip_named, interpreter_dir
from .line import HostPort
from .sensors import described
from .supervisor import PowerCut, ResetCauses, Supervisor

_START_S = 10.0  # Time limit for MicroPython to start.


class VirtualBoard:
    """One board. Use it as a context manager, or call start and stop.

    chip: "esp32", "esp32c3", "rp2040" or "rp2350".
    image: file with the flash chip's content, created if absent. None: a temporary one.
    sd: directory of the host that the board sees read-only at /sd.
    link: symbolic link that always points to the port.
    journal: file to which every flash operation is appended (powercut.py).
    cut_at: index of the flash operation in which the power fails, once. It counts from a start of
        MicroPython. -1: never. cut_keep: bytes of that operation that reach the cells.
    stall_s: how long a board that prints waits for a host that has the port open and does not read.
        After that, output is lost, as on the RP2040's USB.
    sensors: the sensors on its buses, by the names of sensors.py.

    Events for wait_event: booted, soft, reset, bootloader, cut, off, watchdog, crash (it starts
    again) and dead (it does not).

    Raises UsageError for a wrong chip or sd. Raises HostError if the host is not supported, the
    image is in use by another board, or the image has the wrong size.
    """

    def __init__(
        self,
        chip: str = "rp2040",
        image: Path | None = None,
        *,
        sd: Path | None = None,
        link: Path | None = None,
        journal: Path | None = None,
        cut_at: int = -1,
        cut_keep: int = 0,
        stall_s: float = 1.0,
        sensors: Sequence[str] = (),
    ) -> None:
        self.chip = chip_named(chip)
        self._interpreter = interpreter_dir()
        self.sd = sd.resolve() if sd else None
        if self.sd and not self.sd.is_dir():
            raise UsageError(
                f"{sd} is not a directory", hint="sd takes the directory to show at /sd"
            )
        self.journal = journal.resolve() if journal else None
        self._cut_at = cut_at
        self._cut_keep = cut_keep
        self._stall_s = stall_s
        self._sensors = [described(sensor) for sensor in sensors]
        self._link = link.absolute() if link else None
        self._given_image = image
        self._events: list[str] = []
        self._event_came = threading.Condition()
        self._closing: contextlib.ExitStack | None = None

    def start(self) -> "VirtualBoard":
        """Plug in and switch on. Returns when MicroPython has started: boot.py may still run."""
        if self._closing:
            return self
        with contextlib.ExitStack() as undo:
            own = tempfile.TemporaryDirectory(prefix="nearhum-virtual-")
            undo.callback(own.cleanup)
            self.image = (self._given_image or Path(own.name) / "flash.bin").resolve()
            lock = flash_image.claim(self.image, self.chip.flash_bytes, self.chip.name)
            undo.callback(os.close, lock)
            self._port = HostPort(self._link)
            undo.callback(self._port.unplug)
            self._child = Child(self._interpreter, self.chip.heap_bytes, own.name)
            undo.callback(self._child.close)
            self._events.clear()
            self._supervisor = Supervisor(
                self._child,
                self._port,
                self._start_description(),
                ResetCauses(self.chip.cause_of_program_reset, self.chip.cause_of_soft_reset),
                PowerCut(self._cut_at, self._cut_keep),
                self._stall_s,
                self._announce,
            )
            undo.callback(self._supervisor.close)
            self._closing = undo.pop_all()
        try:
            self._supervisor.ask(self._supervisor.power_on)
            event = ""
            with contextlib.suppress(TimeoutError):
                event = self._await(("booted", "cut", "dead"), _START_S)
            if event == "cut":  # During formatting. Put the event back for wait_event.
                self._announce(event)
            elif event != "booted":
                raise self._did_not_start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Switch off and remove the port. An image that was given is kept."""
        if self._closing:
            closing, self._closing = self._closing, None
            closing.close()

    def __enter__(self) -> "VirtualBoard":
        return self.start()

    def __exit__(self, *reason: object) -> None:
        self.stop()

    @property
    def path(self) -> str:
        """The host's port, such as /dev/pts/5. After unplug, the last one."""
        return self._port.path

    @property
    def powered(self) -> bool:
        """Whether MicroPython runs. False when switched off, cut off, or in the boot loader."""
        return self._closing is not None and self._child.pid is not None

    def reset(self) -> None:
        """Press the reset button. This also leaves the boot loader."""
        self._ask(lambda: self._supervisor.restart("PWRON_RESET", "reset"))

    def power_off(self) -> None:
        """Cut the power between two flash operations.

        The port stays, because it stands for that of a USB-serial chip.
        """
        self._ask(self._supervisor.power_off)

    def power_on(self) -> None:
        """Switch the power on. MicroPython starts; wait for the event booted."""
        self._ask(self._supervisor.power_on)

    def unplug(self) -> None:
        """Pull the USB plug: an open port hangs up, and the board runs on as from a battery."""
        self._ask(self._port.unplug)

    def replug(self) -> None:
        """Put the plug back. path may change, and link is updated."""
        self._ask(self._port.plug_in)

    def wait_event(self, name: str, timeout: float = 5.0) -> None:
        """Wait for an event and consume it. An earlier event that was not consumed counts.

        timeout: seconds. Raises TimeoutError. Raises HostError at once if MicroPython could not
        start, because no other event will follow.
        """
        if self._await((name, "dead"), timeout) != name:
            raise self._did_not_start()

    def _did_not_start(self) -> HostError:
        said = self._child.early_output.decode("utf-8", "replace").strip() or "nothing"
        return HostError(f"MicroPython did not start; it said: {said}")

    def _ask(self, call: Callable[[], None]) -> None:
        if not self._closing:
            raise HostError("the virtual board is not running", hint="call start first")
        self._supervisor.ask(call)

    def _start_description(self) -> dict[str, Any]:
        """Return what is the same at every start, for virtual_board.boot."""
        return {
            "chip": self.chip.name,
            "reset_causes": self.chip.reset_causes,
            "freq_hz": self.chip.freq_hz,
            "watchdog_ms": self.chip.watchdog_ms,
            "executable_bytes": list(self.chip.executable_bytes),
            "unique_id": hashlib.sha256(os.fsencode(self.image)).digest()[:8],
            "image": str(self.image),
            "fs_offset": self.chip.fs_offset,
            "fs_size": self.chip.fs_bytes,
            "prog_bytes": self.chip.prog_bytes,
            "journal": str(self.journal) if self.journal else None,
            "sd": str(self.sd) if self.sd else None,
            "sensors": self._sensors,
        }

    def _await(self, names: tuple[str, ...], timeout: float) -> str:
        def first() -> str | None:
            return next((event for event in self._events if event in names), None)

        with self._event_came:
            event = self._event_came.wait_for(first, timeout)
            if event is None:
                raise TimeoutError(
                    f"no event {' or '.join(names)} in {timeout} s; there were {self._events}"
                )
            self._events.remove(event)
            return event

    def _announce(self, event: str) -> None:
        with self._event_came:
            self._events.append(event)
            self._event_came.notify_all()
