"""Run the device tests on a target.

`python tests/device/run.py [--target unix|virtual|emulated|PORT] [NAME ...]`

unix      MicroPython's unix port: NEARHUM_MICROPYTHON, or the one installed with this Python
virtual   a virtual board with the application deployed as .mpy, through mpremote
emulated  an emulated RP2040 that boots the firmware image of --uf2 or NEARHUM_UF2, with
          application and tests in its flash
PORT      a board that runs MicroPython, through mpremote. --board names its board file, and the
          application is deployed with that wiring first. Without it, the board says which one
          it is. The detector is resumed afterwards

The test files are the same on every target. If something is missing, they print SKIP and what it
is. Tests of a module that a firmware image does not have are left out, see test_of in harness.py.
Exits with 1 if a test failed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

DEVICE = Path(__file__).resolve().parent
TESTS = DEVICE.parent
# sensors, register by register
MODELS = TESTS.parent / "host_tools" / "nearhum_host" / "virtual" / "device"
_MODELS = ("buses.py", "chip*.py", "virtual_machine.py")
_NOT_TESTS = (
    "harness.py",
    "fake_machine.py",
    "fakes.py",
    "filled.py",
    "heap_use.py",
    "libraries.py",
    "outcome.py",
    "real_windows.py",
    "run.py",
)
# what is on the emulated chip's I2C bus, see emulated_sensor.py
_WIRED = {"sensor_wired": "MPU6050"}
TIMEOUT_S = 60
REAL_TIMEOUT_S = 300
EMULATED_TIMEOUT_S = 7200
RECOVERY_S = 30
TOO_LATE = "nothing more came in time"

# The tests folder is mounted: the device tests, and what they share with others beside them, come
# from the host.
_ON_BOARD = (
    "import sys; sys.path[:0] = ['/remote/device', '/remote']; sys.path.append('/')\n"
    "try: sys.path.insert(2, open('/nearhum.app').readline().strip())\n"
    "except OSError: pass\n"
    "import {name}"
)

Target = Callable[[str], str]  # runs one test file by name and returns all it printed


def names() -> list[str]:
    """Return the names of all device tests."""
    return sorted(path.stem for path in DEVICE.glob("*.py") if path.name not in _NOT_TESTS)


def micropython() -> str | None:
    """Return the unix port to use, None where there is none."""
    named = os.environ.get("NEARHUM_MICROPYTHON")
    return (
        shutil.which(named)
        if named
        else shutil.which("micropython", path=str(Path(sys.executable).parent))
    )


def arrays() -> str:
    """Return which MicroPython the tests on the unix port run on, and what
    np is there.
    """
    interpreter = micropython()
    if interpreter is None:
        return "no MicroPython unix port"
    code = (
        f"import sys; sys.path.insert(0, {str(TESTS.parent / 'firmware')!r}); "
        "from nearhum.features.arrays import np; print(sys.version.split('; ')[1].split(' on ')[0]"
        " + ',', 'np is', np.NAME + ',', 'floats of', np.FLOAT_BYTES, 'bytes')"
    )
    return f"{interpreter}: {printed_by([interpreter, '-c', code], None).strip()}"


def on_unix(name: str, firmware: Path | None = None) -> str:
    """Run one file under the unix port, in a folder that is removed afterwards.

    firmware: a folder with all of it compiled, in the place of its sources. Half of the time goes
    into compiling these: commands load their modules anew.
    """
    interpreter = micropython()
    if interpreter is None:
        return (
            "SKIP all: no MicroPython unix port (its wheel exists for Linux x86-64)\ndone: 0 ok, 0"
            " failed, 1 skipped"
        )
    with tempfile.TemporaryDirectory() as folder:
        command = [interpreter, "-X", "heapsize=1M", str(DEVICE / f"{name}.py")]
        environment = {"NEARHUM_SCRATCH": folder, "NEARHUM_FIRMWARE": str(firmware or "")}
        return printed_by(command, {**os.environ, **environment})


def models() -> list[Path]:
    """Return the files of the models of sensors, that device tests import as they import each
    other.
    """
    return sorted(path for pattern in _MODELS for path in MODELS.glob(pattern))


def on_port(port: str, mounted: Path = TESTS, timeout_s: float = TIMEOUT_S) -> Target:
    """Return what runs a file on the board at that port, after a soft reset.

    mounted: the folder it sees as /remote. A file that does not end in time is interrupted; where
    the board stays silent even so, the files after it are not run, and say why.
    """
    silent_since = ""

    def run(name: str) -> str:
        nonlocal silent_since
        if silent_since:
            return f"FAIL: not run: the board is silent since {silent_since}; reset it by hand"
        command = [sys.executable, "-m", "mpremote", "connect", port, "mount", str(mounted)]
        said = printed_by([*command, "exec", _ON_BOARD.format(name=name)], None, timeout_s)
        if said.endswith(TOO_LATE) and not recovered(port):
            silent_since = name
        return said

    return run


def recovered(port: str, patience_s: float = RECOVERY_S) -> bool:
    """Bring a board back to its prompt from whatever a file left it in; False where it stays
    silent.

    1 it runs: Ctrl-C interrupts it
    2 it waits for an answer of mpremote's file system, with Ctrl-C off, and whoever would answer
      was ended with the file: bytes of ones are numbers below zero there, errors, which end the
      file
    3 it takes nothing: the reset line of its USB-serial chip, as ESP32 boards have it (RTS pulls EN
      low, with DTR off, so that it does not start its boot loader)
    """
    import serial

    end, reset = time.monotonic() + patience_s, False
    try:
        with serial.serial_for_url(port, 115200, timeout=0.5, write_timeout=2) as line:
            while time.monotonic() < end:
                try:
                    line.write(b"\xff" * 64 + b"\x03\x03\r\x02")  # Ctrl-B: the friendly prompt
                except serial.SerialTimeoutException:
                    pass  # it does not read: its buffer is full
                if b">>> " in line.read(4096)[-64:]:
                    return True
                if not reset and time.monotonic() > end - patience_s / 2:
                    reset = True
                    _pulse_reset(line)
    except (serial.SerialException, OSError):
        return False  # it is gone
    return False


def _pulse_reset(line: Any) -> None:
    with contextlib.suppress(OSError):  # a line that has no such signals
        line.dtr, line.rts = False, True
        time.sleep(0.1)
        line.rts = False


@contextlib.contextmanager
def with_models() -> Iterator[Path]:
    """Yield a folder to mount: the tests, what lies beside them, and the models among them."""
    with tempfile.TemporaryDirectory(prefix="nearhum-") as folder:
        shutil.copytree(
            TESTS, folder, ignore=shutil.ignore_patterns("__pycache__", "host"), dirs_exist_ok=True
        )
        for model in models():
            shutil.copy(model, Path(folder) / "device")
        yield Path(folder)


@contextlib.contextmanager
def real(port: str, board_file: str | None) -> Iterator[Target]:
    """A board at a port, with the whole application and the wiring of its board file; the detector
    goes on at the end.

    The tests travel compiled: a board has no heap to compile one beside what it tests.
    """
    from nearhum_host.boards import application, board_files, deployment
    from nearhum_host.errors import DeviceError
    from nearhum_host.serial_line.link import Link

    with Link(port, on_stopped=lambda: True) as link:
        board = board_files.load(board_file or str(link.ask("get board")["value"]))
        files = application.application(board, everything=True)
        with contextlib.suppress(DeviceError):  # a detector that does not start: a test says why
            deployment.deploy(link, files)
    with tempfile.TemporaryDirectory(prefix="nearhum-") as folder:
        for name in names():
            for path, source in needed(name).items():
                target = Path(folder) / path
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(
                    application.compiled(source, f"remote/{path[:-3]}py", board.mpy_arch)
                )
        shutil.copytree(TESTS / "vectors", Path(folder) / "vectors")
        yield on_port(port, Path(folder), REAL_TIMEOUT_S)
    with contextlib.suppress(DeviceError), Link(port) as link:
        link.resume()


def needed(name: str) -> dict[str, Path]:
    """Return the sources of a test and of what it imports from these folders, by their name
    once compiled.
    """
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
    """Return what runs a file on an emulated RP2040 with that firmware image; each file on a
    chip of its own.
    """
    from nearhum_host.boards import application, board_files
    from nearhum_host.boards.upgrade.places import STARTERS
    from nearhum_host.errors import HostError
    from nearhum_host.virtual import emulated

    board = board_files.load(emulated.BOARD)
    files = {
        path: contents
        for path, contents in application.application(board, everything=True).items()
        if path not in STARTERS
    }
    vectors = {
        f"/remote/{path.relative_to(TESTS)}": path.read_bytes()
        for path in [
            *(TESTS / "vectors").glob("*.json"),
            *(TESTS / "vectors" / "formats").rglob("*"),
        ]
        if path.is_file() and path.suffix != ".py"
    }

    def run(name: str) -> str:
        said: list[str] = []
        carried: dict[str, bytes] = {}
        try:
            # compiled, and no more than it needs: the chip has neither heap to compile it nor flash
            # for all tests, and what is left of that is the log's
            sources = needed(name)
            if any("vectors" in source.read_text() for source in sources.values()):
                carried.update(vectors)
            for path, source in sources.items():
                carried[f"/remote/{path}"] = application.compiled(
                    source, f"remote/{path[:-3]}py", board.mpy_arch
                )
            script, sensor = _ON_BOARD.format(name=name), _WIRED.get(name)
            emulated.run(
                uf2, {**files, **carried}, script, EMULATED_TIMEOUT_S, said.append, sensor=sensor
            )
        except HostError as error:
            said.append(f"FAIL: {error.message}")
        return "\n".join(said)

    return run


def printed_by(
    command: list[str], environment: dict[str, str] | None, timeout_s: float = TIMEOUT_S
) -> str:
    try:
        done = subprocess.run(
            command, env=environment, timeout=timeout_s,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
    except subprocess.TimeoutExpired as stuck:
        return (stuck.stdout or b"").decode(
            errors="replace"
        ) + f"\nFAIL: within {timeout_s} s: {TOO_LATE}"
    return done.stdout.decode(errors="replace")


@contextlib.contextmanager
def virtual(model: str = "rp2040") -> Iterator[Target]:
    """A virtual board with the compiled application (without main.py: nothing runs) until the
    context ends.
    """
    from nearhum_host.boards import application, board_files
    from nearhum_host.serial_line.link import Link
    from nearhum_host.serial_line.repl import stopped
    from nearhum_host.virtual import VirtualBoard

    files = application.application(board_files.load("virtual"), everything=True)
    with VirtualBoard(model) as board:
        with Link(board.path) as link, stopped(link) as there:
            for path, contents in files.items():
                if path.startswith("/nearhum/"):
                    there.write(path, contents)
        with with_models() as folder:
            yield on_port(board.path, folder)


def verdict(output: str) -> tuple[list[str], bool]:
    """Return (the lines to show, True if all went well) of one file's output."""
    lines = output.replace("\r", "").splitlines()
    finished = any(line.startswith("done: ") for line in lines)
    failed = any(line.startswith("FAIL ") for line in lines)
    if finished and not failed:
        return [line for line in lines if line.startswith(("ok ", "SKIP "))], True
    # what mpremote says
    lines = [line for line in lines if not line.startswith("Local directory ")]
    return lines if finished else [*lines, "FAIL: it did not run to its end"], False


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--target", default="unix", help="unix, virtual, emulated, or the port of a board"
    )
    parser.add_argument(
        "--uf2",
        default=os.environ.get("NEARHUM_UF2"),
        type=Path,
        help="firmware image, for emulated",
    )
    parser.add_argument(
        "--board", help="board file of the board at a port: its name, or a .toml file"
    )
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
        for name, said in zip(
            chosen, stack.enter_context(ThreadPoolExecutor(n_at_once)).map(run, chosen), strict=True
        ):
            lines, well = verdict(said)
            n_failed += not well
            for line in lines:
                print(f"{name}: {line}")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
