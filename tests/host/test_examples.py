"""Test that the examples run unchanged."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from nearhum_host.boards import board_files
from nearhum_host.boards.application import application
from nearhum_host.boards.deployment import deploy
from nearhum_host.recordings.nhr import Recording, write_nhr
from nearhum_host.serial_line.link import Link

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def tone(hz: float, seconds: int) -> np.ndarray:
    t = np.arange(seconds * 400)[:, None] / 400
    noise = np.random.default_rng(1).normal(0, 100, (len(t), 3))
    return (3000 * np.sin(2 * np.pi * hz * t + np.arange(3)) + noise).astype(np.int16)


def test_examples_are_short():
    for example in EXAMPLES.glob("*.py"):
        assert len(example.read_text().splitlines()) < 40, example.name


def said(example: str) -> list[str]:
    """Return the lines that an example prints."""
    done = subprocess.run([sys.executable, str(EXAMPLES / example)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_vibration():
    threshold, healthy, faulty, strange = said("vibration.py")
    assert threshold.startswith("threshold")
    assert healthy.endswith(" 0% in alarm")
    assert int(faulty.split(", ")[1].split("%")[0]) > 90
    assert "c0.127-252Hz" in strange  # where the bearing rings


def test_telemetry():
    _, healthy, stuck = said("telemetry.py")
    assert healthy.endswith(" 0% in alarm")
    assert int(stuck.split(", ")[1].split("%")[0]) > 90


def test_gesture():
    for line in said("gesture.py"):
        shown, labels = line.split(": ")
        wanted = shown if shown in ("wave", "knock") else "unknown"
        assert labels.split(", ").count(wanted) >= 4, line


def test_wake_word():
    lines = said("wake_word.py")
    wanted = {"no": "no", "yes": "yes", "maybe": "unknown"}
    right = [wanted[spoken] == heard for spoken, heard in (line.split(": ") for line in lines)]
    assert sum(right) >= 5, lines


def test_fleet():
    merged, quiet, alarm = said("fleet.py")
    assert merged.startswith("4 boards, 480 windows")
    assert quiet == "a new pump: quiet"
    assert alarm == "a new pump with a fault: ALARM"


def test_score_csv(tmp_path):
    rows = np.concatenate([tone(20, 240), tone(60, 40)])
    np.savetxt(tmp_path / "hum.csv", rows, fmt="%d", delimiter=",", header="x,y,z", comments="")
    command = [sys.executable, str(EXAMPLES / "score_csv.py"), str(tmp_path / "hum.csv"), "400"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("threshold")
    assert lines[-1].endswith("ALARM")
    assert sum("ALARM" in line for line in lines) < 0.3 * len(lines)


def test_led_on_alarm(virtual_board, mpremote, tmp_path):
    session = Recording(50, 6)
    arm = np.concatenate([tone(20, 20), tone(20, 20)], axis=1)
    session.add(arm, "learn 30")
    session.add(np.concatenate([tone(90, 4), tone(90, 4)], axis=1))
    write_nhr(session, tmp_path / "replay.nhr")
    (tmp_path / "replay.json").write_text('{"speed": 0}')
    board = virtual_board("rp2040", sd=tmp_path)
    files = application(board_files.load("virtual"))
    files["/own.py"] = (EXAMPLES / "led_on_alarm.py").read_bytes()
    with Link(board.path) as link:
        deploy(link, files)
        while link.ask("status")["source"] != "end":
            pass
        assert link.ask("status")["alarm"]
    assert (
        mpremote(
            board, "resume", "exec", "from machine import Pin; print(Pin('LED').value())"
        ).strip()
        == "1"
    )
