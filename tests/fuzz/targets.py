"""Targets for fuzzing: the parts of the host tools that read bytes from elsewhere.

Enters: any bytes. Leaves: nothing, or an exception, which is a defect. HostError and NearhumError
are the right answer to bad input and pass. An AssertionError means that a promise was broken.

`make fuzz` searches for inputs by coverage (run.py). tests/host/test_corpus.py runs the inputs in
tests/corpus/NAME.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from nearhum import wire
from nearhum.errors import NearhumError
from nearhum_host.boards import board_files, state_image
from nearhum_host.boards.checking import configuration
from nearhum_host.commands import status as status_command
from nearhum_host.commands import terminal
from nearhum_host.errors import DeviceError, HostError
from nearhum_host.logs import log_file, pulling, traces
from nearhum_host.recordings import converting, nhr
from nearhum_host.serial_line import answers, link, repl
from rich.console import Console

TARGETS: dict[str, Callable[[bytes], None]] = {}
FOLDER = Path(
    tempfile.mkdtemp(prefix="nearhum-fuzz-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
)


def target(run: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """Register a function as the target of its name. An error with a message passes."""

    @functools.wraps(run)
    def guarded(given: bytes) -> None:
        with contextlib.suppress(HostError, NearhumError):
            run(given)

    TARGETS[run.__name__] = guarded
    return guarded


def _file(name: str, contents: bytes) -> Path:
    path = FOLDER / name
    path.write_bytes(contents)
    return path


# --- logs -----------------------------------------------------------------------------------------


@target
def log(given: bytes) -> None:
    """Parse any bytes as a log file."""
    found = log_file.parse(given)
    whole = sum(record.n_bytes for record in found.records) + sum(
        damage.n_bytes for damage in found.damages
    )
    assert whole == len(given), "every byte is a record or damage"
    seqs = [record.seq for record in found.records]
    assert seqs == sorted(set(seqs)), "records rise"
    traces.trace(found, "fuzz")


def records_in(given: bytes) -> bytes:
    """Return a sound log from bytes that describe records: kind, step of seq, length, payload."""
    out, at, seq = [], 0, 0
    while at + 3 <= len(given):
        kind, step, n = (
            given[at] % 4 + 1,
            given[at + 1],
            given[at + 2] * (4 if given[at] & 16 else 1),
        )
        seq += step or 1
        ticks_ms = given[at] << 24 | step
        out.append(wire.pack_record(kind, seq, ticks_ms, given[at + 3 : at + 3 + n]))
        at += 3 + n
    return b"".join(out)


@target
def records(given: bytes) -> None:
    """Decode a log whose records are sound but hold any content."""
    found = log_file.parse(records_in(given))
    assert not found.damages
    trace = traces.trace(found, "fuzz")
    for _, event in trace.events:
        harmless(json.dumps(event.what, ensure_ascii=False), "events")


@target
def report(given: bytes) -> None:
    """Draw the report of a log. Its content must appear as text, never as a tag."""
    from nearhum_host.report import page as drawing

    page = drawing.report(_file("fuzz.nhl", records_in(given) + given))
    harmless(page.replace("\n", ""), "the page")
    lower = page.lower()
    for tag in ("<script", "<img", "<iframe", "javascript:", "<a ", "<object", "<link"):
        assert tag not in lower, tag


@target
def labels(given: bytes) -> None:
    """Read any bytes as a csv of labels."""
    for first, last, label in traces.read_labels(_file("labels.csv", given)):
        assert 0 <= first <= last
        assert label


# --- what was learned -----------------------------------------------------------------------------


@target
def image(given: bytes) -> None:
    """Read a state, a snapshot or a head: first as it is, then with its envelope repaired."""
    for magic in (wire.STATE_MAGIC, wire.SNAPSHOT_MAGIC, wire.HEAD_MAGIC):
        with contextlib.suppress(NearhumError):
            wire.unseal(magic, given, "it")
    sealed = wire.seal(wire.STATE_MAGIC, len(given), 1, given)
    assert bytes(wire.unseal(wire.STATE_MAGIC, sealed, "it")[2]) == given
    state = state_image.load(_file("fuzz.nhs", given))
    state_image.check_fits(state, sealed)


# --- recordings -----------------------------------------------------------------------------------

_KINDS = (".nhr", ".npy", ".npz", ".csv", ".wav")


@target
def recording(given: bytes) -> None:
    """Convert a recording of any format.

    The first byte chooses the format, and whether the header of an .nhr is repaired first.
    """
    kind = given[0] if given else 0
    suffix, contents = _KINDS[kind % len(_KINDS)], given[1:]
    if suffix == ".nhr" and kind & 8 and len(contents) >= 24:
        contents = contents[:20] + struct.pack("<I", wire.crc32(contents[:20])) + contents[24:]
    source = _file("fuzz" + suffix, contents)
    made = FOLDER / "made.nhr"
    scale = 1000.0 if kind & 16 else None
    found = converting.to_nhr(
        source, made, rate_hz=None if suffix in (".nhr", ".wav") else 50.0, scale=scale
    )
    again = nhr.read_nhr(made)
    assert again.n_frames == found.recording.n_frames > 0


# --- board files ----------------------------------------------------------------------------------


@target
def board(given: bytes) -> None:
    """Load a board file, and have the firmware check its settings."""
    found = board_files.load(str(_file("fuzz.toml", given)))
    config = found.config()
    configuration.check(config, found.chip, found.port)
    json.dumps(config)


# --- the line -------------------------------------------------------------------------------------


def harmless(text: str, where: str) -> None:
    """Fail where a text holds what steers a terminal."""
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text), (
        f"a control character in {where}"
    )


@target
def answer(given: bytes) -> None:
    """Read one line of a board. It must be ignored, refused, or safe to use and to show."""
    found = link.answer_in(b'{"ok":' + given)
    if found is None:
        return
    found.pop("ok", None)
    found = answers.checked(found)
    if found.get("verb") == "status":
        status_command.ended(found)
        found = status_command.readable("port", found)
    said = io.StringIO()
    with mock.patch("rich.console.Console", functools.partial(console, file=said)):
        terminal.print_pairs(found)
    harmless(said.getvalue().replace("\n", ""), "the terminal")


def console(*, file: io.StringIO) -> Console:
    """Return a terminal that writes into a text."""
    return Console(file=file, width=80, color_system=None)


class Liar:
    """A link to a board whose answers are the lines of given bytes."""

    def __init__(self, given: bytes) -> None:
        self._lines: Iterator[bytes] = iter(given.split(b"\n"))

    def ask(self, line: str, patience_s: float = 0) -> dict[str, Any]:
        """Return the next answer, as Link.ask does."""
        found = link.answer_in(
            b'{"ok":true,"verb":"%s",' % line.split()[0].encode() + next(self._lines, b"}")
        )
        if found is None:
            raise DeviceError("no answer")
        found.pop("ok", None)
        return answers.checked(found)


@target
def pull(given: bytes) -> None:
    """Pull from a board that answers anything. The file must be a log, or not exist."""
    folder = FOLDER / "pull"
    folder.mkdir(exist_ok=True)
    file = folder / "fuzz.nhl"
    file.unlink(missing_ok=True)
    try:
        pulling.pull(Liar(given), file)  # type: ignore[arg-type]
    finally:
        assert [path.name for path in folder.iterdir()] in ([], ["fuzz.nhl"])
        if file.exists():
            assert not log_file.parse(file.read_bytes()).damages


@target
def backup(given: bytes) -> None:
    """Back up a board that answers anything, also as its name."""
    there = Liar(given)
    name = state_image.dated_name(str(there.ask("status").get("board")))
    assert name.parent == Path(), name
    assert name.name.isascii()
    assert not name.name.startswith(".")
    wire.unseal(wire.STATE_MAGIC, state_image.fetch(there), "it")  # type: ignore[arg-type]


class _Said(repl.Repl):
    """A board at its REPL that prints given lines."""

    def __init__(self, given: bytes) -> None:
        self._said = iter(given.split(b"\n"))

    def run(self, code: str) -> str:
        return next(self._said, b"").decode(errors="replace")


@target
def prompt(given: bytes) -> None:
    """Read what a stopped board prints about its files."""
    there = _Said(given)
    with contextlib.suppress(HostError):
        for path, found in there.hashes(["/"]).items():
            assert isinstance(path, str)
            assert isinstance(found.n_bytes, int)
    there.free_space()
