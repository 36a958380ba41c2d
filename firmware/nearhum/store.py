"""Store: what was learned, on the board's file system, in two slots and one snapshot.

A state is saved into the older slot and closed (LittleFS makes that atomic); the younger sound slot is loaded. So at
any moment one whole state is on flash. The snapshot is the state before the last change of what was learned: rolling
back puts it in place, and puts the present one into the snapshot, so that a rollback can be undone.
"""

import os

from nearhum.errors import CommandError, FormatError
from nearhum.wire import STATE_MAGIC, seal, unseal

_SLOTS = ("hum/state.a", "hum/state.b")
_SNAPSHOT = "hum/state.prev"


def read_file(path):
    """Return the bytes of a file, or None where there is none."""
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:
        return None


def write_file(path, content):
    """Write a whole file beside its place, then rename it there: a reader finds the old one or the new one."""
    with open(path + ".new", "wb") as f:
        f.write(content)
    os.rename(path + ".new", path)


def make_folder(path):
    """Make a folder unless it is there."""
    try:
        os.mkdir(path)
    except OSError as e:
        if e.args[0] != 17:  # EEXIST
            raise


class Store:
    """Loads, saves, snapshots. root: prefix of every path, ends with /. fingerprint: of the embedding, see features."""

    def __init__(self, root, fingerprint):
        self._root = root
        self.fingerprint = fingerprint
        self.sequence = 0
        self._younger = 1  # the slot that must not be overwritten next
        self.refused = []  # why a slot was not loaded, as texts for the journal
        make_folder(root + "hum")

    def load(self):
        """Return the body of the youngest sound state of these settings, or None. Never raises for a bad file."""
        best = None
        for slot in (0, 1):
            image = read_file(self._root + _SLOTS[slot])
            if image is None:
                continue
            try:
                sequence, body = self._open(image, _SLOTS[slot])
            except FormatError as e:
                self.refused.append("%s: %s" % (e.message, e.hint))
                continue
            if best is None or sequence > self.sequence:
                best, self.sequence, self._younger = body, sequence, slot
        return best

    def _open(self, image, what):
        fingerprint, sequence, body = unseal(STATE_MAGIC, image, what)
        if fingerprint != self.fingerprint:
            raise FormatError(what + " was learned with other features", "set them back, or learn again")
        return sequence, body

    def path(self):
        """Return the path of the slot that was written or loaded last."""
        return self._root + _SLOTS[self._younger]

    def save(self, body):
        """Save a state. Raises OSError where the file system is full; the younger slot stays as it is then."""
        slot = 1 - self._younger
        image = seal(STATE_MAGIC, self.fingerprint, self.sequence + 1, body)
        with open(self._root + _SLOTS[slot], "wb") as f:
            f.write(image)
        self.sequence += 1
        self._younger = slot

    def snapshot(self, body):
        """Keep a state as the one to roll back to."""
        write_file(self._root + _SNAPSHOT, seal(STATE_MAGIC, self.fingerprint, self.sequence, body))

    def previous(self):
        """Return the body of the snapshot. Raises CommandError where there is none, FormatError for a bad one."""
        image = read_file(self._root + _SNAPSHOT)
        if image is None:
            raise CommandError("nothing to roll back to", "a snapshot is made before every change")
        return self._open(image, "the snapshot")[1]
