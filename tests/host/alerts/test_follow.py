"""Test `nearhum follow`: every event reaches every channel once and in order, whatever fails."""

import json
import os
import signal
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import synthetic
from channels import Broker, Hook, free_port, until
from nearhum_host.alerts.bookmarks import Bookmarks
from nearhum_host.boards import board_files, deployment
from nearhum_host.boards.application import application
from nearhum_host.errors import HostError
from nearhum_host.logs.log_file import read_log
from nearhum_host.logs.pulling import pull
from nearhum_host.logs.seen import name_of
from nearhum_host.serial_line.link import Link

CHANNELS = ("lines", "exec", "webhook", "mqtt")


@pytest.fixture
def pump(tmp_path: Path, virtual_board):
    """A board that learns 40 windows, then has a bearing that rings three times; ten times as fast
    as it would be. `told.json` has bookmarks at the beginning of its log.
    """
    ringing = [
        stretch
        for i in range(3)
        for stretch in (
            (synthetic.hum(60, seed=2 + 2 * i), "~"),
            (synthetic.hum(40, fault=1.4, seed=3 + 2 * i), "~"),
        )
    ]
    played = [
        (synthetic.hum(42, seed=1), "learn 40"),
        (synthetic.hum(20, seed=1), "~watch"),
        *ringing,
        (synthetic.hum(2000, seed=9), "~"),
    ]
    board = virtual_board("rp2040", sd=synthetic.card(tmp_path / "sd", *played, speed=10))
    with Link(board.path) as link:
        files = application(board_files.load("virtual"), {**synthetic.SETTINGS, "board": "pump"})
        deployment.deploy(link, files, lambda done, of: None)
        name = name_of(link.ask("status"))
    marks = {"format": 1, "boards": {name: {channel: [0, 0] for channel in CHANNELS}}}
    (tmp_path / "told.json").write_text(json.dumps(marks))
    return board


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    """follow(board, *options, **environment): the process; ended after the test."""
    running: list[subprocess.Popen] = []

    def start(board: Any, *options: str, **environment: str) -> subprocess.Popen:
        words = [sys.executable, "-m", "nearhum_host.commands.cli", "follow", "--json"]
        words += ["--port", board.path, "--state", str(tmp_path / "told.json"), *options]
        running.append(
            subprocess.Popen(
                words,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, **environment},
            )
        )
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """broker(tls=False, port=0): starts one."""
    started: list[Broker] = []

    def start(tls: bool = False, port: int = 0) -> Broker:
        started.append(Broker(tmp_path, tls, port))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A web server."""
    one = Hook()
    yield one
    one.stop()


def script(folder: Path) -> tuple[str, Path]:
    """Return a program that appends its standard input to a file, and the file."""
    told, file = folder / "told.jsonl", folder / "tell.sh"
    file.write_text(f'#!/bin/sh\ncat >> "{told}"\n')
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file), told


def rows(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def turns(events: list[dict]) -> list[str]:
    return [event["event"] for event in events if event["event"].startswith("alarm")]


def test_every_channel_is_told_every_event_once(pump, follow, broker, hook, tmp_path: Path):
    program, told = script(tmp_path)
    mqtt, port = broker(), free_port()
    hook.answers = [500, 429]
    options = ("--exec", program, "--webhook", hook.url, "--mqtt", mqtt.url)
    running = follow(pump, *options, "--prometheus", f":{port}")
    until(lambda: len(turns(hook.posts)) >= 2 and len(turns(rows(told))) >= 2)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        metrics = answer.read().decode()
    assert 'nearhum_up{board="pump-' in metrics
    assert "nearhum_threshold_octaves{" in metrics
    # killed in the middle, it goes on where it was
    running.kill()
    lines = running.communicate()[0].splitlines()
    first = [json.loads(line) for line in lines]
    again = follow(pump, *options)
    until(lambda: turns(hook.posts).count("alarm") >= 3 and turns(rows(told)).count("alarm") >= 3)
    until(lambda: turns(mqtt.on("/event")).count("alarm") >= 3)
    again.send_signal(signal.SIGTERM)
    rest, said = again.communicate(timeout=20)
    assert again.returncode == 0, said
    first += [json.loads(line) for line in rest.splitlines()]
    with Link(pump.path) as link:
        pull(link, tmp_path / "log.nhl")
    logged = [record.seq for record in read_log(tmp_path / "log.nhl").records]
    for found in (first, rows(told), hook.posts, mqtt.on("/event")):
        seqs = [event["seq"] for event in found]
        assert sorted(seqs) == seqs, "out of order"
        # what was taken in the moment of the kill is told again
        assert len(seqs) - len(set(seqs)) <= 1
        assert set(seqs) <= set(logged)
        once = list({event["seq"]: event for event in found}.values())
        assert turns(once)[:5] == ["alarm", "alarm_end"] * 2 + ["alarm"]
    alarm = next(event for event in hook.posts if event["event"] == "alarm")
    assert alarm["score"] > alarm["threshold"] > 1  # octaves
    assert alarm["strangest"][0]["percent"] > 0
    assert alarm["time"].endswith("Z")


def test_home_assistant_finds_the_board(pump, follow, broker):
    mqtt = broker(tls=True)
    running = follow(pump, "--mqtt", mqtt.url, SSL_CERT_FILE=str(mqtt.authority))
    until(lambda: mqtt.on("/config") and "ON" in [state["alarm"] for state in mqtt.on("/state")])
    found = mqtt.on("/config")[0]
    assert set(found) == {
        "device", "origin", "components", "availability", "availability_mode", "qos",
    }  # fmt: skip
    for part in found["components"].values():
        assert {"platform", "unique_id", "name", "state_topic"} <= set(part)
    named = {one["topic"] for one in found["availability"]}
    named |= {part["state_topic"] for part in found["components"].values()}
    until(lambda: named <= {topic for topic, _, _ in mqtt.messages})
    running.kill()  # the broker says that it is gone
    until(lambda: "offline" in mqtt.on(found["availability"][0]["topic"]))


def test_a_broker_of_another_name_is_not_told(pump, follow, broker):
    mqtt = broker(tls=True)
    running = follow(pump, "--mqtt", mqtt.url)  # its authority is not known here
    until(lambda: running.stderr.readline().startswith("mqtt: the broker localhost cannot"))
    assert mqtt.on("/event") == []


def test_a_broker_that_goes_and_comes_is_told_all(pump, follow, broker):
    mqtt = broker()
    running = follow(pump, "--mqtt", mqtt.url)
    until(lambda: "alarm" in turns(mqtt.on("/event")))
    mqtt.stop()
    seen: list[dict] = []
    while turns(seen).count("alarm") < 3:
        seen.append(json.loads(running.stdout.readline()))
    back = broker(port=mqtt.port)
    until(lambda: turns(mqtt.on("/event") + back.on("/event")).count("alarm") >= 3)
    seqs = [event["seq"] for event in mqtt.on("/event") + back.on("/event")]
    assert sorted(set(seqs)) == seqs
    assert seqs[: len(seen)] == [event["seq"] for event in seen]


def test_it_ends_at_an_alarm(pump, follow):
    running = follow(pump, "--until", "alarm")
    out, said = running.communicate(timeout=60)
    assert running.returncode == 10, said
    assert json.loads(out.splitlines()[-1])["event"] == "alarm"


def test_a_board_that_restarts_is_followed_again(pump, follow):
    running = follow(pump)
    until(lambda: "learned" in running.stdout.readline())
    pump.reset()
    until(lambda: '"text": "started"' in running.stdout.readline())


def test_watch_prints_what_happens_and_keeps_nothing(pump, tmp_path: Path):
    words = [sys.executable, "-m", "nearhum_host.commands.cli", "watch", "--port", pump.path]
    home = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=home
    ) as running:
        until(lambda: "answers, state" in running.stderr.readline())
        pump.reset()
        until(lambda: running.stdout.readline().endswith(": started\n"))
        running.send_signal(signal.SIGTERM)
    assert running.returncode == 0
    assert not (tmp_path / "state").exists()


def test_what_the_board_no_longer_has_is_said_to_be_lost(pump, follow):
    with Link(pump.path) as link:
        link.ask("reset log")
        first = link.ask("status")["log_first"]
    running = follow(pump)
    lost = json.loads(running.stdout.readline())
    assert (lost["event"], lost["first"], lost["before"]) == ("lost", 0, first)


def test_a_log_that_began_anew_is_told_from_its_beginning(pump, follow, tmp_path: Path):
    kept = json.loads((tmp_path / "told.json").read_text())
    for channels in kept["boards"].values():
        channels["lines"] = [1_000_000, 7]
    (tmp_path / "told.json").write_text(json.dumps(kept))
    running = follow(pump)
    assert json.loads(running.stdout.readline())["event"] == "log_began_anew"
    until(lambda: '"learned"' in running.stdout.readline())


@pytest.mark.parametrize(
    ("option", "value", "word"),
    [
        ("--exec", "no-such-program-here", "no such program"),
        ("--exec", "'", "quotation"),
        ("--webhook", "ftp://me:secret@host/", "not a web address"),
        ("--mqtt", "http://me:secret@host", "not an MQTT address"),
        ("--mqtt", "mqtt://me:secret@host:port", "port is not a number"),
        ("--mqtt", "mqtt://host/a/%23", "wildcards"),
        ("--prometheus", "9477x", "not an address"),
        ("--until", "alarms", "no event of that name"),
        ("--until", "alarm", "/dev/null is not a serial port"),
    ],
)
def test_wrong_options_are_named(follow, option: str, value: str, word: str):
    running = follow(SimpleNamespace(path="/dev/null"), option, value)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 2
    assert word in said
    assert "secret" not in said


def test_two_do_not_share_bookmarks(tmp_path: Path):
    kept = Bookmarks(tmp_path / "told.json")
    kept.set("pump", "exec", 7, 1)
    with pytest.raises(HostError, match="another `nearhum follow`"):
        Bookmarks(tmp_path / "told.json")
    kept.close()
    assert Bookmarks(tmp_path / "told.json").at("pump", "exec") == (7, 1)


@pytest.mark.parametrize("text", ["", "[]", '{"format":1,"boards":{"a":{"exec":[1]}}}'])
def test_damaged_bookmarks_are_refused(tmp_path: Path, text: str):
    (tmp_path / "told.json").write_text(text)
    with pytest.raises(HostError, match="damaged"):
        Bookmarks(tmp_path / "told.json")
