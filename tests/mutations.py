"""Change the source, and see whether the tests notice.

`mutations.py [--named] [--count N] [--from N] [--seed S] [--of NAME] [--jobs J] [--quick]
[--again FILE]`.

Changes one place of one file in a copy of the checkout, runs the tests of that file there, and
reports which of them failed. --named tries the changes in NAMED, each of which once went unnoticed.
Otherwise N changes are drawn from the files in TESTS: a boundary, an operator, a number, a
condition, or a statement left out. Those that no test noticed are printed, with the reason if
somebody has looked into it (tests/mutations.json). Exits with 1 below 90 %, or for the first named
change that no test notices.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent)]

from device import run as device  # noqa: E402
from nearhum_host.boards import application  # noqa: E402
from nearhum_host.errors import HostError  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
REASONS = Path(__file__).with_suffix(".json")  # {"file old -> new": why no test can notice it}
WANTED = 0.90
# A process that takes longer has hung. Processor time tells so on a busy machine too. The limit of
# elapsed time is for a process that waits.
LIMIT_CPU_S = {"device": 30, "pytest": 180}  # Of one process. The longest takes a third of it.
LIMIT_WALL_S = 1800

_CUTS = "tests/host/virtual/test_power_cuts.py"
_ORACLES = ("test_filter_oracle", "test_words", "test_given_oracle", "test_oracle")
_OF_KERNELS = [
    *("kernels", "golden", "filters", "heads", "words_said", "float_path", "prototype_sums"),
    *(f"tests/host/firmware/{name}.py" for name in _ORACLES),
]
# {file: device tests on the unix port and files of pytest, the quick ones first}.
TESTS: dict[str, list[str]] = {
    "firmware/nearhum/storage/journal.py": [
        *("journal_log", "damaged_files", "pipeline_flow", "long_uptime", "hostile_lines"),
        _CUTS,
    ],
    "firmware/nearhum/storage/store.py": [
        *("store_slots", "damaged_files", "signed_files", "formats_read", "hostile_states"),
        _CUTS,
    ],
    "firmware/nearhum/recognition/windows.py": [
        *("recognise_open", "teacher_cases", "hostile_states", "verbs_asked", "no_allocation"),
    ],
    "firmware/nearhum/detection/temporal.py": [
        *("temporal_cases", "golden", "learners", "pipeline_flow"),
    ],
    "firmware/nearhum/detection/covariance.py": [
        *("covariance_distance", "until_stable", "whitening_head", "hostile_states"),
        "tests/host/firmware/test_whitening.py",
    ],
    "host_tools/nearhum_host/boards/keys.py": ["tests/host/boards/test_keys.py"],
    "host_tools/nearhum_host/logs/pulling.py": [
        "tests/host/logs/test_logs.py",
        "tests/host/logs/test_gathering.py",
    ],
}
for _path in sorted((ROOT / "firmware/nearhum/kernels").glob("*.py")):
    # Changes of assembler code are in machine_code/mutations.py.
    if not _path.name.startswith(("thumb", "__")):
        TESTS[_path.relative_to(ROOT).as_posix()] = _OF_KERNELS


@dataclass(frozen=True)
class Change:
    """One place of a file: its lines before and after the change."""

    file: str
    line: int
    old: str
    new: str
    start: int = -1  # Of a drawn change: its place in the file, in bytes.
    end: int = -1

    def apply(self, source: bytes) -> bytes:
        if self.start >= 0:
            return source[: self.start] + self.new.encode() + source[self.end :]
        if source.count(self.old.encode()) != 1:
            raise ValueError(
                f"{self.file} has {source.count(self.old.encode())} times {self.old!r}"
            )
        return source.replace(self.old.encode(), self.new.encode())

    @property
    def told(self) -> str:
        return f"{self.file}:{self.line}: {self.old!r} -> {self.new!r}"

    @property
    def key(self) -> str:
        return f"{Path(self.file).name} {self.old} -> {self.new}"


_KEYS, _CHANGE = "nearhum_host/boards/keys.py", "nearhum_host/boards/upgrade/change.py"
_JOURNAL, _WINDOWS = "nearhum/storage/journal.py", "nearhum/recognition/windows.py"
_TEMPORAL, _COVARIANCE = "nearhum/detection/temporal.py", "nearhum/detection/covariance.py"
# (file, old, new, the test that must notice). When first tried, no test noticed them.
NAMED = [
    (_JOURNAL, "MAX_PENDING = 4096", "MAX_PENDING = 0", "journal_log"),
    (_JOURNAL, "room * 13 // 16", "room * 16 // 16", "journal_log"),
    (_CHANGE, "self._surplus.insert(0, MANIFEST_PATH)", "pass", "tests/host/boards/test_deploy.py"),
    (_WINDOWS, "limit += (limit >> 8) * part", "limit += 0", "recognise_open"),
    (_WINDOWS, "max(limit, between << 1)", "max(limit, between)", "recognise_open"),
    (_WINDOWS, "if not within and between", "if between", "recognise_open"),
    (_WINDOWS, "distances[at] <= self.limit", "distances[at] < self.limit", "recognise_open"),
    (
        "nearhum/sources/accelerometers/mpu6050.py",
        "(_GYRO_CONFIG, 0x10)",
        "(_GYRO_CONFIG, 0x18)",
        "accelerometers",
    ),
    (_KEYS, "(stat.S_IRWXG | stat.S_IRWXO)", "stat.S_IRWXO", "tests/host/boards/test_keys.py"),
    (_KEYS, "os.O_EXCL, 0o600", "os.O_EXCL, 0o640", "tests/host/boards/test_keys.py"),
    (
        "nearhum_host/logs/pulling.py",
        *("if record.seq < until]", "if record.seq <= until]", "tests/host/logs/test_logs.py"),
    ),
    (
        "nearhum/detection/period.py",
        *("2 * left <= d.learn_total", "3 * left <= 2 * d.learn_total", "covariance_distance"),
    ),
    ("nearhum/detection/modes.py", "both <= MAX_COUNT", "both <= 2 * MAX_COUNT", "modes_found"),
    (_TEMPORAL, "_LIMIT = const(8191)", "_LIMIT = const(8190)", "temporal_cases"),
    (_TEMPORAL, "(score - threshold) << 8 > (", "(score - threshold) << 8 >= (", "temporal_cases"),
    (_COVARIANCE, "<< 4 >= 17 * self._known", "<< 4 > 17 * self._known", "covariance_distance"),
    (_COVARIANCE, "        if v > 127:\n            v = 127\n", "", "covariance_distance"),
]


def named() -> list[tuple[Change, list[str]]]:
    folder = {"nearhum": "firmware/", "nearhum_host": "host_tools/"}
    return [
        (Change(folder[file.partition("/")[0]] + file, 0, old, new), [test])
        for file, old, new, test in NAMED
    ]


# ---- drawing changes -----------------------------------------------------------------------------

_COMPARED: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_OPERATED: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitOr,
}  # fmt: skip
_SWAPPED = {"min": "max", "max": "min"}


def changes_of(file: str) -> list[Change]:
    """Return all possible changes of a file, in the order of the file."""
    source = (ROOT / file).read_bytes()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    out = []
    for node, new in _changed(ast.parse(source)):
        start = starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        end = starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]
        old = source[start:end].decode()
        if new != old:
            line = node.lineno  # type: ignore[attr-defined]
            out.append(Change(file, line, old, new, start, end))
    return out


def _changed(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Yield (node, its replacement)."""
    annotations = set()
    for node in ast.walk(tree):
        for part in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            annotations |= set(ast.walk(part)) if part else set()
    for node in ast.walk(tree):
        if node in annotations:
            continue
        if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARED:
            other = ast.Compare(
                node.left, [_COMPARED[type(node.ops[0])](), *node.ops[1:]], node.comparators
            )
            yield node, f"({ast.unparse(other)})"
        elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATED and not _is_text(node):
            yield (
                node,
                f"({ast.unparse(ast.BinOp(node.left, _OPERATED[type(node.op)](), node.right))})",
            )
        elif isinstance(node, ast.Constant) and type(node.value) is int:
            yield node, str(node.value + 1)
        elif isinstance(node, ast.Constant) and type(node.value) is bool:
            yield node, str(not node.value)
        elif isinstance(node, ast.BoolOp):
            op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield node, f"({ast.unparse(ast.BoolOp(op, node.values))})"
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield node, f"({ast.unparse(node.operand)})"
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in _SWAPPED:
            yield node.func, _SWAPPED[node.func.id]  # type: ignore[attr-defined]
        elif _is_done(node) and node.col_offset:  # type: ignore[attr-defined]
            yield node, "pass"  # Not at module level, where any test notices a missing statement.


