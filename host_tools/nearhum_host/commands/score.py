"""nearhum score: recordings of one's own through the firmware, in one command."""

from __future__ import annotations

import time
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from .terminal import DayFirst, Json, note, print_json, print_rows, progress, tell


def score(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Recordings of one sensor, or a folder: csv, tsv, wav, Parquet, npy, npz."
        ),
    ],
    learn: Annotated[
        str | None,
        typer.Option(
            "--learn",
            help="How much of the beginning is normal: 2m (the default, half of it at most).",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind", help="telemetry, vibration, motion, audio …; guessed.", show_default=False
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option("--rate", help="Samples a second, where the file does not say it."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option("--columns", help="Columns of samples, by name or number, with commas."),
    ] = None,
    label_column: Annotated[
        str | None, typer.Option("--label-column", help="Column that says what is true of a row.")
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels", help="csv with from,until,label: ISO time, or seconds from the start."
        ),
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option("--scale", help="Counts per unit, one or one a column; guessed."),
    ] = None,
    day_first: DayFirst = None,
    changed: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE: a setting of the board.")
    ] = None,
    board: Annotated[
        str, typer.Option("--board", "-b", help="Board that the board file is for.")
    ] = "virtual",
    form: Annotated[
        str | None,
        typer.Option(
            "--as",
            help="Also what others read: csv or parquet (a row a window), ei-json, ei-cbor, wav.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for log, report and board file.", show_default=False),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say how each file was read, and why so.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Learn the beginning of a recording, watch the rest, and report what was strange.

    The firmware itself runs on this machine: no board, no board file. Written are the log, a
    report, figures where labels are known, and a board file that fits, for `nearhum deploy`.
    """
    from ..boards import fitted_file
    from ..boards.checking.configuration import setting
    from ..extras import needs

    with needs("eval"):
        from ..evaluation import scored_files, scoring
        from ..evaluation.scored_files import refuse_labels
        from ..recordings import capturing, fitting
        from ..recordings.counts import scales
        from ..recordings.labels_file import label_readings
        from ..recordings.reader import read_all
        from ..recordings.tables.meaning import Named
        from ..report.verdict import alarms, verdict
        from ..report.wording import plural
    began = time.monotonic()
    if form:
        scored_files.check_form(form)
    seconds = capturing.seconds_of(learn) if learn else None
    named = Named(columns.split(",") if columns else None, label_column, day_first=day_first)
    for file in files:
        refuse_labels(file)
    name = scored_files.name_of(files)
    where = out or Path(f"{name}-scored")
    scored_files.check_place(where, name, board)
    readings = read_all(files, named, rate)
    for reading in readings[:8]:
        note(reading.taken)
    if len(readings) > 8:
        note(f"and {len(readings) - 8} more")
    if labels:
        label_readings(labels, readings, day_first)
    settings = dict(setting(text) for text in changed or [])
    fit = fitting.fit(readings, kind, scales(scale), settings)
    for text in fit.why:
        note(text)
    fitted_file.check(fit, board, str(files[0]))
    if explain:
        for reading in readings:
            tell(f"{reading.path}:")
            for text in reading.how:
                tell(f"  {text}")
    with progress(f"scoring {name}", "bytes") as bar:
        found = scoring.score(readings, fit, seconds, name, on_progress=bar)
    written = scored_files.write(where, name, found, fit, board, [str(file) for file in files])
    files_as = scored_files.write_as(where, name, found, readings, form) if form else []
    took_s = time.monotonic() - began
    said = verdict(found.trace, alarms(found.trace))
    if as_json:
        about = scored_files.told(found, fit, said, readings, written)
        print_json({**about, "as": [str(file) for file in files_as], "took_s": round(took_s, 2)})
        return
    tell(said.headline)
    for sentence in said.sentences:
        tell(sentence)
    if found.figures:
        spans = plural(len(found.spans), "span")
        tell(f"normal: {', '.join(found.normal) or 'no label'}; figures of {spans}")
        print_rows([_figures(found.figures)])
    for what, path in written.items():
        note(f"{what}: {path}")
    for path in files_as:
        note(f"{form}: {path}")
    length_s = found.recording.n_frames / found.recording.rate_hz
    note(f"{length_s:.4g} s of {fit.n_channels} x {fit.rate_hz:g} Hz took {took_s:.1f} s")
    note(f"next: nearhum deploy --board {quote(str(written['board file']))} --port PORT")
    note("PORT: that of a board of yours, or the one that `nearhum virtual` prints")


def _figures(figures: list[tuple[str, Any]]) -> dict[str, str]:
    return {name: "–" if share is None else f"{100 * share:.1f} %" for name, share in figures}
