"""Every power cut of one run: replay a flash journal up to each operation, with that operation
torn.

One run of the board writes the journal (VirtualBoard(journal=...)); from it come all the images a
power cut could have left, without starting a board for each. Killing a process never tears a write:
this does.
"""

import random
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROGRAM, ERASE, MARK = 1, 2, 3


@dataclass(frozen=True)
class FlashOperation:
    """One entry: kind, byte address in the chip, length in bytes, payload (the bits, or a
    mark's text).
    """

    kind: int
    address: int
    length: int
    payload: bytes = b""


@dataclass(frozen=True)
class Cut:
    """One way in which the power can fail in an operation: which cells it leaves there, at
    which address.

    tear: "before" it (no cells), after a "prefix" of its bytes, with each of its "bits" old or new.
    index: of the operation. read: bytes of the journal before it: what had happened by then.
    """

    index: int
    read: int
    tear: str
    address: int
    cells: bytes


@dataclass(frozen=True)
class CutState:
    """An image after a Cut, or at the "end" of the run.

    marks: what the board had marked by then.
    """

    index: int
    tear: str
    image: bytes
    marks: tuple[str, ...]


def read_journal(path: Path) -> Iterator[FlashOperation]:
    """Yield the operations in order; an entry that was itself cut off at the end is left out."""
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
    """A flash image on its way through a journal.

    image: as the operations up to now have left it.
    """

    def __init__(self, start: bytes, seed: int = 0) -> None:
        self.image = bytearray(start)
        self.index = 0
        self.read = 0
        self.marks: list[str] = []
        self._chance = random.Random(seed)
        self._operation = FlashOperation(MARK, 0, 0)

    def take(self, operation: FlashOperation) -> bool:
        """Look at the next operation; False for a mark, which is no operation.

        `done` carries it out.
        """
        self._operation = operation
        if operation.kind == MARK:
            self.marks.append(operation.payload.decode())
            self.read += 9 + operation.length
            return False
        return True

    def cuts(self, n_bits: int = 1) -> Iterator[Cut]:
        """Yield every kind of cut in the operation that was taken; n_bits: with random bits so
        many times.

        Raises ValueError where the run programmed a cell that was not erased: real flash would hold
        the AND.
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
        """Return what the operation that was taken leaves in its cells.

        Raises ValueError as cuts does.
        """
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
        """Carry out the operation that was taken."""
        operation = self._operation
        self.image[operation.address : operation.address + operation.length] = self.cells()
        self.read += 9 + len(operation.payload)
        self.index += 1


def cut_states(
    start: bytes, journal: Iterable[FlashOperation], seed: int = 0
) -> Iterator[CutState]:
    """Yield each state a power cut could leave, beginning from the image start.

    Raises ValueError as Replay.cuts.
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
