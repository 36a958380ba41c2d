"""Recordings of radio: channel state of Wi-Fi packets, and the strength of links.

Enters: a folder of .npz or .csv files. Leaves: int16 packets, with what is known about them.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import HostError
from ..counts import to_counts
from .folders import files_of

LINK_RATE_HZ = 10  # Packets per second.
LINK_COUNTS_PER_DB, LINK_CENTRE_DB = 1280, 25  # a receiver reads 0 to about 50 dB over its floor
LINK_INVALID = 127  # This and higher values mean that there was no reading.


@dataclass(frozen=True)
class ChannelPair:
    """A quiet room and movement in it.

    quiet, movement: int16 (packets, subcarriers), I and Q as the two bytes.
    """

    name: str
    chip: str
    rate_hz: float
    quiet: np.ndarray
    movement: np.ndarray


def csi(root: Path) -> list[ChannelPair]:
    """Return the pairs below root, each quiet recording with the next movement of the same chip and
    day.

    File names: {baseline,movement}_chip_64sc_date_time.npz.
    """
    files: dict[tuple[str, str, str], list[tuple[int, Path]]] = {}
    for path in files_of(root, "*.npz"):
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
                    ChannelPair(
                        f"{chip}_{date}_{time}",
                        chip,
                        rate_hz,
                        packets,
                        _packets(arrays["csi_data"], path),
                    )
                )
    return out


def _packets(values: np.ndarray, path: Path) -> np.ndarray:
    if values.dtype != np.int8 or values.ndim != 2 or values.shape[1] % 2:
        raise HostError(
            f"{path} holds {values.dtype} {values.shape}, expected int8 (packets, 2 n)",
            "take it as it is",
        )
    return np.ascontiguousarray(values).view("<i2").astype(np.int16)


@dataclass(frozen=True)
class Link:
    """A transmitter heard by a receiver.

    by_noise: noise in dBm -> int16 (packets, 1), the strength of each packet.
    """

    transmitter: str
    receiver: str
    by_noise: dict[int, np.ndarray]
    heard: dict[int, np.ndarray]  # bool (packets,)


def rssi(root: Path) -> list[Link]:
    """Return the links below root: csv rows tx, rx, noise_dbm, p0 and so on; -1 for a packet
    that was not heard.

    What was not heard has the strength 0, the receiver's floor.
    """
    links: dict[tuple[str, str], Link] = {}
    for path in files_of(root, "*.csv"):
        with path.open(newline="", encoding="utf-8") as lines:
            for row in csv.reader(lines):
                if row[0] == "tx":
                    continue
                strength = np.array(row[3:], float)
                heard = (strength >= 0) & (strength < LINK_INVALID)
                frames, _ = to_counts(
                    np.where(heard, strength, 0)[:, None] - LINK_CENTRE_DB,
                    LINK_COUNTS_PER_DB,
                    f"{path}",
                )
                link = links.setdefault((row[0], row[1]), Link(row[0], row[1], {}, {}))
                link.by_noise[int(row[2])], link.heard[int(row[2])] = frames, heard
    return [links[key] for key in sorted(links)]
