"""Test the table of faults: what it prints for good and for failed rows.

The rows have their own tests.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from faults import run
from faults.rows import Row, table


def test_a_table_has_a_line_a_row_by_fault_and_stage():
    some = [
        Row("cut", "watch", 12000, "old or new"),
        Row("stuck", "learn", 1, "told"),
        Row("cut", "boot", 3, "lost: x", ok=False),
    ]
    head, *lines = table(some).splitlines()
    assert head.split() == ["fault", "stage", "cases", "outcome"]
    assert [line.split()[:3] for line in lines] == [
        ["cut", "boot", "3"],
        ["cut", "watch", "12,000"],
        ["stuck", "learn", "1"],
    ]
    assert "FAIL" in lines[0]
    assert "FAIL" not in lines[1] + lines[2]


def test_a_row_needs_a_stage_and_cases():
    with pytest.raises(ValueError, match="none of .*boot, learn"):
        Row("cut", "sleep", 1, "?")
    with pytest.raises(ValueError, match="no case"):
        Row("cut", "boot", 0, "?")


MODULE = """from faults.rows import Row


def rows(say):
    yield Row("{name}", "boot", 1, "old", ok={ok})
    {then}
"""


def test_a_module_that_breaks_off_fails_the_table(tmp_path):
    folder = tmp_path / "faults"
    folder.mkdir()
    for name in ("run", "rows"):
        shutil.copy(Path(run.__file__).with_name(f"{name}.py"), folder)
    (folder / "good.py").write_text(MODULE.format(name="good", ok=True, then="say('done')"))

    def table_of(*chosen: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, folder / "run.py", *chosen], capture_output=True, text=True
        )
        return done.returncode, done.stdout

    code, said = table_of()
    assert code == 0
    assert "1 rows, 1 cases, 0 rows failed\n" in said
    (folder / "bad.py").write_text(MODULE.format(name="bad", ok=False, then="say('done')"))
    (folder / "broken.py").write_text(
        MODULE.format(name="broken", ok=True, then="raise RuntimeError('no board')")
    )
    code, said = table_of()
    assert code == 1
    assert "3 rows, 3 cases, 1 rows failed; broke off: broken\n" in said
    assert [line.split()[0] for line in said.splitlines()[1:4]] == ["bad", "broken", "good"]
    assert table_of("good")[0] == 0
    assert table_of("broken")[0] == 1
    assert table_of("nobody")[0] == 2
