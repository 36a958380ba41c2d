"""The README's commands as a newcomer types them in a clean home, without a board.

"A recording of your own" with the sample that comes with nearhum, and with other recordings in its
place. Then "An alarm on the phone": its web address is replaced by a server of this test.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from channels import Hook, until
from conftest import ON_LINUX_X86_64
from host.evaluation.test_score import (
    german_spreadsheet,
    parquet_with_a_time_zone,
    wav_of_24_bits,
)

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.skipif(
    not ON_LINUX_X86_64, reason="the unix port has its native emitter on x86-64"
)


def commands(section: str = "A recording of your own") -> list[str]:
    text = (ROOT / "README.md").read_text().split(f"## {section}\n")[1].split("\n## ")[0]
    return [line.split(" #")[0].strip() for line in text.splitlines() if line.startswith("    ")]


class Shell:
    """A folder and a home in which nothing has been before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "home").mkdir()
        self._environment = {
            "HOME": str(folder / "home"),
            "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
            "LANG": "C.UTF-8",
        }
        self._running: list[subprocess.Popen[str]] = []

    def type(self, command: str) -> tuple[str, str]:
        """Run a line; one that ends in & goes on. Returns what it said."""
        process = subprocess.Popen(
            command.removesuffix("&").split(), cwd=self.folder, env=self._environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        if not command.endswith("&"):
            out, errors = process.communicate(timeout=240)
            assert process.returncode == 0, (command, out, errors)
            return out, errors
        self._running.append(process)
        assert process.stdout is not None
        said = "" if "follow" in command else "".join(process.stdout.readline() for _ in range(2))
        end = time.monotonic() + 60
        while not (self.folder / "board").exists() and time.monotonic() < end:
            time.sleep(0.1)
        return said, ""

    def close(self) -> None:
        for process in self._running:
            process.terminate()
            process.wait(20)


@pytest.fixture
def shell(tmp_path: Path):
    there = Shell(tmp_path)
    yield there
    there.close()


def test_as_they_stand(shell: Shell) -> None:
    lines = commands()
    assert [line.split()[1] for line in lines] == ["sample", "score", "virtual", "deploy"]
    for line in lines:
        said, _ = shell.type(line)
        if line.endswith("&"):
            assert "next: nearhum deploy --board pump.toml --port" in said
    assert "runs on pump" in said
    assert (shell.folder / "pump-scored" / "report.html").is_file()


def longer(file: Path) -> None:
    """Let the sample ring from 600 s on, not from 300 s, so that a busy machine is in time."""
    head, *rows = file.read_text().splitlines()
    values = [row.partition(",")[2] for row in [*rows[:300_000] * 2, *rows[300_000:]]]
    file.write_text("\n".join([head, *(f"{i},{row}" for i, row in enumerate(values))]) + "\n")


@pytest.mark.slow
def test_an_alarm_reaches_the_phone(shell: Shell) -> None:
    """The board learns for 200 s, as the README says, before the sample rings; played faster."""
    sample, _, *others = commands()
    shell.type(sample)
    longer(shell.folder / "pump.csv")
    for line in others:
        shell.type(line.replace("--link", "--speed 4 --link"))
    learn = "nearhum learn 200s --wait"
    assert learn in (ROOT / "README.md").read_text()
    shell.type(f"{learn} --port ./board")
    follow = next(line for line in commands("An alarm on the phone") if "--webhook" in line)
    phone = Hook()
    try:
        shell.type(f"{follow.replace('https://ntfy.sh/my-pump', phone.url)} --port ./board &")
        until(lambda: [post for post in phone.posts if post["event"] == "alarm"], 300)
    finally:
        phone.stop()


def labelled_parquet(file: Path) -> None:
    state = "CASE WHEN i < 20000 THEN 'normal' ELSE 'ring' END"
    parquet_with_a_time_zone(file, f", {state} AS state")


@pytest.mark.parametrize(
    ("name", "make", "kind", "rate_hz", "labels", "says"),
    [
        ("messung.csv", german_spreadsheet, "vibration", 1000, ["gut"], "1 gap in its time"),
        ("fan.wav", wav_of_24_bits, "audio", 16_000, [], "320000 samples"),
        ("mill.parquet", labelled_parquet, "vibration", 500, ["normal"], "'ts' is time"),
    ],
)
def test_with_a_recording_of_ones_own(
    shell: Shell, name: str, make: Callable[[Path], None], kind: str, rate_hz: float,
    labels: list[str], says: str,
) -> None:  # fmt: skip
    make(shell.folder / name)
    stem = name.partition(".")[0]
    _, score, virtual, deploy = [line.replace("pump.csv", name) for line in commands()]
    out, errors = shell.type(score)  # one command, to a report
    assert says in errors, errors
    folder = shell.folder / f"{stem}-scored"
    assert (folder / "report.html").read_text().startswith("<!")
    assert ("missed alarms" in out) == bool(labels)  # figures, where there are labels
    told = json.loads(shell.type(f"{score} --json")[0])
    assert (told["kind"], told["rate_hz"], told["normal"]) == (kind, rate_hz, labels)
    assert told["tone"] == "bad"
    if labels:
        assert told["figures"]["missed alarms"] < 0.1
    said, _ = shell.type(virtual)
    assert f"next: nearhum deploy --board {stem}.toml --port" in said
    out, _ = shell.type(deploy.replace("pump.toml", f"{stem}.toml"))
    assert f"runs on {stem}" in out
    # and the file that `score` wrote, as it is
    out, _ = shell.type(f"nearhum deploy --board {stem}-scored/{stem}.toml --port ./board")
    assert f"runs on {stem}" in out
    status = json.loads(shell.type("nearhum status --port ./board --json")[0])
    assert (status["kind"], status["source"]) == (kind, "ok")
