"""The exceptions that the host tools raise on purpose. cli.py catches them in one place.

Every other exception that reaches the user is a defect and keeps its traceback.
"""


class HostError(Exception):
    """Something failed. Exit code 1, unless exit_code is given.

    message: what is wrong, with the value. hint: what to do next. Both are shown to the user.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "", exit_code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if exit_code is not None:
            self.exit_code = exit_code


class UsageError(HostError):
    """The request is wrong: a name, a value or a file. Exit code 2."""

    exit_code = 2


class NoSamples(HostError):
    """A recording that holds nothing yet, or the names of its columns alone."""


class DeviceError(HostError):
    """The board is absent, does not answer, or answered with an error. Exit code 3."""

    exit_code = 3
