"""Test `nearhum evaluate FOLDER` on the user's own labelled recordings, with peers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ON_LINUX_X86_64
from nearhum_host.errors import UsageError
from nearhum_host.evaluation import own_recordings
from nearhum_host.evaluation.assessment import read_run
from nearhum_host.evaluation.peers.detectors import DETECTORS

pytestmark = pytest.mark.skipif(
    not ON_LINUX_X86_64, reason="the unix port has its native emitter on x86-64"
)
RATE = 1000
SECONDS = 6  # a recording: to read them takes longest here


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two machines, each healthy and with a bearing that rings, a csv a recording."""
    root = tmp_path_factory.mktemp("own")
    for machine in "AB":
        for label, n in (("healthy", 4), ("bearing", 2)):
            for i in range(n):
                draw = np.random.default_rng([ord(machine), len(label), i])
                t = np.arange(SECONDS * RATE) / RATE
                x = draw.normal(0, 0.02, (len(t), 2))
                x[:, 0] += 0.1 * np.sin(2 * np.pi * (25 + ord(machine) % 7) * t)
                x[:, 1] += (0.1 if label == "bearing" else 0) * np.sin(2 * np.pi * 210 * t)
                rows = [f"{k},{a:.4f},{b:.4f}" for k, (a, b) in enumerate(x)]
                file = root / label / f"{machine}_{i}.csv"
                file.parent.mkdir(exist_ok=True)
                file.write_text("\n".join(["t_ms,x (g),y (g)", *rows]))
    return root


def test_figures_with_peers_beside(folder: Path, tmp_path: Path) -> None:
    found = own_recordings.evaluate(folder, "{label}/{group}_*", out=tmp_path / "run")
    assert found["normal"] == "healthy"
    assert found["figures"]["tpr"] > 0.9
    assert found["figures"]["far"] < 0.1
    assert found["figures"]["auc"] > 0.99
    assert found["trivial"]["always_alarm"]["far"] == 1
    assert set(found["peers"]) == set(DETECTORS)
    assert all(0.5 < found["peers"][peer]["auc"] <= 1 for peer in ("Mahalanobis", "ECOD"))
    assert found["figures"]["time_in_alarm"] == found["figures"]["far"]
    assert {row["file"] for row in found["files"]} == {
        "A_healthy", "A_bearing", "B_healthy", "B_bearing",
    }  # fmt: skip
    assert read_run(tmp_path / "run")["figures"] == found["figures"]


def test_the_command(folder: Path, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).parent / "nearhum"), "evaluate", str(folder)]
    environment = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(
        [*command, "--names", "{label}/{group}_*", "--out", "run"],
        cwd=tmp_path, capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for word in ("firmware", "IsolationForest", "always alarm", "A_bearing"):
        assert word in done.stdout
    assert "A_0.csv: 2 channels x (g), y (g) at 1000 Hz, 6000 samples" in done.stderr
    assert "recordings by label: bearing 4, healthy 8; normal: healthy" in done.stderr
    assert "kind vibration, 2 x 1000 Hz" in done.stderr
    assert "in percent; " in done.stdout
    done = subprocess.run([*command[:1], "report", "run"], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0
    done = subprocess.run(
        [*command, "--no-peers", "--json"], cwd=tmp_path, capture_output=True, text=True
    )
    found = json.loads(done.stdout)
    assert found["figures"]["auc"] > 0.9
    assert found["trivial"]["always_alarm"]["far"] == 1
    assert found["peers"] == {}


def test_no_label_is_normal(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    rows = "\n".join(["t_ms,x (g)", *(f"{k},{k % 7 / 9:.3f}" for k in range(2000))])
    for name in ("healthy/A_0", "healthy/B_0", "bearing/A_0", "bearing/B_0"):
        file = folder / f"{name}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(rows)
    with pytest.raises(UsageError, match="no recording is labelled 'fine'"):
        own_recordings.evaluate(folder, "{label}/*", normal="fine")
    with pytest.raises(UsageError, match="none of the labels") as refused:
        own_recordings.evaluate(folder, "{group}/{label}_*")
    assert "--normal" in refused.value.hint
