"""nearhum pull: fetch the journal of a board, or of all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .terminal import Json, Ports, Resume, note, print_json, print_rows, progress, tell

if TYPE_CHECKING:
    from ..logs.gathering import Gathered


def pull(
    path: Annotated[
        Path,
        typer.Argument(
            help=(
                "A log (NAME.nhl), or a run folder, which gets a journal.nhl; with --all, a folder."
            )
        ),
    ],
    all_boards: Annotated[
        bool,
        typer.Option(
            "--all",
            help=(
                "From every board on USB, or on each --port, at once; and into tables for `query`."
            ),
        ),
    ] = False,
    form: Annotated[
        str | None,
        typer.Option(
            "--as",
            help="Beside it what others read, a row a window: csv, parquet, ei-json, ei-cbor.",
            show_default=False,
        ),
    ] = None,
    ports: Ports = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Append to a log what the board has recorded since; the detector goes on meanwhile."""
    from ..errors import UsageError

    if all_boards and form:
        raise UsageError("--all has Parquet tables already", "without --as; or one board at a time")
    if all_boards:
        _pull_all(path, ports or [], resume, as_json)
    elif ports and len(ports) > 1:
        raise UsageError(
            "several boards cannot be pulled into one log",
            "nearhum pull FOLDER --all --port A --port B",
        )
    else:
        _pull_one(path, ports[0] if ports else None, resume, as_json, form)


def _pull_one(path: Path, port: str | None, resume: bool, as_json: bool, form: str | None) -> None:
    from ..boards import keys
    from ..extras import needs
    from ..logs import chained, pulling, seen
    from ..logs.log_file import read_log
    from ..serial_line.link import connect

    if form:
        with needs("train" if form == "parquet" else "eval"):
            from ..logs import exporting
        exporting.check_form(form)
    with connect(port, resume) as link:
        link.ask("status")  # a stopped board is asked about before the bar is drawn
        with progress("pulling", "records") as bar:
            done = pulling.pull(link, path, bar)
        seen.save(done.file, seen.look_at(link))
    written, log = [], read_log(done.file)
    if form:
        written = exporting.export_log(log, done.file, form)
    if done.torn_bytes:
        note(
            f"cut off {done.torn_bytes} bytes of a record that an interrupted write had left at"
            " the end"
        )
    for gap in done.gaps:
        note(
            f"records {gap.first} to {gap.before - 1} were gone from the board before they could be"
            " pulled"
        )
    found = chained.check(log, keys.known())
    for text in chained.told(found):
        note(text)
    if as_json:
        gaps = [{"first": gap.first, "before": gap.before} for gap in done.gaps]
        files = [str(file) for file in written]
        print_json(
            {**vars(done), "file": str(done.file), "gaps": gaps, "written": files}
            | {"chain": vars(found)}
        )
    else:
        tell(
            f"{done.file}: {done.n_records} new records, {done.n_bytes} bytes; the next is"
            f" {done.next_seq}"
        )
        for file in written:
            tell(f"{file}: a row a window" if form in ("csv", "parquet") else str(file))


def _pull_all(folder: Path, named: list[str], resume: bool, as_json: bool) -> None:
    from ..errors import DeviceError, UsageError
    from ..extras import needs
    from ..serial_line.ports import board_ports

    with needs("fleet"):
        from ..logs.gathering import gather
    ports = list(dict.fromkeys(named)) or list(board_ports())
    if not ports:
        raise DeviceError(
            "there is no board on any USB port", "plug one in, or name ports: --port A --port B"
        )
    if folder.is_file():
        raise UsageError(f"{folder} is a file", "with --all, name a folder")

    def say(one: Gathered) -> None:
        note(f"{one.port}: {one.error or f'{one.board}, {one.n_records} new records'}")

    done = gather(ports, folder, resume, say)
    rows = [{key: value for key, value in vars(one).items() if key != "exit_code"} for one in done]
    if as_json:
        print_json(rows)
    else:
        shown = ("board", "port", "n_records", "n_windows", "n_missing")
        print_rows([{key: row[key] for key in shown} for row in rows if not row["error"]])
    failed = [one for one in done if one.error]
    if failed:
        first = failed[0]
        told = (
            first.error
            if len(failed) == 1
            else f"{len(failed)} of {len(done)} boards failed; {first.error}"
        )
        raise DeviceError(told, first.hint, max(one.exit_code for one in failed))
