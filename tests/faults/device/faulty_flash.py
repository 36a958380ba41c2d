"""A NOR flash in RAM for a real LittleFS, that fails as it is told. Runs under MicroPython.

Programming only clears bits. Operations, erases and programs alike, are counted; what is to fail
names one by its number. A failure is an answer, never an exception, which would jump through the
file system's own code. As on a board, nothing is allocated but once for a block: LittleFS also
comes here from a finaliser.

    cut     the power fails in this operation: before it, after a part of its bytes, with each of
            its bits old or new, after it. Then the flash is dead: all is refused until `revive`
    sick    from this operation on so many are refused with EIO
    stuck   bits of a block that keep a value whatever is written over them
"""

from array import array

import micropython
from harness import Lcg

BLOCK = 4096
TEARS = ("before", "prefix", "bits", "after")
_EIO = -5
_ERASED = b"\xff" * BLOCK


@micropython.viper
def _copy(to: ptr8, cells: ptr8, start: int, n: int):
    for i in range(n):
        to[i] = cells[start + i]


@micropython.viper
def _program(cells: ptr8, start: int, bits: ptr8, n: int):
    for i in range(n):
        cells[start + i] = cells[start + i] & bits[i]


@micropython.viper
def _mix(new: ptr8, old: ptr8, n: int, seed: int):
    # each bit old or new
    for i in range(n):
        seed = seed * 1664525 + 1013904223
        m = (seed >> 16) & 255
        new[i] = (new[i] & m) | (old[i] & (255 ^ m))


class Flash:
    """base: blocks as bytes, None where one is erased; they are never written to."""

    def __init__(self, base):
        self.base = base
        self.n_blocks = len(base)
        self.over = {}
        self.operations = 0
        self.dead = False
        self.cut = -1  # number of the operation
        self.tear = 0
        self.sick = (-1, 0)  # first operation, how many
        self.stuck = {}  # by block: [(byte, mask, value)]
        self.recent = array("h", bytes(24))  # blocks that were programmed
        self._at = 0
        self.chance = Lcg(1)

    def blocks(self):
        """Return all blocks as bytes, None where one is erased: a base for others."""
        out = []
        for i in range(self.n_blocks):
            cells = self._cells(i)
            out.append(None if cells == _ERASED else bytes(cells))
        return out

    def revive(self):
        """The power comes back."""
        self.dead, self.cut = False, -1

    def _cells(self, block):
        return self.over.get(block) or self.base[block] or _ERASED

    def _own(self, block):
        if block not in self.over:
            self.over[block] = bytearray(self._cells(block))
        return self.over[block]

    def flip(self, block, byte, mask):
        """A cell changes by itself."""
        self._own(block)[byte] ^= mask

    def used(self):
        """Return the numbers of blocks that are not erased."""
        return [i for i in range(self.n_blocks) if self.over.get(i) or self.base[i]]

    # --- as LittleFS has it -----------------------------------------------------------------------

    def readblocks(self, block, buf, start=0):
        if self.dead or not 0 <= block < self.n_blocks or start + len(buf) > BLOCK:
            return _EIO
        _copy(buf, self._cells(block), start, len(buf))
        return 0

    def writeblocks(self, block, buf, start=0):
        if self.dead or not 0 <= block < self.n_blocks or start + len(buf) > BLOCK:
            return _EIO
        if self.recent[self._at] != block:
            self._at = (self._at + 1) % len(self.recent)
            self.recent[self._at] = block
        return self._carry_out(block, start, buf)

    def ioctl(self, operation, argument):
        if operation == 4:
            return self.n_blocks
        if operation == 5:
            return BLOCK
        if operation == 6:
            if self.dead or not 0 <= argument < self.n_blocks:
                return _EIO
            return self._carry_out(argument, 0, _ERASED)
        return 0

    def _carry_out(self, block, start, bits):
        n, self.operations = self.operations, self.operations + 1
        first, many = self.sick
        if first <= n < first + many:
            return _EIO
        cells = self._own(block)
        if n == self.cut:
            self.dead = True
            new = bytearray(bits)
            if bits is not _ERASED:
                _program(new, 0, memoryview(cells)[start : start + len(bits)], len(bits))
            tear = TEARS[self.tear]
            if tear == "before":
                return _EIO
            if tear == "prefix":
                new = new[: self.chance.below(len(new))]
            elif tear == "bits":
                old = cells[start : start + len(new)]
                _mix(new, old, len(new), self.chance.below(65536))
            cells[start : start + len(new)] = new
        elif bits is _ERASED:
            _copy(cells, _ERASED, 0, BLOCK)
        else:
            _program(cells, start, bits, len(bits))
        for byte, mask, value in self.stuck.get(block, ()):
            if start <= byte < start + len(bits):
                cells[byte] = cells[byte] & ~mask | value & mask
        return _EIO if self.dead else 0
