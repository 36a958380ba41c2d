"""Test the score of NAB against cases computed by hand from the formula of its paper."""

import json

import numpy as np
import pytest
from nearhum import wire
from nearhum_host.errors import HostError
from nearhum_host.evaluation.benchmarks import nab as protocol
from nearhum_host.evaluation.benchmarks.base import LABEL_ANOMALY, LABEL_NORMAL, Run
from nearhum_host.evaluation.benchmarks.nab.score import Score, probation, scaled_sigmoid, score
from nearhum_host.recordings.datasets import series

STANDARD = {"tpWeight": 1.0, "fnWeight": 1.0, "fpWeight": 0.11}
WINDOW = (100, 109)  # ten rows


def of(*begins: int, windows: tuple = (WINDOW,), first: int = 15) -> Score:
    return score(begins, windows, STANDARD, first)


def test_positions_are_worth_what_the_paper_says() -> None:
    # sigmoids of the paper's figure: 0.98661 at the left edge, 0.84828 halfway, 0 at the right
    assert scaled_sigmoid(-1.0) == pytest.approx(0.98661, abs=1e-5)
    assert scaled_sigmoid(-0.5) == pytest.approx(0.84828, abs=1e-5)
    assert scaled_sigmoid(0.0) == 0
    assert scaled_sigmoid(1.0) == pytest.approx(-0.98661, abs=1e-5)
    assert scaled_sigmoid(3.0) == -1


def test_nothing_said_is_nought_and_all_at_once_is_one() -> None:
    windows = ((100, 109), (200, 299))
    assert of(windows=windows).normalised(STANDARD) == 0
    assert of(100, 200, windows=windows).normalised(STANDARD) == pytest.approx(1)
    assert of().raw == -1
    assert Score().normalised(STANDARD) is None


def test_the_earliest_of_a_window_counts_and_later_ones_cost_nothing() -> None:
    # row 105: y = -(109 - 105 + 1) / 10 = -0.5; 0.84828 / 0.98661 = 0.85979
    assert of(105).raw == pytest.approx(0.85979, abs=1e-5)
    assert of(105, 107, 109) == of(105)
    assert of(109, 105).raw == of(105).raw
    # the last row still earns: y = -0.1, tanh(0.25) = 0.24492
    assert of(109).raw == pytest.approx(0.24492 / 0.98661, abs=1e-4)


def test_false_alarms_cost_more_the_farther_from_a_window_they_are() -> None:
    # before any window: -0.11. Three rows behind it: y = 3 / 9, -tanh(5 / 6) = -0.68228
    assert of(50, 100).raw == pytest.approx(1 - 0.11)
    assert of(100, 112).raw == pytest.approx(1 - 0.11 * 0.68228, abs=1e-5)
    assert of(100, 150).raw == pytest.approx(1 - 0.11)  # far behind: 41 rows are 4.6 widths
    assert (of(50, 112).n_false, of(50, 112).n_found, of(50, 112).n_windows) == (2, 0, 1)


def test_probation_is_not_judged() -> None:
    assert probation(1000) == 150
    assert probation(22695) == 750
    assert of(3, 14) == of()
    assert of(windows=((2, 9), WINDOW)).n_windows == 1


def test_series_are_pooled_before_they_are_normalised() -> None:
    # one found at once, one missed, two false alarms: (1 - 1 - 0.22 + 2) / 4
    total = of(100, 30, 40) + of()
    assert total.normalised(STANDARD) == pytest.approx((2 - 0.22) / 4)


# ---- the protocol, on a set made here ------------------------------------------------------------


@pytest.fixture
def root(tmp_path):
    (tmp_path / "data" / "made").mkdir(parents=True)
    (tmp_path / "labels").mkdir()
    lines = ["timestamp,value"]
    for row in range(200):
        lines.append(f"2026-01-01 {row // 60:02}:{row % 60:02}:00,{50 if row == 120 else row % 7}")
    (tmp_path / "data" / "made" / "one.csv").write_text("\n".join(lines))
    window = ["2026-01-01 01:40:00.000000", "2026-01-01 02:09:00.000000"]
    labels = {"made/one.csv": [window]}
    (tmp_path / "labels" / "combined_windows.json").write_text(json.dumps(labels))
    profiles = {"standard": {"CostMatrix": STANDARD}}
    (tmp_path / "profiles.json").write_text(json.dumps(profiles))
    return tmp_path


def test_a_series_is_read_with_its_windows(root) -> None:
    (one,) = series.nab(root)
    assert (one.name, one.rate_hz) == ("made/one", 1 / 60)
    assert one.anomalies == ((100, 129),)
    assert one.frames[120, 0] == 50 * 512  # the largest power of two that keeps 50 within int16
    (root / "labels" / "combined_windows.json").write_text("{}")
    with pytest.raises(HostError, match="no labels"):
        series.nab(root)


def test_alarms_that_begin_are_detections(root) -> None:
    (session,) = protocol.Nab().sessions(root, lambda config, n: n - 3)
    assert session.recording.segments[0].cue == "learn 27"  # 30 rows, a window of 4
    n = 197
    alarm = np.zeros(n, bool)
    alarm[40:50] = True  # a window is where its last row is: rows 43 to 52, before the anomaly
    alarm[102:190] = True  # from row 105 on: found, and it stands 60 rows too long
    states = np.where(np.arange(n) < 27, wire.LEARN, wire.WATCH).astype(np.uint8)
    run = Run(
        np.zeros(n, np.int16), np.zeros(n, np.int16), states, np.full(n, "", object), alarm, [], {},
        4, 1, "", b"",
    )  # fmt: skip
    found = protocol.Nab().judge([(session, run)])
    # y = -(129 - 105 + 1) / 30
    earned = scaled_sigmoid(-25 / 30) / scaled_sigmoid(-1.0)
    assert found.figures["nab_score"] == pytest.approx((earned - 0.11 + 1) / 2)
    assert found.figures["detected"] == 1
    assert found.trivial["never_alarm"]["nab_score"] == 0
    spans = [(s.first, s.last, s.label) for s in found.spans["made/one"]]
    assert spans == [
        (27, 96, LABEL_NORMAL), (97, 126, LABEL_ANOMALY), (127, 196, LABEL_NORMAL),
    ]  # fmt: skip
