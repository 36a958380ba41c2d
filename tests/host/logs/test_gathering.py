"""Test `nearhum pull FOLDER --all`: several boards at once, each record once, SQL."""

import json
import shutil
import threading
import time
from pathlib import Path

import pytest
import synthetic
from nearhum_host.boards import board_files, deployment
from nearhum_host.boards.application import application
from nearhum_host.errors import DeviceError, HostError
from nearhum_host.logs import asking, gathering, log_file, seen
from nearhum_host.serial_line.link import Link
from typer.testing import CliRunner

N_WINDOWS = 60


@pytest.fixture(scope="module")
def plugged(tmp_path_factory, virtual_boards):
    """Three boards that have played a short story each; two are of one name."""
    folder = tmp_path_factory.mktemp("boards")
    made = []
    for i, name in enumerate(("pump", "pump", "fan")):
        card = synthetic.card(
            folder / f"sd{i}",
            (synthetic.hum(40, seed=i), "learn 40"),
            (synthetic.hum(20 + i, seed=9), "~watch"),
            (synthetic.hum(10, fault=2, seed=8), "~"),
        )
        board = virtual_boards("rp2040", folder / f"{i}.bin", sd=card)
        with Link(board.path) as link:
            files = application(board_files.load("virtual"), {**synthetic.SETTINGS, "board": name})
            deployment.deploy(link, files, lambda done, of: None)
            _until_played(link)
        made.append(board)
    return made


@pytest.fixture(scope="module")
def virtual_boards():
    from conftest import ON_LINUX_X86_64
    from nearhum_host.virtual import VirtualBoard

    if not ON_LINUX_X86_64:
        pytest.skip("the virtual board needs Linux on x86-64")
    started = []

    def make(*args, **options):
        started.append(VirtualBoard(*args, **options))
        return started[-1].start()

    yield make
    for board in started:
        board.stop()


def _until_played(link: Link) -> None:
    end = time.monotonic() + 60
    while link.ask("status")["source"] != "end":
        assert time.monotonic() < end
        time.sleep(0.1)


def rows(folder: Path, sql: str) -> list[tuple]:
    return asking.ask(folder, sql)[1]


def test_all_boards_at_once_each_record_once(plugged, tmp_path: Path):
    ports = [board.path for board in plugged]
    first = gathering.gather(ports, tmp_path)
    assert [one.error for one in first] == ["", "", ""]
    assert len({one.board for one in first}) == 3  # two of one name
    assert [one.board.partition("-")[0] for one in first] == ["pump", "pump", "fan"]
    assert [one.n_windows for one in first] == [70, 71, 72]
    counted = "SELECT board, count(*), count(DISTINCT window_index) FROM windows GROUP BY board"
    before = sorted(rows(tmp_path, counted))
    assert before == sorted((one.board, n, n) for one, n in zip(first, (70, 71, 72), strict=True))
    again = gathering.gather(ports, tmp_path)
    assert [one.error for one in again] == ["", "", ""]
    assert [one.n_windows for one in again] == [0, 0, 0]
    assert sorted(rows(tmp_path, counted)) == before
    # the log beside the tables is the board's own, byte for byte, and what was seen lies beside it
    for one in first:
        log = log_file.read_log(tmp_path / "logs" / f"{one.board}.nhl")
        assert not log.gaps
        kept = seen.load(tmp_path / "logs" / f"{one.board}.nhl")
        assert kept is not None
        assert len(kept.names) == len(kept.look["means"]) * 28
    assert {row[0] for row in rows(tmp_path, "SELECT name FROM boards")} == {"pump", "fan"}
    assert rows(tmp_path, "SELECT count(*) FROM alarms WHERE strangest LIKE '%186-252Hz'") == [(3,)]
    # the time was told before the log was fetched
    assert rows(tmp_path, "SELECT count(*) FROM windows WHERE time_utc IS NULL") == [(0,)]


def test_pulling_goes_on_after_a_restart_and_a_cut(plugged, tmp_path: Path):
    board = plugged[0]
    (one,) = gathering.gather([board.path], tmp_path)
    total = rows(tmp_path, "SELECT count(*) FROM windows")[0][0]
    board.reset()
    with Link(board.path) as link:
        _until_played(link)
    (more,) = gathering.gather([board.path], tmp_path)
    assert (more.board, more.n_windows, more.error) == (one.board, 70, "")
    assert rows(tmp_path, "SELECT count(*), count(DISTINCT (boot, window_index)) FROM windows") == [
        (total + 70,) * 2
    ]


