"""Watchdog: the chip's own timer, which resets a board whose loop stalls.

Enters: a time in seconds. Leaves: a timer that the loop feeds. Loaded only if `watchdog_s` is set.

MicroPython cannot stop a watchdog. But at the REPL nothing feeds it, and a board that resets every
few seconds could not be reached there. So Ctrl-C pauses it before the prompt appears. On an RP2040
and an RP2350 this clears the enable bit in the register, because their ports refuse more than
8.4 s (RP2040 datasheet 4.7.6: CTRL, bit 30 ENABLE; 2.1.2: a write to an address 0x3000 higher
clears bits; the RP2350 differs only in the address). On any other chip, such as an ESP32, the
watchdog is restarted with a time of eleven days.
"""

import os

import machine

# Address of CTRL, the first register of the watchdog (pico-sdk, addressmap.h: WATCHDOG_BASE).
_CTRL = {"RP2040": 0x40058000, "RP2350": 0x400D8000}
_CLEAR = 0x3000  # offset of the alias that clears the bits written to it
_ENABLE = 1 << 30
_LONGEST_MS = 1000000000  # 11.6 days


def start(seconds):
    """Start the watchdog and return it. Its `feed` must be called at least once in that time.

    seconds: 1 to 8, because an RP2040 counts no further than 8.3 s.
    """
    return machine.WDT(timeout=seconds * 1000)


def pause():
    """Pause the watchdog until the next `start`."""
    name = os.uname().machine.upper()
    for chip in _CTRL:
        if chip in name:
            machine.mem32[_CTRL[chip] + _CLEAR] = _ENABLE
            return
    machine.WDT(timeout=_LONGEST_MS)
