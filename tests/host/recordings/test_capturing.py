"""Test `nearhum record`: the exact samples while the detector runs. Lost samples leave a gap."""

import json
import time
from base64 import b64encode
from pathlib import Path

import numpy as np
import pytest
import synthetic
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nearhum import wire
from nearhum_host.boards import board_files, deployment
from nearhum_host.boards.application import application
from nearhum_host.boards.checking import sensor_units
from nearhum_host.errors import DeviceError, UsageError
from nearhum_host.recordings import capturing, nhr
from nearhum_host.serial_line.link import Link

CHANNELS, RATE = 2, 100


class Sensor:
    """Answers `raw` as the firmware's Look does, of a sensor that delivers `pace` frames
    between two questions.
    """

    def __init__(self, n_window: int, n_hop: int, pace: list[int], gaps: dict[int, int]) -> None:
        self.n, self.hop, self.pace, self.gaps = n_window, n_hop, pace, dict(gaps)
        random = np.random.default_rng(3)
        self.signal = random.integers(-3000, 3000, (200_000, CHANNELS)).astype(np.int16)
        self.at = 0  # of the signal
        self.window = np.zeros((n_window, CHANNELS), np.int16)
        self.missing, self.n_windows, self.asked = n_window, 0, 0
        self.lost: list[int] = []
        self.log: list[tuple[int, str]] = []

    def step(self, n: int) -> None:
        for _ in range(n):
            if self.at in self.gaps:
                self.at += self.gaps.pop(self.at)
                self.missing = self.n
                self.log.append((self.n_windows, "gap"))
            self.window[self.n - self.missing] = self.signal[self.at]
            self.at += 1
            self.missing -= 1
            if not self.missing:
                self.window[: self.n - self.hop] = self.window[self.hop :].copy()
                self.missing = self.hop
                self.n_windows += 1

    def ask(self, line: str) -> dict:
        verb, *words = line.split()
        if verb == "get":
            return {
                "settings": {
                    "rate_hz": RATE,
                    "n_hop": self.hop,
                    "n_window": self.n,
                    "n_channels": CHANNELS,
                }
            }
        if verb == "status":
            return {"seq": 0, "source": "ok"}
        if verb == "log":
            raw = b"".join(
                wire.pack_record(
                    wire.EVENT, i, 0, json.dumps({"event": name, "window": window}).encode()
                )
                for i, (window, name) in enumerate(self.log)
                if i >= int(words[0])
            )
            return {"b64": b64encode(raw).decode()}
        self.step(self.pace[self.asked % len(self.pace)])
        self.asked += 1
        have, first = self.n - self.missing, self.n_windows * self.hop
        oldest = -self.missing if self.hop == self.n and self.n_windows else 0
        at = min(max(int(words[0]) - first, oldest), have) if words else have
        start = at % self.n
        end = min(self.n if at < 0 else have, start + 64)
        part = self.window[start:end]
        return {
            "from": first + at,
            "n": end - start,
            "b64": b64encode(part.T.astype("<i2").tobytes()).decode(),
        }


@given(
    hop=st.sampled_from([16, 32, 64]),
    pace=st.lists(st.integers(0, 60), min_size=1, max_size=7).filter(any),
    gaps=st.dictionaries(st.integers(70, 900), st.integers(1, 500), max_size=3),
)
# the second right behind the first sample of a window
@example(hop=64, pace=[0, 1], gaps={70: 1, 200: 1})
# the second between the two questions of a new beginning
@example(hop=64, pace=[13, 47], gaps={89: 1, 733: 1})
# two in one window, the second right behind an answer
@example(hop=64, pace=[7, 44], gaps={604: 5, 665: 115})
# one that ends with as many frames as were heard
@example(hop=16, pace=[60, 0], gaps={243: 1, 639: 1, 717: 1})
@settings(max_examples=25, deadline=None)
def test_every_segment_is_a_stretch_of_what_the_sensor_gave(hop, pace, gaps):
    sensor = Sensor(64, hop, pace, gaps)
    clock = capturing.time.sleep
    capturing.time.sleep = lambda s: None
    try:
        found = capturing.capture(sensor, 6.0)  # type: ignore[arg-type]
    finally:
        capturing.time.sleep = clock
    assert found.recording.n_frames == 600
    after = 0
    for segment in found.recording.segments:
        at = _place(sensor.signal[after : sensor.at], segment.frames)
        assert at is not None
        at += after
        after = at + len(segment.frames)
    if not gaps and max(pace) <= 16 and hop != 64:
        assert len(found.recording.segments) == 1
        assert found.missed == 0


