# type: ignore
# ruff: noqa: F821, SIM115
# The flash chip: a NOR array in the image file. Enters: block operations of the file system.
# Leaves: the image, and a journal of all operations. The power can fail in any of them.
import micropython
from micropython import const

_BLOCK_BYTES = const(4096)  # The erase sector.


@micropython.viper
def _program(cells: ptr8, bits: ptr8, n: int):
    for i in range(n):
        bits[i] = cells[i] & bits[i]


class Flash:
    # Block device over the image file. Erasing sets bits, and programming can only clear them. If
    # there is a journal, every operation is written to it before the cells change (powercut.py
    # reads it): u8 kind (1 program, 2 erase, 3 mark), u32 address, u32 length, then the bytes
    # (not for an erase).

    def __init__(self, path, base, size, journal, cut_at, cut_keep, on_cut):
        self._cells = open(path, "r+b")
        self._base = base
        self._n_blocks = size // _BLOCK_BYTES
        self._journal = open(journal, "ab") if journal else None
        self._n_operations = 0
        self._cut_at = cut_at
        self._cut_keep = cut_keep
        self._on_cut = on_cut  # It does not return.
        self._old = bytearray(_BLOCK_BYTES)
        self._new = bytearray(_BLOCK_BYTES)
        self._erased = bytes(b"\xff" * _BLOCK_BYTES)

    def _record(self, kind, address, n, payload):
        if self._journal:
            self._journal.write(
                bytes((kind,)) + address.to_bytes(4, "little") + n.to_bytes(4, "little")
            )
            if payload is not None:
                self._journal.write(payload)

    def _alter(self, address, n, payload):
        # Carry out one flash operation. If its index is cut_at, the power fails in it.
        self._record(1 if payload is not None else 2, address, n, payload)
        dies = self._n_operations == self._cut_at
        self._n_operations += 1
        if payload is not None:
            self._new[:n] = payload
            self._cells.seek(address)
            self._cells.readinto(self._old, n)
            _program(self._old, self._new, n)
        self._cells.seek(address)
        source = self._erased if payload is None else self._new
        self._cells.write(source, min(n, self._cut_keep) if dies else n)
        if dies:
            self._on_cut()

    def mark(self, text):
        payload = text.encode()
        self._record(3, 0, len(payload), payload)

    def readblocks(self, block, buf, offset=0):
        self._cells.seek(self._base + block * _BLOCK_BYTES + offset)
        self._cells.readinto(buf)

    def writeblocks(self, block, buf, offset=None):
        view = memoryview(buf)
        if offset is None:  # The simple interface (FAT) writes whole blocks: erase them first.
            for i in range(len(view) // _BLOCK_BYTES):
                self.ioctl(6, block + i)
            offset = 0
        address = self._base + block * _BLOCK_BYTES + offset
        for i in range(0, len(view), _BLOCK_BYTES):
            part = view[i : i + _BLOCK_BYTES]
            self._alter(address + i, len(part), part)

    def ioctl(self, operation, argument):
        if operation == 4:
            return self._n_blocks
        if operation == 5:
            return _BLOCK_BYTES
        if operation == 6:
            self._alter(self._base + argument * _BLOCK_BYTES, _BLOCK_BYTES, None)
        return 0

    def close(self):
        self._cells.close()
        if self._journal:
            self._journal.close()
