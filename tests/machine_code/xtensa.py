"""A windowed Xtensa core (see cores.py): QEMU with `-M sim`, core de212.

Enters: machine code and words. Leaves: words.

A monitor of about a hundred instructions, assembled here, is in the machine's memory. It reads
commands from standard input with the simulator's system calls (`simcall`): write memory, read
memory, call a function, return from the interpreter. It writes calls of the interpreter to standard
output. Window overflow and underflow have the handlers of the Xtensa ISA manual (section 4.7.1), so
calls nest as deep as on an ESP32. Any exception, such as an unaligned access, ends the machine and
is reported with its cause.
"""

from __future__ import annotations

import select
import shutil
import struct
import subprocess
import tempfile

from .cores import FLOOR_DIVIDE, N_ENTRIES, RETURNED, Core, Misbehaved

QEMU = "qemu-system-xtensa"
TIMEOUT_S = 20  # Between two messages. Code that takes longer is stuck in a loop.
_RAM = 0x60000000  # Of the core de212 in QEMU's machine `sim`.
_LITERALS, _VECTORS, _CODE = 0x1000, 0x2000, 0x2400  # Offsets in the RAM.
_HEADER, _MESSAGE = _RAM + 0x1800, _RAM + 0x1820  # The last command, and the next message.
_ENTRY_BYTES = 16
_EXCEPTION = N_ENTRIES - 2  # A message that is not a call of the interpreter.
_WRITE, _READ, _CALL, _ANSWER = range(4)  # Commands.
_PS_WOE = 1 << 18  # Bit of PS: detect window overflow.
_SYS_EXIT, _SYS_READ, _SYS_WRITE = 1, 3, 4  # Numbers of simcall.
_WINDOWSTART, _EPC1, _PS, _VECBASE, _EXCCAUSE, _EXCVADDR = 73, 177, 230, 231, 232, 238
_B4CONST = {1: 1, 2: 2, 3: 3}


def is_here() -> bool:
    """Return whether the simulator is installed on this machine."""
    return shutil.which(QEMU) is not None


class XtensaCore(Core):
    """The core. Its simulator is a process that `close` ends."""

    def __init__(self) -> None:
        super().__init__(_RAM + 0x10000)
        top = self.stack
        self.labels, image = _monitor(top)
        self.waiting = bytearray()  # Commands that have not been sent yet.
        none = [word for what in ("display", "serial", "monitor") for word in (f"-{what}", "none")]
        command = [QEMU, "-M", "sim", "-cpu", "de212", "-semihosting", "-nodefaults", *none]
        with tempfile.NamedTemporaryFile() as file:
            file.write(image)
            file.flush()
            start = self.labels["start"]
            command += ["-device", f"loader,file={file.name},addr={_RAM:#x},force-raw=on"]
            command += ["-device", f"loader,addr={start:#x},cpu-num=0"]
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
            # QEMU reads the file before the first instruction. Once it answers, the file may go.
            self.read(_RAM, 4)

    def entry(self, index: int) -> int:
        return self.labels["entries"] + _ENTRY_BYTES * index

    def write(self, at: int, contents: bytes) -> None:
        if contents:
            self.waiting += struct.pack("<6I", _WRITE, at, len(contents), 0, 0, 0) + contents

    def read(self, at: int, n_bytes: int) -> bytes:
        if not n_bytes:
            return b""
        self.waiting += struct.pack("<6I", _READ, at, n_bytes, 0, 0, 0)
        return self._receive(n_bytes)

    def call(self, function: int, words: tuple[int, int, int, int]) -> int:
        self.waiting += struct.pack("<6I", _CALL, function, *words)
        while True:
            index, a, b, c, d = struct.unpack("<5I", self._receive(20))
            if index == RETURNED:
                return a
            if index == _EXCEPTION:
                raise Misbehaved(f"exception {a} at {b:#x}, address {c:#x}")
            if index >= N_ENTRIES:
                raise Misbehaved(f"message {index:#x}")
            value = self.answer(index, (a, b, c, d))
            self.waiting += struct.pack("<6I", _ANSWER, value & 0xFFFFFFFF, 0, 0, 0, 0)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()

    def _receive(self, n_bytes: int) -> bytes:
        assert self.process.stdin
        assert self.process.stdout
        try:
            while self.waiting:
                self.waiting = self.waiting[self.process.stdin.write(self.waiting) :]
        except BrokenPipeError:
            raise Misbehaved("the simulator ended") from None
        out = b""
        while len(out) < n_bytes:
            if not select.select([self.process.stdout], [], [], TIMEOUT_S)[0]:
                self.close()
                raise Misbehaved(f"nothing came back within {TIMEOUT_S} s")
            part = self.process.stdout.read(n_bytes - len(out))
            if not part:
                raise Misbehaved("the simulator ended")
            out += part
        return out


