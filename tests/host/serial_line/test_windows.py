"""What other systems do to ports, names and texts, as far as it can be played here."""

import ast
import ntpath
import os
from pathlib import Path

import nearhum_host
import pytest
import serial
from nearhum_host.errors import HostError
from nearhum_host.logs.gathering import Claims
from nearhum_host.logs.seen import name_of
from nearhum_host.serial_line import ports
from nearhum_host.serial_line.link import Link
from nearhum_host.serial_line.visible_text import as_name
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo


class Esp32OnWindows(serial.SerialBase):
    """An ESP32 board's reset circuit behind a driver that drops DTR before RTS at close: its reset
    is low while RTS is on and DTR is not. order: of the signals that were set.
    """

    in_waiting = 0

    def __init__(self, **_: object) -> None:
        self.signals = {"dtr": True, "rts": True}
        self.order: list[tuple[str, bool]] = []
        self.is_open = False
        self.n_resets = 0

    def _put(self, name: str, value: bool) -> None:
        self.signals[name] = value
        self.order.append((name, value))
        self.n_resets += self.is_open and self.signals["rts"] and not self.signals["dtr"]

    @property
    def dtr(self) -> bool:
        return self.signals["dtr"]

    @dtr.setter
    def dtr(self, value: bool) -> None:
        self._put("dtr", value)

    @property
    def rts(self) -> bool:
        return self.signals["rts"]

    @rts.setter
    def rts(self, value: bool) -> None:
        self._put("rts", value)

    def open(self) -> None:
        self.order.append(("open", True))
        self.is_open = True

    def write(self, what: bytes) -> int:
        return len(what)

    def read(self, n: int = 1) -> bytes:
        return b""

    def close(self) -> None:
        self.dtr = False
        self.rts = False
        self.is_open = False


@pytest.mark.parametrize(
    ("vid", "name"),
    [(0x10C4, "COM3"), (0x10C4, "com3"), (0x10C4, "\\\\.\\COM3"), (0x303A, "COM3")],
)
def test_no_board_is_reset_by_opening_or_closing_its_port(
    vid: int, name: str, monkeypatch: pytest.MonkeyPatch
):
    port = Esp32OnWindows()
    named = ListPortInfo("COM3")
    named.vid = vid
    monkeypatch.setattr(serial, "serial_for_url", lambda *_, **__: port)
    monkeypatch.setattr(list_ports, "comports", lambda: [named])
    monkeypatch.setattr(ports, "on_windows", lambda: True)
    with Link(name):
        assert port.is_open
        if vid == 0x10C4:  # Silicon Labs' driver needs both low, then DTR first
            assert port.order == [
                ("dtr", False), ("rts", False), ("open", True), ("dtr", True), ("rts", True),
            ]  # fmt: skip
        else:
            assert port.order == [("open", True)]
    assert port.n_resets == 0


@pytest.mark.parametrize("name", ["con", "NUL", "com1", "Lpt9", "aux.2", "PRN.", "pump."])
def test_no_board_gives_a_file_a_name_that_windows_has_not(name: str):
    for made in (name_of({"board": name}), as_name(name)):
        stem = made.split(".")[0].upper()
        assert stem not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT9"}, made
        assert not made.endswith("."), made
    assert name_of({"board": "console", "id": "c0m1"}) == "console-c0m1"
    assert as_name("computer") == "computer"


def test_boards_whose_names_are_one_file_there_do_not_share_it(monkeypatch: pytest.MonkeyPatch):
    there = Claims()
    there.claim("Pump", "COM3", "")
    there.claim("pump", "COM4", "")  # two files here
    monkeypatch.setattr(os.path, "normcase", ntpath.normcase)
    there = Claims()
    there.claim("Pump", "COM3", "")
    with pytest.raises(HostError, match="both called 'pump'"):
        there.claim("pump", "COM4", "")


_TEXT = {"read_text", "write_text"}


def _in_the_systems_encoding(call: ast.Call) -> bool:
    """Return whether a call opens a text without naming its encoding, which is not UTF-8 there."""
    if any(keyword.arg == "encoding" for keyword in call.keywords):
        return False
    if isinstance(call.func, ast.Attribute) and call.func.attr in _TEXT:
        return True
    opens = isinstance(call.func, ast.Name) and call.func.id == "open"
    opens |= (
        isinstance(call.func, ast.Attribute)
        and call.func.attr == "open"
        and any(
            isinstance(mode, ast.Constant) and str(mode.value)[:1] in "rwax" for mode in call.args
        )
    )
    modes = [str(mode.value) for mode in call.args if isinstance(mode, ast.Constant)]
    return opens and not any("b" in mode for mode in modes)


def test_no_module_needs_what_only_posix_has_and_every_text_is_utf_8():
    """Each command is imported there; only the virtual board needs Linux, which says so first."""
    package = Path(nearhum_host.__file__).parent
    posix = {"fcntl", "termios", "tty", "pty", "resource", "pwd", "grp"}
    for path in package.rglob("*.py"):
        here = path.relative_to(package)
        # what runs under MicroPython knows no other encoding
        if {"device", "device_scripts", "carried"} & set(
            here.parts
        ) or path.stem == "firmware_loop":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            assert not (isinstance(node, ast.Call) and _in_the_systems_encoding(node)), (
                f"{here}:{node.lineno} opens a text without encoding="
            )
        for node in tree.body if here.parts[0] != "virtual" else []:  # not inside functions
            named = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            named += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert not posix & set(named), f"{here} imports {named}"
