"""The serial line and what can be wrong with it: faults from a scripted port (test_deploy has a
board).
"""

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from nearhum_host.boards import application, board_files, deployment
from nearhum_host.errors import DeviceError, UsageError
from nearhum_host.serial_line import ports
from nearhum_host.serial_line.link import Link
from nearhum_host.serial_line.repl import stopped
from nearhum_host.virtual import VirtualBoard

SETTINGS = {
    "kind": "vibration",
    "rate_hz": 1000,
    "n_channels": 1,
    "n_window": 64,
    "n_hop": 64,
    "n_bands": 6,
    "source": {"driver": "push"},
}

tty = pytest.importorskip("tty", reason="pseudo-terminals need a POSIX host")


def unspoiled(line: bytes) -> bytes:
    """A line without its end, and without what a link begins with: these boards pass over that."""
    return line.strip(b"\r\n").removeprefix(b"\xff\x15")


@contextmanager
def scripted(answer: Callable[[bytes], bytes | None]) -> Iterator[tuple[str, list[bytes]]]:
    """A port whose other end answers each line with what `answer` says; yields its name and the
    lines.

    None hangs up, as a cable that is pulled out does.
    """
    board, host = os.openpty()
    tty.setraw(host)
    name, got = os.ttyname(host), []
    stop = threading.Event()

    def serve() -> None:
        pending = b""
        try:
            while not stop.is_set():
                pending += os.read(board, 1024)
                while b"\n" in pending or pending.rstrip(b"\r")[-1:] in (
                    b"\x03",
                    b"\x04",
                ):
                    cut = pending.index(b"\n") + 1 if b"\n" in pending else len(pending)
                    line, pending = unspoiled(pending[:cut]), pending[cut:]
                    got.append(line)
                    said = answer(line)
                    if said is None:
                        stop.set()  # before the line hangs up: who notices that looks at this next
                        os.close(board)
                        return
                    os.write(board, said)
        except OSError:
            stop.set()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield name, got
    finally:
        if not stop.is_set():
            stop.set()
            os.write(host, b"\n")
        os.close(host)
        thread.join(2)


def reply(verb: str = "status", **more: object) -> bytes:
    return b'{"ok":true,' + json.dumps({"verb": verb, **more}).encode()[1:] + b"\r\n"


def as_board(line: bytes) -> bytes:
    return reply(line.split()[0].decode()) if line else b""


def test_noise_and_answers_to_others_are_ignored():
    noise = b"MicroPython v1.28\r\n>>> warming up\r\n\xff\xfe\r\n" + reply("learn", n=1)
    with (
        scripted(lambda line: noise + reply(n_windows=7) if line else b"") as (port, _),
        Link(port) as link,
    ):
        assert link.ask("status") == {"verb": "status", "n_windows": 7}


def test_a_refusal_is_told_in_the_boards_words():
    said = b'{"ok":false,"verb":"forget","error":"no label nix","hint":"`list` shows them"}\r\n'
    with scripted(lambda line: said if line.startswith(b"forget") else as_board(line)) as (port, _):
        with Link(port) as link, pytest.raises(DeviceError, match="no label nix") as caught:
            link.ask("forget nix")
        assert caught.value.hint == "`list` shows them"
        assert caught.value.exit_code == 3


def test_a_torn_answer_to_a_query_is_asked_for_again():
    answers = iter([b'{"ok":true,"verb":"sta\r\n', reply(n_windows=1)])
    with scripted(lambda line: next(answers) if line else b"") as (port, got), Link(port) as link:
        assert link.ask("status")["n_windows"] == 1
        assert got.count(b"status") == 2


def test_a_half_line_that_somebody_left_is_not_carried_out(
    virtual_board: Callable[..., VirtualBoard],
):
    board = virtual_board()
    with Link(board.path) as link:
        deployment.deploy(link, application.application(board_files.load("virtual"), SETTINGS))
        link.ask("learn 9")
    for half in (b"learn 5", b"set smooth 3", b"veto tap", b"reset factory", b"learn 400 as a"):
        typed = os.open(board.path, os.O_RDWR | os.O_NOCTTY)
        os.write(typed, half)
        time.sleep(0.2)
        os.close(typed)
        with Link(board.path) as link:
            status = link.ask("status")
            assert (status["state"], status["learn_total"]) == ("learn", 9), half
            assert link.ask("list set")["set"] == {}
            assert link.ask("list")["vetoed"] == []
    typed = os.open(board.path, os.O_RDWR | os.O_NOCTTY)
    os.write(typed, b"\r\x03\r")
    time.sleep(1)
    os.write(typed, b"open('/x','w').close();")  # at the prompt, too
    time.sleep(0.2)
    os.close(typed)
    with Link(board.path, lambda: True) as link:
        assert link.ask("status")["state"] == "learn"
        with stopped(link) as repl:
            assert repl.hashes(["/x"]) == {}


