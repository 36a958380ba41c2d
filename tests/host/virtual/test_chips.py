"""Test each chip of the virtual board: its memory, and everything on it, from the command line."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import serial
from conftest import ON_LINUX_X86_64
from nearhum_host.boards import application, board_files
from nearhum_host.errors import DeviceError, UsageError
from nearhum_host.recordings.nhr import Recording, write_nhr
from nearhum_host.virtual import chips, sensors, stand_in

pytestmark = pytest.mark.skipif(
    not ON_LINUX_X86_64, reason="the virtual board needs Linux on x86-64"
)
BOARDS = {name: chips.chip_named(name).board for name in chips.CHIPS}
N_PERIODS = 50
SPEED = "240"  # of the recording: some 470 windows a second
KEPT_EXECUTABLE, KEPT_HEAP = 8 * 1024, 40 * 1024  # bytes free on an ESP32 that watches
_START_S = 20


def run(folder: Path, *arguments: str, code: int = 0) -> str:
    """Run nearhum in a process of its own; return what it printed, errors too where it fails."""
    command = [sys.executable, "-m", "nearhum_host.commands.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder)
    said = f"{done.stdout}\n{done.stderr}"
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{said}"
    return done.stdout if code == 0 else said


@contextlib.contextmanager
def running(folder: Path, *options: str) -> Iterator[str]:
    """Yield the port of `nearhum virtual` with these options; its power fails at the end."""
    command = [sys.executable, "-m", "nearhum_host.commands.cli", "virtual", "--json", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder
    ) as board:
        assert board.stdout
        assert board.stderr
        try:
            said = board.stdout.readline()
            yield json.loads(said)["port"] if said else pytest.fail(board.stderr.read())
        finally:
            board.terminate()
            board.wait(_START_S)


# ---- the whole way -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An hour of a machine's vibration as the board files have it: 1 kHz, three axes."""
    draw = np.random.default_rng(5)
    t = np.arange(30_000)[:, None] / 1000
    one = np.sin(2 * np.pi * 50 * t + np.arange(3)) * 1500 + draw.normal(0, 200, (len(t), 3))
    session = Recording(1000, 3)
    session.add(np.tile(one.astype(np.int16), (120, 1)))
    path = tmp_path_factory.mktemp("hum") / "hum.nhr"
    write_nhr(session, path)
    return path


def learn_again_and_again(folder: Path, port: str) -> None:
    """Begin and end N_PERIODS learning periods, in one session of `nearhum console`."""
    command = [sys.executable, "-m", "nearhum_host.commands.cli", "console", "--raw", "-p", port]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=folder,
    ) as console:  # fmt: skip
        assert console.stdin
        assert console.stdout
        assert console.stderr

        def ask(line: str, period: int) -> dict[str, Any]:
            assert console.stdin
            assert console.stdout
            assert console.stderr
            console.stdin.write(f"{line}\n")
            console.stdin.flush()
            answer = console.stdout.readline()
            assert answer, f"{line} of period {period}: {console.stderr.read()}"
            return json.loads(answer)

        for period in range(N_PERIODS):
            ask("learn 16", period)
            end = time.monotonic() + _START_S
            while (status := ask("status", period))["state"] == "learn":
                assert time.monotonic() < end, status
                time.sleep(0.02)
            assert status["state"] == "watch", status
            # so short a period sets no good threshold, which it says; memory is what matters here
            assert "memory" not in status["warning"], status
            assert status["native_free"] is None or status["native_free"] >= KEPT_EXECUTABLE, status
            assert status["source"] == "ok", status
        console.stdin.close()


def learned(folder: Path, port: str) -> tuple[Any, ...]:
    """Return what must survive a restart, and the status it is from."""
    status = json.loads(run(folder, "status", "--port", port, "--json"))
    listed = json.loads(run(folder, "console", "--raw", "list", "--port", port))["prototypes"]
    assert not status["faults"], status
    labels = [(one["label"], one["count"]) for one in listed if one.get("label")]
    return status["state"], status["n_learned"], status["threshold"], labels, status


