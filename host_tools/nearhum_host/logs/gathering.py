"""Pull the logs of all attached boards into one folder, in parallel, and turn them into tables.

Enters: ports and a folder. Leaves: `logs/BOARD.nhl` and `logs/BOARD.seen.json` for each board, and
the tables (`tables`).

BOARD is the board's name and its chip's number. If a board's flash was erased, its records are
numbered from 0 again. They then go into a second journal, `logs/BOARD.2.nhl`. A board that fails is
reported and does not delay the others.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb
from nearhum.errors import NearhumError

from ..errors import DeviceError, HostError
from ..serial_line.link import Link
from . import pulling, seen
from .log_file import SUFFIX, read_log
from .seen import name_of
from .tabling import tabulate


@dataclass
class Gathered:
    """The result of one port.

    board: name in the folder, "" if the board did not answer. n_records, n_windows: added now.
    n_missing: records that were gone before they could be pulled. error, hint: "" on success.
    """

    port: str
    board: str = ""
    n_records: int = 0
    n_windows: int = 0
    n_missing: int = 0
    journal: int = 0
    error: str = ""
    hint: str = ""
    exit_code: int = 0


def gather(
    ports: Sequence[str],
    folder: Path,
    resume: bool = False,
    on_board: Callable[[Gathered], None] = lambda done: None,
) -> list[Gathered]:
    """Pull from all ports in parallel into a folder, and bring its tables up to date.

    resume: whether a stopped application may be started again.
    on_board: called with each result, from that board's thread.
    Returns the results in the order of ports. Errors of a board are in its result, not raised.
    """
    claims = Claims()

    def one(port: str) -> Gathered:
        done = Gathered(port)
        try:
            gather_one(port, folder, resume, claims, done)
        except HostError as error:
            done.error, done.hint, done.exit_code = error.message, error.hint, error.exit_code
        except NearhumError as error:
            done.error, done.hint, done.exit_code = error.message, error.hint, 1
        except (OSError, duckdb.Error) as error:  # of one board's files: the others go on
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            done.error, done.hint, done.exit_code = why, "its log is kept; repeat the pull", 1
        on_board(done)
        return done

    with ThreadPoolExecutor(max_workers=max(1, min(32, len(ports)))) as pool:
        return list(pool.map(one, ports))


def gather_one(port: str, folder: Path, resume: bool, claims: Claims, done: Gathered) -> None:
    """Pull from one port into a folder and bring its tables up to date. Fills in done.

    Raises HostError or NearhumError.
    """
    with Link(port, lambda: resume) as link:
        status = link.ask("status")
        done.board = name_of(status)
        claims.claim(done.board, port, str(status.get("id") or ""))
        # Before the log is fetched, so that the records up to now get a time.
        pulling.tell_time(link, status)
        pulled, done.journal = _pull(link, folder / "logs", done.board, bool(status.get("id")))
        done.n_records = pulled.n_records
        done.n_missing = sum(gap.before - gap.first for gap in pulled.gaps)
        seen.save(pulled.file, seen.look_at(link))
    done.n_windows = tabulate(folder, done.board, done.journal, read_log(pulled.file))


def journal_file(folder: Path, board: str, journal: int) -> Path:
    """Return the path of a board's log. journal: 1, and one more after each erased flash."""
    return folder / f"{board}{'' if journal == 1 else f'.{journal}'}{SUFFIX}"


def _pull(link: Link, folder: Path, board: str, is_known: bool) -> tuple[pulling.Pulled, int]:
    journal = 1
    while journal_file(folder, board, journal + 1).exists():
        journal += 1
    file = journal_file(folder, board, journal)
    try:
        return pulling.pull(link, file), journal
    except pulling.OtherJournal as error:
        if not is_known:
            raise HostError(
                f"{link.port} is another board called {board!r}, or its log was reset:"
                f" {error.message}",
                "give one of the boards another name: `nearhum set board NAME`, then `nearhum"
                " resume`",
            ) from None
    # It is the same chip, so its flash was erased and its records are numbered from 0 again.
    return pulling.pull(link, journal_file(folder, board, journal + 1)), journal + 1


class Claims:
    """Notes which port has which board, so that two boards of one name never share a log."""

    def __init__(self) -> None:
        self._ports: dict[str, str] = {}
        self._lock = threading.Lock()

    def claim(self, board: str, port: str, chip: str) -> None:
        """Claim a board's log for a port. Raises HostError if another port has claimed it.

        chip: the chip's number, "" if it has none.
        """
        with self._lock:
            # on Windows Pump and pump are one file
            other = self._ports.setdefault(os.path.normcase(board), port)
        if other == port:
            return
        if chip:
            raise DeviceError(
                f"{port} is the board that {other} is: {board}", "name each board once"
            )
        raise HostError(
            f"{other} and {port} are both called {board!r}, and their chips have no number",
            f"give one another name: `nearhum set board NAME --port {port}`, then `nearhum resume"
            f" --port {port}`",
        )
