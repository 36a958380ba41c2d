"""Read and write files on a board over MicroPython's raw REPL.

Enters: an open Link. Leaves: files on the board. The detector does not run meanwhile: entering the
raw REPL sends Ctrl-C, and `Link.resume` starts the detector again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from binascii import b2a_base64
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import serial

from ..errors import DeviceError
from .link import Link
from .raw_transport import READ_S, OpenPort, named_errors
from .visible_text import without_controls

# Of a file in one piece of code. As text it is 1.4 times as long, and the board compiles it in the
# memory that the detector has left.
CHUNK_BYTES = 1024

# Helpers for all later code on the board. They are short because the board compiles them.
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
    """A file on the board: its length in bytes, and its SHA-256 in hex."""

    n_bytes: int
    sha256: str


class BoardError(DeviceError):
    """Code on the board raised an exception. name: its last line, such as "OSError: 28"."""

    def __init__(self, traceback: str) -> None:
        self.name = without_controls((traceback.strip().splitlines() or ["no traceback"])[-1])[:200]
        super().__init__(
            f"the board raised {self.name}", hint="repeat the command; no file is half written"
        )


class Repl:
    """A board that is stopped at its raw REPL. `stopped` makes it."""

    def __init__(self, transport: OpenPort, link: Link) -> None:
        self._transport = transport
        self._link = link
        self.run(_PRELUDE)

    def run(self, code: str) -> str:
        """Run code on the board and return what it printed.

        Raises BoardError if the code raised, DeviceError if the connection is lost.
        """
        with named_errors(self._link):
            out, err = self._transport.run(code)
        if err:
            raise BoardError(err.decode(errors="replace"))
        return out.decode(errors="replace")

    def ask(self, expression: str) -> Any:
        """Return the value of an expression on the board. It must be representable in JSON."""
        return _value(self.run(f"_p({expression})").strip())

    def hashes(self, roots: list[str]) -> dict[str, Found]:
        """Return the files at or below each root, by path. Absent roots are skipped.

        The board prints each file at once and keeps nothing. Results that are kept for 70 files
        fragment the heap, and an ESP32 then has no 6 KB in one piece for all of them as one text.
        """
        said = self.run(
            f"for r in {roots!r}:\n"
            " try:\n"
            "  a=os.stat(r)[0]\n"
            " except OSError:\n"
            "  continue\n"
            " for p in (_walk(r) if a&0x4000 else (r,)):_p([p,os.stat(p)[6],_sha(p)])\n"
        )
        out = {}
        for line in said.splitlines():
            try:
                path, n, sha256 = _value(line)
                out[str(path)] = Found(int(n), str(sha256))
            except (TypeError, ValueError, OverflowError):
                raise _nonsense(line) from None
        return out

    def free_space(self) -> tuple[int, int]:
        """Return (bytes per block, free blocks) of the board's file system."""
        found = self.ask("list(os.statvfs('/')[1:4])")
        try:
            block, n_blocks, free = map(int, found)
        except (TypeError, ValueError, OverflowError):
            raise _nonsense(found) from None
        if block < 1:
            raise _nonsense(found)
        return block, free if free <= n_blocks else 0  # A full LittleFS reports 2^32 - 4.

    def lines(self, path: str) -> list[str]:
        """Return the lines of a text file on the board, [] if there is no such file.

        If the file is not text, the lines before that point are returned. The board prints each
        line at once, because an ESP32 has no memory for all of them in one piece.
        """
        said = self.run(
            f"try:\n with open({path!r}) as f:\n  for l in f:print(l.rstrip())\n"
            "except (OSError,ValueError):\n pass\n"
        )
        return [str(without_controls(line)) for line in said.splitlines()]

    def copy(self, source: str, path: str, sha256: str) -> None:
        """Copy a file on the board, completely and verified, or not at all.

        sha256: the expected hash, in hex. Raises DeviceError.
        """
        self._put(
            path,
            sha256,
            lambda: self.run(
                f"_m=memoryview(bytearray(1024));_s=open({source!r},'rb')\n"
                "while True:\n"
                " _n=_s.readinto(_m)\n"
                " if not _n:break\n"
                " _f.write(_m[:_n])\n"
                "_s.close()"
            ),
        )

    def write(
        self,
        path: str,
        contents: bytes,
        on_bytes: Callable[[int], None] = lambda n: None,
    ) -> None:
        """Write a file under another name, verify its hash on the board, and rename it.

        on_bytes: called with the number of bytes in each written part. After a failure the previous
        file is unchanged and the incomplete one is removed. Raises DeviceError.
        """

        def send() -> None:
            for at in range(0, len(contents), CHUNK_BYTES):
                chunk = contents[at : at + CHUNK_BYTES]
                self.run(f"_f.write(_a({b2a_base64(chunk, newline=False)!r}))")
                on_bytes(len(chunk))

        self._put(path, hashlib.sha256(contents).hexdigest(), send)

    def _put(self, path: str, sha256: str, fill: Callable[[], Any]) -> None:
        half = path + ".new"
        try:
            self.run(
                f"from binascii import a2b_base64 as _a\n_mk({path!r})\n_f=open({half!r},'wb')"
            )
            fill()
            self.run("_f.close()")
            found = self.ask(f"_sha({half!r})")
            if found != sha256:
                raise DeviceError(
                    f"{path} arrived damaged", hint="check the cable and repeat the command"
                )
            self.run(f"os.rename({half!r},{path!r})")
        except DeviceError:
            # The board may be gone. The first error is the one to report.
            with contextlib.suppress(DeviceError):
                self.run(_GIVE_UP % half)
            raise

    def remove(self, paths: list[str]) -> None:
        """Remove files, and folders that become empty. Absent files are no error."""
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


def _value(said: str) -> Any:
    try:
        return without_controls(json.loads(said))
    except (ValueError, RecursionError):
        raise _nonsense(said[-60:]) from None


def _nonsense(found: Any) -> DeviceError:
    return DeviceError(
        f"the board answered {str(found)[:60]!r}", hint="check the cable and repeat the command"
    )


@contextlib.contextmanager
def stopped(link: Link, fresh: bool = False) -> Iterator[Repl]:
    """Stop the board's program and yield its raw REPL. Afterwards the board is at its prompt.

    fresh: soft-reset the board first, so that its heap is empty. Unsaved data of the board is lost.
    """
    link.stop()
    transport = OpenPort(link)
    timeout, link.serial.timeout = link.serial.timeout, READ_S
    try:
        with named_errors(link):
            transport.enter_raw_repl(soft_reset=fresh)
        yield Repl(transport, link)
    finally:
        # If the board is gone, the error that is being raised says so.
        with contextlib.suppress(OSError, serial.SerialException):
            transport.exit_raw_repl()
            link.serial.timeout = timeout
