"""Model of the interpreter around machine code: MicroPython's loader and py/nativeglue.c, 32 bits.

Enters: functions of a `.mpy` file and Python objects as arguments. Leaves: Python objects.

A function is called as MicroPython calls it. A viper function gets four words: the function object,
n_args, n_kw and the address of the arguments, which are object words. The function object leads to
its context, which has the tables of names and constants. A function in inline assembler gets up to
four machine words, converted as in `convert_obj_for_inline_asm` (py/objfun.c).

The model follows these sources:

- Objects have representation A (py/mpconfig.h): small integers of 31 bits, names, and addresses.
  The address of an object is outside the memory, so that code cannot read it.
- mp_native_from_obj and mp_native_to_obj convert numbers and arrays into and out of typed code.
- load_global, obj_subscr (load), call_function_n_kw, small_int_floor_divide, small_int_modulo,
  arg_check_num_sig (raises TypeError), swap_globals, nlr_push, nlr_pop and setjmp. An exception
  leaves the machine at once, because no kernel catches one. Division runs on the cores (cores.py).

Every other function raises NotImplementedError with its number in mp_fun_table. This means that a
kernel now does more than compute.

Buffers are copied in before a call and back after it. Each has a margin around it that no code may
write to. A view keeps its distance from its array, and alignment is 16 bytes, as on a board's heap.
`address` gives an array a permanent place, like uctypes.addressof on a heap that does not move
objects. Such an array is copied in if a word of an argument, or of another array reached in this
way, points to it.
"""

from __future__ import annotations

import bisect
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import mpy
from .cores import Core, Misbehaved

_NONE, _FALSE, _TRUE = 0x7FFF0000, 0x7FFF0010, 0x7FFF0020  # Outside the memory.
_HANDLES, _GLOBALS = 0x7F000000, 0x7E000000
_SENTINEL = 4  # MP_OBJ_SENTINEL: obj_subscr loads.
_OBJECT, _BOOL, _INT, _UINT = range(4)  # MP_NATIVE_TYPE of py/runtime0.h. 4 to 7 are pointers.
_QSTR = 8
_N_FUN_TABLE = 50
MARGIN = 32
_MARGIN = bytes((0x5A ^ i) & 0xFF for i in range(MARGIN))


def small(value: int) -> bool:
    """Return whether the value is a small integer (31 bits) on a 32-bit board."""
    return -(1 << 30) <= value < 1 << 30


def signed(word: int) -> int:
    return (word & 0xFFFFFFFF ^ 0x80000000) - 0x80000000


@dataclass
class Region:
    """A buffer and its place in the machine.

    before: its contents when it was copied in, None if it has not been copied yet.
    """

    root: Any
    at: int
    n_bytes: int
    before: bytes | None = None


@dataclass
class Function:
    """Machine code that is called like the function it was compiled from.

    at: address of the function object. entry: address of the code.
    """

    machine: Machine
    name: str
    code: mpy.Code
    at: int
    entry: int
    scope: Callable[[str], Any]  # Returns a global by its name.

    def __call__(self, *arguments: Any) -> Any:
        return self.machine.call(self, arguments)


