"""Test the evaluation: the firmware gives the figures, and protocols judge as they describe.

Recordings that nobody may redistribute are read from NEARHUM_DATA, or from ../shared/wide beside
the checkout. Without them, the tests that need them are skipped by name.
"""

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from nearhum import wire
from nearhum_host.boards import board_files
from nearhum_host.boards.application import application
from nearhum_host.boards.deployment import deploy
from nearhum_host.errors import HostError, UsageError
from nearhum_host.evaluation import assessment
from nearhum_host.evaluation.benchmarks import PROTOCOLS, base, runner, spoken, wakeword, watch
from nearhum_host.evaluation.benchmarks.base import Rows, Run, Session
from nearhum_host.evaluation.peers.detectors import DETECTORS
from nearhum_host.logs import decoding, log_file
from nearhum_host.logs.pulling import pull
from nearhum_host.recordings.datasets import folders, gestures, machines, radio
from nearhum_host.recordings.nhr import Recording, write_nhr
from nearhum_host.report import page
from nearhum_host.serial_line.link import Link
from nearhum_host.virtual import unix_port

CHECKOUT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get(folders.ENVIRONMENT) or CHECKOUT.parent / "shared" / "wide")


def needs_data(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not (DATA / name).is_dir(), reason=f"no recordings {name} in {DATA}")


def needs_micropython() -> None:
    try:
        runner.interpreter()
    except HostError as error:
        pytest.skip(error.message)


# ---- the runner, on signals made here ------------------------------------------------------------


def tone(n: int, hz: float, loud: float = 1000, seed: int = 0) -> np.ndarray:
    """Return int16 (n, 1) of a tone at 1 kHz in noise."""
    noise = np.random.default_rng(seed).normal(0, 50, n)
    return np.round(loud * np.sin(2 * np.pi * hz * np.arange(n) / 1000) + noise).astype(np.int16)[
        :, None
    ]


CONFIG = {"kind": "vibration", "rate_hz": 1000, "n_channels": 1, "n_window": 256, "n_hop": 256}


def session(*segments: tuple[np.ndarray, str], **config: object) -> Session:
    recording = Recording(1000, 1)
    for frames, cue in segments:
        recording.add(frames, cue)
    return Session("made", {**CONFIG, **config}, recording)


@pytest.fixture
def run(request: pytest.FixtureRequest):
    needs_micropython()
    return lambda *segments, **config: runner.run_one(
        session(*segments, **config), "fixed", runner.interpreter()
    )


def test_the_firmware_learns_a_tone_and_hears_another(run):
    known, other = tone(256 * 60, 60), tone(256 * 20, 180, seed=1)
    found = run((known, "learn 40"), (other, "watch"))
    assert found.window == found.hop == 256
    assert list(found.states[:40]) == [wire.LEARN] * 40
    assert not found.alarm[40:60].any()
    assert found.alarm[62:].all()
    assert np.all(found.scores[40:60] < found.thresholds[40:60])
    assert found.micropython.startswith("MicroPython 1.")
    assert found.boot["version"]


def test_the_same_session_gives_the_same_scores(run):
    segments = (tone(256 * 30, 60), "learn 20"), (tone(256 * 10, 90), "watch")
    one, other = run(*segments), run(*segments)
    assert np.array_equal(one.scores, other.scores)
    assert np.array_equal(one.thresholds, other.thresholds)


def test_a_segment_without_a_gap_gives_the_scores_of_one(run):
    frames = tone(256 * 40, 60)
    cut = 256 * 30 + 77
    whole = run((frames, "learn 20"))
    parts = run((frames[:cut], "learn 20"), (frames[cut:], "~"))
    assert np.array_equal(whole.scores, parts.scores)
    assert len(run((frames[:cut], "learn 20"), (frames[cut:], "")).scores) == 40 - 1


