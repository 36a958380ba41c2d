"""Log end: finds out at which number the log goes on, and which boot was the last.

Enters: the newest segments. Leaves: the next number, the last boot, and the chain's sum so far.
Loaded at a start and released after it.
"""

import json

from nearhum.wire import BOOT, RECORD_CRC_BYTES, RECORD_HEADER_BYTES, record_bytes, unpack_record


def find(segments, path_of, chain, segment_bytes):
    """Return (last boot, next number), both 0 for a log without records. Allocates.

    segments: list of the first numbers, ascending. The last one is removed if its segment is empty,
    because the next segment gets its name. path_of: function that returns the path of a segment.
    chain: Chain, which begins with the records of the newest segment. segment_bytes: the length
    that is assumed for a segment that cannot be read. Numbers that damaged bytes may have had are
    skipped, so that none is used twice.
    """
    boot = seq = 0
    for first in reversed(segments):
        try:
            with open(path_of(first), "rb") as f:
                buf = f.read()
        except OSError:
            buf = bytes(segment_bytes)
        at, after = 0, first
        while True:
            n = record_bytes(buf, at, len(buf))
            if not n:
                break
            kind, after, _, payload = unpack_record(buf, at, n)
            after += 1
            if kind == BOOT:
                boot = json.loads(payload)["boot"]  # The CRC proves that it is whole.
            at += n
        if at and not seq:  # the newest segment
            chain.begin(first)
            chain.add(memoryview(buf)[:at], after)
        seq = max(seq, after - (at - len(buf)) // (RECORD_HEADER_BYTES + RECORD_CRC_BYTES))
        if boot:
            break
    if segments and segments[-1] == seq:
        segments.pop()
    return boot, seq
