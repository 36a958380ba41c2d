"""Runs of scores read back, of every format.

Leaf, for both Pythons: for hosts and tests, a board only writes them.
"""

import struct

from nearhum.errors import FormatError
from nearhum.wire import HAS_LABELS, RUN, RUN_HEADER_BYTES, SCORES, STATE_NAMES

KINDS = (SCORES, RUN)


def unpack_scores(kind, payload):
    """Return (first_window, threshold, state, scores, label_ids) of a record of one of KINDS.

    Raises FormatError.

    scores: int, octaves in Q8, NO_SCORE where there was none. label_ids: bytes, empty when none.
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
    # format 1: int16 scores, then a label id each
    end = RUN_HEADER_BYTES + 2 * n
    if len(payload) != end + (n if flags & HAS_LABELS else 0):
        return None
    return struct.unpack_from("<%dh" % n, payload, RUN_HEADER_BYTES), payload[end:]


def _packed(payload, n, flags):
    # see wire.pack_run_header_into; None where it is no such thing
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
