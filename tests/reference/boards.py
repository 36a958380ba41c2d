"""Call a board's pipeline under MicroPython (run_board.py), and decode its answers exactly."""

from __future__ import annotations

import contextlib
import json
import math
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from device.run import micropython

ROOT = Path(__file__).parents[2]

Call = Callable[..., Any]


@contextlib.contextmanager
def opened() -> Iterator[Call | None]:
    """Yield call(name, argument, ...), or None if there is no MicroPython unix port."""
    interpreter = micropython()
    if interpreter is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [
            interpreter,
            "-X",
            "heapsize=4M",
            str(ROOT / "tests" / "reference" / "run_board.py"),
        ]
        command += [str(ROOT / "firmware"), folder + "/"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin
            assert process.stdout
            there, back = process.stdin, process.stdout

            def call(*arguments: Any) -> Any:
                there.write(json.dumps(arguments) + "\n")
                there.flush()
                answer = back.readline()
                assert answer, "the board died"
                return json.loads(answer)

            yield call
            with contextlib.suppress(BrokenPipeError):
                there.close()


def moments(packed: str) -> tuple[int, list[int], list[int]]:
    """Return (count, sums, sums of squares) of a packed prototype, given in hexadecimal."""
    raw = bytes.fromhex(packed)
    n = (len(raw) - 4) // 12
    halves = struct.unpack_from(f"<{2 * n}i", raw, 4 + 4 * n)
    squares = [(halves[2 * i] << 24) + halves[2 * i + 1] for i in range(n)]
    return struct.unpack_from("<I", raw)[0], list(struct.unpack_from(f"<{n}i", raw, 4)), squares


def means(packed: str) -> list[Fraction]:
    """Return the mean in each dimension, in int8 steps."""
    count, sums, _ = moments(packed)
    return [Fraction(s, count) for s in sums]


def spread(packed: str) -> list[Fraction]:
    """Return the prototype's standard deviation in each dimension, in steps, rounded up."""
    count, sums, squares = moments(packed)
    return [root(Fraction(q * count - s**2, count**2)) for s, q in zip(sums, squares, strict=True)]


def root(x: Fraction) -> Fraction:
    """Return the square root of x, rounded up to a multiple of 2^-20."""
    return Fraction(math.isqrt(int(x * 2**40)) + 1, 2**20)
