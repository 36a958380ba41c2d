"""Test the documentation: every command in it runs, and the site builds and works without a
network.

The commands of a page run in their order, in a folder of their own, on one virtual board that hears
a hum. A comment before a block says what is different about it:

    <!-- docs: installs -->          needs a package index: its extras are looked up in
                                     pyproject.toml instead
    <!-- docs: background -->        runs while the page's other commands run
    <!-- docs: elsewhere FILE -->    is run by that test, which contains its name
    <!-- docs: spark -->             runs only in `make test-all`

What only a real board has is replaced, see `as_run`: its name by that of a virtual one, ten minutes
by windows. `flash` runs with --dry-run.
"""

import contextlib
import re
import shlex
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import browser
import click
import nearhum
import pytest
import typer
from conftest import ON_LINUX_X86_64
from host.commands.test_commands import BOARD_FILE, call, hum_recording
from nearhum_host.commands.cli import app
from states import states

if TYPE_CHECKING:
    from nearhum_host.virtual import VirtualBoard

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))
TEXTS = [*PAGES, *sorted(ROOT.glob("*.md")), ROOT / "boards" / "README.md"]
MARKS = ("", "installs", "background", "elsewhere", "spark")
_BLOCK = re.compile(r"(?:<!-- docs: (\w+) ?([^\n]*?) -->\n)?```(?:console|sh)\n(.*?)```", re.S)
SETTINGS = {
    "rate_hz": 200,
    "n_channels": 2,
    "n_window": 32,
    "n_hop": 2,
    "n_bands": 4,
    "f_low_hz": 0,
    "f_high_hz": 0,
}
LENGTHS = {"10m": "40", "24h": "400", "5m": "20"}
SPEED = "40"


class Command(NamedTuple):
    """A line of a block after its prompt, and what stands before the block."""

    line: str
    mark: str
    about: str


def commands(page: Path) -> list[Command]:
    """Return the commands of a page, in order."""
    out = []
    for mark, about, block in _BLOCK.findall(page.read_text("utf-8")):
        assert mark in MARKS, f"{page.name}: {mark}"
        lines = [line for line in block.splitlines() if line.strip()]
        assert all(line.startswith("$ ") for line in lines), (
            f"{page.name}: a block without prompts: {lines}"
        )
        out += [Command(line[2:], mark, about) for line in lines]
    return out


def as_run(line: str) -> list[str]:
    """Return the words of a command as they are run here."""
    words = shlex.split(line, comments=True)
    words = [LENGTHS.get(word, word) for word in words]
    if words[1] == "flash":
        return words + ["--dry-run"] * ("--dry-run" not in words)
    if words[1] == "selftest":
        return [*words, "virtual"]
    if words[1] == "deploy" and "--port" not in words:  # to a board that the page has not started
        words[words.index("--board") + 1] = "pump.toml"
    if words[1] == "virtual":
        words += ["--speed", SPEED]
    return [word for word in words if word != "&"]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator["VirtualBoard"]:
    """A virtual board that hears a hum of 200 Hz on two channels."""
    if not ON_LINUX_X86_64:
        pytest.skip("the virtual board needs Linux on x86-64")
    from nearhum_host.virtual import VirtualBoard

    sd = tmp_path_factory.mktemp("sd")
    (sd / "replay.nhr").write_bytes(hum_recording())
    (sd / "pump.toml").write_text(BOARD_FILE)
    with VirtualBoard(sd=sd) as board:
        call(board, sd, "deploy", "--board", "pump.toml")
        yield board


def furnish(folder: Path, board: "VirtualBoard", line: str) -> None:
    """Put into a page's folder what it takes for granted: the board's port, a recording, other
    boards' backups.
    """
    (folder / "pump.toml").write_text(BOARD_FILE)
    if "--replay" in line:
        rows = "\n".join(
            ",".join(str((i * k) % 997 - 498) for k in range(1, 7)) for i in range(100_000)
        )
        (folder / "recording.csv").write_text("ax,ay,az,gx,gy,gz\n" + rows + "\n")
    elif "--port ./board" in line and not (folder / "board").exists():
        (folder / "board").symlink_to(board.path)
    if "backups" in line and not (folder / "backups").exists():
        (folder / "backups").mkdir()
        asked = [
            {"kind": "motion", "settings": SETTINGS, "seed": i, "modes": [(60, 300 + i, 2000)]}
            for i in range(4)
        ]
        for i, image in enumerate(states(asked)):
            (folder / "backups" / f"pump{i}.nhs").write_bytes(image)
        call(board, folder, "learn", "40", "--wait")
    if "labels.csv" in line:
        (log,) = (folder / "tables" / "logs").glob("*.nhl")
        span = f"{log.stem},2026-01-01,2026-01-02,normal"
        (folder / "labels.csv").write_text(f"board,from_utc,until_utc,label\n{span}\n")


