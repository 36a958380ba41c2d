"""Store: what was learned, on the board's file system, in two slots. See snapshots.py for the rest.

A state is saved into the older slot and closed (LittleFS makes that atomic); the younger sound slot
is loaded. So at any moment one whole state is on flash; one that both slots hold is not written
again. A state of other features, or of a later firmware, is put aside as hum/state.kept when its
slot is needed: it is loaded again, where neither slot fits, when the settings or the firmware are
those it was learned with.
"""

import os
import struct
from binascii import crc32

from nearhum.errors import FormatError
from nearhum.files import REACHED, make_folder, note, noted, read_file
from nearhum.wire import STATE_MAGIC, log_seq_of, seal, unseal

_SLOTS = ("hum/state.a", "hum/state.b", "hum/state.kept")


class Store:
    """Loads and saves.

    root: prefix of every path, ends with /. fingerprint: of the embedding, see features.
    """

    def __init__(self, root, fingerprint):
        self.root = root
        self.fingerprint = fingerprint
        self.sequence = 0
        self.log_seq = 0  # of the journal's next record, when what was loaded was saved
        self._at = 1  # the slot that was written or loaded last
        self._next = 0  # the one that is written next
        self._aside = -1  # the one whose state is put aside first
        self._crcs = [-1, -1, -1]  # of the bodies in the slots, as far as they are known
        self.refused = []  # why a slot was not loaded, as texts for the journal
        self.erased = 0  # blocks of flash that saving took, about
        make_folder(root + "hum")

    def load(self, take):
        """Give the youngest sound state of these settings to take(body); the one before it, where
        that refuses it.

        take raises FormatError for what makes no sense. Returns True where one was taken. Never
        raises for a bad file.
        """
        sound, foreign = [], -1
        for slot in range(3):
            image = read_file(self.root + _SLOTS[slot])
            # empty: the power failed between making and filling it
            if not image or slot == 2 and sound:
                continue
            try:
                sequence, body = self.opened(image, _SLOTS[slot])
            except FormatError as e:
                if slot < 2:
                    self.refused.append("%s: %s" % (e.message, e.hint))
                    magic, fingerprint, sequence = struct.unpack("<4sII", (image + bytes(12))[:12])
                    other = magic[3] > STATE_MAGIC[3] or fingerprint != self.fingerprint
                    if other and magic[:3] == STATE_MAGIC[:3] and sequence > foreign:
                        foreign, self._aside = sequence, slot
                continue
            sound.append((sequence, slot, body, log_seq_of(image)))
        # the youngest state of others is the last to be touched
        self._next = 1 if self._aside == 0 else 0
        sound.sort()
        while sound:
            self.sequence, slot, body, self.log_seq = sound.pop()
            self._at = slot
            if slot < 2:
                self._next = 1 - slot
            try:
                take(body)
            except FormatError as e:
                self.refused.append(e.message)
                continue
            self._crcs[slot] = crc32(body)
            return True
        return False

    def opened(self, image, what, magic=STATE_MAGIC):
        """Return (sequence, body) of an image of these settings.

        Raises FormatError; what: it is called in that.
        """
        fingerprint, sequence, body = unseal(magic, image, what)
        if fingerprint != self.fingerprint:
            raise FormatError(
                what + " was learned with other features", "set them back, or learn again"
            )
        return sequence, body

    def path(self):
        """Return the path of the slot that was written or loaded last."""
        return self.root + _SLOTS[self._at]

    def save(self, body, log_seq=0):
        """Save a state, unless both slots hold it.

        Raises OSError where there is no room; what is on flash stays then.

        log_seq: number of the journal's next record.
        """
        crc = crc32(body)
        if self._crcs[:2] == [crc, crc]:
            return
        slot = self._next
        path = self.root + _SLOTS[slot]
        if self._aside == slot:
            os.rename(path, self.root + _SLOTS[2])
            self._aside = -1
        image = seal(STATE_MAGIC, self.fingerprint, self.sequence + 1, body, log_seq)
        with open(path, "wb") as f:
            f.write(image)
        self.erased += 1 + (len(image) >> 12)
        self.sequence += 1
        note(self.root + REACHED, self.sequence, noted(self.root + REACHED)[1])
        self._at, self._next, self._crcs[slot] = slot, 1 - slot, crc
