"""A simulated ESP32 board at a network port: reset lines, ROM loader, and MicroPython on the same
flash.

rfc2217: DTR and RTS pull IO0 and EN down through the two transistors of every development board
    (only RTS: EN is low; only DTR: IO0 is low). So esptool can bring it into the loader and out of
    it. socket: there are no lines, and the board waits in the loader.

After a reset, MicroPython is that of the virtual board, with the file system in the flash. The
firmware image is written to the flash, but not executed.
"""

import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import serial.rfc2217
from nearhum_host.virtual import VirtualBoard

from hardware.rom_loader import RomLoader, Unplugged

# Each change of a line takes pyserial's client at least 50 ms. Shorter pulses come from opening and
# closing a port.
_PULSE_S = 0.07


class _Lines:
    """The part of a serial port that serial.rfc2217.PortManager needs."""

    def __init__(self, moved: Callable[[bool, bool], None]) -> None:
        self._moved = moved
        self._dtr = self._rts = False
        self.baudrate, self.bytesize, self.parity, self.stopbits = 115200, 8, "N", 1
        self.xonxoff = self.rtscts = self.dsrdtr = self.break_condition = False
        self.cts = self.dsr = self.ri = self.cd = False

    def reset_input_buffer(self) -> None:
        pass

    reset_output_buffer = reset_input_buffer

    @property
    def dtr(self) -> bool:
        return self._dtr

    @dtr.setter
    def dtr(self, level: bool) -> None:
        self._dtr = bool(level)
        self._moved(self._dtr, self._rts)

    @property
    def rts(self) -> bool:
        return self._rts

    @rts.setter
    def rts(self, level: bool) -> None:
        self._rts = bool(level)
        self._moved(self._dtr, self._rts)


class Esp32Board:
    """A context manager.

    image: the content of the flash chip. sd: the folder that MicroPython sees as /sd. url: for
        pyserial.
    loader: options of RomLoader. trace: what happened: "run", "download", "unplugged". The board
        keeps its power when the line is cut.
    """

    def __init__(
        self,
        image: Path,
        chip: str = "esp32",
        over: str = "rfc2217",
        sd: Path | None = None,
        **loader: Any,
    ) -> None:
        self.image, self.chip, self.over, self.options, self._sd = image, chip, over, loader, sd
        self.trace: list[str] = []
        self.rom: RomLoader | None = None
        self._board: VirtualBoard | None = None
        self._pty = -1
        self._low_since: float | None = None
        self._in_reset = False
        self._boot_next: bool | None = None  # Whether into the loader, once EN is released.
        self._stop, self._wake = os.pipe()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"{over}://127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "Esp32Board":
        if not self.image.exists():
            self.image.write_bytes(b"\xff" * (4 << 20))
        self._boot(download=self.over == "socket")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._wake, b"!")
        self._thread.join(10)
        self._server.close()
        self._power_off()
        os.close(self._stop)
        os.close(self._wake)

    def flash(self) -> bytes:
        """Return the present content of the flash."""
        return bytes(self.rom.flash) if self.rom else self.image.read_bytes()

    # ---- power and lines -------------------------------------------------------------------------

    def _power_off(self) -> None:
        if self._board:
            os.close(self._pty)
            self._board.stop()
            self._board = None
        if self.rom:
            self.image.write_bytes(self.rom.flash)
            self.rom = None

    def _boot(self, download: bool) -> bytes:
        self._power_off()
        self.trace.append("download" if download else "run")
        if download:
            self.rom = RomLoader(self.chip, bytearray(self.image.read_bytes()), **self.options)
            return (
                b"\r\nrst:0x1 (POWERON_RESET),boot:0x3 (DOWNLOAD_BOOT(UART0))\r\nwaiting for"
                b" download\r\n"
            )
        self._board = VirtualBoard("esp32", self.image, sd=self._sd).start()
        self._pty = os.open(self._board.path, os.O_RDWR | os.O_NOCTTY)
        return b"\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"

    def _moved(self, dtr: bool, rts: bool) -> None:
        now = time.monotonic()
        if rts and not dtr:
            self._low_since = self._low_since or now
            return
        if self._low_since is not None and now - self._low_since > _PULSE_S and not self._in_reset:
            self._in_reset = True
        if not rts:
            self._low_since = None
            if self._in_reset:
                self._in_reset = False
                self._boot_next = dtr

    # ---- the network -----------------------------------------------------------------------------

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._server, self._stop], [], [])
            if self._stop in ready:
                return
            client, _ = self._server.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with client, contextlib.suppress(OSError):
                try:
                    if not self._client(client):
                        return
                except Unplugged:
                    self.trace.append("unplugged")
                    # A reset, not the end.
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    if self.rom:  # Plugged in again: the board has no battery, so it restarts.
                        self._boot(download=self.over == "socket")

    def _client(self, client: socket.socket) -> bool:
        """Serve one host until it leaves. Returns False if the board is to stop."""
        manager = None
        if self.over == "rfc2217":
            line = type("Line", (), {"write": staticmethod(client.sendall)})
            manager = serial.rfc2217.PortManager(_Lines(self._moved), line)  # type: ignore[arg-type]

        def send(said: bytes) -> None:
            if said:
                client.sendall(b"".join(manager.escape(said)) if manager else said)

        while True:
            watched: list[Any] = [client, self._stop] + ([self._pty] if self._board else [])
            ready, _, _ = select.select(
                watched, [], [], 0.005 if self._boot_next is not None else 0.5
            )
            if self._stop in ready:
                return False
            if self._boot_next is not None:
                download, self._boot_next = self._boot_next, None
                send(self._boot(download))
                continue
            if self._board and self._pty in ready:
                send(os.read(self._pty, 65536))
            if client in ready:
                given = client.recv(65536)
                if not given:
                    return True
                if manager:
                    given = b"".join(manager.filter(given))
                if self.rom:
                    send(self.rom.feed(given))
                elif given:
                    os.write(self._pty, given)
