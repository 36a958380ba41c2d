"""Where the evaluation recordings lie, and how their physical values become a sensor's raw counts.

Enters: the recordings' folder (--data or NEARHUM_DATA; what is in it, from where, under which licence:
README.md). Leaves: int16 frames with what is known about them. Nothing here sets up the firmware.

Scales are the full scale of a sensor that would have measured the quantity, a power of two where the quantity
has no usual sensor; the noise of the recordings spans at least 2.5 counts, no plausible value leaves int16.
What does leave it (a wrist at more than 4 g: 0.06 % of the frames) is clipped, as the sensor would.
"""

import csv
import hashlib
import importlib.util
import io
import os
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import HostError
from .recordings import to_counts

ENVIRONMENT = "NEARHUM_DATA"

ACCELERATION_COUNTS_PER_G = 8192  # an IMU at ±4 g
ANGULAR_RATE_COUNTS_PER_RAD_S = 1877  # an IMU at ±1000 deg/s
BEARING_COUNTS_PER_G = 512  # an accelerometer at ±64 g
MOTOR_COUNTS_PER_G = 2048  # as recorded: ±16 g
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

WATCH_RATE_HZ, WATCH_SCALE = 50, (ACCELERATION_COUNTS_PER_G,) * 3 + (ANGULAR_RATE_COUNTS_PER_RAD_S,) * 3
PUMP_RATE_HZ, BEARING_RATE_HZ, MOTOR_RATE_HZ = 1, 25600, 20000

FAN_RATE_HZ, FAN_BIN_HZ = 0.5, 1  # spectra a second, and the width of their bins
FAN_COUNTS = 32767  # of amplitudes from 0 to 1
LINK_RATE_HZ = 10  # packets
LINK_COUNTS_PER_DB, LINK_CENTRE_DB = 1280, 25  # a receiver reads 0 to about 50 dB over its floor
LINK_INVALID = 127  # from here on a reading says that there was none

SEGLEARN_SHA256 = "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"
PUBLIC_WEARERS = range(1, 7)  # the others are held back for verification


def folder(given: Path | None, name: str) -> Path:
    """Return the folder of the set called name, below given or NEARHUM_DATA. Raises HostError if absent."""
    text = str(given) if given is not None else os.environ.get(ENVIRONMENT, "")
    if not text:
        raise HostError(
            "no folder of evaluation recordings was named",
            f"give it with --data DIR, or set {ENVIRONMENT}; the README says what it holds",
        )
    found = Path(text) / name
    if not found.is_dir():
        raise HostError(
            f"there is no folder {found}",
            f"--data or {ENVIRONMENT} names the folder that contains {name}/",
        )
    return found


@dataclass(frozen=True)
class PumpFile:
    """A run of the water pump test bed. frames: int16 (n, 8), 1 Hz; anomaly: bool (n,), None if clean."""

    name: str
    frames: np.ndarray
    anomaly: np.ndarray | None


def skab(root: Path) -> list[PumpFile]:
    """Return every csv below root. Raises HostError on a missing column or a cell that is no number."""
    out = []
    for path in _files(root, "**/*.csv"):
        with path.open(newline="") as lines:
            rows = list(csv.DictReader(lines, delimiter=";"))
        columns = list(PUMP_COUNTS)
        missing = [c for c in columns if not rows or c not in rows[0]]
        if missing:
            raise HostError(f"{path} has no column {missing[0]!r}", "take the files as they are published")
        labelled = "anomaly" in rows[0]
        try:
            values = np.array([[float(row[c]) for c in columns] for row in rows])
            anomaly = np.array([float(row["anomaly"]) > 0.5 for row in rows]) if labelled else None
        except (TypeError, ValueError) as error:
            raise HostError(f"{path}: {error}", "take the files as they are published") from None
        frames, _ = to_counts(values, tuple(PUMP_COUNTS.values()), str(path))
        out.append(PumpFile(path.relative_to(root).with_suffix("").as_posix(), frames, anomaly))
    return out


Wearers = dict[tuple[str, str], dict[str, np.ndarray]]  # (wearer, side) -> exercise -> int16 (n, 6), 50 Hz


