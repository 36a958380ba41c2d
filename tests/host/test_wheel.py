"""The wheel works without the checkout: it carries the firmware and the board files."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ON_LINUX_X86_64

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as `make wheel` builds it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    done = subprocess.run([*command, str(ROOT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """python(*arguments): run it elsewhere, with the wheel's files and not the checkout's."""
    folder = tmp_path_factory.mktemp("elsewhere")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder / "site")},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_it_has_every_file_that_a_board_may_need(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        there = set(archive.namelist())
    files = [path for folder in ("firmware", "boards") for path in (ROOT / folder).rglob("*.*")]
    listed = [
        path.relative_to(ROOT).as_posix() for path in files if path.suffix not in ("", ".pyc")
    ]
    assert len(listed) > 100
    assert not {f"nearhum_host/carried/{name}" for name in listed} - there
    assert not [name for name in there if name.endswith(".pyc")]


def test_it_compiles_an_application_from_its_own_files(python: Callable[..., str]) -> None:
    where = python("-c", "from nearhum_host import paths; print(paths.firmware_dir())")
    assert Path(where.strip()).parts[-3:] == ("nearhum_host", "carried", "firmware")
    cli = ("-m", "nearhum_host.commands.cli")
    assert "rpi_pico" in python(*cli, "boards")
    made = json.loads(python(*cli, "package", "-o", "index", "--board", "rpi_pico", "--json"))
    assert list(made["packages"]) == ["nearhum-rpi_pico"]


@pytest.mark.slow
@pytest.mark.skipif(not ON_LINUX_X86_64, reason="the virtual board needs Linux on x86-64")
def test_its_demo_runs(python: Callable[..., str]) -> None:
    figures = json.loads(python("-m", "nearhum_host.commands.cli", "demo", "--json"))
    assert figures["auc"] > 0.9
