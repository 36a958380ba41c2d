"""Test `nearhum flash`: what it finds, refuses, downloads and prints, on simulated boards."""

import functools
import hashlib
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ON_LINUX_X86_64
from hardware import firmware
from nearhum_host.boards import board_files
from nearhum_host.commands import flash as flash_command
from nearhum_host.errors import DeviceError, HostError, UsageError
from nearhum_host.flashing import bootrom, esp_flash, esp_image, firmware_files, flash
from nearhum_host.flashing.chips import CHIPS

pytestmark = pytest.mark.skipif(
    not ON_LINUX_X86_64, reason="the simulated boards need Linux on x86-64"
)

PICO, ESP32 = board_files.load("rpi_pico"), board_files.load("esp32_generic")


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


# ---- images --------------------------------------------------------------------------------------


class Server(http.server.ThreadingHTTPServer):
    n_asked = 0


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.n_asked += 1  # type: ignore[attr-defined]
        super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Server, Path, str]]:
    """(server, the folder it shows, its address)"""
    folder = tmp_path / "served"
    folder.mkdir()
    server = Server(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server, folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def board_with(
    tmp_path: Path, url: str, sha256: str | None = None, size: int | None = None
) -> board_files.Board:
    text = f'extends = "rpi_pico"\n[firmware.stock]\nurl = "{url}"\n'
    text += f'sha256 = "{sha256}"\n' if sha256 else ""
    text += f"size_bytes = {size}\n" if size else ""
    (tmp_path / "mine.toml").write_text(text)
    return board_files.load(str(tmp_path / "mine.toml"))


def test_an_image_is_downloaded_once_with_progress(served, tmp_path: Path) -> None:
    server, folder, address = served
    good = firmware.rp2(PICO)
    (folder / "good.uf2").write_bytes(good)
    board = board_with(tmp_path, f"{address}/good.uf2", hashlib.sha256(good).hexdigest(), len(good))
    told: list[tuple[int, int]] = []
    found = firmware_files.find(board, "stock", lambda done, of: told.append((done, of)))
    assert found.path.read_bytes() == good
    assert found.verified
    assert told[-1] == (len(good), len(good))
    assert firmware_files.find(board, "stock").path == found.path
    assert server.n_asked == 1


@pytest.mark.parametrize(
    ("contents", "sha256", "size", "said"),
    [
        (firmware.rp2(PICO), "0" * 64, None, "SHA-256 is another"),
        (firmware.rp2(PICO), None, 5, "has 40448 bytes, not 5"),
        (firmware.rp2(PICO)[:-512], None, None, "is cut"),
        (firmware.rp2(board_files.load("rpi_pico2")), None, None, "is for rp2350, not for rp2040"),
        (b"<html>", None, None, "is not a UF2"),
        (None, None, None, "the server answers 404"),
    ],
)
def test_a_bad_download_is_refused_and_not_kept(
    served, tmp_path: Path, contents, sha256, size, said
) -> None:
    server, folder, address = served
    if contents is not None:
        (folder / "image.uf2").write_bytes(contents)
    board = board_with(tmp_path, f"{address}/image.uf2", sha256, size)
    for n in (1, 2):  # what is wrong must not be found in the cache
        with pytest.raises(HostError, match=said) as caught:
            firmware_files.find(board, "stock")
        assert caught.value.hint
        assert server.n_asked == n


def test_a_download_is_https_alone(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="firmware.stock.url"):
        board_with(tmp_path, "http://micropython.org/x.uf2")
    import requests

    asked = requests.Response()
    asked.status_code, asked.url = 302, "https://example.org/x.uf2"
    asked.headers["location"] = "http://example.org/x.uf2"
    with pytest.raises(HostError, match="which is not https"):
        firmware_files.stays_https(asked)
    asked.headers["location"] = "https://example.net/x.uf2"
    firmware_files.stays_https(asked)


def test_a_dry_run_reads_the_file_that_is_here(tmp_path: Path) -> None:
    wrong = {
        "page.bin": (ESP32, b"<html>" + bytes(500), "is not an image for esp32"),
        "page.uf2": (PICO, b"<html>" + bytes(600), "is not a UF2"),
        "other.uf2": (
            PICO, firmware.rp2(board_files.load("rpi_pico2")), "is for rp2350, not for rp2040"
        ),
        "cut.uf2": (PICO, firmware.rp2(PICO)[:-512], "is cut"),
    }  # fmt: skip
    for name, (board, contents, said) in wrong.items():
        (tmp_path / name).write_bytes(contents)
        with pytest.raises(UsageError, match=said):
            flash_command.flash(board.name, str(tmp_path / name), dry_run=True)
    with pytest.raises(UsageError, match="there is no file"):
        flash_command.flash(PICO.name, str(tmp_path / "none.uf2"), dry_run=True)
    (tmp_path / "good.uf2").write_bytes(firmware.rp2(PICO))
    flash_command.flash(PICO.name, str(tmp_path / "good.uf2"), dry_run=True)


def test_no_server_and_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="cannot download http://127.0.0.1:9/x.uf2") as caught:
        firmware_files.find(board_with(tmp_path, "http://127.0.0.1:9/x.uf2"), "stock")
    assert "--firmware" in caught.value.hint
    with pytest.raises(UsageError, match="there is no file none.uf2"):
        firmware_files.find(PICO, "none.uf2")
    with pytest.raises(UsageError, match="takes no firmware image"):
        firmware_files.check(board_files.load("virtual"), tmp_path)


