"""Faults while a board is flashed, at every stage of the protocol.

Each must end with a clear message or a whole image, and the board can be flashed again. The real
esptool writes to the simulated ROM loader, and UF2 files are copied to the simulated drive.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faults.rows import Row, Say

# esptool reads its timeouts when it is imported. Here it waits less than its three seconds for an
# answer that is lost.
_TIMES = Path(tempfile.gettempdir()) / f"nearhum-esptool-{os.getpid()}.cfg"
N_PROCESSES = 12  # Most of the time they wait for timeouts.
LATE_S = 2.0
# Ports and temporary folders are removed from messages, because they mean nothing in a table.
_WHERE = re.compile(r"(socket://[^ ]+: |/tmp/[^ ]+/)")
N_BYTES = 60000  # Of an application that cannot be compressed: four of the loader's 16 KB blocks.


@dataclass(frozen=True)
class Fault:
    """kind: what happens to the nth request of an op (or to its answer), once or from then on.

    at: the packet of "unplugged".
    """

    kind: str
    op: int = -1
    nth: int = 0
    for_good: bool = False
    at: int = -1


class _Injector:
    """The hooks of a RomLoader that inject a fault."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.seen = -1  # requests of that op so far
        self.n_packets = -1
        self.done = False

    def _now(self, op: int) -> bool:
        if op != self.fault.op or (self.done and not self.fault.for_good):
            return False
        self.done = self.seen >= self.fault.nth
        return self.done

    def on_packet(self, loader: Any, op: int, packet: bytes) -> bytes | None:
        from hardware.rom_loader import Unplugged

        self.n_packets += 1
        if op == self.fault.op:
            self.seen += 1
        if self.fault.kind == "unplugged" and self.n_packets == self.fault.at:
            raise Unplugged
        if self.fault.kind == "cell flipped" and self._now(op):
            loader.flash[0x11000] ^= 4
        if self.fault.kind.startswith("request") and self._now(op):
            return None if self.fault.kind == "request lost" else _flipped(packet, len(packet) - 1)
        return packet

    def on_answer(self, loader: Any, op: int, answer: bytes) -> bytes | None:
        if not self.fault.kind.startswith("answer") or not self._now(op):
            return answer
        if self.fault.kind == "answer lost":
            return None
        if self.fault.kind == "answer late":
            time.sleep(LATE_S)
            return answer
        if self.fault.kind == "answer: wrong MD5":
            return loader._answer(op, given=bytes(16))
        if self.fault.kind == "answer: refused":
            return loader._answer(op, error=0x06)
        return _flipped(answer, len(answer) // 2)


def _flipped(what: bytes, at: int) -> bytes:
    return what[:at] + bytes([what[at] ^ 0x10]) + what[at + 1 :]


def esp_case(fault: Fault) -> tuple[str, str]:
    """Return ("told" or "flashed" or "WRONG", the message) of one fault. The board is flashed
    again.
    """
    from hardware import firmware
    from hardware.esp32_board import Esp32Board
    from nearhum_host.boards import board_files
    from nearhum_host.errors import HostError
    from nearhum_host.flashing import esp_flash, esp_image

    board = board_files.load("esp32_generic")
    contents = firmware.esp(board, N_BYTES)
    image = esp_image.parse(contents, "image", board)
    injector = _Injector(fault)

    def is_whole(there: Any) -> bool:
        return there.flash()[image.address :][: len(contents)] == contents

    with tempfile.TemporaryDirectory(prefix="nearhum-") as folder:
        options = {"on_packet": injector.on_packet, "on_answer": injector.on_answer}
        with Esp32Board(Path(folder) / "flash.bin", over="socket", **options) as there:
            try:
                esp_flash.write(there.url, board, image)
                outcome = (
                    ("flashed", "")
                    if is_whole(there)
                    else ("WRONG", "it says done, and the image is not whole")
                )
            except HostError as error:
                outcome = (
                    ("told", error.message)
                    if error.message and error.hint
                    else ("WRONG", f"no hint: {error}")
                )
            except Exception as error:
                outcome = ("WRONG", f"{type(error).__name__}: {error}")
        # the cable is good again
        with Esp32Board(Path(folder) / "flash.bin", over="socket") as there:
            try:
                esp_flash.write(there.url, board, image)
            except HostError as error:
                return "WRONG", f"not flashed again: {error.message}"
            if not is_whole(there):
                return "WRONG", "flashed again, and the image is not whole"
    return outcome


def n_packets() -> int:
    """Return the number of requests without a fault."""
    from hardware import firmware
    from hardware.esp32_board import Esp32Board
    from nearhum_host.boards import board_files
    from nearhum_host.flashing import esp_flash, esp_image

    board = board_files.load("esp32_generic")
    image = esp_image.parse(firmware.esp(board, N_BYTES), "image", board)
    with (
        tempfile.TemporaryDirectory(prefix="nearhum-") as folder,
        Esp32Board(Path(folder) / "flash.bin", over="socket") as there,
    ):
        esp_flash.write(there.url, board, image)
        assert there.rom
        return len(there.rom.ops)


def rp2_case(eject_at: int) -> tuple[str, str]:
    """Return the same for a Pico whose cable is pulled at a block of the UF2 file."""
    from hardware import firmware
    from hardware.rp2_board import Rp2Board
    from nearhum_host.boards import board_files
    from nearhum_host.errors import HostError
    from nearhum_host.flashing import bootrom

    bootrom.GONE_S = 3.0  # the chip has come back, or does not
    contents = firmware.rp2(board_files.load("rpi_pico"), N_BYTES)
    with (
        tempfile.TemporaryDirectory(prefix="nearhum-") as folder,
        Rp2Board(Path(folder), eject_at=eject_at) as there,
    ):
        try:
            bootrom.copy(contents, there.volume)
            return "WRONG", "it says done"
        except HostError as error:
            outcome = ("told", error.message) if error.hint else ("WRONG", "no hint")
        end = time.monotonic() + 20
        while bootrom.board_id(there.volume) is None and time.monotonic() < end:
            time.sleep(0.02)
        try:
            bootrom.copy(contents, there.volume)
        except HostError as error:
            return "WRONG", f"not flashed again: {error.message}"
        with contextlib.suppress(TimeoutError):
            there.await_run()
        right = there.trace == ["boot rom", "ejected", "boot rom", "run"]
        if not right or there.flash()[:N_BYTES] != firmware.noise(N_BYTES):
            return "WRONG", f"flashed again, and {there.trace}"
    return outcome


def refusals() -> list[tuple[str, str]]:
    """Return (fault, message) of everything that is refused before anything is written."""
    from hardware import firmware
    from hardware.esp32_board import Esp32Board
    from nearhum_host.boards import board_files
    from nearhum_host.errors import HostError
    from nearhum_host.flashing import bootrom, esp_flash, esp_image, uf2
    from nearhum_host.flashing.chips import CHIPS

    pico, esp = board_files.load("rpi_pico"), board_files.load("esp32_generic")
    good_uf2, good_esp = firmware.rp2(pico), firmware.esp(esp)
    image = esp_image.parse(good_esp, "image", esp)

    def wrong_chip(folder: Path) -> None:
        with Esp32Board(folder / "flash.bin", chip="esp32c3", over="socket") as there:
            try:
                esp_flash.write(there.url, esp, image)
            finally:
                assert set(there.flash()) == {0xFF}

    def copy_to(folder: Path, prepare: Callable[[Path], None]) -> None:
        (folder / bootrom.INFO).write_text("Board-ID: RPI-RP2\n")
        prepare(folder / bootrom.FILE)
        bootrom.copy(good_uf2, folder)

    cases: dict[str, Callable[[Path], object]] = {
        "image cut": lambda _: [uf2.parse(good_uf2[:-512], "image", CHIPS["rp2040"])],
        "image cut ": lambda _: [esp_image.parse(good_esp[:-512], "image", esp)],
        "wrong family": lambda _: [
            uf2.parse(firmware.rp2(board_files.load("rpi_pico2")), "image", CHIPS["rp2040"])
        ],
        "wrong family ": lambda _: [
            esp_image.parse(firmware.esp(board_files.load("esp32_s3")), "image", esp)
        ],
        "wrong chip": wrong_chip,
        "no boot ROM": lambda folder: bootrom.check(folder, CHIPS["rp2040"]),
        "volume full": lambda folder: copy_to(folder, lambda file: os.symlink("/dev/full", file)),
        "volume read-only": lambda folder: copy_to(
            folder, lambda file: os.symlink("/proc/sys/kernel/ostype", file)
        ),
    }
    out = []
    for name, act in cases.items():
        with tempfile.TemporaryDirectory(prefix="nearhum-") as folder:
            try:
                act(Path(folder))
                out.append((name, "WRONG: nothing was said"))
            except HostError as error:
                out.append(
                    (name, error.message if error.hint else f"WRONG: no hint: {error.message}")
                )
    return out


def _prepare() -> None:
    _TIMES.write_text("[esptool]\ntimeout = 1.5\nconnect_attempts = 2\n")
    os.environ["ESPTOOL_CFGFILE"] = str(_TIMES)


def rows(say: Say) -> Iterator[Row]:
    from hardware import rom_loader as rom

    stages = {
        "flash: connect": (Fault("", rom.SYNC),),
        "flash: detect": (Fault("", rom.READ_REG), Fault("", rom.SECURITY_INFO)),
        "flash: stub": (
            Fault("", rom.MEM_BEGIN), Fault("", rom.MEM_DATA), Fault("", rom.MEM_DATA, 1),
            Fault("", rom.MEM_END),
        ),
        "flash: prepare": (Fault("", rom.WRITE_REG), Fault("", rom.SPI_SET_PARAMS)),
        "flash: begin": (Fault("", rom.DEFL_BEGIN),),
        "flash: write": (Fault("", rom.DEFL_DATA), Fault("", rom.DEFL_DATA, 2),
                         Fault("", rom.DEFL_END)),
        "flash: verify": (Fault("", rom.MD5),),
    }  # fmt: skip
    kinds = (
        "request lost",
        "request flipped",
        "answer lost",
        "answer late",
        "answer flipped",
        "answer: refused",
    )
    _prepare()
    try:
        with ProcessPoolExecutor(N_PROCESSES) as pool:
            wanted = [
                (
                    kind + ", for good" * for_good,
                    stage,
                    [Fault(kind, f.op, f.nth, for_good) for f in faults],
                )
                for kind in kinds
                for for_good in (False, True)
                for stage, faults in stages.items()
            ]
            wanted += [
                (kind, "flash: verify", [Fault(kind, rom.MD5)])
                for kind in ("answer: wrong MD5", "cell flipped")
            ]
            say(f"{sum(len(faults) for _, _, faults in wanted)} faults of single packets")
            futures = [
                [pool.submit(esp_case, fault) for fault in faults] for _, _, faults in wanted
            ]
            for (name, stage, _), some in zip(wanted, futures, strict=True):
                yield _row(f"ESP32 {name}", stage, [future.result() for future in some])
            total = pool.submit(n_packets).result()
            say(f"unplugged at each of {total} packets")
            cut = [pool.submit(esp_case, Fault("unplugged", at=at)) for at in range(total)]
            yield _row("ESP32 unplugged", "flash: any packet", [future.result() for future in cut])
            n_blocks = -(-N_BYTES // 256)
            ejected = [pool.submit(rp2_case, at) for at in range(0, n_blocks, 3)]
            yield _row(
                "RP2040 drive pulled out",
                "flash: any block",
                [future.result() for future in ejected],
            )
            for name, message in pool.submit(refusals).result():
                wrong = message.startswith("WRONG")
                yield _row(name.strip(), "flash: check", [("WRONG" if wrong else "told", message)])
    finally:
        _TIMES.unlink(missing_ok=True)


def _row(fault: str, stage: str, outcomes: list[tuple[str, str]]) -> Row:
    wrong = [message for kind, message in outcomes if kind == "WRONG"]
    told = [message for kind, message in outcomes if kind == "told"]
    if wrong:
        return Row(fault, stage, len(outcomes), wrong[0], ok=False)
    n_flashed = len(outcomes) - len(told)
    parts = [f"{n_flashed} flashed all the same"] if n_flashed else []
    parts += [f"{len(told)} told, such as: {_WHERE.sub('', told[0])[:150]}"] if told else []
    parts += ["then flashed again"] if fault.startswith(("ESP32", "RP2040")) else []
    return Row(fault, stage, len(outcomes), "; ".join(parts))
