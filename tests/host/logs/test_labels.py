"""Labels as spreadsheets write them, by window and by time; folders named like a pattern."""

from pathlib import Path

import pytest
from nearhum_host.errors import HostError, UsageError
from nearhum_host.fleet import comparison, generated
from nearhum_host.logs.asking import ask
from nearhum_host.logs.traces import read_labels
from nearhum_host.recordings.labels_file import read_spans


def test_labels_by_window(tmp_path: Path) -> None:
    file = tmp_path / "l.csv"
    for text in (
        "first,last,label\n3,9,leak\n",
        "\ufefffirst;last;label\r\n3;9;leak\r\n",
        "sep=;\r\nfirst;last;label\r\n3;9;leak\r\n",
        'label\tfirst\tlast\n"leak"\t3\t9\n',
    ):
        file.write_bytes(text.encode())
        assert read_labels(file) == [(3, 9, "leak")]
    file.write_text("first,last,label\n3,9\n")
    with pytest.raises(HostError, match="line 2 has 2 cells, the header 3"):
        read_labels(file)
    file.write_text("from,until,label\n2026-03-04 10:00:00,2026-03-04 10:00:09,leak\n")
    with pytest.raises(HostError, match="the log does not say what time it was"):
        read_labels(file)


def test_labels_by_time(tmp_path: Path) -> None:
    file = tmp_path / "l.csv"
    file.write_text(
        "from_utc,until_utc,label\n2026-03-04T10:00:00+02:00,04.03.2026 08:00:09,leak\n"
    )
    start = 1_772_611_200 * 10**9
    assert read_spans(file) == [(start, start + 9 * 10**9, "leak")]
    file.write_text("from,until,label\n1.5,9,leak\n")
    assert read_spans(file) == [(1.5, 9.0, "leak")]
    for wrong in ("9,1.5,leak", "1.5,2026-03-04 10:00:00,leak", "soon,later,leak", "1,2,"):
        file.write_text(f"from,until,label\n{wrong}\n")
        with pytest.raises(HostError, match=r"l\.csv line 2"):
            read_spans(file)


def test_labels_of_a_fleet(tmp_path: Path) -> None:
    file = tmp_path / "l.csv"
    file.write_bytes(
        "\ufeffboard;from_utc;until_utc;label\r\n"
        "pump;2026-11-29 17:00:00;2026-11-29T20:30:00+02:00;knock\r\n".encode()
    )
    (span,) = comparison.read_labels(file)
    assert span["until_s"] - span["from_s"] == 5400
    file.write_text("board,until_utc,label\n")
    with pytest.raises(UsageError, match="not 'from_utc'"):
        comparison.read_labels(file)


def test_a_folder_whose_name_looks_like_a_pattern(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    of = generated.recorded(n_hours=30)
    rows = {}
    for name in ("fleet[1]", "fleet1", "week?", "weeks"):
        n_boards = 1 + len(rows)
        rows[name] = generated.write(tmp_path / name, n_boards, 1, of)
    for name, n in rows.items():
        assert ask(tmp_path / name, "SELECT count(*) FROM windows")[1] == [(n,)]