class _Assembler:
    """Assembles the instructions that the monitor needs, each of three bytes.

    A label may be defined after its use.
    """

    def __init__(self, base: int, origin: int) -> None:
        self.base, self.at = base, origin
        self.image = bytearray(0x4000)
        self.labels: dict[str, int] = {}
        self.open: list[tuple[int, str, str]] = []  # Jumps: (address, label, form).
        self.literals: dict[int, int] = {}

    def org(self, at: int) -> None:
        self.at = at

    def label(self, name: str) -> None:
        self.labels[name] = self.at

    def align(self) -> None:
        self.at = (self.at + 3) & ~3

    def word(self, instruction: int) -> None:
        offset = self.at - self.base
        self.image[offset : offset + 3] = instruction.to_bytes(3, "little")
        self.at += 3

    def rrr(self, op2: int, op1: int, r: int, s: int, t: int) -> None:
        self.word(op2 << 20 | op1 << 16 | r << 12 | s << 8 | t << 4)

    def mov(self, to: int, source: int) -> None:
        self.rrr(2, 0, to, source, source)  # OR

    def add(self, r: int, s: int, t: int) -> None:
        self.rrr(8, 0, r, s, t)

    def sub(self, r: int, s: int, t: int) -> None:
        self.rrr(12, 0, r, s, t)

    def movi(self, t: int, value: int) -> None:
        self.word((value & 0xFF) << 16 | 0xA << 12 | (value >> 8 & 0xF) << 8 | t << 4 | 2)

    def addi(self, t: int, s: int, value: int) -> None:
        self.word((value & 0xFF) << 16 | 0xC << 12 | s << 8 | t << 4 | 2)

    def l32i(self, t: int, s: int, offset: int) -> None:
        self.word(offset // 4 << 16 | 2 << 12 | s << 8 | t << 4 | 2)

    def s32i(self, t: int, s: int, offset: int) -> None:
        self.word(offset // 4 << 16 | 6 << 12 | s << 8 | t << 4 | 2)

    def l32r(self, t: int, value: int) -> None:
        if value not in self.literals:
            self.literals[value] = self.base + _LITERALS + 4 * len(self.literals)
            offset = self.literals[value] - self.base
            self.image[offset : offset + 4] = value.to_bytes(4, "little")
        words = self.literals[value] - (self.at + 3 & ~3) >> 2
        self.word((words & 0xFFFF) << 8 | t << 4 | 1)

    def wsr(self, t: int, register: int) -> None:
        self.word(1 << 20 | 3 << 16 | register << 8 | t << 4)

    def rsr(self, t: int, register: int) -> None:
        self.word(3 << 16 | register << 8 | t << 4)

    def rsync(self) -> None:
        self.word(0x002010)

    def simcall(self) -> None:
        self.word(0x005100)

    def entry(self, frame: int) -> None:
        self.word(frame // 8 << 12 | 1 << 8 | 3 << 4 | 6)

    def retw(self) -> None:
        self.word(0x000090)

    def callx8(self, s: int) -> None:
        self.word(s << 8 | 0xE0)

    def call8(self, label: str) -> None:
        self.open.append((self.at, label, "call"))
        self.word(2 << 4 | 5)

    def j(self, label: str) -> None:
        self.open.append((self.at, label, "jump"))
        self.word(6)

    def beqz(self, s: int, label: str) -> None:
        self.open.append((self.at, label, "zero"))
        self.word(s << 8 | 1 << 4 | 6)

    def bgez(self, s: int, label: str) -> None:
        self.open.append((self.at, label, "zero"))
        self.word(s << 8 | 3 << 6 | 1 << 4 | 6)

    def beqi(self, s: int, value: int, label: str) -> None:
        self.open.append((self.at, label, "compared"))
        self.word(_B4CONST[value] << 12 | s << 8 | 2 << 4 | 6)

    def bgei(self, s: int, value: int, label: str) -> None:
        self.open.append((self.at, label, "compared"))
        self.word(_B4CONST[value] << 12 | s << 8 | 3 << 6 | 2 << 4 | 6)

    def l32e(self, t: int, s: int, offset: int) -> None:
        self.rrr(0, 9, 16 + offset // 4, s, t)

    def s32e(self, t: int, s: int, offset: int) -> None:
        self.rrr(4, 9, 16 + offset // 4, s, t)

    def rfwo(self) -> None:
        self.word(0x003400)

    def rfwu(self) -> None:
        self.word(0x003500)

    def finish(self) -> bytes:
        """Fill in the targets of the jumps and return the image."""
        for at, label, form in self.open:
            by = self.labels[label] - (at + 4)
            bits = {
                "jump": (by & 0x3FFFF) << 6,
                "call": ((self.labels[label] - (at & ~3) - 4 >> 2) & 0x3FFFF) << 6,
                "zero": (by & 0xFFF) << 12,
                "compared": (by & 0xFF) << 16,
            }[form]
            offset = at - self.base
            word = int.from_bytes(self.image[offset : offset + 3], "little") | bits
            self.image[offset : offset + 3] = word.to_bytes(3, "little")
        return bytes(self.image)


def _monitor(stack: int) -> tuple[dict[str, int], bytes]:
    """Return the addresses of the monitor's labels, and the memory image that contains it."""
    a = _Assembler(_RAM, _RAM + _VECTORS)
    _vectors(a)
    a.org(_RAM + _CODE)
    a.label("start")
    a.movi(2, 1)
    a.wsr(2, _WINDOWSTART)
    a.rsync()
    a.l32r(2, _PS_WOE)
    a.wsr(2, _PS)
    a.rsync()
    a.l32r(2, _RAM + _VECTORS)
    a.wsr(2, _VECBASE)
    a.rsync()
    a.l32r(1, stack)
    a.l32r(
        2, stack + 128
    )  # Where an overflow stores a4-a7 of this frame, as if another frame had called it.
    a.l32r(3, stack - 12)
    a.s32i(2, 3, 0)
    a.movi(0, 0)
    a.call8("serve")
    _serve(a)
    _transfer(a, "receive", _SYS_READ, 0)
    _transfer(a, "send", _SYS_WRITE, 1)
    a.label("exception")
    a.rsr(2, _EXCCAUSE)
    a.rsr(3, _EPC1)
    a.rsr(4, _EXCVADDR)
    a.l32r(8, _MESSAGE)
    a.movi(9, _EXCEPTION)
    for i, register in enumerate((9, 2, 3, 4)):
        a.s32i(register, 8, 4 * i)
    a.movi(2, _SYS_WRITE)
    a.movi(3, 1)
    a.mov(4, 8)
    a.movi(5, 20)
    a.simcall()
    a.label("end")
    a.movi(2, _SYS_EXIT)
    a.movi(3, 1)
    a.simcall()
    a.label("common")  # A call of the interpreter: number in a6, arguments in a2-a5.
    a.l32r(8, _MESSAGE)
    for i, register in enumerate((6, 2, 3, 4, 5)):
        a.s32i(register, 8, 4 * i)
    a.mov(10, 8)
    a.movi(11, 20)
    a.call8("send")
    a.call8("serve")
    a.mov(2, 10)
    a.retw()
    _division(a)
    a.org(a.at + 15 & ~15)
    a.label("entries")
    for i in range(N_ENTRIES):
        a.org(a.labels["entries"] + _ENTRY_BYTES * i)
        a.entry(48)
        a.movi(6, i)
        a.j("divide" if i == FLOOR_DIVIDE else "common")
    return a.labels, a.finish()


def _division(a: _Assembler) -> None:
    """Assemble mp_small_int_floor_divide, as on the other cores. -2^31 by -1 wraps."""
    a.label("divide")
    a.rrr(13, 2, 6, 2, 3)  # quos a6, a2, a3
    a.rrr(15, 2, 7, 2, 3)  # rems a7, a2, a3
    a.mov(2, 6)
    a.beqz(7, "divided")
    a.rrr(3, 0, 7, 7, 3)  # xor a7, a7, a3: negative where the remainder's sign is not the divisor's
    a.bgez(7, "divided")
    a.addi(2, 2, -1)
    a.label("divided")
    a.retw()


def _vectors(a: _Assembler) -> None:
    start = a.at
    for offset, registers in (
        (0x00, 4),
        (0x80, 8),
        (0x100, 12),
    ):  # Frames called by call4, call8, call12.
        sp = registers + 1
        a.org(start + offset)  # Overflow.
        a.s32e(0, sp, -16)
        if registers > 4:
            a.l32e(0, 1, -12)
        for i in (1, 2, 3):
            a.s32e(i, sp, 4 * i - 16)
        for i in range(4, registers):
            a.s32e(i, 0, 4 * (i - 4) - 4 * (registers - 4) - 16)
        a.rfwo()
        a.org(start + offset + 0x40)  # Underflow.
        for i in (0, 1, 2):
            a.l32e(i, sp, 4 * i - 16)
        if registers > 4:
            a.l32e(registers - 1, 1, -12)
        a.l32e(3, sp, -4)
        for i in range(4, registers):
            a.l32e(i, registers - 1, 4 * (i - 4) - 4 * (registers - 4) - 16)
        a.rfwu()
    for offset in (0x180, 0x1C0, 0x200, 0x240, 0x280, 0x2C0, 0x300, 0x340, 0x3C0):
        a.org(start + offset)
        a.j("exception")


def _serve(a: _Assembler) -> None:
    a.align()
    a.label("serve")
    a.entry(48)
    a.label("next")
    a.l32r(10, _HEADER)
    a.movi(11, 24)
    a.call8("receive")
    a.l32r(8, _HEADER)
    for i in range(6):
        a.l32i(2 + i, 8, 4 * i)
    a.beqi(2, _READ, "to_host")
    a.beqi(2, _CALL, "to_code")
    a.beqi(2, _ANSWER, "to_caller")
    a.mov(10, 3)
    a.mov(11, 4)
    a.call8("receive")
    a.j("next")
    a.label("to_host")
    a.mov(10, 3)
    a.mov(11, 4)
    a.call8("send")
    a.j("next")
    a.label("to_code")
    for i in range(4):
        a.mov(10 + i, 4 + i)
    a.callx8(3)
    a.l32r(8, _MESSAGE)
    a.movi(9, RETURNED)
    a.s32i(9, 8, 0)
    a.s32i(10, 8, 4)
    a.mov(10, 8)
    a.movi(11, 20)
    a.call8("send")
    a.j("next")
    a.label("to_caller")
    a.mov(2, 3)
    a.retw()


def _transfer(a: _Assembler, name: str, call: int, file: int) -> None:
    """Assemble a function that reads or writes a3 bytes at a2.

    It ends the machine if the other side has closed the connection.
    """
    a.align()
    a.label(name)
    a.entry(48)
    a.mov(6, 2)
    a.mov(7, 3)
    a.label(f"{name} more")
    a.beqz(7, f"{name} done")
    a.movi(2, call)
    a.movi(3, file)
    a.mov(4, 6)
    a.mov(5, 7)
    a.simcall()
    a.bgei(2, 1, f"{name} some")
    a.j("end")
    a.label(f"{name} some")
    a.add(6, 6, 2)
    a.sub(7, 7, 2)
    a.j(f"{name} more")
    a.label(f"{name} done")
    a.retw()
