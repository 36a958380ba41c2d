"""The serial line to one board: finds it, opens it, asks the console and gets its answers.

Enters: a port name and console lines. Leaves: the board's answers as dicts, or an error that says
what is wrong with the line and what to do. The console answers each line with one line of JSON,
`{"ok":...}`; anything else is noise. A board is in one of three moods, and `ask` must tell them
apart without stopping the first:

1. the detector runs: a line is answered, usually within a millisecond;
2. the detector was stopped with Ctrl-C (mpremote and Thonny do that): the REPL answers an empty
   line with its prompt;
3. nothing nearhum knows: silence, another program, another baud rate.
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

MAX_LINE_BYTES = 1024  # the board drops what is longer
DRAIN_S = 2.0  # at most, for what an unread line holds: some ten kilobytes
ANSWER_S = 2.0  # then the host looks whether the loop is stopped
# an answer that comes after a flash erase or a saved state may take this long in all
PATIENCE_S = 10.0
# from a soft reset to the start line: the modules load, the state is read, the sensor is checked
START_S = 20.0
START_MOST_S = 180.0  # where a boot.py goes on talking: one that waits for a network, say
QUERIES = ("help", "status", "list", "log", "get")  # change nothing: may be sent again

# Before the end of a half line that somebody left behind, which must not be carried out: the
# console refuses a line with a byte that is no UTF-8, whatever its verb; the REPL drops a line at
# Ctrl-U, and where its port has no such key the line is none that compiles.
_SPOIL = b"\xff\x15"
_PROMPT = b">>> "
_PASTE_WINDOW_BYTES = 512  # twice that of any port (shared/runtime/pyexec.c)
_MAX_NOISE = 8192


class Link:
    """An open, locked serial line to one board.

    A context manager; closing leaves the board as it is.

    port: device path, COM name, or a pyserial URL (`socket://`, `rfc2217://`). on_stopped: asked
    when the loop turns out to be stopped; True resumes it, False raises. Raises DeviceError when
    the port cannot be opened. noise: the last bytes that came; partial: those of a line that has
    not ended yet. Both are bounded.
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

        Raises DeviceError with the board's own words when it refuses, and with a diagnosis when it
        does not answer. A query is repeated when its answer got lost; a command that changes
        something is never sent twice.
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
            # a board that is stopped or just restarting must not swallow a command
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
                # the line met a prompt, not the console: nothing was carried out
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
        """Return ("answer", dict), ("start", dict), ("prompt", {}), ("torn", {}); after seconds
        ("", {}).
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
                    # a refusal without a verb, before any answer, is that of the spoiled line
                    return "answer", found
            if self.partial.endswith(_PROMPT):
                return "prompt", {}
            if time.monotonic() >= end:
                return "", {}

    def _lines(self, end: float) -> list[bytes]:
        """Return the whole lines of the next bytes that arrive before `end` (a time.monotonic()
        value).
        """
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
        """Return what brings a silent board to its prompt, and for how long to wait then. A running
        loop shrugs all of it off.
        """
        rest = max(0.5, patience_s - ANSWER_S - 0.5)
        prompt, raw = (lambda: self._send(b"\r\n"), 0.5), lambda: self._send(b"\x02\r\n")
        if self._heard:
            return [prompt, (raw, rest)]
        return [prompt, (raw, 0.5), (self._leave_raw_paste, rest)]

    def _leave_raw_paste(self) -> None:
        """Bring a board to its prompt that a killed program left in raw paste mode.

        All is code to it there but Ctrl-C, which would stop a running loop, and Ctrl-D, which runs
        the code. It asks for more, by a byte 1, after each half of its window. One that has found
        an error in the code is silent, and Ctrl-D is all it takes.
        """
        self._send(b"\n" * _PASTE_WINDOW_BYTES)  # to a console they are empty lines
        end = time.monotonic() + 0.3
        while time.monotonic() < end and not self.partial.endswith(b"\x01"):
            self._lines(end)
        self._send(b"\x03\x02" if self.partial.endswith(b"\x01") else b"\x04\x02\r\n")

    def _drain(self) -> None:
        """Read away answers to a host before this one: they would pass for answers to us."""
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
        # Ctrl-C, and Enter to show that it was meant; Ctrl-B for a raw REPL, which stays silent at
        # that; all of them for a program that is slow to stop.
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
        """Bring the board into its boot loader (`machine.bootloader()`); the line goes with
        that.
        """
        self.stop()
        self._send(b"import machine; machine.bootloader()\r")

    def restart(self) -> None:
        """Soft-reset a stopped board, whatever it starts then."""
        self.stop()
        self.partial = self.noise = b""
        self._send(b"\x04")

    def resume(self) -> dict[str, Any]:
        """Soft-reset the board and return its start line.

        Raises DeviceError when no detector starts.
        """
        # also clears a line that somebody left half typed: Ctrl-D resets only on an empty one
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
                    if found.get("ok") is not True:  # safe mode
                        raise DeviceError(
                            f"the detector did not start: {found.get('error')}",
                            hint=(
                                f"{found.get('hint')}; the board is in safe mode: `nearhum status`"
                            ),
                        )
                    return self._accepted(found)
            # A prompt from before the reset may still be under way: only a later one means that no
            # loop runs.
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
        """Return the error that tells of a line that broke."""
        return diagnosis.went_away(self.port, error)


def connect(port: str | None, resume: bool = False) -> Link:
    """Return a link to the named port, or to the only board there is.

    A stopped detector is resumed when `resume` is true or, at a terminal, when the user says so.
    """
    return Link(find_port(port), lambda: resume or _user_wants_it_resumed())


def _user_wants_it_resumed() -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    import typer

    question = "The detector is stopped: the board is at the MicroPython prompt. Resume it?"
    return typer.confirm(question, default=True, err=True)
