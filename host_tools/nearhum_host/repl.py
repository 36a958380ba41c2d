"""File work on a board, over MicroPython's raw REPL. The one place that touches mpremote's internals.

Enters: an open Link. Leaves: files on the board. The detector stands still meanwhile: entering sends Ctrl-C,
leaving with `Link.resume` starts it again. mpremote says of its own transport that the API will change; what
is used of it is here: the constructor's fields, enter_raw_repl, exec_raw and exit_raw_repl.
"""

from __future__ import annotations

import contextlib
import io
import json
import struct
import sys
import threading
import time
from binascii import b2a_base64
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import serial
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from .errors import DeviceError
from .link import Link
from .visible import without_controls

CHUNK_BYTES = 1024  # of a file per exec; as text 1.4 times that, compiled in a heap that the detector has left
_READ_S = 5.0
_EXEC_S = 30  # of silence: hashing every file, or an erase of a full file system, takes seconds
MAX_EXEC_S = 3600  # of one piece of code in all: a benchmark on a board takes minutes
MAX_SAID_BYTES = 256 * 1024  # that it may print: the hashes of a thousand files

# The helpers that every piece of board code may use. Small: they are compiled on the board, once.
_PRELUDE = """
import os,json
def _p(o):
 print(json.dumps(o))
def _sha(p):
 import hashlib
 h=hashlib.sha256();b=bytearray(1024);m=memoryview(b)
 with open(p,'rb') as f:
  while True:
   n=f.readinto(b)
   if not n:break
   h.update(m[:n])
 return ''.join('%02x'%c for c in h.digest())
def _mk(p):
 d=''
 for q in p.split('/')[1:-1]:
  d+='/'+q
  try:os.mkdir(d)
  except OSError as e:
   if e.errno!=17:raise
def _walk(d):
 for e in os.ilistdir(d):
  p=d.rstrip('/')+'/'+e[0]
  if e[1]&0x4000:yield from _walk(p)
  else:yield p
"""


_GIVE_UP = """
try:
 _f.close()
except Exception:
 pass
try:
 os.remove(%r)
except OSError:
 pass
"""


class Found(NamedTuple):
    """A file on the board: its length, and its SHA-256 in hex."""

    n_bytes: int
    sha256: str


class BoardError(DeviceError):
    """Code on the board raised. `name` is the exception's line there, such as "OSError: 28"."""

    def __init__(self, traceback: str) -> None:
        self.name = without_controls((traceback.strip().splitlines() or ["no traceback"])[-1])[:200]
        super().__init__(f"the board raised {self.name}", hint="repeat the command; nothing is left half written")


class _Bounded:
    """A port that gives a board so many bytes and seconds to answer one piece of code: mpremote would wait for ever."""

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
            raise TransportError(f"it says more than {MAX_SAID_BYTES} bytes, or for longer than {MAX_EXEC_S} s")
        got = self._port.read(n)
        self._left -= len(got)
        return got

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


class _OpenPort(SerialTransport):
    """mpremote's transport on a port that is open and locked: closing it would let others in."""

    def __init__(self, link: Link) -> None:
        self.in_raw_repl = False
        self.use_raw_paste = True
        self.device_name = link.port
        self.mounted = False
        self.bounded = self.serial = _Bounded(link.serial)
        # Otherwise mpremote polls and sleeps; a blocking read of one byte works on every kind of port.
        self.is_pty = True


