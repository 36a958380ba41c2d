"""Epoch: whether state, settings and log are as young as they were. Loaded at a start.

LittleFS answers damage in a directory as it answers a power cut: with the directory as it was
before. Its files then have the contents of before, and their CRCs are right. So hum and hum/log,
which are directories of their own in blocks of their own, each note how far the other had come,
once that is on flash: hum/reached the log's next number and the boot (Journal.flush),
hum/log/reached the number of the last saved state and how often `set` has changed the settings
(Store.save, changed.change). What is older than its note is told and used all the same; numbers
go on from the note. A board of before has no notes, and nothing is told.
"""

import os

from nearhum.files import REACHED, make_folder, noted
from nearhum.storage import deployed


def make_folders(root):
    """Make hum and hum/log, unless they are there. The power may fail in between: so hum gets its
    name once hum/log is in it.

    Returns what is wrong, "" for nothing.
    """
    there = os.listdir(root[:-1] or "/")
    if "hum" not in there:
        make_folder(root + "hum.new")
        make_folder(root + "hum.new/log")
        os.rename(root + "hum.new", root + "hum")
    elif "log" not in os.listdir(root + "hum"):
        make_folder(root + "hum/log")
        return "the log and all that was learned are lost: the file system has none"
    return ""


def compare(root, store, journal):
    """Tell, as refusals of the store, what of state, settings and log is older than its note."""
    saved, changed = noted(root + REACHED)
    if store.sequence < saved:
        if not store.refused:  # else it is told already why that one was not loaded
            store.refused.append(
                "the state is the %dth saved, of %d: the file system has lost the younger"
                % (store.sequence, saved)
            )
        store.sequence = saved  # the next one is younger than what is lost
    if deployed.epoch(root) < changed:
        store.refused.append("what `set` changed last is lost: the file system has an older one")
    if journal.gone:
        store.refused.append("the file system has lost the last %d records" % journal.gone)
