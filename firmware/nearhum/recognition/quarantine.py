"""Quarantine: keeps pseudo-examples until they are accepted or rejected.

A pseudo-example is a near miss that a hit of the same label followed. Enters: near misses that were
caught (near.py), with the evidence. Leaves: pseudo-examples that are added to a label's prototype,
or rejected. Imported only if `teach` is on, or if a stored state has pending ones.

An accepted pseudo-example is added to the sums of its label and moves its mean. It never becomes an
example, to which later windows could be near. Otherwise a label could creep on from near miss to
near miss. With `teach` = ask the user accepts, with auto the board does, in both cases only within
the guard's budget. A full quarantine takes nothing more, so that what the user has seen in the list
is still there to be accepted.
"""

import struct

from nearhum.errors import CommandError
from nearhum.wire import LAST_WINDOW

MAX_PENDING = 8  # bounds the heap, and the list that a user has to judge
AUTO = "auto"  # cause of the snapshot before the board accepts by itself
# number, label id, window of the near miss, windows from it to the hit, boot, distance, limit
_PENDING = "<HBIIIII"
_BYTES = struct.calcsize(_PENDING)
_NAMES = ("id", "label_id", "near_window", "hit_after", "boot", "distance", "limit")


class Quarantine:
    """Pending pseudo-examples of one board. learned: the learned.Learned that takes them."""

    def __init__(self, learned):
        self._learned = learned
        self._next = 1  # number of the next pseudo-example
        self.pending = []  # bytes each: the fields of _PENDING, then the embedding

    def take(self, near, auto):
        """Quarantine a near miss that was caught, or accept it at once.

        near: Near. auto: True if the board may accept it by itself, within the budget. Allocates.
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
            learned.changed("pending", why=why, **self._evidence(kept))

    def listed(self):
        """Return the evidence for each pending pseudo-example, as a list of dicts."""
        return [self._evidence(kept) for kept in self.pending]

    def _evidence(self, kept):
        told = dict(zip(_NAMES, struct.unpack_from(_PENDING, kept, 0)))
        r = self._learned.recogniser
        told["label"] = r.labels[r.ids.index(told["label_id"])]
        return told

    def accept(self, number):
        """Learn a pending pseudo-example, and return its evidence as a dict.

        number: its id in the list. Raises CommandError if there is none of that number, or if
        learning it would exceed the budget.
        """
        kept = self._find(number)
        self._learned.guard.permit(self._evidence(kept)["label"])
        why = self._accept(kept, "accept %d" % number)
        if why:
            raise CommandError(
                "example %d cannot be accepted: %s" % (number, why),
                "`reject` it, or approve the present state with `trust`",
            )
        return self._evidence(kept)

    def reject(self, number):
        """Drop a pending pseudo-example, and return its evidence as a dict.

        number: its id in the list. Raises CommandError if there is none of that number.
        """
        kept = self._find(number)
        self._learned.snapshot("reject %d" % number)
        self.pending.remove(kept)
        told = self._evidence(kept)
        self._learned.changed("rejected", **told)
        return told

    def forget(self, label_id):
        """Drop what is pending for a label that was removed. label_id: 0 drops all."""
        self.pending = [kept for kept in self.pending if label_id and kept[2] != label_id]

    def _find(self, number):
        for kept in self.pending:
            if kept[0] | kept[1] << 8 == number:
                return kept
        raise CommandError("no pending example %d" % number, "`list pending` shows them")

    def _accept(self, kept, cause):
        # Returns "" if the pseudo-example was learned, else the reason why not.
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
            "accepted",
            by="board" if by_itself else "user",
            count=p.counts[j],
            **self._evidence(kept),
        )
        return ""

    # --- to and from bytes: u16 next number; then the pending ones --------------------------------

    def pack(self):
        """Return what is pending as bytes, or b"" if there never was a pseudo-example."""
        return struct.pack("<H", self._next) + b"".join(self.pending) if self._next > 1 else b""

    def unpack(self, view):
        """Restore what is pending from the bytes that `pack` returned, for labels that exist."""
        n = _BYTES + self._learned.recogniser.n_dims
        if len(view) > 1:
            self._next = struct.unpack_from("<H", view, 0)[0]
        ids = self._learned.recogniser.ids
        self.pending = [
            bytes(view[i : i + n]) for i in range(2, len(view) - n + 1, n) if view[i + 2] in ids
        ]
