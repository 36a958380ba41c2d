"""The application that a board gets: within its budget of flash, with all that its settings
load.
"""

import ast
from pathlib import Path

import pytest
from nearhum.settings import KINDS
from nearhum_host import paths
from nearhum_host.boards import application, board_files
from nearhum_host.boards.checking import configuration
from size import AUDIO_BY_PIO, SOURCES

MAX_MPY_BYTES = 192 * 1024  # of the application on a board of any arch, in .mpy
PACKAGE = paths.firmware_dir() / "nearhum"
OVERRIDES = {
    "float": {"path": "float"},
    "envelope": {
        "rate_hz": 1000,
        "n_envelope_bands": 8,
        "envelope_low_hz": 100,
        "envelope_high_hz": 400,
    },
    **{kind: {"kind": kind, "rate_hz": 16000, "source": SOURCES.get(kind, {})} for kind in KINDS},
    **{
        sensor: {"source": {"driver": sensor, "i2c": 0, "sda": 4, "scl": 5}}
        for sensor in ("adxl345", "lis3dh", "lsm6ds3", "lsm6dsox")
    },
    "spi": {"source": {"driver": "lis3dh", "spi": 0, "sck": 18, "mosi": 19, "miso": 16, "cs": 17}},
    "audio by PIO": {
        "kind": "audio",
        "rate_hz": 16000,
        "source": AUDIO_BY_PIO,
    },
    "adc": {"kind": "telemetry", "source": {"driver": "adc_dma", "pins": [26]}},
    "timer": {"kind": "telemetry", "source": {"driver": "adc_timer", "pins": [26]}},
    "paced": {"source": {"driver": "paced", "wraps": "mpu6050", "sda": 4, "scl": 5, "duty_s": 60}},
    "alarm_pin": {"alarm_pin": "25"},
}


def has(board: str, what: str) -> bool:
    """Say whether a board has what a driver stands on: the ADC's DMA is the RP2040's, port rp2
    has no I2S of use.
    """
    there = board_files.load(board)
    if what.startswith("audio"):
        return (what == "audio by PIO") == (there.port == "rp2")
    return what != "adc" or there.chip == "rp2040"


CASES = [(board, what) for board in board_files.names() for what in OVERRIDES if has(board, what)]


@pytest.mark.parametrize(("board", "what"), [case for case in CASES if case[0] != "virtual"])
def test_fits_its_budget(board: str, what: str) -> None:
    there = board_files.load(board)
    files = application.application(there, OVERRIDES[what], check=False)
    total = sum(len(contents) for path, contents in files.items() if path.endswith(".mpy"))
    print(f"{board}, {what}: {total:,} bytes of .mpy in {len(files)} files")
    assert total <= MAX_MPY_BYTES


def imports(nodes: list[ast.stmt]) -> set[str]:
    """Return the modules of the package that statements import, those inside functions left out."""
    out = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "nearhum":
            for name in [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]:
                path = name.removeprefix("nearhum").replace(".", "/").strip("/")
                if path and (PACKAGE / f"{path}.py").exists():
                    out.add(path)
    return out


def lacking(source: Path, there: set[str]) -> set[str]:
    """Return what a module imports when it is loaded and is not there; of a `try`, its first
    branch that can be had.
    """
    body = ast.parse(source.read_text()).body
    out = imports(body) - there
    for node in body:
        if isinstance(node, ast.Try):
            branches = [node.body, *(handler.body for handler in node.handlers)]
            out |= min((imports(branch) - there for branch in branches), key=len)
    return out


@pytest.mark.parametrize(("board", "what"), CASES)
def test_nothing_that_is_loaded_is_left_off(board: str, what: str) -> None:
    there = board_files.load(board)
    config = configuration.completed(there.config(OVERRIDES[what]))
    sources = application.modules(there.mpy_arch, config)
    names = {source.relative_to(PACKAGE).with_suffix("").as_posix() for source in sources}
    assert {
        "pipeline",
        f"features/transform_{config['path']}",
    } <= names
    assert config["source"]["driver"] in {Path(name).name for name in names}
    for source in sources:
        assert not lacking(source, names), source.name


def test_what_is_never_loaded_stays_off() -> None:
    pico = board_files.load("rpi_pico")
    files = application.application(pico)
    assert "/nearhum/kernels/thumb_spectrum.mpy" in files
    for name in (
        "kernels/viper_fft",
        "kernels/thumb_head",
        "features/transform_float",
        "features/envelope",
        "sources/replay",
    ):
        assert f"/nearhum/{name}.mpy" not in files
        assert f"/nearhum/{name}.mpy" in application.application(pico, everything=True)
    assert "/nearhum/kernels/thumb.mpy" not in application.application(
        board_files.load("esp32_generic"), everything=True
    )
