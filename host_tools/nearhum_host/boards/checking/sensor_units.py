"""What a sensor's counts mean: names, units and scale of its channels, where its driver knows them.

Enters: the settings of a board. Leaves: what recordings.writers.Samples takes. It is the driver's
own plan that is asked, so that a range in the board file, or its default, is that of the board.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from nearhum.errors import ConfigError

from .firmware_code import FirmwareCode
from .pins import Machine

ACCELEROMETERS = ("mpu6050", "adxl345", "lis3dh", "lsm6ds3", "lsm6dsox")
_COUNTS_PER_DPS = 32.8  # of an mpu6050, +-1000 deg/s: sources/mpu6050.py


def units(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return {"names", "units", "scale"}, of each channel, scale in counts per unit; {} where
    nobody says what a count is.
    """
    given = settings.get("source") or {}
    try:
        name, n = given.get("wraps", given["driver"]), settings["n_channels"]
        if name not in ACCELEROMETERS:
            return {}
        code = FirmwareCode(Machine(""), "unix", "")
        driver, planned = code.load(f"nearhum.sources.{name}").Source, SimpleNamespace()
        driver.plan(planned, settings, given)
        counts = float(getattr(planned, "counts", 0) or driver.counts)
    except (ConfigError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        return {}  # the driver of another version has no such plan
    turning = n - 3
    return {
        "names": ["x", "y", "z", "gx", "gy", "gz"][:n],
        "units": ["g"] * 3 + ["deg/s"] * turning,
        "scale": [counts] * 3 + [_COUNTS_PER_DPS] * turning,
    }
