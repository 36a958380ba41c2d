"""Run the firmware under CPython, with the machine code of its kernels on a simulated core.

Enters: the name of an arch. Leaves: modules `micropython` and `uctypes` in sys.modules, after which
the firmware can be imported.

Their decorators replace a function by the machine code that mpy-cross made of it, from the same
file that `nearhum deploy` copies to a board of that arch. `viper` and `asm_thumb` run on the core.
`native` remains Python, because such functions only loop over objects. Every module that needs no
hardware can be imported, and calls of kernels run machine code on CPython's arrays.
"""

from __future__ import annotations

import ast
import builtins
import gc
import select
import sys
import time
import traceback
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from nearhum_host.boards import application
from nearhum_host.paths import firmware_dir

from . import mpy
from .cores import Core
from .glue import Function, Machine

ARCHS = ("armv6m", "armv7emsp", "rv32imc", "xtensawin")
_KIND_OF = {"viper": mpy.VIPER, "native": mpy.NATIVE, "asm_thumb": mpy.ASM}
_COMPREHENSIONS = {
    ast.ListComp: "<listcomp>",
    ast.DictComp: "<dictcomp>",
    ast.SetComp: "<setcomp>",
    ast.GeneratorExp: "<genexpr>",
}
Change = Callable[[str, str, bytes], bytes]  # (module, function, its code) -> changed code.


def core_of(arch: str, strict: bool = False) -> Core:
    """Return a core for an arch. strict: see cores.py. An Xtensa core is always strict."""
    from . import cores, xtensa

    if arch == "xtensawin":
        return xtensa.XtensaCore()
    if arch == "rv32imc":
        return cores.Rv32Core(strict)
    return cores.ThumbCore(arch == "armv6m", strict)


def functions_of(source: Path, arch: str) -> dict[int, tuple[str, mpy.Code]]:
    """Return {line of the first decorator: (name, code)} of a module's functions in machine code.

    A file does not name its viper functions. The n-th code in a module, class or function belongs
    to the n-th definition there. Raises ValueError if kinds or names do not agree.
    """
    file, name = built(source, arch), module_of(source)
    if file.arch not in (arch, "none"):
        raise ValueError(f"{name} was compiled for {file.arch}")
    found: dict[int, tuple[str, mpy.Code]] = {}
    _pair(ast.parse(source.read_bytes()), file.code, name, found)
    return found


def built(source: Path, arch: str) -> mpy.Mpy:
    """Read the built file of a module of the firmware or of a test."""
    return mpy.read(application.compiled(source, module_of(source), arch))


def module_of(source: Path) -> str:
    """Return the name of a module as in its built file, such as kernels/viper."""
    package = firmware_dir() / application.PACKAGE
    return (
        source.relative_to(package).with_suffix("").as_posix()
        if package in source.parents
        else source.stem
    )


def _pair(
    scope: ast.AST, code: mpy.Code, where: str, found: dict[int, tuple[str, mpy.Code]]
) -> None:
    inner = list(_scopes_in(scope))
    if len(inner) != len(code.children):
        raise ValueError(f"{where}: {len(code.children)} codes of {len(inner)} definitions")
    for node, child in zip(inner, code.children, strict=True):
        emitter = _emitter(node)
        name = _COMPREHENSIONS.get(type(node)) or getattr(node, "name", "<lambda>")
        if child.kind != _KIND_OF.get(emitter, mpy.BYTECODE) or child.name not in (None, name):
            raise ValueError(
                f"{where}: {mpy.KINDS[child.kind]} {child.name} is not {emitter} {name}"
            )
        if child.kind in (mpy.VIPER, mpy.ASM):
            found[node.decorator_list[0].lineno] = (name, child)  # type: ignore[attr-defined]
        _pair(node, child, f"{where}.{name}", found)


def _emitter(node: ast.AST) -> str:
    for decorator in getattr(node, "decorator_list", ()):
        if isinstance(decorator, ast.Attribute) and decorator.attr in _KIND_OF:
            return decorator.attr
    return ""


