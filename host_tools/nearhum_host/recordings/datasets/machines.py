"""Recordings of machines: a pump test bed, a motor, bearings, a fan.

Enters: the folder of a set, as it is published. Leaves: int16 frames with what is known about them.
"""

import csv
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import HostError
from ..counts import to_counts
from .folders import files_of

BEARING_COUNTS_PER_G = 512  # An accelerometer at ±64 g.
MOTOR_COUNTS_PER_G = 2048  # As recorded, at ±16 g.
PUMP_COUNTS = {
    "Accelerometer1RMS": 32768,  # a g RMS, up to 1 g
    "Accelerometer2RMS": 32768,
    "Current": 2048,  # an A, ±16 A
    "Pressure": 4096,  # a bar, ±8 bar
    "Temperature": 128,  # a °C, ±256 °C
    "Thermocouple": 512,  # a °C, ±64 °C
    "Voltage": 64,  # a V, ±512 V
    "Volume Flow RateRMS": 128,  # a l/min, ±256 l/min
}
PUMP_RATE_HZ, BEARING_RATE_HZ, MOTOR_RATE_HZ = 1, 25600, 20000
FAN_RATE_HZ, FAN_BIN_HZ = 0.5, 1  # spectra a second, and the width of their bins
FAN_COUNTS = 32767  # For amplitudes from 0 to 1.


@dataclass(frozen=True)
class PumpFile:
    """A run of the water pump test bed.

    frames: int16 (n, 8), 1 Hz; anomaly: bool (n,), None if clean.
    """

    name: str
    frames: np.ndarray
    anomaly: np.ndarray | None


def skab(root: Path) -> list[PumpFile]:
    """Return every csv below root.

    Raises HostError on a missing column or a cell that is no number.
    """
    out = []
    for path in files_of(root, "**/*.csv"):
        with path.open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines, delimiter=";"))
        columns = list(PUMP_COUNTS)
        missing = [c for c in columns if not rows or c not in rows[0]]
        if missing:
            raise HostError(
                f"{path} has no column {missing[0]!r}", "take the files as they are published"
            )
        labelled = "anomaly" in rows[0]
        try:
            values = np.array([[float(row[c]) for c in columns] for row in rows])
            anomaly = np.array([float(row["anomaly"]) > 0.5 for row in rows]) if labelled else None
        except (TypeError, ValueError) as error:
            raise HostError(f"{path}: {error}", "take the files as they are published") from None
        frames, _ = to_counts(values, tuple(PUMP_COUNTS.values()), str(path))
        out.append(PumpFile(path.relative_to(root).with_suffix("").as_posix(), frames, anomaly))
    return out


@dataclass(frozen=True)
class MotorCondition:
    """One speed and load.

    healthy: int16 (n, 3), 20 kHz, 2048 counts/g; faults: fault name -> the same.
    """

    rpm: str
    load: str
    healthy: np.ndarray
    faults: dict[str, np.ndarray]


def adi_motor(root: Path) -> list[MotorCondition]:
    """Return the motor recordings below root by speed and load.

    File names: rpm_bearing_shaft_balance_alignment_load.npy.
    """
    healthy: dict[tuple[str, str], np.ndarray] = {}
    faults: dict[tuple[str, str], dict[str, np.ndarray]] = {}
    for path in files_of(root, "*.npy"):
        rpm, *what, load = path.stem.split("_")
        frames, _ = to_counts(np.load(path, allow_pickle=False), None, str(path))
        if what == ["GoB", "GS", "BaLo", "WA"]:
            healthy[rpm, load] = frames
        else:
            faults.setdefault((rpm, load), {})["_".join(what)] = frames
    for key in faults.keys() - healthy.keys():
        raise HostError(
            f"{root}: no healthy recording at {key[0]} rpm, load {key[1]}", "take the whole set"
        )
    return [MotorCondition(*key, healthy[key], faults.get(key, {})) for key in sorted(healthy)]


@dataclass(frozen=True)
class Bearing:
    """A bearing run to failure.

    rows: int16 (60, 2560, 2), 25.6 kHz snapshots: 30 early, 10 mid, 20 last.
    """

    name: str
    rows: np.ndarray


def femto(root: Path) -> list[Bearing]:
    """Return the bearings below root, by name: arrays of g, (60, 2, 2560)."""
    out = []
    for path in files_of(root, "*.npy"):
        snapshots = np.load(path, allow_pickle=False)
        if snapshots.ndim != 3 or snapshots.shape[:2] != (60, 2):
            raise HostError(
                f"{path} has shape {snapshots.shape}, expected (60, 2, n)",
                "take the set as described",
            )
        frames, _ = to_counts(
            snapshots.transpose(0, 2, 1).reshape(-1, 2), BEARING_COUNTS_PER_G, str(path)
        )
        out.append(Bearing(path.stem, frames.reshape(60, -1, 2)))
    return out


@dataclass(frozen=True)
class FanFile:
    """A file of a cooling fan's spectra. spectra: int16 (n, 512), amplitudes, oldest first.

    fan: its size; speed: h, m, l or hmlo (all three, then off, a quarter each); state: normal or a
    damage.
    """

    name: str
    fan: str
    speed: str
    state: str
    room: str
    take: str
    spectra: np.ndarray


def fan(root: Path) -> list[FanFile]:
    """Return the files of spectra below root: zips of csv "bin, value", named
    fan_speed_state_room[_take].zip.
    """
    out = []
    for path in files_of(root, "*.zip"):
        named = re.fullmatch(r"([^_]+)_([^_]+)_([^_]+)_([^_]+)(?:_(\d+))?", path.stem)
        if named is None:
            raise HostError(
                f"{path} has no name like 12cm_h_normal_noisy.zip",
                "take the files as they are published",
            )
        try:
            with zipfile.ZipFile(path) as files:
                names = sorted(name for name in files.namelist() if name.endswith(".csv"))
                tables = [
                    np.loadtxt(io.BytesIO(files.read(name)), delimiter=",", ndmin=2)
                    for name in names
                ]
            spectra = np.array([table[:, 1] for table in tables])
        except (zipfile.BadZipFile, ValueError, IndexError) as error:
            raise HostError(f"{path}: {error}", "take the files as they are published") from None
        frames, _ = to_counts(spectra, FAN_COUNTS, str(path))
        size, speed, state, room, take = named.groups(default="")
        out.append(FanFile(path.stem, size, speed, state, room, take, frames))
    return out
