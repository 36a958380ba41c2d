"""Test keys: readable by the user only, given to a board, removed, unsigned files refused."""

import hashlib
import hmac
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nearhum import wire
from nearhum.storage import signing
from nearhum_host.boards import keys, state_image
from nearhum_host.commands import cli
from nearhum_host.errors import DeviceError, HostError, UsageError
from nearhum_host.recordings.nhr import Recording, write_nhr
from nearhum_host.serial_line.link import Link
from nearhum_host.serial_line.repl import Found, stopped
from nearhum_host.virtual import VirtualBoard
from typer.testing import CliRunner, Result


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


def nearhum(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def well(*arguments: object) -> str:
    result = nearhum(*arguments)
    assert result.exit_code == 0, (arguments, result.output)
    return result.output


def restored(file: str, port: str) -> str:
    time.sleep(1.01 - time.time() % 1)  # what the board had goes into a file named by the second
    return well("restore", file, "--port", port)


def state(fingerprint: int = 1, sequence: int = 1) -> bytes:
    return wire.seal(wire.STATE_MAGIC, fingerprint, sequence, bytes(100))


@settings(deadline=None, max_examples=80)
@given(st.binary(max_size=200), st.binary(max_size=300))
def test_the_boards_hmac_is_everybodys(key: bytes, message: bytes) -> None:
    assert signing.mac(key, message) == hmac.digest(key, message, "sha256")


@settings(deadline=None, max_examples=80)
@given(st.binary(max_size=300))
def test_no_bytes_pass_for_signed(image: bytes) -> None:
    with pytest.raises(wire.FormatError):
        signing.Signer(b"k" * 32).opened(image, "it")
    with pytest.raises(wire.FormatError):
        signing.Signer(b"k" * 32).opened(image + wire.SIGNED, "it")


def test_a_key_is_for_the_user_alone() -> None:
    assert str(keys.folder() / "pump.key") in well("key", "pump", "--new")
    file = keys.folder() / "pump.key"
    assert file == keys.folder() / "pump.key"
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) & 0o077 == 0
    key = keys.load("pump")
    assert len(key) == 32
    assert keys.load(str(file)) == key
    well("key", "fan", "--new")
    assert keys.load("pump") != keys.load("fan")
    assert keys.names() == ["fan", "pump"]
    assert keys.named_by(hashlib.sha256(key).hexdigest()) == "pump"
    assert nearhum("key", "pump", "--new").exit_code == 2  # never over another
    assert keys.load("pump") == key
    assert key.hex() not in well("key", "pump") + well("key") + well("key", "--json")


