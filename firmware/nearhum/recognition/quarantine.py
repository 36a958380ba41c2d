"""Quarantine: pseudo-examples, near misses that a hit of the same label followed, until
somebody decides.

Enters: near misses that were caught, with the evidence. Leaves: examples taken into a label's
prototype, or rejected. Imported only where the setting `teach` or a stored state asks for it.

An accepted pseudo-example is added to the sums of its label and moves its mean; it never becomes an
example of its own to which later windows could be near: what is learned by itself must not be able
to creep on, from near miss to near miss. With `teach` = ask a user accepts, with auto the board
does; in both cases only within the guard's budget. The store is bounded: once full it takes nothing
more, so that what a user has seen listed is there to be accepted.
"""

import struct

from nearhum.errors import CommandError
from nearhum.wire import LAST_WINDOW

MAX_PENDING = 8
AUTO = "auto"  # cause of a snapshot before what the board does of itself
# number, label id, window of the near miss, windows to the hit, boot, distance, limit
_PENDING = "<HBIIIII"
_BYTES = struct.calcsize(_PENDING)
_NAMES = ("id", "label_id", "near_window", "hit_after", "boot", "distance", "limit")


class Quarantine:
    """Pending pseudo-examples of one board. learned: what they may become a part of."""

    def __init__(self, learned):
        self._learned = learned
        self._next = 1
        self.pending = []  # bytes: as packed

    def take(self, near, auto):
        """Quarantine the near miss that was caught; where the board may decide, accept it
        within the budget.
        """
        learned = self._learned
        kept = struct.pack(
            _PENDING, self._next, near.label_id, learned.window() - near.age & LAST_WINDOW,
            near.age, learned.journal.boot, near.distance, learned.recogniser.limit,
        )  # fmt: skip
        kept += bytes(near.example)
        why = self._accept(kept, AUTO) if auto else ""
        if (why or not auto) and len(self.pending) < MAX_PENDING:
            self.pending.append(kept)
            self._next = self._next % 0xFFFF + 1
            learned.changed("pending", why=why, **self._told(kept))

    def told(self):
        """Return the evidence for each pending pseudo-example: dicts."""
        return [self._told(kept) for kept in self.pending]

    def _told(self, kept):
        told = dict(zip(_NAMES, struct.unpack_from(_PENDING, kept, 0)))
        r = self._learned.recogniser
        told["label"] = r.labels[r.ids.index(told["label_id"])]
        return told

    def accept(self, number):
        """Learn a pending pseudo-example.

        Raises CommandError where there is none, or no budget for it.
        """
        kept = self._find(number)
        self._learned.guard.permit(self._told(kept)["label"])
        why = self._accept(kept, "accept %d" % number)
        if why:
            raise CommandError(
                "%d is not accepted: %s" % (number, why),
                "`reject` it, or `trust` what is there now",
            )
        return self._told(kept)

    def reject(self, number):
        """Drop a pending pseudo-example. Raises CommandError where there is none."""
        kept = self._find(number)
        self._learned.snapshot("reject %d" % number)
        self.pending.remove(kept)
        told = self._told(kept)
        self._learned.changed("rejected", **told)
        return told

    def forget(self, label_id):
        """Drop what is pending for a label that is no more; 0: all."""
        self.pending = [kept for kept in self.pending if label_id and kept[2] != label_id]

    def _find(self, number):
        for kept in self.pending:
            if kept[0] | kept[1] << 8 == number:
                return kept
        raise CommandError("no pending example %d" % number, "`list pending` shows them")

    def _accept(self, kept, cause):
        # returns "" where it was learned, else why not
        learned = self._learned
        r, budget, by_itself = (
            learned.recogniser,
            learned.guard.budget(learned.window()),
            cause == AUTO,
        )
        p, j = r.prototypes, r.ids.index(kept[2])
        before = p.pack(j)
        p.learn_one(j, kept[_BYTES:])
        after = p.pack(j)
        p.put(j, before)
        why = budget.check(kept[2], before, after, p.variance, learned.window(), by_itself)
        if why:
            return why
        try:
            learned.snapshot(cause, by_itself)
        except OSError:
            if not by_itself:
                raise
            return "there is no room for a snapshot"
        budget.commit()
        p.put(j, after)
        r.refresh()
        if not by_itself:
            self.pending.remove(kept)
        learned.changed(
            "accepted", by="board" if by_itself else "user", count=p.counts[j], **self._told(kept)
        )
        return ""

    # --- to and from bytes: u16 number that comes next; the pending ones --------------------------

    def pack(self):
        """Return what is pending as bytes; none where nothing ever was."""
        return struct.pack("<H", self._next) + b"".join(self.pending) if self._next > 1 else b""

    def unpack(self, view):
        """Take the place of what `pack` returned."""
        n = _BYTES + self._learned.recogniser.n_dims
        if len(view) > 1:
            self._next = struct.unpack_from("<H", view, 0)[0]
        ids = self._learned.recogniser.ids
        self.pending = [
            bytes(view[i : i + n]) for i in range(2, len(view) - n + 1, n) if view[i + 2] in ids
        ]