def _is_done(node: ast.AST) -> bool:
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    return is_call or isinstance(node, (ast.AugAssign, ast.Assign))


def _is_text(node: ast.BinOp) -> bool:
    for part in (node.left, node.right):
        if isinstance(part, ast.JoinedStr):
            return True
        if isinstance(part, ast.Constant) and isinstance(part.value, (str, bytes)):
            return True
    return False


def drawn(count: int, seed: int, of: str) -> list[Change]:
    """Return count changes, spread evenly over the kinds of files."""
    dice = random.Random(seed)
    groups: dict[str, list[Change]] = {}
    for file in TESTS:
        name = "kernels" if "/kernels/" in file else Path(file).stem
        if of in ("", name):
            groups.setdefault(name, []).extend(changes_of(file))
    for changes in groups.values():
        dice.shuffle(changes)
    out = []
    while len(out) < count and any(groups.values()):
        for changes in groups.values():
            if changes and len(out) < count:
                out.append(changes.pop())
    return out


# ---- trying them ---------------------------------------------------------------------------------


class Copies:
    """Copies of the checkout, one for each parallel worker, and the tests that fail without a
    change.

    Device tests run on compiled firmware, which takes a third of the time, because commands load
    their modules again and again.
    """

    def __init__(self, folder: Path, n: int) -> None:
        self.free = [folder / str(i) for i in range(n)]
        self.failing: list[str] = []  # Tests of pytest that fail anyway, so they notice nothing.
        self.tried: set[str] = set()  # Files of tests that were run once without a change.
        self.trying = threading.Lock()
        for copy in self.free:
            for name in ("firmware", "host_tools", "tests", "boards", "heads", "examples", "docs"):
                shutil.copytree(
                    ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__")
                )
            for name in ("pyproject.toml", "README.md", "Makefile"):
                shutil.copy(ROOT / name, copy / name)
            for source in (copy / "firmware").rglob("*.py"):
                compile_one(copy, source.relative_to(copy).as_posix())

    def run(self, folder: Path, name: str, is_changed: bool = True) -> str | None:
        """Run the tests of a name. Returns their output if one fails, otherwise None."""
        if name.endswith(".py"):
            command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider"]
            command += [f"--deselect={test}" for test in self.failing] + ["-x"] * is_changed
            done = self._done([*command, name], folder)
            return done.stdout if done.returncode else None
        # Not with device/run.py, whose time limit is for a machine that does nothing else.
        command = [device.micropython() or "no unix port", "-X", "heapsize=1M"]
        with tempfile.TemporaryDirectory() as scratch:
            done = self._done([*command, f"tests/device/{name}.py"], folder, scratch)
        return None if device.verdict(done.stdout)[1] else done.stdout

    @staticmethod
    def _done(
        command: list[str], folder: Path, scratch: str = ""
    ) -> subprocess.CompletedProcess[str]:
        paths = os.pathsep.join(str(folder / part) for part in ("firmware", "host_tools"))
        environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
        environment.setdefault("NEARHUM_DATA", str(ROOT.parent / "shared" / "wide"))
        environment["NEARHUM_SCRATCH"] = scratch
        environment["NEARHUM_FIRMWARE"] = str(folder / "compiled" / "firmware") if scratch else ""
        limit = LIMIT_CPU_S["device" if scratch else "pytest"]
        return subprocess.run(
            command, cwd=folder, env=environment, timeout=LIMIT_WALL_S, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit, limit)),
        )  # fmt: skip

    def try_unchanged(self, name: str, folder: Path) -> None:
        """Note which tests of a name fail without a change.

        Raises RuntimeError if device tests do.
        """
        with self.trying:
            if name in self.tried:
                return
            said = self.run(folder, name, is_changed=False)
            if said is not None:
                lines = [x for x in said.splitlines() if x.startswith(("FAILED ", "ERROR "))]
                if not lines:
                    raise RuntimeError(f"{name} fails without a change: {said[-2000:]}")
                self.failing += [line.split()[1] for line in lines]
                print(*[f"without a change: {line[:90]}" for line in lines], sep="\n", flush=True)
            self.tried.add(name)

    def noticed(self, change: Change, tests: list[str]) -> str:
        """Return which tests notice a change, "" for none."""
        folder = self.free.pop()
        path = folder / change.file
        whole = path.read_bytes()

        def put(contents: bytes) -> bool:
            path.write_bytes(contents)
            return change.file.startswith("host_tools/") or compile_one(folder, change.file)

        try:
            for name in tests:
                put(whole)
                self.try_unchanged(name, folder)
                if not put(change.apply(whole)):
                    return "the compiler"
                try:
                    if self.run(folder, name) is not None:
                        return name
                except subprocess.TimeoutExpired:
                    return f"{name}, without end"
            return ""
        finally:
            put(whole)
            self.free.append(folder)


