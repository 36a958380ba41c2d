"""Show what one or several boards do, in a terminal, as it happens.

Enters: followers. Leaves: a screen with all boards and, of the chosen one, the score and its
threshold over time, the strangest features, the features beside normal, and the journal. Keys
learn, enrol, veto and roll back. Text of a board is shown as text only. All of it has room in a
terminal of 80 columns and 24 lines.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from nearhum import wire
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import DataTable, Footer, Header, Input, Static

from ..commands.status import octaves
from ..logs.following import Followed, Follower
from . import profile, svg

COLUMNS = ("board", "state", "score", "threshold", "mode", "label", "windows", "port")
_LEAST_CHARS = 10  # Of a board's name or port that is shortened to fit.
# key: (the question, its first answer, the console line it makes)
_ASKED = {
    "learn": ("Learn for how long? 10m, 400 (windows) or stable", "10m", "learn {}"),
    "enrol": ("Enrol which label, from how many windows? LABEL N", "", "enrol {}"),
    "veto": ("Veto which label? LABEL, or LABEL off", "", "veto {}"),
    "rollback": (
        "Roll back? Enter undoes the last change, a number goes to that snapshot",
        "",
        "rollback {}",
    ),
}


class Live(App[None]):
    """The view. It starts the followers, and stops them when it closes."""

    TITLE = "nearhum"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #boards { height: auto; max-height: 6; overflow-x: hidden; }
    #score { height: 2fr; min-height: 8; max-height: 18; }
    #below { height: 3fr; }
    #score, #strange, #features, #journal { border: round $primary; border-title-color: $text; }
    #strange, #features, #journal { padding: 0 1; height: 100%; }
    #strange, #features, #said { text-wrap: nowrap; text-overflow: ellipsis; }
    #left { width: 58%; }
    #strange { height: 5; }
    #features { height: 1fr; }
    #journal { width: 42%; }
    #asked { display: none; }
    #said { height: 1; padding: 0 1; }
    """
    BINDINGS = [
        Binding("l", "asks('learn')", "learn"),
        Binding("w", "tells('watch')", "stop learning"),
        Binding("e", "asks('enrol')", "enrol"),
        Binding("v", "asks('veto')", "veto"),
        Binding("r", "asks('rollback')", "roll back"),
        Binding("escape", "unasked", "cancel", show=False),
        Binding("q", "quit", "quit"),
    ]

    def __init__(self, followers: Sequence[Follower]) -> None:
        super().__init__()
        self.followers = list(followers)
        self._verb = ""

    def compose(self) -> ComposeResult:
        yield Header(icon="")
        yield DataTable(id="boards", cursor_type="row", zebra_stripes=True, cell_padding=0)
        yield Static(id="score")
        with Horizontal(id="below"):
            with Vertical(id="left"):
                yield Static(id="strange")
                yield Static(id="features")
            yield Static(id="journal")
        yield Static(id="said")
        yield Input(id="asked", compact=True)
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#strange").border_title = "strangest now"
        self.query_one("#journal").border_title = "journal, newest first"
        table = self.query_one(DataTable)
        for column in COLUMNS:
            table.add_column(f"{column} ", key=column)
        for follower in self.followers:
            table.add_row(*[""] * len(COLUMNS), key=follower.followed.port)
            follower.start()
        table.focus()
        self.set_interval(0.25, self.show)

    def on_unmount(self) -> None:
        for follower in self.followers:
            follower.stop()

    @property
    def chosen(self) -> Follower:
        """The board whose details are shown, and to which the keys apply."""
        return self.followers[max(0, self.query_one(DataTable).cursor_row)]

    def show(self) -> None:
        """Draw what is known now."""
        if not self.is_running:
            return  # The view is closing, and its widgets may be gone.
        table = self.query_one(DataTable)
        rows = fitted([row(follower.followed) for follower in self.followers], self.size.width)
        for follower, cells in zip(self.followers, rows, strict=True):
            for column, text in zip(COLUMNS, cells, strict=True):
                table.update_cell(follower.followed.port, column, text, update_width=True)
        f = self.chosen.followed
        score = self.query_one("#score", Static)
        score.border_title = f"score, octaves; threshold {_threshold(f)}"
        score.update(plot(f, max(20, score.content_size.width), max(4, score.content_size.height)))
        strange = self.query_one("#strange", Static)
        strange.update(shares(f, min(20, strange.content_size.width // 4)))
        shown = self.query_one("#features", Static)
        n, room = len(f.features), max(1, shown.content_size.height)
        shown.border_title = (
            "now beside normal" if n <= room else f"now beside normal: the {room} furthest of {n}"
        )
        shown.update(features(f, room, min(12, shown.content_size.width // 7)))
        lines = [text for _, text in list(f.events)[::-1]]
        self.query_one("#journal", Static).update(Text("\n".join(plain(line) for line in lines)))
        if not self.query_one("#asked").display:
            self.query_one("#said", Static).update(Text(plain(f.error or f.said)))

    def action_asks(self, verb: str) -> None:
        """Ask for the arguments of a command."""
        question, value, _ = _ASKED[verb]
        self._verb = verb
        self.query_one("#said", Static).update(Text(question))
        asked = self.query_one("#asked", Input)
        asked.value, asked.display = value, True
        asked.focus()

    def action_unasked(self) -> None:
        """Close the question."""
        self.query_one("#asked").display = False
        self.query_one(DataTable).focus()

    def action_tells(self, line: str) -> None:
        """Send a line to the chosen board."""
        self.chosen.tell(line)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Send the command with its arguments to the chosen board."""
        text = event.value.strip()
        self.action_unasked()
        if text or self._verb == "rollback":
            self.chosen.tell(_ASKED[self._verb][2].format(text).strip())


def plain(text: object) -> str:
    """Return a board's text with every character replaced that a terminal would carry out."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text))


def _threshold(f: Followed) -> str:
    limit = f.status.get("threshold")
    return "–" if limit == wire.NO_THRESHOLD else octaves(limit)


def row(f: Followed) -> list[Text]:
    """Return a board's row in the table."""
    s = f.status
    if not s:
        state = Text("no answer", "bold red") if f.error else Text("asking …", "dim")
        return [Text("–"), state, *[Text("")] * 5, Text(plain(f.port))]
    alarm = bool(s.get("alarm"))
    name = "-".join(str(part) for part in (s.get("board"), str(s.get("id") or "")[-4:]) if part)
    state = "no answer" if f.error else "ALARM" if alarm else str(s.get("state"))
    if state == "learn":
        total = int(s.get("learn_total") or 0)
        state = f"learn {total - int(s.get('learn_left') or 0)}/{total}"
    return [
        Text(plain(name)),
        Text(plain(state), "bold red" if alarm or f.error else "green"),
        Text(octaves(s.get("score")), "bold red" if alarm else ""),
        Text(_threshold(f)),
        Text(plain(s.get("mode") or "–")),
        Text(plain(s.get("label") or "–")),
        Text(str(s.get("n_windows"))),
        Text(plain(f.port)),
    ]


def fitted(rows: Sequence[list[Text]], width: int) -> list[list[Text]]:
    """Return the rows with names and ports shortened so that the table fits into width.

    A name keeps its beginning, a port its end. Both keep _LEAST_CHARS at least. Each cell ends with
    a space, which separates the columns.
    """
    of_column = zip(COLUMNS, *rows, strict=True)
    widths = [
        max(len(name) + 1, *(cell.cell_len + 1 for cell in cells)) for name, *cells in of_column
    ]
    over = sum(widths) - width
    out = [[*cells] for cells in rows]
    for column in (0, len(COLUMNS) - 1):
        keep = max(_LEAST_CHARS, widths[column] - 1 - max(0, over))
        over -= max(0, widths[column] - 1 - keep)
        for cells in out:
            text = cells[column].plain
            if len(text) > keep:
                short = f"{text[: keep - 1]}…" if column == 0 else f"…{text[1 - keep :]}"
                cells[column] = Text(short, cells[column].style)
    return [[cell + Text(" ") for cell in cells] for cells in out]


def plot(f: Followed, width: int, height: int) -> Text:
    """Return the scores and the threshold over the time of this host, as text."""
    import plotext

    if not f.scores:
        return Text("no score yet", "dim")
    now = time.monotonic()
    past = [at - now for at in f.times]
    limit = f.status.get("threshold")
    lines = []  # The threshold, if there is one.
    if isinstance(limit, int) and limit != wire.NO_THRESHOLD:
        lines.append(limit / wire.SCORE_ONE)
    levels = [*f.scores, *lines]
    low, high = math.floor(min(levels)), math.ceil(max(levels))
    high += high == low
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.limit_size(False, False)
    plotext.plot_size(width, height)
    plotext.plot(past, list(f.scores), marker="braille", color="cyan")
    for line in lines:
        plotext.hline(line, "orange")
    plotext.xlim(min(past[0], -1.0), 0)
    plotext.ylim(low, high)
    levels = svg.ticks(low, high, max(2, height // 2))
    plotext.yticks(levels, [f"{level:g}" for level in levels])
    marks, unit = svg.time_ticks(-min(past[0], -1.0), max(2, width // 16))
    said = [f"-{text} {unit}" if seconds else "now" for seconds, text in marks]
    plotext.xticks([-seconds for seconds, _ in marks], said)
    return Text.from_ansi(plotext.build())


def shares(f: Followed, width: int = 20) -> Text:
    """Return the strangest features, each with a bar. width: of the bars, in characters."""
    out = Text()
    for words, percent in f.strange:
        n = round(percent * width / 100)
        out.append("█" * n, "red")
        out.append("░" * (width - n), "dim")
        out.append(f" {percent:3d} % {plain(words)}\n")
    return out or Text("–")


def features(f: Followed, room: int, half: int = 12) -> Text:
    """Return each feature's distance from normal, as a bar to the left or to the right.

    room: lines. If there are more features, those furthest from normal are shown.
    half: the longest bar, in characters: half a spread each.
    """
    if not f.features:
        return Text("nothing learned yet, or a head maps the features", "dim")
    some = f.features
    if len(some) > room:
        far = sorted(some, key=lambda one: -abs(one.apart))[:room]
        some = [one for one in some if one in far]
    out = Text()
    for one in some:
        n = min(half, round(2 * abs(one.apart)))
        style = "red" if abs(one.apart) > profile.FAR else "cyan"
        left, right = ("█" * n, "") if one.apart < 0 else ("", "█" * n)
        out.append(left.rjust(half), style)
        out.append("│", "dim")
        out.append(right.ljust(half), style)
        out.append(f" {one.now - one.normal:+5.1f} dB  {plain(one.words)}\n")
    return out
