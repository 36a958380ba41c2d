"""Is a board's sensor wired, mounted and timed right? Findings and verdicts, in words that go into a bug report.

Enters: a port. on_board/doctor.py looks, at the raw REPL, also where the detector does not start for want of its
sensor. Leaves: facts, and a verdict with a remedy for each thing that can be wrong.
"""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nearhum import __version__

from .errors import DeviceError, HostError
from .link import connect
from .repl import stopped
from .targets import ON_BOARD

MODULE = ON_BOARD / "doctor.py"
OK, WARN, FAIL = "ok", "look", "WRONG"
SECONDS = 3.0
_AXES = "xyz"
# (register, value) of an identity: driver, and what a user may have bought
_IDENTITIES = {
    (0x75, 0x68): ("mpu6050", "an MPU-6050"),
    (0x75, 0x70): ("", "an MPU-6500, sold as MPU-6050: it has no driver yet"),
    (0x75, 0x71): ("", "an MPU-9250: it has no driver yet"),
    (0x0F, 0x33): ("lis3dh", "a LIS3DH"),
    (0x0F, 0x69): ("lsm6ds3", "an LSM6DS3"),
    (0x0F, 0x6A): ("lsm6ds3", "an LSM6DS3TR-C"),
    (0x0F, 0x6C): ("lsm6dsox", "an LSM6DSOX"),
    (0x00, 0xE5): ("adxl345", "an ADXL345"),
}
# driver: its addresses and the pin that chooses the second
_ADDRESSES = {
    "mpu6050": (0x68, 0x69, "AD0"),
    "adxl345": (0x53, 0x1D, "ALT ADDRESS"),
    "lis3dh": (0x18, 0x19, "SDO"),
    "lsm6ds3": (0x6A, 0x6B, "SDO"),
    "lsm6dsox": (0x6A, 0x6B, "SDO"),
}


@dataclass(frozen=True)
class Verdict:
    """What was looked at, how it is (OK, WARN, FAIL), what was found, and what to do about it."""

    what: str
    state: str
    found: str
    remedy: str = ""


def examine(port: str | None, seconds: float = SECONDS) -> dict[str, Any]:
    """Return what the board found, as on_board/doctor.py names it, and "port". The detector goes on afterwards.

    Raises DeviceError, and HostError where nothing was deployed.
    """
    with connect(port, resume=True) as link:
        with stopped(link, fresh=True) as repl:
            if not repl.hashes(["/nearhum/board.mpy", "/nearhum/board.py"]):
                raise HostError("nearhum is not on this board", "nearhum deploy --board NAME")
            said = repl.run(MODULE.read_text() + f"\nmain('/', {seconds})\n")
        found = _parsed(said)
        found["port"] = link.port
        try:
            found["start_fault"] = link.resume().get("fault") or ""
            found["resumed"] = True
        except DeviceError as error:
            found["resumed"], found["why_not"] = False, error.message
    return found


def _parsed(said: str) -> dict[str, Any]:
    line = next((line for line in said.splitlines() if line.startswith("doctor {")), None)
    if line is None:
        raise DeviceError(f"the board answered {said[-60:]!r}", "repeat the command")
    return json.loads(line.removeprefix("doctor "))


def verdicts(found: dict[str, Any]) -> list[Verdict]:
    """Return what to think of it, in the order of the data."""
    out = list(_wiring(found))
    if "measured" in found:
        out += [*_flow(found), *_signal(found)]
    return [*out, *_room(found)]


def facts(found: dict[str, Any]) -> dict[str, Any]:
    """Return what stands above the verdicts: versions, board, settings of the sensor."""
    board, config = found["board"], found.get("config", {})
    given = dict(config.get("source", {}))
    return {
        "host": f"nearhum {__version__}, Python {platform.python_version()} on {platform.system()}",
        "board": f"{config.get('board', '?')} on {found.get('port', '?')}, nearhum {board['nearhum']}",
        "micropython": f"{board['micropython']}, {board['machine']}",
        "clock": f"{board['clock_hz'] / 1e6:.0f} MHz" if board["clock_hz"] else "not known",
        "last reset": board["reset_cause"],
        "signal": "{}, {} channels at {} Hz".format(*(config.get(k, "?") for k in ("kind", "n_channels", "rate_hz"))),
        "source": ", ".join(f"{key} {_hex(key, value)}" for key, value in given.items()),
        "chip": f"0x{found['chip']:02x}" if "chip" in found else "not known",
    }


