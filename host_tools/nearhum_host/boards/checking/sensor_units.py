"""What a sensor's counts mean: names, units and scale of its channels, where its driver knows them.

Enters: the settings of a board. Leaves: what recordings.writers.Samples takes. It is the driver's
own plan that is asked, so that a range in the board file, or its default, is that of the board.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from nearhum.errors import ConfigError

from . import drivers
from .firmware_code import FirmwareCode
from .pins import Machine

ACCELEROMETERS = ("mpu6050", "adxl345", "lis3dh", "lsm6ds3", "lsm6dsox")
AXES = ("x", "y", "z", "gx", "gy", "gz")
MOST_NAME_BYTES = 40  # of a channel's name: those of 8 channels fit a record of the log
_COUNTS_PER_DPS = 32.8  # of an mpu6050, +-1000 deg/s: its driver


def names(settings: Mapping[str, Any]) -> list[str]:
    """Return what the channels are called: by the board file, else as an accelerometer's axes; []
    where nobody says it.

    settings: complete, or those that a log came with, which may say anything.
    """
    source, n = settings.get("source"), settings.get("n_channels")
    if not isinstance(source, Mapping) or not isinstance(n, int) or n < 1:
        return []
    if not wrong_names(source.get("names"), n):
        return list(source["names"])
    driver = source.get("wraps", source.get("driver"))
    return list(AXES[:n]) if driver in ACCELEROMETERS else []


def wrong_names(given: Any, n_channels: int) -> str:
    """Return what names of channels must be, "" where they are."""
    right = (
        isinstance(given, list)
        and len(given) == n_channels
        and all(isinstance(name, str) and name.strip() and name.isprintable() for name in given)
    )
    if not right:
        return f"n_channels = {n_channels} texts, one a channel"
    if max(len(name.encode()) for name in given) > MOST_NAME_BYTES:
        return f"at most {MOST_NAME_BYTES} bytes each"
    return ""


def units(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return {"names", "units", "scale"}, of each channel, scale in counts per unit; no more than
    names where nobody says what a count is.
    """
    given, called = settings.get("source") or {}, names(settings)
    unknown = {"names": called} if called else {}
    try:
        name, n = given.get("wraps", given["driver"]), settings["n_channels"]
        if name not in ACCELEROMETERS:
            return unknown
        code = FirmwareCode(Machine(""), "unix", "")
        driver, planned = code.load(drivers.module(name)).Source, SimpleNamespace()
        driver.plan(planned, settings, given)
        counts = float(getattr(planned, "counts", 0) or driver.counts)
    except (ConfigError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        return unknown  # the driver of another version has no such plan
    turning = n - 3
    return {
        "names": called,
        "units": ["g"] * 3 + ["deg/s"] * turning,
        "scale": [counts] * 3 + [_COUNTS_PER_DPS] * turning,
    }
