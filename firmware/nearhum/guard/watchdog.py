"""Watchdog: the chip's own timer, which resets a board whose loop stalls.

Loaded where `watchdog_s` asks for it.

MicroPython cannot stop one that was started. At the REPL nobody feeds it, and a board that resets
there every few seconds could not be reached: so Ctrl-C pauses it before the prompt comes. On an
RP2040 and an RP2350 its register does that (RP2040 datasheet 4.7.6: CTRL, bit 30 ENABLE; an
address 0x3000 higher clears the bits written, 2.1.2; the same on an RP2350, at another address),
for their port refuses more than 8.4 s. On any other chip, an ESP32 say, it is started anew with the
longest time, eleven days.
"""

import os

import machine

# of CTRL, the first register of the watchdog (pico-sdk, addressmap.h: WATCHDOG_BASE)
_CTRL = {"RP2040": 0x40058000, "RP2350": 0x400D8000}
_CLEAR = 0x3000
_ENABLE = 1 << 30
_LONGEST_MS = 1000000000


def start(seconds):
    """Return what must be fed within so many seconds, 1 to 8 (an RP2040 counts no further than
    8.3).
    """
    return machine.WDT(timeout=seconds * 1000)


def pause():
    """Hold the watchdog off until the next `start`."""
    name = os.uname().machine.upper()
    for chip in _CTRL:
        if chip in name:
            machine.mem32[_CTRL[chip] + _CLEAR] = _ENABLE
            return
    machine.WDT(timeout=_LONGEST_MS)
