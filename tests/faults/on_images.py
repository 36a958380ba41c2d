"""Run a script of device/ under MicroPython on images of a flash, as power cuts would leave it.

Enters: the journal of a flash's operations. Leaves: the script's answer for each cut.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from device.run import micropython
from nearhum_host.virtual.chips import chip_named
from nearhum_host.virtual.powercut import Cut, FlashOperation, Replay

T = TypeVar("T")
P = TypeVar("P", bound="OnImages")
N_AT_ONCE = max(2, os.cpu_count() or 2)
DEVICE = Path(__file__).parent / "device"


class OnImages:
    """The process, which takes lines of JSON. A context manager.

    An image is the base with the cells that a case writes over it. script: its name in device/. Its
    arguments are the file of the base, the geometry of the flash model, the card, and `more`.
    """

    def __init__(self, script: str, model: str, base: bytes, card: Path, *more: str) -> None:
        chip = chip_named(model)
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(base)
        self._image = Path(file.name)
        interpreter = micropython()
        assert interpreter, "no MicroPython unix port"
        geometry = (chip.fs_offset, chip.fs_bytes // 4096, chip.prog_bytes)
        arguments = [str(DEVICE / script), file.name, *map(str, geometry), str(card), *more]
        self._process = subprocess.Popen(
            [interpreter, "-X", "heapsize=16M", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._image.unlink()

    def done(self, address: int, cells: bytes) -> None:
        """Carry out an operation on the base."""
        self._send("done", address, cells.hex())

    def ask(self, what: str, address: int, cells: bytes, *more: object) -> dict:
        """Return the answer for a case: the base with these cells in it."""
        self._send(what, address, cells.hex(), *more)
        assert self._process.stdout
        for line in self._process.stdout:
            if line.startswith("answer "):
                return json.loads(line.removeprefix("answer "))
        return {"error": "MicroPython died"}

    def _send(self, *what: object) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()


def spread(n: int, most: int) -> set[int]:
    """Return at most `most` of n operations, evenly spread."""
    return {int(i * max(1.0, n / most)) for i in range(min(n, most))}


def in_shares(operations: Sequence[FlashOperation], work: Callable[[range], T]) -> list[T]:
    """Return the results of work for each share of the operations. Shares run in parallel."""
    n = len(operations)
    shares = [range(n * i // N_AT_ONCE, n * (i + 1) // N_AT_ONCE) for i in range(N_AT_ONCE)]
    with ThreadPoolExecutor(N_AT_ONCE) as pool:
        return list(pool.map(work, shares))


def each_cut(
    begin: Callable[[bytes], P],
    flash: Path,
    operations: Sequence[FlashOperation],
    share: range,
    chosen: set[int],
    n_bits: int = 1,
) -> Iterator[tuple[P, list[Cut]]]:
    """Yield (the process, the cuts of one operation, from before it to after it) for chosen
    operations.

    begin: starts the process on a base, to which the operations are then applied. flash: before
        them.
    """
    replay = Replay(flash.read_bytes(), seed=share.start)
    for operation in operations[: share.start]:
        if replay.take(operation):
            replay.done()
    with begin(bytes(replay.image)) as there:
        for i in share:
            if not replay.take(operations[i]):
                continue
            address, cells = operations[i].address, replay.cells()
            if i in chosen:
                after = Cut(replay.index, replay.read, "after", address, cells)
                yield there, [*replay.cuts(n_bits), after]
            replay.done()
            there.done(address, cells)
