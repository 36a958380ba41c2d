"""Generate every flash image that a power cut in one run of a board could leave.

Enters: a flash image, and the journal of flash operations of one run (VirtualBoard(journal=...)).
Leaves: images, each with one operation torn.

The journal is replayed up to each operation, so a board need not be started for each image. Killing
a process would not do, because it never tears a write.
"""

import random
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROGRAM, ERASE, MARK = 1, 2, 3


@dataclass(frozen=True)
class FlashOperation:
    """One entry of the journal.

    kind: PROGRAM, ERASE or MARK. address: in the chip, bytes. length: bytes.
    payload: the bytes programmed, or a mark's text.
    """

    kind: int
    address: int
    length: int
    payload: bytes = b""


@dataclass(frozen=True)
class Cut:
    """One way in which the power can fail in an operation.

    index: of the operation. read: bytes of the journal before it.
    tear: "before" the operation, after a "prefix" of its bytes, or with each of its "bits" old or
        new at random.
    address, cells: what the chip holds there afterwards. No cells for "before".
    """

    index: int
    read: int
    tear: str
    address: int
    cells: bytes


@dataclass(frozen=True)
class CutState:
    """An image after a Cut, or at the "end" of the run.

    marks: texts that the board had written to the journal by then (virtual_board.mark).
    """

    index: int
    tear: str
    image: bytes
    marks: tuple[str, ...]


def read_journal(path: Path) -> Iterator[FlashOperation]:
    """Yield the operations of a journal in order. An incomplete entry at the end is left out."""
    raw = path.read_bytes()
    at = 0
    while at + 9 <= len(raw):
        kind, address, length = struct.unpack_from("<BII", raw, at)
        at += 9
        if kind == ERASE:
            yield FlashOperation(kind, address, length)
        elif at + length <= len(raw):
            yield FlashOperation(kind, address, length, raw[at : at + length])
            at += length
        else:
            return


class Replay:
    """Applies the operations of a journal to a flash image.

    image: after the operations so far. index: number of operations so far. read: bytes of the
    journal so far. seed: of the random tears.
    """

    def __init__(self, start: bytes, seed: int = 0) -> None:
        self.image = bytearray(start)
        self.index = 0
        self.read = 0
        self.marks: list[str] = []
        self._chance = random.Random(seed)
        self._operation = FlashOperation(MARK, 0, 0)

    def take(self, operation: FlashOperation) -> bool:
        """Take the next operation, without applying it: see `done`.

        Returns False for a mark, which does not change the flash.
        """
        self._operation = operation
        if operation.kind == MARK:
            self.marks.append(operation.payload.decode())
            self.read += 9 + operation.length
            return False
        return True

    def cuts(self, n_bits: int = 1) -> Iterator[Cut]:
        """Yield every kind of cut in the operation taken.

        n_bits: number of cuts with random bits.
        Raises ValueError if the run set a bit that was not erased: real flash would keep it 0.
        """
        address, n = self._operation.address, self._operation.length
        old, new = bytes(self.image[address : address + n]), self.cells()
        yield Cut(self.index, self.read, "before", address, b"")
        reached = self._chance.randrange(1, n) if n > 1 else 0
        yield Cut(self.index, self.read, "prefix", address, new[:reached] + old[reached:])
        for _ in range(n_bits):
            stayed = int.from_bytes(self._chance.randbytes(n), "little")
            o, w = int.from_bytes(old, "little"), int.from_bytes(new, "little")
            cells = (o & stayed | w & ~stayed).to_bytes(n, "little")
            yield Cut(self.index, self.read, "bits", address, cells)

    def cells(self) -> bytes:
        """Return the cells after the operation taken. Raises ValueError as cuts does."""
        operation = self._operation
        if operation.kind == ERASE:
            return b"\xff" * operation.length
        old = bytes(self.image[operation.address : operation.address + operation.length])
        new = bytes(a & b for a, b in zip(old, operation.payload, strict=True))
        if new != operation.payload:
            raise ValueError(
                f"operation {self.index} programs cells not erased, at {operation.address:#x}"
            )
        return new

    def done(self) -> None:
        """Apply the operation taken."""
        operation = self._operation
        self.image[operation.address : operation.address + operation.length] = self.cells()
        self.read += 9 + len(operation.payload)
        self.index += 1


def cut_states(
    start: bytes, journal: Iterable[FlashOperation], seed: int = 0
) -> Iterator[CutState]:
    """Yield each state that a power cut could leave.

    start: the flash image before the journal. Raises ValueError as Replay.cuts.
    """
    replay = Replay(start, seed)
    for operation in journal:
        if not replay.take(operation):
            continue
        for cut in replay.cuts():
            image = bytearray(replay.image)
            image[cut.address : cut.address + len(cut.cells)] = cut.cells
            yield CutState(cut.index, cut.tear, bytes(image), tuple(replay.marks))
        replay.done()
    yield CutState(replay.index, "end", bytes(replay.image), tuple(replay.marks))
