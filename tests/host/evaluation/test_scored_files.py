"""What `nearhum score` leaves behind, without a run of the firmware."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from nearhum_host.boards import board_files
from nearhum_host.evaluation import scored_files
from nearhum_host.recordings.fitting import Fit
from nearhum_host.recordings.reader import read_all


def test_a_board_file_of_ones_own_is_extended_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(scored_files.page, "report", lambda log, labels: "")
    Path("sub").mkdir()
    own = Path("sub/mine.toml")
    own.write_text('extends = "rpi_pico"\ntitle = "Mine"\n')
    found = SimpleNamespace(
        run=SimpleNamespace(journal=b""), spans=[], trace=SimpleNamespace(channels=["x", "y", "z"])
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
