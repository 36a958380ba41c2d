"""Chain: each segment of the log names the sum of the segment before it.

Enters: the records of a segment, as they are written. Leaves: the field `chain` of the BOOT record
that begins the next segment: [first, before, sum, signed], for the records first <= number <
before. The sum covers the BOOT record that they begin with, and so that record's own chain: whoever
changes, cuts or reorders records of a pulled log has to change every sum behind them. On a board
with a key the sum is an HMAC under it, which only the key can make. The newest segment has no sum
yet. The host checks it (nearhum_host/logs/chained.py).
"""

from binascii import hexlify
from hashlib import sha256

from nearhum import wire

SUM_BYTES = 16  # of the hash: half of it is enough (RFC 2104, section 5), and a record is short


class Chain:
    """The sum of the open segment."""

    def __init__(self):
        self._sum = None
        self._first = self._before = 0

    def begin(self, first):
        """Begin the sum of a segment. first: the number of its first record."""
        self._first = self._before = first
        self._sum = sha256()

    def add(self, records, before):
        """Add records that are on flash. before: the number after the last of them."""
        if self._sum:
            self._sum.update(records)
            self._before = before

    def said(self):
        """End the sum. Returns the field, None if nothing was added since the last one."""
        if not self._sum or self._first == self._before:
            return None
        digest, signer, self._sum = self._sum.digest(), wire.signer, None
        total, signed = signer.chained(digest) if signer else (digest, False)
        return [self._first, self._before, hexlify(total[:SUM_BYTES]).decode(), int(signed)]
