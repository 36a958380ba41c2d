"""Live: what one or several boards do, in a terminal, as it happens.

Enters: followers. Leaves: a screen: the boards; of the chosen one the score under its threshold,
what is strangest, its features beside what is normal, its journal; and keys that learn, enrol,
veto, roll back. Text of a board is text only.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import DataTable, Footer, Header, Input, Static

from ..commands.status import octaves
from ..logs.following import Followed, Follower

_COLUMNS = ("board", "state", "score", "threshold", "mode", "label", "windows", "port")
# key: (what to ask for, what it begins with, the console line it makes)
_ASKED = {
    "learn": ("learn how long? (10m, 400, stable)", "10m", "learn {}"),
    "enrol": ("enrol which label? (LABEL N)", "", "enrol {}"),
    "veto": ("veto which label? (LABEL, LABEL off)", "", "veto {}"),
    "rollback": (
        "roll back? Enter for the last change, or the number of a snapshot",
        "",
        "rollback {}",
    ),
}


class Live(App[None]):
    """The view. Starts the followers and stops them."""

    TITLE = "nearhum"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #boards { height: auto; max-height: 8; }
    #score { height: 14; border: round $primary; }
    #below { height: 1fr; }
    #strange, #features, #journal { border: round $secondary; padding: 0 1; height: 100%; }
    #left { width: 55%; }
    #strange { height: 6; }
    #features { height: 1fr; }
    #journal { width: 45%; }
    #asked { display: none; }
    #said { height: 1; padding: 0 1; color: $text-muted; }
    """
    BINDINGS = [
        Binding("l", "asks('learn')", "learn"),
        Binding("e", "asks('enrol')", "enrol"),
        Binding("v", "asks('veto')", "veto"),
        Binding("r", "asks('rollback')", "roll back"),
        Binding("w", "tells('watch')", "watch"),
        Binding("escape", "unasked", "never mind", show=False),
        Binding("q", "quit", "quit"),
    ]

    def __init__(self, followers: Sequence[Follower]) -> None:
        super().__init__()
        self.followers = list(followers)
        self._verb = ""

    def compose(self) -> ComposeResult:
        yield Header(icon="")
        yield DataTable(id="boards", cursor_type="row", zebra_stripes=True)
        yield Static(id="score")
        with Horizontal(id="below"):
            with Vertical(id="left"):
                yield Static(id="strange")
                yield Static(id="features")
            yield Static(id="journal")
        yield Input(id="asked")
        yield Static(id="said")
        yield Footer()

    def on_mount(self) -> None:
        for name, title in (
            ("score", "score"),
            ("strange", "strangest now"),
            ("features", "now beside normal"),
        ):
            self.query_one(f"#{name}").border_title = title
        self.query_one("#journal").border_title = "journal"
        table = self.query_one(DataTable)
        for column in _COLUMNS:
            table.add_column(column, key=column)
        for follower in self.followers:
            table.add_row(*[""] * len(_COLUMNS), key=follower.followed.port)
            follower.start()
        table.focus()
        self.set_interval(0.25, self.show)

    def on_unmount(self) -> None:
        for follower in self.followers:
            follower.stop()

    @property
    def chosen(self) -> Follower:
        """The board whose particulars are shown, and which the keys are for."""
        return self.followers[max(0, self.query_one(DataTable).cursor_row)]

    def show(self) -> None:
        """Draw what is known now."""
        table = self.query_one(DataTable)
        for follower in self.followers:
            for column, text in zip(_COLUMNS, row(follower.followed), strict=True):
                table.update_cell(follower.followed.port, column, text, update_width=True)
        f = self.chosen.followed
        score = self.query_one("#score", Static)
        score.update(plot(f, max(20, score.size.width), max(4, score.size.height)))
        self.query_one("#strange", Static).update(shares(f))
        self.query_one("#features", Static).update(features(f))
        lines = [text for _, text in list(f.events)[::-1]]
        self.query_one("#journal", Static).update(Text("\n".join(plain(line) for line in lines)))
        self.query_one("#said", Static).update(Text(plain(f.error or f.said)))

    def action_asks(self, verb: str) -> None:
        """Ask what a command needs to know."""
        question, value, _ = _ASKED[verb]
        self._verb = verb
        asked = self.query_one("#asked", Input)
        asked.placeholder, asked.value, asked.display = question, value, True
        asked.border_title = question
        asked.focus()

    def action_unasked(self) -> None:
        """Let the question go."""
        self.query_one("#asked").display = False
        self.query_one(DataTable).focus()

    def action_tells(self, line: str) -> None:
        """Tell the chosen board a line."""
        self.chosen.tell(line)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Tell the chosen board what was asked."""
        text = event.value.strip()
        self.action_unasked()
        if text or self._verb == "rollback":
            self.chosen.tell(_ASKED[self._verb][2].format(text).strip())


def plain(text: object) -> str:
    """Return a board's text without anything that a terminal would carry out."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text))


def row(f: Followed) -> list[Text]:
    """Return a board's row in the table."""
    s = f.status
    if not s:
        return [Text(f.error or "asking …", "dim"), *[Text("")] * 6, Text(f.port)]
    alarm = bool(s.get("alarm"))
    name = "-".join(str(part) for part in (s.get("board"), str(s.get("id") or "")[-4:]) if part)
    state = "no answer" if f.error else "ALARM" if alarm else str(s.get("state"))
    if state == "learn":
        state = (
            "learn"
            f" {int(s.get('learn_total') or 0) - int(s.get('learn_left') or 0)}"
            f"/{s.get('learn_total')}"
        )
    return [
        Text(plain(name)),
        Text(state, "bold red" if alarm or f.error else "green"),
        Text(octaves(s.get("score")), "bold red" if alarm else ""),
        Text(octaves(s.get("threshold"))),
        Text(plain(s.get("mode") or "–")),
        Text(plain(s.get("label") or "–")),
        Text(str(s.get("n_windows"))),
        Text(plain(f.port), "dim"),
    ]


def plot(f: Followed, width: int, height: int) -> Text:
    """Return the scores under their threshold, as text."""
    import plotext

    if not f.scores:
        return Text("no score yet", "dim")
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.limit_size(False, False)
    plotext.plot_size(width, height)
    plotext.plot(list(f.scores), marker="braille", color="cyan")
    threshold = f.status.get("threshold")
    if isinstance(threshold, int) and threshold < 32767:
        plotext.hline(threshold / 256, "orange")
    plotext.xticks([], [])
    return Text.from_ansi(plotext.build())


def shares(f: Followed) -> Text:
    """Return what is strangest now, with bars."""
    out = Text()
    for words, percent in f.strange:
        out.append("█" * round(percent / 5), "red")
        out.append("░" * (20 - round(percent / 5)), "dim")
        out.append(f" {percent:3d} % {plain(words)}\n")
    return out or Text("–")


def features(f: Followed, half: int = 12) -> Text:
    """Return each feature's distance from normal in its spreads, as a bar to either side."""
    out = Text()
    for one in f.features:
        n = min(half, round(2 * abs(one.apart)))
        style = "red" if abs(one.apart) > 3 else "cyan"
        left, right = ("█" * n, "") if one.apart < 0 else ("", "█" * n)
        out.append(left.rjust(half), style)
        out.append("│", "dim")
        out.append(right.ljust(half), style)
        out.append(f" {one.now - one.normal:+5.1f} dB  {plain(one.words)}\n")
    return out or Text("nothing learned yet, or a head hides it", "dim")
