"""nearhum pull: fetch the board's journal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..terminal import Json, Port, Resume, note, print_json, progress, tell


def pull(
    path: Annotated[Path, typer.Argument(help="A log file (NAME.nhl), or a run folder that gets a journal.nhl.")],
    port: Port = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Append to a log what the board has recorded since; the detector goes on meanwhile."""
    from .. import pulling, seen
    from ..link import connect

    with connect(port, resume) as link:
        link.ask("status")  # a stopped board is asked about before the bar is drawn
        with progress("pulling", "records") as bar:
            done = pulling.pull(link, path, bar)
        seen.save(done.file, seen.look_at(link))
    if done.torn_bytes:
        note(f"cut off {done.torn_bytes} bytes of a record that an interrupted write had left at the end")
    for gap in done.gaps:
        note(f"records {gap.first} to {gap.before - 1} were gone from the board before they could be pulled")
    if as_json:
        gaps = [{"first": gap.first, "before": gap.before} for gap in done.gaps]
        print_json({**vars(done), "file": str(done.file), "gaps": gaps})
    else:
        tell(f"{done.file}: {done.n_records} new records, {done.n_bytes} bytes; the next is {done.next_seq}")