@contextlib.contextmanager
def in_background(words: list[str], folder: Path) -> Iterator[None]:
    """Run nearhum as a process of its own until its link is there; end it afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nearhum_host.commands.cli", *words[1:]],
        cwd=folder,
        stdout=-3,
        stderr=-3,
    )
    try:
        for _ in range(600):
            if (folder / words[words.index("--link") + 1]).exists():
                break
            assert process.poll() is None
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if commands(page)], ids=lambda page: page.stem
)
def test_every_command_of_a_page_is_run(page: Path, board: "VirtualBoard", tmp_path: Path):
    run_page(page, board, tmp_path)


@pytest.mark.slow
def test_what_needs_spark(board: "VirtualBoard", tmp_path: Path):
    page = ROOT / "docs" / "fleet.md"
    assert any(command.mark == "spark" for command in commands(page))
    run_page(page, board, tmp_path, spark=True)


def run_page(page: Path, board: "VirtualBoard", folder: Path, spark: bool = False) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    with contextlib.ExitStack() as ends:
        for command in commands(page):
            furnish(folder, board, command.line)
            words = shlex.split(command.line, comments=True)
            if command.mark == "installs":
                wheel = f"./nearhum-{nearhum.__version__}-py3-none-any.whl"
                named = re.fullmatch(rf"(?:nearhum|{re.escape(wheel)})(?:\[([\w,]+)\])?", words[-1])
                assert named, command.line
                assert set((named.group(1) or "eval").split(",")) <= set(extras), command.line
            elif command.mark == "elsewhere":
                test = (ROOT / command.about).read_text("utf-8")
                assert Path(words[2] if words[1] == "cp" else words[1]).name in test, command.line
            elif command.mark == "background":
                ends.enter_context(in_background(as_run(command.line), folder))
            elif command.mark != "spark" or spark:
                assert words[0] == "nearhum", command.line
                call(board, folder, *as_run(command.line)[1:])


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.relative_to(ROOT).as_posix())
def test_every_command_named_anywhere_exists(text: Path):
    """Also where it is only named, in the README and the files about performance, reliability
    and security.
    """
    group = typer.main.get_command(app)
    lines = text.read_text("utf-8").splitlines()
    named = [line[4:] for line in lines if re.match(r"    nearhum \w", line)]
    named += [line[2:] for line in lines if line.startswith("$ nearhum ")]
    for line in named:
        words = shlex.split(line.split(" > ")[0].rstrip("& "), comments=True)
        if not any(letter.isupper() for letter in words[1]):
            parse(group, words[1:], line)
    known = set(group.list_commands(click.Context(group)))  # type: ignore[attr-defined]
    for name in re.findall(r"`nearhum ([a-z]+)", "\n".join(lines)):
        assert name in known, f"{text.name}: nearhum {name}"
    for target in re.findall(r"`make ([a-z-]+)`", "\n".join(lines)):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M), (
            f"{text.name}: make {target}"
        )


def parse(group: Any, words: list[str], line: str) -> None:
    """Fail where a command line names a command or option that there is none of."""
    context = click.Context(group, info_name="nearhum")
    command = group.get_command(context, words[0])
    assert command is not None, line
    if hasattr(command, "list_commands"):
        command, words = (
            command.get_command(click.Context(command, parent=context), words[1]),
            words[1:],
        )
    options = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    for word in words[1:]:
        if re.match(r"--?[a-z]", word):
            assert word.split("=")[0] in options, f"{line}: {word}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it."""
    out = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--quiet",
        "--strict",
        "--site-dir",
        str(out),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out


def test_the_commands_page_has_the_verbs_of_the_board(site: Path):
    page = (site / "commands.html").read_text("utf-8")
    console = page[page.index("The board's console") :]
    for verb in nearhum.VERBS:
        assert f"<code>{verb}</code>" in console, verb
    assert "records of the journal" in console


def test_the_site_builds_and_asks_for_nothing(site: Path):
    pages = sorted(site.glob("*.html"))
    assert {"index.html", "commands.html", "evaluation.html"} <= {page.name for page in pages}
    for page in pages:
        text = page.read_text("utf-8")
        assert not re.findall(r'<(?:script|img|iframe)[^>]*src="(?:https?:)?//', text), page.name
        assert not re.findall(
            r'<link[^>]*rel="(?:stylesheet|preconnect|icon)"[^>]*href="(?:https?:)?//', text
        ), page.name
    told = (site / "commands.html").read_text("utf-8")
    group = typer.main.get_command(app)
    for name in group.list_commands(click.Context(group)):  # type: ignore[attr-defined]
        assert f"nearhum {name}" in told


@pytest.mark.skipif(
    browser.executable() is None, reason="no Chromium: apt install chromium-headless-shell"
)
def test_a_browser_finds_nothing_to_say(site: Path):
    with browser.browser() as running:
        for page in ("index", "start-pico", "fleet", "compare", "commands"):
            for size, scheme in (("desk", "light"), ("phone", "dark")):
                with browser.opened(running, site / f"{page}.html", size, scheme) as looked:
                    said = [
                        one
                        for one in looked.complaints
                        if not one.startswith(("request: file:", "request: data:"))
                    ]
                    assert said == [], page
                    content, window = looked.widths()
                    assert content <= window, f"{page} on a {size}: {content} of {window} points"
        with browser.opened(running, site / "index.html") as looked:  # the search, without a server
            looked.page.keyboard.press("f")
            looked.page.keyboard.type("prior", delay=20)
            looked.page.wait_for_selector(".md-search-result__item", timeout=60_000)


@pytest.mark.skipif(
    browser.executable() is None, reason="no Chromium: apt install chromium-headless-shell"
)
def test_wide_tables_are_not_cut_off(site: Path):
    """In a window of 1280 pixels, in which a table that is too wide would scroll sideways."""
    too_wide = """() => [...document.querySelectorAll(".md-typeset__scrollwrap")]
        .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.innerText.slice(0, 60))"""
    with browser.browser() as running:
        for page in ("evaluation", "performance", "reliability", "method", "heads"):
            with browser.opened(running, site / f"{page}.html") as looked:
                assert looked.page.locator(".md-typeset__scrollwrap").count() > 0
                assert looked.page.evaluate(too_wide) == [], page