class Machine:
    """A core with the model of an interpreter around it."""

    def __init__(self, core: Core) -> None:
        self.core = core
        core.answer = self._answer
        self.free = core.free
        self.objects: dict[int, Any] = {}
        self.pinned: dict[int, Region] = {}  # By the address of its start.
        self.pinned_at: list[int] = []
        self.pinned_of: dict[int, Region] = {}  # By the id of the array.
        self.live: dict[int, Region] = {}  # Of this call, by id.
        self.depth = 0
        self.scopes: list[Callable[[str], Any]] = []
        self.names: list[str | None] = []
        self.globals = 0  # Address of the context of the module whose globals are in use.
        self.n_calls: dict[str, int] = {}
        words = [_NONE, _FALSE, _TRUE] + [core.entry(i) for i in range(3, _N_FUN_TABLE)]
        self.fun_table = self._place(array("I", words).tobytes())
        self.kept_free = self.free

    # ---- loading ---------------------------------------------------------------------------------

    def load(
        self,
        file: mpy.Mpy,
        functions: dict[int, tuple[str, mpy.Code]],
        module: str,
        scope: Callable[[str], Any],
    ) -> dict[int, Function]:
        """Load functions of a file into memory and return them, callable, by key.

        scope: returns a global of the module by its name.
        """
        if self.live:
            raise RuntimeError("a file is loaded while code runs")
        # Numbers replace the interned names, because the code only passes them on.
        first = len(self.names)
        self.names += file.qstrs
        qstrs = self._place(array("H", range(first, len(self.names))).tobytes())
        constants = [
            self.fun_table if isinstance(o, mpy.FunTable) else self._constant(o)
            for o in file.objects
        ]
        objects = self._place(array("I", constants).tobytes())
        context = self._place(array("I", [_NONE, _GLOBALS + 16 * first, qstrs, objects]).tobytes())
        out = {}
        for key, (name, code) in functions.items():
            entry = self._place(code.data) + self.core.thumb
            at = self._place(array("I", [_NONE, context, _NONE, entry]).tobytes())
            self.objects[at] = out[key] = Function(self, f"{module}.{name}", code, at, entry, scope)
        self.kept_free = self.free
        return out

    def _constant(self, value: Any) -> int:
        if isinstance(value, (int, type(None))) and (value is None or small(value)):
            return self._word(value)
        handle = _HANDLES + 16 * len(self.objects)
        self.objects[handle] = value
        return handle

    def _place(self, contents: bytes) -> int:
        at = self.free
        self.free += len(contents) + 15 & ~15
        if self.free > self.core.ram + self.core.RAM_BYTES:
            raise MemoryError("the machine's memory is full")
        self.core.write(at, contents)
        return at

    # ---- buffers ---------------------------------------------------------------------------------

    def address(self, buffer: Any) -> int:
        """Give a buffer a permanent place in the machine and return its address."""
        root, offset = _root(buffer)
        region = self.pinned_of.get(id(root))
        if region is None:
            region = self.pinned_of[id(root)] = self._region(root)
            self.pinned[region.at] = region
            bisect.insort(self.pinned_at, region.at)
            self.kept_free = self.free
        return region.at + offset

    def forget(self) -> None:
        """Release the arrays that `address` placed."""
        for table in (self.pinned, self.pinned_at, self.pinned_of):
            table.clear()

    def _region(self, root: Any) -> Region:
        n_bytes = memoryview(root).nbytes
        at = self.free + MARGIN
        self.free = at + n_bytes + MARGIN + 15 & ~15
        if self.free > self.core.ram + self.core.RAM_BYTES:
            raise MemoryError("the machine's memory is full")
        return Region(root, at, n_bytes)

    def _pointer(self, buffer: Any) -> int:
        """Return a buffer's address during this call. Copies it in if it is not there yet."""
        root, offset = _root(buffer)
        region = self.live.get(id(root))
        if region is None:
            region = self.pinned_of.get(id(root)) or self._region(root)
            self._copy_in(region)
        return region.at + offset

    def _copy_in(self, region: Region) -> None:
        self.live[id(region.root)] = region
        region.before = contents = bytes(region.root) if region.n_bytes else b""
        self.core.write(region.at - MARGIN, _MARGIN + contents + _MARGIN)
        if self.pinned_at and isinstance(region.root, array) and region.root.typecode == "i":
            words = np.frombuffer(contents, dtype="<u4")
            for word in words[(words >= self.pinned_at[0]) & (words < self.free)].tolist():
                at = self.pinned_at[bisect.bisect_right(self.pinned_at, word) - 1]
                other = self.pinned[at]
                if word <= at + other.n_bytes and id(other.root) not in self.live:
                    self._copy_in(other)

    def _copy_back(self) -> None:
        regions, self.live = list(self.live.values()), {}
        for region in regions:
            found = self.core.read(region.at - MARGIN, region.n_bytes + 2 * MARGIN)
            if found[:MARGIN] != _MARGIN or found[-MARGIN:] != _MARGIN:
                raise Misbehaved(f"written beside a buffer of {region.n_bytes} bytes")
            contents = found[MARGIN:-MARGIN]
            if contents != region.before:
                if isinstance(region.root, bytes):
                    raise Misbehaved("bytes were written to")
                memoryview(region.root).cast("B")[:] = contents
            region.before = None

    # ---- calls -----------------------------------------------------------------------------------

    def call(self, function: Function, arguments: tuple[Any, ...]) -> Any:
        """Call a function with Python objects and return its result as one.

        Raises Misbehaved, or what the interpreter would raise.
        """
        self.n_calls[function.name] = self.n_calls.get(function.name, 0) + 1
        self.depth += 1
        free = self.free
        known = len(self.objects)
        self.scopes.append(function.scope)
        try:
            if function.code.kind == mpy.ASM:
                out = self._call_asm(function, arguments)
            else:
                at = self._place(array("I", [self._word(a) for a in arguments]).tobytes())
                out = self._object(
                    self.core.call(function.entry, (function.at, len(arguments), 0, at))
                )
            if self.depth == 1:
                self._copy_back()
            return out
        finally:
            self.depth -= 1
            self.scopes.pop()
            if self.depth == 0:
                self.live = {}
                self.globals = 0
                self.free = max(self.kept_free, free)
                for handle in list(self.objects)[known:]:
                    del self.objects[handle]

    def _call_asm(self, function: Function, arguments: tuple[Any, ...]) -> Any:
        n_wanted = function.code.n_arguments
        if len(arguments) != n_wanted:
            raise TypeError(
                f"{function.name} takes {n_wanted} arguments but {len(arguments)} were given"
            )
        words = [self._asm_word(a) for a in arguments] + [0xDEADBEEF] * (4 - n_wanted)
        a, b, c, d = words
        out = self.core.call(function.entry, (a, b, c, d))
        return self._to_object(out, function.code.return_type)

    def _asm_word(self, value: Any) -> int:
        if value is None:
            return 0
        if isinstance(value, int):
            return value & 0xFFFFFFFF
        if isinstance(value, (bytes, bytearray, array, memoryview)):
            return self._pointer(value)
        raise NotImplementedError(f"{type(value).__name__} for inline assembler")

    def _word(self, value: Any) -> int:
        """Return the object word of a value."""
        if value is None:
            return _NONE
        if value is False or value is True:
            return _TRUE if value else _FALSE
        if isinstance(value, int) and small(value):
            return (value << 1 | 1) & 0xFFFFFFFF
        if isinstance(value, Function):
            return value.at
        handle = _HANDLES + 16 * len(self.objects)
        self.objects[handle] = value
        return handle

    def _object(self, word: int) -> Any:
        if word & 1:
            return signed(word) >> 1
        if word == _NONE:
            return None
        if word in (_FALSE, _TRUE):
            return word == _TRUE
        if word not in self.objects:
            raise Misbehaved(f"{word:#x} is no object")
        return self.objects[word]

    def _integer(self, value: Any) -> int:
        if not isinstance(value, int):
            raise TypeError(f"can't convert {type(value).__name__} to int")
        return value & 0xFFFFFFFF

    def _from_object(self, word: int, kind: int) -> int:
        value = self._object(word)
        kind &= 15
        if kind == _OBJECT:
            return word
        if kind == _BOOL:
            return bool(value)
        if kind in (_INT, _UINT):
            return self._integer(value)
        if isinstance(value, (bytes, bytearray, array, memoryview)):
            return self._pointer(value)
        return self._integer(value)

    def _to_object(self, word: int, kind: int) -> Any:
        kind &= 15
        if kind == _OBJECT:
            return self._object(word)
        if kind == _BOOL:
            return word != 0
        if kind == _QSTR:
            raise NotImplementedError("a name as an object")
        return signed(word) if kind == _INT else word

    def _answer(self, index: int, words: tuple[int, int, int, int]) -> int:
        a, b, c, _ = words
        if index == 3:
            return self._from_object(a, b)
        if index == 4:
            return self._word(self._to_object(a, b))
        if index == 5:  # swap_globals: if they are the same, there is nothing to restore.
            if a in (0, self.globals):
                return 0
            before, self.globals = self.globals, a
            return before or _GLOBALS - 16  # The globals of a caller in bytecode.
        if index == 7:
            return self._word(self.scopes[-1](self._name(a)))
        if index == 15:
            if c != _SENTINEL:
                raise NotImplementedError("a subscript that is stored to")
            return self._word(self._object(a)[self._object(b)])
        if index == 27:
            if b >> 8:
                raise NotImplementedError("arguments by name")
            packed = self.core.read(c, 4 * (b & 255))
            return self._word(self._object(a)(*[self._object(w) for w in array("I", packed)]))
        if index in (32, 49):  # nlr_push, setjmp: no exception was raised.
            return 0
        if index == 33:  # nlr_pop
            return 0
        if index == 44:
            n_min, n_max = c >> 17, c >> 1 & 0xFFFF
            raise TypeError(
                f"function takes {n_min} to {n_max} positional arguments but {a} were given"
            )
        if index in (46, 47):
            x, y = signed(a), signed(b)
            return (x // y if index == 46 else x % y) & 0xFFFFFFFF
        raise NotImplementedError(f"function {index} of mp_fun_table")

    def _name(self, number: int) -> str:
        name = self.names[number]
        if name is None:
            raise NotImplementedError(f"a name of the interpreter's own, number {number}")
        return name


def _root(buffer: Any) -> tuple[Any, int]:
    """Return (owner of a buffer's memory, the buffer's offset in it in bytes)."""
    if not isinstance(buffer, memoryview):
        return buffer, 0
    root = buffer.obj
    if not buffer.nbytes:
        return root, 0
    offset = np.frombuffer(buffer, np.uint8).ctypes.data - np.frombuffer(root, np.uint8).ctypes.data
    return root, offset
