"""Test every command as a user runs it, on a virtual board that hears a hum in real time."""

import contextlib
import io
import json
import math
import os
import random
import select
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from conftest import ON_LINUX_X86_64
from nearhum import wire
from nearhum.sources import recording
from nearhum_host.boards import state_image
from nearhum_host.commands import cli
from nearhum_host.errors import DeviceError
from nearhum_host.logs import decoding, log_file, pulling
from nearhum_host.serial_line.link import Link

if TYPE_CHECKING:
    from nearhum_host.virtual import VirtualBoard

RATE_HZ, SECONDS = 200, 600
BOARD_FILE = f"""
extends = "virtual"
rate_hz = {RATE_HZ}
n_channels = 2
[settings]
n_window = 32
n_hop = 2
n_bands = 4
f_low_hz = 0
f_high_hz = 0
"""


def hum_recording() -> bytes:
    """Ten minutes of two channels: a hum of 12 Hz with noise."""
    rng = random.Random(7)
    loop = [
        int(2000 * math.sin(2 * math.pi * 12 * i / RATE_HZ) + rng.gauss(0, 300))
        for i in range(RATE_HZ * 10)
        for _ in range(2)
    ]
    n = RATE_HZ * SECONDS
    head = recording.pack_recording_header(2, 1, RATE_HZ * 1000, n)
    return (
        head
        + recording.pack_segment_header(n)
        + struct.pack(f"<{len(loop)}h", *loop) * (SECONDS // 10)
    )


class Done(NamedTuple):
    stdout: str
    stderr: str


Nearhum = Callable[..., Done]


def call(
    board: "VirtualBoard", folder: Path, *arguments: str, code: int = 0, stdin: str = ""
) -> Done:
    """Run the command line in this process (test_cli runs it as one of its own); fail on
    another exit code.
    """
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(sys, "argv", ["nearhum", *arguments])
        patch.setattr(sys, "stdin", io.StringIO(stdin))
        patch.setenv("NEARHUM_PORT", board.path)
        patch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as left:
            cli.main()
    done = Done(out.getvalue(), err.getvalue())
    assert (left.value.code or 0) == code, (
        f"{arguments}: {left.value.code}\n{done.stdout}\n{done.stderr}"
    )
    return done


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator["VirtualBoard"]:
    if not ON_LINUX_X86_64:
        pytest.skip("the virtual board needs Linux on x86-64")
    from nearhum_host.virtual import VirtualBoard

    sd = tmp_path_factory.mktemp("sd")
    (sd / "replay.nhr").write_bytes(hum_recording())
    with VirtualBoard(sd=sd) as board:
        (sd / "mine.toml").write_text(BOARD_FILE)
        call(board, sd, "deploy", "--board", "mine.toml")
        yield board


@pytest.fixture
def nearhum(board: "VirtualBoard", tmp_path: Path) -> Nearhum:
    """nearhum(*arguments, code=0): run it against the board, in a folder of its own."""
    return lambda *arguments, **more: call(board, tmp_path, *arguments, **more)


def told(done: Done):
    """The one JSON value on stdout."""
    return json.loads(done.stdout)


def test_a_second_deploy_copies_nothing(nearhum: Nearhum, tmp_path: Path):
    (tmp_path / "mine.toml").write_text(BOARD_FILE)
    done = told(nearhum("deploy", "--board", "mine.toml", "--json"))
    assert done["copied"] == done["removed"] == []
    assert done["start"]["board"] == "mine"
    (tmp_path / "silent.toml").write_text('extends = "virtual"\nrate_hz = 77\nn_channels = 2\n')
    said = nearhum("deploy", "--board", "silent.toml", code=2).stderr
    assert "silent.toml says 2 x 77 Hz" in said
    assert told(nearhum("status", "--json"))["board"] == "mine"


def test_learning_and_watching(nearhum: Nearhum):
    assert told(nearhum("learn", "40", "--wait", "--json"))["state"] == "watch"
    status = told(nearhum("status", "--json"))
    assert status["n_prototypes"] >= 1
    shown = nearhum("status").stdout
    assert f"threshold {status['threshold']:+.2f}" in shown  # both in octaves
    assert "mine on /dev/" in shown
    assert "watch" in shown
    nearhum("learn", "5000")
    assert "learn (" in nearhum("status").stdout
    assert told(nearhum("learn", "stop", "--json"))["state"] == "watch"
    assert "is not a length" in nearhum("learn", "soon", code=2).stderr
    assert told(nearhum("learn", "5000", "--until-stable", "--json"))["windows"] == 5000
    assert "5000 at most until stable" in nearhum("status").stdout
    assert "contradict each other" in nearhum("learn", "stop", "--until-stable", code=2).stderr
    nearhum("learn", "stop")


def test_a_mode_is_added_to_what_is_normal(nearhum: Nearhum):
    nearhum("learn", "40", "--wait")
    before = listed(nearhum)
    nearhum("learn", "20", "--as", "full load", "--wait")
    after = told(nearhum("list", "--json"))
    assert sum(p["count"] for p in after) == sum(p["count"] for p in before) + 20
    assert "full load" in nearhum("list").stdout
    assert "needs a length" in nearhum("learn", "--as", "night", code=2).stderr


def listed(nearhum: Nearhum) -> list[dict]:
    """Return what the board has learned, without what an enrolment found besides."""
    return [
        {key: p[key] for key in ("label", "id", "count")} for p in told(nearhum("list", "--json"))
    ]


def test_labels(nearhum: Nearhum):
    found = told(nearhum("enrol", "knock", "3", "--wait", "--json"))
    # after a learning period, what was enrolled may be what is normal: the board says how much of
    # it
    assert 0 <= found.pop("false_accepts_percent", 0) <= 100
    assert found == {"label": "knock", "examples": 3}
    assert told(nearhum("relabel", "knock", "tap", "--json")) == {"label": "tap", "was": "knock"}
    nearhum("relabel", "tap", "two words", code=2)
    nearhum("relabel", "tap", "knock")
    assert "knock" in nearhum("list").stdout
    assert "knock" in {p["label"] for p in told(nearhum("list", "--json"))}
    nearhum("forget", "knock")
    assert "knock" not in nearhum("list").stdout
    assert "`list` shows the labels" in nearhum("forget", "knock", code=3).stderr
    nearhum("enrol", "two words", code=2)


def test_changes_are_undone_one_by_one_or_at_once(nearhum: Nearhum):
    nearhum("learn", "30", "--wait")
    nearhum("enrol", "knock", "2", "--wait")
    before = listed(nearhum)
    nearhum("enrol", "tap", "1", "--wait")
    nearhum("forget", "knock")
    kept = told(nearhum("list", "--snapshots", "--json"))
    assert [s["cause"] for s in kept[-3:]] == ["enrol knock", "enrol tap", "forget knock"]
    assert "enrol tap" in nearhum("list", "--snapshots").stdout
    assert told(nearhum("rollback", str(kept[-2]["number"]), "--json"))["to"] == kept[-2]["number"]
    assert listed(nearhum) == before
    assert "restored snapshot" in nearhum("rollback").stdout
    assert "knock" not in nearhum("list").stdout
    assert "no snapshot" in nearhum("rollback", "9999", code=3).stderr


def test_a_veto_is_the_users_word(nearhum: Nearhum):
    nearhum("enrol", "knock", "2", "--wait")
    assert "knock" in nearhum("veto", "knock").stdout
    assert "vetoed: knock" in nearhum("list").stderr
    assert "vetoed" in nearhum("enrol", "knock", code=3).stderr
    assert told(nearhum("veto", "knock", "--off", "--json"))["vetoed"] == []
    assert told(nearhum("trust", "--json"))["faults"] == 0
    assert [s["cause"] for s in told(nearhum("list", "--snapshots", "--json"))[-2:]] == [
        "veto knock off",
        "trust",
    ]


def test_what_is_pending_is_decided_by_its_number(nearhum: Nearhum):
    assert isinstance(told(nearhum("list", "--pending", "--json")), list)
    assert "list pending" in nearhum("accept", "999", code=3).stderr
    assert "list pending" in nearhum("reject", "999", code=3).stderr
    nearhum("list", "--pending", "--snapshots", code=2)


def test_settings_stay_over_a_restart(nearhum: Nearhum, board: "VirtualBoard"):
    nearhum("set", "alarms_per_day", "3")
    with Link(board.path) as link:
        link.resume()
    assert told(nearhum("get", "alarms_per_day", "--json")) == {"alarms_per_day": 3}
    assert told(nearhum("get", "--json"))["kind"] == "motion"
    nearhum("set", "alarms_per_day", "5000", code=3)
    nearhum("get", "nothing", code=3)


def test_a_setting_waits_for_a_restart_or_takes_effect_now(nearhum: Nearhum):
    said = nearhum("set", "alarms_per_day", "-1", code=3).stderr
    assert "alarms_per_day = -1" in said
    assert "0.001 to 1000" in said
    done = nearhum("set", "alarms_per_day", "7")
    assert "Restart now with `nearhum set alarms_per_day 7 --now`" in done.stderr
    got = nearhum("get", "alarms_per_day")
    assert "alarms_per_day is 7 after a restart" in got.stderr
    assert "alarms_per_day is 7 after a restart" in nearhum("get").stderr
    assert nearhum("get", "smooth").stderr == ""
    assert "restarted" in nearhum("set", "alarms_per_day", "9", "--now").stderr
    assert told(nearhum("get", "alarms_per_day", "--json")) == {"alarms_per_day": 9}
    assert "after a restart" not in nearhum("get").stderr
    back = told(nearhum("set", "alarms_per_day", "default", "--now", "--json"))
    assert back["value"] == 1
    nearhum("set", "alarms_per_day", "2", "--nwo", code=2)


def test_the_log_is_pulled_while_it_grows(nearhum: Nearhum, tmp_path: Path):
    nearhum("learn", "30", "--wait")
    first = told(nearhum("pull", "run", "--json"))
    assert first["n_records"] > 0
    time.sleep(0.5)
    again = told(nearhum("pull", "run", "--json"))
    assert again["next_seq"] > first["next_seq"]
    log = log_file.read_log(tmp_path / "run")
    assert not log.damages
    assert not log.gaps
    scores, events = decoding.decode(log.records)
    assert {"boot", "state", "learned", "time"} <= {event.name for event in events}
    assert len(scores.scores) > 30
    # the first pull told the board the time, the second had no need to
    assert [event.boot for event in events if event.name == "time"] == [events[-1].boot]
    assert time.time() - 600 < scores.utc[-1] < time.time() + 3
    assert abs(told(nearhum("status", "--json"))["utc"] - time.time()) < 3
    assert "UTC there" in nearhum("status").stdout
    assert set(scores.states) >= {wire.LEARN, wire.WATCH}


def test_a_log_as_others_read_it(nearhum: Nearhum, tmp_path: Path):
    nearhum("learn", "30", "--wait")
    done = told(nearhum("pull", "pump.nhl", "--as", "csv", "--json"))
    assert done["written"] == ["pump-windows.csv"]
    rows = (tmp_path / "pump-windows.csv").read_text().splitlines()
    assert rows[0] == "timestamp_ms,score (octave),threshold (octave),boot,state,alarm,label,truth"
    n = len(decoding.decode(log_file.read_log(tmp_path / "pump.nhl").records)[0].scores)
    assert len(rows) == n + 1
    assert (
        "pump-windows.parquet: one row for each window"
        in nearhum("pull", "pump.nhl", "--as", "parquet").stdout
    )
    assert "record --as wav" in nearhum("pull", "pump.nhl", "--as", "wav", code=2).stderr
    assert "tables already" in nearhum("pull", "all", "--all", "--as", "csv", code=2).stderr


def test_set_asks_before_learning_is_void(nearhum: Nearhum):
    nearhum("learn", "30", "--wait")
    said = nearhum("set", "n_bands", "3", code=2).stderr
    assert "cannot be used" in said
    assert "--yes" in said
    assert told(nearhum("get", "n_bands", "--json")) == {"n_bands": 4}
    assert told(nearhum("set", "n_bands", "3", "--yes", "--json"))["value"] == 3
    assert told(nearhum("set", "n_bands", "default", "--json"))["value"] == 4
    assert "did you mean alarms_per_day" in nearhum("set", "alarm_per_day", "1", code=3).stderr
    assert told(nearhum("set", "aside", "", "--json"))["value"] == ""
    nearhum("set", "aside", "default")


def test_a_plug_pulled_in_the_middle_of_a_pull_costs_nothing(board: "VirtualBoard", tmp_path: Path):
    with Link(board.path) as link:
        for _ in range(40):
            link.ask("set alarms_per_day 3")

    def pull_plug(done: int, of: int) -> None:
        if 0 < done < of:
            board.unplug()

    try:
        with (
            Link(board.path) as link,
            pytest.raises(DeviceError, match=r"x.nhl keeps \d+ new record"),
        ):
            pulling.pull(link, tmp_path / "x.nhl", pull_plug)
    finally:
        board.replug()
    with Link(board.path) as link:
        whole = pulling.pull(link, tmp_path / "whole.nhl")
        rest = pulling.pull(link, tmp_path / "x.nhl")
    assert rest.n_records > 0
    kept, fetched = (tmp_path / "x.nhl").read_bytes(), (tmp_path / "whole.nhl").read_bytes()
    assert kept[: len(fetched)] == fetched
    assert whole.gaps == rest.gaps == []


def test_a_backup_brings_back_what_was_learned(nearhum: Nearhum, tmp_path: Path):
    nearhum("learn", "30", "--wait")
    nearhum("enrol", "tap", "2", "--wait")
    before = listed(nearhum)
    nearhum("backup", "b.nhs")
    nearhum("backup", "b.nhs", code=2)  # never over another one
    nearhum("console", "reset learned")
    assert listed(nearhum) == []
    done = told(nearhum("restore", "b.nhs", "--json"))
    assert listed(nearhum) == before
    assert (tmp_path / done["before"]).exists()
    # it is older than what the board had saved, and nobody has lost anything
    assert "lost" not in told(nearhum("status", "--json"))["warning"]

    _, sequence, body = wire.unseal(wire.STATE_MAGIC, (tmp_path / "b.nhs").read_bytes(), "backup")
    (tmp_path / "other.nhs").write_bytes(
        wire.seal(wire.STATE_MAGIC, 12345, sequence + 100, bytes(body))
    )
    refused = nearhum("restore", "other.nhs", code=3).stderr
    assert "learned with other features" in refused
    assert listed(nearhum) == before

    image = bytearray((tmp_path / "b.nhs").read_bytes())
    image[30] ^= 1
    (tmp_path / "damaged.nhs").write_bytes(image)
    assert "damaged" in nearhum("restore", "damaged.nhs", code=1).stderr


def test_a_board_gets_a_head(nearhum: Nearhum, tmp_path: Path):
    """From recordings to a board that enrols with the head, and one that was trained for other
    features.
    """
    (tmp_path / "mine.toml").write_text(BOARD_FILE)
    noise = random.Random(1)
    for hz in (6, 12, 20):
        (tmp_path / "recordings" / f"hz{hz}").mkdir(parents=True)
        for i in range(4):
            rows = [
                f"{900 * math.sin(2 * math.pi * hz * t / RATE_HZ) + noise.gauss(0, 60):.0f}"
                for t in range(256)
            ]
            text = "a,b\n" + "".join(f"{row},{row}\n" for row in rows)
            (tmp_path / "recordings" / f"hz{hz}" / f"{i}.csv").write_text(text)
    train = ("train", "recordings", "--board", "mine.toml", "--json")
    nearhum(*train, "--out", "head.nhh")
    nearhum(*train, "--out", "other.nhh", "--set", "n_bands=6")
    said = nearhum("deploy", "--board", "mine.toml", "--head", "other.nhh", code=2).stderr
    assert "other.nhh was trained with n_bands = 6, the board has 4" in said
    assert (
        "cannot read"
        in nearhum("deploy", "--board", "mine.toml", "--head", "none.nhh", code=2).stderr
    )
    done = told(nearhum("deploy", "--board", "mine.toml", "--head", "head.nhh", "--json"))
    assert {"/nearhum.json", "/nearhum/embedding/head.mpy", "/nearhum/head.nhh"} <= set(
        done["copied"]
    )
    nearhum("enrol", "tap", "2", "--wait")
    assert [row["label"] for row in listed(nearhum)] == ["tap"]
    removed = told(nearhum("deploy", "--board", "mine.toml", "--json"))["removed"]
    assert "/nearhum/head.nhh" in removed


def test_a_board_starts_from_a_prior(nearhum: Nearhum, tmp_path: Path):
    nearhum("learn", "40", "--wait")
    nearhum("enrol", "tap", "2", "--wait")
    known = listed(nearhum)
    nearhum("backup", "p.nhs")
    (tmp_path / "mine.toml").write_text(BOARD_FILE)
    nearhum("deploy", "--board", "mine.toml", "--prior", "nothing.nhs", code=2)
    done = told(nearhum("deploy", "--board", "mine.toml", "--prior", "p.nhs", "--json"))
    assert {"/nearhum.json", "/nearhum/storage/prior.mpy", "/nearhum/prior.nhs"} <= set(
        done["copied"]
    )
    assert listed(nearhum) == known
    nearhum("console", "reset learned")
    assert told(nearhum("list", "--json")) == []
    nearhum("console", "reset factory")
    assert listed(nearhum) == known
    nearhum("learn", "30", "--wait")
    now = told(nearhum("list", "--json"))
    assert sum(p["count"] for p in now) == sum(p["count"] for p in known) + 30

    _, sequence, body = wire.unseal(wire.STATE_MAGIC, (tmp_path / "p.nhs").read_bytes(), "backup")
    (tmp_path / "other.nhs").write_bytes(wire.seal(wire.STATE_MAGIC, 12345, sequence, bytes(body)))
    said = nearhum("deploy", "--board", "mine.toml", "--prior", "other.nhs", code=3).stderr
    assert "cannot use the prior" in said
    assert told(nearhum("list", "--json")) == now
    assert told(nearhum("deploy", "--board", "mine.toml", "--json"))["removed"] == [
        "/nearhum/prior.nhs", "/nearhum/storage/prior.mpy",
    ]  # fmt: skip
    nearhum("learn", "30", "--wait")
    assert sum(p["count"] for p in told(nearhum("list", "--json")) if not p["label"]) == 30


def test_a_state_of_many_pieces_is_fetched_whole(board: "VirtualBoard"):
    with Link(board.path) as link:
        link.ask("learn 30")
        for label in ("one", "two", "three"):
            link.ask(f"enrol {label} 4")
            while link.ask("status")["enrolling"]:
                time.sleep(0.02)
        assert link.ask("status")["state_bytes"] > 768
        assert len(state_image.fetch(link)) > 768


def test_a_stopped_board_is_noticed_and_resumed(
    nearhum: Nearhum, board: "VirtualBoard", mpremote: Callable[..., str]
):
    assert "it was already running" in nearhum("resume").stdout
    mpremote(board, "exec", "print(1)")
    said = nearhum("status", code=3).stderr
    assert "is stopped" in said
    assert "nearhum resume --port" in said
    assert "state" in nearhum("status", "--resume").stdout
    mpremote(board, "exec", "print(1)")
    assert told(nearhum("resume", "--json"))["resumed"] is True


def test_a_port_that_another_program_has_is_busy(
    nearhum: Nearhum, board: "VirtualBoard", mpremote: Callable[..., str]
):
    with Link(board.path):
        assert "busy: another program (mpremote, Thonny" in nearhum("status", code=3).stderr
        mpremote(board, "exec", "print(1)", fails=True)
    nearhum("status")


def test_the_console_line_by_line(nearhum: Nearhum):
    assert "n_windows" in nearhum("console", "status").stdout
    assert told(nearhum("console", "--raw", "get kind"))["value"] == "motion"
    lines = nearhum("console", "--raw", stdin="help\n\nget rate_hz\n").stdout.splitlines()
    assert [json.loads(line)["verb"] for line in lines] == ["help", "get"]
    assert "no command 'dance'" in nearhum("console", "dance", code=3).stderr


_PATIENCE_S = 60  # for the next word of a command: starting takes long on a machine that is busy


class Terminal:
    """A user at a terminal, with a command running in it.

    Ctrl-C there (0x03) is SIGINT, as it should be.
    """

    def __init__(self, board: "VirtualBoard", folder: Path, *arguments: str) -> None:
        import pty

        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            # a job in the background inherits that it is ignored
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.chdir(folder)
            os.environ["NEARHUM_PORT"] = board.path
            os.execv(
                sys.executable, [sys.executable, "-m", "nearhum_host.commands.cli", *arguments]
            )
        self._said = b""

    def type(self, text: bytes) -> None:
        os.write(self._fd, text)

    def until(self, what: bytes) -> bytes:
        """Read up to and with `what`; return all before it."""
        while what not in self._said:
            self._said += self._read()
        before, self._said = self._said.split(what, 1)
        return before

    def _read(self) -> bytes:
        assert select.select([self._fd], [], [], _PATIENCE_S)[0], (
            f"it waits, and has said: {self._said!r}"
        )
        return os.read(self._fd, 4096)

    def ends(self) -> tuple[int, bytes]:
        """Read to the end; return the exit code and what was said."""
        with contextlib.suppress(OSError):  # Linux tells the end of a terminal so
            while got := self._read():
                self._said += got
        os.close(self._fd)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1]), self._said


def test_ctrl_c_at_the_consoles_prompt_does_not_reach_the_board(
    board: "VirtualBoard", tmp_path: Path
):
    user = Terminal(board, tmp_path, "console")
    user.until(b"nearhum> ")
    user.type(b"\x03")
    user.until(b"nearhum> ")
    user.type(b"dance\n")
    user.until(b"no command 'dance'")
    user.until(b"nearhum> ")
    user.type(b"get kind\n")
    user.until(b"motion")
    user.until(b"nearhum> ")  # Ctrl-D is a character to the prompt, and something else before
    user.type(b"\x04")
    assert user.ends()[0] == 0
    with Link(board.path) as link:
        assert link.ask("status")["source"] == "ok"


def test_at_a_terminal_the_user_is_asked_and_sees_progress(board: "VirtualBoard", tmp_path: Path):
    with Link(board.path) as link:
        link.stop()
    user = Terminal(board, tmp_path, "learn", "100", "--wait")
    user.until(b"Resume it? [Y/n]: ")
    user.type(b"y\n")
    code, said = user.ends()
    assert code == 0
    assert b"/100" in said
    assert b"learned" in said
    assert Terminal(board, tmp_path, "pull", "run").ends()[0] == 0
