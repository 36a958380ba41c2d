"""Store: keeps the learned state on the board's file system, in two slots.

Enters: the body of a state, from learned.Learned. Leaves: the same after a reset. A state is saved
into the older slot and closed, which LittleFS makes atomic. The newer valid slot is loaded. So at
any moment one whole state is on flash. A state that both slots hold is not written again.

A state that was learned with other features, or by a later firmware, is renamed to hum/state.kept
when its slot is needed. It is loaded again once its settings or its firmware are back, if neither
slot has a valid state then.
"""

import os
import struct
from binascii import crc32

from nearhum.errors import FormatError
from nearhum.files import REACHED, make_folder, note, noted, read_file
from nearhum.wire import STATE_MAGIC, log_seq_of, seal, unseal

_SLOTS = ("hum/state.a", "hum/state.b", "hum/state.kept")


class Store:
    """Loads and saves the learned state.

    root: prefix of every path, ends with /. fingerprint: of the embeddings, see features/plan.py.
    """

    def __init__(self, root, fingerprint):
        self.root = root
        self.fingerprint = fingerprint
        self.sequence = 0  # number of the last saved state
        self.log_seq = 0  # number of the journal's next record when the loaded state was saved
        self._at = 1  # the slot that was written or loaded last
        self._next = 0  # the slot that is written next
        self._aside = -1  # the slot whose state must be renamed before it is written, -1: none
        self._crcs = [-1, -1, -1]  # CRCs of the bodies in the slots, -1: not known
        self.refused = []  # texts for the journal: why a slot was not loaded
        self.erased = 0  # approximate number of flash blocks that saving has erased
        make_folder(root + "hum")

    def load(self, take):
        """Load the newest valid state of these settings.

        take(body): a function that unpacks a state, or raises FormatError if it makes no sense.
        Then the state before it is tried. Returns True if a state was taken. A bad file never
        raises.
        """
        sound, foreign = [], -1
        for slot in range(3):
            image = read_file(self.root + _SLOTS[slot])
            # A file is empty if the power failed between its creation and the first write.
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
        # The slot with the newest state of other settings is overwritten last.
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
        """Return (sequence, body) of an image that was made with these settings.

        what: the image's name in error messages. magic: its kind. Raises FormatError.
        """
        fingerprint, sequence, body = unseal(magic, image, what)
        if fingerprint != self.fingerprint:
            raise FormatError(
                what + " was learned with other features", "restore those settings, or learn again"
            )
        return sequence, body

    def path(self):
        """Return the path of the slot that was written or loaded last."""
        return self.root + _SLOTS[self._at]

    def save(self, body, log_seq=0):
        """Save a state, unless both slots already hold it.

        body: bytes. log_seq: number of the journal's next record. Allocates the whole image. Raises
        OSError if there is no room. The states on flash are then unchanged.
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
