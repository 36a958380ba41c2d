"""Measure the sensor for `nearhum doctor`. Runs under MicroPython while the detector is stopped.

Enters: the board's settings, and some seconds of samples. Leaves: one line, `doctor {...}`, with
versions, free memory, and what the sensor delivers. If the sensor does not answer, the line lists
the other devices on its bus. The host judges the figures (nearhum_host/boards/sensor_check.py).
"""

import gc
import json
import os
import sys
import time
from array import array

N_JUDGED = 64  # Frames of a block used for statistics, to save time. All frames are counted.
IDENTITIES = (0x75, 0x0F, 0x13, 0x02, 0x00)  # Registers with the identity of known chips.


def board_facts(root):
    """Return versions, and free memory and flash."""
    import machine
    from nearhum import __version__

    gc.collect()
    block, _, n_blocks, n_free = os.statvfs(root)[:4]
    return {
        "nearhum": __version__,
        "micropython": sys.version.split("; ")[-1],
        "machine": getattr(sys.implementation, "_machine", sys.platform),
        "clock_hz": machine.freq() if hasattr(machine, "freq") else None,
        "reset_cause": machine.reset_cause() if hasattr(machine, "reset_cause") else None,
        "mem_free": gc.mem_free(),
        "flash_free": block * n_free,
        "flash_size": block * n_blocks,
    }


def levels(given):
    """Return the levels of an idle I2C bus. Both are 1 if pull-ups and wires are right."""
    from machine import Pin

    return {name: Pin(given[name], Pin.IN).value() for name in ("sda", "scl") if name in given}


def scan(given):
    """Return [[address, [[register, value] ...]] ...] of what answers on the I2C bus of a
    source.
    """
    from machine import I2C, Pin

    bus = I2C(given.get("i2c", 0), sda=Pin(given["sda"]), scl=Pin(given["scl"]), freq=100000)
    one, found = bytearray(1), []
    for address in range(0x08, 0x78):
        told = []
        try:
            for register in IDENTITIES:
                bus.readfrom_mem_into(address, register, one)
                told.append([register, one[0]])
        except OSError:
            if not told:
                continue
        found.append([address, told])
    return found


def measure(source, config, seconds):
    """Return what a source delivers: frames, gaps, times, and count, mean, spread and ends of
    each channel.
    """
    n = config["n_subcarriers"] or config["n_channels"]
    block = array("h", bytes(1024 // (2 * n) * 2 * n))
    n_judged, sums, squares = 0, [0] * n, [0] * n
    low, high = [32767] * n, [-32768] * n
    n_frames = n_gaps = n_faults = longest_us = 0
    fault, first_us, last_us = "", None, None
    began_ms, turned_us = time.ticks_ms(), time.ticks_us()
    while time.ticks_diff(time.ticks_ms(), began_ms) < seconds * 1000:
        try:
            got = source.read_into(block)
        except Exception as e:
            n_faults += 1
            fault = getattr(e, "message", None) or repr(e)
            time.sleep_ms(20)
            continue
        now = time.ticks_us()
        longest_us = max(longest_us, time.ticks_diff(now, turned_us))
        turned_us = now
        if got == -1:
            n_gaps += 1
        if got == -2:
            break
        if got <= 0:
            time.sleep_ms(1)
            continue
        if first_us is None:
            first_us = now  # Samples that were in the FIFO before are not counted.
        else:
            n_frames += got
            last_us = now
        for i in range(0, min(got, N_JUDGED) * n, n):
            for c in range(n):
                v = block[i + c]
                sums[c] += v
                squares[c] += v * v
                if v < low[c]:
                    low[c] = v
                if v > high[c]:
                    high[c] = v
        n_judged += min(got, N_JUDGED)
    return {
        "n_frames": n_frames,
        "measured_us": time.ticks_diff(last_us, first_us) if n_frames else 0,
        "n_gaps": n_gaps,
        "n_faults": n_faults,
        "fault": fault,
        "late": getattr(source, "late", 0),
        "longest_us": longest_us,
        "n_judged": n_judged,
        "sums": sums,
        "squares": squares,
        "low": low,
        "high": high,
    }


def examine(root, seconds):
    """Return all findings as a dict. An error is in it as error and hint."""
    from nearhum import board
    from nearhum.errors import NearhumError
    from nearhum.storage import deployed

    found = {"board": board_facts(root)}
    try:
        config = deployed.load_config(root)
        given = config["source"]
        found["config"] = {
            key: config[key]
            for key in (
                "board",
                "kind",
                "path",
                "rate_hz",
                "n_channels",
                "n_subcarriers",
                "source",
                "recognise",
            )  # fmt: skip
        }
        if "sda" in given:
            found["levels"] = levels(given)
        try:
            source = board.open_source(config)
        except (NearhumError, OSError):
            if "sda" in given:
                found["bus"] = scan(given)
            raise
        found["unit"], found["counts"] = (
            getattr(source, "unit", "g" if hasattr(source, "who") else ""),
            getattr(source, "counts", 1),
        )
        if hasattr(source, "who"):
            found["chip"] = source.read(source.who, source.one)[0]
        gc.collect()
        found["measured"] = measure(source, config, seconds)
        source.close()
    except (NearhumError, OSError) as e:
        found["error"], found["hint"] = getattr(e, "message", repr(e)), getattr(e, "hint", "")
    return found


def main(root, seconds):
    """Print what was found."""
    print("doctor " + json.dumps(examine(root, seconds)))