@pytest.fixture
def pump(tmp_path: Path, virtual_board):
    """A board that plays a machine as fast as it was recorded, and has learned it."""
    played = [
        (synthetic.hum(40, seed=1), "learn 10"),
        (synthetic.hum(60, seed=2), "~"),
        (synthetic.hum(40, seed=3), ""),
    ]
    card = synthetic.card(tmp_path / "sd", *played, speed=1)
    board = virtual_board("rp2040", sd=card)
    with Link(board.path) as link:
        deployment.deploy(
            link,
            application(board_files.load("virtual"), synthetic.SETTINGS),
            lambda done, of: None,
        )
    return board, np.concatenate([frames for frames, _ in played])


def test_a_board_is_recorded_while_it_watches(pump, tmp_path: Path):
    board, signal = pump
    with Link(board.path) as link:
        while link.ask("status")["state"] != "watch":
            time.sleep(0.1)
        before = link.ask("status")
        found = capturing.capture(link, 4.0)
        after = link.ask("status")
    assert found.recording.n_frames == 4000
    for segment in found.recording.segments:
        at = _place(signal, segment.frames)
        assert at is not None
    if found.missed == 0:
        assert len(found.recording.segments) == 1
    # not a window was lost by it, and nothing was learned or changed
    assert after["n_windows"] - before["n_windows"] >= 4000 // synthetic.SETTINGS["n_hop"]
    assert (after["n_learned"], after["threshold"], after["faults"]) == (
        before["n_learned"], before["threshold"], 0,
    )  # fmt: skip
    files = capturing.write(tmp_path / "set", "pump", found)
    kept = nhr.read_nhr(files[0])
    assert [s.frames.tolist() for s in kept.segments] == [
        s.frames.tolist() for s in found.recording.segments
    ]


def test_samples_of_an_accelerometer_are_written_in_g(tmp_path: Path):
    frames = np.array([[8192, -4096, 0]] * 3, np.int16)
    recording = nhr.Recording(100.0, 3)
    recording.add(frames)
    source = {"driver": "mpu6050", "i2c": 0, "sda": 4, "scl": 5, "range_g": 4}
    settings = {"source": source, "rate_hz": 100, "n_channels": 3}

    def written(form: str, **changed) -> str:
        units = sensor_units.units({**settings, **changed})
        return capturing.write(
            tmp_path / "set", "pump", capturing.Captured(recording), form, units
        )[0].read_text()

    assert written("csv").splitlines()[:2] == ["timestamp_ms,x (g),y (g),z (g)", "0,1,-0.5,0"]
    payload = json.loads(written("ei-json"))["payload"]
    assert payload["sensors"][1] == {"name": "y", "units": "g"}
    assert payload["values"][0] == [1.0, -0.5, 0.0]
    two = {**source, "range_g": 2}
    assert written("csv", source=two).splitlines()[1] == "0,0.5,-0.25,0"
    rests = {**source, "driver": "paced", "wraps": "mpu6050", "duty_s": 60}
    assert written("csv", source=rests).splitlines()[1] == "0,1,-0.5,0"
    played = {"driver": "replay", "path": "/sd/replay.nhr"}
    assert "c1 (counts)" in written("csv", source=played).splitlines()[0]


