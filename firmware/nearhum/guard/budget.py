"""Budget: how far, and how fast, a prototype may move without the user's word.

Enters: the raw sums of a label's prototype before and after a move that the board would make of
itself. Leaves: a yes, or why not. Imported only where something moves prototypes so.

What the user last vouched for is the anchor: the prototype's mean and its spread at the first move
after `learn`, `enrol` or `trust`. A move is measured against it, in every dimension: the change of
the mean and what the prototype's own spread has grown together stay within `teach_budget` spreads
of the anchor. The spread counts because a prototype that is pulled to both sides keeps its mean and
lets in more and more. The speed is a token bucket (Turner, New directions in communications, 1986):
the whole budget fills in `teach_days` of windows, three quarters are held, and every move by itself
costs what it moves, one 256th at least. Time is counted in windows, so that a replay decides as the
board did; what had filled up since the last move is lost with a reset.
"""

import struct
from array import array

from nearhum import kernels
from nearhum.wire import LAST_WINDOW

WHOLE = 256  # shares of a budget in which moves are counted
HELD = 192


class Anchor:
    """Where the user last left a prototype.

    mean: Q8 steps; spread: quarter steps, rounded down, 1 to 255.
    """

    def __init__(self, mean, spread, tokens, at):
        self.mean = mean
        self.spread = spread
        self.tokens = tokens
        self.at = at  # window up to which tokens are counted


class Budget:
    """Anchors of the labels that moved since the user's last word.

    One that never moved has none, and costs none.

    n_dims: of embeddings. config: settings.
    """

    def __init__(self, n_dims, config):
        self._n = n_dims
        self._spreads_q8 = int(config["teach_budget"] * 256)
        per_day = int(config["rate_hz"] * 1000 + 0.5) * 86400 // (1000 * config["n_hop"])
        # in which a whole budget fills
        self._n_windows = max(1, per_day * int(config["teach_days"] * 256) >> 8)
        self._floor_q8 = config["spread_floor"] << 8
        self.anchors = {}
        self._move = None

    def check(self, key, before, after, pooled, at, by_itself=True):
        """Return "" where a prototype may move, else why not.

        Changes nothing until `commit`. Allocates.

        before, after: what Prototypes.pack gives. pooled: array('i') variances of the set, Q12,
        before the move. at: number of the window. by_itself: False where the user asked for this
        one move: its speed is not bound.
        """
        here, there = self._moments(before), self._moments(after)
        anchor = self.anchors.get(key) or self._anchor(here, pooled, at)
        if self._away(anchor, there) > WHOLE:
            return "its budget of drift is spent"
        tokens, since = anchor.tokens, anchor.at
        if by_itself:
            filled = ((at - since) & LAST_WINDOW) * WHOLE // self._n_windows
            tokens += filled
            # windows that have not made a whole token yet still count
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
        """Take note of the move that was checked last."""
        self.anchors[self._move[0]] = self._move[1]

    def used(self, key, now):
        """Return the share, of WHOLE, of its budget that a prototype is away from its anchor.

        now: as packed.
        """
        anchor = self.anchors.get(key)
        return self._away(anchor, self._moments(now)) if anchor else 0

    def _away(self, anchor, there):
        grown = zip(there, anchor.mean, anchor.spread)
        return self._share(
            [abs(mean - m) + max(0, spread - (s << 6)) for (mean, spread), m, s in grown], anchor
        )

    def _share(self, moves, anchor):
        # the largest of moves, Q8 steps, in WHOLEths of the budget in its dimension, rounded up
        limits = [max(1, self._spreads_q8 * s >> 2) for s in anchor.spread]
        return max([-(-move * WHOLE // limit) for move, limit in zip(moves, limits)])

    def _moments(self, packed):
        # (mean, own spread), Q8, of each dimension; exact integers of any length: nobody does this
        # at every window
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
            # Q12 of steps^2 to Q16, whose root is Q8 of steps
            q8 = kernels.isqrt(pooled[i] >> 20, (pooled[i] & 0xFFFFF) << 4)
            spread[i] = min(255, max(q8, here[i][1], self._floor_q8) >> 6)
        return Anchor(array("h", [mean for mean, _ in here]), spread, HELD, at)

    def trust(self, key=None):
        """Let the budget of one prototype, or of all, start anew from where it is."""
        for k in list(self.anchors):
            if key in (None, k):
                self.anchors.pop(k)

    def pack(self):
        """Return the anchors as bytes: u8 key, u8 tokens, n_dims x i16 mean, n_dims x u8 spread
        each.
        """
        return b"".join(
            [
                bytes([key, a.tokens]) + bytes(a.mean) + a.spread
                for key, a in sorted(self.anchors.items())
            ]
        )

    def unpack(self, view, at):
        """Take the place of what `pack` returned; at: number of the window now."""
        self.anchors = {}
        n = self._n
        for i in range(0, len(view) - 1 - 3 * n, 2 + 3 * n):
            mean = array("h", struct.unpack_from("<%dh" % n, view, i + 2))
            self.anchors[view[i]] = Anchor(
                mean, bytearray(view[i + 2 + 2 * n : i + 2 + 3 * n]), view[i + 1], at
            )
