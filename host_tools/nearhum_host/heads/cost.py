"""What a head takes on a board: flash, heap and time, before it is deployed.

Estimates, from what was measured.

The time of a multiplication is that of the dense layer of 64 by 16 in PERFORMANCE.md, measured on
an emulated RP2040 at 125 MHz; on an ESP32 nobody has measured it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .layers import CONVOLUTION, POOLING, Layer

ASM_US, VIPER_US = 38 / 1024, 176 / 1024  # a multiplication with its sum, see PERFORMANCE.md
POSITION_US = 9.0  # a call for each further position of a convolution, in bytecode
BLOCK_BYTES = 4096  # of the boards' file systems
OBJECT_BYTES = 480  # of a layer's objects on a 32-bit board, without its weights
VIEW_BYTES = 16  # of a memoryview; a position of a convolution has two


def cost(n_in: int, layers: Sequence[Layer], file_bytes: int) -> dict[str, Any]:
    """Return what layers on n_in features take: flash and heap in bytes, multiplications and
    microseconds a window.
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
