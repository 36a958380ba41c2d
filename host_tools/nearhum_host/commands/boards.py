"""nearhum boards: list the board files, or show all settings of one."""

import dataclasses
import json
from typing import Annotated, Any

import typer

from ..boards import board_files as board_files
from .terminal import note, tell


def boards(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A board, or the path of your own .toml file: show all of its settings."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the boards nearhum knows, or show and check one board file."""
    if name is None:
        known = [board_files.load(one) for one in board_files.names()]
        if as_json:
            print(json.dumps({"boards": [_described(board) for board in known]}))
            return
        width = max(len(board.name) for board in known)
        for board in known:
            signal = f"{board.kind} from {board.source['driver']}"
            tell(f"{board.name:{width}}  {board.title}, {board.chip}, {signal}")
        return
    from ..boards.checking import configuration

    board = board_files.load(name)
    whole = configuration.check(board.config(), board.chip, board.port, board.file)
    if as_json:
        print(json.dumps(_described(board)))
    else:
        for key, value in _flat(_described(board)):
            tell(f"{key} = {value}")
    source = board.source.get("wraps", board.source["driver"])
    note(f"ok: {name}: {source} on {board.chip}, {whole['n_channels']} x {whole['rate_hz']:g} Hz")


def _described(board: board_files.Board) -> dict[str, Any]:
    described = dataclasses.asdict(board)
    del described["file"]
    described["usb_ids"] = [f"{vid:04x}:{pid:04x}" for vid, pid in board.usb_ids]
    return described


def _flat(table: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            rows += _flat(value, f"{prefix}{key}.")
        else:
            rows.append((prefix + key, json.dumps(value)))
    return rows
