"""nearhum demo: show all of nearhum in a minute, without a board, on real recordings.

Enters: a public recording of a smartwatch. Leaves: figures, and a report as an HTML file.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .terminal import Json, note, print_json, progress, write_page

if TYPE_CHECKING:
    import numpy as np

    from ..recordings.nhr import Recording
    from ..serial_line.link import Link

RATE_HZ = 50
WINDOW, HOP = 200, 50  # Samples: a window of 4 s every second.
SPEED = 20  # The recording is played 20 times as fast as it was recorded.
LEARNED = "ABD"  # Shoulder abduction: the exercise that the board learns as normal.
ENROLLED = ("ROW", "PEN")  # The exercises that are enrolled by name.
SHOTS = 3  # Examples of each enrolled exercise.
LEAST = 18  # Windows to learn from, at least.
AXES = [f"{sensor} {axis}" for sensor in ("acceleration", "angular rate") for axis in "xyz"]
SETTINGS = {"n_hop": HOP, "source": {"names": AXES}}


def demo(
    out: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("report.html"),
    wearer: Annotated[
        int, typer.Option(min=1, max=6, help="One of the six wearers of the recording.")
    ] = 2,
    as_json: Json = False,
) -> None:
    """Learn one exercise, watch for others, and enrol two, on a virtual board.

    The board plays a real recording of a smartwatch.
    """
    from ..boards import board_files, deployment
    from ..boards.application import application
    from ..extras import needs
    from ..logs import log_file, seen
    from ..serial_line.link import connect
    from ..virtual import VirtualBoard

    with needs("eval"):
        from ..logs import traces
        from ..recordings import nhr
        from ..recordings.datasets import gestures
        from ..report import page

    began = time.monotonic()
    note(
        "This board is virtual: real MicroPython on this machine. Its sensor plays a recording of"
        " a smartwatch (seglearn)."
    )
    session, spans = session_of(gestures.seglearn_watch()[f"s{wearer:02d}", "L"])
    with tempfile.TemporaryDirectory(prefix="nearhum-demo-") as folder:
        card = Path(folder) / "sd"
        card.mkdir()
        nhr.write_nhr(session, card / "replay.nhr")
        (card / "replay.json").write_text(f'{{"speed": {SPEED}}}', encoding="utf-8")
        with VirtualBoard("rp2040", sd=card) as board, connect(board.path) as link:
            with progress("1/4 deploying", "bytes") as bar:
                done = deployment.deploy(
                    link, application(board_files.load("virtual"), SETTINGS), bar
                )
            note(
                f"1/4 deployed {len(done.copied)} files, {done.n_bytes} bytes, in"
                f" {done.seconds:.1f} s to {board.path}"
            )
            log = Path(folder) / "demo.nhl"
            status, n_pulls = follow(link, log, session.n_frames // HOP)
            # The report compares the state at this moment with what is normal.
            seen.save(log, seen.look_at(link))
            note(
                f"3/4 pulled the log {n_pulls} times while the detector ran:"
                f" {log.stat().st_size} bytes"
            )
        trace = traces.trace(log_file.read_log(log), "demo", spans)
        labels = Path(folder) / "labels.csv"
        labels.write_text(
            "first,last,label\n" + "".join(f"{a},{b},{label}\n" for a, b, label in spans),
            encoding="utf-8",
        )
        text = page.report(log, labels)
    write_page(out, text)
    note(f"4/4 report: {out}")
    figures = judge(trace, status)
    figures["seconds"] = round(time.monotonic() - began, 1)
    if as_json:
        print_json(figures)
    else:
        show(figures)


def session_of(exercises: dict[str, np.ndarray]) -> tuple[Recording, list[tuple[int, int, str]]]:
    """Return the recording that the sensor plays, and the truth as (first, last window, label).

    The first 60 % of the learned exercise are learned (LEAST windows at least), the rest is
    watched. Then the other exercises follow. The windows that two of them are enrolled from are not
    judged later. The commands `learn` and `enrol` are cues of the recording.
    """
    from ..recordings.nhr import Recording

    session = Recording(RATE_HZ, 6)
    spans: list[tuple[int, int, str]] = []
    window = 0

    def play(frames: np.ndarray, label: str, cue: str = "") -> None:
        nonlocal window
        n = (len(frames) - WINDOW) // HOP + 1 if not cue.startswith("~") else len(frames) // HOP
        session.add(frames, cue)
        if label:
            spans.append((window, window + n - 1, label))
        window += n

    own = exercises[LEARNED]
    n_learn = max(int(len(own) * 0.6 / HOP) * HOP, WINDOW + (LEAST - 1) * HOP)
    windows = (n_learn - WINDOW) // HOP + 1
    play(own[:n_learn], "", f"learn {windows}")
    play(own[n_learn : len(own) // HOP * HOP], "normal", "~watch")
    for name in ENROLLED:
        play(exercises[name][: WINDOW + (SHOTS - 1) * HOP], "", f"enrol {name} {SHOTS}")
    for name in sorted(set(exercises) - {LEARNED}):
        play(exercises[name][WINDOW + (SHOTS - 1) * HOP :], name)
    return session, spans


def follow(link: Link, log: Path, n_windows: int) -> tuple[dict[str, Any], int]:
    """Pull the log repeatedly until the recording is over.

    Returns the last status and the number of pulls.
    """
    from ..logs.pulling import pull

    n_pulls = 0
    with progress("2/4 learning, watching, enrolling", "windows") as bar:
        while True:
            status = link.ask("status")
            bar(min(status["n_windows"], n_windows), n_windows)
            pull(link, log)
            n_pulls += 1
            if status["source"] == "end":
                return status, n_pulls
            time.sleep(0.5)


def judge(trace: Any, status: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of the demo, as fractions from 0 to 1, and those of trivial detectors."""
    import numpy as np

    from ..evaluation import metrics

    known = trace.known & trace.watching & np.isfinite(trace.scores)
    strange = trace.truth[known] != "normal"
    alarm = trace.alarm[known]
    asked = np.isin(trace.truth, ENROLLED)
    return {
        "board": "virtual",
        "auc": metrics.auc(strange, trace.scores[known]),
        "false_alarms": float(alarm[~strange].mean()),
        "detections": float(alarm[strange].mean()),
        "recognition": metrics.accuracy(trace.truth[asked], trace.labels[asked]),
        "recognition_always_the_first": metrics.accuracy(
            trace.truth[asked], np.full(asked.sum(), ENROLLED[0])
        ),
        "n_normal": int((~strange).sum()),
        "n_strange": int(strange.sum()),
        "n_asked": int(asked.sum()),
        "state_bytes": status["state_bytes"],
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures as a table, with trivial detectors for comparison."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        "", "AUC", "false alarms", "detections", "recognition", box=None, padding=(0, 2, 0, 0)
    )

    def row(name: str, *shares: float) -> None:
        table.add_row(name, f"{shares[0]:.3f}", *(f"{share:.1%}" for share in shares[1:]))

    row(
        "nearhum, on the board",
        *(figures[key] for key in ("auc", "false_alarms", "detections", "recognition")),
    )
    row("always alarm, always the first label", 0.5, 1, 1, figures["recognition_always_the_first"])
    row("never alarm", 0.5, 0, 0, 0)
    row("a coin", 0.5, 0.5, 0.5, 0.5)
    console = Console()
    console.print(table)
    console.print(
        f"{figures['n_normal']} normal and {figures['n_strange']} strange windows,"
        f" {figures['n_asked']} of the enrolled exercises; learned state {figures['state_bytes']}"
        f" bytes; {figures['seconds']} s. The board was virtual.",
        highlight=False,
    )