def compile_one(copy: Path, path: str) -> bool:
    """Compile a file of the firmware for the device tests of a copy. False if that fails."""
    target = (copy / "compiled" / path).with_suffix(".mpy")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.write_bytes(application.compiled(copy / path, path, "x64"))
    except HostError:
        return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--named", action="store_true", help="the changes of NAMED")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--from", dest="first", type=int, default=0, help="leave out those before")
    parser.add_argument("--seed", type=int, default=18)
    parser.add_argument("--of", default="", help="of one file's name, or kernels")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="device tests alone, where there are")
    parser.add_argument("--again", type=Path, help="those alone that survived by this output")
    given = parser.parse_args()
    todo = named()
    if not given.named:
        changes = drawn(given.count, given.seed, given.of)[given.first :]
        todo = [(change, TESTS[change.file]) for change in changes]
    if given.again:
        survived = re.findall(r"^SURVIVED (.*): ", given.again.read_text(), re.MULTILINE)
        todo = [(c, tests) for c, tests in todo if any(s.startswith(c.told) for s in survived)]
    if given.quick:
        todo = [(c, [t for t in tests if not t.endswith(".py")] or tests) for c, tests in todo]
    reasons = json.loads(REASONS.read_text()) if REASONS.exists() else {}
    table: dict[str, list[int]] = {}
    with tempfile.TemporaryDirectory(prefix="nearhum-") as folder:
        copies = Copies(Path(folder), given.jobs)
        with ThreadPoolExecutor(given.jobs) as pool:
            found = pool.map(lambda item: copies.noticed(*item), todo)
            for (change, _), name in zip(todo, found, strict=True):
                group = "kernels" if "/kernels/" in change.file else Path(change.file).stem
                row = table.setdefault(group, [0, 0])
                row[0] += 1
                row[1] += bool(name)
                if name:
                    print(f"noticed by {name}: {change.told}", flush=True)
                else:
                    why = reasons.get(change.key, "no reason found")
                    print(f"SURVIVED {change.told}: {why}", flush=True)
    for group, (n, n_noticed) in table.items():
        print(f"{group:12} {n_noticed:4} of {n:4} noticed")
    n, n_noticed = (sum(row[i] for row in table.values()) for i in (0, 1))
    print(f"{'all':12} {n_noticed:4} of {n:4} noticed ({n_noticed / max(1, n):.1%})")
    return 0 if n_noticed >= (n if given.named else WANTED * n) else 1


if __name__ == "__main__":
    sys.exit(main())
