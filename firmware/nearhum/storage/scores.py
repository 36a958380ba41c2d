"""Scores: reads records of scores, in every format.

Enters: the payload of a record. Leaves: scores and label ids of its windows. Leaf, for both
Pythons: hosts and tests use it, because a board only writes such records (runs.py).
"""

import struct

from nearhum.errors import FormatError
from nearhum.wire import HAS_LABELS, RUN, RUN_HEADER_BYTES, SCORES, STATE_NAMES

KINDS = (SCORES, RUN)


def unpack_scores(kind, payload):
    """Return (first_window, threshold, state, scores, label_ids) of a record.

    kind: one of KINDS. payload: bytes. The returned threshold and scores are octaves in Q8; scores
    is a tuple of int, with NO_SCORE for windows without one. label_ids is bytes, empty if there are
    none. Raises FormatError.
    """
    if len(payload) < RUN_HEADER_BYTES:
        raise FormatError("scores record of %d bytes" % len(payload))
    first, threshold, flags, n = struct.unpack_from("<IhBB", payload, 0)
    state = flags & 0x7F
    found = None
    if state < len(STATE_NAMES):
        found = _plain(payload, n, flags) if kind == SCORES else _packed(payload, n, flags)
    if found is None:
        raise FormatError(
            "scores record of %d bytes for %d windows, state %d" % (len(payload), n, state)
        )
    return (first, threshold, state) + found


def _plain(payload, n, flags):
    # Format 1 (SCORES): int16 scores, then a label id for each. Returns None if it is invalid.
    end = RUN_HEADER_BYTES + 2 * n
    if len(payload) != end + (n if flags & HAS_LABELS else 0):
        return None
    return struct.unpack_from("<%dh" % n, payload, RUN_HEADER_BYTES), payload[end:]


def _packed(payload, n, flags):
    # Format 2 (RUN), see wire.pack_run_header_into. Returns None if it is invalid.
    scores, labels, at, last = [], [], RUN_HEADER_BYTES, 0
    while len(scores) < n:
        value = shift = 0
        while True:
            if at == len(payload) or shift > 14:
                return None
            value |= (payload[at] & 127) << shift
            shift += 7
            at += 1
            if payload[at - 1] < 128:
                break
        last += value >> 1 ^ -(value & 1)
        if not -32768 <= last <= 32767:
            return None
        scores.append(last)
    if flags & HAS_LABELS:
        while len(labels) < n and at + 1 < len(payload) and payload[at + 1]:
            labels += [payload[at]] * payload[at + 1]
            at += 2
        if len(labels) != n:
            return None
    return (tuple(scores), bytes(labels)) if at == len(payload) else None
