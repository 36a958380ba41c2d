"""The serial ROM loader of an ESP32, -S3 or -C3, as far as esptool uses it, with its flash as NOR
cells.

Protocol: esptool's documentation, "Serial Protocol". It has SLIP frames. A request is (0, op, size,
    checksum). An answer is (1, op, size, value) with two bytes of status from the stub and four
    from the ROM. The stub that esptool loads is not executed: once it is started, the loader
    answers like the stub.
"""

import hashlib
import struct
import zlib
from collections.abc import Callable

from nearhum_host.flashing.chips import CHIPS

FLASH_BEGIN, FLASH_DATA, FLASH_END, MEM_BEGIN, MEM_END, MEM_DATA, SYNC, WRITE_REG, READ_REG = range(
    2, 11
)
SPI_SET_PARAMS, SPI_ATTACH, READ_FLASH_SLOW, CHANGE_BAUD = 0x0B, 0x0D, 0x0E, 0x0F
DEFL_BEGIN, DEFL_DATA, DEFL_END, MD5, SECURITY_INFO = 0x10, 0x11, 0x12, 0x13, 0x14
READ_FLASH = 0xD2

# The flash chip's answers to its commands: JEDEC id by size, status, SFDP signature.
_JEDEC = {1 << 22: 0x1640EF, 1 << 23: 0x1740EF, 1 << 24: 0x1840EF}  # Winbond, 4, 8, 16 MB
_SFDP = 0x50444653
# SPI controller: base, then offsets of USR2 and W0, from esptool/targets.
_SPI = {
    "esp32": (0x3FF42000, 0x24, 0x80),
    "esp32s3": (0x60002000, 0x20, 0x58),
    "esp32c3": (0x60002000, 0x20, 0x58),
}
_MAGIC_ADDRESS, _ESP32_MAGIC = 0x40001000, 0x00F01D83
_ESP32_REGISTERS = {
    0x3FF5A004: 0x12345678, 0x3FF5A008: 0x00A8240A,  # MAC
    0x3FF5A00C: 1 << 15, 0x3FF5A014: 1 << 20,  # revision
    0x3FF40014: 80_000_000 // 115200,  # divider of the UART: a 40 MHz crystal
}  # fmt: skip
_BAD_CHECKSUM, _BAD_COMMAND, _INFLATE_ERROR = 0x07, 0x05, 0x0B


def slip(packet: bytes) -> bytes:
    return b"\xc0" + packet.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"


class Unplugged(Exception):
    """The cable is pulled out."""


