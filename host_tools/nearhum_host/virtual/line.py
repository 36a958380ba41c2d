"""The serial line between host and virtual board: its PTY, line ends, and Ctrl-C.

Enters: bytes from host and board. Leaves: the same bytes by the rules of the line. supervisor.py
moves them. Each class here knows one rule.
"""

import os
import pty
import select
import signal
import tty
from pathlib import Path

from ..errors import HostError

# State of the line: one byte in a file that the board reads (device/virtual_out.py).
NO_HOST = b"\x00"  # No host has the port open. Output is dropped, as on USB CDC.
READING = b"\x01"
CONGESTED = b"\x02"  # A host has the port open and has not read what was sent.

CTRL_C = signal.SIGUSR1  # To the child: a KeyboardInterrupt, as a chip's Ctrl-C (launcher.py).


class HostPort:
    """The host's end: a PTY, and a link to it whose name survives unplug and replug.

    The slave end is closed here. A hang-up on the master therefore means that no host has the port
    open. Raises HostError if link is a file that is not a link.
    """

    def __init__(self, link: Path | None) -> None:
        self._link = link
        if link and link.exists() and not link.is_symlink():
            raise HostError(f"{link} exists and is not a link", hint="give --link another name")
        self.path = ""
        self.master: int | None = None
        self.attached = False
        self.plug_in()

    def plug_in(self) -> None:
        """Make a new PTY and point the link to it. Does nothing if there is one."""
        if self.master is not None:
            return
        self.master, slave = pty.openpty()
        tty.setraw(slave)  # No echo and no line editing, set before a host can open it.
        self.path = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self.master, False)
        if self._link:
            self._link.unlink(missing_ok=True)
            self._link.symlink_to(self.path)

    def unplug(self) -> None:
        """Remove the PTY and the link. An open port hangs up."""
        if self.master is None:
            return
        self._forget_link()
        os.close(self.master)
        self.master = None
        self.attached = False

    def _forget_link(self) -> None:
        # Another board may have taken over the name: remove only our own link.
        if self._link and self._link.is_symlink() and os.readlink(self._link) == self.path:
            self._link.unlink()

    def look(self) -> None:
        """Update attached: whether a host has the port open."""
        if self.master is not None:
            seen = select.poll()
            seen.register(self.master, 0)
            self.attached = not seen.poll(0)

    def read(self) -> bytes:
        """Return what the host sent, b"" for nothing. It may have closed the port since."""
        if self.master is None:
            return b""
        try:
            return os.read(self.master, 4096)
        except BlockingIOError:
            return b""
        except OSError:  # EIO: the host has closed the port, and nothing is left to read.
            self.attached = False
            return b""

    def write(self, waiting: bytearray) -> bool:
        """Send as much as the PTY holds, and remove it from waiting.

        Returns whether anything was sent.
        """
        sent = False
        while waiting and self.master is not None:
            try:
                n = os.write(self.master, waiting[:4096])
            except BlockingIOError:
                break
            except OSError:  # EIO: the host has closed the port since the last look.
                waiting.clear()
                break
            del waiting[:n]
            sent = sent or n > 0
        return sent


class Cooker:
    """Converts LF to CR LF in the board's text, and unpacks binary frames unchanged.

    A frame is 0xFF, a u16 length, and bytes (device/virtual_out.py).
    """

    def __init__(self) -> None:
        self._frame_left = 0
        self._header = b""
        self._ended_in_cr = False

    def feed(self, output: bytes) -> bytes:
        """Return the next output of the board as the host gets it."""
        output = self._header + output
        self._header = b""
        cooked = bytearray()
        at = 0
        while at < len(output):
            if self._frame_left:
                part = output[at : at + self._frame_left]
                cooked += part
                self._frame_left -= len(part)
                at += len(part)
                continue
            frame = output.find(b"\xff", at)
            cooked += self._text(output[at : frame if frame >= 0 else len(output)])
            if frame < 0:
                break
            if len(output) - frame < 3:
                self._header = output[frame:]
                break
            self._frame_left = int.from_bytes(output[frame + 1 : frame + 3], "little")
            at = frame + 3
        return bytes(cooked)

    def _text(self, text: bytes) -> bytes:
        # The REPL writes CR LF itself. The CR may end one read, and the LF begin the next.
        cooked = text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        if self._ended_in_cr and text.startswith(b"\n"):
            cooked = cooked[1:]
        if text:
            self._ended_in_cr = text.endswith(b"\r")
        return cooked


def interrupt(pid: int) -> bool | None:
    """Do to the child process what Ctrl-C does to a board.

    Returns True if the program is interrupted, False if Ctrl-C is an ordinary byte at present, and
    None if the child has ended.

    1. MicroPython installs a SIGINT handler only while Ctrl-C should interrupt, so the handler
       shows the board's state. The signal that interrupts is another (launcher.py).
    2. The child is stopped during the check. Otherwise it could remove the handler before the
       signal arrives.
    """
    try:
        os.kill(pid, signal.SIGSTOP)
        # WNOWAIT, because the supervisor collects the child's exit code.
        stopped = os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    except (ProcessLookupError, ChildProcessError):
        return None
    if stopped is None or stopped.si_code not in (os.CLD_STOPPED, os.CLD_TRAPPED):
        return None
    try:
        if not _catches_sigint(pid):
            return False
        os.kill(pid, CTRL_C)
        return True
    finally:
        os.kill(pid, signal.SIGCONT)


def _catches_sigint(pid: int) -> bool:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line[7:], 16) >> (signal.SIGINT - 1) & 1)
    return False
