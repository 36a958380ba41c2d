"""The firmware's own checks, run by CPython: what a board would say of its settings.

Enters: the path of a module of the firmware. Leaves: the module. What it says of settings, features
and bands is plain Python that both interpreters run alike. What is MicroPython's alone has a
stand-in here: `machine` counts pins (pins.py), kernels do nothing, and whatever would go on to
touch hardware raises Reached: there all that can be checked has been.
"""

from __future__ import annotations
import __future__

import builtins
import importlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from ...paths import firmware_dir

# Leaves that the host imports as they are: their errors must be the same classes.
_SHARED = ("config", "errors", "wire", "files")
_PLAIN = ("array", "binascii", "json", "math", "os", "struct")


class Reached(Exception):
    """A driver has come as far as its hardware: its settings are good."""


def reached(*_: Any, **__: Any) -> Any:
    """Stand in for what only hardware has."""
    raise Reached


class Hardware:
    """Whatever a module of a port has: an attribute of it can be had and not called."""

    def __getattr__(self, name: str) -> Any:
        return reached

    def __getitem__(self, at: Any) -> Any:
        raise Reached

    __setitem__ = __getitem__


class _Nothing:
    """Kernels: named and bound, and never run."""

    def __getattr__(self, name: str) -> Any:
        return _Nothing()

    def __call__(self, *_: Any, **__: Any) -> Any:
        return _Nothing()

    def __iter__(self) -> Any:
        return iter((_Nothing(), _Nothing()))


def _decorator(*given: Any, **_: Any) -> Any:
    return given[0] if given and callable(given[0]) else lambda function: function


class _Pio:
    """rp2.PIO: names of constants."""

    def __getattr__(self, name: str) -> int:
        return 0

    __call__ = reached


class FirmwareCode:
    """Modules of the firmware, as a board of one chip has them.

    machine: what stands in for the port's module. sys_machine: what the chip is called in
    sys.implementation. platform: the port.
    """

    def __init__(self, machine: Any, platform: str, sys_machine: str) -> None:
        rp2 = SimpleNamespace(
            asm_pio=_decorator, PIO=_Pio(), DMA=reached, StateMachine=reached, microphone=None
        )
        self._stand_ins: dict[str, Any] = {
            "machine": machine,
            "micropython": SimpleNamespace(
                const=lambda value: value, viper=_decorator, native=_decorator
            ),
            "time": SimpleNamespace(
                ticks_us=lambda: 0, ticks_ms=lambda: 0, ticks_add=lambda a, b: a + b,
                ticks_diff=lambda a, b: a - b, sleep_ms=lambda ms: None,
            ),
            "sys": SimpleNamespace(
                implementation=SimpleNamespace(_machine=sys_machine), platform=platform, modules={}
            ),
            "uctypes": Hardware(),
            "network": Hardware(),
            "socket": Hardware(),
            "nearhum.kernels": _Nothing(),
        }  # fmt: skip
        if platform == "rp2":
            self._stand_ins["rp2"] = rp2
        self._loaded: dict[str, Any] = {}

    def stand_in(self, name: str, module: Any) -> None:
        """Let a module of the firmware be another one: `nearhum.board`."""
        self._stand_ins[name] = module

    def has(self, path: str) -> bool:
        """Say whether there is a module at that path of the package: sources/mpu6050."""
        return (firmware_dir() / "nearhum" / f"{path}.py").is_file()

    def load(self, name: str) -> Any:
        """Return the module of that whole name. Raises what it raises when it is loaded."""
        if name in self._stand_ins:
            return self._stand_ins[name]
        if name.startswith("nearhum.kernels."):
            return self._stand_ins["nearhum.kernels"]
        if name.removeprefix("nearhum.") in _SHARED:
            return importlib.import_module(name)
        if name not in self._loaded:
            self._loaded[name] = self._run(name)
        return self._loaded[name]

    def _run(self, name: str) -> Any:
        path = firmware_dir() / name.replace(".", "/")
        source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        # Annotations are viper's types, which are no names here.
        code = compile(
            source.read_text("utf-8"),
            str(source),
            "exec",
            __future__.annotations.compiler_flag,
        )
        module = SimpleNamespace()
        names = vars(module)
        names.update(__name__=name, open=reached, __builtins__=self._builtins())
        exec(code, names)
        return module

    def _builtins(self) -> dict[str, Any]:
        return {**vars(builtins), "__import__": self._import}

    def _import(
        self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
    ) -> Any:
        if name in _PLAIN or name == "__future__":
            return importlib.import_module(name)
        if name == "nearhum" or name.startswith("nearhum."):
            if not fromlist:
                return self._package("nearhum")
            if name == "nearhum" or (firmware_dir() / name.replace(".", "/")).is_dir():
                known = self.load(name) if name != "nearhum" else None
                return self._package(name, known)
            return self.load(name)
        if name not in self._stand_ins:
            raise ImportError(f"no module named {name!r}")
        return self._stand_ins[name]

    def _package(self, name: str, known: Any = None) -> Any:
        load: Callable[[str], Any] = self.load

        class Package:
            def __getattr__(self, attribute: str) -> Any:
                if known is not None and hasattr(known, attribute):
                    return getattr(known, attribute)
                return load(f"{name}.{attribute}")

        return Package()
