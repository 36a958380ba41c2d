"""Test the files that `nearhum score` writes, without running the firmware."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from nearhum_host.boards import board_files, fitted_file
from nearhum_host.boards.checking import kinds
from nearhum_host.commands.cli import app
from nearhum_host.errors import UsageError
from nearhum_host.evaluation import scored_files
from nearhum_host.recordings import sample
from nearhum_host.recordings.fitting import Fit
from nearhum_host.recordings.reader import read_all
from typer.testing import CliRunner


def test_a_board_file_of_ones_own_is_extended_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(scored_files.page, "report", lambda log, labels: "")
    Path("sub").mkdir()
    own = Path("sub/mine.toml")
    own.write_text('extends = "rpi_pico"\ntitle = "Mine"\n')
    found = SimpleNamespace(
        run=SimpleNamespace(journal=b""),
        spans=[],
        trace=SimpleNamespace(channels=["x", "y", "z"]),
        drift={},
    )
    fit = Fit("vibration", 1000, 3, None, ["", "", ""])
    for folder, name, file in (("out", "pump", "pump.toml"), ("sub", "mine", "mine-scored.toml")):
        made = scored_files.write(Path(folder), name, found, fit, "sub/mine.toml", ["pump.csv"])
        assert made["board file"] == Path(folder) / file
        board = board_files.load(str(made["board file"]))
        assert (board.chip, board.rate_hz) == (board_files.load("rpi_pico").chip, 1000)
        assert board.source["names"] == ["x", "y", "z"]
    assert "rate_hz" not in own.read_text()  # it is not written over


def test_windows_count_what_is_missing_since_the_start(tmp_path: Path) -> None:
    at = np.arange(1200) / 100
    at[600:] += 60
    rows = "".join(f"{t:.2f},{i % 7}\n" for i, t in enumerate(at))
    (tmp_path / "a.csv").write_text("time_s,x\n" + rows)
    readings = read_all([tmp_path / "a.csv"])
    run = SimpleNamespace(
        windows_of=lambda recording: [range(0, 6), range(6, 12)],
        last_frame=lambda i: 100 * i + 99,
    )
    found = SimpleNamespace(run=run, recording=SimpleNamespace(rate_hz=100))
    times_ns, known = scored_files.row_times(found, readings)
    assert not known
    wanted = [i + 0.99 for i in range(6)] + [66 + i + 0.99 for i in range(6)]
    np.testing.assert_allclose(times_ns / 1e9, wanted)


def labelled(folder: Path) -> Path:
    for label in ("fault", "normal"):
        (folder / "mill" / label).mkdir(parents=True)
        np.save(folder / "mill" / label / "0.npy", np.zeros((2000, 3), np.int16))
    return folder / "mill"


@pytest.mark.parametrize("command", [["score"], ["virtual", "--replay"]])
def test_a_folder_a_label_is_refused_alike(tmp_path: Path, command: list[str]) -> None:
    folder = labelled(tmp_path)
    done = CliRunner().invoke(app, [*command, str(folder), "--rate", "1000"])
    assert done.exit_code == 2, done.output
    said = " ".join(done.output.split())
    assert f"{folder} holds a folder a label: fault, normal; the first would be" in said
    assert f"`nearhum {' '.join(command)} {folder / 'normal'}`" in said
    assert f"`nearhum evaluate {folder} --names" in said


def test_what_cannot_be_written_is_refused_before_anything_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scored(*_: object, **__: object) -> None:
        raise AssertionError("it was scored")

    monkeypatch.setattr("nearhum_host.evaluation.scoring.score", scored)
    sample.write_sample(tmp_path / "pump.csv", 20, 15)
    out = tmp_path / "out"
    out.mkdir()
    fit = Fit("vibration", 1000, 3, None, ["", "", ""])
    fitted_file.write(out / "pump.toml", fit, "virtual", "As pump")
    edited = (out / "pump.toml").read_text() + "\n[settings]\nn_bands = 6\n"
    (out / "pump.toml").write_text(edited)
    (tmp_path / "file").write_text("")
    for where, says in (
        (out, "was edited: it stays as it is"),
        (tmp_path / "file", "cannot write to"),
        (tmp_path / "file" / "below", "cannot write to"),
    ):
        done = CliRunner().invoke(app, ["score", str(tmp_path / "pump.csv"), "--out", str(where)])
        assert done.exit_code == 2, done.output
        assert says in " ".join(done.output.split())
        assert "--out" in done.output
    assert (out / "pump.toml").read_text() == edited
    assert sorted(path.name for path in out.iterdir()) == ["pump.toml"]


@pytest.mark.parametrize(
    ("kind", "says", "hint"),
    [
        ("spectra", "it takes spectra that were computed elsewhere", "vibration or motion; where"),
        ("audio", "sound of 4000 samples a second or more", "--kind vibration or motion"),
        ("radio", "packets of a receiver", "--set n_subcarriers=0"),
    ],
)
def test_a_kind_that_cannot_be_meant(tmp_path: Path, kind: str, says: str, hint: str) -> None:
    sample.write_sample(tmp_path / "pump.csv", 20, 15)
    done = CliRunner().invoke(app, ["score", str(tmp_path / "pump.csv"), "--kind", kind])
    assert done.exit_code == 2, done.output
    said = " ".join(done.output.split())
    assert f"--kind {kind}" in said
    assert says in said
    assert hint in said
    assert not (tmp_path / "pump-scored").exists()


def test_kinds_by_what_is_set_and_how_fast_it_is_sampled() -> None:
    kinds.check("spectra", 512, {"bin_hz": 1, "n_window": 512}, "fan.nhr")
    kinds.check("audio", 8000, {}, "a.wav")
    kinds.check("motion", 20, {"f_high_hz": 10}, "a.csv")
    kinds.check("radio", 100, {"n_subcarriers": 0}, "a.csv")
    for kind in ("telemetry", "vibration"):
        kinds.check(kind, 1000, {}, "a.csv")
    with pytest.raises(UsageError, match="24 samples a second or more") as refused:
        kinds.check("motion", 1, {}, "a.csv")
    assert refused.value.hint == "--kind telemetry"
