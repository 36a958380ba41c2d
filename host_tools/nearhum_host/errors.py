"""The one family of errors the host tools raise on purpose; cli.py catches it once.

message says what is wrong with which value; hint says what to do next. Both are single sentences
for a person at a terminal. Anything else that escapes is a defect and keeps its traceback.
"""


class HostError(Exception):
    """Something failed: exit code 1 unless told otherwise."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "", exit_code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if exit_code is not None:
            self.exit_code = exit_code


class UsageError(HostError):
    """What was asked for cannot be right: a wrong name, value or file. Exit code 2."""

    exit_code = 2


class DeviceError(HostError):
    """The board is absent, silent or answered with an error. Exit code 3."""

    exit_code = 3
