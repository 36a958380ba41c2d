"""Test peers: their computations, and that they get the board's windows and learning periods."""

import json
import math

import nearhum_host as nh
import numpy as np
import pytest
from nearhum import wire
from nearhum_host.commands import evaluate as command
from nearhum_host.errors import HostError, UsageError
from nearhum_host.evaluation import one_recording
from nearhum_host.evaluation.benchmarks.base import (
    Judgement,
    Rows,
    Run,
    Session,
    Span,
    confusion,
    judged,
)  # fmt: skip
from nearhum_host.evaluation.peers import own
from nearhum_host.evaluation.peers.answers import QUANTILE, peers_of
from nearhum_host.evaluation.peers.detectors import DETECTORS, Ecod, WindowedGaussian
from nearhum_host.recordings.nhr import Recording, write_nhr


def test_ecod_is_pyods() -> None:
    """PyOD 3.6.7 gave these: ECOD().fit(rows), then decision_function of one row at a time."""
    rows = np.array([[0.0, 1], [1, 3], [2, 2], [5, 0], [3, 9]])
    peer = Ecod()
    own_scores = [2.52572864, 1.83258146, 1.02165125, 3.21887582, 2.52572864]
    assert peer.fit(rows) == pytest.approx(own_scores)
    asked = np.array([[2.5, 2.5], [9, 1], [-1, 20], [2, 2]])
    assert peer.score(asked) == pytest.approx(
        [1.3862943611, 2.4849066498, 3.5835189385, 0.8109302162]
    )


def test_windowed_gaussian_is_what_nab_describes(monkeypatch) -> None:
    monkeypatch.setattr(WindowedGaussian, "WINDOW", 30)
    monkeypatch.setattr(WindowedGaussian, "STEP", 7)
    values = np.random.default_rng(3).integers(-50, 50, 120).astype(float)
    window, steps, expected = [], [], []
    for value in values:
        score = 0.0
        if window:
            spread = np.std(window) or 1e-6
            score = 1 - 0.5 * math.erfc(abs(value - np.mean(window)) / spread / math.sqrt(2))
        expected.append(score)
        if len(window) < 30:
            window.append(value)
        else:
            steps.append(value)
            if len(steps) == 7:
                window, steps = window[7:] + steps, []
    peer = WindowedGaussian()
    found = np.concatenate([peer.fit(values[:50, None]), peer.score(values[50:, None])])
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", DETECTORS)
def test_a_peer_finds_what_is_plain(name: str) -> None:
    draw = np.random.default_rng(1)
    peer = DETECTORS[name]()
    own_scores = peer.fit(draw.normal(size=(400, 3)))
    quiet, loud = draw.normal(size=(200, 3)), draw.normal(size=(200, 3)) + 9
    assert own_scores.shape == (400,)
    assert np.mean(peer.score(quiet) > own_scores.max()) < 0.05
    assert np.median(peer.score(loud)) > np.quantile(own_scores, 0.99)


# ---- in the board's place ------------------------------------------------------------------------


