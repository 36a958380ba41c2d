"""Explain what is wrong with a serial line or with its board, and what the user can do.

Enters: the port's name, and the bytes received that were not an answer. Leaves: the error to raise.
"""

from __future__ import annotations

from ..errors import DeviceError
from .visible_text import visible

# Lines of a prompt or a greeting. They do not say why a program ended.
_OF_THE_PROMPT = (">>>", "MicroPython", "Type ", "MPY:")


def did_not_start(port: str, noise: bytes, at_prompt: bool) -> DeviceError:
    """Return the error for a detector that did not start.

    noise: what the board printed. at_prompt: whether the board is at its prompt, so that no program
    runs.
    """
    said = [visible(line) for line in noise.decode(errors="replace").splitlines() if line.strip()]
    last = [line for line in said if not line.startswith(_OF_THE_PROMPT)][-1:]
    if last and last[0].startswith("nearhum: "):  # main.py gave the reason and the remedy.
        return DeviceError(
            f"the detector did not start: {last[0].removeprefix('nearhum: ')}",
            hint=f"correct that, then `nearhum resume --port {port}`",
        )
    if not at_prompt:
        said_last = f"; its last output is {last[0][-60:]!r}" if last else "; it prints nothing"
        return DeviceError(
            f"the board restarted, but its boot.py, or another program, is busy{said_last}",
            hint=(
                f"the detector starts after it: try `nearhum status --port {port}` later; a"
                " boot.py that waits for a network needs a time limit"
            ),
        )
    return DeviceError(
        "the board restarted, but the detector did not start" + (f": {last[0]}" if last else ""),
        hint=f"install nearhum on it: `nearhum deploy --board NAME --port {port}`",
    )


def not_a_board(port: str, noise: bytes) -> DeviceError:
    """Return the error for a line without a console. noise: the bytes received instead."""
    noise = noise.strip()
    if not noise:
        return DeviceError(
            f"nothing answers on {port}",
            hint="is it the right port? press the board's reset, or plug it in again",
        )
    return DeviceError(
        f"{port} sends data that is not from nearhum's console: {noise[-60:]!r}",
        hint=(
            "is it the right port? If a boot.py is still busy, wait; `nearhum deploy --board"
            " NAME` installs nearhum on it"
        ),
    )


def went_away(port: str, error: Exception) -> DeviceError:
    """Return the error for a broken connection."""
    return DeviceError(
        f"the board on {port} went away ({error})", hint="plug it in and repeat the command"
    )