class RomLoader:
    """feed(bytes) returns the bytes that come back. flash: its cells.

    on_packet(loader, op, packet): called with each request before it is carried out. Returns it,
    possibly changed, or None to lose it. It may raise Unplugged. on_answer(loader, op, answer): the
    same for the answers.
    """

    def __init__(
        self,
        chip: str,
        flash: bytearray,
        on_packet: "Callable[[RomLoader, int, bytes], bytes | None]" = lambda loader, op, packet: (
            packet
        ),
        on_answer: "Callable[[RomLoader, int, bytes], bytes | None]" = lambda loader, op, answer: (
            answer
        ),
    ) -> None:
        self.chip = CHIPS[chip]
        self.flash = flash
        self.is_stub = False
        self.ops: list[int] = []  # The requests so far.
        self._on_packet, self._on_answer = on_packet, on_answer
        self._registers = dict(_ESP32_REGISTERS) if chip == "esp32" else {}
        self._registers[_MAGIC_ADDRESS] = _ESP32_MAGIC if chip == "esp32" else 0
        self._frame = bytearray()
        self._in_frame = False
        self._inflate = zlib.decompressobj()
        self._at = self._start = self._block_bytes = 0
        self._sequence = -1

    def feed(self, given: bytes) -> bytes:
        out = b""
        for byte in given:
            if byte != 0xC0:
                if self._in_frame:
                    self._frame.append(byte)
                continue
            if self._in_frame and self._frame:
                packet = (
                    bytes(self._frame).replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")
                )
                out += self._take(packet)
                self._in_frame = False
            else:
                self._in_frame = True
            self._frame.clear()
        return out

    def _take(self, packet: bytes) -> bytes:
        if len(packet) < 8 or packet[0] != 0:
            return b""
        op = packet[1]
        self.ops.append(op)
        changed = self._on_packet(self, op, packet)
        if changed is None:
            return b""
        answer = self._on_answer(self, op, self._carried_out(changed))
        return answer or b""

    def _carried_out(self, packet: bytes) -> bytes:
        _, op, size, checksum = struct.unpack_from("<BBHI", packet)
        given = packet[8:]
        if len(given) != size:
            return b""  # Bytes were lost. The loader waits for more, then drops what it has.
        if op in (FLASH_DATA, MEM_DATA, DEFL_DATA):
            found = 0xEF
            for byte in given[16:]:
                found ^= byte
            if found != checksum & 0xFF:
                return self._answer(op, error=_BAD_CHECKSUM)
        try:
            return (
                _COMMANDS[op](self, op, given)
                if op in _COMMANDS
                else self._answer(op, error=_BAD_COMMAND)
            )
        except struct.error:
            return self._answer(op, error=_BAD_COMMAND)

    def _answer(self, op: int, value: int = 0, given: bytes = b"", error: int = 0) -> bytes:
        given += bytes((error != 0, error)) + (b"" if self.is_stub else b"\0\0")
        return slip(struct.pack("<BBHI", 1, op, len(given), value) + given)

    # ---- commands: each takes the request's bytes and returns the answer -------------------------

    def _sync(self, op: int, given: bytes) -> bytes:
        return self._answer(op, 0x20120707) * 8

    def _read_register(self, op: int, given: bytes) -> bytes:
        return self._answer(op, self._registers.get(struct.unpack("<I", given)[0], 0))

    def _write_registers(self, op: int, given: bytes) -> bytes:
        base, usr2, w0 = _SPI[self.chip.name]
        for at in range(0, len(given), 16):
            address, value, mask, _ = struct.unpack_from("<IIII", given, at)
            self._registers[address] = self._registers.get(address, 0) & ~mask | value & mask
            if address == base and value & (1 << 18):  # a command of the user's to the flash chip
                command = self._registers.get(base + usr2, 0) & 0xFF
                said = {0x9F: _JEDEC.get(len(self.flash), 0), 0x5A: _SFDP}
                self._registers[base + w0] = said.get(command, 0)
                self._registers[base] = 0
        return self._answer(op)

    def _nothing(self, op: int, given: bytes) -> bytes:
        return self._answer(op)

    def _start_stub(self, op: int, given: bytes) -> bytes:
        answer = self._answer(op)
        if struct.unpack_from("<II", given)[1]:
            self.is_stub = True
            answer += slip(b"OHAI")
        return answer

    def _begin(self, op: int, given: bytes) -> bytes:
        size, _, self._block_bytes, self._start = struct.unpack_from("<IIII", given)
        self._at, self._sequence = self._start, -1
        self._inflate = zlib.decompressobj()
        first, last = self._start & ~4095, (self._start + size + 4095) & ~4095
        self.flash[first:last] = b"\xff" * (last - first)
        return self._answer(op)

    def _write(self, op: int, given: bytes) -> bytes:
        length, sequence = struct.unpack_from("<II", given)
        block = given[16 : 16 + length]
        if op == DEFL_DATA:
            try:
                block = self._inflate.decompress(block)
            except zlib.error:
                return self._answer(op, error=_INFLATE_ERROR)
            at, self._at = self._at, self._at + len(block)
        else:
            at = self._start + sequence * self._block_bytes
        old = self.flash[at : at + len(block)]
        # Programming NOR flash only clears bits.
        self.flash[at : at + len(block)] = bytes(a & b for a, b in zip(old, block, strict=True))
        return self._answer(op)

    def _md5(self, op: int, given: bytes) -> bytes:
        at, length, _, _ = struct.unpack("<IIII", given)
        found = hashlib.md5(self.flash[at : at + length])
        return self._answer(
            op, given=found.digest() if self.is_stub else found.hexdigest().encode()
        )

    def _security_info(self, op: int, given: bytes) -> bytes:
        if self.chip.name == "esp32":
            return self._answer(op, error=_BAD_COMMAND)
        return self._answer(op, given=struct.pack("<IB7xII", 0, 0, self.chip.image_id, 0))


_COMMANDS: dict[int, Callable[[RomLoader, int, bytes], bytes]] = {
    SYNC: RomLoader._sync, READ_REG: RomLoader._read_register,
    WRITE_REG: RomLoader._write_registers, SPI_SET_PARAMS: RomLoader._nothing,
    SPI_ATTACH: RomLoader._nothing, CHANGE_BAUD: RomLoader._nothing, MEM_BEGIN: RomLoader._nothing,
    MEM_DATA: RomLoader._nothing, MEM_END: RomLoader._start_stub, FLASH_BEGIN: RomLoader._begin,
    FLASH_DATA: RomLoader._write, FLASH_END: RomLoader._nothing, DEFL_BEGIN: RomLoader._begin,
    DEFL_DATA: RomLoader._write, DEFL_END: RomLoader._nothing, MD5: RomLoader._md5,
    SECURITY_INFO: RomLoader._security_info,
}  # fmt: skip
