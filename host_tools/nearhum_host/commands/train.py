"""nearhum train: a head from labelled recordings, or from an ONNX file; nearhum head: what is
in a head file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .terminal import DayFirst, Json, note, print_json, print_pairs, print_rows


def train(
    recordings: Annotated[Path, typer.Argument(help="Folder of labelled recordings.")],
    board: Annotated[
        str, typer.Option("--board", help="Board whose settings make the features.")
    ] = "virtual",
    out: Annotated[Path, typer.Option("--out", help="The head file to write.")] = Path("head.nhh"),
    method: Annotated[
        str | None,
        typer.Option(
            "--method",
            help=(
                "softmax (the default), lda (one layer; the default for words), dense (two), conv"
                " (convolutions)."
            ),
            show_default=False,
        ),
    ] = None,
    n_out: Annotated[
        int, typer.Option("--dims", min=1, max=128, help="Dimensions of the embedding, at most.")
    ] = 24,
    names: Annotated[
        str,
        typer.Option(
            "--names", help="Where in a recording's name {label}, {group} and {session} stand."
        ),
    ] = "{label}/*",
    label_column: Annotated[
        str | None,
        typer.Option("--label-column", help="Column of the label, in tables (csv, Parquet)."),
    ] = None,
    group_column: Annotated[
        str | None,
        typer.Option("--group-column", help="Column of who or what it is of, in tables."),
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", help="Columns of samples, with commas.")
    ] = None,
    day_first: DayFirst = None,
    onnx: Annotated[
        Path | None,
        typer.Option("--onnx", help="Take this network; recordings calibrate and judge it."),
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="Kind of signal; without it the board's.")
    ] = None,
    rate_hz: Annotated[
        float | None, typer.Option("--rate", help="Frames a second; without it the board's.")
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option(
            "--scale", help="Counts per unit of the files: one, or one a column with commas."
        ),
    ] = None,
    changed: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE: a setting of the board.")
    ] = None,
    about: Annotated[
        str, typer.Option("--about", help="What the card says of the recordings: source, licence.")
    ] = "",
    key: Annotated[
        str | None,
        typer.Option("--key", help="Sign it with this key (`nearhum key`).", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a head on recordings, through the features that the firmware computes of them; wav,
    csv, npy, npz, Parquet.

    A folder is a label, unless --names or --label-column says otherwise. A group is a speaker, a
    wearer, a machine: with --names '{label}/{group}_*' the head is also asked about groups it never
    saw; a session is a hand or a day of theirs. Figures are shares of right answers.
    """
    from ..extras import needs

    with needs("train"):
        from ..boards.board_files import load
        from ..heads import card, labelled, training
        from ..recordings.counts import scales
        from ..recordings.tables.meaning import Named
    from ..boards import keys
    from ..boards.checking import kinds
    from ..boards.checking.configuration import setting

    secret = keys.load(key) if key is not None else b""
    given: dict[str, Any] = dict(setting(text) for text in changed or [])
    given |= {key: v for key, v in (("kind", kind), ("rate_hz", rate_hz)) if v is not None}
    config = load(board).config(given)
    kinds.check(config["kind"], config["rate_hz"], config, "what is trained on")
    config.pop("source", None)
    config.pop("head", None)
    chosen = Named(columns.split(",") if columns else None, label_column, group_column, day_first)
    some, notes = labelled.labelled(recordings, config["rate_hz"], scales(scale), names, chosen)
    for text in notes:
        note(text)
    config["n_channels"] = some[0].frames.shape[1]
    told = {"about": about}
    if onnx is not None:
        with needs("onnx"):
            from ..heads.onnx_graph import layers_of
        found = training.import_head(some, config, layers_of(onnx), {**told, "imported": onnx.name})
    else:
        found = training.train(some, config, method, n_out, told)
    card.write(out, found.head)
    if key is not None:
        keys.sign_file(out, secret)
    _print(found.figures, as_json)
    note(f"wrote {out}: `nearhum deploy --head {out}` puts it on a board")


def head(
    file: Annotated[Path, typer.Argument(help="A head file.")],
    as_json: Json = False,
) -> None:
    """Print the model card of a head file: what it was trained on, its layers, what it costs
    and is worth.
    """
    from ..extras import needs

    with needs("train"):
        from ..heads import card
        from ..heads.cost import cost
    found = card.read(file)
    told = {
        **found.card,
        "layers": card.shapes(found.n_in, found.layers),
        "n_features": found.n_in,
        "n_out": found.n_out,
        "on_the_board": cost(found.n_in, found.layers, file.stat().st_size),
    }
    figures = told.pop("figures", {})
    if as_json:
        print_json({**told, "figures": figures})
        return
    print_pairs(told)
    for rows in figures.values():
        print_rows([_percent(row) for row in rows])


def _print(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(figures)
        return
    print_pairs({k: v for k, v in figures.items() if k not in ("accuracy", "few_shot")})
    print(
        "\nRight answers in percent: by the softmax, and by the nearest mean where that is cut"
        " off\n"
    )
    print_rows([_percent(row) for row in figures["accuracy"]])
    if figures["few_shot"]:
        print(
            "\nRight answers in percent after a few examples, by the board's own recogniser;"
            " unknown counts as wrong\n"
        )
        print_rows([_percent(row) for row in figures["few_shot"]])
    print("\nTimes are of an emulated RP2040 at 125 MHz: a multiplication as PERFORMANCE.md has it")


def _percent(row: dict[str, Any]) -> dict[str, Any]:
    return {
        key: f"{100 * value:.1f}" if isinstance(value, float) else value
        for key, value in row.items()
    }
