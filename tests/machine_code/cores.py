"""Cores that run machine code in a simulated memory: Thumb and RV32 with the library `unicorn`.

Enters: machine code and words. Leaves: words. Xtensa is in xtensa.py.

A core knows words, registers and the calling convention of its C compiler, but no Python objects.
`call` starts a function with four words. If the code calls the interpreter, at one of the addresses
`entry(index)`, the core returns what `answer(index, words)` returns.

A function that breaks a rule raises `Misbehaved`: it changes a register of its caller or the stack
pointer, or touches memory that does not exist. After a call into the interpreter, the registers
that a C function may change are filled with rubbish. There is no time limit: code that loops
forever does so here.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from collections.abc import Callable
from typing import Any

import unicorn
from unicorn import arm_const as arm
from unicorn import riscv_const as riscv

N_ENTRIES = 64  # Addresses that lead into the interpreter.
# mp_small_int_floor_divide in mp_fun_table. The cores carry it out, because kernels divide often.
FLOOR_DIVIDE = 46
RETURNED = N_ENTRIES - 1  # In a message: the called function has returned.
_RUBBISH = 0xA5C3F18E
Answer = Callable[[int, tuple[int, int, int, int]], int]


class Misbehaved(Exception):
    """Machine code broke a rule of the C calling convention or of the memory."""


class Core:
    """Base of all cores. ram: first address of RAM_BYTES. stack: end address of the stack."""

    RAM_BYTES = 1 << 23
    STACK_BYTES = 1 << 16
    thumb = 0  # The lowest bit of an address of code.

    def __init__(self, ram: int) -> None:
        self.ram = ram
        self.stack = ram + self.STACK_BYTES
        self.free = self.stack + 4096  # First free address for code and data.
        self.answer: Answer = lambda index, words: 0

    def entry(self, index: int) -> int:
        """Return the address at which code calls function `index` of the interpreter."""
        raise NotImplementedError

    def write(self, at: int, contents: bytes) -> None:
        raise NotImplementedError

    def read(self, at: int, n_bytes: int) -> bytes:
        raise NotImplementedError

    def call(self, function: int, words: tuple[int, int, int, int]) -> int:
        """Call the function at an address and return its result. `answer` may call again."""
        raise NotImplementedError

    def close(self) -> None:
        """End the simulator."""


class UnicornCore(Core):
    """A core of the unicorn library, with a few instructions that pass words to and from Python.

    The instructions are in a page after the memory, the `bridge`. Its first words are the message.
    A call into the interpreter writes its four arguments, its number and the stack pointer there,
    and stops. When it goes on, it loads the answer. A call of a function loads the registers that
    belong to the caller with rubbish, and stores them at the end, to compare.
    """

    _KEPT, _OUT, _CODE, _ENTRIES = 64, 192, 512, 2048  # Offsets in the bridge.
    _ENTRY_BYTES = 8

    def __init__(self, machine: unicorn.Uc, ram: int, sp: int, strict: bool) -> None:
        """sp: the register. strict: an unaligned access is an error, which makes it slow."""
        super().__init__(ram)
        self.machine, self.sp = machine, sp
        self.bridge = ram + self.RAM_BYTES
        self.memory = mmap.mmap(-1, self.RAM_BYTES + 4096)
        there = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        machine.mem_map_ptr(ram, self.RAM_BYTES + 4096, unicorn.UC_PROT_ALL, there)
        self.wrong = ""
        if strict:
            machine.hook_add(unicorn.UC_HOOK_MEM_READ | unicorn.UC_HOOK_MEM_WRITE, self._accessed)
        self.depth = 0

    def _bridge(self, start: bytes, stop: bytes, entries: list[bytes], n_kept: int) -> None:
        """Write the bridge's code. start: up to where it stops. stop: from where it goes on.

        entries: code of each entry. n_kept: number of registers that belong to the caller.
        """
        self.stop = self.bridge + self._CODE + len(start)
        self.resume = self.stop + len(stop[:4] if not self.thumb else stop[:2])
        self.write(self.bridge + self._CODE, start + stop)
        for i, entry in enumerate(entries):
            self.write(self.bridge + self._ENTRIES + self._ENTRY_BYTES * i, entry)
        self.kept = tuple(_RUBBISH ^ i * 0x01030507 for i in range(n_kept))

    def _accessed(
        self, uc: unicorn.Uc, kind: int, at: int, n_bytes: int, value: int, _: object
    ) -> None:
        if at % n_bytes:
            self.wrong = f"{n_bytes} bytes at {at:#x}: not aligned"
            uc.emu_stop()

    def entry(self, index: int) -> int:
        return self.bridge + self._ENTRIES + self._ENTRY_BYTES * index + self.thumb

    def write(self, at: int, contents: bytes) -> None:
        self.memory[at - self.ram : at - self.ram + len(contents)] = contents

    def read(self, at: int, n_bytes: int) -> bytes:
        return self.memory[at - self.ram : at - self.ram + n_bytes]

    def call(self, function: int, words: tuple[int, int, int, int]) -> int:
        uc, message = self.machine, self.RAM_BYTES
        if not self.depth:
            uc.reg_write(self.sp, self.stack - 64)
            sp = self.stack - 64
        else:
            (sp,) = struct.unpack_from("<I", self.memory, message + 20)
        n_kept = len(self.kept)
        struct.pack_into(
            f"<{n_kept + 5}I", self.memory, message + self._KEPT, *self.kept, function, *words
        )
        pc = self.bridge + self._start
        self.depth += 1
        try:
            while True:
                try:
                    uc.emu_start(pc + self.thumb, self.stop)
                except unicorn.UcError as error:
                    raise Misbehaved(str(error)) from None
                if self.wrong:
                    wrong, self.wrong = self.wrong, ""
                    raise Misbehaved(wrong)
                a, b, c, d, index, below = struct.unpack_from("<6I", self.memory, message)
                if index == RETURNED:
                    break
                if not self.ram + 1024 < below <= sp:
                    raise Misbehaved(f"the stack pointer is {below:#x} in a call")
                value = self.answer(index, (a, b, c, d))
                rubbish = _RUBBISH ^ index
                struct.pack_into(
                    "<4I",
                    self.memory,
                    message,
                    value & 0xFFFFFFFF,
                    rubbish,
                    rubbish ^ 0xFFFF,
                    rubbish ^ 0xFF00FF,
                )
                pc = self.resume
        finally:
            self.depth -= 1
        out = struct.unpack_from(f"<{n_kept + 2}I", self.memory, message + self._OUT)
        if out[1:-1] != self.kept:
            raise Misbehaved("a register of the caller is another after the call")
        if out[-1] != sp - self._frame:
            raise Misbehaved(
                f"the stack pointer is {out[-1] - sp + self._frame} off after the call"
            )
        return out[0]


class ThumbCore(UnicornCore):
    """A Cortex-M core. unicorn runs the instructions of every Cortex-M.

    v6m: an instruction that ARMv6-M does not have is an error. strict: an unaligned access is an
    error, because a Cortex-M0+ faults on it.
    """

    thumb = 1
    _start = UnicornCore._CODE
    _frame = 36  # Bytes that `call` has on the stack when it calls the function.

    def __init__(self, v6m: bool = False, strict: bool = False) -> None:
        machine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        super().__init__(machine, 0x20000000, arm.UC_ARM_REG_SP, strict)
        if v6m:
            # unicorn reports each block of code once, when it first runs.
            machine.hook_add(unicorn.UC_HOOK_EDGE_GENERATED, self._translated)
        message, kept, out = (self.bridge + offset for offset in (0, self._KEPT, self._OUT))
        code = [
            # call: load registers 8 to 11 and 4 to 7, the function and its arguments from `kept`.
            0xB5F0,  # push {r4-r7, lr}
            0x4644, 0x464D, 0x4656, 0x465F,  # mov r4, r8 ... mov r7, r11
            0xB4F0,  # push {r4-r7}
            ("ldr", 0, kept),
            0xC8F0,  # ldmia r0!, {r4-r7}
            0x46A0, 0x46A9, 0x46B2, 0x46BB,  # mov r8, r4 ... mov r11, r7
            0xC8F0,  # ldmia r0!, {r4-r7}
            0xC802,  # ldmia r0!, {r1}
            0x468C,  # mov r12, r1
            0x6841, 0x6882, 0x68C3, 0x6800,  # ldr r1, [r0, 4]; r2, 8; r3, 12; r0, 0
            0x47E0,  # blx r12
            ("ldr", 1, out),
            0xC101,  # stmia r1!, {r0}
            0x4642, 0x464B, 0xC10C,  # mov r2, r8; mov r3, r9; stmia r1!, {r2, r3}
            0x4652, 0x465B, 0xC10C,
            0xC1F0,  # stmia r1!, {r4-r7}
            0x466A, 0xC104,  # mov r2, sp; stmia r1!, {r2}
            ("ldr", 1, message),
            0x2200 | RETURNED, 0x610A,  # mov r2, RETURNED; str r2, [r1, 16]
            0xBCF0,  # pop {r4-r7}
            0x46A0, 0x46A9, 0x46B2, 0x46BB,
            0xBCF0, 0xB001,  # pop {r4-r7}; add sp, 4
            ("b", "stop"),
            # common: r4 is the number of the interpreter's function.
            ("label", "common"),
            ("ldr", 5, message),
            0xC51F,  # stmia r5!, {r0-r4}
            0x4668, 0x6028,  # mov r0, sp; str r0, [r5]
            ("label", "stop"),
            0x46C0,  # mov r8, r8
            ("ldr", 5, message),
            0xCD0F,  # ldmia r5!, {r0-r3}
            0x468C,  # mov r12, r1
            0xBD30,  # pop {r4, r5, pc}
            # floor(r0 / r1). A Cortex-M0+ has no sdiv, but this code replaces a C function.
            ("label", "divide"),
            0xFB90, 0xF2F1,  # sdiv r2, r0, r1
            0xFB02, 0x0311,  # mls r3, r2, r1, r0
            0xB11B,  # cbz r3, past the subtraction
            0x404B,  # eor r3, r1: negative where the remainder's sign is not the divisor's
            0x2B00,  # cmp r3, 0
            0xDA00,  # bge past the subtraction
            0x3A01,  # sub r2, 1
            # mov r0, r2; mvn r1, r1; r2, r1; r3, r2; mov r12, r1
            0x4610, 0x43C1, 0x43CA, 0x43D3, 0x468C,
            0x4770,  # bx lr
        ]  # fmt: skip
        labels, image = _thumb(code)
        self._common = self._CODE + labels["common"]
        entries = []
        for i in range(N_ENTRIES):
            jump = self._common - (self._ENTRIES + self._ENTRY_BYTES * i + 4) - 4
            # push {r4, r5, lr}; mov r4, i; b common
            entries.append(struct.pack("<3H", 0xB530, 0x2400 | i, 0xE000 | jump >> 1 & 0x7FF))
        jump = (
            self._CODE + labels["divide"] - (self._ENTRIES + self._ENTRY_BYTES * FLOOR_DIVIDE) - 4
        )
        entries[FLOOR_DIVIDE] = struct.pack("<H", 0xE000 | jump >> 1 & 0x7FF)
        self._bridge(image[: labels["stop"]], image[labels["stop"] :], entries, 8)

    def _translated(self, uc: unicorn.Uc, block: Any, before: Any, _: object) -> None:
        if not self.ram <= block.pc < self.bridge:
            return
        code = struct.unpack(f"<{block.size // 2}H", self.read(block.pc, block.size))
        i = 0
        while i < len(code):
            first, second = code[i], code[i + 1] if i + 1 < len(code) else 0
            wide = first >> 11 in (0b11101, 0b11110, 0b11111)
            is_bl = first >> 11 == 0b11110 and second >> 14 == 3 and second >> 12 & 1
            is_cb_or_it = first >> 12 == 0xB and (
                first >> 8 & 5 == 1 or first >> 8 == 0xBF and first & 15
            )
            if wide and not is_bl or is_cb_or_it:
                self.wrong = f"{first:04x} at {block.pc + 2 * i:#x} is no instruction of ARMv6-M"
            i += 1 + wide


def _thumb(code: list) -> tuple[dict[str, int], bytes]:
    """Return (offsets of labels, the instructions followed by the words that they load)."""
    labels, at, words = {}, 0, []
    for item in code:
        if isinstance(item, tuple) and item[0] == "label":
            labels[item[1]] = at
        else:
            at += 2
    pool = at + 3 & ~3
    out = bytearray(pool)
    at = 0
    for item in code:
        if isinstance(item, tuple):
            if item[0] == "label":
                continue
            if item[0] == "ldr":
                if item[2] not in words:
                    words.append(item[2])
                offset = pool + 4 * words.index(item[2]) - (at + 4 & ~3)
                item = 0x4800 | item[1] << 8 | offset >> 2
            else:
                item = 0xE000 | (labels[item[1]] - at - 4) >> 1 & 0x7FF
        struct.pack_into("<H", out, at, item)
        at += 2
    return labels, bytes(out) + struct.pack(f"<{len(words)}I", *words)


class Rv32Core(UnicornCore):
    """An RV32IMC core.

    MicroPython's emitter aligns the stack pointer to 4 bytes. The psABI asks for 16.
    """

    _start = UnicornCore._CODE
    _frame = 64

    def __init__(self, strict: bool = False) -> None:
        machine = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
        super().__init__(machine, 0x3C000000, riscv.UC_RISCV_REG_SP, strict)
        ra, sp, t0, t1, t2 = 1, 2, 5, 6, 7
        a = list(range(10, 18))
        s = [8, 9, *range(18, 28)]
        kept, out = self._KEPT, self._OUT
        page = self.bridge | 0x37 | t1 << 7  # lui t1, bridge
        code = [_addi(sp, sp, -64)] + [_sw(r, sp, 4 * i) for i, r in enumerate(s)] + [page]
        code += [_lw(r, t1, kept + 4 * i) for i, r in enumerate(s)] + [_lw(t2, t1, kept + 48)]
        code += [_lw(a[i], t1, kept + 52 + 4 * i) for i in range(4)]
        code += [0x67 | ra << 7 | t2 << 15, page, _sw(a[0], t1, out)]  # jalr ra, t2
        code += [_sw(r, t1, out + 4 + 4 * i) for i, r in enumerate(s)] + [_sw(sp, t1, out + 52)]
        code += [_addi(t0, 0, RETURNED), _sw(t0, t1, 16)]
        code += [_lw(r, sp, 4 * i) for i, r in enumerate(s)] + [_addi(sp, sp, 64)]
        common = [
            _addi(sp, sp, -16),
            _sw(ra, sp, 12),
            page,
            *(_sw(a[i], t1, 4 * i) for i in range(4)),
        ]
        common += [_sw(t0, t1, 16), _sw(sp, t1, 20)]
        code += [_jal(4 * (len(common) + 1))]
        self._common = self._CODE + 4 * len(code)
        code += common
        onward = [_addi(0, 0, 0), page, *(_lw(a[i], t1, 4 * i) for i in range(4)), _lw(ra, sp, 12)]
        onward += [_addi(r, a[1], 1 + r) for r in (*a[4:], t0, t1, t2, 28, 29, 30, 31)]
        onward += [_addi(sp, sp, 16), 0x67 | ra << 15]  # ret
        divide = self._CODE + 4 * (len(code) + len(onward))
        a0, a1 = a[:2]
        onward += [
            0x02004033 | t0 << 7 | a0 << 15 | a1 << 20,  # div t0, a0, a1
            0x02006033 | t1 << 7 | a0 << 15 | a1 << 20,  # rem t1, a0, a1
            0x00000063 | t1 << 15 | 16 << 7,  # beq t1, zero, 16
            0x00004033
            | t1 << 7
            | t1 << 15
            | a1 << 20,  # xor t1, t1, a1: negative where the signs differ
            0x00005063 | t1 << 15 | 8 << 7,  # bge t1, zero, 8
            _addi(t0, t0, -1),
            _addi(a0, t0, 0),
            *(_addi(r, a1, 1 + r) for r in (*a[2:], t0, t1, t2, 28, 29, 30, 31)),
            0x67 | ra << 15,  # ret
        ]
        entries = []
        for i in range(N_ENTRIES):
            here = self._ENTRIES + self._ENTRY_BYTES * i
            entries.append(struct.pack("<2I", _addi(t0, 0, i), _jal(self._common - here - 4)))
        entries[FLOOR_DIVIDE] = struct.pack(
            "<I", _jal(divide - self._ENTRIES - self._ENTRY_BYTES * FLOOR_DIVIDE)
        )
        self._bridge(
            struct.pack(f"<{len(code)}I", *code),
            struct.pack(f"<{len(onward)}I", *onward),
            entries,
            12,
        )


def _addi(to: int, source: int, value: int) -> int:
    return 0x13 | to << 7 | source << 15 | (value & 0xFFF) << 20


def _lw(to: int, base: int, offset: int) -> int:
    return 0x2003 | to << 7 | base << 15 | offset << 20


def _sw(source: int, base: int, offset: int) -> int:
    return 0x2023 | (offset & 31) << 7 | base << 15 | source << 20 | (offset >> 5) << 25


def _jal(by: int) -> int:
    bits = (
        (by >> 20 & 1) << 31
        | (by >> 1 & 0x3FF) << 21
        | (by >> 11 & 1) << 20
        | (by >> 12 & 0xFF) << 12
    )
    return 0x6F | bits
