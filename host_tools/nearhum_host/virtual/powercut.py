"""Every power cut of one run: replay a flash journal up to each operation, with that operation torn.

One run of the board writes the journal (VirtualBoard(journal=...)); from it come all the images a power cut
could have left, without starting a board for each. Killing a process never tears a write: this does.
"""

import random
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROGRAM, ERASE, MARK = 1, 2, 3


@dataclass(frozen=True)
class FlashOperation:
    """One entry: kind, byte address in the chip, length in bytes, payload (the bits, or a mark's text)."""

    kind: int
    address: int
    length: int
    payload: bytes = b""


@dataclass(frozen=True)
class CutState:
    """An image after the power failed in operation index: "before" it, after a "prefix" of its bytes, with
    each of its "bits" old or new, or at the "end" of the run. marks: what the board had marked by then."""

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


def cut_states(start: bytes, journal: Iterable[FlashOperation], seed: int = 0) -> Iterator[CutState]:
    """Yield each state a power cut could leave, beginning from the image start.

    Raises ValueError where the run programmed a cell that was not erased: real flash would hold the AND.
    """
    image = bytearray(start)
    chance = random.Random(seed)
    marks: list[str] = []
    index = 0
    for operation in journal:
        if operation.kind == MARK:
            marks.append(operation.payload.decode())
            continue
        where = slice(operation.address, operation.address + operation.length)
        old = bytes(image[where])
        if operation.kind == ERASE:
            new = b"\xff" * operation.length
        else:
            new = bytes(a & b for a, b in zip(old, operation.payload, strict=True))
            if new != operation.payload:
                raise ValueError(f"operation {index} programs cells not erased, at {operation.address:#x}")
        yield CutState(index, "before", bytes(image), tuple(marks))
        reached = chance.randrange(1, operation.length) if operation.length > 1 else 0
        image[where] = new[:reached] + old[reached:]
        yield CutState(index, "prefix", bytes(image), tuple(marks))
        stayed = chance.randbytes(operation.length)
        image[where] = bytes(o & s | n & ~s for o, n, s in zip(old, new, stayed, strict=True))
        yield CutState(index, "bits", bytes(image), tuple(marks))
        image[where] = new
        index += 1
    yield CutState(index, "end", bytes(image), tuple(marks))
