"""What other systems do to a port, as far as it can be played here."""

import pytest
import serial
from nearhum_host.serial_line import ports
from nearhum_host.serial_line.link import Link
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


@pytest.mark.parametrize("vid", [0x10C4, 0x303A])
def test_no_board_is_reset_by_opening_or_closing_its_port(
    vid: int, monkeypatch: pytest.MonkeyPatch
):
    port = Esp32OnWindows()
    named = ListPortInfo("COM3")
    named.vid = vid
    monkeypatch.setattr(serial, "serial_for_url", lambda *_, **__: port)
    monkeypatch.setattr(list_ports, "comports", lambda: [named])
    monkeypatch.setattr(ports, "on_windows", lambda: True)
    with Link("COM3"):
        assert port.is_open
        if vid == 0x10C4:  # Silicon Labs' driver needs both low, then DTR first
            assert port.order == [
                ("dtr", False), ("rts", False), ("open", True), ("dtr", True), ("rts", True),
            ]  # fmt: skip
        else:
            assert port.order == [("open", True)]
    assert port.n_resets == 0
