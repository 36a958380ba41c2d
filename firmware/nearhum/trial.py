"""Trial: the ten minutes in which a new application may still give way to the one before it.

`deploy` writes two lines into nearhum.app: the folder that starts, and the one that `nearhum deploy
--undo` puts back. When the new one has run for ten minutes, the second line goes, and then the
application in the other folder: its list of hashes first, without which main.py does not take it
for a whole one, then a file at every check of health, so that no sample is missed. Wherever the
power fails, the next start goes on from there. Loaded until all of it is done. Leaf.
"""

import os

from micropython import const

import nearhum
from nearhum.files import read_file, write_file

_NAMED = const("nearhum.app")
_IS_FOLDER = const(0x4000)


def end(root):
    """Do the next step; return True once there is none.

    root: prefix of paths, ends with /. What cannot be written is tried again.
    """
    if nearhum.wrong:  # what runs is not what was deployed: that is for a deploy to put right
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
                pass  # it has gone in an earlier step
        return not (_take(at + "nearhum") or not nearhum.folder and _take(at[:-1]))
    except OSError:
        return False


def _take(path):
    """Remove the first file below a folder, or the folder where it is empty.

    Returns False where neither is there. The board's key, nearhum/key, stays: it is of both.
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
