"""Test the evaluation's page: intervals, times, targets, settings, pictures, serial line."""

import math
from dataclasses import dataclass, replace
from xml.etree import ElementTree

import numpy as np
import pytest
from nearhum import wire
from nearhum_host.boards.checking import configuration
from nearhum_host.errors import HostError, UsageError
from nearhum_host.evaluation import all_protocols, assessment, confidence, timing
from nearhum_host.evaluation.ablations import ABLATIONS
from nearhum_host.evaluation.benchmarks import PROTOCOLS, runner, serial, watch
from nearhum_host.evaluation.benchmarks.bars import TARGETS, Target
from nearhum_host.evaluation.benchmarks.base import Judgement, Run, Session, Span
from nearhum_host.logs.traces import Trace
from nearhum_host.recordings.datasets import gestures
from nearhum_host.recordings.nhr import Recording
from nearhum_host.report.pictures import picture
from nearhum_host.virtual.unix_port import interpreter
from scipy.stats import poisson


def made_run(alarm: list[int], window: int = 1, hop: int = 1) -> Run:
    n = len(alarm)
    return Run(
        np.zeros(n, np.int16), np.zeros(n, np.int16), np.full(n, wire.WATCH, np.uint8),
        np.full(n, "", object), np.array(alarm, bool), [], {}, window, hop, "", b"",
    )  # fmt: skip


# ---- intervals -----------------------------------------------------------------------------------


class Shares:
    """A protocol that judges the share of windows with an alarm, and keeps sessions apart by
    their names.
    """

    name = "shares"
    told = ""

    def sessions(self, root, windows_in):
        return []

    def judge(self, runs):
        by_name = {session.name: float(run.alarm.mean()) for session, run in runs}
        return Judgement(
            {
                "share": float(np.mean(list(by_name.values()))),
                "n": float(len(by_name)),
                "none": None,
            },
            {},
            [],
        )


def sessions(shares: list[float]) -> list[tuple[Session, Run]]:
    made = [[1] * round(100 * share) + [0] * round(100 - 100 * share) for share in shares]
    return [
        (Session(f"s{i}", {}, Recording(1, 1)), made_run(alarm)) for i, alarm in enumerate(made)
    ]


def test_intervals_hold_the_mean_as_often_as_they_say() -> None:
    draw = np.random.default_rng(1)
    held = 0
    for _ in range(60):
        runs = sessions(draw.uniform(0, 1, 12).tolist())
        found, units = confidence.intervals(Shares(), runs, 100)
        assert units == 12
        assert found["n"] == (12, 12)  # one that is drawn twice counts twice
        assert "none" not in found
        held += found["share"][0] <= 0.5 <= found["share"][1]
    assert 49 <= held <= 60  # 95 % of 60 are 57; a percentile interval of 12 is a little narrow


def test_intervals_are_the_same_for_the_same_runs() -> None:
    runs = sessions([0.1, 0.5, 0.9, 0.3])
    assert confidence.intervals(Shares(), runs, 50) == confidence.intervals(Shares(), runs, 50)
    found, _ = confidence.intervals(Shares(), sessions([0.4] * 5), 50)
    assert found["share"] == (0.4, 0.4)


def test_two_units_have_no_interval() -> None:
    assert confidence.intervals(Shares(), sessions([0.1, 0.9]), 50) == ({}, 2)


@dataclass(frozen=True)
class About:
    condition: str
    what: str


def test_what_belongs_together_is_drawn_together(monkeypatch) -> None:
    monkeypatch.setitem(confidence.UNIT_OF, "shares", lambda session: session.about.condition)
    runs = [
        (replace(s, about=About(f"c{i // 2}", "x")), run)
        for i, (s, run) in enumerate(sessions([0.1] * 8))
    ]
    seen = []

    class Grouped(Shares):
        def judge(self, runs):
            seen.append([session.about.condition for session, _ in runs])
            return super().judge(runs)

    _, units = confidence.intervals(Grouped(), runs, 20)
    assert units == 4
    for some in seen:
        assert sorted({some.count(condition) for condition in some}) == [2]
        assert len(set(some)) == 4


