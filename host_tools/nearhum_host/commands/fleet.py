"""nearhum fleet: merge what many boards have learned, deploy to many, and evaluate their logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..amounts import plural
from .terminal import Json, note, print_json, print_rows, progress, tell

fleet = typer.Typer(
    help="Merge what many boards have learned, deploy to many, evaluate their logs.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
BoardFile = Annotated[
    str,
    typer.Option(
        "--board", "-b", help="The boards' name (`nearhum boards`) or your own .toml file."
    ),
]


@fleet.command("merge")
def merge(
    backups: Annotated[
        list[Path], typer.Argument(help="Backups (.nhs), one for each board, or folders of them.")
    ],
    board: BoardFile,
    out: Annotated[Path, typer.Option("--out", "-o", help="The prior to write.")] = Path(
        "prior.nhs"
    ),
    trim: Annotated[
        bool,
        typer.Option(
            "--trim",
            help="Leave out the quarter of the boards that is furthest from the median board.",
        ),
    ] = False,
    head: Annotated[
        Path | None,
        typer.Option(help="The trained head that the settings name.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Merge what many boards have learned into one prior.

    The prior is the exact sum of their counts, sums and sums of squares, in any order. Labels are
    merged by name. A faulty or manipulated board falsifies the sum: --trim leaves such boards out.
    """
    from ..boards import board_files, state_image
    from ..errors import UsageError
    from ..fleet import merging

    if out.exists():
        raise UsageError(f"{out} exists", hint="choose another name with --out")
    try:
        head_image = head.read_bytes() if head else None
    except OSError as error:
        raise UsageError(f"cannot read {head}: {error.strerror}") from None
    done = merging.merge(
        merging.read_states(backups), board_files.load(board).config(), trim=trim, head=head_image
    )
    state_image.save(out, done.image)
    told: dict[str, Any] = {name: value for name, value in vars(done).items() if name != "image"}
    if as_json:
        print_json({"file": str(out), "n_bytes": len(done.image), **told})
        return
    for board_out in done.left_out:
        note(
            f"left out: {board_out['file']}, {board_out['apart']} median deviations from the others"
        )
    if done.dropped:
        note(
            f"dropped {plural(done.dropped, 'window')}: their modes have less than a twentieth of"
            " all windows"
        )
    if done.scaled != 1:
        note(
            f"scaled all counts by {done.scaled:.3g}: a prototype counts at most 16,777,215 windows"
        )
    if done.examples_left:
        note(f"{plural(done.examples_left, 'example')} did not fit; their sums are included")
    print_rows([{**mode, "label": mode["label"] or "(normal)"} for mode in done.modes])
    for name, count in done.labels.items():
        tell(f"label {name}: {plural(count, 'example')}")
    print(
        f"{out}: {len(done.image)} bytes, from {plural(done.boards, 'board')}; threshold"
        f" {done.threshold:.2f} octaves"
    )


@fleet.command("deploy")
def deploy(
    board: BoardFile,
    prior: Annotated[
        Path, typer.Option("--prior", help="The prior (.nhs) that the boards start from.")
    ],
    port: Annotated[
        list[str] | None,
        typer.Option(
            "--port",
            "-p",
            help="A port. Repeat it for each board. Default: all boards on USB.",
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key", help="A key (`nearhum key`) that all of the boards have.", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Deploy the application, and a prior to start from, to every attached board.

    What a board has learned stays.
    """
    from ..boards import board_files, keys, state_image
    from ..fleet import deploying

    secret = keys.load(key) if key else None
    image, board_file = (
        keys.signed_for(state_image.load(prior), secret, str(prior)),
        board_files.load(board),
    )
    with progress("deploying", "boards") as bar:
        done = deploying.deploy(deploying.ports(port), board_file, image, bar, secret)
    if as_json:
        print_json([vars(one) for one in done])
    else:
        print_rows(
            [
                {"port": one.port, "board": one.board, "result": one.error or one.told}
                for one in done
            ]
        )
    failed = [one for one in done if one.error]
    if failed:
        note(f"{len(failed)} of {plural(len(done), 'board')} failed; repeat the command for those")
        raise typer.Exit(3)


@fleet.command("evaluate")
def evaluate(
    folder: Annotated[
        Path, typer.Argument(help="The tables that `nearhum pull FOLDER --all` makes.")
    ],
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            help="The truth: csv with the columns board,from_utc,until_utc,label.",
            show_default=False,
        ),
    ] = None,
    engine: Annotated[str, typer.Option("--engine", help="duckdb, or spark.")] = "duckdb",
    master: Annotated[
        str, typer.Option("--master", help="Spark's master: local[2], spark://HOST:7077, yarn.")
    ] = "local[2]",
    memory: Annotated[
        str, typer.Option("--memory", help="Memory of this machine that the engine may use.")
    ] = "3GB",
    as_json: Json = False,
) -> None:
    """Evaluate the logs of many boards: alarms per day, time in alarm, scores, and outliers."""
    from ..extras import needs

    with needs("fleet"):
        from ..fleet import comparison, engines

    with engines.opened(folder, engine, master, memory) as backend:
        found = comparison.evaluate(backend, labels)
    if as_json:
        print_json(found.json())
        return
    shown = [board for board in found.boards if board.stands_out] or found.boards[:20]
    print_rows(
        [{title: _plain(getattr(board, name)) for title, name in _SHOWN.items()} for board in shown]
    )
    if len(shown) < len(found.boards):
        note(f"{plural(len(found.boards) - len(shown), 'more board')}; --json lists all of them")
    print_rows([{"all boards": name, "": _plain(value)} for name, value in found.pooled.items()])
    if found.truth:
        print_rows([{name: _plain(value) for name, value in row.items()} for row in found.truth])


def _plain(value: Any) -> Any:
    return f"{value:.3f}" if isinstance(value, float) else value


_SHOWN = {
    "board": "board", "days": "days", "gone": "days_missing", "alarms/d": "alarms_per_day",
    "in alarm": "in_alarm", "level": "level", "1 in 100": "level_high", "resets": "resets",
    "stands out": "stands_out",
}  # fmt: skip
