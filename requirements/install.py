"""Fill a virtual environment with nearhum and what it needs, and print every few seconds how far
that is.

    python requirements/install.py .venv demo      what `make demo` needs
    python requirements/install.py .venv dev       what the tests need
    python requirements/install.py .venv locked    the same, in the versions of dev.txt

Any Python from 3.11 runs it. It needs nothing but the standard library, because it runs before
anything is installed. It uses uv if that is on the PATH, and venv and pip otherwise. The output of
both goes to setup.log in the environment. The command is repeated safely after a break.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = {"demo": "eval", "dev": "dev", "locked": "dev"}
ABOUT = {
    "demo": "the demo: 0.4 GB, half a minute",
    "dev": "the tests: 2.2 GB, with Spark, Java, Node and Playwright; minutes",
    "locked": "the tests: 2.2 GB, in the locked versions; minutes",
}
TOLD_EVERY_S = 4
TAIL_LINES = 15  # of the log, where a step fails
TEXT_CHARACTERS = 70
PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input")


def steps(venv: Path, python: Path, what: str) -> Iterator[tuple[str, list[str]]]:
    """Yield what is done, in words, and the command that does it."""
    uv = shutil.which("uv")
    if not _is_made(python, with_pip=uv is None):
        made = [uv, "venv", "--allow-existing", "--python", sys.executable] if uv else None
        yield "make " + venv.name, [*(made or [sys.executable, "-m", "venv"]), str(venv)]
    if uv:
        install = [uv, "pip", "install", "--python", str(python)]
    else:
        # Compiling is left to the last step, which uses all cores, or to the first import.
        install = [str(python), *PIP, "install", "--no-compile"]
    extra = f"{ROOT}[{EXTRAS[what]}]"
    if what == "locked":
        # What builds is locked too, so nothing is built in an environment of its own.
        checked = [*install, "--require-hashes", "--no-build-isolation", "-r"]
        yield "install what builds", [*checked, str(ROOT / "requirements" / "build.txt")]
        yield "install", [*checked, str(ROOT / "requirements" / "dev.txt")]
        own = [*install, "--no-deps", "--no-build-isolation", "-e", str(ROOT)]
        yield "install nearhum", own
    else:
        yield "install", [*install, "-e", extra]
    if what != "demo":
        compiled = [str(python), "-m", "compileall", "-q", "-j", "0", "-x", "/tests?/"]
        yield "compile", [*compiled, str(venv / "lib")]


def _is_made(python: Path, with_pip: bool) -> bool:
    """Return True if the environment is there, of the version of Python that runs this."""
    asked = "import sys; print(sys.version_info[:2])" + "; import pip" * with_pip
    try:
        done = subprocess.run([python, "-c", asked], capture_output=True, text=True)
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.strip() == str(sys.version_info[:2])


def run(name: str, command: list[str], venv: Path, began: float) -> int:
    """Run one command, print a line every few seconds, and return its exit status."""
    log, fetched = venv / "setup.log", venv / "tmp"
    fetched.mkdir(exist_ok=True)
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env={**os.environ, "TMPDIR": str(fetched)},
        )  # fmt: skip
        try:
            while True:
                try:
                    return process.wait(TOLD_EVERY_S)
                except subprocess.TimeoutExpired:
                    said = stage(name, log.read_text("utf-8", "replace"), venv)
                    print(f"  {time.monotonic() - began:3.0f} s  {said}", flush=True)
        finally:
            process.kill()
            process.wait()
            shutil.rmtree(fetched, ignore_errors=True)


def stage(name: str, log: str, venv: Path) -> str:
    """Return in one line how far a step is, by what its log says last.

    pip says nothing while it unpacks, so the packages that are there already are counted. What it
    fetches lies in the folder tmp.
    """
    said = re.findall(r"(?m)^ *((?:[A-Z][a-z]+ing|Resolved|Prepared|Installed) .+)", log)
    last = said[-1] if said else name
    unpacked = re.match(r"Installing collected packages: (.*)", last)
    if unpacked:
        names = {name.lower().replace("-", "_") for name in unpacked[1].split(", ")}
        here = {path.name.split("-")[0].lower() for path in venv.glob("lib/*/*/*.dist-info")}
        return f"unpacking: {len(names & here)} of {len(names)} packages"
    fetched = 0
    with contextlib.suppress(FileNotFoundError):  # pip has removed a file since it was listed
        for path in (venv / "tmp").rglob("*"):
            fetched += path.stat().st_size
    short = re.sub(r"\S*/|[-,;][a-z0-9_.-]+\.whl| \(from .*", "", last)[:TEXT_CHARACTERS]
    return f"{short}; {fetched / 1e6:.0f} MB fetched" if fetched > 1e6 else short


def main() -> int:
    venv, what = Path(sys.argv[1]).resolve(), sys.argv[2]
    python = venv / "bin" / "python"
    venv.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    print(f"Setting up {venv.name} for {ABOUT[what]}. This is done once.", flush=True)
    for name, command in steps(venv, python, what):
        status = run(name, command, venv, began)
        if status and name != "compile":
            log = venv / "setup.log"
            print(*log.read_text("utf-8", "replace").splitlines()[-TAIL_LINES:], sep="\n")
            print(f"Setting up failed: {name}. All that it said: {log}")
            return 1
    print(f"  {time.monotonic() - began:3.0f} s  done", flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Setting up was stopped. The next make goes on from there.")