def leaves_room(chip: str, status: dict[str, Any]) -> None:
    """Fail where a chip that watches has less memory left than it needs."""
    if chips.chip_named(chip).executable_bytes:
        assert status["native_free"] >= KEPT_EXECUTABLE, status
        # an ESP32-C3 has one memory for both, and its heap grows into what code leaves of it
        shared = status["native_free"] - KEPT_EXECUTABLE if chip == "esp32c3" else 0
        # words here are twice as long as the chip's
        assert status["mem_free"] / 2 + shared >= KEPT_HEAP, status
    else:
        assert status["native_free"] is None


@pytest.mark.parametrize("chip", chips.CHIPS)
def test_the_whole_way(chip: str, hum: Path, tmp_path: Path) -> None:
    board = ("--chip", chip, "--image", "flash.bin", "--replay", str(hum), "--speed", SPEED)
    with running(tmp_path, *board) as port:
        at = ("--port", port)
        deployed = json.loads(run(tmp_path, "deploy", "--board", BOARDS[chip], *at, "--json"))
        assert deployed["start"]["board"] == BOARDS[chip]
        first = json.loads(run(tmp_path, "learn", "40", "--wait", *at, "--json"))
        assert (first["state"], first["n_learned"]) == ("watch", 40)
        shown = json.loads(run(tmp_path, "enrol", "rattle", "3", "--wait", *at, "--json"))
        assert shown["examples"] == 3
        learn_again_and_again(tmp_path, port)
        before = learned(tmp_path, port)
        assert before[0] == "watch"
        assert before[3] == [("rattle", 3)]
        leaves_room(chip, before[-1])
    with running(tmp_path, *board) as port:
        again = learned(tmp_path, port)
        assert again[:-1] == before[:-1]
        leaves_room(chip, again[-1])


# ---- executable memory ---------------------------------------------------------------------------

# A module whose code on the chip takes 3,000 and 500 bytes; what runs here is another's code.
SIZES = {"grown.mpy": [3000, 500]}
GROWN_BYTES = 3000 + 8 + 500 + 8  # and two words beside each: the port's list, the heap's header
FREE = "sum([r[1] for r in esp32.idf_heap_info(esp32.HEAP_EXEC)])"
IMPORT_AGAIN = f"""
import esp32, sys
free = [{FREE}]
try:
    while True:
        import grown
        free.append({FREE})
        del sys.modules["grown"]
except MemoryError as error:
    print([free, str(error)])
"""


def furnish(board: Any, mpremote: Callable[..., str], folder: Path) -> None:
    """Put the module `grown` on a board, with the table of SIZES."""
    (folder / "grown.py").write_text("x = 1\n")
    (folder / "grown.mpy").write_bytes(
        application.compiled(folder / "grown.py", "grown", stand_in.ARCH)
    )
    (folder / "native.json").write_text(json.dumps(SIZES))
    copies = (("grown.mpy", ":grown.mpy"), ("native.json", f":{stand_in.TABLE}"))
    mpremote(board, "fs", "mkdir", ":nearhum")
    for source, there in copies:
        mpremote(board, "resume", "fs", "cp", str(folder / source), there)


def last(said: str) -> Any:
    """The Python value on the last line that a board printed."""
    import ast

    return ast.literal_eval(said.strip().splitlines()[-1])


