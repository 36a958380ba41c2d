"""Epoch: finds out whether the file system has lost the newest state, settings or log.

Enters: the folders hum and hum/log. Leaves: refusals of the store, which the start reports. Loaded
at a start and released after it.

If a directory is damaged, LittleFS falls back to its previous version, as after a power cut. The
files then have older contents with correct CRCs. To detect this, hum and hum/log, which lie in
different blocks, each keep a note about the other. The note is written after the other is on flash.
hum/reached has the log's next number and the boot (Journal.flush). hum/log/reached has the number
of the last saved state, and how often `set` has changed the settings (Store.save, changed.change).
Anything older than its note is reported, but it is used, and numbers continue from the note. A
board with files of an earlier firmware has no notes, and nothing is reported.
"""

import os

from nearhum.files import REACHED, make_folder, noted
from nearhum.storage import deployed


def make_folders(root):
    """Make hum and hum/log, unless they exist.

    hum gets its name only when hum/log is in it, because the power may fail in between. So a hum
    without a log means a loss. root: prefix of paths. Returns what is lost, or "".
    """
    there = os.listdir(root[:-1] or "/")
    if "hum" not in there:
        make_folder(root + "hum.new")
        make_folder(root + "hum.new/log")
        os.rename(root + "hum.new", root + "hum")
    elif "log" not in os.listdir(root + "hum"):
        make_folder(root + "hum/log")
        return "the log and everything learned are lost: they are gone from the file system"
    return ""


def compare(root, store, journal):
    """Add to store.refused whichever of state, settings and log is older than its note."""
    saved, changed = noted(root + REACHED)
    if store.sequence < saved:
        if not store.refused:  # Otherwise the reason is already there.
            store.refused.append(
                "the file system has lost the newest state: number %d of %d is used"
                % (store.sequence, saved)
            )
        store.sequence = saved  # The next state must count as newer than the lost one.
    if deployed.epoch(root) < changed:
        store.refused.append("the file system has lost the last change by `set`")
    if journal.gone:
        store.refused.append(
            "the file system has lost the last %s"
            % ("record" if journal.gone == 1 else "%d records" % journal.gone)
        )
