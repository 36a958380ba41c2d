"""Choose the application that starts. main.py loads this, and releases it before the start.

Enters: the files on flash. Leaves: the name of the module to run.

An application lies in / or in /beside: the package nearhum, its settings, and nearhum.mft with the
SHA-256 of every file. `deploy` writes a new application into the folder that is not in use. Then it
renames one file into place, /nearhum.app, whose first line is the name of the folder. Until then
the old application starts, even after a power cut. Every file of an application is checked before
any of it is loaded.

 1 The named folder is intact: it starts.
 2 The other folder is intact: that one starts, and reports why.
 3 Neither is, and / has no list of hashes: what was copied by hand, or is frozen, starts.
 4 Neither is: the named one starts in safe mode. If a file that safe mode needs is damaged, only
   the REPL is left, because a damaged module may do anything when it is loaded.

If there is a file /own.py, it runs instead of nearhum/start: a loop of your own.
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
    """Prepare the import of the application that starts, and tell it what is wrong.

    Returns the name of the module to run, or None after printing why there is none.
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
    """Return (folder, wrong, can_start).

    named: the folder that should start. folder: the one that starts. wrong: path of the damaged
    file of the named one, or "". can_start: True if at least safe mode can start.
    """
    damaged, is_needed = check(named)
    if damaged == "":
        return named, "", True
    other = "" if named else _BESIDE
    damaged_other, is_needed_other = check(other)
    if damaged_other == "":
        return other, damaged or named + _LIST, True
    if named and damaged is None:  # The named folder has no application.
        named, damaged, is_needed = other, damaged_other, is_needed_other
    return named, damaged or "", not (damaged and is_needed)


def check(folder):
    """Return (path of the first file that is not as deployed, True if safe mode needs it).

    The path is "" if all files are intact, None if there is no list of hashes. The list names what
    safe mode needs before its line "for safe mode", and ends with a bracket.
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
    """Return the path of main.py if it is not as it was deployed, else ""."""
    if not is_there("/choose_app.mpy"):
        return ""  # It was not deployed by the host tools.
    try:
        with open(_MAIN, "rb") as f:
            text, _, digest = f.read().rpartition(b"# sha256 ")
    except OSError:
        return ""  # It is frozen into the firmware.
    return "" if hexlify(sha256(text).digest()) + b"\n" == digest else _MAIN


def first_line(path):
    """Return the first line of a text file, or "" if it cannot be read."""
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
