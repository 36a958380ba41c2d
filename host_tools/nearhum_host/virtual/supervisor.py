"""The supervisor: the thread that moves a virtual board's bytes and switches its power.

    host <-> PTY (line.py) <-> supervisor <-> pipes (child.py) <-> MicroPython (device/)
                                   '-- control pipe: what the program asks for, e.g. a reset

Other threads call `ask` and wait. power_on, power_off and restart run in the supervisor's own
thread only. A child that ends with exit code 100 (friendly REPL) or 101 (raw REPL) is a soft reset,
which keeps the line as it is.
"""

import os
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .calls import Calls
from .child import Child
from .line import CONGESTED, NO_HOST, READING, Cooker, HostPort, interrupt

_TYPED_BYTES = 8192  # The host may type ahead so much. After that it must wait.
_LOOK_MS = 10  # Interval of checks whether a host has opened the port.


@dataclass
class PowerCut:
    """A power cut. at: index of the flash operation after a start of MicroPython, -1 for none.

    keep: bytes of it that reach the cells.
    """

    at: int
    keep: int


@dataclass(frozen=True)
class ResetCauses:
    """Names of machine.reset_cause() after a reset by the program, and after a soft reset.

    soft: None if the chip keeps the earlier cause.
    """

    program: str
    soft: str | None


