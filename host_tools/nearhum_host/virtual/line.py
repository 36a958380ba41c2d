"""The serial line between host and board: the PTY a host opens, CR LF cooking, and what Ctrl-C
means.

The supervisor (board.py) moves the bytes; each class here knows one rule of the line.
"""

import os
import pty
import select
import signal
import tty
from pathlib import Path

from ..errors import HostError

# What the board reads of the line, one byte in a file shared with it (device/virtual_board.py).
NO_HOST = b"\x00"  # nobody has the port open: output is dropped, as on USB CDC
READING = b"\x01"
CONGESTED = b"\x02"  # the host has it open and has not taken what was sent


class HostPort:
    """The host's end: a PTY, and a link to it that keeps its name over unplug and replug.

    The slave end is closed here, so that a hang-up on the master says "no host has it open".
    Raises HostError where link is a file that is not a link.
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
        if self.master is not None:
            return
        self.master, slave = pty.openpty()
        tty.setraw(slave)  # before any host sees it: no echo, no line editing
        self.path = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self.master, False)
        if self._link:
            self._link.unlink(missing_ok=True)
            self._link.symlink_to(self.path)

    def unplug(self) -> None:
        if self.master is None:
            return
        self._forget_link()
        os.close(self.master)
        self.master = None
        self.attached = False

    def _forget_link(self) -> None:
        # Only our own: another board may have taken the name over.
        if self._link and self._link.is_symlink() and os.readlink(self._link) == self.path:
            self._link.unlink()

    def look(self) -> None:
        """Find out whether a host has the port open."""
        if self.master is not None:
            seen = select.poll()
            seen.register(self.master, 0)
            self.attached = not seen.poll(0)

    def read(self) -> bytes:
        """Return what the host sent, b"" for nothing. A host that wrote and left is still heard."""
        if self.master is None:
            return b""
        try:
            return os.read(self.master, 4096)
        except BlockingIOError:
            return b""
        except OSError:  # EIO: the last host has closed it and left nothing
            self.attached = False
            return b""

    def write(self, waiting: bytearray) -> bool:
        """Send and remove as much as the host has room for; return whether anything went."""
        sent = False
        while waiting and self.master is not None:
            try:
                n = os.write(self.master, waiting[:4096])
            except BlockingIOError:
                break
            except OSError:  # EIO: closed since we looked
                waiting.clear()
                break
            del waiting[:n]
            sent = sent or n > 0
        return sent


class Cooker:
    """Turns LF of the board's text into CR LF; passes its binary frames (0xFF, u16 length,
    bytes) bare.
    """

    def __init__(self) -> None:
        self._frame_left = 0
        self._header = b""
        self._ended_in_cr = False

    def feed(self, output: bytes) -> bytes:
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
        # The REPL writes CR LF itself, perhaps with the CR at the end of one read and the LF in the
        # next.
        cooked = text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        if self._ended_in_cr and text.startswith(b"\n"):
            cooked = cooked[1:]
        if text:
            self._ended_in_cr = text.endswith(b"\r")
        return cooked


def interrupt(pid: int, pending_address: int) -> bool | None:
    """Do with the child pid what Ctrl-C does on a board.

    True: the program is interrupted. False: Ctrl-C is a byte like any other now. None: the child
    has gone. MicroPython installs a SIGINT handler exactly while Ctrl-C should interrupt, so the
    handler's presence is the board's own state. The child is stopped while we look: otherwise it
    could remove the handler before the signal arrives, and die of it. It would also exit on a
    second SIGINT with the first still pending; pending_address is where it keeps that
    (launcher.py).
    """
    try:
        os.kill(pid, signal.SIGSTOP)
        # WNOWAIT: the child's end is for the supervisor's wait to collect.
        stopped = os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    except (ProcessLookupError, ChildProcessError):
        return None
    if stopped is None or stopped.si_code not in (os.CLD_STOPPED, os.CLD_TRAPPED):
        return None
    try:
        if not _catches_sigint(pid):
            return False
        if not _interrupt_pending(pid, pending_address):
            os.kill(pid, signal.SIGINT)
        return True
    finally:
        os.kill(pid, signal.SIGCONT)


def _catches_sigint(pid: int) -> bool:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line[7:], 16) >> (signal.SIGINT - 1) & 1)
    return False


def _interrupt_pending(pid: int, address: int) -> bool:
    # A SIGINT sent a moment ago may not have been delivered yet: the kernel's set counts as well.
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(("SigPnd:", "ShdPnd:")) and int(line[7:], 16) >> (signal.SIGINT - 1) & 1:
            return True
    try:
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            memory.seek(address)
            return address != 0 and any(memory.read(8))
    # a container may forbid it; then a second Ctrl-C in native code resets the board
    except OSError:
        return False
