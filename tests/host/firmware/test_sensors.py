"""Sensors register by register on a virtual board, through deploy and doctor; rest and alarm pin;
an MPU-6050 on the emulated RP2040's I2C bus, which runs where NEARHUM_UF2 names a firmware image.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from nearhum_host.boards import application, board_files, findings, sensor_check
from nearhum_host.boards.checking import drivers, sensor_units
from nearhum_host.boards.deployment import deploy
from nearhum_host.boards.upgrade.places import STARTERS
from nearhum_host.errors import DeviceError, HostError, UsageError
from nearhum_host.serial_line.link import Link
from nearhum_host.serial_line.repl import stopped
from nearhum_host.virtual import emulated
from nearhum_host.virtual.sensors import ADDRESSES, described

if TYPE_CHECKING:
    from nearhum_host.virtual import VirtualBoard

I2C = {"i2c": 0, "sda": 4, "scl": 5}
ROOT = Path(__file__).resolve().parents[3]
SPI = {"spi": 0, "sck": 18, "mosi": 19, "miso": 16, "cs": 17}
SENSORS = {
    "mpu6050": ({"driver": "mpu6050", **I2C}, 200),
    "adxl345@spi": ({"driver": "adxl345", **SPI}, 100),
    "lis3dh@0x19": ({"driver": "lis3dh", **I2C, "address": 0x19}, 100),
    "lsm6ds3@spi": ({"driver": "lsm6ds3", **SPI}, 208),
    "lsm6dsox": ({"driver": "lsm6dsox", **I2C}, 208),
    "mpu6500": ({"driver": "mpu6050", **I2C}, 200),  # under the name it is sold by
    "lsm6dsv16x@0x6B": ({"driver": "lsm6dsv16x", **I2C, "address": 0x6B}, 240),
    "adxl355@spi": ({"driver": "adxl355", **SPI}, 250),
    "kx134": ({"driver": "kx134", **I2C}, 200),
    "icm42688@spi": ({"driver": "icm42688", **SPI}, 200),
}


def files(source: dict[str, Any], rate_hz: float = 1000, **settings: Any) -> dict[str, bytes]:
    """Return the application for a virtual board with that source."""
    base = {"kind": "vibration", "n_channels": 3, "rate_hz": rate_hz, "source": source}
    return application.application(board_files.load("virtual"), {**base, **settings})


@pytest.fixture(scope="module")
def kept_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A flash image that the tests of this file share: most of the application is deployed once."""
    return tmp_path_factory.mktemp("flash") / "flash.bin"


def put(board: "VirtualBoard", contents: dict[str, bytes]) -> str:
    """Deploy; return why the detector does not start, "" where it does."""
    with Link(board.path) as link:
        try:
            deploy(link, contents)
        except DeviceError as error:
            return error.message
    return ""


def told(found: dict[str, Any]) -> dict[str, findings.Verdict]:
    return {verdict.what: verdict for verdict in sensor_check.verdicts(found)}


@pytest.mark.parametrize("sensor", SENSORS)
def test_a_sensor_is_deployed_and_examined(
    sensor: str, virtual_board: Callable[..., "VirtualBoard"], kept_image: Path
) -> None:
    source, rate = SENSORS[sensor]
    board = virtual_board(image=kept_image, sensors=[sensor])
    contents = files(source, rate)
    modules = {Path(path).stem for path in contents if "/sources/" in path}
    assert modules == {"__init__", source["driver"], "registers"} | (
        {"on_spi"} if "spi" in source else set()
    ) | ({"tagged"} if source["driver"] in ("lsm6dsox", "lsm6dsv16x") else set())
    assert put(board, contents) == ""
    found = sensor_check.examine(board.path, seconds=1.5)
    said = told(found)
    # the chip's time is this machine's: where that is busy for longer than a FIFO of 32 frames
    # lasts, samples are lost
    wrong = [
        verdict
        for verdict in said.values()
        if verdict.state == findings.FAIL and verdict.what != "overruns"
    ]
    assert not wrong, wrong
    assert said["gravity"].found.startswith("|g| = 1.0") or said["gravity"].found.startswith(
        "|g| = 0.99"
    )
    assert "z points up" in said["gravity"].found
    assert found["resumed"]
    assert found["measured"]["n_gaps"] == 0 or source["driver"] in ("adxl345", "lis3dh")
    # within what a busy machine does to the clock of a process
    assert (
        found["measured"]["n_gaps"]
        or abs(found["measured"]["n_frames"] * 1e6 / found["measured"]["measured_us"] / rate - 1)
        < 0.05
    )
    assert sensor_check.facts(found)["chip"] == f"0x{found['chip']:02x}"
    assert found["chip"] == {"mpu6050": 0x68, "mpu6500": 0x70}.get(sensor, found["chip"])
    with Link(board.path) as link:
        status = link.ask("status")
    assert status["faults"] == 0
    assert status["turn_ms"] >= 0


