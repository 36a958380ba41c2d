"""The table of faults: what it says of rows that are well and rows that are not. The rows have tests beside them."""

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


def test_a_module_that_breaks_off_fails_the_table(monkeypatch):
    class Modules:
        @staticmethod
        def import_module(name):
            def rows(say):
                yield Row("cut", "boot", 1, "old", ok=name != "faults.bad")
                if name == "faults.broken":
                    raise RuntimeError("no board")

            return type("Module", (), {"rows": staticmethod(rows)})

    monkeypatch.setattr(run, "importlib", Modules)
    rows, broken = run.collect(["good", "bad", "broken"])
    assert [row.ok for row in rows] == [True, False, True]
    assert broken == ["broken"]
