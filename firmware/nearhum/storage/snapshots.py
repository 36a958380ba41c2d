"""Snapshots: states of before a change, numbered, each with the change's cause.

Rolling back puts one in place, and keeps the present state as the next, so that a rollback is a
change that can be undone too. The youngest N_SNAPSHOTS stay; one that holds what the last one held
is not written again. Loaded when a change is made, or taken back, and let go of afterwards.
"""

import json
import struct
from binascii import crc32

from nearhum.errors import CommandError
from nearhum.files import parsed, read_file, write_file
from nearhum.wire import SNAPSHOT_MAGIC, STATE_NAMES, seal

N_SNAPSHOTS = 4
_SNAPSHOT = "hum/snapshot."


class Snapshots:
    """The snapshots beside the slots of a Store."""

    def __init__(self, store):
        self._store = store

    def all(self):
        """Return what was noted of each snapshot, oldest first: dicts with its number, cause,
        crc and counts.
        """
        out = []
        for slot in range(N_SNAPSHOTS):
            try:
                with open(self._store.root + _SNAPSHOT + str(slot), "rb") as f:
                    magic, fingerprint, number, _, n = struct.unpack("<4sIIIH", f.read(18))
                    note = parsed(f.read(n))
            except (OSError, ValueError):
                # none there, or a bad one: rolling back to that one says what is wrong with it
                continue
            # the note alone is read, and no CRC is over it alone: what a flipped bit made of it may
            # be anything
            sound = isinstance(note, dict) and "crc" in note and "cause" in note
            if sound and magic == SNAPSHOT_MAGIC and fingerprint == self._store.fingerprint:
                note["number"] = number
                out.append(note)
        return sorted(out, key=lambda note: note["number"])

    def keep(self, body, note):
        """Keep a state to roll back to.

        note: dict of what is known about it. Returns its number. Raises OSError.
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
        """Return the state in a snapshot, as bytes.

        Raises CommandError where it is gone, FormatError for a bad one.
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
    """Keep the present state to roll back to, before a change. Returns its number, 0 where none was
    needed.

    cause: the command that asks for it. by_itself: the board makes this change. All it makes since
    the user's last word share one snapshot: they must not crowd out the user's, and are undone
    together. Raises OSError where there is no room, and no old log that could go.
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
