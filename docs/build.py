"""Hooks of mkdocs that generate pages, so that they are never out of date.

commands.md is generated from the command line itself. The pages in REPOSITORY are files of the
repository. A page whose file does not exist is left out of the navigation.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import click
import nearhum
import typer
from mkdocs.structure.files import File, Files
from nearhum_host.paths import firmware_dir

ROOT = Path(__file__).resolve().parents[1]
REPOSITORY = {
    "evaluation.md": "EVALUATION.md",
    "performance.md": "PERFORMANCE.md",
    "reliability.md": "RELIABILITY.md",
    "security.md": "SECURITY.md",
    "changelog.md": "CHANGELOG.md",
    "boards.md": "boards/README.md",
}
# Pages with wide tables. The table of contents would take a fifth of their width.
WIDE = ("evaluation.md", "performance.md", "reliability.md")
_HEADER = re.compile(r"^\|.*\|$(?=\n\|---)", re.M)
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#:\s]+)(#[^)\s]*)?\)")


def on_config(config: Any) -> Any:
    """Leave out of the navigation the pages whose file does not exist."""
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
    """Add the generated pages."""
    files.append(File.generated(config, "commands.md", content=commands()))
    for page, file in REPOSITORY.items():
        if (ROOT / file).exists():
            content = _of_repository(ROOT / file)
            if page in WIDE:
                content = "---\nhide: [toc]\n---\n\n" + _HEADER.sub(_breakable, content)
            files.append(File.generated(config, page, content=content))
    return files


def _breakable(header: re.Match[str]) -> str:
    """Return the header of a table in which a line may break after each underscore."""
    return header[0].replace("_", "_<wbr>")


def _of_repository(file: Path) -> str:
    """Return a file of the repository with links within the site. Other links become text."""
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
    """Return the page of all commands, generated from the command line itself."""
    from nearhum_host.commands.cli import GROUPS, app

    first = {next(iter(commands)): title for title, commands in GROUPS.items()}
    out = [
        "# Commands",
        "",
        "This page is generated from the command line: `nearhum COMMAND --help` says the same.",
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
    return "\n".join([*out, *_verbs()])


def _verbs() -> list[str]:
    """Return the verbs of the board's console, from the tables beside them."""
    out = ["## The board's console", "", "Lines of `nearhum console`: `help` there says the same."]
    out += ["", "| | |", "|---|---|"]
    for module in dict.fromkeys(nearhum.VERBS.values()):
        file = firmware_dir() / "nearhum" / f"{module.replace('.', '/')}.py"
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "VERBS":
                assert isinstance(node.value, ast.Dict)
                for verb, made in zip(node.value.keys, node.value.values, strict=True):
                    assert isinstance(verb, ast.Constant)
                    assert isinstance(made, ast.Tuple)
                    text = ast.literal_eval(made.elts[1])
                    out.append(f"| `{verb.value}` | {_cell(text)} |")
    return out


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
