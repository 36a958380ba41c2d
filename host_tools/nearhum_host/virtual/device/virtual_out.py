# type: ignore
# ruff: noqa: F821, SIM115
# sys.stdout and sys.stdout.buffer of the board. Enters: text and bytes. Leaves: text and frames on
# a pipe to the supervisor.
import io
import select

from micropython import const

_IOCTL_POLL = const(3)  # py/stream.h
_EINVAL = const(22)
_FRAME_BYTES = const(1024)
_CONGESTED = const(2)  # From line.py: a host has the port open and does not read.


class BytesOut(io.IOBase):
    # sys.stdout.buffer: bytes are sent unchanged. They go out in frames (0xFF, u16 length, bytes),
    # so that the supervisor does not convert line ends in them. 0xFF never occurs in UTF-8 text. A
    # frame is one write below PIPE_BUF, so Ctrl-C never splits it.

    def __init__(self, pipe, line_state):
        self._pipe = pipe
        self._line_state = line_state
        self._state = bytearray(1)
        self._frame = bytearray(3 + _FRAME_BYTES)
        self._frame[0] = 0xFF
        self._room = select.poll()
        self._room.register(pipe, select.POLLOUT)

    def write(self, buf, n=None):
        view = memoryview(buf.encode() if isinstance(buf, str) else buf)
        if n is not None:
            view = view[:n]
        frame = self._frame
        for i in range(0, len(view), _FRAME_BYTES):
            part = view[i : i + _FRAME_BYTES]
            k = len(part)
            frame[1] = k & 0xFF
            frame[2] = k >> 8
            frame[3 : 3 + k] = part
            self._pipe.write(frame, 3 + k)
        return len(view)

    def ioctl(self, operation, argument):
        if operation != _IOCTL_POLL:
            return -_EINVAL
        # It is writable if no host has the port open (output is dropped), or if the host has read
        # everything. The pipe then has room for a long line, so that writing one does not block.
        self._line_state.seek(0)
        self._line_state.readinto(self._state)
        if self._state[0] != _CONGESTED:
            for _ in self._room.ipoll(0):
                return argument & select.POLLOUT
        return 0

    def flush(self):
        pass  # Nothing is buffered.


class TextOut(BytesOut):
    # sys.stdout: text. The supervisor converts LF to CR LF, as a board's port does.

    def __init__(self, pipe, line_state):
        super().__init__(pipe, line_state)
        self.buffer = BytesOut(pipe, line_state)

    def write(self, buf):
        if isinstance(buf, str):
            return self._pipe.write(buf)
        self.buffer.write(bytes(buf).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
        return len(buf)