def _hex(key: str, value: Any) -> str:
    return f"0x{value:02x}" if key == "address" and isinstance(value, int) else str(value)


# ---- wires and chip ---------------------------------------------------------------------------------


def _wiring(found: dict[str, Any]) -> Iterator[Verdict]:
    if "error" not in found:
        if "chip" in found:
            yield Verdict("chip", OK, f"it answers, identity 0x{found['chip']:02x}")
        return
    given = found.get("config", {}).get("source", {})
    if "bus" not in found:
        yield Verdict("sensor", FAIL, found["error"], found["hint"] or "boards/README.md says what each driver needs")
        return
    bus, where = found["bus"], f"I2C {given.get('i2c', 0)}"
    driver = given.get("driver", "")
    usual = _ADDRESSES.get(driver, (0, 0, ""))
    address = given.get("address", usual[0])
    at: dict[int, Any] = dict(bus)
    low = [name.upper() for name, level in found.get("levels", {}).items() if not level]
    if not bus:
        if low:
            remedy = f"{' and '.join(low)} is low at rest: no pull-ups, no power at the sensor, or a wire on GND"
        else:
            pins = f"SDA to pin {given['sda']}, SCL to pin {given['scl']}"
            remedy = f"nothing answers at all: power (3.3 V, GND)? {pins}, not swapped? A loose contact?"
        yield Verdict("sensor", FAIL, f"no device on {where}", remedy)
    elif len(bus) > 100:
        yield Verdict("sensor", FAIL, f"every address of {where} answers", "SDA lies on GND: check the wire")
    elif address in at:
        what = _known(at[address])
        remedy = (
            f'it is {what[1]}: set driver = "{what[0]}"' if what and what[0] else f"it is {what[1]}" if what else ""
        )
        remedy = remedy or "another chip, or a copy: its data sheet tells; it needs a driver of its own"
        yield Verdict("sensor", FAIL, f"{found['error']} at 0x{address:02x} on {where}", remedy)
    else:
        others = ", ".join(f"0x{one:02x}" for one in at)
        remedy = f"set address = {others} if that is the sensor"
        for one in at:
            what = _known(at[one])
            if what and what[0] == driver:
                pin = f"{usual[2]} is {'high' if one == usual[1] else 'low'}: " if one in usual[:2] else ""
                remedy = f"{pin}set address = 0x{one:02x}"
            elif what and what[0]:
                remedy = f'0x{one:02x} is {what[1]}: set driver = "{what[0]}"'
        yield Verdict("sensor", FAIL, f"no device at 0x{address:02x} on {where}: found {others}", remedy)


def _known(told: list[list[int]]) -> tuple[str, str] | None:
    return next((_IDENTITIES[register, value] for register, value in told if (register, value) in _IDENTITIES), None)


# ---- time -------------------------------------------------------------------------------------------


def _flow(found: dict[str, Any]) -> Iterator[Verdict]:
    measured, rate = found["measured"], found["config"]["rate_hz"]
    driver = found["config"]["source"].get("driver")
    if measured["n_faults"]:
        yield Verdict(
            "faults", FAIL, f"{measured['n_faults']} reads failed: {measured['fault']}",
            "a loose contact, long wires, weak pull-ups (4.7 kOhm is usual), or freq_hz too high",
        )  # fmt: skip
    if not measured["n_frames"]:
        remedy = (
            "push comes from your own code, which did not run now" if driver == "push" else "is it asleep? Power it off"
        )
        yield Verdict("rate", WARN if driver == "push" else FAIL, "no samples came", remedy)
        return
    true = measured["n_frames"] * 1e6 / measured["measured_us"]
    off = true / rate - 1
    text = f"{true:.1f} Hz by the board's clock, {rate:g} set ({off:+.1%}; {measured['n_frames']} frames)"
    if abs(off) <= 0.02 or abs(true - rate) * measured["measured_us"] < 2e6:
        yield Verdict("rate", OK, text)
    else:
        far = "the driver and the chip disagree: report this" if abs(off) > 0.15 else ""
        yield Verdict(
            "rate", WARN, text, far or f"the chip's own clock; set rate_hz = {true:.0f} only if the driver takes it"
        )
    if measured["n_gaps"]:
        yield Verdict(
            "overruns", FAIL, f"{measured['n_gaps']} in {measured['measured_us'] / 1e6:.1f} s",
            "lower rate_hz, or raise freq_hz of the bus",
        )  # fmt: skip
    else:
        yield Verdict("overruns", OK, "none")
    if measured["late"]:
        share = measured["late"] / measured["n_frames"]
        yield Verdict("jitter", WARN, f"{share:.1%} of the samples were late", "lower rate_hz")


