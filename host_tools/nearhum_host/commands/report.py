"""nearhum report: draw a log or an evaluation as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .terminal import Json, print_json, write_page


def report(
    path: Annotated[
        Path,
        typer.Argument(
            help="A log (NAME.nhl), a folder with one, or a run folder of evaluate.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="The HTML file to write.")] = Path(
        "report.html"
    ),
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            help=(
                "The truth about a log: csv with the columns first,last,label. Windows are counted"
                " from the log's start. The label is normal, or any other."
            ),
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Draw a log or an evaluation: scores, threshold, alarms, what was learned.

    The page is one file that can be read offline.
    """
    from ..extras import needs

    with needs("eval"):
        from ..report import page as drawing
    text = drawing.report(path, labels)
    write_page(out, text)
    if as_json:
        print_json({"file": str(out), "bytes": len(text.encode())})
    else:
        print(f"{out}: {len(text.encode()) / 1000:.0f} kB")
