"""Test queries: they read only the tables of their folder, change nothing, and print safe text."""

import json
import re
import shutil
from pathlib import Path

import duckdb
import pytest
from host.logs.test_tables import story
from host.report.test_report_words import Story
from nearhum import wire
from nearhum_host.commands import cli
from nearhum_host.errors import HostError, UsageError
from nearhum_host.logs import asking, tabling

WRITES = "COPY (SELECT 1) TO '{0}' ({1}USE_TMP_FILE false)"


@pytest.mark.parametrize("name", ["fleet", "fleet[1]", "it's * ?"])
def test_a_query_reads_the_tables_and_nothing_else(name: str, tmp_path: Path, monkeypatch):
    there = tmp_path / name
    tabling.tabulate(there, "pico-1", 1, story().log())
    other = tmp_path / "other.parquet"
    duckdb.execute(f"COPY (SELECT 42 AS secret) TO '{other}' (FORMAT parquet)")
    (tmp_path / "secret.csv").write_text("a\n42\n")
    inside = there / "windows" / "board=pico-1" / "mine.parquet"
    shutil.copy(other, inside)
    monkeypatch.chdir(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    part = next(there.glob("windows/board=*/day=*/*.parquet"))

    def named(path: Path) -> str:
        return str(path).replace("'", "''")

    refused = [
        "FROM read_csv('secret.csv')", "FROM 'other.parquet'", f"FROM read_text('{other}')",
        f"FROM '{named(inside)}'", "FROM glob('*')", "FROM read_blob('/etc/passwd')",
        "COPY (SELECT 1) TO 'out.csv'", WRITES.format(named(part), "FORMAT parquet, "),
        WRITES.format(named(part), ""), "EXPORT DATABASE 'out'", "ATTACH 'x.db'",
        f"ATTACH '{named(part)}'", "EXPLAIN ANALYZE " + WRITES.format(named(part), ""),
        "explain/**/analyze " + WRITES.format(named(part), ""), "INSTALL httpfs", "LOAD httpfs",
        "PREPARE p AS " + WRITES.format(named(part), ""), "SET enable_external_access = true",
        "RESET allowed_paths", "SELECT 1; " + WRITES.format(named(part), ""), "FROM folder",
        "IMPORT DATABASE 'out'", "PRAGMA import_database('out')", "CREATE TABLE t AS SELECT 1",
        "FROM duckdb_secrets()", "FROM read_parquet('https://127.0.0.1:9/x.parquet')",
    ]  # fmt: skip
    for sql in refused:
        with pytest.raises((UsageError, HostError)):
            asking.ask(there, sql)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    for sql in ("FROM windows", "DESCRIBE windows", "SUMMARIZE events", "SELECT * FROM alarms",
                "EXPLAIN SELECT * FROM days", "EXPLAIN ANALYZE FROM days", "SHOW TABLES",
                "PIVOT windows ON state USING count(*) GROUP BY board", "VALUES (1)",
                "WITH a AS (FROM boards) FROM a"):  # fmt: skip
        assert asking.ask(there, sql)[1], sql
    assert asking.ask(there, "FROM read_csv('secret.csv')", unsafe=True)[1] == [(42,)]


def test_what_a_board_says_steers_no_terminal_as_json_or_csv(tmp_path: Path, capsys):
    evil = "\x9b31m\x7f\u202ex\u2066\u200f\u061c\u2028\x1b[2J\r"
    some = Story().boot(4).windows(70, wire.LEARN, 0).event("enrolled", label=evil, id=1, count=1)
    tabling.tabulate(tmp_path, "b", 1, some.windows(9, wire.WATCH, 0).log())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        for how in ("--json", "--csv"):
            for sql in ("SELECT label, facts FROM events", f"SELECT '{evil}' AS \"{evil}\""):
                patch.setattr("sys.argv", ["nearhum", "query", sql, how])
                with pytest.raises(SystemExit) as left:
                    cli.main()
                said = capsys.readouterr().out
                assert not left.value.code
                assert "x" in said
                assert not re.search(
                    "[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]",
                    said,
                ), (how, said)
                if how == "--json" and "AS" in sql:
                    assert json.loads(said) == [{evil: evil}]  # nothing is lost
