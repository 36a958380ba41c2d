"""Test `nearhum image`: for every board file, read back independently, and what is refused."""

import dataclasses
import hashlib
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hardware import firmware
from littlefs import LittleFS
from nearhum_host.boards import application, board_files
from nearhum_host.errors import HostError, UsageError
from nearhum_host.flashing import esp_image, image, uf2
from nearhum_host.flashing.chips import CHIPS, UF2, XIP_ADDRESS
from nearhum_host.flashing.littlefs_image import file_system, read_back

BOARDS = [name for name in board_files.names() if name != "virtual"]


@pytest.fixture
def firmware_file(tmp_path: Path):
    def make(board: board_files.Board, contents: bytes | None = None) -> Path:
        path = tmp_path / ("firmware.uf2" if CHIPS[board.chip].method == UF2 else "firmware.bin")
        path.write_bytes(firmware.image(board) if contents is None else contents)
        return path

    return make


def flash_of(contents: bytes, board: board_files.Board, old: bytes = b"\xff") -> bytearray:
    """Return the flash of a board that was full of `old` after an image was put into it."""
    flash = bytearray(old * board.flash.size_bytes)
    if CHIPS[board.chip].method == UF2:
        for address, page in uf2.parse(contents, "image", CHIPS[board.chip]).pages.items():
            flash[address - XIP_ADDRESS : address - XIP_ADDRESS + 256] = page
    else:
        at = board.flash.image_offset_bytes
        flash[at : at + len(contents)] = contents
    return flash


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_has_an_image(name: str, firmware_file) -> None:
    board = board_files.load(name)
    stock = firmware_file(board)
    files = application.application(board)
    made = image.build(board, stock, files)
    # by other means: what was in the flash before stays where the image says nothing, and must not
    # matter
    flash = flash_of(made.contents, board, old=b"\x5a")
    at = board.flash.fs_offset_bytes
    fs = LittleFS(
        block_size=board.flash.block_bytes,
        block_count=board.flash.fs_size_bytes // board.flash.block_bytes,
        mount=False,
    )
    fs.context.buffer = flash[at : at + board.flash.fs_size_bytes]
    fs.mount()
    for path, contents in files.items():
        with fs.open(path, "rb") as file:
            assert file.read() == contents, path
    # MicroPython's part is as it came
    assert flash_of(stock.read_bytes(), board)[:0x8000] == flash[:0x8000].replace(
        b"\x5a" * 4096, b"\xff" * 4096
    )
    print(f"{name}: {len(made.contents):,} bytes of {made.suffix}, {len(files)} files")


