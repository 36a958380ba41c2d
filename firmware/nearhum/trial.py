"""Trial: the first ten minutes of a new application, in which `deploy --undo` can restore the old.

Enters: the file nearhum.app, into which `deploy` has written two lines: the folder that starts, and
the folder that `nearhum deploy --undo` puts back. Leaves: only the new application.

When the new application has run for ten minutes, this removes the second line, and then the
application in the other folder. Its list of hashes goes first, because without it choose_app does
not take the rest for a whole application. Then one file goes at every check of health, so that no
sample is lost. After a power cut the next start continues. Loaded until everything is removed.
Leaf.
"""

import os

from micropython import const

import nearhum
from nearhum.files import read_file, write_file

_NAMED = const("nearhum.app")
_IS_FOLDER = const(0x4000)


def end(root):
    """Do the next step. Returns True if there is none left.

    root: prefix of paths, ends with /. A step that fails with an OSError is tried again.
    """
    if nearhum.wrong:  # The application is damaged, and only another deploy can repair it.
        return True
    first, _, second = (read_file(root + _NAMED) or b"").partition(b"\n")
    at = root if nearhum.folder else "/beside" + root
    try:
        if second:
            write_file(root + _NAMED, first + b"\n")
            return False
        for name in ("nearhum.mft", "nearhum.json"):
            try:
                os.remove(at + name)
                return False
            except OSError:
                pass  # An earlier step has removed it.
        return not (_take(at + "nearhum") or not nearhum.folder and _take(at[:-1]))
    except OSError:
        return False


def _take(path):
    """Remove the first file below a folder, or the folder if it is empty.

    Returns False if there is nothing to remove. The board's key, nearhum/key, stays, because both
    applications use it.
    """
    try:
        entries = list(os.ilistdir(path))
    except OSError:
        return False
    for name, kind, *_ in entries:
        below = path + "/" + name
        if kind == _IS_FOLDER:
            if _take(below):
                return True
        elif name != "key":
            os.remove(below)
            return True
    if entries:
        return False
    os.rmdir(path)
    return True