def watch(root: Path) -> Wearers:
    """Return the smartwatch recordings below root: ax ay az wx wy wz, arrays named sNN_{L,R}_{exercise}."""
    out: Wearers = {}
    for path in _files(root, "*.npz"):
        with np.load(path, allow_pickle=False) as arrays:
            for key in sorted(arrays.files):
                wearer, side, exercise = key.split("_", 2)
                frames, _ = to_counts(arrays[key], WATCH_SCALE, f"{path}[{key}]")
                out.setdefault((wearer, side), {})[exercise] = frames
    return out


def seglearn_watch() -> Wearers:
    """Return the smartwatch recordings of wearers 1-6 that the seglearn wheel carries, as watch() does.

    The file is a pickle, which runs whatever is in it: its SHA-256 is checked before it is opened.
    Raises HostError where seglearn is not installed or the file is another one.
    """
    spec = importlib.util.find_spec("seglearn")
    if spec is None or spec.origin is None:
        raise HostError("seglearn is not installed", "pip install seglearn==1.2.5")
    path = Path(spec.origin).parent / "data" / "watch_dataset.npy"
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != SEGLEARN_SHA256:
        raise HostError(f"{path} is not the file of seglearn 1.2.5", "pip install --force-reinstall seglearn==1.2.5")
    content = np.load(path, allow_pickle=True).item()
    out: Wearers = {}
    for samples, label, wearer, side in zip(
        content["X"], content["y"], content["subject"], content["side"], strict=True
    ):
        if int(wearer) not in PUBLIC_WEARERS:
            continue
        frames, _ = to_counts(np.asarray(samples)[:, :6], WATCH_SCALE, "watch_dataset")
        key = (f"s{int(wearer):02d}", "R" if int(side) else "L")
        out.setdefault(key, {})[content["y_labels"][int(label)]] = frames
    return out


@dataclass(frozen=True)
class MotorCondition:
    """One speed and load. healthy: int16 (n, 3), 20 kHz, 2048 counts/g; faults: fault name -> the same."""

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
    for path in _files(root, "*.npy"):
        rpm, *what, load = path.stem.split("_")
        frames, _ = to_counts(np.load(path, allow_pickle=False), None, str(path))
        if what == ["GoB", "GS", "BaLo", "WA"]:
            healthy[rpm, load] = frames
        else:
            faults.setdefault((rpm, load), {})["_".join(what)] = frames
    for key in faults.keys() - healthy.keys():
        raise HostError(f"{root}: no healthy recording at {key[0]} rpm, load {key[1]}", "take the whole set")
    return [MotorCondition(*key, healthy[key], faults.get(key, {})) for key in sorted(healthy)]


@dataclass(frozen=True)
class Bearing:
    """A bearing run to failure. rows: int16 (60, 2560, 2), 25.6 kHz snapshots: 30 early, 10 mid, 20 last."""

    name: str
    rows: np.ndarray


def femto(root: Path) -> list[Bearing]:
    """Return the bearings below root, by name: arrays of g, (60, 2, 2560)."""
    out = []
    for path in _files(root, "*.npy"):
        snapshots = np.load(path, allow_pickle=False)
        if snapshots.ndim != 3 or snapshots.shape[:2] != (60, 2):
            raise HostError(f"{path} has shape {snapshots.shape}, expected (60, 2, n)", "take the set as described")
        frames, _ = to_counts(snapshots.transpose(0, 2, 1).reshape(-1, 2), BEARING_COUNTS_PER_G, str(path))
        out.append(Bearing(path.stem, frames.reshape(60, -1, 2)))
    return out


@dataclass(frozen=True)
class FanFile:
    """A file of a cooling fan's spectra. spectra: int16 (n, 512), amplitudes, oldest first.

    fan: its size; speed: h, m, l or hmlo (all three, then off, a quarter each); state: normal or a damage.
    """

    name: str
    fan: str
    speed: str
    state: str
    room: str
    take: str
    spectra: np.ndarray


