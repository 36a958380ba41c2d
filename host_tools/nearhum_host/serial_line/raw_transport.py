"""mpremote's transport on a port that is already open and locked.

Enters: an open Link, and code. Leaves: what the code printed at the raw REPL, or a DeviceError.

mpremote announces that the API of its transport will change. So all use of it is in this file: the
fields that its constructor sets, enter_raw_repl, exec_raw and exit_raw_repl.
"""

from __future__ import annotations

import contextlib
import io
import struct
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import serial
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from ..errors import DeviceError
from .link import Link

READ_S = 5.0  # Timeout of one read.
EXEC_S = 30  # Limit of silence: hashing all files, or erasing a full file system, takes seconds.
MAX_EXEC_S = 3600  # Limit of one piece of code. A benchmark on a board takes minutes.
MAX_SAID_BYTES = 256 * 1024  # Limit of its output. The hashes of a thousand files fit.


class _Bounded:
    """A port that limits the bytes and seconds of one piece of code. mpremote has no limit."""

    def __init__(self, port: Any) -> None:
        self._port = port
        self.begin()

    def begin(self) -> None:
        """Start the limits anew for the next piece of code."""
        self._end = time.monotonic() + MAX_EXEC_S
        self._left = MAX_SAID_BYTES

    def read(self, n: int = 1) -> bytes:
        """Return up to n bytes. Raises TransportError beyond a limit."""
        if self._left <= 0 or time.monotonic() > self._end:
            raise TransportError(f"its output exceeds {MAX_SAID_BYTES} bytes or {MAX_EXEC_S} s")
        got = self._port.read(n)
        self._left -= len(got)
        return got

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


class OpenPort(SerialTransport):
    """mpremote's transport on an open port. Closing and reopening it would release its lock."""

    def __init__(self, link: Link) -> None:
        self.in_raw_repl = False
        self.use_raw_paste = True
        self.device_name = link.port
        self.mounted = False
        self.bounded = self.serial = _Bounded(link.serial)
        # This makes mpremote use blocking reads of one byte, which work on every kind of port.
        # Otherwise it polls and sleeps.
        self.is_pty = True

    def run(self, code: str) -> tuple[bytes, bytes]:
        """Run code at the raw REPL. Return its output, and its traceback (b"" without an error)."""
        self.bounded.begin()
        return self.exec_raw(code, timeout=EXEC_S)


class _Quiet:
    """Discards what is printed to stdout.

    Several threads may use it at once for several boards. The last one restores stdout.
    """

    _lock = threading.Lock()
    _n = 0
    _stdout: Any = None

    def __enter__(self) -> None:
        with _Quiet._lock:
            if not _Quiet._n:
                _Quiet._stdout, sys.stdout = sys.stdout, io.StringIO()
            _Quiet._n += 1

    def __exit__(self, *_: object) -> None:
        with _Quiet._lock:
            _Quiet._n -= 1
            if not _Quiet._n:
                sys.stdout = _Quiet._stdout


@contextlib.contextmanager
def named_errors(link: Link) -> Iterator[None]:
    """Turn exceptions of mpremote and pyserial into DeviceError, and discard mpremote's prints."""
    try:
        with _Quiet():
            yield
    except (OSError, serial.SerialException) as error:
        raise link.lost(error) from None
    except (TransportError, struct.error) as error:
        raise DeviceError(
            f"the board on {link.port} stopped answering ({error})",
            hint="press its reset button and repeat the command",
        ) from None
