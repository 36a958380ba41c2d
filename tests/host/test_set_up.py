"""Setting up a checkout: the lock files fit pyproject.toml, the demo installs little, and no step
is silent.
"""

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ROOT / "requirements"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
STALE = "the lock is stale: run `make lock`"


@pytest.fixture
def install() -> ModuleType:
    """requirements/install.py, which is in no package."""
    spec = importlib.util.spec_from_file_location("install", LOCKS / "install.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def asked_for(extra: str) -> list[Requirement]:
    """Return what nearhum and one of its extras require, with what the extra takes from others."""
    out = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
    for text in PROJECT["project"]["optional-dependencies"][extra]:
        requirement = Requirement(text)
        others = sorted(requirement.extras) if requirement.name == "nearhum" else []
        out += [one for other in others for one in asked_for(other)] if others else [requirement]
    return out


def locked(name: str) -> dict[str, tuple[str, str]]:
    """Return {package: (version, what stands below it)} of a lock file."""
    blocks = re.split(r"(?m)^(?=[a-z0-9])", (LOCKS / name).read_text("utf-8"))[1:]
    found = [re.match(r"([a-z0-9._-]+)==(\S+)", block) for block in blocks]
    assert all(found), name
    return {one[1]: (one[2], block) for one, block in zip(found, blocks, strict=True) if one}


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("dev.txt", asked_for("dev")),
        ("build.txt", [Requirement(text) for text in PROJECT["dependency-groups"]["build"]]),
    ],
    ids=["dev", "build"],
)
def test_a_lock_fits_what_is_asked_for(name: str, asked: list[Requirement]) -> None:
    versions = locked(name)
    for requirement in asked:
        package = canonicalize_name(requirement.name)
        assert package in versions, f"{name} lacks {package}: {STALE}"
        version, _ = versions[package]
        assert requirement.specifier.contains(version), f"{requirement} is not {version}: {STALE}"
    direct = {package for package, (_, block) in versions.items() if "nearhum (pyproject" in block}
    assert direct == {canonicalize_name(requirement.name) for requirement in asked}, STALE


def test_what_builds_the_wheel_is_locked() -> None:
    assert set(PROJECT["build-system"]["requires"]) <= set(PROJECT["dependency-groups"]["build"])


@pytest.mark.parametrize("name", ["dev.txt", "build.txt"])
def test_a_lock_has_hashes_and_names_no_index(name: str) -> None:
    for package, (_, block) in locked(name).items():
        assert "--hash=sha256:" in block, package
    text = (LOCKS / name).read_text("utf-8")
    assert not re.search(r"://|^-|--[a-z-]*(index|find-links)", text, re.M)


def make(venv: Path, target: str) -> str:
    """Return what make would do for a target, with a virtual environment elsewhere."""
    command = ["make", "--no-print-directory", "-n", f"VENV={venv}", target]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_demo_installs_little_and_takes_what_the_tests_installed(tmp_path: Path) -> None:
    assert re.search(r"install\.py \S+ demo", make(tmp_path, "demo"))
    assert re.search(r"install\.py \S+ dev", make(tmp_path, "lint"))
    (tmp_path / ".nearhum-demo").touch()
    assert "install.py" not in make(tmp_path, "demo")
    assert re.search(r"install\.py \S+ dev", make(tmp_path, "lint"))
    (tmp_path / ".nearhum-demo").unlink()
    (tmp_path / ".nearhum-setup").touch()
    assert "install.py" not in make(tmp_path, "demo") + make(tmp_path, "lint")


def test_a_long_step_says_how_far_it_is(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setattr(install, "TOLD_EVERY_S", 0.1)
    (tmp_path / "lib" / "python3" / "site-packages" / "NumPy-2.4.6.dist-info").mkdir(parents=True)
    script = """
import os, time
print("Collecting numpy<3,>=1.26 (from nearhum==0.1.0)", flush=True)
open(os.path.join(os.environ["TMPDIR"], "numpy.whl"), "wb").write(bytes(3_000_000))
time.sleep(1)
print("Installing collected packages: numpy, typing-extensions", flush=True)
time.sleep(1)
raise SystemExit(3)
"""
    assert install.run("install", [sys.executable, "-c", script], tmp_path, 0.0) == 3
    said = capsys.readouterr().out
    assert "Collecting numpy<3,>=1.26; 3 MB fetched" in said
    assert "unpacking: 1 of 2 packages" in said
    assert not (tmp_path / "tmp").exists()


def test_a_step_that_fails_shows_what_was_said(tmp_path: Path) -> None:
    """uv on the PATH is one that fails, so nothing is installed."""
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho no answer from the index >&2\nexit 2\n")
    uv.chmod(0o755)
    done = subprocess.run(
        [sys.executable, LOCKS / "install.py", tmp_path / "venv", "demo"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert (
        "no answer from the index\nSetting up failed: make venv. All that it said: " in done.stdout
    )


def test_the_release_runs_what_there_is() -> None:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    scripts = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"^make (\S+)", "\n".join(scripts), re.M):
        assert re.search(rf"^{target}:", makefile, re.M), target
    for path in re.findall(r"\.ci/\S+", "\n".join(scripts)):
        assert os.access(ROOT / path, os.X_OK), path
    assert [job.get("needs") for job in jobs.values()] == [None, "build", "try"]
