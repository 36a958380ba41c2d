"""Read a `.mpy` file: its names, its constants, and the code of each function.

Enters: the bytes of a file that mpy-cross made, format 6.3. Leaves: a `Mpy`. The format is the one
that py/persistentcode.c of MicroPython 1.28 reads. Code with relocations is refused, because
mpy-cross makes none (only mpy_ld.py does).
"""

from __future__ import annotations

from dataclasses import dataclass, field

VERSION, SUB_VERSION = 6, 3
ARCHS = ("none", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp",
         "xtensa", "xtensawin", "rv32imc", "rv64imc")  # fmt: skip
BYTECODE, NATIVE, VIPER, ASM = range(4)  # Kinds of code.
KINDS = ("bytecode", "native", "viper", "asm")
_HAS_CHILDREN = 4
_NEEDS_RELOCATION = 0x70  # Scope flags of viper code: relocations, read-only data, cleared data.
_ARCH_FLAGS = 0x40  # In the header's third byte: flags of the arch follow.


class FunTable:
    """The entry among the constants that means mp_fun_table."""


@dataclass
class Code:
    """One function, class body or module."""

    kind: int
    data: bytes
    name: str | None  # None for viper and asm: only the code that makes the function has it.
    n_arguments: int  # Of asm.
    return_type: int  # Of asm, an MP_NATIVE_TYPE.
    children: list[Code] = field(default_factory=list)


@dataclass
class Mpy:
    """A file. qstrs: names, None for one that the interpreter has itself. objects: constants."""

    arch: str
    small_int_bits: int
    qstrs: list[str | None]
    objects: list[object]
    code: Code


class FormatError(Exception):
    """The bytes are not a .mpy file of this format."""


def read(contents: bytes) -> Mpy:
    """Read a file. Raises FormatError if it is not of format 6.3, or not complete."""
    return _Reader(contents).file()


class _Reader:
    def __init__(self, contents: bytes) -> None:
        self.contents = contents
        self.at = 0
        self.qstrs: list[str | None] = []

    def file(self) -> Mpy:
        magic, version, features, small_int_bits = self.take(4)
        arch = features >> 2 & 0x0F
        if magic != ord("M") or version != VERSION:
            raise FormatError("not a .mpy file of version 6")
        if arch and features & 3 != SUB_VERSION:
            raise FormatError(f"machine code of .mpy format 6.{features & 3}, not 6.{SUB_VERSION}")
        if features & _ARCH_FLAGS:
            self.uint()
        n_qstrs, n_objects = self.uint(), self.uint()
        self.qstrs = [self.qstr() for _ in range(n_qstrs)]
        objects = [self.constant() for _ in range(n_objects)]
        code = self.raw_code()
        if self.at != len(self.contents):
            raise FormatError(f"{len(self.contents) - self.at} bytes after the end")
        return Mpy(ARCHS[arch], small_int_bits, self.qstrs, objects, code)

    def take(self, n: int) -> bytes:
        out = self.contents[self.at : self.at + n]
        if len(out) != n:
            raise FormatError("the file ends too early")
        self.at += n
        return out

    def uint(self) -> int:
        value = 0
        while True:
            (byte,) = self.take(1)
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                return value

    def qstr(self) -> str | None:
        length = self.uint()
        if length & 1:
            return None
        name = self.take(length >> 1).decode()
        self.take(1)  # The final zero.
        return name

    def constant(self) -> object:
        (kind,) = self.take(1)
        plain = {0: FunTable, 1: None, 2: False, 3: True, 4: ...}
        if kind in plain:
            return FunTable() if kind == 0 else plain[kind]
        length = self.uint()
        if kind == 10:
            return tuple(self.constant() for _ in range(length))
        text = self.take(length)
        if kind in (5, 6):
            self.take(1)
            return text.decode() if kind == 5 else text
        makers = {7: int, 8: float, 9: complex}
        if kind not in makers:
            raise FormatError(f"a constant of kind {kind}")
        return makers[kind](text.decode())

    def raw_code(self) -> Code:
        head = self.uint()
        kind = head & 3
        data = self.take(head >> 3)
        name, n_arguments, return_type = None, 0, 0
        if kind == BYTECODE:
            name = self.name_in(data)
        elif kind == NATIVE:
            name = self.name_in(data[self.uint() :])
        else:
            if self.uint() & _NEEDS_RELOCATION:
                raise FormatError("code that needs relocation, or has data of its own")
            if kind == ASM:
                n_arguments, return_type = self.uint(), self.uint()
        children = [self.raw_code() for _ in range(self.uint())] if head & _HAS_CHILDREN else []
        return Code(kind, data, name, n_arguments, return_type, children)

    def name_in(self, prelude: bytes) -> str | None:
        """Return the name in a prelude of bytecode, which follows two packed numbers."""
        reader = _Reader(prelude)
        reader.uint()
        reader.uint()
        return self.qstrs[reader.uint()]