def fan(root: Path) -> list[FanFile]:
    """Return the files of spectra below root: zips of csv "bin, value", named fan_speed_state_room[_take].zip."""
    out = []
    for path in _files(root, "*.zip"):
        named = re.fullmatch(r"([^_]+)_([^_]+)_([^_]+)_([^_]+)(?:_(\d+))?", path.stem)
        if named is None:
            raise HostError(f"{path} has no name like 12cm_h_normal_noisy.zip", "take the files as they are published")
        try:
            with zipfile.ZipFile(path) as files:
                names = sorted(name for name in files.namelist() if name.endswith(".csv"))
                tables = [np.loadtxt(io.BytesIO(files.read(name)), delimiter=",", ndmin=2) for name in names]
            spectra = np.array([table[:, 1] for table in tables])
        except (zipfile.BadZipFile, ValueError, IndexError) as error:
            raise HostError(f"{path}: {error}", "take the files as they are published") from None
        frames, _ = to_counts(spectra, FAN_COUNTS, str(path))
        size, speed, state, room, take = named.groups(default="")
        out.append(FanFile(path.stem, size, speed, state, room, take, frames))
    return out


@dataclass(frozen=True)
class ChannelPair:
    """A quiet room and movement in it. quiet, movement: int16 (packets, subcarriers), I and Q as the two bytes."""

    name: str
    chip: str
    rate_hz: float
    quiet: np.ndarray
    movement: np.ndarray


def csi(root: Path) -> list[ChannelPair]:
    """Return the pairs below root, each quiet recording with the next movement of the same chip and day.

    File names: {baseline,movement}_chip_64sc_date_time.npz.
    """
    files: dict[tuple[str, str, str], list[tuple[int, Path]]] = {}
    for path in _files(root, "*.npz"):
        what, chip, _, date, time = path.stem.split("_")
        files.setdefault((what, chip, date), []).append((int(time), path))
    out = []
    for (what, chip, date), quiet in sorted(files.items()):
        if what != "baseline":
            continue
        moving = files.get(("movement", chip, date), [])
        for time, path in sorted(quiet):
            later = [(other, p) for other, p in sorted(moving) if other > time]
            if not later:
                raise HostError(f"{path} has no movement recorded after it", "take the whole set")
            with np.load(path, allow_pickle=False) as arrays:
                rate_hz = round(1000 * len(arrays["csi_data"]) / float(arrays["duration_ms"]), 3)
                packets = _packets(arrays["csi_data"], path)
            with np.load(later[0][1], allow_pickle=False) as arrays:
                out.append(
                    ChannelPair(f"{chip}_{date}_{time}", chip, rate_hz, packets, _packets(arrays["csi_data"], path))
                )
    return out


def _packets(values: np.ndarray, path: Path) -> np.ndarray:
    if values.dtype != np.int8 or values.ndim != 2 or values.shape[1] % 2:
        raise HostError(f"{path} holds {values.dtype} {values.shape}, expected int8 (packets, 2 n)", "take it as it is")
    return np.ascontiguousarray(values).view("<i2").astype(np.int16)


@dataclass(frozen=True)
class Link:
    """A transmitter heard by a receiver. by_noise: noise in dBm -> int16 (packets, 1), the strength of each packet."""

    transmitter: str
    receiver: str
    by_noise: dict[int, np.ndarray]
    heard: dict[int, np.ndarray]  # bool (packets,)


def rssi(root: Path) -> list[Link]:
    """Return the links below root: csv rows tx, rx, noise_dbm, p0 and so on; -1 for a packet that was not heard.

    What was not heard has the strength 0, the receiver's floor.
    """
    links: dict[tuple[str, str], Link] = {}
    for path in _files(root, "*.csv"):
        with path.open(newline="") as lines:
            for row in csv.reader(lines):
                if row[0] == "tx":
                    continue
                strength = np.array(row[3:], float)
                heard = (strength >= 0) & (strength < LINK_INVALID)
                frames, _ = to_counts(
                    np.where(heard, strength, 0)[:, None] - LINK_CENTRE_DB, LINK_COUNTS_PER_DB, f"{path}"
                )
                link = links.setdefault((row[0], row[1]), Link(row[0], row[1], {}, {}))
                link.by_noise[int(row[2])], link.heard[int(row[2])] = frames, heard
    return [links[key] for key in sorted(links)]


def _files(root: Path, pattern: str) -> list[Path]:
    """Return the files of root that match, by name, numbers by value."""

    def natural(path: Path) -> list[tuple[int, str]]:
        return [
            (int(part), "") if part.isdecimal() else (-1, part)
            for part in path.relative_to(root).as_posix().replace(".", "/").split("/")
        ]

    found = sorted(root.glob(pattern), key=natural)
    if not found:
        raise HostError(f"{root} holds no {pattern}", "is it the folder that the README describes?")
    return found
