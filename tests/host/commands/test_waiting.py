"""Test commands that wait for a board: what they say if no more windows arrive."""

from typing import Any

import pytest
from nearhum_host.commands.cli import app
from nearhum_host.serial_line import link
from typer.testing import CliRunner


class Board:
    """Answers as a board whose source has ended, or fails."""

    port = "there"

    def __init__(self, **status: Any) -> None:
        self.status = {"state": "learn", "learn_left": 9, "learn_total": 60, **status}

    def __enter__(self) -> "Board":
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def ask(self, line: str) -> dict[str, Any]:
        return dict(self.status) if line == "status" else {"windows": 60}


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (
            {"source": "end"},
            ("recording is over after 51 of 60 windows", "learn stop", "virtual --replay"),
        ),
        (
            {"source": "fault", "faults": 9, "fault": "no answer from 0x68"},
            ("9 of 60 windows are still to be learned", "no answer from 0x68", "nearhum doctor"),
        ),
    ],
    ids=["end", "fault"],
)
def test_learning_that_cannot_end_says_why(
    monkeypatch: pytest.MonkeyPatch, status: dict[str, Any], says: tuple[str, ...]
) -> None:
    monkeypatch.setattr(link, "connect", lambda *_: Board(**status))
    done = CliRunner().invoke(app, ["learn", "60", "--wait"])
    assert done.exit_code == 3, done.output
    for text in says:
        assert text in " ".join(done.output.split())
