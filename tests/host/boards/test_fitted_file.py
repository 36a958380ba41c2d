"""Board files that nearhum writes: what a user has edited is never overwritten."""

from pathlib import Path

import pytest
from nearhum_host.boards import board_files, fitted_file
from nearhum_host.boards.checking import configuration
from nearhum_host.commands.cli import app
from nearhum_host.errors import UsageError
from nearhum_host.recordings.fitting import Fit
from nearhum_host.recordings.sample import write_sample
from typer.testing import CliRunner


def fit(rate_hz: float = 1000) -> Fit:
    return Fit("vibration", rate_hz, 3, [8192.0] * 3, ["g"] * 3, {}, [])


def write(path: Path, rate_hz: float = 1000) -> None:
    fitted_file.write(path, fit(rate_hz), "virtual", "As pump", ["Fits pump.csv."])


def test_an_unedited_file_is_written_anew(tmp_path: Path) -> None:
    mine = tmp_path / "pump.toml"
    write(mine)
    write(mine, 500)
    assert board_files.load(str(mine)).rate_hz == 500


@pytest.mark.parametrize("edit", ["end", "inside", "first line gone", "of one's own"])
def test_an_edited_file_is_kept(tmp_path: Path, edit: str) -> None:
    mine = tmp_path / "pump.toml"
    write(mine)
    text = mine.read_text()
    text = {
        "end": text + "\n[settings]\nalarms_per_day = 5\n",
        "inside": text.replace("rate_hz = 1000", "rate_hz = 900"),
        "first line gone": text.partition("\n")[2],
        "of one's own": 'extends = "virtual"\n',
    }[edit]
    mine.write_text(text)
    with pytest.raises(UsageError) as refused:
        write(mine, 500)
    assert mine.read_text() == text
    assert "pump.toml" in refused.value.message
    assert "--board-file" in refused.value.hint
    assert "--out" in refused.value.hint


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (["0", "1"], []),
        (["1", "2"], ["column 1", "column 2"]),
        (["x (g)", "y (g)"], ["x", "y"]),
        (["a (x)", "a (y)"], ["a (x)", "a (y)"]),
        (["Druck [bar]", "(g)"], ["Druck [bar]", "(g)"]),
        (["ü" * 30, ' "q"\\ \x07 '], ["ü" * 20, '"q"\\']),
    ],
)
def test_names_of_channels(tmp_path: Path, columns: list[str], names: list[str]) -> None:
    assert fitted_file.channel_names(columns) == names
    two = Fit("vibration", 1000, 2, None, ["", ""])
    fitted_file.write(tmp_path / "a.toml", two, "virtual", "A", (), names)
    board = board_files.load(str(tmp_path / "a.toml"))
    assert board.source.get("names", []) == names
    configuration.check(board.config(), board.chip, board.port)


def test_a_file_with_other_line_ends_is_unedited(tmp_path: Path) -> None:
    mine = tmp_path / "pump.toml"
    write(mine)
    mine.write_bytes(mine.read_bytes().replace(b"\n", b"\r\n"))
    write(mine, 500)
    assert board_files.load(str(mine)).rate_hz == 500


@pytest.mark.parametrize(("name", "better"), [("ba.own.toml", "ba-own.toml"), ("Ba", "ba.toml")])
def test_a_name_that_is_none_is_refused_before_it_is_written(
    tmp_path: Path, name: str, better: str
) -> None:
    write_sample(tmp_path / "pump.csv", 20, 15)
    command = ["virtual", "--replay", str(tmp_path / "pump.csv")]
    done = CliRunner().invoke(app, [*command, "--board-file", str(tmp_path / name)])
    assert done.exit_code == 2, done.output
    said = "".join(done.output.split())
    assert f"--board-file{tmp_path / better}" in said
    assert not (tmp_path / name).exists()
