"""The command line from outside: exit codes, what goes where, every command on a virtual board."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from nearhum_host.commands import cli

Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def nearhum(tmp_path: Path) -> Run:
    """nearhum(*arguments, code=0): run it as a user does, in a folder of its own; fail on
    another code.
    """

    def run(
        *arguments: str, code: int = 0, stdin: str = "", **environment: str
    ) -> subprocess.CompletedProcess:
        known = {key: value for key, value in os.environ.items() if key != "NEARHUM_PORT"}
        done = subprocess.run(
            [sys.executable, "-m", "nearhum_host.commands.cli", *arguments],
            capture_output=True,
            text=True,
            input=stdin,
            timeout=60,
            cwd=tmp_path,
            env={**known, "COLUMNS": "200", **environment},
        )
        assert done.returncode == code, (
            f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        return done

    return run


def test_help_lists_every_command(nearhum: Run):
    said = nearhum("--help").stdout
    for name in cli.COMMANDS:
        assert f" {name} " in said
    assert nearhum("--version").stdout.startswith("nearhum 0.")


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_explains_itself_and_starts_lightly(name: str):
    code = (
        f"import sys\nsys.argv = ['nearhum', {name!r}, '--help']\n"
        "from nearhum_host.commands.cli import app\ntry:\n app()\nfinally:\n"
        " slow = {'numpy', 'sklearn', 'jinja2', 'serial',"
        " 'mpremote', 'littlefs'} & set(sys.modules)\n print('slow:', sorted(slow))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert "slow: []" in done.stdout
    assert "Usage:" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (("lern",), 2, "No such command 'lern'; did you mean learn"),
        (("forget",), 2, "Missing argument"),
        (("status",), 3, "no board"),
        (("status", "--port", "/dev/ttyNONE"), 3, "there is no port /dev/ttyNONE"),
        (("status", "--port", "/dev/null"), 2, "not a serial port"),
        (("deploy", "--board", "rpi_pica", "--port", "/dev/ttyNONE"), 2, "did you mean rpi_pico"),
        (("restore", "none.nhs"), 2, "there is no backup"),
    ],
)
def test_errors_go_to_stderr_with_a_code_and_a_remedy(
    nearhum: Run, arguments: tuple, code: int, why: str
):
    done = nearhum(*arguments, code=code)
    assert why in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "Next: " in done.stderr or "Usage:" in done.stderr


def test_a_length_that_is_none_is_said_with_the_forms_it_may_have(nearhum: Run):
    assert "30s, 10m, 24h" in nearhum("learn", "ten", code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("enrol", "tap", "three"), "N is 'three', but must be a whole number of at least 1"),
        (("demo", "--wearer", "9"), "--wearer is '9', but must be a number from 1 to 6"),
        (("doctor", "--seconds", "x"), "--seconds is 'x', but must be a number from 1 to 20"),
    ],
)
def test_a_value_that_is_no_number_is_said_with_its_range(nearhum: Run, arguments: tuple, why: str):
    said = nearhum(*arguments, code=2).stderr
    assert why in said
    assert f" {arguments[0]} --help` explains it" in said


def test_a_file_that_is_no_backup_is_refused_before_the_board_is_touched(
    nearhum: Run, tmp_path: Path
):
    (tmp_path / "x.nhs").write_bytes(b"NHR1" + bytes(40))
    assert "magic" in nearhum("restore", "x.nhs", "--port", "/dev/ttyNONE", code=1).stderr


def test_a_defect_is_one_line_unless_its_traceback_is_wanted(
    monkeypatch: pytest.MonkeyPatch, capsys
):
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(cli.Commands, "get_command", broken)
    monkeypatch.setattr(sys, "argv", ["nearhum", "status"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 1
    said = capsys.readouterr().err
    assert "unexpected ZeroDivisionError: oops" in said
    assert "--traceback" in said
    monkeypatch.setattr(sys, "argv", ["nearhum", "--traceback", "status"])
    with pytest.raises(ZeroDivisionError):
        cli.main()


def test_json_is_the_last_word_on_stdout(nearhum: Run):
    assert isinstance(json.loads(nearhum("boards", "--json").stdout), dict)


@pytest.mark.parametrize("encoding", ["cp437", "cp932", "cp1252", "ascii", "utf-8"])
def test_what_a_code_page_has_not_becomes_a_question_mark(encoding: str) -> None:
    """shared case stdout_encoding: output of Windows, into a file or a pipe."""
    script = (
        "from nearhum_host.commands import cli, terminal\n"
        "cli.app = lambda: terminal.print_pairs({'label': 'прова', 'mode': None, 'n': 3})\n"
        "cli.main()"
    )
    environment = {**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.decode(encoding).splitlines()]
    assert [row[0] for row in rows] == ["label", "mode", "n"]
    assert rows[0][1] == ("прова" if encoding in ("cp932", "utf-8") else "?????")
    assert rows[2][1] == "3"