# ---- what it measures -------------------------------------------------------------------------------


def statistics(measured: dict[str, Any]) -> list[tuple[float, float]]:
    """Return mean and standard deviation of each channel, in counts."""
    n = max(1, measured["n_judged"])
    out = []
    for total, squares in zip(measured["sums"], measured["squares"], strict=True):
        mean = total / n
        out.append((mean, math.sqrt(max(0.0, squares / n - mean * mean))))
    return out


def _signal(found: dict[str, Any]) -> Iterator[Verdict]:
    measured, unit, counts = found["measured"], found["unit"], found["counts"]
    if not measured["n_judged"]:
        return
    each = statistics(measured)
    if unit == "g":
        yield from _gravity(each[:3], counts)
        names: list[str] = [*_AXES, *(f"{axis} (turning)" for axis in _AXES)][: len(each)]
    else:
        names = [str(i + 1) for i in range(len(each))]
        shown = ", ".join(f"{name}: {mean / counts:+.3f}" for name, (mean, _) in zip(names, each, strict=True))
        yield Verdict("mean", OK, f"{shown} {unit}".rstrip())
    stuck = [name for name, (_, spread) in zip(names, each, strict=True) if spread == 0]
    if stuck:
        yield Verdict(
            "channels",
            FAIL,
            f"{', '.join(stuck)} never varied",
            "a broken chip, a data line that is not connected, or no input",
        )
    thousandths = {"g": "mg", "V": "mV"}.get(unit)
    factor, name = (1000, thousandths) if thousandths else (1, unit)
    noise = ", ".join(
        f"{axis} {spread * factor / counts:.2f}" if axis in _AXES or unit != "g" else f"{axis} {spread:.0f} counts"
        for axis, (_, spread) in zip(names, each, strict=True)
    )
    quiet = max((spread for _, spread in each[:3]), default=0) * 1000 / counts if unit == "g" else 0
    if quiet > 100:
        yield Verdict(
            "noise", WARN, f"{noise} {name} rms", "the machine runs, or the sensor is loose: compare with it off"
        )
    else:
        yield Verdict("noise", OK, f"{noise} {name} rms".rstrip())
    clipped = [
        name
        for name, low, high in zip(names, measured["low"], measured["high"], strict=True)
        if low == -32768 or high == 32767
    ]
    if clipped:
        yield Verdict(
            "range", WARN, f"{', '.join(clipped)} reached the end of the range", "a larger range_g, or less gain"
        )


def _gravity(each: list[tuple[float, float]], counts: int) -> Iterator[Verdict]:
    g = [mean / counts for mean, _ in each]
    length = math.sqrt(sum(v * v for v in g))
    strongest = max(range(3), key=lambda i: abs(g[i]))
    shown = ", ".join(f"{axis} {v:+.2f}" for axis, v in zip(_AXES, g, strict=True))
    text = f"|g| = {length:.2f} ({shown})"
    if 0.9 <= length <= 1.1:
        upright = abs(g[strongest]) / length > 0.9
        way = f"{_AXES[strongest]} points {'up' if g[strongest] > 0 else 'down'}" if upright else "mounted at an angle"
        yield Verdict("gravity", OK, f"{text}: {way}")
    elif length < 0.2:
        yield Verdict("gravity", FAIL, text, "no gravity: an axis that is dead, or the chip measures nothing")
    else:
        yield Verdict(
            "gravity",
            WARN,
            text,
            "not 1 g: a strong vibration or turning, a bad chip, or another range than it was told",
        )


# ---- room -------------------------------------------------------------------------------------------


def _room(found: dict[str, Any]) -> Iterator[Verdict]:
    board = found["board"]
    heap = f"{board['mem_free']:,} bytes of heap free with the detector stopped"
    yield Verdict(
        "memory",
        OK if board["mem_free"] > 60_000 else WARN,
        heap,
        "" if board["mem_free"] > 60_000 else "other code takes it?",
    )
    free = f"{board['flash_free']:,} of {board['flash_size']:,} bytes of flash free"
    enough = board["flash_free"] > 64 * 1024
    yield Verdict(
        "flash", OK if enough else WARN, free, "" if enough else "nearhum pull, then `reset log` at the console"
    )
    if not found.get("resumed", True):
        yield Verdict("detector", FAIL, f"does not start: {found['why_not']}", "put right what is WRONG above")
