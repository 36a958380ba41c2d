"""Test board files: those of nearhum are valid, errors are named, one file extends another."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from nearhum_host.boards import board_files
from nearhum_host.commands import boards as boards_command
from nearhum_host.errors import UsageError

VIRTUAL = "import typer; from nearhum_host.commands.virtual import virtual; typer.run(virtual)"


def own(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return str(path)


def test_shipped_boards_hold():
    arches = {name: board_files.load(name).mpy_arch for name in board_files.names()}
    assert arches == {
        "esp32_c3": "rv32imc", "esp32_c6": "rv32imc", "esp32_generic": "xtensawin",
        "esp32_s2": "xtensawin", "esp32_s3": "xtensawin", "esp32_s3_spiram": "xtensawin",
        "esp32_spiram": "xtensawin", "rpi_pico": "armv6m", "rpi_pico2": "armv7emsp",
        "rpi_pico2_w": "armv7emsp", "rpi_pico_w": "armv6m", "virtual": "x64",
    }  # fmt: skip
    for name in board_files.names():
        board = board_files.load(name)
        assert board.name == name
        assert board.config()["board"] == name
        json.dumps(board.config())
        flash = board.flash
        assert flash.fs_offset_bytes + flash.fs_size_bytes == flash.size_bytes
        if name != "virtual":
            without = {"esp32_c6", "esp32_s3_spiram", "esp32_spiram"}  # nobody builds one
            assert set(board.firmware) == {"stock"} | ({"ulab"} if name not in without else set())
            assert len({board.firmware[one].url for one in board.firmware}) == len(board.firmware)


def test_a_board_that_extends_another_is_a_few_lines():
    for name in board_files.names():
        lines = (board_files.boards_dir() / f"{name}.toml").read_text().splitlines()
        written = [line for line in lines if line and not line.startswith("#")]
        if any(line.startswith("extends") for line in written):
            assert len(written) < 15, name


def test_false_takes_away_a_table_of_the_file_below(tmp_path):
    c6 = board_files.load("esp32_c6")
    assert set(c6.firmware) == {"stock"}
    assert c6.native_bytes is None
    mine = board_files.load(own(tmp_path, 'extends = "rpi_pico"\nfirmware.ulab = false\n'))
    assert set(mine.firmware) == {"stock"}
    with pytest.raises(UsageError, match="flash"):
        board_files.load(own(tmp_path, 'extends = "rpi_pico"\nflash = false\n'))


def test_no_two_boards_share_an_image_or_its_sum():
    stock = [
        board_files.load(name).firmware["stock"]
        for name in board_files.names()
        if name != "virtual"
    ]
    assert len({image.url for image in stock}) == len(stock)
    sums = [image.sha256 for image in stock if image.sha256]
    assert len(set(sums)) == len(sums) == 8


def test_config_is_the_contracts():
    assert board_files.load("virtual").config({"source": {"speed": 0}, "alarms_per_day": 2}) == {
        "board": "virtual",
        "kind": "motion",
        "path": "fixed",
        "source": {"driver": "replay", "path": "/sd/replay.nhr", "speed": 0},
        "rate_hz": 50,
        "n_channels": 6,
        "alarms_per_day": 2,
    }


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            {"kind": "vibrations"},
            "kind = 'vibrations': must be one of .* (did you mean vibration?)",
        ),
        ({"rate_hz": 0}, "override: rate_hz = 0: must be a number of hertz"),
        ({"n_channels": True}, "override: n_channels = True: must be a whole number from 1 to 255"),
        ({"source": "replay"}, "override: source = 'replay': must be a table"),
        ({"source": {"driver": ""}}, "override: source.driver = '': must be the name of a module"),
    ],
)
def test_overrides_are_checked(overrides, message):
    with pytest.raises(UsageError, match=message.replace("(", r"\(").replace("?)", r"\?\)")):
        board_files.load("virtual").config(overrides)


def test_own_file_extends_another(tmp_path):
    (tmp_path / "base.toml").write_text(
        'extends = "rpi_pico"\nrate_hz = 500\n[source]\nsda = 8\n[settings]\na = 1\nb = 2\n'
    )
    board = board_files.load(
        own(tmp_path, 'extends = "base.toml"\ntitle = "Pump 3"\n[settings]\nb = 3\n')
    )
    assert (board.name, board.title, board.rate_hz, board.flash.method) == (
        "mine",
        "Pump 3",
        500,
        "uf2",
    )
    assert board.source == {**board_files.load("rpi_pico").source, "sda": 8}
    assert board.settings == {"a": 1, "b": 3}
    assert board.config()["b"] == 3


def test_another_image_brings_its_own_size_and_sum(tmp_path):
    image = 'extends = "rpi_pico_w"\n[firmware.stock]\nurl = "https://example.org/own.uf2"\n'
    stock = board_files.load(own(tmp_path, image)).firmware["stock"]
    assert (stock.version, stock.size_bytes, stock.sha256) == ("1.28.0", None, None)
    assert board_files.load("rpi_pico_w").firmware["stock"].size_bytes == 1749504


def test_another_driver_brings_its_own_pins(tmp_path):
    board = board_files.load(
        own(tmp_path, 'extends = "rpi_pico"\n[source]\ndriver = "adc"\npin = 26\n')
    )
    assert board.source == {"driver": "adc", "pin": 26}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "rate_hz = -5",
            "mine.toml: rate_hz = -5: must be a number of hertz from 0.001 to 1000000",
        ),
        ("rate_hz = nan", "mine.toml: rate_hz = nan: must be a number"),
        ('kind = "motoin"', "mine.toml: kind = 'motoin': must be one of .*did you mean motion"),
        ('mpy_arch = "armv6"\nports = 1', "mine.toml: unknown key ports .did you mean port"),
        (
            "[flash]\nsize_byte = 1",
            "mine.toml: unknown key flash.size_byte .did you mean size_bytes",
        ),
        ("[flash]\nsize_bytes = 8192", "flash.fs_size_bytes = 2097152: must be at most"),
        ("[flash]\nfs_offset_bytes = 100", "flash.fs_offset_bytes = 100: must be a multiple of"),
        (
            '[firmware.stock]\nsha256 = "abc"',
            "firmware.stock.sha256 = 'abc': must be 64 lower-case hexadecimal digits",
        ),
        ('[firmware.ulba]\nurl = "x"', "unknown key firmware.ulba .did you mean ulab"),
        (
            '[firmware.ulab]\nurl = "ftp://x"',
            "firmware.ulab.url = 'ftp://x': must be an https address",
        ),
        ('chip = "rp2041"', "chip = 'rp2041': must be one of rp2040, .*did you mean rp2040"),
        (
            '[flash]\nmethod = "esptool"',
            "flash.method = 'esptool': must be 'uf2' for chip 'rp2040'",
        ),
        ('[usb]\nids = ["2e8a"]', "usb.ids = ..2e8a..: must be a list"),
        ("limits = 3", "mine.toml: limits = 3: must be a table"),
        ("rate_hz = ", "mine.toml: not TOML"),
    ],
)
def test_mistakes_name_file_key_and_value(tmp_path, text, message):
    with pytest.raises(UsageError, match=message):
        board_files.load(own(tmp_path, 'extends = "rpi_pico"\n' + text))


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path):
    text = 'extends = "rpi_pico"\nkind = "motoin"\nrate_hz = -5\nport = 3\nbaud = 9600\n'
    text += 'settings = 4\n[source]\ndriver = "9"\n[flash]\nsize_byte = 1\nfs_offset_bytes = 100\n'
    with pytest.raises(UsageError) as caught:
        board_files.load(own(tmp_path, text))
    said = caught.value.message
    for wrong in (
        "mine.toml: 8 faults", "\n- kind = 'motoin': must be one of", "\n- rate_hz = -5: must be",
        "\n- port = 3: must", "\n- unknown key baud; keys: ", "\n- settings = 4: must be a table",
        "\n- source.driver = '9': must", "\n- unknown key flash.size_byte (did you mean size_bytes",
        "\n- flash.fs_offset_bytes = 100: must be a multiple",
    ):  # fmt: skip
        assert wrong in said, (wrong, said)
    assert caught.value.hint


def test_missing_keys_and_circles(tmp_path):
    with pytest.raises(UsageError, match="mine.toml: chip, port, .* are missing") as caught:
        board_files.load(own(tmp_path, 'title = "x"'))
    assert 'extends = "rpi_pico"' in caught.value.hint
    with pytest.raises(UsageError, match="extends leads back to the file itself"):
        board_files.load(own(tmp_path, 'extends = "mine.toml"'))


def test_unknown_board_has_near_matches(tmp_path):
    with pytest.raises(UsageError, match="no board 'rpi_pcio' .did you mean rpi_pico") as caught:
        board_files.load("rpi_pcio")
    assert "esp32_generic" in caught.value.hint
    with pytest.raises(UsageError, match=r"there is no board file .*none\.toml") as caught:
        board_files.load(str(tmp_path / "none.toml"))
    assert "nearhum boards" in caught.value.hint


def test_boards_command(capsys):
    boards_command.boards(as_json=True)
    assert [
        board["name"] for board in json.loads(capsys.readouterr().out)["boards"]
    ] == board_files.names()
    boards_command.boards("rpi_pico", as_json=True)
    assert json.loads(capsys.readouterr().out)["usb_ids"] == ["2e8a:0005"]
    boards_command.boards("rpi_pico")
    assert "flash.fs_offset_bytes = 655360\n" in capsys.readouterr().out
    boards_command.boards()
    assert capsys.readouterr().out.count("\n") == len(board_files.names())


@pytest.mark.parametrize("flags", [["--fast"], []])
def test_virtual_command(virtual_board, mpremote, tmp_path, flags):
    recording = tmp_path / "one.nhr"
    recording.write_bytes(b"NHR1")
    link = tmp_path / "port"
    options = ["--link", str(link), "--replay", str(recording), "--json", *flags]
    command = [sys.executable, "-c", VIRTUAL, *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        said = json.loads(running.stdout.readline())
        try:
            assert said == {
                "port": str(link),
                "chip": "rp2040",
                "image": None,
                "pid": running.pid,
                "board": "virtual",
            }
            show = "print(open('/sd/replay.nhr').read(), open('/sd/replay.json').read())"
            shown = mpremote(said["port"], "exec", show)
            assert shown == 'NHR1 {"speed": %s}\n' % (0 if flags else "1.0")
            running.send_signal(signal.SIGTERM if flags else signal.SIGINT)
            assert running.wait(5) == 0
        finally:
            running.kill()  # a failure above must not wait for a board that goes on
    assert not link.is_symlink()
