"""What is wrong with a value on the command line, in one sentence.

Enters: the error that typer raises for a value of the wrong type or outside its range. Leaves: the
UsageError that replaces it. cli.py calls this. Typer itself shows what its parser says of the
value ("Input should be a valid integer, unable to parse string as an integer").
"""

from __future__ import annotations

from typing import Any

import typer

from ..errors import UsageError

# Of a parser's error: its type, and what the value had to be.
_WANTED = {
    "int_parsing": "a whole number",
    "float_parsing": "a number",
    "greater_than_equal": "a number",
    "less_than_equal": "a number",
}


def value_error(error: typer.BadParameter) -> UsageError | None:
    """Return the error to show, or None if typer's own message is a sentence already.

    The message names the value and the allowed range. The hint names the help text to read.
    """
    parameter: Any = error.param
    errors = getattr(error.__cause__, "errors", None)
    if parameter is None or errors is None:
        return None
    found = errors()[0]
    wanted = _WANTED.get(str(found.get("type")))
    if wanted is None:
        return None
    command = getattr(error.ctx, "command_path", "nearhum")
    return UsageError(
        f"{_name(parameter)} is {found.get('input')!r}, but must be {wanted}{_limits(parameter)}",
        f"`{command} --help` explains it",
    )


def _name(parameter: Any) -> str:
    """Return an option as it is typed, or an argument by its name in the help text."""
    opts = [str(opt) for opt in parameter.opts]
    long = max(opts, key=len, default="the value")
    return long if long.startswith("-") else str(parameter.metavar or long).strip("[]").upper()


def _limits(parameter: Any) -> str:
    """Return the allowed range as the end of a sentence, "" if there is none."""
    low, high = getattr(parameter, "min", None), getattr(parameter, "max", None)
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    if low is not None:
        return f" of at least {low:g}"
    return f" of at most {high:g}" if high is not None else ""
