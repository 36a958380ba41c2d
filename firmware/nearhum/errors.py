"""Errors of nearhum: one root, a message that names the value, and a hint that names the remedy.

Leaf, for both Pythons: the host raises and catches the same classes for formats it shares with the
board. Each class states where the fault lies, because that decides what the pipeline may go on
doing.
"""


class NearhumError(Exception):
    """Root of all nearhum errors.

    `message` says what is wrong, `hint` what to do about it (may be empty).
    """

    def __init__(self, message, hint=""):
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(NearhumError):
    """A setting is outside its range. Raised at configuration, never while watching."""


class CommandError(NearhumError):
    """A console line cannot be carried out. Nothing has changed."""


class FormatError(NearhumError):
    """A file or record is not what it should be: magic, version, length or CRC."""


class SourceError(NearhumError):
    """The sensor is missing, is another chip, or does not answer."""


def whole(word):
    """Return the number that a word is, 0 or more. Raises CommandError."""
    if not word.isdigit() or len(word) > 9:
        raise CommandError("%r is not a whole number" % word[:40], "0 to 999999999")
    return int(word)
