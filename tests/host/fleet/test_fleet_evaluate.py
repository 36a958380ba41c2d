"""Evaluating a fleet's logs: figures counted here once more, engines that agree, and what bad
tables are told.
"""

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from host.commands.test_commands import call
from nearhum_host.errors import HostError, UsageError
from nearhum_host.fleet import comparison, engines, generated, labelled_spans
from nearhum_host.logs import tables

N_BOARDS, N_DAYS, SEED = 8, 3, 24  # one board has a fault, one a day without logs, one a reset


@pytest.fixture(scope="module")
def of() -> generated.Recorded:
    return generated.recorded()


@pytest.fixture(scope="module")
def folder(of: generated.Recorded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet")
    generated.write(folder, N_BOARDS, N_DAYS, of, seed=SEED)
    return folder


def figures(folder: Path, labels: bool = True, **more) -> comparison.FleetFigures:
    with engines.opened(folder, **more) as backend:
        return comparison.evaluate(backend, folder / "labels.csv" if labels else None)


def run(*arguments: str, **more: Any):
    """The command line, with no board anywhere."""
    nowhere: Any = SimpleNamespace(path="none")
    return call(nowhere, Path(), *arguments, **more)


def nearest_rank(values: np.ndarray, share: float) -> float:
    return float(np.sort(values)[math.ceil(share * len(values)) - 1])


def test_figures_are_those_counted_here(folder: Path, of: generated.Recorded):
    found = figures(folder)
    all_days = [generated.board_days(number, N_DAYS, of, SEED) for number in range(N_BOARDS)]
    assert [one.board for one in found.boards] == sorted(days.board for days in all_days)
    strange, normal = [], []
    for days in all_days:
        one = next(one for one in found.boards if one.board == days.board)
        windows, events = days.windows, days.events["event"]
        level = windows["score"] - windows["threshold"]
        watched_days = len(level) / generated.DAY
        assert (one.windows, one.days) == (
            len(level),
            len(set(windows["time_utc"].astype("datetime64[D]"))),
        )
        assert one.days + one.days_missing == N_DAYS
        assert one.alarms == events.count("alarm")
        assert one.resets == events.count("boot") - 1
        assert one.alarms_per_day == round(events.count("alarm") / watched_days, 6)
        assert one.in_alarm == pytest.approx(windows["alarm"].mean(), abs=1e-6)
        assert (one.level, one.level_high) == (
            round(nearest_rank(level, 0.5), 6),
            round(nearest_rank(level, 0.99), 6),
        )
        for start, end, label in days.spans:
            inside = (windows["time_utc"] >= np.datetime64(start)) & (
                windows["time_utc"] <= np.datetime64(end)
            )
            (normal if label == "normal" else strange).append(windows["alarm"][inside])
    assert strange, "the seed gives no board a fault"
    fleet, always, never, coin = found.truth
    assert fleet["detected"] == pytest.approx(np.concatenate(strange).mean(), abs=1e-6)
    assert fleet["false_alarms"] == pytest.approx(np.concatenate(normal).mean(), abs=1e-6)
    assert fleet["spans_found"] == sum(bool(span.any()) for span in strange)
    assert fleet["f1"] > always["f1"] > never["f1"] == 0
    assert (coin["detected"], coin["false_alarms"]) == (0.5, 0.5)
    assert found.pooled["alarms"] == sum(one.alarms for one in found.boards)
    assert found.pooled["windows"] == sum(one.windows for one in found.boards)


def test_who_stands_out():
    assert comparison.robust_z([1.0, 2.0, 3.0, None, 100.0])[3] is None
    z = comparison.robust_z([1.0, 2.0, 3.0, 2.5, 1.5, 100.0])
    assert z[5] is not None
    assert z[5] > comparison.Z_LIMIT
    assert max(abs(v) for v in z[:5] if v is not None) < 2
    assert comparison.robust_z([2.0] * 5) == [None] * 5  # all are alike
    few = comparison.robust_z([0.0] * 9 + [5.0])  # more than half are
    assert few[9] is not None
    assert few[9] > 3.5
    assert comparison.robust_z([1.0, 2.0]) == [None, None]


def test_the_command(folder: Path, tmp_path: Path):
    told = json.loads(
        run(
            "fleet", "evaluate", str(folder), "--labels", str(folder / "labels.csv"), "--json"
        ).stdout
    )
    assert told == figures(folder).json()
    shown = run("fleet", "evaluate", str(folder)).stdout
    assert "alarms_per_day" in shown
    assert "pump0003" in shown
    wrong = run("fleet", "evaluate", str(tmp_path), code=2).stderr
    assert "there are no tables" in wrong
    assert "pull FOLDER --all" in wrong
    assert (
        "no engine 'sqlite'"
        in run("fleet", "evaluate", str(folder), "--engine", "sqlite", code=2).stderr
    )


def test_bad_labels_and_tables_name_the_file(folder: Path, of: generated.Recorded, tmp_path: Path):
    labels = tmp_path / "labels.csv"
    for text, message in (
        ("board,label\n", "has the columns"),
        ("board,from_utc,until_utc,label\np,soon,2026-01-01,fault\n", "line 2: no time"),
        ("board,from_utc,until_utc,label\np,2026-01-02,2026-01-01,fault\n", "line 2"),
    ):
        labels.write_text(text)
        with pytest.raises(UsageError, match=message) as wrong:
            labelled_spans.read_labels(labels)
        assert "labels.csv" in wrong.value.message
    with pytest.raises(UsageError, match="cannot read"):
        labelled_spans.read_labels(tmp_path / "none.csv")
    # its name and its chip's number: others may have the name
    called = figures(folder).boards[0].board
    when = "2026-01-01,2026-01-02,normal"
    labels.write_text(
        f"board,from_utc,until_utc,label\n{called},{when}\n{called.partition('-')[0]},{when}\n"
    )
    said = " ".join(
        run("fleet", "evaluate", str(folder), "--labels", str(labels), code=2).stderr.split()
    )
    assert f"{labels}, line 3: the tables have no board '{called.partition('-')[0]}'" in said
    assert said.endswith(f"name it as they do: {called}")
    bad = tmp_path / "bad"
    generated.write(bad, 1, 1, of)
    file = next(bad.glob("windows/*/*/*.parquet"))
    file.write_bytes(file.read_bytes()[:-9])
    for engine in engines.ENGINES:  # told before an engine begins
        with pytest.raises(HostError, match=file.name):
            figures(bad, labels=False, engine=engine)


@pytest.mark.slow
def test_spark_says_the_same(folder: Path):
    assert figures(folder, engine="spark", master="local[2]").json() == figures(folder).json()


def test_a_row_that_other_columns_lack_is_null(
    folder: Path, of: generated.Recorded, tmp_path: Path
):
    """Logs that have no events yet, of a board that was only just pulled, count as without
    alarms and resets.
    """
    generated.write(tmp_path, 1, 1, of)
    for file in tmp_path.glob("events/*/*/*.parquet"):
        file.unlink()
    (one,) = figures(tmp_path, labels=False).boards
    assert (one.alarms, one.resets, one.faults) == (0, 0, 0)
    assert tables.SCHEMA == 1
