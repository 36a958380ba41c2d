"""Run the device tests on a target: `python tests/device/run.py [--target unix|virtual|emulated|PORT] [NAME ...]`.

unix      MicroPython's unix port: NEARHUM_MICROPYTHON, or the one installed beside this Python
virtual   a virtual board with the application deployed as .mpy, through mpremote
emulated  an emulated RP2040 that boots the firmware image of --uf2 or NEARHUM_UF2, application and tests in its flash
PORT      a board that runs MicroPython, through mpremote; --board names its board file: the application is deployed
          with that wiring first (without it the board says which one it is), and the detector goes on afterwards

The files are the same on every target; what is missing on one prints SKIP and what it is. What a firmware image has no
module for is not asked there, see test_of in harness.py. Ends 1 if anything failed.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

DEVICE = Path(__file__).resolve().parent
TESTS = DEVICE.parent
MODELS = TESTS.parent / "host_tools" / "nearhum_host" / "virtual" / "device"  # sensors, register by register
_MODELS = ("buses.py", "chip*.py", "virtual_machine.py")
_NOT_TESTS = (
    "harness.py",
    "fakes.py",
    "filled.py",
    "heap_use.py",
    "libraries.py",
    "outcome.py",
    "real_windows.py",
    "run.py",
)
_WIRED = {"sensor_wired": "MPU6050"}  # what is on the emulated chip's I2C bus, see emulated_sensor.py
TIMEOUT_S = 60
REAL_TIMEOUT_S = 300
EMULATED_TIMEOUT_S = 7200

# The tests folder is mounted: the device tests, and what they share with others beside them, come from the host.
_ON_BOARD = "import sys; sys.path[:0] = ['/remote/device', '/remote']; sys.path.append('/'); import {name}"

Target = Callable[[str], str]  # runs one test file by name and returns all it printed


def names() -> list[str]:
    """Return the names of all device tests."""
    return sorted(path.stem for path in DEVICE.glob("*.py") if path.name not in _NOT_TESTS)


def micropython() -> str | None:
    """Return the unix port to use, None where there is none."""
    named = os.environ.get("NEARHUM_MICROPYTHON")
    return shutil.which(named) if named else shutil.which("micropython", path=str(Path(sys.executable).parent))


def arrays() -> str:
    """Return which MicroPython the tests on the unix port run on, and what nearhum.np is there."""
    interpreter = micropython()
    if interpreter is None:
        return "no MicroPython unix port"
    code = (
        f"import sys; sys.path.insert(0, {str(TESTS.parent / 'firmware')!r}); from nearhum import np; "
        "print(sys.version.split('; ')[1].split(' on ')[0] + ',', 'nearhum.np is', np.NAME + ',', "
        "'floats of', np.FLOAT_BYTES, 'bytes')"
    )
    return f"{interpreter}: {_output([interpreter, '-c', code], None).strip()}"


def on_unix(name: str) -> str:
    """Run one file under the unix port, in a folder that is removed afterwards."""
    interpreter = micropython()
    if interpreter is None:
        return "SKIP all: no MicroPython unix port (its wheel exists for Linux x86-64)\ndone: 0 ok, 0 failed, 1 skipped"
    with tempfile.TemporaryDirectory() as folder:
        command = [interpreter, "-X", "heapsize=1M", str(DEVICE / f"{name}.py")]
        return _output(command, {**os.environ, "NEARHUM_SCRATCH": folder})


def models() -> list[Path]:
    """Return the files of the models of sensors, that device tests import as they import each other."""
    return sorted(path for pattern in _MODELS for path in MODELS.glob(pattern))


def on_port(port: str, mounted: Path = TESTS, timeout_s: float = TIMEOUT_S) -> Target:
    """Return what runs a file on the board at that port, after a soft reset. mounted: the folder it sees as /remote."""

    def run(name: str) -> str:
        command = [sys.executable, "-m", "mpremote", "connect", port, "mount", str(mounted)]
        return _output([*command, "exec", _ON_BOARD.format(name=name)], None, timeout_s)

    return run


@contextlib.contextmanager
def with_models() -> Iterator[Path]:
    """Yield a folder to mount: the tests, what lies beside them, and the models among them."""
    with tempfile.TemporaryDirectory(prefix="nearhum-") as folder:
        shutil.copytree(TESTS, folder, ignore=shutil.ignore_patterns("__pycache__", "host"), dirs_exist_ok=True)
        for model in models():
            shutil.copy(model, Path(folder) / "device")
        yield Path(folder)


@contextlib.contextmanager
def real(port: str, board_file: str | None) -> Iterator[Target]:
    """A board at a port, with the whole application and the wiring of its board file; the detector goes on at the end.

    The tests travel compiled: a board has no heap to compile one beside what it tests.
    """
    from nearhum_host import application, boards, deployment
    from nearhum_host.errors import DeviceError
    from nearhum_host.link import Link

    with Link(port, on_stopped=lambda: True) as link:
        board = boards.load(board_file or str(link.ask("get board")["value"]))
        files = application.application(board, everything=True)
        with contextlib.suppress(DeviceError):  # a detector that does not start: a test says why
            deployment.deploy(link, files)
    with tempfile.TemporaryDirectory(prefix="nearhum-") as folder:
        for name in names():
            for path, source in needed(name).items():
                target = Path(folder) / path
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(application.compiled(source, f"remote/{path[:-3]}py", board.mpy_arch))
        shutil.copytree(TESTS / "vectors", Path(folder) / "vectors")
        yield on_port(port, Path(folder), REAL_TIMEOUT_S)
    with contextlib.suppress(DeviceError), Link(port) as link:
        link.resume()


def needed(name: str) -> dict[str, Path]:
    """Return the sources of a test and of what it imports from these folders, by their name once compiled."""
    found: dict[str, Path] = {}
    waiting = [f"device/{name}"]
    while waiting:
        path = waiting.pop()
        model = MODELS / f"{Path(path).name}.py"
        source = model if path.startswith("device/") and model in models() else TESTS / f"{path}.py"
        if f"{path}.mpy" in found or not source.exists():
            continue
        found[f"{path}.mpy"] = source
        for module in re.findall(r"^\s*(?:from|import) (\w+)", source.read_text(), re.MULTILINE):
            waiting += [module, f"device/{module}"]
    return found


def emulated(uf2: Path) -> Target:
    """Return what runs a file on an emulated RP2040 with that firmware image; each file on a chip of its own."""
    from nearhum_host import application, boards, emulated
    from nearhum_host.errors import HostError

    board = boards.load(emulated.BOARD)
    files = {
        path: contents
        for path, contents in application.application(board, everything=True).items()
        if path != "/main.py"
    }
    vectors = {
        f"/remote/{path.relative_to(TESTS)}": path.read_bytes()
        for path in [*(TESTS / "vectors").glob("*.json"), *(TESTS / "vectors" / "formats").rglob("*")]
        if path.is_file() and path.suffix != ".py"
    }

    def run(name: str) -> str:
        said: list[str] = []
        carried: dict[str, bytes] = {}
        try:
            # compiled, and no more than it needs: the chip has neither heap to compile it nor flash for all tests, and
            # what is left of that is the log's
            sources = needed(name)
            if any("vectors" in source.read_text() for source in sources.values()):
                carried.update(vectors)
            for path, source in sources.items():
                carried[f"/remote/{path}"] = application.compiled(source, f"remote/{path[:-3]}py", board.mpy_arch)
            script, sensor = _ON_BOARD.format(name=name), _WIRED.get(name)
            emulated.run(uf2, {**files, **carried}, script, EMULATED_TIMEOUT_S, said.append, sensor=sensor)
        except HostError as error:
            said.append(f"FAIL: {error.message}")
        return "\n".join(said)

    return run


def _output(command: list[str], environment: dict[str, str] | None, timeout_s: float = TIMEOUT_S) -> str:
    try:
        done = subprocess.run(
            command, env=environment, timeout=timeout_s,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
    except subprocess.TimeoutExpired as stuck:
        return (stuck.stdout or b"").decode(errors="replace") + f"\nFAIL: nothing more came within {timeout_s} s"
    return done.stdout.decode(errors="replace")


@contextlib.contextmanager
def virtual(model: str = "rp2040") -> Iterator[Target]:
    """A virtual board with the compiled application (without main.py: nothing runs) until the context ends."""
    from nearhum_host import application, boards
    from nearhum_host.link import Link
    from nearhum_host.repl import stopped
    from nearhum_host.virtual import VirtualBoard

    files = application.application(boards.load("virtual"), everything=True)
    with VirtualBoard(model) as board:
        with Link(board.path) as link, stopped(link) as there:
            for path, contents in files.items():
                if path.startswith("/nearhum/"):
                    there.write(path, contents, hashlib.sha256(contents).hexdigest())
        with with_models() as folder:
            yield on_port(board.path, folder)


def verdict(output: str) -> tuple[list[str], bool]:
    """Return (the lines to show, True if all went well) of one file's output."""
    lines = output.replace("\r", "").splitlines()
    finished = any(line.startswith("done: ") for line in lines)
    failed = any(line.startswith("FAIL ") for line in lines)
    if finished and not failed:
        return [line for line in lines if line.startswith(("ok ", "SKIP "))], True
    lines = [line for line in lines if not line.startswith("Local directory ")]  # what mpremote says
    return lines if finished else [*lines, "FAIL: it did not run to its end"], False


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--target", default="unix", help="unix, virtual, emulated, or the port of a board")
    parser.add_argument("--uf2", default=os.environ.get("NEARHUM_UF2"), type=Path, help="firmware image, for emulated")
    parser.add_argument("--board", help="board file of the board at a port: its name, or a .toml file")
    parser.add_argument("names", nargs="*", help="of test files; all without")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(names()))
    if unknown:
        parser.error(f"no test called {', '.join(unknown)}; there are: {', '.join(names())}")
    n_failed = 0
    with contextlib.ExitStack() as stack:
        if given.target == "unix":
            print(arrays())
            run: Target = on_unix
        elif given.target == "virtual":
            run = stack.enter_context(virtual())
        elif given.target == "emulated":
            if given.uf2 is None:
                parser.error("emulated needs a firmware image: --uf2 FILE, or NEARHUM_UF2")
            run = emulated(given.uf2)
        else:
            run = stack.enter_context(real(given.target, given.board))
        # chips of their own may run side by side
        n_at_once = (os.cpu_count() or 1) if given.target == "emulated" else 1
        sensorless = _WIRED if given.target in ("unix", "virtual") else ()  # there is none to ask
        chosen = given.names or [name for name in names() if name not in sensorless]
        for name, said in zip(chosen, stack.enter_context(ThreadPoolExecutor(n_at_once)).map(run, chosen), strict=True):
            lines, well = verdict(said)
            n_failed += not well
            for line in lines:
                print(f"{name}: {line}")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