def test_what_hangs_on_the_bus_instead_is_told(
    virtual_board: Callable[..., "VirtualBoard"], kept_image: Path
) -> None:
    contents = files({"driver": "mpu6050", **I2C})
    for sensors, found_text, remedy in (
        (
            ["mpu6050@0x69"],
            "no device at 0x68 on I2C 0: found 0x69",
            "AD0 is high: set address = 0x69",
        ),
        (
            ["lis3dh"],
            "no device at 0x68 on I2C 0: found 0x18",
            '0x18 is a LIS3DH: set driver = "lis3dh"',
        ),
        (
            ["lis3dh@0x68"],
            "chip identity 0x00, not 0x68 at 0x68",
            'it is a LIS3DH: set driver = "lis3dh"',
        ),
        (["adxl345@spi"], "no device on I2C 0", "low at rest: no pull-ups, no power"),
    ):
        board = virtual_board(image=kept_image, sensors=sensors)
        assert "its sensor does not" in put(board, contents)
        found = sensor_check.examine(board.path, seconds=1)
        verdict = told(found)["sensor"]
        assert verdict.state == findings.FAIL
        assert found_text in verdict.found
        assert remedy in verdict.remedy
        assert found["resumed"]
        assert found["start_fault"]
        board.stop()


def test_the_doctor_needs_what_deploy_puts(virtual_board: Callable[..., "VirtualBoard"]) -> None:
    board = virtual_board(sensors=["mpu6050"])
    with pytest.raises(HostError, match="not on this board"):
        sensor_check.examine(board.path, seconds=1)


def measured(**changed: Any) -> dict[str, Any]:
    """Return what a healthy MPU-6050 gives in a second."""
    n = 640
    out = {
        "n_frames": 1000, "measured_us": 1_000_000, "n_gaps": 0, "n_faults": 0, "fault": "",
        "late": 0, "longest_us": 2000, "n_judged": n, "sums": [0, 0, n * 8192], "squares": [n * 100,
        n * 100, n * (8192**2 + 100)], "low": [-30, -30, 8160], "high": [30, 30, 8220],
    }  # fmt: skip
    return {**out, **changed}


def seen(**changed: Any) -> dict[str, Any]:
    config = {
        "board": "b",
        "kind": "vibration",
        "n_channels": 3,
        "rate_hz": 1000,
        "source": {"driver": "mpu6050", **I2C},
    }
    board = {"mem_free": 200_000, "flash_free": 900_000, "flash_size": 1_400_000}
    return {
        "board": board,
        "config": config,
        "unit": "g",
        "counts": 8192,
        "chip": 0x68,
        "measured": measured(),
        **changed,
    }


@pytest.mark.parametrize(
    ("changed", "what", "state", "says"),
    [
        ({}, "gravity", findings.OK, "z points up"),
        ({"measured": measured(sums=[-640 * 8000, 0, 0],
                               squares=[640 * 8000**2 + 64000, 64000, 64000])},
         "gravity", findings.OK, "x points down"),
        ({"measured": measured(sums=[0, 0, 640 * 4096],
                               squares=[64000, 64000, 640 * 4096**2 + 64000])},
         "gravity", findings.WARN, "|g| = 0.50"),
        ({"measured": measured(sums=[0, 0, 0], squares=[64000] * 3)}, "gravity", findings.FAIL,
         "|g| = 0.00"),
        ({"measured": measured(squares=[0, 64000, 640 * 8192**2 + 64000])}, "channels",
         findings.FAIL, "x never varied"),
        ({"measured": measured(high=[30, 32767, 8200])}, "range", findings.WARN,
         "y reached the end"),
        ({"measured": measured(squares=[640 * 4000**2, 64000, 640 * 8192**2 + 64000])}, "noise",
         findings.WARN, "x 488"),
        ({"measured": measured(n_frames=900)}, "rate", findings.WARN, "900.0 Hz"),
        ({"measured": measured(n_frames=0)}, "rate", findings.FAIL, "no samples came"),
        ({"measured": measured(n_gaps=3)}, "overruns", findings.FAIL, "3 in 1.0 s"),
        ({"measured": measured(n_faults=7, fault="[Errno 5] EIO")}, "faults", findings.FAIL,
         "7 reads failed"),
        ({"measured": measured(late=100)}, "jitter", findings.WARN, "10.0% of the samples"),
        ({"resumed": False, "why_not": "it"}, "detector", findings.FAIL, "does not start"),
        ({"error": "no answer from 0x68", "hint": "", "bus": [], "levels": {"sda": 0, "scl": 1}},
         "sensor", findings.FAIL, "no device"),
        ({"error": "no answer", "hint": "", "bus": [[a, []] for a in range(8, 120)]}, "sensor",
         findings.FAIL, "every"),
        ({"error": "n_channels = 9", "hint": "3 or 6"}, "sensor", findings.FAIL,
         "n_channels = 9"),
        ({"native_free": 4095}, "native", sensor_check.WARN, "4,095 bytes of executable memory"),
        ({"native_free": 4096}, "native", sensor_check.OK, "4,096 bytes of executable memory"),
        ({"board": {"mem_free": 20_000, "flash_free": 9_000, "flash_size": 1}}, "flash",
         findings.WARN, "9,000"),
    ],
)  # fmt: skip
def test_verdicts(changed: dict[str, Any], what: str, state: str, says: str) -> None:
    verdict = told(seen(**changed))[what]
    assert verdict.state == state, verdict
    assert says in verdict.found
    assert bool(verdict.remedy) == (state != findings.OK)


