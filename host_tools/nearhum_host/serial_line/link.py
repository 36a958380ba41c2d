"""The serial line to one board: open it, send lines to the console, and return the answers.

Enters: a port name and console lines. Leaves: the board's answers as dicts, or an error that says
what is wrong with the line and what to do.

The console answers each line with one line of JSON, `{"ok":...}`. Anything else is noise. There are
three cases, and `ask` must tell them apart without stopping a detector that runs:

1. The detector runs. It answers, usually within a millisecond.
2. The detector was stopped with Ctrl-C, as mpremote and Thonny do. The REPL answers an empty line
   with its prompt.
3. Something else: silence, another program, or another baud rate.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import serial

from ..errors import DeviceError, UsageError
from . import diagnosis
from .answers import answer_in, checked
from .ports import close_port, find_port, open_port

MAX_LINE_BYTES = 1024  # The board drops longer lines (console.py).
DRAIN_S = 2.0  # Limit for reading old output: about ten kilobytes at 115,200 baud take a second.
ANSWER_S = 2.0  # Without an answer for so long, the host checks whether the detector is stopped.
PATIENCE_S = 10.0  # Limit of one answer: a flash erase or a saved state delays it by seconds.
START_S = 20.0  # Limit from a soft reset to the start line, while modules and state are loaded.
START_MOST_S = 180.0  # The same while a boot.py prints, for example while it waits for a network.
QUERIES = ("help", "status", "list", "log", "get")  # They change nothing, so they may be repeated.

# Sent first, to spoil an unfinished line of an earlier program, which must not be executed. The
# console refuses a line with a byte that is not UTF-8. The REPL deletes a line at Ctrl-U; on a port
# without that key the spoiled line does not compile.
_SPOIL = b"\xff\x15"
_PROMPT = b">>> "
_PASTE_WINDOW_BYTES = 512  # Twice the window of any port (MicroPython, shared/runtime/pyexec.c).
_MAX_NOISE = 8192  # Bytes that are kept for error messages.


class Link:
    """An open, locked serial line to one board.

    A context manager. Closing it leaves the board as it is. Raises DeviceError if the port cannot
    be opened.

    port: device path, COM name, or a pyserial URL (`socket://`, `rfc2217://`). on_stopped: called
    if the detector is stopped; True resumes it, False raises.
    noise: the last bytes received. partial: the bytes of an unfinished line. Both are bounded.
    """

    def __init__(self, port: str, on_stopped: Callable[[], bool] = lambda: False) -> None:
        self.port = port
        self.on_stopped = on_stopped
        self.serial = open_port(port)
        self.partial = b""
        self.noise = b""
        self._heard = False
        self._send(_SPOIL + b"\n")

    def __enter__(self) -> Link:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the port."""
        close_port(self.serial)

    # --- asking -----------------------------------------------------------------------------------

    def ask(self, line: str, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """Send one console line and return its answer, without "ok".

        line: a verb and its words. patience_s: limit of the whole answer.

        A query is repeated if its answer was lost. A command that changes something is never sent
        twice. Raises DeviceError with the board's own message if it refuses, and with a diagnosis
        if it does not answer.
        """
        verb = (line.split() or [""])[0]
        wire_line = line.strip().encode() + b"\n"
        if not verb or "\n" in line.strip():
            raise UsageError("an empty line has no answer", hint="`help` lists the verbs")
        if (n := len(wire_line)) > MAX_LINE_BYTES:
            raise UsageError(f"a console line has at most {MAX_LINE_BYTES} bytes, this one {n}")
        if not self._heard:
            self._drain()
        if not self._heard and verb not in QUERIES:
            # First a query: a board that is stopped or restarting would lose the command.
            self.ask("status")
        for _ in range(3):
            self._send(wire_line)
            what, answer = self._await(verb, ANSWER_S)
            for leave, seconds in self._ways_out(patience_s):
                if what:
                    break
                leave()
                what, answer = self._await(verb, seconds)
            if what == "answer":
                self._heard = True
                return self._accepted(answer)
            if what == "prompt":
                # The REPL received the line, not the console: nothing was executed.
                self._resume_or_raise()
            elif verb not in QUERIES:
                why = (
                    f"the board restarted during {verb!r}"
                    if what == "start"
                    else f"no answer to {verb!r}"
                )
                raise DeviceError(why, hint="`nearhum status` shows whether it was carried out")
            elif what == "":
                break
        raise diagnosis.not_a_board(self.port, self.noise)

    def _accepted(self, answer: dict[str, Any]) -> dict[str, Any]:
        if answer.pop("ok") is True:
            return checked(answer)
        raise DeviceError(
            f"board: {answer.get('error') or 'refused'}", hint=str(answer.get("hint") or "")
        )

    def _await(self, verb: str, seconds: float) -> tuple[str, dict[str, Any]]:
        """Wait for what comes first, at most for seconds, and return it.

        Returns ("answer", dict), ("start", dict), ("prompt", {}), ("torn", {}) for an answer that
        lost bytes, or ("", {}) for none of them.
        """
        end = time.monotonic() + seconds
        while True:
            for line in self._lines(end):
                found = answer_in(line)
                if found is None:
                    if line.startswith(b'{"ok":'):
                        return "torn", {}
                elif found.get("verb") == "start":
                    return "start", found
                elif found.get("verb") == verb or self._heard and not found.get("verb"):
                    # Before the first answer, a refusal without a verb is that of _SPOIL.
                    return "answer", found
            if self.partial.endswith(_PROMPT):
                return "prompt", {}
            if time.monotonic() >= end:
                return "", {}

    def _lines(self, end: float) -> list[bytes]:
        """Return the complete lines in the next bytes. end: time.monotonic() to wait until."""
        got = b""
        while not got and time.monotonic() < end:
            try:
                got = self.serial.read(int(getattr(self.serial, "in_waiting", 0)) or 1)
            except (OSError, serial.SerialException) as error:
                raise self.lost(error) from None
        self.noise = (self.noise + got)[-_MAX_NOISE:]
        *lines, rest = (self.partial + got).split(b"\n")
        self.partial = rest[-_MAX_NOISE:]
        return [line.rstrip(b"\r") for line in lines]

    def _ways_out(self, patience_s: float) -> list[tuple[Callable[[], None], float]]:
        """Return attempts to bring a silent board to its prompt, as [(function, seconds to wait)].

        A running detector ignores all of them.
        """
        rest = max(0.5, patience_s - ANSWER_S - 0.5)
        prompt, raw = (lambda: self._send(b"\r\n"), 0.5), lambda: self._send(b"\x02\r\n")
        if self._heard:
            return [prompt, (raw, rest)]
        return [prompt, (raw, 0.5), (self._leave_raw_paste, rest)]

    def _leave_raw_paste(self) -> None:
        """Bring a board to its prompt that a killed program left in raw paste mode.

        In that mode everything is code except Ctrl-C and Ctrl-D. Ctrl-C would stop a running
        detector, and Ctrl-D runs the code. The board sends a byte 1 after each half window, to ask
        for more. If it has found an error in the code it is silent, and accepts only Ctrl-D.
        """
        self._send(b"\n" * _PASTE_WINDOW_BYTES)  # The console ignores empty lines.
        end = time.monotonic() + 0.3
        while time.monotonic() < end and not self.partial.endswith(b"\x01"):
            self._lines(end)
        self._send(b"\x03\x02" if self.partial.endswith(b"\x01") else b"\x04\x02\r\n")

    def _drain(self) -> None:
        """Discard answers to an earlier program. They would be taken for answers to this one."""
        end = time.monotonic() + DRAIN_S
        while time.monotonic() < end and self._lines(time.monotonic() + 0.05) + [self.partial] != [
            b""
        ]:
            self.partial = b""

    def _send(self, what: bytes) -> None:
        try:
            self.serial.write(what)
        except serial.SerialTimeoutException:
            raise DeviceError(
                f"{self.port} does not accept what is sent", hint="reset the board"
            ) from None
        except (OSError, serial.SerialException) as error:
            raise self.lost(error) from None

    # --- stopping and starting --------------------------------------------------------------------

    def stop(self) -> None:
        """Stop the detector with Ctrl-C and leave the board at its friendly prompt."""
        # Ctrl-C, with Enter to confirm it. Then Ctrl-B, because a raw REPL ignores those. Then all
        # of them again, because a program may be slow to stop.
        for interrupt, seconds in ((b"\r\x03\r", 1), (b"\r\x02", 2), (b"\r\x03\r\x02", 2)):
            self.partial = b""
            self._send(interrupt)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                self._lines(min(end, time.monotonic() + 0.2))
                if self.partial.endswith(_PROMPT):
                    return
        raise diagnosis.not_a_board(self.port, self.noise)

    def enter_bootloader(self) -> None:
        """Start the board's boot loader (`machine.bootloader()`). This ends the connection."""
        self.stop()
        self._send(b"import machine; machine.bootloader()\r")

    def restart(self) -> None:
        """Stop the board and soft-reset it. Do not wait for what it starts."""
        self.stop()
        self.partial = self.noise = b""
        self._send(b"\x04")

    def resume(self) -> dict[str, Any]:
        """Soft-reset the board and return its start line.

        Raises DeviceError if the detector does not start.
        """
        # `restart` stops the board first, which also clears an unfinished line: Ctrl-D resets the
        # board only on an empty line.
        self.restart()
        last = time.monotonic() + START_MOST_S
        end, at_prompt = time.monotonic() + START_S, False
        while time.monotonic() < end:
            before, lines = self.noise, self._lines(end)
            if self.noise != before:
                end = min(last, time.monotonic() + START_S)
            for line in lines:
                found = answer_in(line)
                if found and found.get("verb") == "start":
                    self._heard = True
                    if found.get("ok") is not True:  # The board is in safe mode.
                        raise DeviceError(
                            f"the detector did not start: {found.get('error')}",
                            hint=(
                                f"{found.get('hint')}; the board is in safe mode: `nearhum status`"
                            ),
                        )
                    return self._accepted(found)
            # A prompt sent before the reset may still arrive. Only a later one means that nothing
            # runs.
            at_prompt = self.partial.endswith(_PROMPT) and b"soft reboot" in self.noise
            if at_prompt:
                break
        raise diagnosis.did_not_start(self.port, self.noise, at_prompt)

    def _resume_or_raise(self) -> None:
        if not self.on_stopped():
            raise DeviceError(
                f"the detector on {self.port} is stopped: the board is at the MicroPython prompt",
                hint=(
                    f"`nearhum resume --port {self.port}` starts it again; --resume does so in any"
                    " command; after `nearhum remove`, `nearhum deploy` does"
                ),
            )
        self.resume()

    def lost(self, error: Exception) -> DeviceError:
        """Return the error for a broken connection."""
        return diagnosis.went_away(self.port, error)


def connect(port: str | None, resume: bool = False) -> Link:
    """Return a link to the named port, or to the only board.

    A stopped detector is resumed if `resume` is true or, at a terminal, if the user confirms it.
    Raises DeviceError or UsageError if there is no such port, or more than one board.
    """
    return Link(find_port(port), lambda: resume or _user_wants_it_resumed())


def _user_wants_it_resumed() -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    import typer

    question = "The detector is stopped: the board is at the MicroPython prompt. Resume it?"
    return typer.confirm(question, default=True, err=True)
