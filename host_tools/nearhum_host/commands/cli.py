"""The command `nearhum`: finds the function of each command, and is the one place that catches
errors.

Exit codes: 0 done, 1 failed, 2 used wrongly, 3 the board (absent, busy, silent, or it refused).
A command's module is imported when the command is run or listed, so that starting is quick.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from typing import Annotated, Any

import typer
from nearhum.errors import NearhumError
from typer.core import TyperGroup

from ..errors import HostError

# group of `nearhum --help` -> command -> module in nearhum_host.commands and function in it, in the
# order in which a user meets them
GROUPS = {
    "Try it": {
        "demo": ("demo", "demo"),
        "sample": ("sample", "sample"),
        "score": ("score", "score"),
        "virtual": ("virtual", "virtual"),
    },
    "Set up a board": {
        "boards": ("boards", "boards"),
        "flash": ("flash", "flash"),
        "image": ("image", "image"),
        "package": ("package", "package"),
        "deploy": ("deploy", "deploy"),
        "selftest": ("selftest", "selftest"),
        "doctor": ("doctor", "doctor"),
        "remove": ("remove", "remove"),
        "get": ("settings", "get"),
        "set": ("settings", "set_"),
    },
    "Learn and watch": {
        "learn": ("learn", "learn"),
        "status": ("status", "status"),
        "watch": ("watch", "watch"),
        "live": ("live", "live"),
        "follow": ("follow", "follow"),
        "trust": ("trust", "trust"),
        "rollback": ("rollback", "rollback"),
    },
    "Teach it names": {
        "enrol": ("enrol", "enrol"),
        "list": ("list", "list_"),
        "forget": ("forget", "forget"),
        "relabel": ("relabel", "relabel"),
        "accept": ("decide", "accept"),
        "reject": ("decide", "reject"),
        "veto": ("trust", "veto"),
    },
    "Logs and reports": {
        "pull": ("pull", "pull"),
        "report": ("report", "report"),
        "query": ("query", "query"),
        "record": ("record", "record"),
    },
    "Many boards": {
        "fleet": ("fleet", "fleet"),
        "backup": ("backup", "backup"),
        "restore": ("restore", "restore"),
        "key": ("key", "key"),
    },
    "Development": {
        "evaluate": ("evaluate", "evaluate"),
        "train": ("train", "train"),
        "head": ("train", "head"),
        "bench": ("bench", "bench"),
        "console": ("console", "console"),
        "resume": ("resume", "resume"),
    },
}
COMMANDS = {name: where for group in GROUPS.values() for name, where in group.items()}
_GROUP_OF = {name: title for title, group in GROUPS.items() for name in group}
_TAKES_NEGATIVE = ("set",)


class Commands(TyperGroup):
    """The group of all commands: imports each on demand, and turns errors into a message and an
    exit code.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module, function = COMMANDS[cmd_name]
        try:
            run = getattr(import_module(f"nearhum_host.commands.{module}"), function)
        # not on this machine: it stays in the list, running it tells why
        except HostError as error:
            run = _raising(error)
        command = self._made(cmd_name, run)
        command.rich_help_panel = _GROUP_OF[cmd_name]
        return command

    def _made(self, cmd_name: str, run: Any) -> Any:
        if isinstance(run, typer.Typer):  # a group of its own
            group = typer.main.get_command(run)
            group.name = cmd_name
            return group
        single = typer.Typer(add_completion=False, rich_markup_mode="markdown")
        # -1 is a value, and no option
        settings = {"ignore_unknown_options": True} if cmd_name in _TAKES_NEGATIVE else None
        single.command(cmd_name, context_settings=settings)(run)
        return typer.main.get_command(single)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Say which command was meant where there is none of that name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = get_close_matches(args[0], COMMANDS, n=3, cutoff=0.5)
            meant = f"; did you mean {' or '.join(near)}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}{meant}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (HostError, NearhumError) as error:
            if ctx.params.get("traceback"):
                raise
            say(error.message, error.hint)
            raise typer.Exit(getattr(error, "exit_code", 1)) from None
        except typer.BadParameter as error:
            from .refused import value_error

            refused = value_error(error)
            if refused is None:
                raise
            say(refused.message, refused.hint)
            raise typer.Exit(refused.exit_code) from None
        except KeyboardInterrupt:
            # Ctrl-C is the way that `watch` and `follow` say they end by, and so no error.
            typer.echo(
                "Stopped by you. A board goes on with what it was told; `nearhum status` shows it.",
                err=True,
            )
            raise typer.Exit(130) from None


def _raising(error: HostError) -> Callable[[], None]:
    def run() -> None:
        raise error

    run.__doc__ = f"Not here: {error.message}."
    return run


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from nearhum import __version__

        print(f"nearhum {__version__}")
        raise typer.Exit


@app.callback()
def nearhum(
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show the full traceback of any error.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Learns the hum of a machine, and the few words or gestures it is shown, on a small board."""


def say(message: str, hint: str) -> None:
    """Print an error and its remedy on stderr."""
    from rich.console import Console
    from rich.text import Text

    from ..serial_line.visible_text import visible

    message, hint = visible(message), visible(hint)
    console = Console(stderr=True)
    console.print(Text("Error: ", "bold red") + Text(message), soft_wrap=True, highlight=False)
    if hint:
        console.print(Text("Next: ", "bold") + Text(hint), soft_wrap=True, highlight=False)


def take_any_sign(stream: Any) -> None:
    """Let a stream show what its encoding has not as ?, in place of ending the command.

    Windows gives a pipe, a file or an old console an encoding of 256 signs.
    """
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")


def main() -> None:
    """Run `nearhum` with the arguments of this process; exits it."""
    take_any_sign(sys.stdout)
    try:
        app()
    except Exception as error:  # a defect: whatever is wrong on purpose was said in Commands.invoke
        if "--traceback" in sys.argv:
            raise
        say(
            f"unexpected {type(error).__name__}: {error}",
            "this is a defect: run it again as `nearhum --traceback ...` and report what that"
            " prints",
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