def test_every_accelerometer_says_its_unit():
    rates = {
        "mpu6050": 1000,
        "adxl345": 400,
        "lis3dh": 400,
        "lsm6ds3": 416,
        "lsm6dsox": 416,
        "icm42688": 1000,
        "lsm6dsv16x": 480,
        "iis3dwb": 26667,
        "kx134": 400,
        "adxl355": 500,
    }
    counts = {
        "mpu6050": 8192,
        "adxl345": 256,
        "lis3dh": 8000,
        "lsm6ds3": 8197,
        "lsm6dsox": 8197,
        "icm42688": 8192,
        "lsm6dsv16x": 8197,
        "iis3dwb": 8197,
        "kx134": 4096,
        "adxl355": 8000,
    }
    for driver in sensor_units.ACCELEROMETERS:
        asked = {"source": {"driver": driver, "spi": 0}, "rate_hz": rates[driver], "n_channels": 3}
        assert sensor_units.units(asked)["scale"] == [counts[driver]] * 3
    six = sensor_units.units({"source": {"driver": "mpu6050"}, "rate_hz": 50, "n_channels": 6})
    assert six["units"] == ["g"] * 3 + ["deg/s"] * 3
    without_rate = sensor_units.units({"source": {"driver": "mpu6050"}, "n_channels": 3})
    assert without_rate == {"names": ["x", "y", "z"]}
    assert sensor_units.units({}) == {}


def _place(signal: np.ndarray, frames: np.ndarray) -> int | None:
    starts = np.flatnonzero((signal[: len(signal) - len(frames) + 1] == frames[0]).all(axis=1))
    return next(
        (int(i) for i in starts if np.array_equal(signal[i : i + len(frames)], frames)), None
    )


def recorded(*lengths: int, rate: float = 50) -> capturing.Captured:
    recording = nhr.Recording(rate, 2)
    for n in lengths:
        recording.add(np.arange(2 * n, dtype=np.int16).reshape(n, 2))
    return capturing.Captured(recording)


READ = [form for form in capturing.FORMATS if not form.startswith("ei-")]


@pytest.mark.parametrize("form", READ)
def test_a_data_set_is_read_by_train(tmp_path: Path, form: str):
    labelled = pytest.importorskip("nearhum_host.heads.labelled")
    for label, lengths in (("hum", (30, 12)), ("tap", (9,))):
        capturing.write(tmp_path, label, recorded(*lengths), form)
        capturing.write(tmp_path, label, recorded(*lengths), form)  # in the same second
    found, _ = labelled.labelled(tmp_path, 50)
    assert (
        sorted((one.label, len(one.frames)) for one in found)
        == [("hum", 12)] * 2 + [("hum", 30)] * 2 + [("tap", 9)] * 2
    )
    assert all(one.frames[:, 1].tolist() == list(range(1, 2 * len(one.frames), 2)) for one in found)


def test_what_cannot_be_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="no format 'mp3'"):
        capturing.write(tmp_path, "hum", recorded(3), "mp3")
    with pytest.raises(UsageError, match=r"no rate of 0\.5 Hz"):
        capturing.write(tmp_path, "hum", recorded(3, rate=0.5), "wav")
    for label in ("", "a b", "../up", ".hidden", "x" * 33, "a/b", "a\\b"):
        with pytest.raises(UsageError, match="is not a label"):
            capturing.write(tmp_path, label, recorded(3))
    for text in ("", "0", "5x", "-1s", "25h", "nan"):
        with pytest.raises(UsageError, match="is not a length"):
            capturing.seconds_of(text)
    assert [capturing.seconds_of(text) for text in ("2", "1.5s", "10m", "1h")] == [
        2,
        1.5,
        600,
        3600,
    ]


def test_an_answer_that_makes_no_sense_is_told():
    class Nonsense(Sensor):
        def ask(self, line):
            answer = super().ask(line)
            return {**answer, "n": 7} if line.startswith("raw") else answer

    with pytest.raises(DeviceError, match="is invalid"):
        capturing.capture(Nonsense(64, 32, [5], {}), 1.0)  # type: ignore[arg-type]
