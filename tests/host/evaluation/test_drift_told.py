"""What drift was followed is said: at the end of `score`, in its report, and in a log's report."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import ON_LINUX_X86_64
from nearhum_host.commands.cli import app
from nearhum_host.logs import seen
from nearhum_host.report import wording
from typer.testing import CliRunner

pytestmark = pytest.mark.skipif(
    not ON_LINUX_X86_64, reason="the unix port has its native emitter on x86-64"
)
N, LEARN = 4000, 1600


def warming(path: Path, degrees: float) -> Path:
    """Write a bearing that warms evenly from 2,000 s on, under a wave, beside a steady pressure."""
    draw = np.random.default_rng(1)
    t = np.arange(N)
    warm = 45 + 2 * np.sin(2 * np.pi * t / 60) + draw.normal(0, 0.1, N)
    warm += degrees * np.clip((t - 2000) / 2000, 0, 1)
    bar = 3 + draw.normal(0, 0.05, N)
    rows = [f"{i},{b:.3f},{w:.2f}" for i, b, w in zip(t, bar, warm, strict=True)]
    path.write_text("\n".join(["time_s,pressure (bar),temp (°C)", *rows]) + "\n")
    return path


def scored(tmp_path: Path, degrees: float) -> tuple[dict, str, str]:
    """Return what `score --json` says, its last sentence, and the report."""
    path = warming(tmp_path / "a.csv", degrees)
    out = tmp_path / "out"
    words = ["score", str(path), "--learn", f"{LEARN}s", "--out", str(out), "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    return told, told["sentences"][-1], (out / "report.html").read_text()


def test_a_drift_within_its_budget_is_said_with_its_amount(tmp_path: Path) -> None:
    told, said, report = scored(tmp_path, 1)
    assert told["alarms"] == 0
    assert said.startswith("It followed a drift of level, temp: ")
    assert f", {100 - told['drift_left']} % of its budget." in said
    assert 0 < told["drift_left"] < 100
    amount, unit = told["drift_amount"].split()
    assert (0.2 < float(amount) < 2, unit) == (True, "°C")
    assert f"spreads of what it learned, {told['drift_amount']}, " in said
    assert said in report
    # the report of the log that `score` left says it as well
    again = CliRunner().invoke(
        app, ["report", str(tmp_path / "out" / "a.nhl"), "--out", str(tmp_path / "again.html")]
    )
    assert again.exit_code == 0, again.output
    assert said in (tmp_path / "again.html").read_text()


def test_a_drift_that_used_up_its_budget_is_said(tmp_path: Path) -> None:
    told, said, report = scored(tmp_path, 16)
    assert told["drift_left"] == 0
    assert "3 spreads of what it learned" in said
    assert "all of its budget. What drifts further is strange" in said
    assert told["tone"] == "bad"  # it is in alarm by then
    assert "all of its budget" in report


def test_nothing_is_said_where_none_is_followed(tmp_path: Path) -> None:
    assert wording.drift({"drift_left": None, "drift_of": None}, {"drift_budget": 3}) == ""
    assert wording.drift({"drift_left": 100, "drift_of": None}, {"drift_budget": 3}) == ""
    assert wording.drift({}, {"drift_budget": 3}) == ""
    one = wording.drift(
        {"drift_left": 50, "drift_of": "c0.mean"}, {"drift_budget": 3, "n_channels": 1}
    )
    assert (
        one == "It followed a drift of level: 1.5 spreads of what it learned, 50 % of its budget."
    )
    draw = np.random.default_rng(2).normal(0, 0.02, (20_000, 3))
    np.save(tmp_path / "a.npy", draw.astype(np.float32))
    words = ["score", str(tmp_path / "a.npy"), "--rate", "1000", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["kind"], told["drift_left"], told["drift_of"]) == ("vibration", None, None)
    assert "drift" not in done.stdout.replace("drift_left", "").replace("drift_of", "")
    kept = seen.load(tmp_path / "out" / "a.nhl")
    assert kept is not None
    assert kept.status == {"drift_left": None, "drift_of": None}
