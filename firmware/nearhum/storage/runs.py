"""Runs: the scores of consecutive windows, packed into one record. wire.py has the layout.

Enters: the score, threshold, state and label of each window. Leaves: a record for the journal, when
a run is full or the next window does not continue it. A score is stored as its difference from the
one before, in one byte if that is small. Labels are stored as pairs of label and number of windows.
"""

from micropython import const
from nearhum.wire import RUN, RUN_HEADER_BYTES, pack_run_header_into

_RUN_N = const(128)  # windows of a full run: its record stays below MAX_PAYLOAD_BYTES


class Runs:
    """The open run. append(kind, payload): a function that takes a record."""

    def __init__(self, append):
        self._append = append
        self._run = bytearray(RUN_HEADER_BYTES + 3 * _RUN_N)
        self._labels = bytearray(_RUN_N)
        self._n = 0

    def score(self, window, score, threshold, state, label_id):
        """Add one window.

        window: its number. score, threshold: int16, octaves in Q8. state: wire.LEARN etc. label_id:
        0..255, 0 for none. Allocates only when a run ends.
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
        """End the open run, if there is one, and append its record."""
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