def test_a_silent_bus_with_pull_ups_is_a_matter_of_wires() -> None:
    found = seen(error="no answer from 0x68", hint="", bus=[], levels={"sda": 1, "scl": 1})
    del found["measured"]
    assert "SDA to pin 4, SCL to pin 5, not swapped?" in told(found)["sensor"].remedy


@pytest.mark.parametrize(
    ("rms", "recognise", "state", "says"),
    [
        (100, "words", findings.OK, "-50 dB of full scale (100 counts rms); the floor is -77 dB"),
        (50, "words", findings.WARN, "-56 dB of full scale"),
        (50, "windows", findings.OK, "the floor is -95 dB"),
        (4, "windows", findings.WARN, "-78 dB"),
        (0, "words", findings.WARN, "-110 dB"),
    ],
)
def test_the_level_of_a_microphone(rms: int, recognise: str, state: str, says: str) -> None:
    heard = measured(sums=[0], squares=[640 * rms * rms], low=[-2], high=[2])
    found = seen(unit="full scale", counts=32768, measured=heard)
    found["config"] |= {
        "kind": "audio", "recognise": recognise, "n_channels": 1, "source": {"driver": "i2s"},
    }  # fmt: skip
    verdict = told(found)["level"]
    assert (verdict.state, says in verdict.found) == (state, True), verdict
    assert ("gain_bits" in verdict.remedy) == (state == findings.WARN)


def test_a_healthy_board_has_no_complaint() -> None:
    assert {verdict.state for verdict in sensor_check.verdicts(seen())} == {findings.OK}


def test_sensors_of_a_virtual_board_are_named() -> None:
    assert described("lis3dh@0x19") == {"chip": "lis3dh", "i2c": 0, "address": 0x19}
    assert described("adxl345@spi") == {"chip": "adxl345", "spi": 0, "cs": 17}
    assert described("mpu6500") == {"chip": "mpu6500", "i2c": 0, "address": 0x68}
    for wrong in ("bmp280", "lis3dh@0x99", "mpu6050@there"):
        with pytest.raises(UsageError):
            described(wrong)


def test_every_accelerometer_is_known_everywhere() -> None:
    found = drivers.drivers()
    names = {name for name, path in found.items() if "/accelerometers/" in path}
    assert len(names) >= 10
    assert set(sensor_units.ACCELEROMETERS) == names
    assert set(ADDRESSES) == names
    readme = (ROOT / "boards" / "README.md").read_text()
    contract = (ROOT / "tests" / "device" / "accelerometers.py").read_text()
    for name in names:
        assert f'driver = "{name}"' in readme or f"({name})" in readme, name
        assert f'    "{name}": ' in contract, name


# ---- rest and alarm, in the real pipeline --------------------------------------------------------

