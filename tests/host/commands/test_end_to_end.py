"""Test everything together: recording, virtual board, deploy, console, log, and the same by
evaluation.
"""

import json
import re
import shlex
import time
from pathlib import Path

import numpy as np
import pytest
from nearhum_host.boards import board_files
from nearhum_host.boards.application import application
from nearhum_host.boards.deployment import deploy
from nearhum_host.commands import demo
from nearhum_host.commands.cli import app
from nearhum_host.errors import DeviceError
from nearhum_host.evaluation.benchmarks import runner
from nearhum_host.evaluation.benchmarks.base import Session
from nearhum_host.logs import decoding, log_file
from nearhum_host.logs.pulling import pull
from nearhum_host.recordings.nhr import Recording, write_nhr
from nearhum_host.serial_line.link import Link
from typer.testing import CliRunner

SETTINGS = {"n_hop": 50}


def a_session() -> Recording:
    """Six channels at 50 Hz: a swinging arm, learned, watched, then swung otherwise; one label
    enrolled.
    """
    draw = np.random.default_rng(7)
    t = np.arange(3000) / 50

    def arm(hz: float, seconds: int) -> np.ndarray:
        swing = np.sin(2 * np.pi * hz * t[: seconds * 50, None] + np.arange(6))
        return (swing * 3000 + draw.normal(0, 200, (seconds * 50, 6))).astype(np.int16)

    session = Recording(50, 6)
    session.add(arm(1, 60), "learn 40")
    session.add(arm(1, 20), "~")
    session.add(arm(2.5, 12), "enrol fast 3")
    session.add(arm(2.5, 12))
    return session


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A card with the session as the sensor, played as fast as it goes."""
    write_nhr(a_session(), tmp_path / "replay.nhr")
    (tmp_path / "replay.json").write_text('{"speed": 0}')
    return tmp_path


def deployed(port: str, overrides: dict | None = None) -> Link:
    link = Link(port)
    deploy(link, application(board_files.load("virtual"), {**SETTINGS, **(overrides or {})}))
    return link


def played(link: Link) -> dict:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        status = link.ask("status")
        if status["source"] == "end":
            return status
        time.sleep(0.05)
    raise AssertionError(f"still playing: {status}")


def test_the_board_and_the_evaluation_tell_the_same(virtual_board, card, tmp_path):
    board = virtual_board("rp2040", sd=card)
    with deployed(board.path) as link:
        status = played(link)
        pull(link, tmp_path / "board.nhl")
    over_serial, events = decoding.decode(log_file.read_log(tmp_path / "board.nhl").records)
    config = board_files.load("virtual").config(SETTINGS)
    run = runner.run_one(Session("same", config, a_session()), "fixed", runner.interpreter())
    assert len(over_serial.scores) == status["n_windows"] > 80
    assert list(over_serial.scores) == run.scores.tolist()
    assert list(over_serial.thresholds) == run.thresholds.tolist()
    assert [over_serial.names[i] for i in over_serial.labels] == list(run.labels)
    names = [event.name for event in events]
    assert {"learned", "alarm", "enrolled"} <= set(names)


def test_garbage_on_the_console_costs_nothing(virtual_board, card, tmp_path):
    board = virtual_board("rp2040", sd=card)
    with deployed(board.path) as link:
        before = played(link)
        noise = np.random.default_rng(3).integers(0, 256, 20000, np.uint8)
        noise[noise == 3] = 4  # Ctrl-C would rightly stop the loop
        link.serial.write(noise.tobytes() + b"\n" + b"x" * 10000 + b"\n")
        link.serial.timeout = 0.5
        while link.serial.read(4096):  # the answers to all that
            pass
        after = link.ask("status")
        for key in ("n_learned", "threshold", "n_labels", "state", "n_windows"):
            assert after[key] == before[key]
        with pytest.raises(DeviceError, match="no command"):
            link.ask("nonsense")


@pytest.fixture
def long_card(tmp_path: Path) -> Path:
    """A card with ten minutes of the learned movement and no commands, twenty times as fast: 20
    windows a second.
    """
    session = Recording(50, 6)
    session.add(np.tile(a_session().segments[0].frames, (10, 1)))
    write_nhr(session, tmp_path / "replay.nhr")
    (tmp_path / "replay.json").write_text('{"speed": 20}')
    return tmp_path


def until(link: Link, key: str, least: int) -> dict:
    end = time.monotonic() + 20
    while (status := link.ask("status"))[key] < least:
        assert time.monotonic() < end, status
        time.sleep(0.02)
    return status


def test_learning_goes_on_over_resets(virtual_board, long_card, flash_image):
    board = virtual_board("rp2040", flash_image, sd=long_card)
    with deployed(board.path) as link:
        link.ask("learn 80")
        before = until(link, "n_learned", 20)
        link.stop()  # Ctrl-C saves; what resume starts goes on with the next window
        link.resume()
        resumed = link.ask("status")
        assert resumed["boot"] == before["boot"] + 1
        assert resumed["state"] == "learn"
        assert before["n_learned"] <= resumed["n_learned"] < 80
        until(link, "n_learned", 60)
    board.power_off()  # without warning: the period goes on from its last save, and is never lost
    board.power_on()
    board.wait_event("booted")
    with Link(board.path) as link:
        again = link.ask("status")
        assert again["state"] == "learn"
        assert again["n_learned"] >= before["n_learned"]
        done = until(link, "n_learned", 80)
        assert (done["state"], done["learn_left"]) == ("watch", 0)
        assert done["seq"] > before["synced_seq"]
    board.power_off()
    board.power_on()
    board.wait_event("booted")
    with Link(board.path) as link:
        watching = link.ask("status")
    assert [watching[key] for key in ("state", "n_learned", "threshold")] == [
        "watch",
        80,
        done["threshold"],
    ]


def test_a_host_that_does_not_read_holds_nothing_up(virtual_board, long_card):
    board = virtual_board("rp2040", sd=long_card)
    with deployed(board.path) as link:
        link.ask("learn 1000")
        before = link.ask("status")
        began = time.monotonic()
        while time.monotonic() < began + 3:
            link.serial.write(b"status\n" * 5)  # 3 kB of answers that nobody takes
            time.sleep(0.05)
        waited = time.monotonic() - began
    with Link(board.path) as link:
        after = link.ask("status")
    assert after["dropped"] > 0
    assert after["n_windows"] - before["n_windows"] >= 0.8 * 20 * waited
    assert after["faults"] == 0


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"n_channels": 3}, "6 channels"),
        ({"rate_hz": 100}, "50.000 Hz"),
        ({"source": {"driver": "replay", "path": "/sd/none.nhr"}}, "no recording"),
        ({"head": "/head.nhh"}, "no such file"),
    ],
)
def test_a_board_that_cannot_start_says_why(virtual_board, card, overrides, says):
    board = virtual_board("rp2040", sd=card)
    with pytest.raises(DeviceError) as told, deployed(board.path, overrides):
        pass
    assert says in told.value.message + told.value.hint


def test_a_setting_that_keeps_the_board_from_starting_is_taken_back(virtual_board, card, mpremote):
    board = virtual_board("rp2040", sd=card)
    with deployed(board.path) as link:
        played(link)
        link.ask("set smooth 100")
        link.ask("set yes n_channels 3")
    board.reset()
    board.wait_event("reset")
    board.wait_event("booted")
    with Link(board.path) as link:
        assert "undone: " in link.ask("status")["warning"]
        assert link.ask("get n_channels")["value"] == 6
        assert link.ask("get smooth")["value"] == 100  # the others are not taken with it
    kept = mpremote(board, "fs", "cat", ":/hum/set.refused")
    assert json.loads(kept.partition("#")[0]) == {"n_channels": 3}


def restarted(board) -> Link:
    board.reset()
    board.wait_event("reset")
    board.wait_event("booted")
    return Link(board.path)


def left_on_flash(mpremote, board, path: str, given: dict, tmp_path: Path) -> None:
    """Put settings on a board as a firmware wrote them that checked less."""
    (tmp_path / "there").write_text(json.dumps(given))
    mpremote(board, "fs", "cp", str(tmp_path / "there"), f":{path}")


def test_a_head_that_is_no_head_never_ends_in_safe_mode(virtual_board, card, mpremote, tmp_path):
    """shared case set_head_ends_in_safe_mode: refused when it is set, taken back where it is."""
    board = virtual_board("rp2040", sd=card)
    application_of = application(board_files.load("virtual"), SETTINGS, everything=True)
    with Link(board.path) as link:
        deploy(link, application_of)
        played(link)
        for path in ("nearhum.json", "main.py", "hum/state.a"):
            with pytest.raises(DeviceError, match="head"):
                link.ask(f"set head {path}")
    given = {"head": "nearhum.json", "smooth": 100}
    left_on_flash(mpremote, board, "/hum/set.json", given, tmp_path)
    with restarted(board) as link:
        status = link.ask("status")
        assert status["state"] in ("learn", "watch")
        assert "undone: head" in status["warning"]
        assert (link.ask("get head")["value"], link.ask("get smooth")["value"]) == ("", 100)


def test_settings_are_put_right_in_safe_mode(virtual_board, card, mpremote, tmp_path):
    board = virtual_board("rp2040", sd=card)
    with deployed(board.path) as link:
        played(link)
    config = json.loads(mpremote(board, "fs", "cat", ":/nearhum.json"))
    mpremote(board, "fs", "rm", ":/nearhum.mft")  # deployed by hand, with what no board takes
    left_on_flash(mpremote, board, "/nearhum.json", {**config, "n_channels": 4}, tmp_path)
    with restarted(board) as link:
        assert link.ask("status")["state"] == "safe"
        with pytest.raises(DeviceError, match="did you mean n_channels"):
            link.ask("set n_channel 6")
        with pytest.raises(DeviceError, match="136 features"):
            link.ask("set n_bands 32")
        assert link.ask("set smooth 100")["value"] == 100
        assert link.ask("set smooth default")["value"] is None
        assert "trust" in link.ask("set n_channels 6")["note"]
        link.ask("trust")
        board.wait_event("booted")
        end = time.monotonic() + 20
        while link.ask("status")["state"] == "safe":
            assert time.monotonic() < end
            time.sleep(0.2)
        assert link.ask("status")["state"] in ("learn", "watch")


@pytest.mark.parametrize(
    "setting",
    [("path", "float"), ("n_envelope_bands", "8"), ("n_window", "100")],
    ids=lambda setting: setting[0],
)
def test_a_setting_whose_code_was_not_deployed_is_refused(virtual_board, card, setting):
    """And the remedy that the board names does it, as it is typed."""
    board = virtual_board("rp2040", sd=card)
    overrides = {"envelope_low_hz": 5, "envelope_high_hz": 20}
    file = card / "own.toml"
    own = "".join(f"{key} = {value}\n" for key, value in {**SETTINGS, **overrides}.items())
    file.write_text(f'extends = "virtual"\n[settings]\n{own}')
    with deployed(board.path, overrides) as link:
        with pytest.raises(DeviceError) as refused:
            link.ask(f"set {setting[0]} {setting[1]}")
        assert "not on the board" in refused.value.message
        assert str(link.ask(f"get {setting[0]}")["value"]) != setting[1]
        link.ask("set alarms_per_day 2")
    (remedy,) = re.findall("`nearhum (.*)`", refused.value.hint)
    typed = shlex.split(remedy.replace("FILE", str(file)))
    done = CliRunner().invoke(app, [*typed, "--port", board.path])
    assert done.exit_code == 0, done.output
    with Link(board.path) as link:
        assert str(link.ask(f"get {setting[0]}")["value"]) == setting[1]
        assert link.ask("get alarms_per_day")["value"] == 2
        assert link.ask("status")["state"] != "safe"


def test_the_verbs_are_functions_at_the_repl(virtual_board, card, mpremote):
    board = virtual_board("rp2040", sd=card)
    with deployed(board.path) as link:
        learned = played(link)
    said = mpremote(
        board,
        "exec",
        "import nearhum; s = nearhum.status();"
        " print(s['state'], s['n_learned'], s['boot'], s['threshold'] * 256)",
    )
    *_, state, n_learned, boot, threshold_q8 = said.split()
    assert (state, n_learned, boot) == (
        "watch", str(learned["n_learned"]), str(learned["boot"] + 1),
    )  # fmt: skip
    assert float(threshold_q8) == learned["threshold"]  # the REPL gives octaves, the line Q8
    refused = mpremote(board, "resume", "exec", "nearhum.forget('nobody')", fails=True)
    assert "no label" in refused
    with Link(board.path, on_stopped=lambda: True) as link:  # mpremote stopped the loop: resume it
        assert link.ask("status")["boot"] == learned["boot"] + 2


def test_demo(tmp_path, capsys):
    demo.demo(tmp_path / "report.html", as_json=True)
    figures = json.loads(capsys.readouterr().out)
    assert figures["board"] == "virtual"
    assert figures["auc"] > 0.95
    assert figures["detections"] > 0.9
    assert figures["recognition"] > figures["recognition_always_the_first"]
    page = (tmp_path / "report.html").read_text("utf-8")
    assert len(page.encode()) < 300_000
    assert "Now, beside what is normal" in page  # the board was asked before it was let go