# ---- times ---------------------------------------------------------------------------------------


def test_alarms_in_time() -> None:
    recording = Recording(2, 1)
    run = made_run([0, 0, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1], hop=4)  # a window in 2 s
    spans = {
        "a": [
            Span(1, 6, "normal"),
            Span(7, 9, "anomaly"),
            Span(10, 13, "anomaly"),
            Span(0, 0, "walking"),
        ]
    }
    found = timing.timing([(Session("a", {}, recording), run)], spans)
    assert found is not None
    assert (found["false_alarms"], found["normal_s"]) == (2, 12)
    assert found["false_alarms_per_day"] == 2 * 7200
    # after 0 s and 4 s
    assert (found["anomalies"], found["detected"], found["delay_s"]) == (2, 2, 2.0)
    # an alarm that lasts from before has not begun there
    again = timing.timing([(Session("a", {}, recording), run)], {"a": [Span(3, 4, "normal")]})
    assert again is not None
    assert (again["false_alarms"], again["delay_s"]) == (0, None)
    assert (
        timing.timing([(Session("a", {}, recording), run)], {"a": [Span(0, 3, "walking")]}) is None
    )


@pytest.mark.parametrize("count", [0, 1, 7, 60])
def test_the_poisson_bound(count: int) -> None:
    assert poisson.cdf(count, timing.poisson_upper(count)) == pytest.approx(0.05, rel=1e-3)
    assert timing.poisson_upper(0) == pytest.approx(-math.log(0.05), rel=1e-6)


# ---- targets, settings, inputs -------------------------------------------------------------------


def test_targets() -> None:
    assert Target(0.9).holds(0.9)
    assert not Target(0.9).holds(0.89)
    assert not Target(0.9).holds(None)
    assert Target(0.05, at_most=True).holds(0.05)
    assert not Target(0.05, at_most=True).holds(0.06)
    assert Target(None, 0.6).holds(0.0)
    assert Target(0.02, 0.005, True).said() == ("≤ 2", "≤ 0.5", "")
    missed = Target(0.97, kept=0.8)
    assert not missed.holds(0.83)
    assert missed.is_kept(0.83)
    assert not missed.is_kept(0.79)
    assert missed.said() == ("≥ 97", "", "≥ 80")
    found = {"protocol": "rssi", "figures": {"tpr_least": 0.9, "far": 0.02}}
    assert assessment.missed(found) == ["tpr_least"]


def test_every_protocol_is_asked_for_something_and_may_be_cut_down() -> None:
    assert set(PROTOCOLS) <= set(TARGETS)
    for name, some in ABLATIONS.items():
        assert name in PROTOCOLS
        for _, settings in some:
            for key, value in settings.items():
                assert configuration.setting(f"{key}={value}") == (key, value)


def test_settings_are_checked_as_a_board_would() -> None:
    assert configuration.setting("smooth=256") == ("smooth", 256)
    assert configuration.setting("level=free") == ("level", "free")
    for text, word in (("smooth", "KEY=VALUE"), ("smooth=0", "1 to 256"), ("colour=red", "get")):
        with pytest.raises(UsageError) as caught:
            configuration.setting(text)
        assert word in caught.value.hint


