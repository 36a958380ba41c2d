"""Test the atlas: its signals have the properties in their names, and its cells are judged rightly.

test_targets_hold compares the whole atlas with its targets.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from nearhum_host.evaluation.benchmarks.atlas import Atlas, judging, sessions
from nearhum_host.evaluation.benchmarks.atlas.signals import SIGNALS
from nearhum_host.evaluation.benchmarks.base import Session
from nearhum_host.evaluation.benchmarks.runner import run_all, windows_in

N = 20000


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_is_seeded_and_of_spread_one(name: str) -> None:
    one, other, again = (SIGNALS[name].made(N, 400, np.random.default_rng(s)) for s in (1, 2, 1))
    assert one.shape == (N,)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    if name not in ("brown", "ramp", "pink"):
        assert 0.7 < one[400:].std() < 1.3
        assert abs(one[400:].mean()) < 0.3


def test_signals_are_as_slow_as_their_names_say() -> None:
    for steps in (2, 20, 200):
        x = SIGNALS[f"ar_{steps}"].made(400 * steps, 0, np.random.default_rng(1))
        assert np.corrcoef(x[:-steps], x[steps:])[0, 1] == pytest.approx(np.exp(-1), abs=0.15)
    for steps in (3, 30, 300):
        x = SIGNALS[f"cycle_{steps}"].made(30 * steps, 0, np.random.default_rng(1))
        assert np.argmax(np.abs(np.fft.rfft(x))) == 30
    assert not SIGNALS["stuck_then_alive"].made(500, 400, np.random.default_rng(1))[:400].any()
    burst = SIGNALS["burst"].made(500, 400, np.random.default_rng(1))
    assert np.abs(burst[240:253]).max() > 8 > np.abs(burst[260:]).max()


def test_a_cell_has_its_promise_and_its_step() -> None:
    one = sessions.cell("vibration", "white", 50, windows_in)
    learned, quiet, step = one.recording.segments
    assert learned.cue == "learn 50"
    hop = one.config["n_hop"]
    assert len(quiet.frames) == sessions.N_OBSERVED * hop
    per_day = sessions.DAY_S * one.config["rate_hz"] / hop
    assert one.config["alarms_per_day"] == pytest.approx(per_day / 1000)
    octaves = np.log2(step.frames.std() / learned.frames.std())
    assert octaves == pytest.approx(8 * sessions.OCTAVES, abs=0.5)
    short = sessions.cell("telemetry", "cycle_300", 400, windows_in)
    assert not short.about.settled
    assert sessions.cell("telemetry", "cycle_300", 2000, windows_in).about.settled


def found(begun: int, share: float = 0.0, missed: bool = False, **about) -> judging.Found:
    cell = sessions.Cell("telemetry", "white", about.get("n", 2000), about.get("settled", True))
    said = about.get("said"), about.get("said_share")
    return judging.Found(cell, begun, share, missed, about.get("warned", ""), *said)


def test_figures_of_cells() -> None:
    cells = [found(20), found(6), found(7, 0.5), found(61), found(9, 0.9, settled=False)]
    figures = judging.figures_of([*cells, found(900, n=50, said=800), found(0, missed=True, n=50)])
    assert figures["cells_within_3x"] == 3 / 5
    assert figures["cells_at_most_3x"] == 4 / 5
    assert figures["worst_time_in_alarm"] == 0.5
    assert (figures["silent_blind"], figures["blind"]) == (1, 1)
    assert figures["short_trusted"] == 0  # one was wrong, one said nothing
    told = [found(0, missed=True, warned="blind"), found(40, n=50, said=38)]
    assert judging.figures_of(told)["silent_blind"] == 0
    assert judging.figures_of(told)["short_trusted"] == 1


def test_a_share_of_the_time_is_held_against_what_was_said() -> None:
    cells = [
        found(20, 0.02, said_share=0.01), found(20, 0.02, said_share=0.02), found(20, 0.5),
        found(20, 0.9, n=50, said_share=1.0), found(20, 0.9, settled=False, said_share=0.01),
    ]  # fmt: skip
    figures = judging.figures_of(cells)
    assert figures["time_trusted"] == 2 / 4
    assert (figures["worst_time_in_alarm"], figures["worst_time_in_alarm_long"]) == (0.9, 0.5)


def test_some_of_it_through_the_firmware() -> None:
    """Two signals, one length, two boards for power: many boards in one process."""
    atlas = Atlas(("white", "cycle_3"), (400,), 2)
    made: list[Session] = atlas.sessions(Path(), windows_in)
    runs = list(run_all(made, batch=len(made), n_workers=1))
    assert [session.name for session, _ in runs] == [session.name for session in made]
    judgement = atlas.judge(runs)
    json.dumps(judgement.figures)
    assert judgement.figures["cells"] == 3
    assert judgement.figures["worst_time_in_alarm"] <= 0.02
    assert judgement.figures["silent_blind"] == 0
    assert judgement.trivial["never_alarm"]["silent_blind"] == 3
    rows = {row["file"]: row for row in judgement.files}
    assert rows["telemetry/white"]["begun"] <= 60
    assert rows["power/white"]["least_step"] in ("0.5 spreads", "1 spreads", "2 spreads")