def test_a_command_is_never_sent_twice():
    def answer(line: bytes) -> bytes:
        return b'{"ok":true,"verb":"le\r\n' if line.startswith(b"learn") else as_board(line)

    with scripted(answer) as (port, got), Link(port) as link:
        with pytest.raises(DeviceError, match="no answer to 'learn'"):
            link.ask("learn 5")
        assert got.count(b"learn 5") == 1
        assert got.index(b"status") < got.index(b"learn 5")


def test_a_restart_in_between_is_told_or_survived():
    answers = iter([reply("start"), reply(n_windows=1), reply("start")])
    with scripted(lambda line: next(answers) if line else b"") as (port, _), Link(port) as link:
        assert link.ask("status")["n_windows"] == 1
        with pytest.raises(DeviceError, match="restarted during 'watch'"):
            link.ask("watch")


def test_a_late_answer_is_waited_for():
    def answer(line: bytes) -> bytes:
        if line == b"status":
            time.sleep(2.3)
        return as_board(line)

    with scripted(answer) as (port, got), Link(port) as link:
        assert link.ask("status")["verb"] == "status"
        assert got.count(b"status") == 1


def test_silence_and_babble_are_told_apart():
    for said, why in (
        (b"", "nothing answers"),
        (b"AT+OK\r\n", "not from nearhum's console.*AT.OK"),
    ):
        with (
            scripted(lambda line, said=said: said) as (port, _),
            Link(port) as link,
            pytest.raises(DeviceError, match=why),
        ):
            link.ask("status", patience_s=3)


def test_a_pulled_plug_is_told():
    with (
        scripted(lambda line: None if line == b"watch" else as_board(line)) as (port, _),
        Link(port) as link,
    ):
        link.ask("status")
        with pytest.raises(DeviceError, match="went away") as caught:
            link.ask("watch")
        assert "plug it in" in caught.value.hint


def test_a_board_behind_a_socket():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with server.accept()[0] as line, line.makefile("rwb") as stream:
                for said in iter(stream.readline, b""):
                    if said.startswith(b"watch"):
                        return
                    stream.write(b"noise\r\n" + as_board(unspoiled(said)))
                    stream.flush()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with Link(f"socket://127.0.0.1:{server.getsockname()[1]}") as link:
            assert link.ask("status") == {"verb": "status"}
            with pytest.raises(DeviceError, match="went away"):
                link.ask("watch")
        thread.join(2)


def test_a_port_has_one_user():
    with (
        scripted(as_board) as (port, _),
        Link(port),
        pytest.raises(DeviceError, match="busy.*mpremote"),
    ):
        Link(port)


def test_a_port_that_is_released_in_a_moment_is_waited_for() -> None:
    """A command right behind another; or a process that just begins and still has its parent's."""
    with scripted(as_board) as (port, _):
        first = Link(port)
        released = threading.Timer(0.2, first.close)
        released.start()
        with Link(port) as link:
            assert link.ask("status")["verb"] == "status"
        released.join()


@pytest.mark.parametrize(
    ("port", "kind", "why"),
    [
        ("/dev/ttyNONE", DeviceError, "there is no port"),
        ("/dev/null", UsageError, "not a serial port"),
        ("socket://127.0.0.1:1", DeviceError, "cannot open.*refused"),
        ("nonsense://x", UsageError, "not a serial port"),
    ],
)
def test_what_cannot_be_opened_says_why(port: str, kind: type, why: str):
    with pytest.raises(kind, match=why):
        Link(port)


def test_lines_that_cannot_be_sent():
    with scripted(as_board) as (port, got), Link(port) as link:
        for line in ("", "  ", "status\nlearn", "enrol " + "x" * 1024):
            with pytest.raises(UsageError):
                link.ask(line)
        assert got in ([], [b""])


def test_the_port_is_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(ports.PORT_VARIABLE, raising=False)
    assert ports.find_port("COM9") == "COM9"
    found = {"/dev/ttyACM0": ["rpi_pico"]}
    monkeypatch.setattr(ports, "board_ports", lambda: found)
    assert ports.find_port(None) == "/dev/ttyACM0"
    found["/dev/ttyUSB0"] = ["esp32_generic"]
    with pytest.raises(
        UsageError, match=r"several boards: /dev/ttyACM0 \(rpi_pico\), /dev/ttyUSB0"
    ):
        ports.find_port(None)
    found.clear()
    with pytest.raises(DeviceError, match="no board"):
        ports.find_port(None)
    monkeypatch.setenv(ports.PORT_VARIABLE, "/dev/ttyS9")
    assert ports.find_port(None) == "/dev/ttyS9"


def test_usb_ids_of_the_board_files_are_known(monkeypatch: pytest.MonkeyPatch):
    from serial.tools import list_ports
    from serial.tools.list_ports_common import ListPortInfo

    pico, other = ListPortInfo("/dev/ttyACM0"), ListPortInfo("/dev/ttyACM1")
    pico.vid, pico.pid, other.vid, other.pid = 0x2E8A, 0x0005, 0x1234, 0x0005
    monkeypatch.setattr(list_ports, "comports", lambda: [other, pico])
    assert ports.board_ports() == {
        "/dev/ttyACM0": ["rpi_pico", "rpi_pico2", "rpi_pico2_w", "rpi_pico_w"]
    }