def _scopes_in(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes directly inside a scope that have code of their own, in compiler order."""
    if isinstance(scope, ast.Lambda):
        yield from _visit(scope.body)
    elif type(scope) in _COMPREHENSIONS:
        for i, generator in enumerate(scope.generators):  # type: ignore[attr-defined]
            if i:
                yield from _visit(generator.iter)
            for condition in generator.ifs:
                yield from _visit(condition)
        for part in ("key", "value", "elt"):
            if hasattr(scope, part):
                yield from _visit(getattr(scope, part))
    elif _emitter(scope) != "asm_thumb":
        for statement in scope.body:  # type: ignore[attr-defined]
            yield from _visit(statement)


def _visit(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, (ast.FunctionDef, ast.Lambda)):
        for default in [*node.args.defaults, *filter(None, node.args.kw_defaults)]:
            yield from _visit(default)
        yield node
    elif isinstance(node, ast.ClassDef):
        yield node
        for base in node.bases:
            yield from _visit(base)
    elif type(node) in _COMPREHENSIONS:
        yield node
        yield from _visit(node.generators[0].iter)  # type: ignore[attr-defined]
    elif not isinstance(node, ast.Assert):  # -O3 leaves assertions out.
        for child in ast.iter_child_nodes(node):
            yield from _visit(child)


class Simulated:
    """A core of an arch, and the machine code loaded so far.

    change: returns the code to load in place of the built code.
    """

    def __init__(self, arch: str, strict: bool = False, change: Change | None = None) -> None:
        self.arch, self.change = arch, change
        self.machine = Machine(core_of(arch, strict))
        self.loaded: dict[str, dict[int, Function]] = {}

    def function(self, python: types.FunctionType) -> Function:
        """Return the machine code of a function of the firmware.

        Raises SyntaxError if the arch has none, as importing does there.
        """
        path = python.__code__.co_filename
        if path not in self.loaded:
            self.loaded[path] = self.load(Path(path), python.__globals__)
        return self.loaded[path][python.__code__.co_firstlineno]

    def load(self, source: Path, module: dict[str, Any]) -> dict[int, Function]:
        """Return {line of the first decorator: machine code} of a file.

        module: the globals of its functions.
        """
        name = module_of(source)
        if firmware_dir() in source.parents and source not in application.modules(self.arch):
            raise SyntaxError(f"{name} is not for {self.arch}")
        found = functions_of(source, self.arch)
        for function, code in found.values():
            if self.change:
                code.data = self.change(name, function, code.data)
        return self.machine.load(
            built(source, self.arch), found, name, lambda key: _global(module, key)
        )


def _global(module: dict[str, Any], name: str) -> Any:
    if name in module:
        return module[name]
    return getattr(builtins, name)


def install(arch: str, strict: bool = False, change: Change | None = None) -> Simulated:
    """Have this Python import the firmware with simulated kernels. Call it once in a process."""
    simulated = Simulated(arch, strict, change)
    mp, uctypes = types.ModuleType("micropython"), types.ModuleType("uctypes")

    for name, value in {
        "const": lambda value: value,
        "viper": simulated.function,
        "asm_thumb": simulated.function,
        "native": lambda function: function,
        "heap_lock": lambda: None,
        "heap_unlock": lambda: None,
        "kbd_intr": lambda _: None,
        "schedule": lambda function, argument: function(argument),
        "opt_level": lambda *_: 3,
        "alloc_emergency_exception_buf": lambda _: None,
    }.items():
        setattr(mp, name, value)
    uctypes.addressof = simulated.machine.address  # type: ignore[attr-defined]
    sys.modules["micropython"], sys.modules["uctypes"] = mp, uctypes
    sys.modules["machine"] = types.ModuleType(
        "machine"
    )  # It is empty: sources that need hardware cannot be imported.
    for name in ("ptr", "ptr8", "ptr16", "ptr32", "uint"):  # Annotations of viper.
        setattr(builtins, name, int)
    _fill_in()
    return simulated


class _NoPoll:
    """A stand-in for select.poll. MicroPython's accepts any object. No input ever arrives."""

    def register(self, *_: Any) -> None:
        pass

    def poll(self, *_: Any) -> list[Any]:
        return []

    ipoll = poll


def _fill_in() -> None:
    """Add the functions of MicroPython's modules that CPython lacks and the firmware calls."""
    period = 1 << 30
    for name, value in {
        "ticks_ms": lambda: time.monotonic_ns() // 1_000_000 % period,
        "ticks_us": lambda: time.monotonic_ns() // 1_000 % period,
        "ticks_diff": lambda a, b: (a - b + period // 2) % period - period // 2,
        "ticks_add": lambda a, b: (a + b) % period,
        "sleep_ms": lambda ms: time.sleep(ms / 1000),
    }.items():
        setattr(time, name, value)
    select.poll = _NoPoll  # type: ignore[attr-defined]
    gc.mem_free = lambda: 100_000  # type: ignore[attr-defined]
    gc.mem_alloc = lambda: 100_000  # type: ignore[attr-defined]
    gc.threshold = lambda *_: -1  # type: ignore[attr-defined]
    # type: ignore[attr-defined]
    sys.print_exception = lambda e, *_: traceback.print_exception(e, file=sys.stdout)
