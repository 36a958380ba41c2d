"""Hooks of mkdocs: pages that are made and not written, so that they cannot be out of date.

commands.md comes from the command line itself; the pages named in REPOSITORY are files of the
repository. One that is not there yet is left out of the navigation.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import typer
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
REPOSITORY = {
    "evaluation.md": "EVALUATION.md",
    "performance.md": "PERFORMANCE.md",
    "reliability.md": "RELIABILITY.md",
    "security.md": "SECURITY.md",
    "changelog.md": "CHANGELOG.md",
    "boards.md": "boards/README.md",
}
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#:\s]+)(#[^)\s]*)?\)")


def on_config(config: Any) -> Any:
    """Leave pages out of the navigation whose file the repository has not."""
    absent = {page for page, file in REPOSITORY.items() if not (ROOT / file).exists()}

    def kept(items: list[Any]) -> list[Any]:
        out = []
        for item in items:
            ((title, what),) = item.items()
            if isinstance(what, list):
                out.append({title: kept(what)})
            elif what not in absent:
                out.append(item)
        return out

    config.nav = kept(config.nav)
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made."""
    files.append(File.generated(config, "commands.md", content=commands()))
    for page, file in REPOSITORY.items():
        if (ROOT / file).exists():
            files.append(File.generated(config, page, content=_of_repository(ROOT / file)))
    return files


def _of_repository(file: Path) -> str:
    """Return a file of the repository with links that lead within the site, or to nothing but
    their own text.
    """
    pages = {str((ROOT / target).resolve()): page for page, target in REPOSITORY.items()}

    def link(found: re.Match[str]) -> str:
        picture, text, target, anchor = found.groups()
        path = (file.parent / target).resolve()
        if str(path) in pages:
            return f"[{text}]({pages[str(path)]}{anchor or ''})"
        if path.is_relative_to(ROOT / "docs") and path.exists():
            return f"{picture}[{text}]({path.relative_to(ROOT / 'docs').as_posix()}{anchor or ''})"
        return text

    return _LINK.sub(link, file.read_text("utf-8"))


def commands() -> str:
    """Return the page of all commands, from the command line itself."""
    from nearhum_host.commands.cli import GROUPS, app

    first = {next(iter(commands)): title for title, commands in GROUPS.items()}
    out = [
        "# Commands",
        "",
        "Made from the command line itself: `nearhum COMMAND --help` says the same.",
        "",
    ]
    group = typer.main.get_command(app)
    context = click.Context(group, info_name="nearhum")
    for name in group.list_commands(context):  # type: ignore[attr-defined]
        command = group.get_command(context, name)  # type: ignore[attr-defined]
        if name in first:
            out += [f"## {first[name]}", ""]
        if hasattr(command, "list_commands"):
            out += [f"### nearhum {name}", "", (command.help or "").strip(), ""]
            inner = click.Context(command, info_name=name, parent=context)
            for sub in command.list_commands(inner):
                out += _command(f"{name} {sub}", command.get_command(inner, sub), inner, "####")
        else:
            out += _command(name, command, context, "###")
    return "\n".join(out)


def _command(name: str, command: Any, parent: Any, heading: str) -> list[str]:
    context = type(parent)(command, info_name=name.split()[-1], parent=parent)
    usage = " ".join(command.collect_usage_pieces(context))
    out = [f"{heading} nearhum {name}", "", (command.help or "").split("\f")[0].strip(), ""]
    out += ["```text", f"nearhum {name} {usage}".strip(), "```", ""]
    rows = []
    for param in command.params:
        if getattr(param, "hidden", False):
            continue
        record = param.get_help_record(context)
        if record is None:
            if getattr(param, "help", None):
                rows.append((f"`{param.make_metavar(context)}`", param.help))
        elif "--help" not in record[0]:
            rows.append((f"`{record[0].split('  ')[0]}`", record[1]))
    if rows:
        out += ["| | |", "|---|---|"]
        out += [f"| {a.replace('|', chr(92) + '|')} | {_cell(b)} |" for a, b in rows]
        out.append("")
    return out


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("[", "\\[")
