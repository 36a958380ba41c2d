"""Fuzz the host's parsers, guided by coverage (atheris, libFuzzer).

Run `python tests/fuzz/run.py --seconds N [TARGET]`. Two targets run at a time. Each gets its share
of the seconds and starts from the corpus. Inputs that break a target are printed and kept below
--found. Put them into tests/corpus/TARGET together with the repair.

The exit code is 1 if anything was found: an exception that is not an error with a message, an input
that takes more than 20 s, or more than 2 GB of memory.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
CORPUS = TESTS / "corpus"
AT_ONCE = 2
# Targets that need long inputs. One report takes 30 ms, so its inputs are short.
_MAX_BYTES = {"report": 1024, "recording": 8192, "log": 8192}


def one(name: str, arguments: list[str]) -> None:
    """Run one target under the fuzzer in this process. It does not return."""
    import atheris

    sys.path[:0] = [str(TESTS.parent), str(TESTS)]
    with atheris.instrument_imports(include=["nearhum", "nearhum_host"]):
        from fuzz.structured import TARGETS
    atheris.Setup([sys.argv[0], *arguments], TARGETS[name])
    atheris.Fuzz()


def fuzz(name: str, seconds: int, found: Path) -> tuple[str, bool]:
    """Fuzz one target for that many seconds. Returns (a line about it, whether it held)."""
    with tempfile.TemporaryDirectory(prefix="nearhum-corpus-") as made:
        kept = CORPUS / name
        command = [
            sys.executable, str(Path(__file__)), "--one", name, made, *([str(kept)] if kept.is_dir()
            else []), f"-max_total_time={seconds}", f"-max_len={_MAX_BYTES.get(name, 4096)}",
            "-timeout=20", "-rss_limit_mb=2048", f"-artifact_prefix={found}/{name}-",
            "-print_final_stats=1", "-verbosity=0",
        ]  # fmt: skip
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        n_new = len(list(Path(made).iterdir()))
    executed = next(
        (
            line.split()[-1]
            for line in done.stdout.splitlines()
            if "number_of_executed_units" in line
        ),
        "?",
    )
    if done.returncode:
        return f"{name:10} FOUND after {executed} inputs\n{done.stdout[-4000:]}", False
    return f"{name:10} held: {executed} inputs in {seconds} s, {n_new} reach new code", True


def main() -> int:
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=120, help="of wall time in all")
    parser.add_argument(
        "--found", type=Path, default=Path("fuzz-found"), help="folder for what is found"
    )
    parser.add_argument("targets", nargs="*")
    given = parser.parse_args()
    try:
        import atheris  # noqa: F401
    except ImportError:
        print(
            "make fuzz needs atheris, which has wheels for Linux on x86-64: pip install"
            " 'nearhum[fuzz]'"
        )
        return 2
    sys.path[:0] = [str(TESTS.parent), str(TESTS)]
    from fuzz.structured import TARGETS

    unknown = sorted(set(given.targets) - set(TARGETS))
    if unknown:
        parser.error(f"no target {', '.join(unknown)}; there are: {', '.join(TARGETS)}")
    chosen = given.targets or list(TARGETS)
    given.found.mkdir(parents=True, exist_ok=True)
    rounds = -(-len(chosen) // AT_ONCE)
    seconds = max(2, given.seconds // rounds - 3)  # The interpreter takes 3 s to start.
    held = True
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for line, well in pool.map(lambda name: fuzz(name, seconds, given.found), chosen):
            print(line, flush=True)
            held &= well
    if not any(given.found.iterdir()):
        given.found.rmdir()
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
