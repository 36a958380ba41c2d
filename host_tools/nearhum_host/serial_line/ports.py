"""Serial ports: which one has a board, and opening it for this program alone."""

from __future__ import annotations

import contextlib
import errno
import os
import time

import serial

from ..errors import DeviceError, HostError, UsageError

BAUD = 115200
BUSY_S = 1.0  # A program that just closed the port may still be ending.
_SILICON_LABS = 0x10C4
PORT_VARIABLE = "NEARHUM_PORT"


def find_port(named: str | None) -> str:
    """Return the named port, else the one in NEARHUM_PORT, else the only one with a known board's
    USB id.

    Raises DeviceError when no board is plugged in, UsageError when there are several.
    """
    if named:
        return named
    if os.environ.get(PORT_VARIABLE):
        return os.environ[PORT_VARIABLE]
    found = board_ports()
    if len(found) == 1:
        return next(iter(found))
    if found:
        listed = ", ".join(f"{port} ({' or '.join(boards)})" for port, boards in found.items())
        raise UsageError(f"there are several boards: {listed}", hint="name one with --port")
    raise DeviceError(
        "there is no board on any USB port",
        hint=(
            f"plug one in, name its port (--port or {PORT_VARIABLE}), or start one: `nearhum"
            " virtual`"
        ),
    )


def board_ports() -> dict[str, list[str]]:
    """Return the ports whose USB id is in a board file, each with the names of those boards."""
    from serial.tools import list_ports

    from ..boards import board_files

    known: dict[tuple[int, int], list[str]] = {}
    for name in board_files.names():
        for usb_id in board_files.load(name).usb_ids:
            known.setdefault(usb_id, []).append(name)
    return {
        port.device: known[(port.vid, port.pid)]
        for port in sorted(list_ports.comports())
        if (port.vid, port.pid) in known
    }


def open_port(port: str) -> serial.SerialBase:
    """Open and lock a port. One that is busy is tried again for BUSY_S.

    Raises DeviceError that tells absent, busy and forbidden ports apart.
    """
    end = time.monotonic() + BUSY_S
    while True:
        try:
            return _opened(port)
        except (OSError, ValueError, serial.SerialException) as error:
            if not _is_busy(error) or time.monotonic() > end:
                raise _cannot_open(port, error) from None
        time.sleep(0.02)


def _opened(port: str) -> serial.SerialBase:
    # The short timeout only paces the reading loop: a byte that is there is returned at once.
    # pyserial's client of that has none
    write_timeout = None if port.startswith("rfc2217:") else 5
    line = serial.serial_for_url(
        port,
        baudrate=BAUD,
        timeout=0.05,
        write_timeout=write_timeout,
        exclusive=True,
        do_not_open=True,
    )
    if _is_cp210x_on_windows(port):
        # Its driver sets DTR and RTS at different times when a port is opened first, which is
        # a reset to an ESP32's circuit (micropython/micropython#9659): both low, then in order.
        line.dtr = line.rts = False
        line.open()
        line.dtr = True
        line.rts = True
    else:
        line.open()
    return line


def close_port(line: serial.SerialBase) -> None:
    """Close a port so that no board is reset by it; one that is gone is closed.

    Windows drops DTR before RTS when a port is closed, and an ESP32's circuit holds its reset low
    while RTS is on and DTR is not: so RTS goes first (micropython/micropython#9659).
    """
    with contextlib.suppress(OSError, serial.SerialException):  # a pty has no such signals
        line.rts = False
        line.dtr = False
    with contextlib.suppress(OSError, serial.SerialException):
        line.close()


def on_windows() -> bool:
    """Return whether this is Windows."""
    return os.name == "nt"


def _is_cp210x_on_windows(port: str) -> bool:
    if not on_windows():
        return False
    from serial.tools import list_ports

    named = port.upper().removeprefix("\\\\.\\")  # com3 and \\.\COM3 are COM3 there
    return any(
        one.device.upper() == named and one.vid == _SILICON_LABS for one in list_ports.comports()
    )


def _is_busy(error: Exception) -> bool:
    number, text = getattr(error, "errno", None), str(error)
    locked = number in (errno.EAGAIN, errno.EBUSY, errno.EACCES) and "lock" in text
    return locked or number == errno.EBUSY or (os.name == "nt" and "PermissionError" in text)


def _cannot_open(port: str, error: Exception) -> HostError:
    number, text = getattr(error, "errno", None), str(error)
    if _is_busy(error):
        return DeviceError(
            f"port {port} is busy: another program (mpremote, Thonny, another nearhum) has it",
            hint="close that program, or wait for it, and repeat the command",
        )
    if number == errno.EACCES:
        return DeviceError(
            f"no permission to open {port}",
            hint=(
                "add yourself to the port's group (often `dialout`), log in again, and repeat the"
                " command"
            ),
        )
    if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV) or "FileNotFoundError" in text:
        return DeviceError(
            f"there is no port {port}", hint="ports here: " + (", ".join(port_names()) or "none")
        )
    if "configure port" in text or isinstance(error, ValueError):
        return UsageError(
            f"{port} is not a serial port",
            hint="ports here: " + (", ".join(port_names()) or "none"),
        )
    return DeviceError(
        f"cannot open {port}: {text}", hint="is the board plugged in, the address right?"
    )


def port_names() -> list[str]:
    """Return the names of this machine's serial ports that belong to some device."""
    from serial.tools import list_ports

    return [port.device for port in list_ports.comports() if port.hwid != "n/a"]
