"""Runs: the scores of windows in a row, as one record of the journal. See wire.py for its layout.

Enters: window by window its score, threshold, state and label. Leaves: a record where a run is
full, or where the next window does not continue it. A score is stored as its difference to the one
before, in one byte where that is small; labels as pairs of (label, how many windows).
"""

from micropython import const
from nearhum.wire import RUN, RUN_HEADER_BYTES, pack_run_header_into

_RUN_N = const(128)  # windows in a run


class Runs:
    """The run that is open. append(kind, payload): takes a record."""

    def __init__(self, append):
        self._append = append
        self._run = bytearray(RUN_HEADER_BYTES + 3 * _RUN_N)
        self._labels = bytearray(_RUN_N)
        self._n = 0

    def score(self, window, score, threshold, state, label_id):
        """Note one window; score int16, label_id 0..255.

        Allocates nothing but once in 128 windows.
        """
        n = self._n
        if n and (
            window - self._first != n or threshold != self._threshold or state != self._state
        ):
            self.close()
            n = 0
        if not n:
            self._first, self._threshold, self._state = window, threshold, state
            self._last = self._any_label = 0
            self._at = RUN_HEADER_BYTES
        run, at = self._run, self._at
        value = score - self._last
        value = 2 * value if value >= 0 else -2 * value - 1
        while value > 127:
            run[at] = value & 127 | 128
            value >>= 7
            at += 1
        run[at] = value
        self._at = at + 1
        self._last = score
        self._labels[n] = label_id
        self._any_label |= label_id
        self._n = n + 1
        if n + 1 == _RUN_N:
            self.close()

    def close(self):
        """Make the open run a record, if there is one."""
        n = self._n
        if not n:
            return
        self._n = 0
        pack_run_header_into(
            self._run, self._first, self._threshold, self._state, n, self._any_label
        )
        labels = bytearray()
        if self._any_label:
            for label_id in self._labels[:n]:
                if labels and labels[-2] == label_id:
                    labels[-1] += 1
                else:
                    labels += bytes((label_id, 1))
        self._append(RUN, bytes(self._run[: self._at]) + labels)
