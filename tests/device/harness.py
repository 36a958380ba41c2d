"""The harness of all device tests.

It runs under MicroPython only: unix port, virtual board, emulated chip, real board.

A test file is a script. It imports `test`, marks functions with it (each runs at once and prints
one line) and ends with `done()`. The lines:

    ok NAME
    FAIL NAME: why
    SKIP NAME: what is missing
    done FILE: n ok, n failed, n skipped

A file that crashes prints no `done` line, which run.py notices.
"""

import gc
import os
import sys

# the unix port itself; boards, the virtual one too, have no environment
ON_HOST = hasattr(os, "getenv")

TESTS = "/remote"  # where run.py mounts this folder's parent on a board
if ON_HOST:
    _HERE = __file__.rpartition("/")[0] or "."
    TESTS = _HERE + "/.."
    for _folder in ("/../../firmware", "/../../host_tools/nearhum_host/virtual/device", "/..", ""):
        sys.path.insert(0, _HERE + _folder)
    if os.getenv("NEARHUM_FIRMWARE"):  # compiled
        sys.path.insert(0, os.getenv("NEARHUM_FIRMWARE"))

_counts = [0, 0, 0]


class Skip(Exception):
    """A test raises it to say what is missing here."""


def test(function):
    """Run function now, print how it went. Returns it, so that a test may call another."""
    named(function.__name__, function)
    return function


def test_of(module):
    """As test, of what needs a module that only some firmwares have built in.

    A firmware that has none has nothing there to test, and it is not asked. On a host the module
    may be had: there the test says with Skip what is missing.
    """
    if not ON_HOST:
        try:
            __import__(module)
        except ImportError:
            return lambda function: function
    return test


def named(name, function, *arguments):
    """The same under a name, with arguments."""
    gc.collect()
    try:
        function(*arguments)
    except Skip as e:
        print("SKIP %s: %s" % (name, e))
        _counts[2] += 1
    except Exception as e:
        print("FAIL %s: %r" % (name, e))
        sys.print_exception(e)
        _counts[1] += 1
    else:
        print("ok", name)
        _counts[0] += 1


def done():
    """Print the summary: the last line of every file."""
    print("done: %d ok, %d failed, %d skipped" % tuple(_counts))


def equal(found, wanted, what=""):
    """Raise AssertionError with both values unless they are equal."""
    if found != wanted:
        raise AssertionError(
            "%s: %r, not %r" % (what, found, wanted) if what else "%r, not %r" % (found, wanted)
        )


def between(value, low, high, what=""):
    """Raise AssertionError unless low <= value <= high."""
    if not low <= value <= high:
        raise AssertionError("%s: %r is not from %r to %r" % (what, value, low, high))


def raises(kind, act, *arguments):
    """Call act; return the error of that class which it raises.

    Raises AssertionError if it raises none.
    """
    try:
        act(*arguments)
    except kind as e:
        return e
    raise AssertionError("no %s" % kind.__name__)


def clear_error(error, *words):
    """Raise AssertionError unless an error of nearhum has all words in its message, and a hint."""
    for word in words:
        if word not in error.message + " " + error.hint:
            raise AssertionError("%r does not say %r" % (error.message + " | " + error.hint, word))
    if not error.hint:
        raise AssertionError("%r has no hint" % error.message)


def scratch():
    """Return the path of a new empty folder, with a slash at its end.

    It is run.py that removes it on a host.
    """
    base = os.getenv("NEARHUM_SCRATCH") or "/tmp" if ON_HOST else ""
    path = base + "/scratch" + (str(int.from_bytes(os.urandom(4), "little")) if ON_HOST else "")
    if not ON_HOST:
        remove_tree(path)
    os.mkdir(path)
    return path + "/"


def remove_tree(path):
    """Remove a folder and all in it; none there is no error."""
    try:
        entries = list(os.ilistdir(path))
    except OSError:
        return
    for entry in entries:
        inner = path + "/" + entry[0]
        if entry[1] & 0x4000:
            remove_tree(inner)
        else:
            os.remove(inner)
    os.rmdir(path)


def unsound(text):
    """Return the bytes of a text that are no sound UTF-8 of printable signs: control codes,
    surrogates, beyond Unicode.

    A sign by itself would be kept for ever: MicroPython interns it.
    """
    said = text.encode() + b"\0"
    return [
        said[i : i + 2]
        for i in range(len(said) - 1)
        if said[i] < 32 or said[i] == 0xED and said[i + 1] >= 0xA0
        or said[i] == 0xF4 and said[i + 1] >= 0x90 or said[i] >= 0xF5
    ]  # fmt: skip


def exists(path):
    """Return True where there is a file or folder at path."""
    try:
        os.stat(path)
    except OSError:
        return False
    return True


class Lcg:
    """The same pseudo-random integers on every target (Numerical Recipes' constants, the high
    bits).
    """

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        """Return an integer from 0 to n - 1; n <= 2^16."""
        self.state = (self.state * 1664525 + 1013904223) & 0xFFFFFFFF
        return (self.state >> 16) * n >> 16

    def within(self, n):
        """Return an integer from -n to n."""
        return self.below(2 * n + 1) - n


def i8(buffer):
    """Return the int8 values of a buffer as a list."""
    return [(v ^ 128) - 128 for v in bytes(buffer)]


def as_bytes(values):
    """Return int8 values as a bytearray."""
    return bytearray([v & 255 for v in values])
