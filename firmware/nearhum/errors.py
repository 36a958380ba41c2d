"""Errors of nearhum: one root class, with a message that names the value and a hint to the remedy.

Leaf, for both Pythons: the host raises and catches the same classes for the formats that it shares
with the board. The class tells where the fault lies, because that decides how the pipeline goes
on.
"""


class NearhumError(Exception):
    """Root of all nearhum errors.

    message: what is wrong. hint: what to do about it, may be empty.
    """

    def __init__(self, message, hint=""):
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(NearhumError):
    """A setting is not allowed, alone or together with others. Raised only at configuration."""


class CommandError(NearhumError):
    """A command cannot be carried out. Nothing has changed."""


class FormatError(NearhumError):
    """A file or record is not valid: its magic, version, length, CRC or contents are wrong."""


class SourceError(NearhumError):
    """The sensor is missing, is another chip, or does not answer."""


def whole_number(word):
    """Return a word of a command line as an int, 0 to 999,999,999.

    Raises CommandError if it is anything else.
    """
    if not word.isdigit() or len(word) > 9:
        raise CommandError("%r is not a whole number" % word[:40], "0 to 999999999")
    return int(word)
