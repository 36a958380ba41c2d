"""Test a board that lies: it cannot write outside its folder, fill the disk, hang or run anything.

Nor can it send commands to the terminal or the browser. A script behind a pseudo-terminal plays the
board. The host's tools are real.
"""

import contextlib
import json
import os
import re
import threading
import time
from binascii import b2a_base64, crc32
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from host.serial_line.test_link import reply, scripted
from nearhum import wire
from nearhum_host.boards import board_files, deployment, state_image
from nearhum_host.commands import cli
from nearhum_host.errors import DeviceError, HostError, UsageError
from nearhum_host.logs import log_file, pulling
from nearhum_host.serial_line import link, raw_transport, repl
from nearhum_host.serial_line.link import Link
from nearhum_host.virtual import targets
from typer.testing import CliRunner, Result

tty = pytest.importorskip("tty", reason="pseudo-terminals need a POSIX host")
EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\b\u2028x"
STATUS = {
    "version": "0.1.0", "board": "../../../tmp/x", "kind": "vibration", "path": "fixed",
    "state": "watch", "seq": 9, "synced_seq": 9, "log_first": 0, "n_windows": 5, "label": None,
    "mode": None, "alarm": False, "source": "ok", "score": 1, "threshold": 2, "faults": 0,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _less_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    # the measures are the same for a patient host; this one need not wait for them
    monkeypatch.setattr(link, "ANSWER_S", 0.5)
    monkeypatch.setattr(link, "DRAIN_S", 0.3)


def answering(answers: dict[str, bytes | Callable[[bytes], bytes]]) -> Callable[[bytes], bytes]:
    """Return a board that answers by the first word of a line; a status unless told otherwise."""

    def answer(line: bytes) -> bytes:
        words = line.split()
        if not words:
            return b""
        said = answers.get(
            words[0].decode(errors="replace"), reply(**STATUS) if words[0] == b"status" else b""
        )
        return said(line) if callable(said) else said

    return answer


def nearhum(*arguments: str) -> Result:
    """Run a command as a user would."""
    return CliRunner().invoke(cli.app, list(arguments))


def harmless(text: str) -> bool:
    return not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", text)


# --- the file system ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../../x", "/etc/x", "..", "", ".bashrc", "a/b\\c:d\x00", "x" * 400, EVIL, 7]
)
def test_a_boards_name_is_no_path(name: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    state = wire.seal(wire.STATE_MAGIC, 1, 1, bytes(100))
    chunk = {
        "size": len(state),
        "crc": crc32(state[:-4]),
        "offset": 0,
        "b64": b2a_base64(state).decode().strip(),
    }
    answers = {"status": reply(**{**STATUS, "board": name}), "get": reply("get", **chunk)}
    with scripted(answering(answers)) as (port, _):
        result = nearhum("backup", "--port", port)
    made = [path for path in tmp_path.rglob("*") if path.is_file()]
    if name == 7:  # no name at all is no answer
        assert (result.exit_code, made) == (3, [])
        return
    assert result.exit_code == 0, result.output
    assert [path.parent for path in made] == [inside]
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*\.nhs", made[0].name)


def test_a_pull_without_end_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A log that never ends must not fill the disk: a pull has a measure, and says so."""

    def log(line: bytes) -> bytes:
        seq = int(line.split()[1])
        raw = b"".join(
            wire.pack_record(wire.EVENT, seq + i, 0, b'{"event":"x"}' * 10) for i in range(9)
        )
        return reply(
            "log",
            b64=b2a_base64(raw).decode().strip(),
            **{"from": seq, "next": seq + 9, "last": 2**32 - 1},
        )

    endless = {"log": log, "status": reply(**{**STATUS, "seq": 2**32 - 1, "synced_seq": 2**32 - 1})}
    monkeypatch.setattr(pulling, "MAX_PULL_BYTES", 20_000)
    file = tmp_path / "x.nhl"
    with scripted(answering(endless)) as (port, _), Link(port) as line:
        with pytest.raises(
            DeviceError, match="does not come to an end; .* keeps [0-9]+ new record"
        ):
            pulling.pull(line, file)
        assert file.stat().st_size < 22_000
        assert not log_file.read_log(file).damages
        monkeypatch.setattr(pulling, "MAX_PULL_BYTES", 1 << 30)
        monkeypatch.setattr(pulling, "MAX_PULL_S", 0.2)
        with pytest.raises(DeviceError, match="does not come to an end"):
            pulling.pull(line, tmp_path / "y.nhl")


@pytest.mark.parametrize(
    "seqs",
    [[5, 4], [3, 3], [0, 2**32 - 1, 7], [1, 1, 1]],
    ids=["falling", "repeated", "jumping", "stuck"],
)
def test_wrong_sequence_numbers_are_no_log(seqs: list[int], tmp_path: Path):
    raw = b"".join(wire.pack_record(wire.EVENT, seq, 0, b'{"event":"x"}') for seq in seqs)
    said = reply("log", b64=b2a_base64(raw).decode().strip(), **{"from": 0, "next": 0, "last": 0})
    file = tmp_path / "x.nhl"
    with scripted(answering({"log": said})) as (port, _), Link(port) as line:  # noqa: SIM117
        with pytest.raises(DeviceError, match="is damaged: record"):
            pulling.pull(line, file)
    assert not file.exists() or file.stat().st_size == 0
    assert [path for path in tmp_path.iterdir() if path != file] == []


# --- lengths and time -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "chunk"), [(10**15, 768), (2**20 + 1, 768), (2**20, 1), (-1, 10), (10, 2000)],
)  # fmt: skip
def test_a_state_of_any_size_ends(size: int, chunk: int):
    def get(line: bytes) -> bytes:
        return reply(
            "get",
            size=size,
            crc=1,
            offset=int(line.split()[2]),
            b64=b2a_base64(bytes(chunk)).decode(),
        )

    with scripted(answering({"get": get})) as (port, got), Link(port) as line:
        with pytest.raises(DeviceError, match="arrived incomplete|is invalid"):
            state_image.fetch(line)
        assert len(got) < 12


@pytest.mark.parametrize(
    "said",
    [
        b'{"ok":true,"verb":"sta',
        b"x" * 4096,
        b'{"ok":true,"verb":"learn"}\n' * 50,
        b"\xff\x00\x1b[c" * 900,
        b"[" * 3000,
    ],
    ids=["no end", "babble", "another's answers", "garbage", "deep"],
)
def test_an_endless_answer_ends(said: bytes):
    board, host = os.openpty()
    tty.setraw(host)
    os.set_blocking(board, False)
    stop = threading.Event()

    def babble() -> None:
        while not stop.is_set():
            try:
                os.write(board, said)
            except BlockingIOError:
                time.sleep(0.001)
            except OSError:
                return

    thread = threading.Thread(target=babble, daemon=True)
    thread.start()
    try:
        with Link(os.ttyname(host)) as line:
            began = time.monotonic()
            with pytest.raises(DeviceError) as caught:
                line.ask("status", patience_s=1)
            assert time.monotonic() - began < 60
            assert harmless(caught.value.message)
            assert len(line.partial) + len(line.noise) <= 3 * 8192
    finally:
        stop.set()
        thread.join(5)
        os.close(host)
        os.close(board)


NONSENSE = [
    {"seq": "9"}, {"seq": -1}, {"seq": 2**60}, {"seq": None}, {"seq": True}, {"score": "high"},
    {"label": ["x"]}, {"board": {"a": 1}}, {"alarm": "yes"}, {"n_windows": 1.5},
]  # fmt: skip


@pytest.mark.parametrize("field", NONSENSE, ids=str)
def test_a_status_that_makes_no_sense_is_said(field: dict[str, object]):
    with scripted(answering({"status": reply(**{**STATUS, **field})})) as (port, _):
        result = nearhum("status", "--port", port)
    assert result.exit_code == 3, result.output
    assert "is invalid" in result.output


def test_a_field_that_is_missing_is_the_boards_error(tmp_path: Path):
    for answers in (
        {"get": reply(verb="get")},
        {"get": reply(verb="get", settings={"rate_hz": 50, "n_hop": 10})},
    ):
        with scripted(answering(answers)) as (port, _):
            result = nearhum("record", "hum", "1s", "--into", str(tmp_path), "--port", port)
        assert (result.exit_code, "answer has no '" in result.output) == (3, True), result.output


# --- the raw REPL ---------------------------------------------------------------------------------


@contextlib.contextmanager
def stopped_board(printed: Callable[[int], bytes], window: bytes = b"\xff\xff") -> Iterator[str]:
    """A board at MicroPython's prompt whose n-th piece of code prints what it likes; yields its
    port.
    """
    board, host = os.openpty()
    tty.setraw(host)

    def serve() -> None:
        seen, count = b"", 0
        with contextlib.suppress(OSError):
            while True:
                seen += os.read(board, 4096)
                if seen.endswith(b"stop"):
                    return
                for heard, said in (
                    (b"\x05A\x01", b"R\x01" + window),
                    (b"\x03", b"\r\n>>> "),
                    (b"\x02", b"\r\n>>> "),
                ):
                    if seen.endswith(heard):
                        os.write(board, said)
                        seen = b"paste" if heard[0] == 5 else b""
                if seen.endswith(b"\r\x01"):
                    os.write(board, b"raw REPL; CTRL-B to exit\r\n>")
                    seen = b""
                if seen.startswith(b"paste") and seen.endswith(b"\x04"):
                    count, seen = count + 1, b""
                    os.write(board, b"\x04" + printed(count))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield os.ttyname(host)
    finally:
        os.write(host, b"stop")
        os.close(host)
        thread.join(5)
        os.close(board)


@pytest.mark.parametrize(
    ("printed", "why"),
    [
        (lambda n: b"x" * 5000, "says more than|stopped answering"),
        (
            lambda n: b"\x04\x04>" if n == 1 else b"[1" + b"," * 5000,
            "says more than|stopped answering",
        ),
        (lambda n: b"\x04\x04>" if n <= 1 else b'{"../../x":[1]}\x04\x04>', "the board answered"),
        (lambda n: b"\x04\x04>" if n <= 1 else b"[" * 900 + b"\x04\x04>", "the board answered"),
        (
            lambda n: b"\x04\x1b[2JTraceback\r\nOSError: \x1b[31m28\x04>",
            r"raised OSError: .x1b.31m28",
        ),
    ],
    ids=["endless", "endless later", "no hashes", "deep", "escapes"],
)
def test_a_prompt_that_lies(
    printed: Callable[[int], bytes], why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(raw_transport, "MAX_SAID_BYTES", 3000)
    monkeypatch.setattr(raw_transport, "MAX_EXEC_S", 20)
    monkeypatch.setattr(raw_transport, "EXEC_S", 2)
    monkeypatch.setattr(repl, "READ_S", 1.0)
    monkeypatch.chdir(tmp_path)
    with stopped_board(printed) as port, Link(port) as line:
        with pytest.raises(DeviceError, match=why) as caught, repl.stopped(line) as there:
            there.hashes(["/"])
        assert harmless(caught.value.message)
    assert list(tmp_path.iterdir()) == []


def test_a_paste_window_without_end():
    """mpremote would take new windows for ever; here the measure of the line ends it."""
    flood = b"\x00\x00" + b"\x01" * 4000
    with stopped_board(lambda n: b"", flood) as port, Link(port) as line:
        raw_transport.MAX_SAID_BYTES, kept = 3000, raw_transport.MAX_SAID_BYTES
        try:
            with pytest.raises(DeviceError, match="stopped answering"), repl.stopped(line):
                pass
        finally:
            raw_transport.MAX_SAID_BYTES = kept


def test_a_deploy_removes_only_where_it_may(monkeypatch: pytest.MonkeyPatch):
    """Names of files that a board makes up reach its own file system, and no other."""
    asked: list[str] = []

    class There(repl.Repl):
        def __init__(self) -> None:
            pass

        def run(self, code: str) -> str:
            asked.append(code)
            if "_walk" in code:
                paths = "/nearhum/../../x", "/beside/nearhum/../../y", "/beside/../z", "/main.py"
                return "".join(f'["{path}",1,"a"]\r\n' for path in paths)
            if "statvfs" in code:
                return "[4096,400,300]"
            return "0" if "/hum/log" in code else ""

        def write(self, path: str, *_: object) -> None:
            asked.append(f"write {path}")

        def copy(self, *_: str) -> None:
            pass

    done = deployment.Deployed()
    deployment.bring_to(There(), {}, done, lambda *_: None)
    assert done.removed == ["/nearhum/../../x"]
    removed = [code for code in asked if "os.remove" in code and "for p in" in code]
    assert removed[0].startswith("for p in ['/beside/../z', '/beside/nearhum/../../y']")
    assert asked[-1] == "write /nearhum.app"


# --- what is shown --------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["table", "json"])
def test_no_escape_reaches_the_terminal(options: tuple[str, ...]):
    refusal = (
        b'{"ok":false,"verb":"learn","error":'
        + json.dumps(EVIL).encode()
        + b',"hint":"\\u001b[31m"}\n'
    )
    row = {"label": EVIL, "count": 1, "id": 1, EVIL: EVIL}
    said = {
        "status": reply(**{**STATUS, "label": EVIL, "warning": EVIL, "board": EVIL, EVIL: EVIL}),
        "list": lambda line: reply(
            "list", prototypes=[row], vetoed=[EVIL], snapshots=[{"number": 1, "cause": EVIL}]
        ),
        "get": reply("get", settings={"head": EVIL, EVIL: [EVIL]}, key=EVIL, value=EVIL),
        "set": reply("set", value=EVIL, note=EVIL),
        "learn": refusal,
        "accept": reply("accept", label=EVIL),
        "rollback": reply("rollback", to=1, state=EVIL),
        "veto": reply("veto", vetoed=[EVIL]),
        "help": reply("help", verbs={EVIL: EVIL}),
    }
    commands = (
        ["status"], ["list"], ["list", "--snapshots"], ["get"], ["get", "head"],
        ["set", "head", "x"], ["learn"], ["accept", "1"], ["rollback"], ["veto", "x"],
        ["console", "help"],
    )  # fmt: skip
    with scripted(answering(said)) as (port, _):
        for command in commands:
            result = nearhum(*command, "--port", port, *options)
            assert result.exit_code == (3 if command == ["learn"] else 0), (command, result.output)
            assert harmless(result.output), (command, result.output)
            assert "owned" in result.output, command  # it is shown, as text


def test_a_start_that_fails_is_told_without_escapes():
    def answer(line: bytes) -> bytes:
        if line.endswith(b"\x04"):
            return b"MPY: soft reboot\r\nnearhum: \x1b[2Jno sensor\x9b31m. Look.\r\n>>> "
        return b"\r\n>>> "

    with scripted(answer) as (port, _):
        result = nearhum("resume", "--port", port)
    assert result.exit_code == 3
    assert "no sensor" in result.output
    assert harmless(result.output)


TAGS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><svg/onload=alert(1)>",
    "{{7*7}}",
)


@pytest.mark.parametrize("tag", TAGS)
def test_what_a_log_says_is_no_html(tag: str, tmp_path: Path):
    boot = {
        "version": tag,
        "board": tag,
        "boot": 1,
        "config": {"kind": tag, "rate_hz": 1, "n_hop": 1, tag: tag},
    }
    events = [
        {"event": "enrolled", "label": tag, "id": 1, "window": 0},
        {"event": tag, tag: tag, "window": 1},
    ]
    scores = bytearray(wire.RUN_HEADER_BYTES)
    wire.pack_run_header_into(scores, 0, 300, wire.WATCH, 4, True)
    payloads = [
        (wire.BOOT, json.dumps(boot).encode()),
        *((wire.EVENT, json.dumps(event).encode()) for event in events),
        (wire.RUN, bytes(scores) + bytes(4) + b"\1\2\0\1\1\1"),
    ]
    file = tmp_path / "x.nhl"
    file.write_bytes(
        b"".join(wire.pack_record(kind, i, 0, what) for i, (kind, what) in enumerate(payloads))
    )
    spans = tmp_path / "labels.csv"
    spans.write_text(
        "first,last,label\n0,1," + json.dumps(tag).replace('\\"', '""') + "\n2,3,normal\n"
    )
    page = tmp_path / "report.html"
    result = nearhum("report", str(file), "--labels", str(spans), "--out", str(page))
    assert result.exit_code == 0, result.output
    html = page.read_text()
    assert tag not in html or tag == "{{7*7}}"
    assert "49" not in re.findall(r"<h1>(.*)</h1>", html)
    for bad in ("<script>alert", "<img src=x", "<svg/onload", 'onerror=alert(1)>"'):
        assert bad not in html
    assert "alert(1)" in html or "7*7" in html  # it is shown, as text


def test_a_board_names_no_file(tmp_path: Path):
    evil = tmp_path / "evil.toml"
    evil.write_text('extends = "virtual"\n')
    with (
        scripted(answering({"get": reply("get", key="board", value=str(evil))})) as (port, _),
        pytest.raises(UsageError, match="no board"),
        targets.open_target(port, (), None, 10),
    ):
        raise AssertionError("a board chose a file of the host")
    with pytest.raises(HostError):
        board_files.named("../boards/virtual")