class Supervisor:
    """See the module.

    start: argument of virtual_board.boot, to which each start adds. stall_s: see VirtualBoard.
    announce: called with the name of each event, in the supervisor's thread.
    """

    def __init__(
        self,
        child: Child,
        port: HostPort,
        start: dict[str, Any],
        causes: ResetCauses,
        cut: PowerCut,
        stall_s: float,
        announce: Callable[[str], None],
    ) -> None:
        self._child = child
        self._port = port
        self._start = start
        self._causes = causes
        self._cut = cut
        self._stall_s = stall_s
        self._announce = announce
        self._calls = Calls()
        self._line_state_fd = os.memfd_create("line-state")
        self._line_state = NO_HOST
        os.pwrite(self._line_state_fd, NO_HOST, 0)
        self._cooker = Cooker()
        self._typed = bytearray()  # From the host, not yet searched for Ctrl-C.
        self._to_board = bytearray()
        self._to_host = bytearray()
        self._congested = False
        self._moved_at = 0.0
        self._cause = "PWRON_RESET"
        self._watchdog_s = 0.0  # 0: not running.
        self._fed_at = 0.0
        self._running = True
        self._thread = threading.Thread(target=self._run, name="virtual board", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the child and the thread."""
        self.ask(self._quit)
        self._thread.join()
        self._calls.close()
        os.close(self._line_state_fd)

    def ask(self, call: Callable[[], None]) -> None:
        """Run call in the supervisor's thread and wait for it. Raises what it raises."""
        self._calls.ask(call)

    # ---- power -----------------------------------------------------------------------------------

    @property
    def _powered(self) -> bool:
        return self._child.pid is not None

    def _spawn(self, cause: str | None, raw: bool = False) -> None:
        self._cause = cause or self._cause
        self._cooker = Cooker()
        start = {**self._start, "raw": raw, "cause": self._cause}
        start |= {"cut_at": self._cut.at, "cut_keep": self._cut.keep}
        self._child.start(start, self._line_state_fd)

    def _lose_power(self) -> None:
        self._watchdog_s = 0.0
        self._end_child()
        self._child.renew_line()
        self._typed.clear()
        self._to_board.clear()

    def _end_child(self) -> None:
        self._child.end()
        while output := self._child.read():  # Output before the end still reaches the host.
            self._forward(output)

    def power_on(self) -> None:
        if not self._powered:
            self._spawn("PWRON_RESET")

    def power_off(self) -> None:
        if self._powered:
            self._lose_power()
            self._announce("off")

    def restart(self, cause: str, event: str) -> None:
        self._lose_power()
        self._announce(event)
        self._spawn(cause)

    def _soft_reset(self, raw: bool) -> None:
        self._end_child()
        self._forward(b"MPY: soft reboot\r\n")
        self._announce("soft")
        self._spawn(self._causes.soft, raw)

    def _quit(self) -> None:
        self._child.end()
        self._running = False

    # ---- the line --------------------------------------------------------------------------------

    def _run(self) -> None:
        while self._running:
            self._publish_line_state()
            ready = self._poll()
            if self._calls.fd in ready:
                self._calls.obey()
            if not self._running:
                break
            # A call may have replaced the pipes, so ready may hold old numbers. Reading a new pipe
            # then returns nothing.
            if self._child.control in ready:
                self._hear_program()
            self._exchange_with_host(ready)
            if self._child.stdout in ready:
                self._forward(self._child.read())
            if self._child.exit_fd in ready:
                self._bury_child()
            if self._watchdog_left() == 0.0:  # It runs on through a soft reset.
                self.restart("WDT_RESET", "watchdog")
            self._sort_typed()
            self._child.write(self._to_board)
            self._write_to_host()

    def _poll(self) -> dict[int, int]:
        wanted = select.poll()
        wanted.register(self._calls.fd, select.POLLIN)
        wanted.register(self._child.control, select.POLLIN)
        timeout: float | None = None
        if self._powered:
            wanted.register(self._child.exit_fd, select.POLLIN)
            if self._to_board:
                wanted.register(self._child.stdin, select.POLLOUT)
        if not self._to_host:  # Until the host has read, the board's output waits in the pipe.
            wanted.register(self._child.stdout, select.POLLIN)
        if self._port.attached and self._port.master is not None:
            mask = select.POLLIN if self._wants_typing() else 0
            if self._to_host or self._congested:
                mask |= select.POLLOUT
            wanted.register(self._port.master, mask)
        elif self._port.master is not None:
            timeout = _LOOK_MS
        if self._to_host and self._congested:
            timeout = max(0.0, self._moved_at + self._stall_s - time.monotonic()) * 1000 + 1
        bites = self._watchdog_left()
        if bites is not None:
            timeout = min(bites * 1000 + 1, 1e6 if timeout is None else timeout)
        return dict(wanted.poll(timeout))

    def _watchdog_left(self) -> float | None:
        """Return the seconds until the watchdog resets the board, None if it does not run."""
        if not self._watchdog_s or not self._powered:
            return None
        return max(0.0, self._fed_at + self._watchdog_s * 1.25 - time.monotonic())

    def _wants_typing(self) -> bool:
        return len(self._typed) + len(self._to_board) < _TYPED_BYTES

    def _hear_program(self) -> None:
        if not select.select([self._child.control], [], [], 0)[0]:
            return
        for word in self._child.words():
            if word == "booted":
                self._announce(word)
            elif word == "fed" or word.startswith("watchdog "):
                self._fed_at = time.monotonic()
                if word != "fed":
                    self._watchdog_s = int(word.split()[1]) / 1000
            elif word == "soft":
                self._soft_reset(raw=False)
            elif word == "reset":
                self.restart(self._causes.program, word)
            else:  # bootloader, cut, dead: the board stays off until a call restarts it.
                if word == "cut":
                    self._cut.at = -1
                self._lose_power()
                self._announce(word)

    def _exchange_with_host(self, ready: dict[int, int]) -> None:
        port = self._port
        if port.master is None:
            return
        was_attached = port.attached
        seen = ready.get(port.master, 0)
        if not was_attached or seen & select.POLLHUP:
            port.look()
        if self._wants_typing() and (seen & select.POLLIN or not was_attached):
            self._typed += port.read()
        if seen & select.POLLOUT and not self._to_host:
            self._congested = False
        if not port.attached:
            self._to_host.clear()
            self._congested = False

    def _sort_typed(self) -> None:
        if not self._powered:
            self._typed.clear()
        # While MicroPython starts, wait: whether a Ctrl-C interrupts is not known yet.
        while self._typed and self._child.booted:
            before, ctrl_c, after = self._typed.partition(b"\x03")
            self._to_board += before
            self._typed = after
            if ctrl_c:
                done = interrupt(self._child.pid or 0)
                if done is None:
                    self._typed[:0] = ctrl_c
                    return  # The child has just ended. The next one gets the byte.
                if not done:
                    self._to_board += ctrl_c

    def _forward(self, output: bytes) -> None:
        cooked = self._cooker.feed(output)
        if self._port.attached:
            self._to_host += cooked

    def _write_to_host(self) -> None:
        now = time.monotonic()
        if not self._to_host:
            return
        if not self._port.attached:
            self._to_host.clear()
            return
        if self._port.write(self._to_host) or not self._congested:
            self._moved_at = now
        self._congested = bool(self._to_host) or self._congested
        if self._to_host and now - self._moved_at >= self._stall_s:
            self._to_host.clear()
            # The next output waits as long again, so the board goes on printing, slowly.
            self._moved_at = now

    def _publish_line_state(self) -> None:
        state = CONGESTED if self._congested else READING if self._port.attached else NO_HOST
        if state != self._line_state:
            self._line_state = state
            os.pwrite(self._line_state_fd, state, 0)

    def _bury_child(self) -> None:
        code = self._child.ended()
        if code is None:
            return
        if code in (100, 101):
            self._soft_reset(raw=code == 101)
        elif self._child.booted:
            self.restart("WDT_RESET", "crash")
        else:  # It never started, so it would crash again and again.
            self._lose_power()
            self._announce("dead")
