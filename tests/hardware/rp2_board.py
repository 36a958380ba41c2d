"""A simulated RP2 board: the volume of its boot ROM as a folder, and MicroPython on the same flash.

The folder has INFO_UF2.TXT, and a named pipe for the file that a host writes. So the boot ROM sees
each block when it is written, as on USB, and a host whose drive is pulled out gets an error from
the kernel. At the last block the ROM restarts the chip: the volume disappears, and the virtual
board boots the file system in the flash. The firmware image is written to the flash, but not
executed.
"""

import contextlib
import fcntl
import os
import select
import struct
import threading
import time
from pathlib import Path

from nearhum_host.flashing.bootrom import FILE, INFO
from nearhum_host.flashing.chips import CHIPS, XIP_ADDRESS
from nearhum_host.virtual import VirtualBoard

BLOCK = 512
_F_SETPIPE_SZ = 1031  # From linux/fcntl.h.
INFOS = {
    "rp2040": "UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n",
    "rp2350": "UF2 Bootloader v1.0\nModel: Raspberry Pi RP2350\nBoard-ID: RP2350\n",
}


class Rp2Board:
    """A context manager.

    image: the content of the flash chip. volume: the folder. link: the port of its MicroPython.
    eject_at: the block at which the cable is pulled out, once. Then the chip is in its boot ROM
        again.
    running: whether it starts with MicroPython, and enters its boot ROM when a program asks for it.
    sd: the folder seen as /sd. trace: what happened: boot rom, run, ejected.
    """

    def __init__(
        self,
        folder: Path,
        chip: str = "rp2040",
        eject_at: int | None = None,
        running: bool = False,
        sd: Path | None = None,
    ) -> None:
        self.image, self.volume, self.link = (
            folder / "flash.bin",
            folder / "RPI-RP2",
            folder / "port",
        )
        self.chip, self.eject_at, self._running = CHIPS[chip], eject_at, running
        self._sd = sd
        self.trace: list[str] = []
        self.n_blocks = 0  # Blocks since the boot ROM started.
        self._board: VirtualBoard | None = None
        self._pipe = -1
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Rp2Board":
        if not self.image.exists():
            self.image.write_bytes(b"\xff" * (2 << 20))
        if self._running:
            self._boot()
        else:
            self._enter_rom()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        self._leave_rom()
        if self._board:
            self._board.stop()

    def flash(self) -> bytes:
        """Return the present content of the flash."""
        return self.image.read_bytes()

    def await_run(self, seconds: float = 60) -> None:
        """Wait until MicroPython runs. Raises TimeoutError."""
        end = time.monotonic() + seconds
        while self.trace[-1] != "run":
            if time.monotonic() > end:
                raise TimeoutError(f"it does not run: {self.trace}")
            time.sleep(0.02)

    # ---- what the chip does ----------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stop.is_set():
            if self._board:
                with contextlib.suppress(TimeoutError):
                    self._board.wait_event("bootloader", 0.1)
                    self._board.stop()
                    self._board = None
                    self._enter_rom()
            else:
                self._serve_volume()

    def _boot(self) -> None:
        self._board = VirtualBoard("rp2040", self.image, link=self.link, sd=self._sd).start()
        self.trace.append("run")

    def _enter_rom(self) -> None:
        self.trace.append("boot rom")
        self.n_blocks = 0
        self.volume.mkdir(exist_ok=True)
        os.mkfifo(self.volume / FILE)
        self._pipe = os.open(self.volume / FILE, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self._pipe, _F_SETPIPE_SZ, 4096)  # So that a host is never far ahead.
        (self.volume / INFO).write_text(INFOS[self.chip.name])

    def _leave_rom(self) -> None:
        for name in (INFO, FILE):
            (self.volume / name).unlink(missing_ok=True)
        if self.volume.is_dir():
            self.volume.rmdir()
        if self._pipe >= 0:  # Last, because a host that gets the error must not find the old drive.
            os.close(self._pipe)
            self._pipe = -1

    def _serve_volume(self) -> None:
        """Take one file: until it is complete, the host closes it, or the cable is pulled out."""
        pipe = self._pipe
        rest, seen, total, opened = b"", set(), 0, False
        with open(self.image, "r+b") as flash:
            while not self._stop.is_set():
                if not select.select([pipe], [], [], 0.1)[0]:
                    continue
                given = os.read(pipe, BLOCK)
                if not given:
                    if opened:
                        return  # The host closed the file. What came so far is in the flash.
                    self._stop.wait(0.02)
                    continue
                opened, rest = True, rest + given
                while len(rest) >= BLOCK:
                    block, rest = rest[:BLOCK], rest[BLOCK:]
                    if self.n_blocks == self.eject_at:
                        self._pull_out()
                        return
                    self.n_blocks += 1
                    total = self._take(flash, block, seen) or total
                    if total and len(seen) == total:
                        flash.flush()
                        self._leave_rom()
                        self._boot()
                        return

    def _pull_out(self) -> None:
        self.trace.append("ejected")
        self.eject_at = None
        self._leave_rom()
        self._enter_rom()

    def _take(self, flash, block: bytes, seen: set[int]) -> int:
        """Carry out one block. Returns the number of all blocks, or 0 for a block that is not for
        this chip.
        """
        magic, second, flags, address, n, number, of, family = struct.unpack_from("<8I", block)
        right = (magic, second, family) == (0x0A324655, 0x9E5D5157, self.chip.family)
        if not right or flags & 1:
            return 0
        offset = address - XIP_ADDRESS
        sector = offset // 4096 * 4096
        if sector not in self._erased(seen):
            flash.seek(sector)
            flash.write(b"\xff" * 4096)
        self._sectors.add(sector)
        flash.seek(offset)
        flash.write(block[32 : 32 + n])
        seen.add(number)
        return of

    def _erased(self, seen: set[int]) -> set[int]:
        if not seen:
            self._sectors: set[int] = set()
        return self._sectors