def test_esptool_takes_the_image(firmware_file, tmp_path: Path) -> None:
    board = board_files.load("esp32_generic")
    made = image.build(board, firmware_file(board), application.application(board))
    path = tmp_path / "image.bin"
    path.write_bytes(made.contents)
    said = subprocess.run(
        [sys.executable, "-m", "esptool", "--chip", board.chip, "image-info", str(path)],
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert "valid" in said.stdout


def test_a_uf2_image_is_whole_sectors_in_one_numbering(firmware_file) -> None:
    board = board_files.load("rpi_pico2")
    contents = image.build(board, firmware_file(board), {"/main.py": b"print(1)\n"}).contents
    assert contents.startswith(firmware.e10_block())
    blocks = [contents[at : at + 512] for at in range(512, len(contents), 512)]
    heads = [struct.unpack_from("<8I", block) for block in blocks]
    assert [head[5] for head in heads] == list(range(len(blocks)))
    assert {head[6] for head in heads} == {len(blocks)}
    assert {head[7] for head in heads} == {0xE48BFF59}
    addresses = [head[3] for head in heads]
    assert addresses == sorted(set(addresses))
    sectors = {address // 4096 for address in addresses}
    assert len(blocks) == 16 * len(sectors)


def test_what_was_there_before_never_shows_through(firmware_file) -> None:
    """Both halves of every pair of metadata blocks are in the image: a stale one would win by
    its higher revision.
    """
    board = board_files.load("rpi_pico")
    old = LittleFS(block_size=4096, block_count=352, prog_size=256)
    for i in range(300):  # many revisions of many folders
        old.makedirs(f"/nearhum/kernels/{i % 7}", exist_ok=True)
        with old.open(f"/nearhum/kernels/{i % 7}/old{i % 40}", "wb") as file:
            file.write(os.urandom(700))
    files = application.application(board)
    contents = image.build(board, firmware_file(board), files).contents
    flash = bytearray(board.flash.size_bytes)
    at = board.flash.fs_offset_bytes
    flash[at:] = old.context.buffer
    for address, page in uf2.parse(contents, "image", CHIPS[board.chip]).pages.items():
        flash[address - XIP_ADDRESS : address - XIP_ADDRESS + 256] = page
    assert read_back(bytes(flash[at:]), board.flash)[0] == files


@pytest.mark.parametrize("name", ["rpi_pico", "esp32_generic"])
def test_the_same_files_make_the_same_image(name: str, firmware_file) -> None:
    board = board_files.load(name)
    files = application.application(board)
    stock = firmware_file(board)
    first, second = (image.build(board, stock, files).contents for _ in range(2))
    assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest()


WRONG_UF2 = {
    "cut at a block": (lambda good: good[:-512], "is cut: "),
    "cut inside a block": (lambda good: good[:-100], "is cut: "),
    "a flipped magic": (lambda good: good[:1024] + b"\0" + good[1025:], "is damaged: block 2"),
    "a block missing": (lambda good: good[:512] + good[1024:], "is cut: 78 of 79 blocks"),
    "text": (lambda good: b"<html>not found</html>" * 100, "is not a UF2 image"),
    "empty": (lambda good: b"", "is not a UF2 image"),
    "another family": (
        lambda good: firmware.rp2(board_files.load("rpi_pico2")),
        "is for rp2350, not for rp2040",
    ),
    "no family": (lambda good: good[:8] + b"\0\0" + good[10:], "does not say which chip"),
}


@pytest.mark.parametrize("what", WRONG_UF2)
def test_wrong_uf2_files(what: str, firmware_file) -> None:
    board = board_files.load("rpi_pico")
    change, said = WRONG_UF2[what]
    with pytest.raises(UsageError, match=said) as caught:
        image.build(board, firmware_file(board, change(firmware.rp2(board))), {})
    assert caught.value.hint


WRONG_ESP = {
    "cut in its application": (lambda good: good[:-5000], "its application is cut or damaged"),
    "cut before the table": (lambda good: good[:20000], "no partition table"),
    "cut in its boot loader": (lambda good: good[:2000], "its boot loader is cut or damaged"),
    "a flipped byte": (
        lambda good: good[:-3000] + bytes([good[-3000] ^ 1]) + good[-2999:],
        "its application is damaged",
    ),
    "another chip": (
        lambda good: firmware.esp(board_files.load("esp32_c3")),
        "is for esp32c3, not for esp32",
    ),
    "text": (lambda good: b"<html>not found</html>" * 100, "does not begin with 0xE9"),
    "empty": (lambda good: b"", "does not begin with 0xE9"),
    "a file system elsewhere": (
        lambda good: firmware.esp(board_files.load("esp32_generic"), vfs=(0x200000, 0x600000)),
        "has its file system at 0x200000, 0x600000 bytes; the board file says 0x200000, 0x200000",
    ),
}


@pytest.mark.parametrize("what", WRONG_ESP)
def test_wrong_esp_files(what: str, firmware_file) -> None:
    board = board_files.load("esp32_generic")
    change, said = WRONG_ESP[what]
    with pytest.raises(UsageError, match=said) as caught:
        image.build(board, firmware_file(board, change(firmware.esp(board))), {})
    assert caught.value.hint


def test_an_older_firmware_with_a_partition_for_files(firmware_file) -> None:
    board = board_files.load("esp32_generic")
    stock = firmware_file(board, firmware.esp(board, vfs=(0x200000, 0x200000)))
    assert esp_image.read(stock, board).fs == (0x200000, 0x200000)
    image.build(board, stock, {"/main.py": b""})


def test_what_does_not_fit(firmware_file) -> None:
    board = board_files.load("rpi_pico")
    with pytest.raises(UsageError, match="the firmware reaches to 0xA1000"):
        image.build(board, firmware_file(board, firmware.rp2(board, 0xA1000)), {"/a": b"a"})
    with pytest.raises(HostError, match="/big does not fit"):
        image.build(board, firmware_file(board), {"/big": bytes(board.flash.fs_size_bytes)})
    esp = board_files.load("esp32_generic")
    with pytest.raises(UsageError, match="the firmware reaches to 0x2"):
        image.build(esp, firmware_file(esp, firmware.esp(esp, 0x1F1000)), {})
    with pytest.raises(UsageError, match="takes no image"):
        image.build(board_files.load("virtual"), Path("any"), {})


def test_a_damaged_file_system_is_noticed() -> None:
    flash = dataclasses.replace(board_files.load("rpi_pico").flash, fs_size_bytes=65536)
    whole = file_system({"/a": b"x" * 5000}, flash)
    assert read_back(whole, flash)[0] == {"/a": b"x" * 5000}
    with pytest.raises(HostError, match="holds no file system"):
        read_back(b"\xff" * 65536, flash)


@pytest.mark.slow
def test_a_real_firmware_boots_from_the_image_and_watches() -> None:
    """MicroPython itself, from the one file alone, on an emulated RP2040
    (tests/emulated_image.py).
    """
    from emulated_image import N_LEARNED, boots

    named = os.environ.get("NEARHUM_UF2")
    if not named:
        pytest.skip("NEARHUM_UF2 names no MicroPython firmware for the RP2040")
    status = boots(Path(named))
    assert (status["state"], status["n_learned"], status["faults"]) == ("watch", N_LEARNED, 0)
    assert status["threshold"] > 0