def test_a_board_journals_the_scores_of_the_evaluation(run, virtual_board, tmp_path):
    """The same recording through main.py on a virtual board, its journal pulled over the
    console.
    """
    segments = (tone(256 * 40, 60), "learn 30"), (tone(256 * 20, 180, seed=1), "watch")
    found = run(*segments)
    (tmp_path / "sd").mkdir()
    write_nhr(session(*segments).recording, tmp_path / "sd" / "replay.nhr")
    overrides = {**CONFIG, "source": {"driver": "replay", "path": "/sd/replay.nhr", "speed": 0}}
    board = virtual_board(sd=tmp_path / "sd")
    with Link(board.path) as link:
        deploy(link, application(board_files.load("virtual"), overrides))
        until = time.monotonic() + 20
        while (status := link.ask("status"))["source"] != "end" or status["synced_seq"] != status[
            "seq"
        ]:
            assert time.monotonic() < until, status
            time.sleep(0.05)
        pull(link, tmp_path / "board.nhl")
    scores, events = decoding.decode(log_file.read_log(tmp_path / "board.nhl").records)
    assert list(scores.scores) == found.scores.tolist()
    assert list(scores.thresholds) == found.thresholds.tolist()
    assert [e.what for e in events if "alarm" in e.name] == [
        e.what for e in found.events if "alarm" in e.name
    ]
    assert found.alarm.any()


def test_a_refused_cue_fails_the_run(run):
    with pytest.raises(HostError, match="refused the cue 'learn nonsense'") as caught:
        run((tone(256, 60), "learn nonsense"))
    assert caught.value.hint


def test_a_bad_setting_fails_the_run_and_is_named(run):
    with pytest.raises(HostError, match="n_hop = 512"):
        run((tone(256, 60), ""), n_hop=512)


def test_the_firmware_is_asked_for_its_own_defaults():
    needs_micropython()
    assert runner.windows_in(CONFIG, 256 * 7 + 255) == 7
    assert runner.windows_in({"kind": "telemetry"}, 0) == 0
    assert runner.windows_in({"kind": "telemetry", "n_window": 10, "n_hop": 1}, 12) == 3


def test_an_interpreter_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv(unix_port.ENVIRONMENT, "/nowhere/micropython")
    with pytest.raises(HostError, match="/nowhere/micropython"):
        unix_port.interpreter()


# ---- judging, on runs made here ------------------------------------------------------------------


def made_run(n: int, window: int = 1, hop: int = 1) -> Run:
    return Run(
        np.zeros(n, np.int16), np.zeros(n, np.int16), np.full(n, wire.WATCH, np.uint8),
        np.full(n, "", object), np.zeros(n, bool), [], {}, window, hop, "", b"",
    )  # fmt: skip


def test_windows_belong_to_the_segment_their_last_sample_is_in():
    recording = Recording(1, 1)
    for n, cue in ((10, "learn 5"), (7, "~watch"), (3, ""), (8, "")):
        recording.add(np.zeros((n, 1), np.int16), cue)
    # 17 frames run on: windows end at 3, 5, 7, 9 | 11, 13, 15; then 3 frames make none, and 8 make
    # 3.
    assert made_run(0, 4, 2).windows_of(recording) == [
        range(4),
        range(4, 7),
        range(7, 7),
        range(7, 10),
    ]


def test_trivial_answers_are_what_they_are():
    anomalous = np.arange(2000) % 4 == 0
    files = [Rows(anomalous, anomalous, anomalous.astype(float))] * 2
    rows = base.trivial_rows(files)
    assert base.confusion(rows["always_alarm"]).far == 1
    assert base.confusion(rows["never_alarm"]).mar == 1
    assert base.confusion(rows["random"]).tpr == pytest.approx(0.25, abs=0.05)
    assert base.mean_auc(rows["random"]) == pytest.approx(0.5, abs=0.05)
    assert base.mean_auc(rows["always_alarm"]) == 0.5
    assert base.confusion(files).f1 == 1


def test_a_wearer_with_few_windows_is_still_asked_for_every_exercise():
    frames = np.zeros((200 * 4, 6), np.int16)
    made = watch.sessions_of(
        {("s01", "L"): {"ABD": frames, "ER": np.zeros((200 * 9, 6), np.int16)}}, 2
    )
    assert [s.name for s in made] == ["s01_L_draw1", "s01_L_draw2"]
    for s in made:
        asked = [(a.exercise, a.shots) for a in s.about]
        assert asked.count(("ABD", 0)) == 3
        assert asked.count(("ABD", 1)) == 3
        assert asked.count(("ABD", 5)) == 1
        assert asked.count(("ER", 0)) == 5
        assert asked.count(("ER", 5)) == 4
        assert sum(c.cue.startswith("enrol ") for c in s.recording.segments) == 8


