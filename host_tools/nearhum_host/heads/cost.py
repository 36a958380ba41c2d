"""Estimate what a head costs on a board before it is deployed: flash, heap and time.

Enters: the layers and the size of the head file. Leaves: bytes, multiplications and microseconds.

The time of one multiplication comes from the dense layer of 64 by 16 in PERFORMANCE.md, measured
on an emulated RP2040 at 125 MHz. It has not been measured on an ESP32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .layers import CONVOLUTION, POOLING, Layer

ASM_US, VIPER_US = 38 / 1024, 176 / 1024  # One multiply-accumulate, µs: see PERFORMANCE.md.
POSITION_US = 9.0  # One call from bytecode for each position of a convolution.
BLOCK_BYTES = 4096  # The boards' file systems store whole blocks of this size.
OBJECT_BYTES = 480  # The objects of one layer on a 32-bit board, without its weights.
VIEW_BYTES = 16  # One memoryview. A position of a convolution has two.


def cost(n_in: int, layers: Sequence[Layer], file_bytes: int) -> dict[str, Any]:
    """Estimate the cost of layers on n_in features.

    file_bytes: size of the whole head file.
    Returns flash and heap in bytes, and for each window the number of multiplications and the time
    in µs, with the RP2040's assembler kernels and with viper kernels.
    """
    heap, n_macs, calls = 0, 0, 0
    for layer in layers:
        n_out = layer.n_out(n_in)
        heap += OBJECT_BYTES + n_out
        if layer.kind != POOLING:
            positions = layer.n_positions(n_in)
            n_macs += positions * layer.weights.size
            heap += layer.weights.size + 10 * len(layer.weights) + layer.weights.shape[1]
            if layer.kind == CONVOLUTION:
                calls += positions
                heap += 2 * VIEW_BYTES * positions
        n_in = n_out
    return {
        "flash_bytes": -(-file_bytes // BLOCK_BYTES) * BLOCK_BYTES,
        "heap_bytes": heap,
        "multiplications": n_macs,
        "rp2040_asm_us": round(n_macs * ASM_US + calls * POSITION_US, 1),
        "any_viper_us": round(n_macs * VIPER_US + calls * POSITION_US, 1),
    }
