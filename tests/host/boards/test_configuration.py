"""A configuration is checked before a board has it, by the firmware's own code."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from nearhum.settings import KINDS, SETTINGS
from nearhum_host.boards import application, board_files
from nearhum_host.boards.checking import configuration, firmware_code, pins
from nearhum_host.errors import UsageError
from size import AUDIO_BY_PIO
from typer.testing import CliRunner

SPI = {"driver": "lis3dh", "spi": 0, "sck": 18, "mosi": 19, "miso": 16, "cs": 17}
WIFI = {"driver": "wifi"}
MICROPHONE = {"driver": "i2s_microphone", "sck": 14, "ws": 15, "sd": 32}
SOUND = {"kind": "audio", "n_channels": 1, "rate_hz": 16000}
RESTS = {"driver": "paced", "wraps": "mpu6050", "sda": 4, "scl": 5, "duty_s": 60}


def check(board: str, over: dict) -> dict:
    there = board_files.load(board)
    return configuration.check(there.config(over), there.chip, there.port)


@pytest.mark.parametrize("board", board_files.names())
def test_boards_that_come_with_nearhum_can_start(board: str) -> None:
    assert check(board, {})["board"] == board


@pytest.mark.parametrize(
    ("board", "over"),
    [
        ("rpi_pico", {"alarm_pin": "LED"}),
        ("rpi_pico", {"alarm_pin": "25 low"}),
        ("rpi_pico", {"rate_hz": 400, "source": SPI}),
        ("rpi_pico", {"source": {"i2c": 1, "sda": 6, "scl": 7}}),
        ("rpi_pico", {"source": {"driver": "adc_dma", "pins": [26, 27, 28]}}),
        ("rpi_pico", {**SOUND, "source": AUDIO_BY_PIO}),
        ("rpi_pico", {"source": RESTS}),
        ("rpi_pico", {"kind": "spectra", "n_channels": 1, "source": {"driver": "push"}}),
        ("rpi_pico", {"source": {"names": ["along", "across", "auf und ab, °"]}}),
        ("rpi_pico", {"source": {"driver": "push", "scale": [1, 2, 3]}}),
        ("rpi_pico_w", {"kind": "radio", "n_subcarriers": 0, "n_channels": 1, "rate_hz": 50,
                        "source": WIFI}),
        ("rpi_pico2", {"source": {"sda": 40, "scl": 41}}),
        ("esp32_generic", {**SOUND, "source": MICROPHONE}),
        ("esp32_generic", {"rate_hz": 100, "source": {"driver": "adc_timer", "pins": [34, 35, 36],
                                                      "timer": 0}}),
        ("esp32_generic", {"source": {"sda": 25, "scl": 26}}),
        ("virtual", {"kind": "vibration", "rate_hz": 1000, "n_channels": 3}),
        # shorter than its transform, as that of motion: filled with zeros
        ("rpi_pico", {"n_window": 1000}),
    ],
)  # fmt: skip
def test_what_can_be(board: str, over: dict) -> None:
    check(board, over)


@pytest.mark.parametrize(
    ("board", "over", "says"),
    [
        # names, with the near one
        ("rpi_pico", {"source": {"driver": "mpu6500"}}, "mpu6500' (did you mean mpu6050?)"),
        ("rpi_pico", {"alarm_per_day": 1}, "'alarm_per_day' (did you mean alarms_per_day"),
        ("rpi_pico", {"source": {"adress": 0x69}}, "source.adress: mpu6050 has no such key (did"),
        ("rpi_pico", {"source": {**RESTS, "slepp": "light"}}, "source.slepp"),
        ("rpi_pico", {"source": {**SPI, "sda": 4}, "rate_hz": 400}, "source.sda"),
        ("rpi_pico", {"source": {"driver": "lis3dh", "sda": 4}, "rate_hz": 400}, "no 'scl'"),
        # the sensor
        ("rpi_pico", {"rate_hz": 3000}, "rate_hz = 3000"),
        ("rpi_pico", {"rate_hz": 700}, "1000 / n"),
        ("rpi_pico", {"n_channels": 4}, "n_channels = 4"),
        ("rpi_pico", {"source": {"range_g": 5}}, "range_g = 5"),
        ("rpi_pico", {"rate_hz": 3000, "source": RESTS}, "rate_hz = 3000"),
        ("rpi_pico", {"rate_hz": 1, "source": RESTS}, "duty_s"),
        ("rpi_pico", {**SOUND, "rate_hz": 4000, "source": AUDIO_BY_PIO}, "8000 to 48000"),
        ("rpi_pico", {**SOUND, "n_channels": 2, "source": AUDIO_BY_PIO}, "n_channels = 2"),
        ("esp32_generic", {"rate_hz": 2000, "source": {"driver": "adc_timer", "pins": [34, 35, 36],
                                                       "timer": 0}}, "at most 1000"),
        ("rpi_pico", {"source": {"driver": "push", "n_waiting": 10**9}}, "n_waiting"),
        ("rpi_pico", {"rate_hz": 8000}, "mpu6050: rate_hz = 8000; 1000 / n, n of 1 to 256: 1000"),
        ("rpi_pico", {"rate_hz": 1000, "source": {**SPI, "driver": "adxl345"}},
         "adxl345: rate_hz = 1000; one of 3200, 1600, 800, 400, 200, 100, 50, 25, 12.5, 6.25"),
        ("rpi_pico", {"source": {"range_g": 32}}, "range_g = 32; one of 2, 4, 8, 16"),
        ("rpi_pico", {"source": {"address": 0x90}}, "address = 0x90; from 0x08 to 0x77"),
        ("rpi_pico", {"source": {"address": 0x90}}, "twice it: 0x48"),
        ("rpi_pico", {"source": {"address": 3}}, "address = 0x03"),
        ("rpi_pico", {"source": {"address": "0x68"}}, "address = '0x68'"),
        ("rpi_pico", {"source": {**RESTS, "address": 0x90}}, "address = 0x90"),
        # the chip
        ("rpi_pico", {"source": {"sda": 5}}, "; sda = 4, for instance"),
        ("esp32_generic", {"source": {"sda": 34}}, "can be an output: 0 to 5, 9"),
        ("rpi_pico", {"rate_hz": 400, "source": {"driver": "lis3dh", "sda": 4}}, "add scl ="),
        ("rpi_pico", {"source": {"sda": "4"}}, "without quotes"),
        ("rpi_pico", {"alarm_rate": 4}, "settings with a name like it: alarm_n"),
        ("rpi_pico", {"foo": 4}, "settings.py has all settings"),
        ("rpi_pico", {"source": {"sda": 5}}, "pin 5 of rp2040 is no sda of I2C 0, but 0, 4, 8"),
        ("rpi_pico", {"source": {"sda": 6, "scl": 7}}, "pin 6 of rp2040 is no sda of I2C 0"),
        ("rpi_pico", {"source": {"i2c": 2}}, "no I2C 2"),
        ("rpi_pico", {"source": {**SPI, "spi": 1}, "rate_hz": 400}, "no sck of SPI 1, but 10"),
        ("rpi_pico", {"source": {"driver": "adc_dma", "pins": [25, 26, 27]}}, "of 26 to 29"),
        ("rpi_pico", {"rate_hz": 9, "source": {"driver": "adc_timer", "pins": [2, 26, 27]}}, "ADC"),
        ("rpi_pico", {**SOUND, "source": MICROPHONE}, "pio_microphone"),
        ("esp32_generic", {"source": {"sda": 34}}, "pin 34 of esp32 is an input only"),
        ("esp32_generic", {"source": {"scl": 6}}, "pin 6 of esp32 belongs to its flash"),
        ("esp32_generic", {"source": {"scl": 24}}, "esp32 has no pin 24"),
        ("esp32_generic", {"source": {"scl": 21}}, "pin 21 is named twice"),
        ("esp32_generic", {"source": SPI, "rate_hz": 400}, "esp32 has no SPI 0, but 1, 2"),
        ("esp32_c3", {"source": {"sda": 12}}, "pin 12 of esp32c3 belongs to its flash"),
        ("esp32_c3", {"source": {"i2c": 1}}, "no I2C 1"),
        ("esp32_generic", {"source": {"driver": "adc_dma", "pins": [34, 35, 36]}}, "adc_dma"),
        ("esp32_generic", {**SOUND, "source": AUDIO_BY_PIO}, "without a PIO"),
        # bands, and what else does not go together
        ("rpi_pico", {"envelope_low_hz": 300, "envelope_high_hz": 800},
         "envelope_high_hz = 800; at most 0.45 of rate_hz, 450"),
        ("rpi_pico", {"f_high_hz": 600}, "f_high_hz = 600"),
        ("rpi_pico", {"n_bands": 32, "n_window": 64, "n_hop": 64}, "n_bands = 32"),
        ("rpi_pico", {"n_bands": 32, "n_channels": 6}, "features"),
        ("rpi_pico", {"n_envelope_bands": 8, "envelope_low_hz": 1, "envelope_high_hz": 400},
         "envelope"),
        ("virtual", {"spread": "full"}, "spread = 'full' with 48 dimensions"),
        # the kind
        ("rpi_pico", {"kind": "spectra"}, "mpu6050 delivers samples in time"),
        # names of channels
        ("rpi_pico", {"source": {"names": ["x", "y"]}}, "n_channels = 3 texts, one a channel"),
        ("rpi_pico", {"source": {"names": "x, y, z"}}, "source.names = 'x, y, z'"),
        ("rpi_pico", {"source": {"names": ["x", "y", "z" * 41]}}, "at most 40 bytes each"),
        # the alarm
        ("rpi_pico", {"alarm_pin": "4"}, "alarm_pin = '4'"),
        ("rpi_pico", {"alarm_pin": "77"}, "alarm_pin = '77'"),
        ("rpi_pico", {"alarm_pin": "25 high"}, "alarm_pin = '25 high'"),
        ("esp32_generic", {"alarm_pin": "34"}, "alarm_pin = '34'"),
        # what is of another type altogether
        ("rpi_pico", {"source": {"sda": [4]}}, "source = "),
        ("rpi_pico", {"source": {"range_g": "4"}}, "source = "),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_with_its_value(board: str, over: dict, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        check(board, over)
    assert says in refused.value.message + "; " + refused.value.hint
    assert refused.value.hint
    with pytest.raises(UsageError):  # and so by deploy, before a board is touched
        application.application(board_files.load(board), over)


@pytest.mark.parametrize(
    ("board", "over", "says"),
    [
        (
            "rpi_pico",
            {"rate_hz": 3000, "n_channels": 4, "nbands": 5, "smooth": 999,
             "source": {"sda": 5, "scl": 6, "range_g": 5, "adress": 3, "names": ["a"]}},
            ["setting is called 'nbands'", "smooth = 999", "rate_hz = 3000", "n_channels = 4",
             "range_g = 5", "pin 5 of rp2040 is no sda", "pin 6 of rp2040 is no scl",
             "source.adress", "source.names = ['a']"],
        ),
        (
            "rpi_pico",
            {"rate_hz": 400, "alarm_pin": "99", "source": {"driver": "lis3dh", "adress": 3}},
            ["alarm_pin = '99'", "lis3dh: source has no 'sda'", "lis3dh: source has no 'scl'",
             "source.adress: lis3dh has no such key (did you mean address?)"],
        ),
        (
            "rpi_pico",
            {"n_hop": 1000, "n_window": 500, "alarm_m": 5, "f_high_hz": 900,
             "source": {"driver": "mpu6500"}},
            ["n_hop = 1000", "alarm_m = 5", "f_high_hz = 900", "driver = 'mpu6500'"],
        ),
        (
            "rpi_pico",
            {"rate_hz": 3000, "source": {**RESTS, "duty_s": 0.01, "sda": 77, "slepp": "light"}},
            ["rate_hz = 3000", "duty_s = 0.01", "rp2040 has no pin 77", "source.slepp"],
        ),
        (
            "esp32_generic",
            {"source": {"driver": "adc_timer", "pins": [2, 6, 24]}, "rate_hz": 2000},
            ["rate_hz = 2000", "pin 6 of esp32 belongs to its flash", "esp32 has no pin 24"],
        ),
    ],
)  # fmt: skip
def test_all_faults_are_told_at_once(board: str, over: dict, says: list[str]) -> None:
    with pytest.raises(UsageError) as refused:
        check(board, over)
    said = refused.value.message
    for wrong in says:
        assert wrong in said, (wrong, said)
    assert said.startswith(f"{len(says)} faults"), said
    assert said.count("\n- ") == len(says)


def test_settings_alone_are_told_at_once_too() -> None:
    given = {"kind": "vibration", "source": {"driver": "push"}}
    for over, n in (({"smooth": 0, "slow": 99, "nbands": 1}, 3), ({"n_hop": 1024, "n_window": 64,
                                                                "alarm_m": 9}, 2)):  # fmt: skip
        with pytest.raises(UsageError, match=f"^mine.toml: {n} faults"):
            configuration.completed({**given, **over}, "mine.toml")


def test_rp2040_pins_are_those_of_its_data_sheet() -> None:
    """RP2040 Datasheet, 1.4.3, table 2, columns F1 and F3."""
    i2c = {(0, "sda"): {0, 4, 8, 12, 16, 20, 24, 28}, (0, "scl"): {1, 5, 9, 13, 17, 21, 25, 29}}
    i2c |= {(1, "sda"): {2, 6, 10, 14, 18, 22, 26}, (1, "scl"): {3, 7, 11, 15, 19, 23, 27}}
    other = {"sda": {0: 0, 1: 2}, "scl": {0: 1, 1: 3}}
    for (number, name), allowed in i2c.items():
        for pin in range(30):
            machine = pins.Machine("rp2040")
            given = {key: machine.Pin(other[key][number]) for key in other}
            given[name] = machine.Pin(pin)
            taken = pin == given["scl" if name == "sda" else "sda"].id
            try:
                machine.I2C(number, **given)
                found = True
            except ValueError:
                found = False
            assert found == (pin in allowed and not taken), (number, name, pin)


def variants() -> list[dict]:
    """Settings of which each loads other modules."""
    out: list[dict] = [{"kind": kind} for kind in KINDS]
    one = {
        "path": "float", "mean": "ranged", "statistics": "", "aside": "peak", "slow": 0,
        "level": "free", "head": "x.nhh", "prior": "x.nhs", "spread": "full", "drift_budget": 3,
        "teach": "ask", "watchdog_s": 8, "alarm_pin": "25", "n_window": 512, "n_bands": 0,
    }  # fmt: skip
    out += [{"kind": "vibration", name: value} for name, value in one.items()]
    out += [{"kind": "audio", "head": "x.nhh"}, {"kind": "audio", "teach": "ask"}]
    envelope = {"n_envelope_bands": 8, "envelope_low_hz": 100, "envelope_high_hz": 400}
    return [*out, {"kind": "vibration", "rate_hz": 1000, **envelope}]


@pytest.mark.parametrize("arch", ["x64", "armv6m"])
def test_a_board_knows_which_code_its_settings_load(arch: str) -> None:
    """What `set` asks for is what `deploy` brings: between any two settings of which one brings
    more, the board that has the other's code refuses it.
    """
    code = firmware_code.FirmwareCode(pins.Machine(""), "unix", "")
    code.stand_in("nearhum.board", SimpleNamespace(driver=None))
    checks = code.load("nearhum.console.checks")
    plan = code.load("nearhum.features.extract").Plan
    found = []
    for given in variants():
        config = configuration.completed({**given, "source": {"driver": "replay"}})
        package = application.PACKAGE
        brought = {
            path.with_suffix("").as_posix().rpartition(f"/{package}/")[2]
            for path in application.modules(arch, config)
        }
        asked = set(checks.needed(config, plan(config)))
        if arch == "armv6m":  # as checks.on_board does
            transforms = {path for path in asked if path[:15] in checks.OF_TRANSFORM}
            asked = asked - transforms | ({"kernels/thumb_spectrum"} if transforms else set())
        assert asked <= brought, (given, asked - brought)
        found.append((given, brought, asked))
    for given, brought, asked in found:
        for other, has, _ in found:
            if (
                brought
                - has
                - {"kernels/thumb_head", "kernels/viper_head", "kernels/viper_nearest"}
            ):
                assert asked - has, (given, other, brought - has)


def test_every_setting_is_known_to_the_check() -> None:
    assert set(check("virtual", {})) == {*SETTINGS, "source"}


# ---- commands ------------------------------------------------------------------------------------


def test_boards_and_deploy_refuse_before_a_board_is_touched(tmp_path: Path) -> None:
    from nearhum_host.commands.cli import app

    mine = tmp_path / "mine.toml"
    for text, says in (
        ("rate_hz = 3000", "mine.toml: mpu6050: rate_hz = 3000"),
        ("[settings]\nalarm_per_day = 1", "mine.toml: no setting"),
        ("[settings]\nalarm_per_day = 1", "did you mean alarms_per_day"),
        ("[source]\nsda = 5", "mine.toml: mpu6050: source: pin 5 of rp2040 is no sda"),
        ("[source]\ndriver = 'mpu6500'", "mine.toml: driver = 'mpu6500'"),
        ("[source]\ndriver = 'mpu6500'", "did you mean mpu6050?"),
    ):
        mine.write_text(f'extends = "rpi_pico"\n{text}\n')
        for command in (
            ["boards", str(mine)],
            ["deploy", "--board", str(mine), "--port", "/dev/none"],
            ["image", "--board", str(mine), "--output", str(tmp_path / "x.uf2")],
        ):
            done = CliRunner().invoke(app, command)
            assert done.exit_code == 2, (command, done.output)
            assert says in " ".join(done.output.split()), (command, done.output)


def test_a_good_file_is_said_to_be_one(tmp_path: Path) -> None:
    from nearhum_host.commands.cli import app

    mine = tmp_path / "mine.toml"
    mine.write_text('extends = "rpi_pico"\nrate_hz = 500\n')
    for more in ([], ["--json"]):
        done = CliRunner().invoke(app, ["boards", str(mine), *more])
        assert done.stderr == f"ok: {mine}: mpu6050 on rp2040, 3 x 500 Hz\n"
        assert "rate_hz" in done.stdout
        for none in ("ok:", '"file"', "file ="):
            assert none not in done.stdout


def test_score_refuses_before_anything_is_scored(tmp_path: Path) -> None:
    from nearhum_host.commands.cli import app
    from nearhum_host.recordings.sample import write_sample

    write_sample(tmp_path / "pump.csv")
    for words, says in (
        (["--set", "nbands=6"], "did you mean n_bands"),
        (["--set", "f_high_hz=600"], "f_high_hz = 600"),
        (["--set", "n_bands=32", "--set", "n_window=64", "--set", "n_hop=64"], "n_bands = 32"),
        (["--board", "esp32_generic", "--set", "alarm_pin=21"], "alarm_pin = '21'"),
        (["--board", "rpi_pico", "--columns", "x,y"], "the sensor of rpi_pico cannot do"),
    ):
        done = CliRunner().invoke(
            app, ["score", str(tmp_path / "pump.csv"), "--out", str(tmp_path / "out"), *words]
        )
        assert done.exit_code == 2, done.output
        assert says in " ".join(done.output.split()), done.output
        assert not (tmp_path / "out").exists()