def test_an_erased_board_begins_a_second_journal(plugged, tmp_path: Path):
    board = plugged[2]
    (one,) = gathering.gather([board.path], tmp_path)
    log = tmp_path / "logs" / f"{one.board}.nhl"
    raw = log.read_bytes()
    # as after an erase: the records that were pulled are not those on the board
    fresh = log_file.parse(raw).records[0]
    log.write_bytes(_other_record(raw, fresh.seq))
    shutil.rmtree(tmp_path / "windows")
    (again,) = gathering.gather([board.path], tmp_path)
    assert (again.error, again.board, again.journal) == ("", one.board, 2)
    assert (tmp_path / "logs" / f"{one.board}.2.nhl").read_bytes() == raw[: len(raw)]


def _other_record(raw: bytes, seq: int) -> bytes:
    from nearhum import wire

    boot = log_file.parse(raw).records[0].payload
    return wire.pack_record(wire.BOOT, seq, 5, boot) + wire.pack_record(
        wire.EVENT, seq + 1, 7, b'{"event":"x"}'
    )


def test_one_that_fails_keeps_no_other_waiting(plugged, tmp_path: Path):
    done = gathering.gather([str(tmp_path / "nothing"), plugged[1].path], tmp_path)
    assert "no port" in done[0].error
    assert done[0].hint
    assert done[0].exit_code == 3
    assert (done[1].error, done[1].n_windows) == ("", 71)


def test_one_board_named_twice_is_pulled_once(plugged, tmp_path: Path):
    link = tmp_path / "again"
    link.symlink_to(plugged[1].path)
    done = gathering.gather([plugged[1].path, str(link)], tmp_path)
    assert sorted(bool(one.error) for one in done) == [False, True]
    assert rows(tmp_path, "SELECT count(*) FROM windows") == [(71,)]


def test_boards_that_nothing_tells_apart_are_refused_with_the_remedy():
    claims = gathering.Claims()
    claims.claim("pump", "A", "")
    claims.claim("pump", "A", "")
    with pytest.raises(HostError, match="A and B are both called 'pump'") as caught:
        claims.claim("pump", "B", "")
    assert "nearhum set board NAME --port B" in caught.value.hint
    with pytest.raises(DeviceError):
        claims.claim("pump", "C", "e661")


@pytest.mark.parametrize(
    ("status", "name"),
    [
        ({"board": "pump", "id": "e66f"}, "pump-e66f"),
        ({"board": "pump"}, "pump"),
        ({"board": "../../etc/x y", "id": ""}, "_._.._etc_x_y"),
        ({"board": "Größe=1", "id": "a"}, "Gr__e_1-a"),
        ({}, "board"),
    ],
)
def test_names_are_no_way_out_of_the_folder(status, name):
    assert gathering.name_of(status) == name


def test_the_commands_say_it(plugged, tmp_path: Path):
    from nearhum_host.commands.cli import app

    run = CliRunner().invoke
    ports = [word for board in plugged for word in ("--port", board.path)]
    done = run(app, ["pull", str(tmp_path), "--all", "--json", *ports])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [one["error"] for one in found] == ["", "", ""]
    sql = "SELECT board, sum(alarms) AS alarms FROM days GROUP BY board ORDER BY board"
    done = run(app, ["query", sql, "--in", str(tmp_path), "--json"])
    names = sorted(one["board"] for one in found)
    assert json.loads(done.stdout) == [
        {"board": b, "alarms": n} for b, n in zip(names, _alarms(tmp_path), strict=True)
    ]
    done = run(app, ["query", sql, "--in", str(tmp_path), "--csv"])
    assert done.stdout.splitlines()[0] == "board,alarms"
    assert len(done.stdout.splitlines()) == 4
    done = run(app, ["query", sql, "--in", str(tmp_path)])
    assert "board" in done.stdout
    done = run(app, ["query", sql, "--in", str(tmp_path / "none")])
    assert done.exit_code == 2
    done = run(app, ["pull", str(tmp_path / "x.nhl"), *ports])
    assert done.exit_code == 2
    assert "--all" in done.output
    done = run(app, ["pull", str(tmp_path), "--all", "--port", str(tmp_path / "nothing")])
    assert done.exit_code == 3
    done = run(
        app,
        ["pull", str(tmp_path / "named"), "--all", "--json"],
        env={"NEARHUM_PORT": plugged[0].path},
    )
    assert [one["port"] for one in json.loads(done.stdout)] == [plugged[0].path]


def _alarms(folder: Path) -> list[int]:
    return [n for _, n in sorted(rows(folder, "SELECT board, count(*) FROM alarms GROUP BY board"))]


def test_they_are_pulled_at_the_same_time(monkeypatch, tmp_path: Path):
    """Each waits for the others: pulled one after another, none would ever end."""
    together = threading.Barrier(8)

    def wait(port, folder, resume, claims, done):
        together.wait(timeout=20)
        done.board = port

    monkeypatch.setattr(gathering, "gather_one", wait)
    done = gathering.gather([f"port{i}" for i in range(8)], tmp_path)
    assert [one.board for one in done] == [f"port{i}" for i in range(8)]