WATCH = """
import buses, json, time
from machine import Pin
from nearhum.pipeline import Pipeline
chip = buses.wired[0].chip
hum = Pipeline()
def windows(n):
    while hum.n_windows < n:
        hum.step()
answer = hum.console.execute('learn 24')
windows(1)
begun, at = time.ticks_ms(), chip.n_made
windows(28)
took, awake = time.ticks_diff(time.ticks_ms(), begun), chip.n_made - at
quiet = Pin(15).value(), hum.temporal.alarm, hum.detector.state
chip.motion.amplitude_mg, chip.motion.period = 3000, 4  # another tone, and loud
until = time.ticks_add(time.ticks_ms(), 12000)
while not hum.temporal.alarm and time.ticks_diff(until, time.ticks_ms()) > 0:
    hum.step()
hum.step()
loud = Pin(15).value(), hum.temporal.alarm, hum.detector.state
print('watch ' + json.dumps([took, awake, quiet, loud, hum.gaps, hum.source.n_wakings,
    hum.source.counts_of_g, hum.console.execute('status')]))
hum.close()
"""


def test_a_board_that_sleeps_between_windows_keeps_what_it_learned_and_shows_its_alarm(
    virtual_board: Callable[..., "VirtualBoard"],
) -> None:
    board = virtual_board(sensors=["mpu6050"])  # a new one: a prompt imports the application in /
    source = {"driver": "paced", "wraps": "mpu6050", **I2C, "duty_s": 0.2, "rest_ms": 5}
    small = {"n_window": 64, "n_hop": 64, "alarm_pin": "15", "smooth": 256}
    contents = files(source, 1000, **small)
    assert {"/nearhum/sources/paced.mpy", "/nearhum/outputs/pin.mpy"} <= set(contents)
    assert put(board, contents) == ""
    with Link(board.path) as link, stopped(link, fresh=True) as repl:
        said = next(line for line in repl.run(WATCH).splitlines() if line.startswith("watch "))
    took, awake, quiet, loud, gaps, n_wakings, counts, status = json.loads(
        said.removeprefix("watch ")
    )
    assert quiet == [0, False, 2]  # WATCH
    assert loud == [1, True, 2], status
    assert gaps <= 2, "a busy machine may keep this process from the FIFO, which runs over"
    assert status["alarm"] is True
    # known while the chip sleeps, too: three times its weight of vibration is no wrong gravity
    assert (counts, "gravity" in status["warning"]) == (8192, False)
    assert took >= 26.5 * 200, "27 windows, one a waking"
    assert awake < 0.8 * took, "the chip slept meanwhile"
    assert n_wakings >= 28


ODD = """
import buses, json
from nearhum.pipeline import Pipeline
chip = buses.wired[0].chip
hum = Pipeline()
said = []
def ask():
    every = hum.console.execute('status')['warning'].split('; ')
    said.append(''.join([text for text in every if 'doctor' in text]))
def after(register, value):
    chip.registers[register] = value
    end = hum.n_windows + 8  # the FIFO may hold three of before
    while hum.n_windows < end:
        hum.step()
    ask()
ask()
after(0x6C, 0)
after(0x6C, 0x10)  # PWR_MGMT_2: y in standby
after(0x6C, 0x18)  # and z
chip.hold = True  # no axis changes: that is stuck, which health tells
hum.window.samples[:] = hum.window.samples.__class__('h', bytes(2 * len(hum.window.samples)))
ask()
chip.hold = False
after(0x6C, 0)
after(0x1C, 0)  # ACCEL_CONFIG: 2 g where the driver has set 4
print('odd ' + json.dumps(said))
hum.close()
"""


def test_a_dead_axis_and_another_gravity_show_in_status(
    virtual_board: Callable[..., "VirtualBoard"],
) -> None:
    board = virtual_board(sensors=["mpu6050"])  # a new one, as above
    assert put(board, files({"driver": "mpu6050", **I2C}, n_window=64, n_hop=64)) == ""
    with Link(board.path) as link, stopped(link, fresh=True) as repl:
        said = next(line for line in repl.run(ODD).splitlines() if line.startswith("odd "))
    first, sound, y, y_and_z, stuck, again, half = json.loads(said.removeprefix("odd "))
    assert (first, sound, again) == ("", "", "")
    see = ": see `nearhum doctor`"
    assert y == f"axis y never varies while others do{see}"
    assert y_and_z.startswith("axis y, axis z never varies while others do, gravity measures 0.0")
    assert stuck == f"gravity measures 0.00 g, not 1{see}"
    assert half.startswith(("gravity measures 2.0", "gravity measures 1.9"))


PUSH = """
import json, nearhum
for i in range(120):
    nearhum.push([20 + (i % 7) / 10, 1000 + i % 5])
print('push ' + json.dumps([nearhum.status()['n_windows'], nearhum.status()['source']]))
try:
    nearhum.push([1])
except Exception as e:
    print('push ' + json.dumps(e.message))
"""


