"""The tables: every record once, whatever happens between; what is damaged or of another
version is named.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from host.report.test_report_words import STRANGEST, Story
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nearhum import wire
from nearhum_host.errors import HostError, UsageError
from nearhum_host.logs import asking, decoding, log_file, tables, tabling

NOW = 1_800_030_000
TODAY = datetime.now(UTC).date()


def story() -> Story:
    """A board's two starts: learning, an alarm, an enrolment, over midnight; the first start
    has no time.
    """
    some = (
        Story()
        .boot(4)
        .windows(70, wire.LEARN, 0)
        .event("learned", n=70, threshold=768)
        .windows(30, wire.WATCH, 0)
    )
    some.boot(5).event("time", utc=NOW).windows(200, wire.WATCH, 0)
    some.alarm(20, strangest=STRANGEST).event("alarm_end", score=wire.NO_SCORE)
    return some.event("enrolled", label="it's a tap", id=1, count=1).windows(
        50_000, wire.WATCH, 0.5
    )


def rows(folder: Path, sql: str) -> list[tuple]:
    return asking.ask(folder, sql)[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    there = tmp_path_factory.mktemp("fleet")
    assert tabling.tabulate(there, "pico-1", 1, story().log()) == 50_320
    return there


def test_the_tables_say_what_the_log_says(folder: Path):
    scores, events = decoding.decode(story().log().records)
    found = rows(
        folder,
        "SELECT boot, window_index, score, threshold, state, alarm, label, seq FROM windows ORDER"
        " BY seq, window_index",
    )
    assert len(found) == len(scores.windows) == 50_320
    assert [row[1] for row in found] == list(scores.windows)
    assert [row[2] for row in found] == [s / 256 for s in scores.scores]
    assert [row[4] for row in found] == [wire.STATE_NAMES[s] for s in scores.states]
    assert {row[0] for row in found} == {4, 5}
    assert [row[1] for row in found if row[5]] == list(range(200, 220))
    assert [row[7] for row in found] == list(scores.seqs)
    found = rows(folder, "SELECT event, label, facts, window_index FROM events ORDER BY seq")
    assert [row[0] for row in found] == [event.name for event in events]
    assert [json.loads(row[2]) for row in found] == [event.what for event in events]
    assert [row[1] for row in found if row[1]] == ["it's a tap"]


def test_days_and_times_are_utc_where_the_board_was_told(folder: Path):
    utc = datetime.fromtimestamp(NOW, UTC).replace(tzinfo=None)
    first = rows(
        folder,
        "SELECT min(time_utc), any_value(day) FROM windows WHERE boot = 5 AND window_index < 100",
    )[0]
    assert abs((first[0] - utc).total_seconds()) <= 64  # a run's windows end with its record
    assert first[1] == utc.date()
    assert rows(folder, "SELECT count(time_utc), any_value(day) FROM windows WHERE boot = 4") == [
        (0, TODAY)
    ]
    assert rows(folder, "SELECT count(DISTINCT day) FROM windows WHERE boot = 5") == [(2,)]
    wrong = (
        "SELECT count(*) FROM windows WHERE time_utc IS NOT NULL AND CAST(time_utc AS DATE) <> day"
    )
    assert rows(folder, wrong) == [(0,)]


def test_views_answer_what_is_asked_often(folder: Path):
    asked = "SELECT board, window_index, n_windows, strangest, contributions FROM alarms"
    assert rows(folder, asked) == [
        ("pico-1", 200, 20, "c1.120-250Hz", json.dumps(STRANGEST, separators=(",", ":")))
    ]
    assert rows(folder, "SELECT board, name, kind, version, boots FROM boards") == [
        ("pico-1", "rpi_pico", "vibration", "0.1.0", 2)
    ]
    found = rows(
        folder,
        "SELECT sum(windows), sum(learned), sum(alarms), sum(windows_in_alarm), sum(watched_h) FROM"
        " days",
    )
    assert found[0][:4] == (50_320, 70, 1, 20)
    assert found[0][4] == pytest.approx(50_250 / 3600)


def test_docs_name_every_column_and_view():
    text = (Path(__file__).parents[3] / "docs" / "log-schema.md").read_text()
    for column in (*tables.PARTITION, *tables.WINDOWS, *tables.EVENTS):
        assert f"| `{column.name}` | {column.type} | {column.meaning} |" in text
    for view in tables.VIEWS:
        assert f"`{view}`" in text
    assert f"`{tables.SCHEMA_KEY}` = `{tables.SCHEMA}`" in text


def test_any_reader_takes_a_part(folder: Path):
    part = next(folder.glob("windows/board=pico-1/day=*/*.parquet"))
    found = duckdb.sql(
        f"DESCRIBE SELECT * FROM read_parquet('{part}', hive_partitioning = false)"
    ).fetchall()
    assert [(row[0], row[1]) for row in found] == [(c.name, c.type) for c in tables.WINDOWS]


@given(cuts=st.lists(st.integers(1, 40), min_size=1, max_size=5), lost=st.data())
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_record_is_there_once_however_often_it_is_pulled(tmp_path_factory, cuts, lost):
    """Pulled in pieces, with crashes between the parts and their note, and parts lost: always
    what one pull gives.
    """
    there = tmp_path_factory.mktemp("pieces")
    some = Story().boot(1).event("time", utc=NOW)
    for n in cuts:
        some.windows(64 * n, wire.WATCH, 0.1).event("alarm", score=1, strangest=STRANGEST)
        some.windows(5, wire.WATCH, 4).event("alarm_end")
        before = tabling.note_file(there, "b").read_bytes() if tabling.noted(there, "b") else None
        tabling.tabulate(there, "b", 1, some.log())
        what = lost.draw(
            st.sampled_from(["well", "crash before the note", "a part is removed", "twice"])
        )
        if what == "crash before the note" and before:
            tabling.note_file(there, "b").write_bytes(before)
        elif what == "a part is removed":
            lost.draw(st.sampled_from(sorted(there.glob("*/board=b/day=*/*.parquet")))).unlink()
        elif what == "twice":
            assert tabling.tabulate(there, "b", 1, some.log()) == 0
    tabling.tabulate(there, "b", 1, some.log())
    scores, events = decoding.decode(some.log().records)
    assert rows(there, "SELECT count(*), count(DISTINCT window_index) FROM windows") == [
        (len(scores.windows),) * 2
    ]
    assert rows(there, "SELECT count(*), count(DISTINCT seq) FROM events") == [(len(events),) * 2]
    assert rows(there, "SELECT count(*) FROM windows WHERE alarm") == [(5 * len(cuts),)]


def test_journals_of_one_board_stay_apart(tmp_path: Path):
    for journal in (1, 2):
        tabling.tabulate(
            tmp_path, "b", journal, Story().boot(1).windows(64 * journal, wire.WATCH, 0).log()
        )
    assert rows(tmp_path, "SELECT journal, count(*) FROM windows GROUP BY 1 ORDER BY 1") == [
        (1, 64),
        (2, 128),
    ]
    assert rows(tmp_path, "SELECT boots FROM boards") == [(2,)]


def test_logs_of_two_formats_are_asked_together(tmp_path: Path):
    """Two boards, the journal of one written by an earlier firmware: a folder, one table."""
    formats = Path(__file__).parents[2] / "vectors" / "formats"
    counted = []
    for version in ("v1", "v2"):
        hum = formats / version / "watching"
        raw = b"".join(part.read_bytes() for part in sorted((hum / "hum" / "log").glob("*.seg")))
        assert log_file.parse(raw).records[0].json().get("format", 1) == int(version[1])
        n = tabling.tabulate(tmp_path, f"pump-{version}", 1, log_file.parse(raw))
        assert n == len(json.loads((hum / "known.json").read_text())["scores"]) > 0
        counted.append((f"pump-{version}", n))
    assert (
        rows(tmp_path, "SELECT board, count(*) FROM windows GROUP BY board ORDER BY board")
        == counted
    )


# --- bad input ------------------------------------------------------------------------------------


def spoiled(tmp_path: Path) -> Path:
    tabling.tabulate(tmp_path, "b", 1, Story().boot(1).windows(200, wire.WATCH, 0).log())
    return next(tmp_path.glob("windows/board=b/day=*/*.parquet"))


@pytest.mark.parametrize("how", ["cut", "empty", "text", "middle", "footer"])
def test_a_damaged_part_is_named_and_made_again(tmp_path: Path, how: str):
    part = spoiled(tmp_path)
    raw = bytearray(part.read_bytes())
    if how == "middle":
        raw[8:-200] = bytes(len(raw) - 208)
    elif how == "footer":
        raw[-60:-20] = b"\xff" * 40
    part.write_bytes(
        {"cut": raw[:-20], "empty": b"", "text": b"Dear all, " * 30}.get(how, bytes(raw))
    )
    with pytest.raises(HostError, match=r"\.parquet is damaged") as caught:
        rows(tmp_path, "SELECT sum(score), max(seq), max(label), max(state) FROM windows")
    assert str(part) in caught.value.message
    assert "makes it again" in caught.value.hint
    part.unlink()
    tabling.tabulate(tmp_path, "b", 1, Story().boot(1).windows(200, wire.WATCH, 0).log())
    assert rows(tmp_path, "SELECT count(*) FROM windows") == [(200,)]


@pytest.mark.parametrize(
    ("metadata", "says", "remedy"),
    [
        (
            "KV_METADATA {nearhum_schema: '2'}",
            "has layout 2, this nearhum reads 1",
            "update nearhum",
        ),
        (
            "KV_METADATA {nearhum_schema: '0'}",
            "has layout 0, this nearhum reads 1",
            "makes it again",
        ),
        ("COMPRESSION zstd", "is not nearhum's", "take it out"),
    ],
)
def test_a_part_of_another_version_is_named(tmp_path: Path, metadata: str, says: str, remedy: str):
    part = spoiled(tmp_path)
    other = part.with_name("other.parquet")
    kept = f"SELECT * FROM read_parquet('{part}', hive_partitioning = false)"
    duckdb.sql(f"COPY ({kept}) TO '{other}' (FORMAT parquet, {metadata})")
    with pytest.raises(HostError, match=says) as caught:
        rows(tmp_path, "SELECT 1 FROM windows")
    assert str(other) in caught.value.message
    assert remedy in caught.value.hint


def test_a_part_with_fewer_columns_has_null_in_them(tmp_path: Path):
    part = spoiled(tmp_path)
    old = part.with_name("old.parquet")
    duckdb.sql(
        f"COPY (SELECT * EXCLUDE (hop_s, label) FROM read_parquet('{part}', hive_partitioning ="
        f" false)) TO '{old}' (FORMAT parquet, KV_METADATA {{nearhum_schema: '1'}})"
    )
    assert rows(tmp_path, "SELECT count(*), count(hop_s) FROM windows") == [(400, 200)]
    part.unlink()
    assert rows(tmp_path, "SELECT count(*), count(hop_s) FROM windows") == [(200, 0)]


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT nothing FROM windows", 'column "nothing" not found'),
        ("SELECT * FROM boarts", "boarts"),
        ("SELECT CAST('x' AS INT)", "Could not convert"),
        ("", ""),
    ],
)
def test_a_query_that_is_wrong_says_where(folder: Path, sql: str, says: str):
    if not sql:
        assert asking.ask(folder, sql) == ([], [])
        return
    with pytest.raises(UsageError, match=says) as caught:
        rows(folder, sql)
    assert "windows, events, alarms, boards, days" in caught.value.hint
    assert "\n" not in caught.value.message


def test_columns_of_one_name_are_told_apart(folder: Path):
    assert asking.ask(folder, "SELECT 1 AS a, 2 AS a, 3 AS b")[0] == ["a", "a_2", "b"]


def test_a_folder_without_tables_says_how_to_get_some(tmp_path: Path):
    with pytest.raises(UsageError, match="there are no tables in") as caught:
        rows(tmp_path, "SELECT 1")
    assert "--all" in caught.value.hint


def test_a_note_that_is_no_good_costs_a_rewrite_alone(tmp_path: Path):
    spoiled(tmp_path)
    tabling.note_file(tmp_path, "b").write_text("{")
    assert (
        tabling.tabulate(tmp_path, "b", 1, Story().boot(1).windows(264, wire.WATCH, 0).log()) == 264
    )
    assert rows(tmp_path, "SELECT count(*) FROM windows") == [(264,)]
    tabling.note_file(tmp_path, "b").write_text('{"format": 9, "journals": {}}')
    with pytest.raises(HostError, match="format 9, this nearhum reads 1"):
        tabling.tabulate(tmp_path, "b", 1, Story().boot(1).log())