def test_unknown_names_and_missing_folders_say_what_there_is(tmp_path, monkeypatch):
    with pytest.raises(UsageError) as caught:
        assessment.evaluate("scab", tmp_path)
    assert "skab" in caught.value.hint
    monkeypatch.delenv(folders.ENVIRONMENT, raising=False)
    with pytest.raises(HostError, match="no folder of evaluation recordings") as missing:
        assessment.evaluate("skab")
    assert "--data" in missing.value.hint
    with pytest.raises(HostError, match=str(tmp_path / "skab")):
        assessment.evaluate("skab", tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    with pytest.raises(UsageError, match="not empty"):
        assessment.evaluate("skab", tmp_path, out=tmp_path / "full")


# ---- recordings ----------------------------------------------------------------------------------


def test_seglearn_is_checked_before_it_is_opened(tmp_path, monkeypatch):
    wearers = gestures.seglearn_watch()
    assert sorted(wearers) == [(f"s0{i}", side) for i in range(1, 7) for side in "LR"]
    assert all(len(exercises) == 7 for exercises in wearers.values())
    monkeypatch.setattr(gestures, "SEGLEARN_SHA256", "0" * 64)
    with pytest.raises(HostError, match="is not the file of seglearn"):
        gestures.seglearn_watch()


def test_fan_files_are_read_by_their_names(tmp_path):
    with zipfile.ZipFile(tmp_path / "9cm_hmlo_normal_attic_2.zip", "w") as made:
        for name, value in (("b.csv", 1), ("a.csv", 0.5)):
            made.writestr(f"9cm/{name}", f"0, 0\n1, {value}\n")
    (file,) = machines.fan(tmp_path)
    assert (file.fan, file.speed, file.state, file.room, file.take) == (
        "9cm",
        "hmlo",
        "normal",
        "attic",
        "2",
    )
    assert file.spectra.tolist() == [[0, 16384], [0, 32767]]  # oldest first
    (tmp_path / "9cm_h_normal_attic.zip").write_bytes(b"no zip")
    with pytest.raises(HostError, match="9cm_h_normal_attic"):
        machines.fan(tmp_path)
    (tmp_path / "9cm_h_normal_attic.zip").rename(tmp_path / "odd.zip")
    with pytest.raises(HostError, match="name like"):
        machines.fan(tmp_path)


def test_packets_are_paired_with_the_next_movement(tmp_path):
    for what, at, n in (
        ("baseline", 10, 40),
        ("movement", 20, 30),
        ("baseline", 30, 50),
        ("movement", 5, 20),
    ):
        values = np.tile(np.array([3, -4], np.int8), (n, 2))
        np.savez(
            tmp_path / f"{what}_c9_2sc_20260101_{at:06}.npz", csi_data=values, duration_ms=10.0 * n
        )
    with pytest.raises(HostError, match="no movement"):
        radio.csi(tmp_path)
    (tmp_path / "movement_c9_2sc_20260101_000005.npz").rename(
        tmp_path / "movement_c9_2sc_20260101_000040.npz"
    )
    first, second = radio.csi(tmp_path)
    assert (first.name, first.chip, first.rate_hz) == ("c9_20260101_10", "c9", 100)
    assert (len(first.quiet), len(first.movement), len(second.movement)) == (40, 30, 20)
    assert first.quiet.dtype == np.int16
    assert first.quiet.tobytes()[:4] == bytes([3, 252, 3, 252])


def test_packets_that_were_not_heard_are_at_the_floor(tmp_path):
    (tmp_path / "l.csv").write_text(
        "tx,rx,noise_dbm,p0,p1,p2\na,b,-20,25,-1,127\na,b,-15,26,0,49\n"
    )
    (link,) = radio.rssi(tmp_path)
    assert link.by_noise[-20][:, 0].tolist() == [0, -32000, -32000]
    assert link.by_noise[-15][:, 0].tolist() == [1280, -32000, 30720]
    assert link.heard[-20].tolist() == [True, False, False]


# What must hold is in test_targets_hold; here is what would fall apart if something were broken.


@needs_data("nab")
def test_nab():
    needs_micropython()
    few = ("realTraffic/occupancy_6005", "artificialWithAnomaly/art_daily_jumpsup")
    found = assessment.evaluate("nab", DATA, choose=lambda s: s.name in few, peers=True)
    assert found["trivial"]["never_alarm"]["nab_score"] == 0
    assert found["trivial"]["random"]["nab_score"] < found["figures"]["nab_score"] < 1
    assert {"IsolationForest", "WindowedGaussian"} <= set(found["peers"])
    assert set(found["peers"]["ECOD"]) == set(found["figures"])


@needs_data("skab")
def test_skab(tmp_path):
    needs_micropython()
    found = assessment.evaluate("skab", DATA, out=tmp_path / "run")
    figures = found["figures"]
    assert figures["f1"] >= 0.80
    assert figures["far"] <= 0.20
    assert figures["mar"] <= 0.25
    # the rig drifts while nothing is wrong with it, and is then in alarm for most of the time
    assert 0 < figures["time_in_alarm"] < 0.6
    assert found["peers"] == {}  # they were not asked
    assert found["trivial"]["always_alarm"]["f1"] < figures["f1"]
    assert json.loads((tmp_path / "run" / "run.json").read_text()) == found
    text = page.report(tmp_path / "run")
    assert len(text.encode()) < 300_000
    assert found["files"][0]["file"] in text


@needs_data("watch")
def test_watch():
    needs_micropython()
    found = assessment.evaluate("watch", DATA, choose=lambda s: s.name.endswith("_draw1"))
    assert found["figures"]["accuracy_5"] >= 0.95
    assert found["trivial"]["random"]["accuracy_5"] < 0.3


@pytest.mark.slow
@needs_data("fsdd")
def test_fsdd():
    needs_micropython()
    found = assessment.evaluate("fsdd", DATA, choose=lambda s: s.name.endswith("_draw1_5"))
    assert found["figures"]["accuracy_5"] >= 0.97
    assert found["figures"]["eer_5"] <= 0.03
    assert found["trivial"]["random"]["accuracy_5"] < 0.2
    assert abs(found["trivial"]["random"]["eer_5"] - 0.5) < 0.1


@pytest.mark.slow
@needs_data("wakeword")
def test_wakeword():
    needs_micropython()
    found = assessment.evaluate(
        "wakeword",
        DATA,
        choose=lambda s: s.name in ("draw1", "draw2") or s.name.startswith("speech_theo_draw1"),
    )
    figures = found["figures"]
    assert figures["eer"] <= 0.09
    assert found["trivial"]["random"]["eer"] > 0.4
    if "false_accepts_per_hour" in figures:  # the digits are there too
        assert figures["false_accepts_per_hour"] < figures["false_accepts_per_hour_untold"]
        assert figures["false_accepts_per_hour"] < figures["false_accepts_per_hour_bound"]
        assert figures["found_in_speech"] > 0.8


@needs_data("adi_motor")
def test_adi_motor():
    needs_micropython()
    found = assessment.evaluate("adi_motor", DATA, choose=lambda s: s.name.startswith("2400_11lb"))
    assert found["figures"]["auc"] >= 0.99
    assert found["figures"]["far"] <= 0.05


@needs_data("femto")
def test_femto():
    needs_micropython()
    found = assessment.evaluate("femto", DATA)
    assert found["figures"]["auc"] >= 0.99
    assert found["figures"]["far"] <= 0.10


@needs_data("fan")
def test_fan():
    needs_micropython()
    found = assessment.evaluate("fan", DATA)
    assert found["figures"]["auc"] >= 0.99
    assert found["figures"]["far"] <= 0.02
    assert found["figures"]["far_before"] >= 0.9
    assert found["figures"]["far_after"] <= 0.05


@needs_data("csi")
def test_csi():
    needs_micropython()
    found = assessment.evaluate("csi", DATA)
    assert found["figures"]["auc"] >= 0.99
    assert found["figures"]["tpr"] >= 0.8


@needs_data("rssi")
def test_rssi():
    needs_micropython()
    found = assessment.evaluate("rssi", DATA, choose=lambda s: s.name.startswith("node1"))
    assert found["figures"]["auc_least"] >= 0.98
    assert found["figures"]["tpr"] >= 0.9


@needs_data("femto")
def test_the_command_prints_json_with_the_figures(tmp_path):
    needs_micropython()
    done = subprocess.run(
        [sys.executable, "-m", "nearhum_host.commands.cli", "evaluate", "femto", "--data",
        str(DATA), "--json"], capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["protocol"] == "femto"
    assert set(found["trivial"]) == {"always_alarm", "never_alarm", "random"}
    assert set(found["peers"]) == set(DETECTORS)
    assert "time_in_alarm" in found["figures"]
    assert all(0 <= value <= 1 for value in found["figures"].values())
    assert len(found["files"]) == len(machines.femto(DATA / "femto"))


def heard_of(label: str, **distances: int) -> spoken.Heard:
    return spoken.Heard(label, distances, 1)


def test_recognition_counts_what_was_said():
    answers = [
        heard_of("a", a=10, b=30),
        heard_of("", a=25, b=20),
        heard_of("b", b=5),
        heard_of("", a=20, b=22),
    ]
    figures = spoken.recognition(["a", "b", "b", "b"], answers, ["a", "b"])
    assert figures["accuracy"] == 0.75
    assert (figures["open"], figures["unknown"]) == (0.5, 0.5)
    assert spoken.recognition(["a"], [heard_of("")], ["a", "b"])["accuracy"] == 0
    guesses = spoken.guesses(["a", "b"] * 200, ["a", "b"], np.random.default_rng(1))
    assert guesses["always_the_first"] == {"accuracy": 0.5, "open": 0.5, "unknown": 0.0, "eer": 0.5}
    assert guesses["never"]["unknown"] == 1
    assert 0.4 < guesses["random"]["accuracy"] < 0.6


def test_noise_is_as_loud_as_the_quiet_parts():
    draw = np.random.default_rng(4)
    clip = np.concatenate([draw.normal(0, 30, 4000), draw.normal(0, 3000, 4000)]).astype(np.int16)
    level = spoken.quiet_level([clip], 8000)
    assert 25 < level < 32
    made = spoken.noise(80000, level, draw).astype(float)
    assert abs(made.std() / level - 1) < 0.05
    assert spoken.quiet_level([np.zeros(1000, np.int16)], 8000) == 1


def test_half_the_rate_keeps_the_lower_half():
    t = np.arange(16000) / 16000
    low, high = np.sin(2 * np.pi * 1000 * t), np.sin(2 * np.pi * 6000 * t)
    made = wakeword.halve(np.rint(8000 * (low + high)).astype(np.int16))
    assert len(made) == 8000
    assert np.abs(made - 8000 * low[::2]).max() < 60


def test_upper_bound_of_a_count():
    assert wakeword.upper_bound(0) == pytest.approx(2.996, abs=0.01)  # the rule of three
    assert wakeword.upper_bound(10) == pytest.approx(16.96, abs=0.01)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in ("fsdd", "wakeword") else name
        for name in PROTOCOLS
    ],
)
def test_no_protocol_tells_the_firmware_what_it_is_asked(name):
    """Cues hold a learning period, watch, or an enrolment; the configuration holds no data
    set's name.
    """
    if not (DATA / name).is_dir():
        pytest.skip(f"no recordings {name} in {DATA}")
    for s in PROTOCOLS[name].sessions(DATA / name, lambda config, n: n // 512):
        assert set(s.config) <= {
            "kind",
            "rate_hz",
            "n_channels",
            "n_window",
            "n_hop",
            "n_subcarriers",
            "bin_hz",
        }
        assert {c.cue.lstrip("~").split(" ")[0] for c in s.recording.segments} <= {
            "",
            "learn",
            "watch",
            "enrol",
        }
