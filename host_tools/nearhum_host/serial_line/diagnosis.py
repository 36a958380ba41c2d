"""What is wrong with a serial line or with the board at it, and what to do about it.

Enters: the port's name and what came over it that was no answer. Leaves: the error to raise.
"""

from __future__ import annotations

from ..errors import DeviceError
from .visible_text import visible

# lines of a prompt or a greeting: they do not tell why a program ended
_OF_THE_PROMPT = (">>>", "MicroPython", "Type ", "MPY:")


def did_not_start(port: str, noise: bytes, at_prompt: bool) -> DeviceError:
    """Return the error that tells why no detector started.

    noise: what the board printed. at_prompt: no program runs any more.
    """
    said = [visible(line) for line in noise.decode(errors="replace").splitlines() if line.strip()]
    last = [line for line in said if not line.startswith(_OF_THE_PROMPT)][-1:]
    if last and last[0].startswith("nearhum: "):  # main.py told why, with its remedy
        return DeviceError(
            f"the detector did not start: {last[0].removeprefix('nearhum: ')}",
            hint=f"correct that, then `nearhum resume --port {port}`",
        )
    if not at_prompt:
        said_last = f", and said last {last[0][-60:]!r}" if last else ", and says nothing"
        return DeviceError(
            f"the board restarted, and its boot.py, or what else starts first, is busy{said_last}",
            hint=(
                f"the detector starts when that ends: `nearhum status --port {port}` later; a"
                " boot.py that waits for a network should give up after a while"
            ),
        )
    return DeviceError(
        "the board restarted, but the detector did not start" + (f": {last[0]}" if last else ""),
        hint=f"install nearhum on it, or the latest: `nearhum deploy --board NAME --port {port}`",
    )


def not_a_board(port: str, noise: bytes) -> DeviceError:
    """Return the error that tells of a line without a console; noise: what came instead."""
    noise = noise.strip()
    if not noise:
        return DeviceError(
            f"nothing answers on {port}",
            hint="is it the right port? press the board's reset, or plug it in again",
        )
    return DeviceError(
        f"{port} sends data that is not from nearhum's console: {noise[-60:]!r}",
        hint=(
            "is it the right port? a boot.py that is still busy ends first; `nearhum deploy --board"
            " NAME` installs nearhum on it"
        ),
    )


def went_away(port: str, error: Exception) -> DeviceError:
    """Return the error that tells of a line that broke."""
    return DeviceError(
        f"the board on {port} went away ({error})", hint="plug it in and repeat the command"
    )
