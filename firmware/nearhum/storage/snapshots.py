"""Snapshots: numbered states from before a change, each with the cause of the change.

Enters: the body of a state and its cause. Leaves: the body again, for `rollback`. A rollback first
keeps the present state as another snapshot, so that it can be undone too. The newest N_SNAPSHOTS
are kept. A state equal to the last snapshot is not written again. Loaded when a change is made or
undone, and released afterwards.
"""

import json
import struct
from binascii import crc32

from nearhum.errors import CommandError
from nearhum.files import parsed, read_file, write_file
from nearhum.wire import SNAPSHOT_MAGIC, STATE_NAMES, seal

N_SNAPSHOTS = 4  # bounds the flash that they take
_SNAPSHOT = "hum/snapshot."  # followed by the number modulo N_SNAPSHOTS


class Snapshots:
    """The snapshots of a Store, in files beside its slots."""

    def __init__(self, store):
        self._store = store

    def all(self):
        """Return each snapshot's note, oldest first: a dict with number, cause, crc and counts."""
        out = []
        for slot in range(N_SNAPSHOTS):
            try:
                with open(self._store.root + _SNAPSHOT + str(slot), "rb") as f:
                    magic, fingerprint, number, _, n = struct.unpack("<4sIIIH", f.read(18))
                    note = parsed(f.read(n))
            except (OSError, ValueError):
                # There is none, or a bad one. A rollback to it reports what is wrong.
                continue
            # Only the note is read, and the CRC covers the whole file. So the note is not checked,
            # and a flipped bit may have made anything of it.
            sound = isinstance(note, dict) and "crc" in note and "cause" in note
            if sound and magic == SNAPSHOT_MAGIC and fingerprint == self._store.fingerprint:
                note["number"] = number
                out.append(note)
        return sorted(out, key=lambda note: note["number"])

    def keep(self, body, note):
        """Keep a state to roll back to, and return the snapshot's number.

        body: bytes of the state. note: dict of facts about it. Raises OSError if there is no room.
        """
        known = self.all()
        number = known[-1]["number"] if known else 0
        note["crc"] = crc32(body)
        if known and known[-1]["crc"] == note["crc"]:
            return number
        number += 1
        text = json.dumps(note).encode()
        image = seal(
            SNAPSHOT_MAGIC,
            self._store.fingerprint,
            number,
            struct.pack("<H", len(text)) + text + body,
        )
        write_file(self._store.root + _SNAPSHOT + str(number % N_SNAPSHOTS), image)
        self._store.erased += 1 + (len(image) >> 12)
        return number

    def body_of(self, number):
        """Return the body of the state in a snapshot, as bytes.

        Raises CommandError if there is no snapshot of that number, FormatError if it is damaged.
        """
        image = read_file(self._store.root + _SNAPSHOT + str(number % N_SNAPSHOTS))
        found, body = (
            (0, b"") if image is None else self._store.opened(image, "the snapshot", SNAPSHOT_MAGIC)
        )
        if found != number or not number:
            raise CommandError(
                "no snapshot %d" % number, "`list snapshots` shows the last %d" % N_SNAPSHOTS
            )
        return bytes(body[2 + (body[0] | body[1] << 8) :])


def take(learned, cause, by_itself):
    """Keep the present state before a change. Returns the snapshot's number, 0 if none was needed.

    learned: learned.Learned. cause: the command that makes the change. by_itself: True if the board
    makes it by itself. All such changes since the user's last command share one snapshot, so that
    they do not displace the user's snapshots, and are undone together. Deletes old log if there is
    no room. Raises OSError if that is not enough.
    """
    snapshots, journal = Snapshots(learned.store), learned.journal
    if by_itself:
        known = snapshots.all()
        if known and known[-1]["cause"] == cause:
            return 0
    note = {
        "cause": cause,
        "boot": journal.boot,
        "window": learned.window(),
        "state": STATE_NAMES[learned.detector.state],
        "n_learned": sum(learned.detector.prototypes.counts),
        "n_labels": len(learned.recogniser.ids),
    }
    body = learned.pack()
    while True:
        try:
            return snapshots.keep(body, note)
        except OSError as e:
            if not journal.make_room(e):
                raise
