"""nearhum train: a head from labelled recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..terminal import Json, note, print_json, print_pairs


def train(
    recordings: Annotated[Path, typer.Argument(help="Folder with a folder of recordings for each label.")],
    board: Annotated[str, typer.Option("--board", help="Board whose settings make the features.")] = "virtual",
    out: Annotated[Path, typer.Option("--out", help="The head file to write.")] = Path("head.nhh"),
    method: Annotated[str, typer.Option("--method", help="lda, or dense: two layers under a softmax.")] = "lda",
    n_out: Annotated[int, typer.Option("--dims", min=1, max=128, help="Dimensions of the embedding.")] = 16,
    kind: Annotated[str | None, typer.Option("--kind", help="Kind of signal; without it the board's.")] = None,
    rate_hz: Annotated[float | None, typer.Option("--rate", help="Frames a second; without it the board's.")] = None,
    scale: Annotated[float | None, typer.Option("--scale", help="Counts per unit of the files.")] = None,
    as_json: Json = False,
) -> None:
    """Train a head on recordings, through the features that the firmware computes of them.

    Every fifth recording of a label is held out; the figures are shares of its windows. Set the file as `head` when you
    deploy.
    """
    from ..extras import needs

    with needs("train"):
        from .. import training
        from ..boards import load
    config = load(board).config({key: v for key, v in (("kind", kind), ("rate_hz", rate_hz)) if v is not None})
    config.pop("source", None)
    config.pop("head", None)
    found = training.train(training.labelled(recordings, config["rate_hz"], scale), config, method, n_out)
    training.write(out, found.head)
    if as_json:
        print_json(found.figures)
    else:
        print_pairs(found.figures)
    note(f"wrote {out}: `nearhum deploy` with head set to where it lies on the board")
