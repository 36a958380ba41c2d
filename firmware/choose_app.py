"""Choose the application that starts. Loaded by main.py, and let go of before it starts.

An application lies in / or in /beside: the package nearhum, its settings, and nearhum.mft with the
SHA-256 of every file. `deploy` writes a new one into the folder that is not in use and then renames
/nearhum.app into place: one file, whose first line is the folder's name. Until then, and wherever
the power fails, the old one starts. Nothing of an application is loaded before it is checked.

 1 the named folder is whole: it starts
 2 the other folder is whole: that one starts, and says why
 3 neither is, and / has no list of hashes: what was put there by hand, or is frozen, starts
 4 neither is: the named one starts safe mode; the REPL is left where a file is damaged that safe
   mode needs, for a damaged module may do anything when it is loaded

/own.py, where there is one, runs in place of nearhum/start: a loop of your own.
"""

import os
import sys
from binascii import hexlify
from hashlib import sha256

from micropython import const

_BESIDE = const("/beside")
_LIST = const("/nearhum.mft")
_MAIN = const("/main.py")


def choose():
    """Make the application that starts the one that is imported; tell it what is wrong.

    Returns the name of the module to run, None where none can be: that is printed.
    """
    named = _BESIDE if first_line("/nearhum.app") == _BESIDE else ""
    folder, wrong, can_start = which(named)
    if not can_start:
        print("nearhum: %s is not as it was deployed. deploy again: `nearhum deploy`" % wrong)
        return None
    if folder:
        sys.path.insert(0, folder)
    import nearhum

    nearhum.folder, nearhum.wrong = folder, wrong or main_damaged()
    return "own" if is_there("/own.py") else "nearhum.start"


def which(named):
    """Return (the folder that starts, the path of what is wrong with the named one or "", True
    where at least safe mode can start).
    """
    damaged, is_needed = check(named)
    if damaged == "":
        return named, "", True
    other = "" if named else _BESIDE
    damaged_other, is_needed_other = check(other)
    if damaged_other == "":
        return other, damaged or named + _LIST, True
    if named and damaged is None:  # the named folder holds no application
        named, damaged, is_needed = other, damaged_other, is_needed_other
    return named, damaged or "", not (damaged and is_needed)


def check(folder):
    """Return (path of the first file that is not as deployed, True if safe mode needs it).

    The path is "" where all are, None where there is no list of hashes. The list has what safe mode
    needs before its line "for safe mode", and ends with a bracket.
    """
    block = bytearray(512)
    path, is_needed, line = folder + _LIST, True, ""
    if not is_there(path):
        return None, True
    try:
        with open(path) as lines:
            for line in lines:
                name, _, digest = line.strip(' ,\r\n"').partition('": "')
                if name == "for safe mode":
                    is_needed = False
                if name.endswith((".mpy", ".py", ".json")):
                    path = folder + name
                    found = sha256()
                    with open(path, "rb") as f:
                        n = f.readinto(block)
                        while n:
                            found.update(memoryview(block)[:n])
                            n = f.readinto(block)
                    if hexlify(found.digest()).decode() != digest:
                        return path, is_needed
    except (OSError, ValueError):
        return path, is_needed
    return "" if line.strip() == "}" else folder + _LIST, True


def main_damaged():
    """Return the path of main.py where it is not as it was deployed, else ""."""
    if not is_there("/choose_app.mpy"):
        return ""  # not deployed by the host's tools
    try:
        with open(_MAIN, "rb") as f:
            text, _, digest = f.read().rpartition(b"# sha256 ")
    except OSError:
        return ""  # it is frozen into the firmware
    return "" if hexlify(sha256(text).digest()) + b"\n" == digest else _MAIN


def first_line(path):
    """Return the first line of a text file, "" where there is none."""
    try:
        with open(path) as f:
            return f.readline().strip()
    except (OSError, ValueError):
        return ""


def is_there(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False
