"""Budget: how far, and how fast, a label's prototype may move without the user's approval.

Enters: the raw sums of a prototype before and after a move that the board wants to make by itself.
Leaves: permission, or the reason against it. Imported only if `teach` lets prototypes move.

The anchor is what the user last approved: the prototype's mean and spread at the first move after
`learn`, `enrol` or `trust`. Moves are limited against it in every dimension: the change of the mean
plus the growth of the prototype's own spread stay within `teach_budget` spreads of the anchor. The
spread counts because a prototype that is pulled to both sides keeps its mean but accepts more and
more.

The speed is limited by a token bucket (Turner, New directions in communications, 1986). Tokens for
the whole budget arrive in `teach_days`. At most three quarters of them are kept. A move that the
board makes by itself costs as much as it moves, at least 1/256 of the budget. Time is counted in
windows, so that a replay decides as the board did. A reset loses the tokens that arrived since the
last move.
"""

import struct
from array import array

from nearhum import kernels
from nearhum.wire import LAST_WINDOW

WHOLE = 256  # tokens of a whole budget: moves are counted in 256ths
HELD = 192  # most tokens that are kept, three quarters: limits a burst of moves after a long pause


class Anchor:
    """The mean and the spread of a prototype that the user last approved, and its tokens.

    mean: array('h') (n,), steps in Q8. spread: bytearray (n,), quarter steps, rounded down, 1 to
    255. tokens: 0 to HELD. at: number of the window.
    """

    def __init__(self, mean, spread, tokens, at):
        self.mean = mean
        self.spread = spread
        self.tokens = tokens
        self.at = at  # the window up to which arrived tokens are counted


class Budget:
    """The anchors of all labels that moved since the user's last approval.

    A label that has not moved has no anchor, and takes no memory. n_dims: dimensions of the
    embeddings. config: complete settings.
    """

    def __init__(self, n_dims, config):
        self._n = n_dims
        self._spreads_q8 = int(config["teach_budget"] * 256)
        per_day = int(config["rate_hz"] * 1000 + 0.5) * 86400 // (1000 * config["n_hop"])
        # windows in which the tokens of a whole budget arrive
        self._n_windows = max(1, per_day * int(config["teach_days"] * 256) >> 8)
        self._floor_q8 = config["spread_floor"] << 8
        self.anchors = {}
        self._move = None

    def check(self, key, before, after, pooled, at, by_itself=True):
        """Return "" if a prototype may move, else the reason why not.

        key: label id. before, after: bytes of Prototypes.pack. pooled: array('i') (n,), the pooled
        variances before the move, Q12. at: number of the window. by_itself: False if the user asked
        for this move, then its speed is not limited. Changes nothing until `commit`. Allocates.
        """
        here, there = self._moments(before), self._moments(after)
        anchor = self.anchors.get(key) or self._anchor(here, pooled, at)
        if self._away(anchor, there) > WHOLE:
            return "its drift budget is used up"
        tokens, since = anchor.tokens, anchor.at
        if by_itself:
            filled = ((at - since) & LAST_WINDOW) * WHOLE // self._n_windows
            tokens += filled
            # Keep the windows that do not make up a whole token yet.
            since = (
                (since + -(-filled * self._n_windows // WHOLE)) & LAST_WINDOW
                if tokens < HELD
                else at
            )
            steps = zip(there, here, anchor.spread)
            moves = [abs(t[0] - h[0]) + max(0, t[1] - max(h[1], s << 6)) for t, h, s in steps]
            cost = max(1, self._share(moves, anchor))
            tokens = min(HELD, tokens) - cost
            if tokens < 0:
                return "it would move too fast"
        self._move = key, Anchor(anchor.mean, anchor.spread, tokens, since)
        return ""

    def commit(self):
        """Record the move that was checked last: it is made now."""
        self.anchors[self._move[0]] = self._move[1]

    def used(self, key, now):
        """Return how much of its budget a prototype has used, in WHOLEths.

        key: label id. now: bytes of Prototypes.pack.
        """
        anchor = self.anchors.get(key)
        return self._away(anchor, self._moments(now)) if anchor else 0

    def _away(self, anchor, there):
        grown = zip(there, anchor.mean, anchor.spread)
        return self._share(
            [abs(mean - m) + max(0, spread - (s << 6)) for (mean, spread), m, s in grown], anchor
        )

    def _share(self, moves, anchor):
        # Returns the largest of the moves (Q8 steps, one for each dimension), in WHOLEths of the
        # budget of its dimension, rounded up.
        limits = [max(1, self._spreads_q8 * s >> 2) for s in anchor.spread]
        return max([-(-move * WHOLE // limit) for move, limit in zip(moves, limits)])

    def _moments(self, packed):
        # Returns (mean, own spread) of each dimension, Q8. It uses exact integers of any length,
        # which allocate, because this does not run at every window.
        n = self._n
        count = struct.unpack_from("<I", packed, 0)[0]
        sums = struct.unpack_from("<%di" % n, packed, 4)
        squares = struct.unpack_from("<%di" % (2 * n), packed, 4 + 4 * n)
        out = []
        for i in range(n):
            square = (squares[2 * i] << 24) + squares[2 * i + 1]
            variance_q16 = (square * count - sums[i] * sums[i] << 16) // (count * count)
            out.append(
                (
                    (sums[i] << 8) // count,
                    kernels.isqrt(variance_q16 >> 24, variance_q16 & 0xFFFFFF),
                )
            )
        return out

    def _anchor(self, here, pooled, at):
        spread = bytearray(self._n)
        for i in range(self._n):
            # Steps^2 in Q12 to Q16, whose root is steps in Q8.
            q8 = kernels.isqrt(pooled[i] >> 20, (pooled[i] & 0xFFFFF) << 4)
            spread[i] = min(255, max(q8, here[i][1], self._floor_q8) >> 6)
        return Anchor(array("h", [mean for mean, _ in here]), spread, HELD, at)

    def trust(self, key=None):
        """Approve the present place of one prototype, or of all: their budgets start anew.

        key: label id, or None for all.
        """
        for k in list(self.anchors):
            if key in (None, k):
                self.anchors.pop(k)

    def pack(self):
        """Return the anchors as bytes, each as u8 key, u8 tokens, n_dims x i16 mean and n_dims x u8
        spread.
        """
        return b"".join(
            [
                bytes([key, a.tokens]) + bytes(a.mean) + a.spread
                for key, a in sorted(self.anchors.items())
            ]
        )

    def unpack(self, view, at):
        """Restore the anchors from the bytes that `pack` returned.

        at: number of the present window.
        """
        self.anchors = {}
        n = self._n
        for i in range(0, len(view) - 1 - 3 * n, 2 + 3 * n):
            mean = array("h", struct.unpack_from("<%dh" % n, view, i + 2))
            self.anchors[view[i]] = Anchor(
                mean, bytearray(view[i + 2 + 2 * n : i + 2 + 3 * n]), view[i + 1], at
            )