@pytest.mark.parametrize("name", ["../x", "a/b", "", "x" * 65, "-x", "a b", ".x"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(UsageError):
        keys.make(name)
    assert not keys.folder().exists() or not list(keys.folder().iterdir())


def test_keys_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no key 'nix'"):
        keys.load("nix")
    for text in ("", "00" * 32, "ab" * 31, "xy" * 32, "ab" * 33):
        file = tmp_path / "bad.key"
        file.write_text(text)
        file.chmod(0o600)
        with pytest.raises(HostError, match="is not a key file") as told:
            keys.load(str(file))
        assert told.value.hint == "64 hexadecimal digits are expected"
    if os.name == "posix":
        file.write_text("ab" * 32)
        for mode in (0o644, 0o640, 0o620, 0o610, 0o604, 0o602, 0o601):  # the group, or anybody
            file.chmod(mode)
            with pytest.raises(HostError, match="others may read"):
                keys.load(str(file))
        file.chmod(0o600)
        assert keys.load(str(file)) == b"\xab" * 32


def test_files_are_signed_and_nothing_else(tmp_path: Path) -> None:
    keys.make("pump")
    for name, image in (("a.nhs", state()), ("a.nhh", wire.seal(wire.HEAD_MAGIC, 0, 0, bytes(8)))):
        file = tmp_path / name
        file.write_bytes(image)
        for _ in range(2):
            well("key", "pump", "--sign", file)
            assert bytes(signing.Signer(keys.load("pump")).opened(file.read_bytes(), "it")) == image
    assert keys.signer_of(file.read_bytes()) == "pump"
    # a head may have a model card behind it, which is not the board's
    head, card = wire.seal(wire.HEAD_MAGIC, 0, 0, bytes(8)), wire.seal(b"NHC1", 0, 0, b"{}")
    for _ in range(2):
        file.write_bytes(head + card)
        well("key", "pump", "--sign", file)
        well("key", "pump", "--sign", file)
        assert file.read_bytes() == keys.signed(head, keys.load("pump")) + card
    for image in (b"", b"text", state()[:-1], head[:-1]):
        file.write_bytes(image)
        assert nearhum("key", "pump", "--sign", file).exit_code != 0
        assert file.read_bytes() == image
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["a.nhh", "a.nhs"]


def test_who_vouches_for_a_file() -> None:
    keys.make("mine")
    keys.make("too")
    mine, too, other = keys.load("mine"), keys.load("too"), b"o" * 32
    image = state()
    # a board without a key
    assert keys.signed_for(keys.signed(image, other), None, "x.nhs") == image
    assert keys.signed_for(keys.signed(image, mine), mine, "x.nhs") == keys.signed(image, mine)
    assert keys.signed_for(keys.signed(image, too), mine, "x.nhs") == keys.signed(image, mine)
    with pytest.raises(HostError, match="x.nhs is not signed"):
        keys.signed_for(image, mine, "x.nhs")
    with pytest.raises(HostError, match="not on this machine"):
        keys.signed_for(keys.signed(image, other), mine, "x.nhs")
    assert keys.as_taken(image, image, "x.nhs") == image
    assert keys.as_taken(keys.signed(image, too), keys.signed(image, mine), "x") == keys.signed(
        image, mine
    )
    assert keys.as_taken(keys.signed(image, mine), keys.signed(image, other), "x") == keys.signed(
        image, mine
    )
    with pytest.raises(HostError, match="the key of the board is not on this machine"):
        keys.as_taken(image, keys.signed(image, other), "x.nhs")


class Stopped:
    """A stopped board with this in its file of keys; what is written there is kept."""

    def __init__(self, key: bytes) -> None:
        self.key, self.written = key, []

    def ask(self, expression: str) -> list[int]:
        return list(self.key)

    def write(self, path: str, key: bytes) -> None:
        self.written.append(key)

    def run(self, code: str) -> None: ...


@pytest.mark.parametrize("old", [b"o" * 32, b"o" * 64, b"", b"o" * 31])
def test_a_file_that_holds_no_whole_keys_is_no_key(old: bytes) -> None:
    board = Stopped(old)
    keys.change(board, lying_there(old), b"n" * 32, "")  # type: ignore[arg-type]
    known = old if len(old) in (32, 64) else signing.NO_KEY
    assert board.written[0] == b"n" * 32 + known


def test_a_key_whose_code_is_gone_is_changed_by_the_code_that_comes() -> None:
    board, there = Stopped(b"o" * 32), lying_there(b"o" * 32, has_signing=False)
    then = keys.change(board, there, b"n" * 32, "")  # type: ignore[arg-type]
    assert then is not None
    assert board.written == []
    then()
    assert board.written == [b"n" * 32 + b"o" * 32, b"n" * 32]
    with pytest.raises(DeviceError, match="cannot remove the board's key"):
        keys.change(board, there, None, "")  # type: ignore[arg-type]


def lying_there(key: bytes, has_signing: bool = True) -> SimpleNamespace:
    """What lies on a board with these bytes in its file of keys."""
    return SimpleNamespace(
        there={keys.KEY_PATH: Found(len(key), hashlib.sha256(key).hexdigest())},
        starts=lambda: "",
        has_signing=lambda folder: has_signing,
    )


def test_a_board_gets_a_key_another_and_none(
    virtual_board: Callable[..., VirtualBoard], tmp_path: Path
) -> None:
    """The whole way over the serial line: what it knows stays, what somebody else made is
    refused.
    """
    card = tmp_path / "sd"
    card.mkdir()
    samples = Recording(50.0, 6)
    samples.add(np.random.default_rng(1).integers(-999, 999, (60_000, 6), dtype=np.int16))
    write_nhr(samples, card / "replay.nhr")
    port = virtual_board(sd=card).path
    board = ("--board", "virtual", "--port", port)
    for name in ("one", "two"):
        keys.make(name)

    def labels() -> list[str]:
        with Link(port) as link:
            assert link.ask("status")["warning"] == ""
            return link.ask("list")["vetoed"]

    well("deploy", *board)
    well("veto", "ours", "--port", port)
    well("backup", "unsigned.nhs", "--port", port)
    assert not signing.is_signed(Path("unsigned.nhs").read_bytes())
    well("deploy", *board, "--key", "one")
    assert labels() == ["ours"]
    well("backup", "one.nhs", "--port", port)
    assert keys.signer_of(Path("one.nhs").read_bytes()) == "one"
    # a deploy that says nothing of a key does not take it away
    result = nearhum("deploy", *board)
    assert (result.exit_code, "the board has a key, 'one'" in result.output) == (3, True)
    assert "Next: deploy with --key one" in result.output
    # what is not signed is refused here, and by the board whatever the host is
    result = nearhum("restore", "unsigned.nhs", "--port", port)
    assert (result.exit_code, "is not signed" in result.output) == (1, True)
    well("veto", "ours", "--off", "--port", port)
    with Link(port) as link:
        forged = Path("unsigned.nhs").read_bytes()
        fingerprint, _, body = state_image.opened(forged, "it")
        forged = wire.seal(wire.STATE_MAGIC, fingerprint, 1 << 20, bytes(body))
        for image in (forged, keys.signed(forged, b"x" * 32)):
            with pytest.raises(DeviceError, match="did not take"):
                state_image.give(link, image, "")
            assert "signed" in link.ask("status")["warning"]
            assert link.ask("list")["vetoed"] == []
    # its owner's is taken, and one that the owner says is trusted
    restored("one.nhs", port)
    assert labels() == ["ours"]
    well("key", "one", "--sign", "unsigned.nhs")
    restored("unsigned.nhs", port)
    assert labels() == ["ours"]
    well("deploy", *board, "--key", "two")
    assert labels() == ["ours"]
    restored("one.nhs", port)  # signed with a key that is here: signed anew for this board
    assert labels() == ["ours"]
    well("deploy", *board, "--no-key")
    assert labels() == ["ours"]
    restored("one.nhs", port)
    assert labels() == ["ours"]
    with Link(port) as link, stopped(link) as repl:
        there = repl.hashes(["/nearhum", "/hum"])
        link_files = [
            path for path in there if "key" in path or "signing" in path or path.endswith(".new")
        ]
        assert link_files == []
