"""Test that neither firmware nor a deployed board uses a network, unless the user asks."""

import ast
import subprocess
from pathlib import Path

import pytest
from device import run
from host.test_imports import HOST, PACKAGE, imported
from nearhum_host import paths
from nearhum_host.boards import application, board_files

# modules of MicroPython through which a board can be reached, or reach others
REACHING = {
    "socket", "usocket", "network", "ssl", "tls", "asyncio", "uasyncio", "bluetooth", "ubluetooth",
    "aioble", "espnow", "lwip", "webrepl", "websocket", "requests", "urequests", "mip", "cyw43",
    "ntptime", "select",
}  # fmt: skip
ALLOWED = {
    # select.poll there is of standard input and output
    "console.py": {"select"},
    "boots.py": {"select"},
    # a source that a board has only where its board file names it
    "wifi.py": {"network", "socket"},
}


def test_the_firmware_reaches_for_no_network() -> None:
    for path in (*PACKAGE.rglob("*.py"), paths.firmware_dir() / "main.py"):
        found = {module.partition(".")[0] for module in imported(path)} & REACHING
        allowed = ALLOWED.get(path.name, set())
        assert found <= allowed, f"{path.name} imports {found}"
        called = {
            node.value
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant)
        }
        # nor by __import__
        assert not {name for name in REACHING - {"select"} - allowed if name in called}, path.name


@pytest.mark.parametrize("board", board_files.names())
def test_a_board_as_deployed_holds_no_network_code(board: str) -> None:
    for path, contents in application.application(board_files.load(board)).items():
        for name in (b"socket", b"webrepl", b"WLAN", b"bluetooth", b"espnow"):
            assert name not in contents, f"{path} names {name!r}"


def test_watching_opens_no_socket(tmp_path: Path) -> None:
    """A pipeline that learns, watches and answers, where every module of REACHING is one that
    raises.
    """
    script = f"""
import sys
class Trap:
    def __getattr__(self, name):
        raise RuntimeError("a network module was used: " + name)
for name in {sorted(REACHING - {"select"})!r}:
    sys.modules[name] = Trap()
sys.path[:0] = [{str(run.DEVICE)!r}, {str(PACKAGE.parent)!r}]
from fakes import pipeline, take
hum = pipeline("vibration", {str(tmp_path)!r} + "/", n_channels=1, n_window=64, n_hop=64, n_bands=6)
for line in ("learn 40", "status", "help", "list", "get"):
    assert hum.console.execute(line)["ok"], line
take(hum, 60)
assert hum.console.execute("status")["state"] == "watch"
print("sound")
"""
    interpreter = run.micropython()
    if interpreter is None:
        pytest.skip("no MicroPython unix port")
    done = subprocess.run(
        [interpreter, "-X", "heapsize=1M", "-c", script], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "sound", done.stdout + done.stderr


def test_the_host_listens_only_where_it_simulates() -> None:
    """A socket that accepts is opened by the simulated chips of the tests and by nothing else
    of the tools.
    """
    for path in HOST.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in (
                "listen",
                "create_server",
                "serve_forever",
                "bind",
            ):
                is_board_method = isinstance(node.value, ast.Name) and node.value.id in (
                    "self",
                    "hum",
                    "kernels",
                )
                assert is_board_method or "virtual" in path.parts, (
                    f"{path.name} line {node.lineno}: {node.attr}"
                )
