"""Test deploying to a virtual board: a real file system behind a real raw REPL, and failures."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import nearhum
import pytest
from nearhum_host import paths as carried
from nearhum_host.boards import application, board_files, deployment
from nearhum_host.boards.deployment import Deployed, NoSpace, deploy
from nearhum_host.boards.upgrade import places
from nearhum_host.errors import DeviceError, HostError
from nearhum_host.serial_line import repl
from nearhum_host.serial_line.link import Link

if TYPE_CHECKING:
    from nearhum_host.virtual import VirtualBoard

# The smallest program that a deploy takes for the detector: its start line, then a loop.
LOOP = b"""
import sys
sys.stdout.write('{"ok":true,"verb":"start","version":"%s","board":"b"}\\n')
import time
while True:
    time.sleep_ms(20)
"""
FILES = {
    **application.starters("x64"),
    "/nearhum/__init__.py": b"",
    "/nearhum/start.py": LOOP % b"1",
    "/nearhum/a.mpy": bytes(range(256)) * 20,
    "/nearhum/deep/b.mpy": b"b" * 3000,
    "/nearhum.json": b"{}\n",
}


def put(board: "VirtualBoard", files: dict[str, bytes], **more: object) -> Deployed:
    with Link(board.path) as link:
        return deploy(link, files, **more)  # type: ignore[arg-type]


def on_board(board: "VirtualBoard", path: str) -> bytes | None:
    """The contents of a file on the board, None where there is none; the board is stopped for
    it.
    """
    with Link(board.path) as link, repl.stopped(link) as there:
        code = f"try:\n print(open({path!r},'rb').read().hex())\nexcept OSError:\n print('none')"
        said = there.run(code).strip()
    return None if said == "none" else bytes.fromhex(said)


def test_only_what_changed_is_copied(virtual_board: Callable[..., "VirtualBoard"]):
    board = virtual_board()
    first = put(board, FILES)
    assert sorted(first.copied) == sorted([*FILES, deployment.MANIFEST_PATH])
    assert first.copied[-4:] == [
        "/nearhum.json", deployment.MANIFEST_PATH, "/choose_app.mpy", "/main.py",
    ]  # fmt: skip
    assert first.start["version"] == "1"
    assert first.n_bytes > sum(map(len, FILES.values()))

    again = put(board, FILES)
    assert (again.copied, again.removed, again.n_bytes) == ([], [], 0)
    assert again.start["version"] == "1"

    changed = {**FILES, "/nearhum/start.py": LOOP % b"2"}
    del changed["/nearhum/deep/b.mpy"]
    third = put(board, changed)
    assert third.copied == ["/nearhum/start.py", deployment.MANIFEST_PATH]
    assert third.removed == ["/nearhum/deep/b.mpy"]
    assert third.unchanged == ["/nearhum.json", "/nearhum/__init__.py", "/nearhum/a.mpy"]
    assert (third.start["version"], third.folder) == ("2", "/beside")
    # what was the same, the board has copied; the one before is as it was
    assert on_board(board, "/beside/nearhum/a.mpy") == FILES["/nearhum/a.mpy"]
    assert on_board(board, "/beside/nearhum/deep/b.mpy") is None
    assert on_board(board, "/nearhum/start.py") == FILES["/nearhum/start.py"]

    fourth = put(board, {**changed, "/nearhum/start.py": LOOP % b"3"})
    assert (fourth.start["version"], fourth.folder) == ("3", "/")
    assert on_board(board, "/nearhum/deep/b.mpy") is None
    assert on_board(board, "/nearhum.app") == b"/\n/beside\n"


def test_what_is_not_the_application_stays(virtual_board: Callable[..., "VirtualBoard"]):
    board = virtual_board()
    with Link(board.path) as link, repl.stopped(link) as there:
        for path in ("/hum/state.a", "/lib/mine.py", "/notes.txt"):
            there.run(f"_mk({path!r})\nwith open({path!r},'w') as f:\n f.write('keep')")
        there.run(
            "_mk('/nearhum/x')\nwith open('/nearhum/a.py','w') as f:\n f.write('shadows a.mpy')"
        )
    done = put(board, FILES)  # it stands alone there: nothing is whole that could be kept
    assert (done.removed, done.folder) == (["/nearhum/a.py"], "/")
    with Link(board.path) as link, repl.stopped(link) as there:
        there.run("with open('/nearhum/a.py','w') as f:\n f.write('shadows a.mpy')")
    done = put(board, FILES)
    assert (done.removed, done.folder, done.n_bytes) == (["/nearhum/a.py"], "/beside", 0)
    for path in ("/hum/state.a", "/lib/mine.py", "/notes.txt"):
        assert on_board(board, path) == b"keep"


def test_a_file_that_was_changed_on_the_board_is_put_right(
    virtual_board: Callable[..., "VirtualBoard"],
):
    board = virtual_board()
    put(board, FILES)
    with Link(board.path) as link, repl.stopped(link) as there:
        there.run("with open('/nearhum/a.mpy','ab') as f:\n f.write(b'!')")
    assert put(board, FILES).copied == ["/nearhum/a.mpy"]
    assert on_board(board, "/nearhum.app") is None


def test_what_does_not_fit_is_not_begun(virtual_board: Callable[..., "VirtualBoard"]):
    board = virtual_board()
    put(board, FILES)
    with Link(board.path) as link:
        with pytest.raises(NoSpace, match=r"full: \d+ bytes needed, \d+ free") as caught:
            deploy(link, {**FILES, "/main.py": b"never", "/nearhum/big.mpy": bytes(1_450_000)})
        assert "Make room" in caught.value.hint
        assert deploy(link, FILES).copied == []


def test_a_file_system_that_fills_up_on_the_way_keeps_the_old_file(
    virtual_board: Callable[..., "VirtualBoard"], monkeypatch: pytest.MonkeyPatch
):
    board = virtual_board()
    put(board, FILES)
    # the check is too late to help
    monkeypatch.setattr(repl.Repl, "free_space", lambda self: (4096, 10_000))
    monkeypatch.setattr(repl, "CHUNK_BYTES", 16384)
    with Link(board.path) as link, pytest.raises(NoSpace, match="ENOSPC|28"):
        deploy(link, {**FILES, "/nearhum/a.mpy": bytes(1_450_000)})
    assert on_board(board, "/nearhum/a.mpy") == FILES["/nearhum/a.mpy"]
    assert on_board(board, "/beside/nearhum/a.mpy.new") is None
    assert on_board(board, "/nearhum.app") is None


def test_a_plug_pulled_half_way(virtual_board: Callable[..., "VirtualBoard"]):
    board = virtual_board()
    put(board, FILES)
    new = {
        **FILES,
        "/nearhum/a.mpy": b"n" * 5000,
        "/nearhum/c.mpy": b"c" * 5000,
        "/nearhum/start.py": LOOP % b"2",
    }

    def pull_plug(done: int, total: int) -> None:
        if done > 6000:
            board.unplug()

    with pytest.raises(DeviceError, match="1 file sent") as caught:
        put(board, new, on_bytes=pull_plug)
    assert "continues where it stopped" in caught.value.hint
    board.replug()
    # half a deploy starts the old one, and is no damage
    with Link(board.path) as link:
        assert link.resume()["version"] == "1"
    done = put(board, new)
    assert "/nearhum/a.mpy" in done.unchanged
    assert "/nearhum/c.mpy" in done.copied
    assert done.start["version"] == "2"
    assert on_board(board, "/beside/nearhum/c.mpy.new") is None


def test_bytes_that_change_on_the_way_are_noticed(
    virtual_board: Callable[..., "VirtualBoard"], monkeypatch: pytest.MonkeyPatch
):
    board = virtual_board()
    put(board, FILES)
    true = repl.b2a_base64
    monkeypatch.setattr(
        repl, "b2a_base64", lambda chunk, newline: true(chunk[:-1] + b"?", newline=newline)
    )
    with (
        Link(board.path) as link,
        pytest.raises(DeviceError, match="a.mpy arrived damaged; no file was changed"),
    ):
        deploy(link, {**FILES, "/nearhum/a.mpy": b"new" * 100})
    assert on_board(board, "/nearhum/a.mpy") == FILES["/nearhum/a.mpy"]


def test_a_program_that_does_not_start_says_why(virtual_board: Callable[..., "VirtualBoard"]):
    board = virtual_board()
    with Link(board.path) as link:
        with pytest.raises(DeviceError, match="the detector did not start: ValueError: boo"):
            deploy(link, {"/main.py": b"raise ValueError('boo')\n"})
        with pytest.raises(DeviceError, match="the detector did not start$"):
            deploy(link, {"/main.py": b"\n"})
        assert link.on_stopped() is False
        with pytest.raises(DeviceError, match="is stopped") as caught:
            link.ask("status")
        assert "nearhum resume --port" in caught.value.hint


# --- the one before -------------------------------------------------------------------------------


def test_the_one_before_is_put_back_and_no_other(virtual_board: Callable[..., "VirtualBoard"]):
    board = virtual_board()
    put(board, FILES)
    with Link(board.path) as link:
        with pytest.raises(DeviceError, match="no application to put back") as caught:
            deployment.undo(link)
        assert "ten minutes" in caught.value.hint
        deploy(link, {**FILES, "/nearhum/start.py": LOOP % b"2"})
        done = deployment.undo(link)
        assert (done.start["version"], done.folder) == ("1", "/")
        with pytest.raises(DeviceError, match="no application to put back"):
            deployment.undo(link)
    # the next deploy has the one that was taken back still there
    again = put(board, {**FILES, "/nearhum/start.py": LOOP % b"2"})
    assert (again.n_bytes, again.start["version"], again.folder) == (0, "2", "/beside")


def test_a_list_of_hashes_goes_before_the_files_that_it_is_of(
    virtual_board: Callable[..., "VirtualBoard"],
):
    board = virtual_board()
    put(board, FILES)
    put(board, {**FILES, "/nearhum/start.py": LOOP % b"2"})

    def cut_off(done: int, of: int) -> None:
        raise HostError("the host goes away", hint="")

    with pytest.raises(HostError, match="goes away"):
        put(board, {**FILES, "/nearhum/start.py": LOOP % b"3"}, on_bytes=cut_off)
    # what is half written is of no application, and is not put back
    assert on_board(board, "/nearhum.mft") is None
    with Link(board.path) as link:
        assert link.resume()["version"] == "2"
        with pytest.raises(DeviceError, match="no application to put back"):
            deployment.undo(link)


def test_what_is_damaged_is_not_put_back(virtual_board: Callable[..., "VirtualBoard"]):
    board = virtual_board()
    put(board, FILES)
    put(board, {**FILES, "/nearhum/start.py": LOOP % b"2"})
    with Link(board.path) as link:
        with repl.stopped(link) as there:
            there.run("with open('/nearhum/a.mpy','ab') as f:\n f.write(b'!')")
        with pytest.raises(DeviceError, match="no application to put back"):
            deployment.undo(link)
        assert link.resume()["version"] == "2"


def test_the_other_one_starts_where_the_named_one_is_not_whole(
    virtual_board: Callable[..., "VirtualBoard"],
):
    board = virtual_board()
    put(board, FILES)
    put(board, {**FILES, "/nearhum/start.py": LOOP % b"2"})
    damage = (
        "with open('/beside/nearhum/a.mpy','ab') as f:\n f.write(b'!')",
        "import os\nos.remove('/beside/nearhum.mft')",
        "with open('/nearhum.app','wb') as f:\n f.write(b'/besid')",  # names nothing: it is /
        "with open('/nearhum.app','wb') as f:\n f.write(b'\\xff\\xfe')",
    )
    for code in damage:
        with Link(board.path) as link:
            with repl.stopped(link) as there:
                there.run(code)
            assert link.resume()["version"] == "1", code
        # a deploy puts it right, and keeps the one that runs until then
        done = put(board, {**FILES, "/nearhum/start.py": LOOP % b"2"})
        assert (done.start["version"], done.folder) == ("2", "/beside"), code


def test_damage_of_what_starts_an_application_is_found(
    virtual_board: Callable[..., "VirtualBoard"],
):
    board = virtual_board()
    put(board, FILES)
    with Link(board.path) as link:
        with repl.stopped(link) as there:
            there.run("with open('/main.py','ab') as f:\n f.write(b'#')")
        assert link.resume()["version"] == "1"
        with repl.stopped(link) as there:
            assert there.run("import nearhum\nprint(nearhum.wrong)").strip() == "/main.py"
            there.run("with open('/choose_app.mpy','r+b') as f:\n f.seek(99)\n f.write(b'!!')")
        with pytest.raises(DeviceError, match="choose_app.mpy is not as it was deployed"):
            link.resume()
    assert put(board, FILES).copied == ["/choose_app.mpy", "/main.py"]


def test_the_log_keeps_its_room_beside_two_applications(
    virtual_board: Callable[..., "VirtualBoard"],
):
    board = virtual_board()
    put(board, FILES)
    big = {**FILES, "/nearhum/big.mpy": bytes(400_000)}
    with Link(board.path) as link:
        with repl.stopped(link) as there:
            there.run(
                "_mk('/hum/log/x')\nfor i in range(56):\n"
                " with open('/hum/log/%08x.seg'%i,'wb') as f:\n  f.write(bytes(16384))"
            )
        with pytest.raises(NoSpace, match=r"full: (\d+) bytes needed, (\d+) free") as caught:
            deploy(link, big)
        assert "the application that runs stays" in caught.value.message
        assert "reset log" in caught.value.hint
        assert link.resume()["version"] == "1"
        with repl.stopped(link) as there:
            there.run("for e in os.listdir('/hum/log'):os.remove('/hum/log/'+e)")
        assert deploy(link, big).folder == "/beside"


def test_a_board_with_a_key_takes_no_older_version(
    virtual_board: Callable[..., "VirtualBoard"], monkeypatch: pytest.MonkeyPatch
):
    board = virtual_board()
    key = {application.KEY_PATH: b"k" * 32}
    monkeypatch.setattr(places, "__version__", "0.10.0")
    monkeypatch.setattr(deployment, "__version__", "0.10.0")
    real = {**application.application(board_files.load("virtual"), key=b"k" * 32)}
    with Link(board.path) as link:
        with pytest.raises(DeviceError, match="its sensor does not"):  # it runs
            deploy(link, real)
        monkeypatch.setattr(places, "__version__", "0.9.1")
        monkeypatch.setattr(deployment, "__version__", "0.9.1")
        with pytest.raises(DeviceError, match=r"nearhum 0\.10\.0, and .* older 0\.9\.1") as caught:
            deploy(link, {**FILES, **key})
        assert "upgrade nearhum" in caught.value.hint
        assert "--no-key" in caught.value.hint
        assert link.resume()["board"] == "virtual"  # as it was
        # without its key the same is taken
        assert deploy(link, FILES, no_key=True).start["version"] == "1"


# --- what is deployed -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", board_files.names())
def test_the_application_is_the_same_every_time(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    board = board_files.load(name)
    first = application.application(board)
    assert any(tmp_path.rglob("*.mpy"))
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: pytest.fail("compiled again"))
    assert application.application(board) == first
    assert {"/main.py", "/nearhum.json", "/nearhum/wire.mpy"} <= set(first)
    for name in ("thumb", "thumb_spectrum"):
        assert (f"/nearhum/kernels/{name}.mpy" in first) <= (board.mpy_arch == "armv6m")
    assert all(
        contents[:2] == b"M\x06" for path, contents in first.items() if path.endswith(".mpy")
    )


def test_a_module_that_does_not_compile_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    source = tmp_path / "x.py"
    source.write_text("def f(:\n")
    with pytest.raises(
        HostError, match="(?s)nearhum/x.py does not compile for xtensawin.*SyntaxError"
    ):
        application.compiled(source, "nearhum/x.py", "xtensawin")


def test_mip_installs_every_module():
    firmware = carried.firmware_dir()
    package = json.loads((firmware / "package.json").read_text())
    modules = {
        source.relative_to(firmware).as_posix() for source in (firmware / "nearhum").rglob("*.py")
    }
    assert {target for target, _ in package["urls"]} == modules
    assert all(target == source for target, source in package["urls"])
    assert package["version"] == nearhum.__version__