def test_three_lines_of_the_users_own_are_a_source(
    virtual_board: Callable[..., "VirtualBoard"],
) -> None:
    board = virtual_board()  # a new one: a prompt imports the application in /
    contents = files({"driver": "push", "scale": [100, 1]}, 1, kind="telemetry", n_channels=2)
    assert put(board, contents) == ""
    with Link(board.path) as link, stopped(link, fresh=True) as repl:
        first, second = (line for line in repl.run(PUSH).splitlines() if line.startswith("push "))
    # 120 samples, windows of 32, one a sample
    assert json.loads(first.removeprefix("push ")) == [89, "ok"]
    assert "push of 1 values" in second


# ---- the emulated chip ---------------------------------------------------------------------------

ON_CHIP = """
import gc, json, time
from nearhum.pipeline import Pipeline
from nearhum.sources import GAP
hum = Pipeline('/')
class Timed:
    # the driver, and how long its reads take
    cue = ''
    us = n_reads = n_frames = n_gaps = longest_us = 0
    def __init__(self, source):
        self.source = source
        self.close = source.close
    def read_into(self, block):
        t = time.ticks_us()
        n = self.source.read_into(block)
        t = time.ticks_diff(time.ticks_us(), t)
        if n > 0:
            self.us += t; self.n_reads += 1; self.n_frames += n
            self.longest_us = max(self.longest_us, t)
        elif n == GAP:
            self.n_gaps += 1
        return n
hum.source = source = Timed(hum.source)
hum.console.execute('learn 8')
begun = time.ticks_us()
while hum.n_windows < 12:
    hum.step()
took = time.ticks_diff(time.ticks_us(), begun)
status = hum.console.execute('status')
gc.collect()
print('sensor ' + json.dumps({'took_us': took, 'us': source.us, 'n_reads': source.n_reads,
    'n_frames': source.n_frames, 'n_gaps': source.n_gaps, 'longest_us': source.longest_us,
    'status': status, 'heap': gc.mem_alloc()}))
"""


@pytest.mark.slow
def test_an_mpu6050_feeds_the_emulated_chip_at_1_khz(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real firmware, the real driver, the RP2040's I2C block, and on its wires a model of
    the sensor.
    """
    uf2 = os.environ.get(emulated.UF2_NAME)
    if not uf2:
        pytest.skip(f"no firmware image: {emulated.UF2_NAME} names none")
    report = tmp_path / "report.json"
    monkeypatch.setenv("NEARHUM_SENSOR_REPORT", str(report))
    pico = board_files.load(emulated.BOARD)
    contents = application.application(pico, {"n_window": 256, "n_hop": 128})
    for path in STARTERS:
        del contents[path]
    said = emulated.run(Path(uf2), contents, ON_CHIP, 3600, sensor="MPU6050")
    line = next(line for line in said.splitlines() if line.startswith("sensor "))
    chip, wire = json.loads(line.removeprefix("sensor ")), json.loads(report.read_text())
    status = chip["status"]
    read_us = chip["us"] / chip["n_reads"]
    print(
        f"{chip['n_frames']} frames, {chip['took_us'] / 1e6:.2f} s of the chip's time,"
        f" {chip['n_reads']} bursts, {read_us:.0f} us ({read_us * emulated.CLOCK_HZ / 1e6:,.0f}"
        f" cycles) each, at most {chip['longest_us']} us; {100 * chip['us'] / chip['took_us']:.0f}"
        f" % of the time; {chip['n_gaps']} gaps; {status['n_windows']} windows, state"
        f" {status['state']}, threshold {status['threshold']}, score {status['score']}; heap"
        f" {chip['heap']} bytes"
    )
    n_bytes, wire_us = max(wire["bursts"])
    print(
        f"the sensor made {wire['n_made']} samples, lost {wire['n_lost']}, had"
        f" {wire['n_transfers']} transfers; {n_bytes} bytes took {wire_us:.0f} us on the wire"
    )
    assert (chip["n_gaps"], wire["n_lost"], wire["n_nacks"], status["faults"], status["gaps"]) == (
        0,
        0,
        0,
        0,
        0,
    )
    assert (status["n_windows"], status["state"]) == (12, "watch")
    assert status["score"] < status["threshold"]
    assert not status["alarm"]
    assert chip["n_frames"] >= 256 + 11 * 128
    assert wire["n_made"] - chip["n_frames"] < 170  # what its FIFO held at the start and at the end
    registers = {int(name, 0): value for name, value in wire["registers"].items()}
    assert (registers[0x19], registers[0x1A], registers[0x23]) == (0, 1, 0x08)