def test_inputs_have_one_hash(tmp_path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.csv").write_bytes(b"1")
    (tmp_path / "a.csv").write_bytes(b"22")
    found = assessment.inputs_of(tmp_path)
    assert (found["files"], found["bytes"]) == (2, 3)
    (tmp_path / "a.csv").write_bytes(b"23")
    assert assessment.inputs_of(tmp_path)["sha256"] != found["sha256"]


# ---- pictures and the page -----------------------------------------------------------------------


def a_trace(n: int = 50000) -> Trace:
    draw = np.random.default_rng(2)
    states = np.where(np.arange(n) < n // 4, wire.LEARN, wire.WATCH).astype(np.uint8)
    truth = np.full(n, None, object)
    truth[n // 4 : n // 2], truth[n // 2 :] = "normal", "anomaly"
    return Trace(
        "t", draw.normal(0, 1, n), np.where(states == wire.LEARN, np.nan, 2.0), states, np.arange(n)
        > n // 2, np.full(n, "", object), truth, [], window_s=0.5,
    )  # fmt: skip


def test_a_picture_is_small_and_sound() -> None:
    svg = picture(a_trace(), "a <b> & c")
    assert len(svg.encode()) < 60_000
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    kinds = {element.get("class") for element in root.iter() if element.tag.endswith("rect")}
    assert {"l", "a", "normal", "anomaly"} <= kinds
    assert "a <b> & c" in "".join(root.itertext())


def test_the_page_of_a_set(tmp_path, monkeypatch) -> None:
    """One protocol of few windows through all of it: both paths, an ablation, the serial line,
    a picture.
    """
    if interpreter() is None:
        pytest.skip("no MicroPython unix port")
    draw = np.random.default_rng(5)
    root = tmp_path / "csi"
    root.mkdir()

    def packets(n: int, spread: int) -> np.ndarray:
        return (np.array([40, 25] * 16) + draw.integers(-1 - spread, 2 + spread, (n, 32))).astype(
            np.int8
        )

    for chip in ("a1", "a2", "a3"):
        for what, time, spread in (("baseline", 1, 0), ("movement", 2, 20)):
            name = root / f"{what}_{chip}_16sc_20260101_{time}.npz"
            np.savez(name, csi_data=packets(900, spread), duration_ms=9000.0)
    monkeypatch.setitem(ABLATIONS, "csi", [("no means", {"mean": "off"})])
    said: list[str] = []
    page, pictures = all_protocols.evaluate_all(tmp_path, said.append, 20, ["csi"])
    assert list(pictures) == ["csi.svg"]
    ElementTree.fromstring(pictures["csi.svg"])
    assert "docs/evaluation/csi.svg" in page
    assert "| csi | tpr | ≥ 97 |" in page
    assert "| *Mahalanobis* |" in page
    assert "time_in_alarm" in page
    assert "always alarm" in page
    assert "`mean = off`" in page
    assert "windows are the same." in page
    assert "3 units" in page
    assert "3 of 3 anomalies raised an alarm" in page
    assert "of normal signal" in page
    assert str(tmp_path) not in page
    for line in page.splitlines():
        assert (
            len(line) <= 120
            or line.startswith("|")
            or "Settings of the first" in line
            or ", " in line
        ), line


@pytest.mark.parametrize(
    ("wrong", "raised"), [(HostError("a cable is out", "plug it in"), HostError),
    (ValueError("zip() argument 2 is longer than argument 1"), RuntimeError)],
)  # fmt: skip
def test_what_fails_is_named(monkeypatch, wrong: Exception, raised: type[Exception]) -> None:
    def fails(name, data, **_):
        raise wrong

    monkeypatch.setattr(assessment, "evaluate", fails)
    said: list[str] = []
    with pytest.raises(raised, match="atlas, fixed: ") as caught:
        all_protocols.evaluate_all(None, said.append, names=["atlas"])
    assert str(wrong) in str(caught.value)
    assert getattr(caught.value, "hint", "") == getattr(wrong, "hint", "")
    assert said == []


# ---- over the serial line ------------------------------------------------------------------------


def test_a_wearer_over_the_serial_line() -> None:
    """A whole session of real recordings, on a virtual board: what it journals is what the
    direct run says.
    """
    wearers = gestures.seglearn_watch()
    (session,) = watch.sessions_of({("s03", "R"): wearers["s03", "R"]}, 1)
    direct, there = (
        runner.run_one(session, "fixed", interpreter()),
        serial.run_over_serial(session),
    )
    assert len(direct.scores) > 50
    assert serial.differences(there, direct) == []
    judge = PROTOCOLS["watch"].judge
    assert judge([(session, there)]).figures == judge([(session, direct)]).figures
    # the comparison would notice
    there.scores[7] += 1
    there.labels[9] = "another"
    assert serial.differences(there, direct) == ["scores of 1 windows", "labels of 1 windows"]
    there.scores = there.scores[1:]
    assert serial.differences(there, direct) == [
        f"{len(direct.scores) - 1} windows, not {len(direct.scores)}"
    ]
