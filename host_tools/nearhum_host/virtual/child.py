"""The MicroPython process of a virtual board, and the pipes that are its serial line.

Enters: start and end from supervisor.py, and bytes that the host typed. Leaves: the output, and
words on a control pipe.

Every start of the board is a new process (launcher.py). The pipes outlive it, so that after a soft
reset the board still reads what the host typed meanwhile. A reset or a power cut replaces them.
"""

import contextlib
import fcntl
import os
import select
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..boards.application import compiled
from .line import CTRL_C

_HERE = Path(__file__).resolve().parent
_ARCH = "x64"  # Of this interpreter.
_F_SETPIPE_SZ = 1031  # From linux/fcntl.h: some builds of Python lack it in the module fcntl.
_STDOUT_BYTES = 16384  # Room for several lines, so that writing a line after POLLOUT never blocks.
_STDIN_BYTES = 4096
# Without HOME, the REPL writes no history file. The others would change how the interpreter runs.
_UNWANTED_ENVIRONMENT = ("HOME", "MICROPYPATH", "MICROPYINSPECT")


class Child:
    """The running MicroPython, if any.

    booted: boot.py has begun, and Ctrl-C may interrupt it. early_output: printed before booted.
    """

    def __init__(self, interpreter: Path, heap_bytes: int, cwd: str) -> None:
        self._interpreter = interpreter
        self._heap_bytes = heap_bytes
        self._cwd = cwd
        # Copies, so that a board that runs for days restarts unchanged if nearhum is updated.
        self._launcher = shutil.copy(_HERE / "launcher.py", cwd)
        self._device = _device_in(Path(cwd))
        self._process: subprocess.Popen[bytes] | None = None
        self.exit_fd = -1  # Readable once the child has ended.
        self.control, self._control_of_child = os.pipe()
        self._control_rest = b""
        self.booted = False
        self.early_output = b""
        self._open_line()

    def _open_line(self) -> None:
        self._stdin_of_child, self.stdin = os.pipe()
        self.stdout, self._stdout_of_child = os.pipe()
        for fd in (self.stdin, self.stdout):
            os.set_blocking(fd, False)
        fcntl.fcntl(self.stdin, _F_SETPIPE_SZ, _STDIN_BYTES)
        fcntl.fcntl(self.stdout, _F_SETPIPE_SZ, _STDOUT_BYTES)

    def _close_line(self) -> None:
        for fd in (self._stdin_of_child, self.stdin, self.stdout, self._stdout_of_child):
            os.close(fd)

    def renew_line(self) -> None:
        """Discard what was typed and not read yet. The file descriptors change."""
        self._close_line()
        self._open_line()

    def close(self) -> None:
        """End the child and close all pipes."""
        self.end()
        self._close_line()
        os.close(self.control)
        os.close(self._control_of_child)

    @property
    def pid(self) -> int | None:
        """The child's process id, None while the power is off."""
        return self._process.pid if self._process else None

    def start(self, start: dict[str, Any], line_state_fd: int) -> None:
        """Start MicroPython as the board that start describes. See virtual_board.boot for keys."""
        self.booted = False
        self.early_output = b""
        start = {**start, "control_fd": self._control_of_child, "line_state_fd": line_state_fd}
        # fmt: off
        self._process = subprocess.Popen(
            [
                sys.executable, "-I", "-S", self._launcher, str(self._interpreter),
                str(self._device), str(self._heap_bytes), "raw" if start["raw"] else "friendly",
                str(int(CTRL_C)), ascii(start),
            ],
            stdin=self._stdin_of_child, stdout=self._stdout_of_child, stderr=self._stdout_of_child,
            pass_fds=(self._control_of_child, line_state_fd), cwd=self._cwd, start_new_session=True,
            env={name: text for name, text in os.environ.items() if name not in
            _UNWANTED_ENVIRONMENT},
        )
        # fmt: on
        self.exit_fd = os.pidfd_open(self._process.pid)

    def ended(self) -> int | None:
        """Return the exit code of a child that ended by itself, or None."""
        return self._process.poll() if self._process else None

    def end(self) -> None:
        """Cut the child's power. What it printed before can still be read."""
        if not self._process:
            return
        self._process.kill()
        self._process.wait()
        self._process = None
        os.close(self.exit_fd)
        self.exit_fd = -1
        # Words of the ended child must not be taken for the next one's.
        while select.select([self.control], [], [], 0)[0]:
            os.read(self.control, 4096)
        self._control_rest = b""

    def words(self) -> list[str]:
        """Return the words on the control pipe, and update booted."""
        *lines, self._control_rest = (self._control_rest + os.read(self.control, 4096)).split(b"\n")
        for line in lines:
            self.booted = self.booted or line == b"booted"
        return [line.decode() for line in lines]

    def read(self) -> bytes:
        """Return the output, b"" for none."""
        with contextlib.suppress(BlockingIOError):
            output = os.read(self.stdout, 65536)
            if not self.booted:
                self.early_output = (self.early_output + output)[-2000:]
            return output
        return b""

    def write(self, waiting: bytearray) -> None:
        """Send what was typed to the child, as much as its pipe holds. Removes it from waiting."""
        with contextlib.suppress(BlockingIOError):
            while waiting:
                n = os.write(self.stdin, waiting[:4096])
                del waiting[:n]


def _device_in(folder: Path) -> Path:
    """Compile the modules that make MicroPython a board into a folder, and return the folder.

    They must not be sources. MicroPython interns the name of every local variable of a source. With
    the application's 1,260 names, its tables would then need more memory than on a chip.
    """
    device = folder / "device"
    device.mkdir()
    for source in (_HERE / "device").glob("*.py"):
        mpy = compiled(source, source.stem, _ARCH)
        (device / source.name).with_suffix(".mpy").write_bytes(mpy)
    return device
