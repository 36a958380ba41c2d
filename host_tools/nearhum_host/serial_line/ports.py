"""Serial ports: find the one with a board, and open it exclusively.

Enters: a port name, or none. Leaves: an open, locked port, or an error that names the cause.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time

import serial

from ..errors import DeviceError, HostError, UsageError

BAUD = 115200  # MicroPython's baud rate on a UART. USB ignores it.
BUSY_S = 1.0  # A program that just closed the port may still be ending.
_SILICON_LABS = 0x10C4  # USB vendor id of the CP210x.
PORT_VARIABLE = "NEARHUM_PORT"


def find_port(named: str | None) -> str:
    """Return the named port, or the one in NEARHUM_PORT, or the only one with a board's USB id.

    Raises DeviceError if there is no board, UsageError if there are several.
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


def every_port() -> list[str]:
    """Return the port of every board: the one in NEARHUM_PORT, and all on USB, each once."""
    found = list(board_ports())
    named = os.environ.get(PORT_VARIABLE)
    # A link such as /dev/serial/by-id/... names a port that is in the list already.
    if named and os.path.realpath(named) not in map(os.path.realpath, found):
        found.insert(0, named)
    return found


def board_ports() -> dict[str, list[str]]:
    """Return the ports whose USB id is in a board file, with the names of those boards."""
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
    """Open and lock a port. A busy port is tried again for BUSY_S.

    Raises DeviceError if it is absent, busy or forbidden, UsageError if it is not a serial port.
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
    # The short read timeout only limits one turn of a reading loop: bytes that have arrived are
    # returned at once. pyserial's client for rfc2217 has no write timeout.
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
        # The driver sets DTR and RTS at different times when it opens a port, which resets an
        # ESP32 (micropython/micropython#9659). So both start low and are then set in order.
        line.dtr = line.rts = False
        line.open()
        line.dtr = True
        line.rts = True
    else:
        line.open()
    return line


def close_port(line: serial.SerialBase) -> None:
    """Close a port without resetting the board. A port that has vanished is no error.

    Windows drops DTR before RTS when it closes a port. An ESP32 board is held in reset while RTS is
    on and DTR is off. So RTS is dropped first (micropython/micropython#9659).
    """
    with contextlib.suppress(OSError, serial.SerialException):  # A pty has no such signals.
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
        f"cannot open {port}: {text}", hint="is the board plugged in, and is the address right?"
    )


def port_names() -> list[str]:
    """Return the names of this machine's serial ports that belong to some device."""
    from serial.tools import list_ports

    return [port.device for port in list_ports.comports() if port.hwid != "n/a"]
