"""The user's own programs on a board: a deploy keeps them, `nearhum remove` puts them back."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from host.boards.test_deploy import FILES, LOOP, on_board, put
from host.commands.test_commands import call
from nearhum_host.boards.upgrade import programs
from nearhum_host.errors import DeviceError
from nearhum_host.serial_line import repl
from nearhum_host.serial_line.link import Link

if TYPE_CHECKING:
    from nearhum_host.virtual import VirtualBoard

OWN = b"print('greenhouse')\n"
BOOT = b"print('of my own')\n"
KEPT = "/main.py.before-nearhum"


def write(board: "VirtualBoard", files: dict[str, bytes]) -> None:
    with Link(board.path) as link, repl.stopped(link) as there:
        for path, contents in files.items():
            there.write(path, contents)


def paths(board: "VirtualBoard") -> set[str]:
    with Link(board.path) as link, repl.stopped(link) as there:
        return set(there.ask("list(_walk('/'))"))


def remove(board: "VirtualBoard", everything: bool = False) -> programs.Removed:
    with Link(board.path) as link:
        return programs.remove(link, everything)


def test_a_program_of_the_users_own_is_kept_and_put_back(
    virtual_board: Callable[..., "VirtualBoard"],
):
    board = virtual_board()
    write(board, {"/main.py": OWN, "/boot.py": BOOT, "/lib/mine.py": OWN})
    done = put(board, FILES)
    assert (done.kept, done.start["version"]) == (KEPT, "1")
    assert on_board(board, KEPT) == OWN
    again = put(board, {**FILES, "/nearhum/start.py": LOOP % b"2"})
    assert (again.kept, again.folder) == ("", "/beside")  # main.py is nearhum's now

    write(board, {"/hum/state.a": b"learned", "/nearhum/key": b"k" * 32})
    gone = remove(board)
    assert (gone.put_back, gone.left) == (KEPT, [])
    left = {"/main.py", "/boot.py", "/lib/mine.py", "/hum/state.a", "/nearhum/key"}
    assert paths(board) == left
    assert on_board(board, "/main.py") == OWN
    assert on_board(board, "/boot.py") == BOOT
    remove(board, everything=True)
    assert paths(board) == {"/main.py", "/boot.py", "/lib/mine.py"}
    with pytest.raises(DeviceError, match="no nearhum on the board"):
        remove(board)
    assert on_board(board, "/main.py") == OWN


def test_no_kept_program_replaces_another(virtual_board: Callable[..., "VirtualBoard"]):
    board = virtual_board()
    put(board, FILES)
    for n, text in enumerate((b"1", b"2", b"1")):
        write(board, {"/main.py": text})
        done = put(board, FILES)
        assert done.kept == (KEPT, KEPT + ".1", KEPT)[n]
    gone = remove(board)
    assert (gone.put_back, gone.left) == (KEPT + ".1", [KEPT])
    assert on_board(board, "/main.py") == b"2"
    assert paths(board) == {"/main.py", KEPT}


def test_nearhums_own_main_is_no_users_program(
    virtual_board: Callable[..., "VirtualBoard"], tmp_path: Path
):
    board = virtual_board()
    put(board, FILES)
    assert put(board, FILES).kept == ""
    said = call(board, tmp_path, "remove").stdout
    assert "nothing starts by itself now; what was learned stays" in said
    assert paths(board) == set()


def test_only_a_whole_seal_of_the_whole_text_is_nearhums(
    virtual_board: Callable[..., "VirtualBoard"],
):
    """A program that speaks of sums, or was made of nearhum's, is the user's own."""
    board = virtual_board()
    put(board, FILES)
    ours = FILES["/main.py"]
    body, _, seal = ours.rpartition(b"# sha256 ")
    for n, text in enumerate(
        (
            OWN + b"# sha256 " + seal,  # of another text
            body + b"print('mine')\n# sha256 " + seal,
            # right, but in no line of its own
            OWN[:-1] + b"# sha256 %s\n" % hashlib.sha256(OWN[:-1]).hexdigest().encode(),
            ours + b"#",
            ours + OWN,
            b"# sha256 " + seal,
            b"",
        )
    ):
        write(board, {"/main.py": text})
        kept = put(board, FILES).kept
        assert kept == (f"{KEPT}.{n}" if n else KEPT), text[-90:]
        assert on_board(board, kept) == text
        assert on_board(board, "/main.py") == ours


def test_a_removal_that_is_cut_off_goes_on(
    virtual_board: Callable[..., "VirtualBoard"], monkeypatch: pytest.MonkeyPatch
):
    board = virtual_board()
    write(board, {"/main.py": OWN})
    put(board, FILES)

    def pulled(*_: object) -> None:
        raise DeviceError("the plug is out")

    with monkeypatch.context() as patch:
        patch.setattr(repl.Repl, "remove", pulled)
        with pytest.raises(DeviceError, match="plug"):
            remove(board)
    assert on_board(board, "/main.py") == OWN  # from here on nearhum does not start
    assert remove(board).put_back == KEPT
    assert paths(board) == {"/main.py"}
