"""Learned states of imaginary boards, made by the firmware under MicroPython
(reference/run_states.py).
"""

import json
import struct
import subprocess
from base64 import b64decode, b64encode
from functools import cache
from pathlib import Path
from typing import Any

from nearhum import wire
from nearhum_host.evaluation.benchmarks.runner import interpreter

SCRIPT = Path(__file__).with_name("reference") / "run_states.py"
VIBRATION = {"n_channels": 1, "n_window": 64, "n_hop": 64, "n_bands": 6}
TELEMETRY = {"n_channels": 2, "n_window": 8, "n_range": 20}


def states(boards: list[dict[str, Any]], timeout_s: float = 300) -> list[bytes]:
    """Return the state image of each board."""
    return list(_states(json.dumps(boards), timeout_s))


@cache
def _states(asked: str, timeout_s: float) -> tuple[bytes, ...]:
    command = [interpreter(), "-X", "heapsize=64M", str(SCRIPT)]
    done = subprocess.run(
        command, capture_output=True, text=True, input=asked + "\n", timeout=timeout_s
    )
    assert done.returncode == 0, done.stderr
    return tuple(b64decode(line) for line in done.stdout.split())


def board(
    seed: int, modes: list[tuple[int, int, int]], kind: str = "vibration", **more: Any
) -> dict[str, Any]:
    """Return a description for `states`. modes: (windows, level, tone)."""
    settings = TELEMETRY if kind == "telemetry" else VIBRATION
    return {"kind": kind, "settings": settings, "seed": seed, "modes": modes, **more}


def modes_of(
    image: bytes, n_dims: int, n_ranged: int = 0
) -> list[tuple[str, int, list[int], list[int]]]:
    """Return (name, count, sums, sums of squares) of each mode in a state image.

    They are read from the bytes here, independently of the firmware.
    """
    body = bytes(wire.unseal(wire.STATE_MAGIC, image, "it")[2])
    n, at = _first_mode(body, n_ranged)
    out = []
    for _ in range(n):
        name = body[at + 1 : at + 1 + body[at]].decode()
        at += 1 + body[at]
        count, *values = struct.unpack_from(f"<I{3 * n_dims}i", body, at)
        at += 4 + 12 * n_dims
        squares = [
            (values[n_dims + 2 * i] << 24) + values[n_dims + 2 * i + 1] for i in range(n_dims)
        ]
        out.append((name, count, values[:n_dims], squares))
    return out


def _first_mode(body: bytes | bytearray, n_ranged: int) -> tuple[int, int]:
    """Return the number of modes, and the offset of the first, after the scores of the learning
    period.
    """
    at = 8 * n_ranged + 2
    n, at = body[at], at + struct.calcsize("<BhIIIiB")
    n_blocks = struct.unpack_from("<II", body, at)[1]
    at += struct.calcsize("<IIIhhIbi")
    at += 2 + 2 * body[at + 1]  # Bins of the histogram.
    at += 2 * min(n_blocks, 32)  # The largest scores.
    return n, at + 1 + 2 * body[at]  # The scores that were skipped.


def with_modes(image: bytes, modes: list[tuple[str, int, list[int], list[int]]]) -> bytes:
    """Return a state image with other values for its modes. Their number and names stay."""
    fingerprint, sequence, packed = wire.unseal(wire.STATE_MAGIC, image, "it")
    body, n_dims = bytearray(packed), len(modes[0][2])
    _, at = _first_mode(body, 0)
    for _, count, sums, squares in modes:
        at += 1 + body[at]
        halves = [half for square in squares for half in (square >> 24, square & 0xFFFFFF)]
        struct.pack_into(f"<I{3 * n_dims}i", body, at, count, *sums, *halves)
        at += 4 + 12 * n_dims
    return wire.seal(wire.STATE_MAGIC, fingerprint, sequence, bytes(body))


def started_from(
    prior: bytes, kind: str, seed: int, modes: list[tuple[int, int, int]]
) -> dict[str, Any]:
    """Return what a new board makes of a prior and of windows of these modes, see
    reference/run_prior.py.
    """
    settings = TELEMETRY if kind == "telemetry" else VIBRATION
    asked = {
        "kind": kind,
        "settings": settings,
        "prior": b64encode(prior).decode(),
        "seed": seed,
        "modes": modes,
    }
    command = [interpreter(), "-X", "heapsize=8M", str(SCRIPT.with_name("run_prior.py"))]
    done = subprocess.run(
        command, capture_output=True, text=True, input=json.dumps(asked) + "\n", timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
