"""mpremote's transport on a port that is open and locked, and its errors by name.

The one place that touches mpremote's internals. Enters: an open Link. Leaves: what code printed at
the raw REPL. mpremote says of its own transport that the API will change; what is used of it is
here: the constructor's fields, enter_raw_repl, exec_raw and exit_raw_repl.
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

READ_S = 5.0
EXEC_S = 30  # of silence: hashing every file, or an erase of a full file system, takes seconds
MAX_EXEC_S = 3600  # of one piece of code in all: a benchmark on a board takes minutes
MAX_SAID_BYTES = 256 * 1024  # that it may print: the hashes of a thousand files


class _Bounded:
    """A port that gives a board so many bytes and seconds to answer one piece of code: mpremote
    would wait for ever.
    """

    def __init__(self, port: Any) -> None:
        self._port = port
        self.begin()

    def begin(self) -> None:
        """Let the next piece of code have its full measure."""
        self._end = time.monotonic() + MAX_EXEC_S
        self._left = MAX_SAID_BYTES

    def read(self, n: int = 1) -> bytes:
        """Return up to n bytes. Raises TransportError beyond the measure."""
        if self._left <= 0 or time.monotonic() > self._end:
            raise TransportError(f"its output exceeds {MAX_SAID_BYTES} bytes or {MAX_EXEC_S} s")
        got = self._port.read(n)
        self._left -= len(got)
        return got

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


class OpenPort(SerialTransport):
    """mpremote's transport on a port that is open and locked: closing it would let others in."""

    def __init__(self, link: Link) -> None:
        self.in_raw_repl = False
        self.use_raw_paste = True
        self.device_name = link.port
        self.mounted = False
        self.bounded = self.serial = _Bounded(link.serial)
        # Otherwise mpremote polls and sleeps; a blocking read of one byte works on every kind of
        # port.
        self.is_pty = True

    def run(self, code: str) -> tuple[bytes, bytes]:
        """Run code at the raw REPL; return what it printed, and the traceback where it raised."""
        self.bounded.begin()
        return self.exec_raw(code, timeout=EXEC_S)


class _Quiet:
    """Swallows stdout.

    Several boards may be worked on at once, and stdout is one: the last to leave gives it back.
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
    """Turn what mpremote and pyserial raise into DeviceError, and swallow what mpremote prints."""
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