class Halves:
    """A protocol: the second half of what is watched is strange."""

    name = "halves"
    told = ""

    def sessions(self, root, windows_in):
        return []

    def judge(self, runs):
        rows, spans = [], {}
        for session, run in runs:
            watched = np.flatnonzero(run.states == wire.WATCH)
            strange = watched >= watched[len(watched) // 2]
            rows.append(Rows(strange, run.alarm[watched], run.scores[watched].astype(float)))
            middle = int(watched[len(watched) // 2])
            spans[session.name] = [Span(int(watched[0]), middle - 1, "normal")]
        counts = confusion(rows)
        return Judgement({"tpr": counts.tpr, "far": counts.far}, {"never_alarm": {}}, [], spans)


CONFIG = {
    "kind": "vibration", "alarms_per_day": 1, "n_hop": 1, "rate_hz": 1, "recognise": "windows",
}  # fmt: skip


def a_run(n_learned: int = 60, **config) -> tuple[Session, Run]:
    draw = np.random.default_rng(2)
    n = n_learned + 80
    features = np.clip(draw.normal(0, 8, (n, 4)), -128, 127).astype(np.int8)
    features[-40:] += 100
    states = np.where(np.arange(n) < n_learned, wire.LEARN, wire.WATCH).astype(np.uint8)
    embedded = np.ones(n, bool)
    embedded[:5] = False
    recording = Recording(1, 1)
    recording.add(np.arange(n, dtype=np.int16)[:, None], f"learn {n_learned}")
    run = Run(
        np.zeros(n, np.int16), np.zeros(n, np.int16), states, np.full(n, "", object),
        np.zeros(n, bool), [], {"config": {**CONFIG, **config}}, 1, 1, "", b"", features, features,
        embedded,
    )  # fmt: skip
    return Session("a", {}, recording), run


class Spy:
    """A peer that keeps what it is given."""

    given: list = []

    def fit(self, rows):
        Spy.given.append(rows)
        return rows[:, 0].astype(float)

    def score(self, rows):
        Spy.given.append(rows)
        return rows[:, 0].astype(float)


def test_peers_learn_what_the_board_learned_and_are_asked_what_it_was() -> None:
    session, run = a_run()
    found = peers_of(Halves(), [(session, run)], {"Spy": Spy})
    assert set(found) == {*DETECTORS, "Spy"}
    assert found["Mahalanobis"]["tpr"] == 1
    assert found["Mahalanobis"]["far"] == found["Mahalanobis"]["time_in_alarm"] < 0.2
    learned, asked = Spy.given[-2:]
    assert np.array_equal(learned, run.features[5:60])  # without those that set a range
    assert np.array_equal(asked, run.features[60:])


def test_of_telemetry_peers_see_rows() -> None:
    session, run = a_run(kind="telemetry")
    run.window = 3
    session.recording.segments[0].frames = np.arange(142, dtype=np.int16)[:, None]
    peers_of(Halves(), [(session, run)], {"Spy": Spy})
    learned, asked = Spy.given[-2:]
    assert learned[:, 0].tolist() == list(range(62))  # the first window's rows, too
    assert asked[:, 0].tolist() == list(range(62, 142))


def test_the_promised_quantile_is_tried_where_the_period_is_long_enough() -> None:
    often = {"alarms_per_day": 86400 / 20}
    assert not any(QUANTILE in name for name in peers_of(Halves(), [a_run()]))
    found = peers_of(Halves(), [a_run(**often)])
    assert found["ECOD" + QUANTILE]["far"] >= found["ECOD"]["far"]


def test_detectors_answer_where_every_board_has_learned() -> None:
    """wakeword: words are enrolled, and some of its boards have learned nothing before."""

    class Words:
        name, told = "words", ""

        def judge(self, runs):
            return Judgement({"heard": 1.0}, {}, [])

    learned, untold = a_run(recognise="words"), a_run(n_learned=0, recognise="words")
    assert peers_of(Words(), [learned, untold], {"Spy": Spy}) == {}
    assert set(peers_of(Words(), [learned], {"Spy": Spy})) == {*DETECTORS, "Spy"}


def test_time_in_alarm_is_of_what_is_normal() -> None:
    session, run = a_run()
    run.alarm[70:80] = True  # ten of the forty that are normal
    run.alarm[-1] = True
    found = judged(Halves(), [(session, run)])
    assert found.figures["time_in_alarm"] == 0.25
    assert found.trivial["never_alarm"]["time_in_alarm"] == 0


def test_recognisers_know_what_was_enrolled_until_then() -> None:
    draw = np.random.default_rng(4)
    recording = Recording(1, 1)
    features, kinds = [], ["a", "b", "c"]
    truth = []
    for part in range(2):
        for i, kind in enumerate(kinds[: 2 + part]):
            for _ in range(3):
                recording.add(np.zeros((1, 1), np.int16), f"enrol {kind} 1")
                features.append(draw.normal(40 * i, 3, 5))
                truth.append(kind)
        for i, kind in enumerate(kinds):
            recording.add(np.zeros((4, 1), np.int16))
            features += list(draw.normal(40 * i, 3, (4, 5)))
            truth += [kind] * 4
    n = len(features)
    rows = np.array(features).astype(np.int8)
    run = Run(
        np.zeros(n, np.int16), np.zeros(n, np.int16), np.zeros(n, np.uint8), np.full(n, "", object),
        np.zeros(n, bool), [], {"config": CONFIG}, 1, 1, "", b"", rows, rows, np.ones(n, bool),
    )  # fmt: skip

    class Right:
        name, told = "right", ""

        def judge(self, runs):
            ((_, run),) = runs
            right = [a == b for a, b in zip(run.labels, truth, strict=True)]
            known = [bool(s.cue) for s in recording.segments for _ in s.frames]
            asked = np.array(right)[~np.array(known)]
            return Judgement({"before": asked[:12].mean(), "after": asked[12:].mean()}, {}, [])

    found = peers_of(Right(), [(Session("a", {}, recording), run)])
    assert set(found) == {"1-NN", "shrunk LDA"}
    for figures in found.values():
        assert figures["before"] == pytest.approx(2 / 3)  # nobody had shown c
        assert figures["after"] == 1


# ---- somebody's own ------------------------------------------------------------------------------

MINE = """
import numpy as np

class Mine:
    def __init__(self, n_dims):
        self.least, self.most = np.full(n_dims, 127), np.full(n_dims, -128)

    def learn_one(self, x):
        assert x.dtype == np.int8
        self.least, self.most = np.minimum(self.least, x), np.maximum(self.most, x)

    def score_one(self, x):
        beyond = np.maximum(self.least - x.astype(int), x - self.most.astype(int))
        return int(beyond.max())
"""


def test_a_detector_of_ones_own_stands_beside_the_others(tmp_path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    name, kind = own.load(path)
    assert name == "Mine"
    found = peers_of(Halves(), [a_run()], {name: lambda: own.Own(kind)})
    assert found["Mine"]["tpr"] == 1
    assert found["Mine"]["far"] < 0.3


@pytest.mark.parametrize(
    ("text", "word"), [("x = 1", "0 classes"), (MINE + MINE.replace("Mine", "Other"), "2 classes"),
    ("1 / 0", "ZeroDivisionError"), ("(", "SyntaxError")],
)  # fmt: skip
def test_a_file_without_a_detector_is_refused(tmp_path, text: str, word: str) -> None:
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(UsageError, match=word):
        own.load(tmp_path / "mine.py")
    with pytest.raises(UsageError, match="cannot read"):
        own.load(tmp_path / "none.py")


def test_what_a_detector_raises_is_its_authors(tmp_path) -> None:
    (tmp_path / "mine.py").write_text(MINE.replace("return int", "return nothing"))
    name, kind = own.load(tmp_path / "mine.py")
    with pytest.raises(HostError, match="Mine failed: NameError"):
        peers_of(Halves(), [a_run()], {name: lambda: own.Own(kind)})


# ---- through the firmware ------------------------------------------------------------------------


def a_hum(n: int = 60) -> Recording:
    draw = np.random.default_rng(5)
    tone = 900 * np.sin(2 * np.pi * 60 * np.arange(256 * n) / 1000)
    frames = np.rint(tone + draw.normal(0, 50, 256 * n)).astype(np.int16)
    frames[256 * 50 :] = draw.normal(0, 3000, 256 * (n - 50))
    recording = Recording(1000, 1)
    recording.add(frames[: 256 * 40, None], "learn 40")
    recording.add(frames[256 * 40 :, None], "~watch")
    return recording


SETTINGS = {"kind": "vibration", "rate_hz": 1000, "n_channels": 1, "n_window": 256, "n_hop": 256}


def test_a_run_returns_features_and_embeddings() -> None:
    run = nh.run(a_hum(), SETTINGS)
    assert run.features.dtype == run.embeddings.dtype == np.int8
    assert len(run.features) == len(run.scores) == len(run.embedded) == 60
    assert run.embedded.all()
    assert np.array_equal(run.features, run.embeddings)  # a board without a head
    quiet, loud = run.features[:50].astype(float), run.features[50:].astype(float)
    assert np.abs(loud.mean(axis=0) - quiet.mean(axis=0)).max() > 10
    rows = Recording(1, 2)
    rows.add(np.random.default_rng(1).integers(-99, 99, (300, 2)).astype(np.int16), "learn 200")
    run = nh.run(rows, {"kind": "telemetry", "rate_hz": 1, "n_channels": 2})
    assert not run.embedded[0]  # the first windows set the range
    assert run.embedded[-1]
    assert not run.features[0].any()


def test_a_recording_and_a_detector_by_the_command(tmp_path, capsys) -> None:
    write_nhr(a_hum(), tmp_path / "pump.nhr")
    (tmp_path / "mine.py").write_text(MINE)
    command.evaluate(
        str(tmp_path / "pump.nhr"),
        changed=[f"{key}={value}" for key, value in SETTINGS.items()],
        resamples=0,
        over_serial=False,
        path="fixed",
        detector=tmp_path / "mine.py",
        no_peers=False,
        as_json=True,
        data=None,
        out=None,
        write=None,
    )
    found = json.loads(capsys.readouterr().out)
    assert found["figures"]["alarms_begun"] >= 1
    assert 0.4 < found["figures"]["time_in_alarm"] < 0.6
    assert found["peers"]["Mine"]["time_in_alarm"] >= 0.5
    assert [row["windows"] for row in found["files"]] == [40, 20]
    with pytest.raises(UsageError, match="what kind of signal"):
        one_recording.evaluate(tmp_path / "pump.nhr", {})