# ---- finding a board -----------------------------------------------------------------------------


def volume(folder: Path, info: str | None = "Board-ID: RPI-RP2\n") -> Path:
    folder.mkdir()
    if info is not None:
        (folder / bootrom.INFO).write_text(info)
    return folder


def test_which_volume_is_a_boot_rom(tmp_path: Path) -> None:
    chip = CHIPS["rp2040"]
    assert bootrom.check(volume(tmp_path / "a"), chip)
    for name, info, said in (
        ("b", None, "is no boot ROM"),
        ("c", "hello", "is no boot ROM"),
        (
            "d",
            "Model: Raspberry Pi RP2350\r\nBoard-ID: RP2350\r\n",
            r"of rp2350 \(RP2350\), not of rp2040",
        ),
        ("e", "Board-ID: SAMD21G18A-Feather-v0\n", "of another chip"),
    ):
        with pytest.raises(UsageError, match=said) as caught:
            bootrom.check(volume(tmp_path / name, info), chip)
        assert caught.value.hint


def test_boards_are_found_by_volume_and_usb_id(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Port:
        def __init__(self, device: str, vid: int, pid: int) -> None:
            self.device, self.vid, self.pid = device, vid, pid

        def __lt__(self, other: "Port") -> bool:
            return self.device < other.device

    from serial.tools import list_ports

    ports: list[Port] = []
    monkeypatch.setattr(list_ports, "comports", lambda: ports)
    monkeypatch.setattr(bootrom, "volumes", lambda: sorted(tmp_path.iterdir()))
    with pytest.raises(
        DeviceError, match="no drive RPI-RP2, and no port with USB id 2e8a:0005"
    ) as caught:
        flash.find(PICO, None, None)
    assert "BOOTSEL" in caught.value.hint
    ports.append(Port("/dev/ttyACM7", 0x2E8A, 0x0005))
    assert flash.find(PICO, None, None) == flash.Place("/dev/ttyACM7")
    rom = volume(tmp_path / "RPI-RP2")
    assert flash.find(PICO, None, None) == flash.Place(None, rom)
    assert flash.find(PICO, None, rom) == flash.Place(None, rom)
    assert flash.find(PICO, "/dev/ttyACM7", None) == flash.Place("/dev/ttyACM7")
    volume(tmp_path / "RPI-RP2 1")
    with pytest.raises(UsageError, match="several boards in their boot ROM"):
        flash.find(PICO, None, None)
    with pytest.raises(DeviceError, match="no port with USB id 10c4:ea60"):
        flash.find(ESP32, None, None)
    ports += [Port("/dev/ttyUSB0", 0x10C4, 0xEA60), Port("/dev/ttyUSB1", 0x1A86, 0x7523)]
    with pytest.raises(UsageError, match="several boards match: /dev/ttyUSB0, /dev/ttyUSB1"):
        flash.find(ESP32, None, None)
    assert flash.find(ESP32, "/dev/ttyUSB1", None) == flash.Place("/dev/ttyUSB1")
    with pytest.raises(UsageError, match="an esp32 has none"):
        flash.find(ESP32, None, rom)


def test_a_dry_run_tells_all_and_does_nothing(capsys, tmp_path: Path) -> None:
    rom = volume(tmp_path / "RPI-RP2")
    flash_command.flash("rpi_pico_w", "stock", None, rom, dry_run=True)
    said = capsys.readouterr().out
    for part in (
        "RPI_PICO_W-20260406-v1.28.0.uf2",
        "1749504 bytes",
        "SHA-256 a0210c9c",
        f"copy it onto {rom}",
        "armv6m",
    ):
        assert part in said
    flash_command.flash("esp32_c3", "ulab", "/dev/none", None, dry_run=True)
    said = capsys.readouterr().out
    for part in (
        "MicroPython 1.24.0, ulab",
        "no SHA-256 known",
        "to 0x0 of the esp32c3 on /dev/none",
        "rv32imc",
    ):
        assert part in said
    assert list(rom.iterdir()) == [rom / bootrom.INFO]
    with pytest.raises(HostError, match="board virtual is not flashed"):
        flash_command.flash("virtual", "stock", None, None, dry_run=True)


def test_a_dry_run_reads_what_is_here(capsys, tmp_path: Path) -> None:
    """shared case flash_dry_run_takes_any_file, and settings that no board can have."""
    page = tmp_path / "page.bin"
    page.write_text("<!doctype html><title>Not found</title>" + " " * 4000)
    for board in ("esp32_generic", "rpi_pico"):
        with pytest.raises(UsageError, match=r"page\.bin"):
            flash_command.flash(board, str(page), None, None, dry_run=True)
    with pytest.raises(UsageError, match="there is no file"):
        flash_command.flash("rpi_pico", str(tmp_path / "none.uf2"), None, None, dry_run=True)
    mine = tmp_path / "mine.toml"
    mine.write_text('extends = "rpi_pico"\nrate_hz = 3000\n')
    with pytest.raises(UsageError, match="rate_hz = 3000"):
        flash_command.flash(str(mine), "stock", None, None, dry_run=True)
    assert capsys.readouterr().out == ""


# ---- an ESP32 ------------------------------------------------------------------------------------


@pytest.fixture
def esp(tmp_path: Path):
    from hardware.esp32_board import Esp32Board

    return functools.partial(Esp32Board, tmp_path / "flash.bin", over="socket")


@pytest.mark.parametrize("name", ["esp32_generic", "esp32_s3", "esp32_c3"])
def test_an_image_goes_into_the_flash(esp, name: str) -> None:
    board = board_files.load(name)
    image = esp_image.parse(firmware.esp(board), "image", board)
    told: list[int] = []
    with esp(chip=board.chip) as there:
        esp_flash.write(there.url, board, image, lambda done, of: told.append(done))
        assert there.flash()[image.address :][: len(image.contents)] == image.contents
        assert set(there.flash()[board.flash.fs_offset_bytes :]) == {0xFF}
    assert told
    assert told == sorted(told)


def test_another_chip_is_refused_before_anything_is_written(esp) -> None:
    image = esp_image.parse(firmware.esp(ESP32), "image", ESP32)
    with esp(chip="esp32s3") as there:
        with pytest.raises(UsageError, match="is an ESP32-S3; board esp32_generic has an esp32"):
            esp_flash.write(there.url, ESP32, image)
        assert set(there.flash()) == {0xFF}


def test_a_module_of_another_size_is_refused(esp, tmp_path: Path) -> None:
    (tmp_path / "flash.bin").write_bytes(b"\xff" * (8 << 20))
    board = ESP32
    alone = esp_image.parse(firmware.esp(board), "image", board)
    whole = esp_image.parse(
        esp_image.combined(alone, board, b"\xff" * board.flash.fs_size_bytes), "image", board
    )
    with esp() as there:
        with pytest.raises(
            UsageError, match="the module has 8MB of flash, and the image is for 4 MB"
        ):
            esp_flash.write(there.url, board, whole)
        assert set(there.flash()) == {0xFF}
        esp_flash.write(there.url, board, alone)  # MicroPython alone makes its file system itself
    older = esp_image.parse(firmware.esp(board, vfs=(0x200000, 0x600000)), "image", board)
    (tmp_path / "flash.bin").write_bytes(b"\xff" * (4 << 20))
    with (
        esp() as there,
        pytest.raises(UsageError, match="the module has 4MB of flash, and the image is for 8 MB"),
    ):
        esp_flash.write(there.url, board, older)


@pytest.mark.parametrize("name", ["esp32_generic", "esp32_c3"])
def test_the_simulation_and_another_agree(esp, name: str) -> None:
    """PyPI's esp32-mock-bootloader, made by others, takes the same image from the same code,
    its MD5 verified.
    """
    from esp32_mock_bootloader import mock_bootloader

    board = board_files.load(name)
    image = esp_image.parse(firmware.esp(board), "image", board)
    with mock_bootloader(chip=board.chip) as other:
        found = esp_flash.write(other.url(), board, image)
    with esp(chip=board.chip) as there:
        assert esp_flash.write(there.url, board, image) == found


def test_esptool_is_silent_afterwards_as_before(esp, capsys) -> None:
    from esp_pylib.logger import EspLog

    before = EspLog.instance
    with esp() as there:
        esp_flash.write(there.url, ESP32, esp_image.parse(firmware.esp(ESP32), "image", ESP32))
    assert EspLog.instance is before
    assert capsys.readouterr() == ("", "")


def test_nothing_answers() -> None:
    image = esp_image.parse(firmware.esp(ESP32), "image", ESP32)
    with pytest.raises(
        DeviceError, match="while connecting; nothing was changed on the board"
    ) as caught:
        esp_flash.write("socket://127.0.0.1:9", ESP32, image)
    assert "hold BOOT" in caught.value.hint


# ---- an RP2040 -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rpi_pico", "rpi_pico2"])
def test_a_uf2_goes_into_the_flash(name: str, tmp_path: Path) -> None:
    from hardware.rp2_board import Rp2Board

    board = board_files.load(name)
    contents = firmware.rp2(board)
    told: list[int] = []
    with Rp2Board(tmp_path, board.chip) as there:
        bootrom.copy(contents, there.volume, lambda done, of: told.append(done))
        there.await_run()
        assert there.trace == ["boot rom", "run"]
        assert there.flash()[:20000] == firmware.noise(20000)
    assert told[-1] == len(contents)


def test_a_full_volume(tmp_path: Path) -> None:
    rom = volume(tmp_path / "RPI-RP2")
    os.symlink("/dev/full", rom / bootrom.FILE)
    with pytest.raises(DeviceError, match="is full; nothing was written") as caught:
        bootrom.copy(firmware.rp2(PICO), rom)
    assert "boot ROM cannot be lost" in caught.value.hint


def test_a_volume_that_is_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rom = volume(tmp_path / "RPI-RP2")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(bootrom, "open", refuse, raising=False)
    with pytest.raises(
        DeviceError, match=r"cannot be written \(Read-only file system\); nothing was written"
    ):
        bootrom.copy(firmware.rp2(PICO), rom)


def test_a_volume_that_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootrom, "GONE_S", 0.2)
    rom = volume(tmp_path / "RPI-RP2")
    with pytest.raises(DeviceError, match="took all 40448 bytes, but the board did not restart"):
        bootrom.copy(firmware.rp2(PICO), rom)


def test_no_volume_appears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootrom, "volumes", lambda: [])
    with pytest.raises(DeviceError, match="no drive RPI-RP2 appeared within 0 s") as caught:
        bootrom.wait_for(CHIPS["rp2040"], 0.2)
    assert "/dev/disk/by-label/RPI-RP2" in caught.value.hint


def test_micropython_does_not_come_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(flash, "BOOT_S", 0.3)
    with pytest.raises(
        DeviceError, match="the image is on the board, but MicroPython does not answer"
    ) as caught:
        flash.await_micropython(PICO, str(tmp_path / "none"))
    assert "nearhum deploy --board rpi_pico" in caught.value.hint