@pytest.mark.parametrize(("chip", "n_bytes"), [("esp32", 27 * 1024), ("esp32c3", 28_672)])
def test_each_import_takes_executable_memory_anew(
    virtual_board, mpremote, tmp_path: Path, chip: str, n_bytes: int
) -> None:
    board = virtual_board(chip)
    furnish(board, mpremote, tmp_path)
    free, error = last(mpremote(board, "exec", IMPORT_AGAIN))
    assert free[0] == n_bytes
    steps = {before - after for before, after in zip(free, free[1:], strict=False)}
    assert steps == {GROWN_BYTES}
    assert len(free) - 1 == sum(n // GROWN_BYTES for n in board.chip.executable_bytes)
    # as the port says it: the function and a pointer to the next
    assert error == "memory allocation failed, allocating 3004 bytes"
    again, _ = last(mpremote(board, "exec", IMPORT_AGAIN))  # which begins with a soft reset
    assert again == free


def test_few_names_of_a_virtual_board_are_its_own(virtual_board, mpremote) -> None:
    """MicroPython doubles its table of names when it is full: 15 KB here for the 1,261st, and an
    application has some 1,050. No chip has these.
    """
    said = mpremote(virtual_board("esp32c3"), "exec", "import micropython\nmicropython.qstr_info()")
    n_names = int(said.partition("n_qstr=")[2].partition(",")[0])
    assert n_names <= 180


def test_only_what_is_loaded_takes_executable_memory(
    virtual_board, mpremote, tmp_path: Path
) -> None:
    board = virtual_board("esp32")
    furnish(board, mpremote, tmp_path)
    code = (
        "import esp32, os\nopen('grown.mpy', 'rb').read()\nos.stat('grown.py') if 0 else None\n"
        f"a = {FREE}\nimport grown\nimport grown\nopen('/grown.mpy', 'rb').read()\n"
        f"b = {FREE}\nprint([a, b, os.listdir('/'), esp32.idf_heap_info(esp32.HEAP_EXEC)])"
    )
    before, after, files, told = last(mpremote(board, "exec", code))
    assert (before, before - after) == (27 * 1024, GROWN_BYTES)
    assert {"grown.mpy", "nearhum"} <= set(files)
    # size, free, largest, least free of each region
    rest = 14 * 1024 - GROWN_BYTES
    assert told == [(14336, rest, rest - 4, rest), (13312, 13312, 13308, 13312)]


def test_native_code_lies_in_the_heap_of_a_pico(virtual_board, mpremote, tmp_path: Path) -> None:
    for chip in ("rp2040", "rp2350"):
        board = virtual_board(chip)
        furnish(board, mpremote, tmp_path)
        assert "ImportError" in mpremote(board, "exec", "import esp32", fails=True)
        assert mpremote(board, "exec", "import grown; print(grown.x)").strip() == "1"
        # longer than its watchdog counts
        wdt = "import machine; machine.WDT(timeout=9000)"
        assert "ValueError" in mpremote(board, "exec", wdt, fails=True)


def test_settings_that_ask_for_more_than_the_chip_has_are_refused(
    virtual_board, mpremote, hum: Path, tmp_path: Path
) -> None:
    """With the sum, also where the board file itself knows no limit; the board stays as it was."""
    board = virtual_board("esp32", sd=card_of(hum, tmp_path))
    (tmp_path / "all.toml").write_text(
        'extends = "virtual"\nrate_hz = 1000\nn_channels = 3\n[settings]\nspread = "full"\n'
        "drift_budget = 1\nn_bands = 1\n"
        "n_envelope_bands = 2\nenvelope_low_hz = 100\nenvelope_high_hz = 400\nn_window = 1024\n"
    )
    said = run(tmp_path, "deploy", "--board", "all.toml", "--port", board.path, code=2)
    assert "bytes of native code, of 20480" in said
    assert mpremote(board, "exec", "import os; print(os.listdir('/'))").strip() == "['sd']"


def card_of(hum: Path, folder: Path) -> Path:
    """A card with the recording, played sixty times as fast."""
    sd = folder / "sd"
    sd.mkdir()
    (sd / stand_in.RECORDING).symlink_to(hum)
    (sd / "replay.json").write_text(json.dumps({"speed": int(SPEED)}))
    return sd


# ---- what deploy gives a virtual board -----------------------------------------------------------


def there(chip: str = "esp32", *words: str, card: bool = False) -> stand_in.About:
    """What a virtual board with these sensors says of itself."""
    said = {
        "chip": chip,
        "sensors": [sensors.described(word) for word in words],
        "card": [stand_in.RECORDING, "replay.json"] if card else [],
    }
    return stand_in.about(said)


def test_it_takes_the_recording_or_a_sensor_for_the_boards_own() -> None:
    board = board_files.load("esp32_generic")
    played = {"driver": "replay", "path": "/sd/replay.nhr"}
    assert stand_in.adapted(board, there(card=True)).source == played
    mine = stand_in.adapted(board, there("esp32", "lis3dh@spi", "mpu6050@0x69", card=True))
    assert (mine.source["driver"], mine.source["address"]) == ("mpu6050", 0x69)  # its own is there
    other = stand_in.adapted(board, there("esp32", "adxl345@spi"))
    assert other.source["driver"] == "adxl345"
    assert {"spi", "sck", "mosi", "miso", "cs"} <= other.source.keys()
    assert (other.mpy_arch, other.kind, other.rate_hz) == ("x64", board.kind, board.rate_hz)
    clone = stand_in.adapted(board, there("esp32", "icm20689"))
    assert clone.source["driver"] == "mpu6050"
    with pytest.raises(UsageError, match="neither a sensor nor a recording"):
        stand_in.adapted(board, there())
    virtual = board_files.load("virtual")
    assert stand_in.adapted(virtual, there()).source == virtual.source  # which tells what to do
    assert stand_in.adapted(virtual, there("esp32", "mpu6050")).source["driver"] == "mpu6050"


@pytest.mark.parametrize(
    ("source", "taken"),
    [
        ({"driver": "push", "scale": [1]}, {"driver": "push", "scale": [1]}),
        (
            {"driver": "replay", "path": "/own.nhr", "speed": 3},
            {"driver": "replay", "path": "/own.nhr", "speed": 3},
        ),
        (
            {"driver": "paced", "wraps": "lis3dh", "i2c": 0, "duty_s": 60},
            {"driver": "paced", "wraps": "replay", "path": "/sd/replay.nhr", "duty_s": 60},
        ),
        ({"driver": "adc_dma", "pins": [26]}, {"driver": "replay", "path": "/sd/replay.nhr"}),
    ],
    ids=lambda source: source["driver"],
)
def test_what_needs_no_hardware_stays(source: dict[str, Any], taken: dict[str, Any]) -> None:
    from dataclasses import replace

    board = replace(board_files.load("rpi_pico"), source=source)
    assert stand_in.adapted(board, there("rp2040", card=True)).source == taken


def test_a_recording_that_does_not_fit_is_told_before_a_file_is_changed() -> None:
    from dataclasses import replace

    from nearhum.sources.recording import pack_recording_header

    header = list(pack_recording_header(3, 1, 1000000, 100))
    said = {"chip": "rp2040", "sensors": [], "card": [stand_in.RECORDING], "header": header}
    board = board_files.load("rpi_pico")
    assert stand_in.adapted(board, stand_in.about(said)).source["driver"] == "replay"
    for wrong in (replace(board, rate_hz=500), replace(board, n_channels=6)):
        with pytest.raises(UsageError, match="plays has 3 x 1000 Hz"):
            stand_in.maker(wrong, application.application)(said)
    assert stand_in.maker(board, application.application)(said)
    pushed = replace(board, rate_hz=500, source={"driver": "push"})
    assert stand_in.adapted(pushed, stand_in.about(said)).source == {"driver": "push"}
    for unknown in (None, [], "x", header[:20]):
        assert stand_in.about({**said, "header": unknown}).plays is None


@pytest.mark.parametrize(
    "said",
    [
        {"chip": "z80", "sensors": [], "card": []},
        {"chip": ["esp32"], "sensors": [], "card": []},
        {"chip": "esp32", "sensors": [{"chip": "mpu6050", "i2c": "0", "address": 104}], "card": []},
        {"chip": "esp32", "sensors": 7, "card": []},
        {"chip": "esp32", "sensors": []},
    ],
)
def test_a_board_that_lies_about_itself_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(DeviceError, match="says of itself"):
        stand_in.about(said)


def test_the_table_is_of_the_chips_own_code() -> None:
    """Of the modules that the board gets, and not of what runs here."""
    board = board_files.load("esp32_generic")
    made: list[board_files.Board] = []

    def make(of: board_files.Board) -> dict[str, bytes]:
        made.append(of)
        return application.application(of)

    told: list[str] = []
    said = {"chip": "esp32", "sensors": [], "card": [stand_in.RECORDING]}
    files = stand_in.maker(board, make, told.append)(said)
    table = json.loads(files[stand_in.TABLE])
    assert {one.mpy_arch for one in made} == {"xtensawin", "x64"}
    own = application.application(board)
    for path in ("/nearhum/features/window.mpy", "/nearhum/kernels/viper_bands.mpy"):
        assert table[path[1:]] == json.loads(stand_in.native_table({path: own[path]}))[path[1:]]
    assert {f"/{path}" for path in table} <= files.keys()
    assert told == ["its sensor here: the recording /sd/replay.nhr"]
    on_pico = stand_in.maker(board, application.application, told.append)(
        {**said, "chip": "rp2040"}
    )
    assert stand_in.TABLE not in on_pico
    assert "has the chip esp32, this virtual board has rp2040" in told[-2]


def test_a_sensor_on_a_virtual_esp32(tmp_path: Path) -> None:
    with running(tmp_path, "--chip", "esp32", "--sensor", "mpu6050", "--link", "board") as port:
        at = ("--port", port)
        run(tmp_path, "deploy", "--board", "esp32_generic", *at)
        status = json.loads(run(tmp_path, "status", *at, "--json"))
        assert (status["source"], status["board"]) == ("ok", "esp32_generic")
        assert "all 13 stages are right" in run(tmp_path, "selftest", port)
        again = json.loads(run(tmp_path, "deploy", "--board", "esp32_generic", *at, "--json"))
        assert again["copied"] == again["removed"] == []
    with running(tmp_path, "--chip", "esp32c3", "--link", "board") as port:
        said = run(tmp_path, "deploy", "--board", "esp32_c3", "--port", port, code=2)
        assert "nearhum virtual --sensor mpu6050" in said


# ---- the command ---------------------------------------------------------------------------------


def test_the_old_name_of_the_option_is_understood(tmp_path: Path) -> None:
    with running(tmp_path, "--model", "esp32") as port:
        assert port.startswith("/dev/")
    assert "--model" not in run(tmp_path, "virtual", "--help")
    said = run(tmp_path, "virtual", "--chip", "esp32s9", code=2)
    assert "there are: esp32, esp32c3, rp2040, rp2350" in said


def test_ctrl_c_reaches_a_board_started_from_the_command_line(tmp_path: Path) -> None:
    with (
        running(tmp_path, "--link", "board") as port,
        serial.Serial(os.path.join(tmp_path, port), timeout=0.05) as line,
    ):
        got = b""
        end = time.monotonic() + _START_S
        line.write(b"\r\x03\x02\rwhile True: pass\r\r\r")
        while b"KeyboardInterrupt" not in got:
            assert time.monotonic() < end, got
            line.write(b"\x03")
            time.sleep(0.2)
            got += line.read(4096)


def test_sigterm_and_ctrl_c_end_the_command(tmp_path: Path) -> None:
    for ending in (signal.SIGINT, signal.SIGTERM):
        command = [sys.executable, "-m", "nearhum_host.commands.cli", "virtual", "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path) as board:
            assert board.stdout
            board.stdout.readline()
            board.send_signal(ending)
            assert board.wait(_START_S) == 0