class Repl:
    """A board stopped at its raw REPL. Made by `stopped`."""

    def __init__(self, transport: _OpenPort, link: Link) -> None:
        self._transport = transport
        self._link = link
        self.run(_PRELUDE)

    def run(self, code: str) -> str:
        """Return what code printed. Raises BoardError when it raised, DeviceError when the line is lost."""
        with _named_errors(self._link):
            self._transport.bounded.begin()
            out, err = self._transport.exec_raw(code, timeout=_EXEC_S)
        if err:
            raise BoardError(err.decode(errors="replace"))
        return out.decode(errors="replace")

    def ask(self, expression: str) -> Any:
        """Return the value of an expression on the board, by way of JSON."""
        said = self.run(f"_p({expression})").strip()
        try:
            return without_controls(json.loads(said))
        except (ValueError, RecursionError):
            raise _nonsense(said[-60:]) from None

    def hashes(self, roots: list[str]) -> dict[str, Found]:
        """Return the files at or below each root by path; absent roots give nothing."""
        self.run(
            "_h={}\n"
            f"for r in {roots!r}:\n"
            " try:\n"
            "  a=os.stat(r)[0]\n"
            " except OSError:\n"
            "  continue\n"
            " for p in (_walk(r) if a&0x4000 else (r,)):_h[p]=(os.stat(p)[6],_sha(p))\n"
        )
        found = self.ask("_h")
        try:
            return {path: Found(int(n), str(sha256)) for path, (n, sha256) in found.items()}
        except (AttributeError, TypeError, ValueError, OverflowError):
            raise _nonsense(found) from None

    def free_space(self) -> tuple[int, int]:
        """Return (bytes of a block, free blocks) of the board's file system."""
        found = self.ask("[os.statvfs('/')[1],os.statvfs('/')[3]]")
        try:
            block, free = map(int, found)
        except (TypeError, ValueError, OverflowError):
            raise _nonsense(found) from None
        if block < 1:
            raise _nonsense(found)
        return block, free

    def write(self, path: str, contents: bytes, sha256: str, on_bytes: Callable[[int], None] = lambda n: None) -> None:
        """Write a file beside its place, verify its hash on the board, and rename it into place.

        A failure on the way leaves the file that was there, and takes the half one away.
        """
        half = path + ".new"
        try:
            self.run(f"from binascii import a2b_base64 as _a\n_mk({path!r})\n_f=open({half!r},'wb')")
            for at in range(0, len(contents), CHUNK_BYTES):
                chunk = contents[at : at + CHUNK_BYTES]
                self.run(f"_f.write(_a({b2a_base64(chunk, newline=False)!r}))")
                on_bytes(len(chunk))
            self.run("_f.close()")
            found = self.ask(f"_sha({half!r})")
            if found != sha256:
                raise DeviceError(f"{path} arrived damaged", hint="check the cable, repeat the command")
            self.run(f"os.rename({half!r},{path!r})")
        except DeviceError:
            with contextlib.suppress(DeviceError):  # the board may be gone; the first error is the one to tell
                self.run(_GIVE_UP % half)
            raise

    def remove(self, paths: list[str]) -> None:
        """Remove files, and the folders that this leaves empty. Files that are not there are no error."""
        self.run(
            f"for p in {paths!r}:\n"
            " try:\n"
            "  os.remove(p)\n"
            "  while p.count('/')>1:\n"
            "   p=p[:p.rindex('/')]\n"
            "   os.rmdir(p)\n"
            " except OSError:\n"
            "  pass\n"
        )


def _nonsense(found: Any) -> DeviceError:
    return DeviceError(f"the board answered {str(found)[:60]!r}", hint="check the cable, repeat the command")


@contextlib.contextmanager
def stopped(link: Link, fresh: bool = False) -> Iterator[Repl]:
    """Stop the board's program and give its raw REPL; afterwards it is at its friendly prompt.

    fresh: with a soft reset first, so that the heap is empty; what has not been saved by then is lost.
    """
    link.stop()
    transport = _OpenPort(link)
    timeout, link.serial.timeout = link.serial.timeout, _READ_S
    try:
        with _named_errors(link):
            transport.enter_raw_repl(soft_reset=fresh)
        yield Repl(transport, link)
    finally:
        with contextlib.suppress(OSError, serial.SerialException):  # gone: the error under way says so
            transport.exit_raw_repl()
            link.serial.timeout = timeout


class _Quiet:
    """Swallows stdout. Several boards may be worked on at once, and stdout is one: the last to leave gives it back."""

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
def _named_errors(link: Link) -> Iterator[None]:
    """Turn what mpremote and pyserial raise into DeviceError, and swallow what mpremote prints."""
    try:
        with _Quiet():
            yield
    except (OSError, serial.SerialException) as error:
        raise link.lost(error) from None
    except (TransportError, struct.error) as error:
        raise DeviceError(
            f"the board on {link.port} stopped answering ({error})",
            hint="press its reset, repeat the command",
        ) from None
