"""No table is read wrongly in silence: read right, or refused by naming what is wrong with it."""

import datetime
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from nearhum_host.errors import HostError
from nearhum_host.recordings.reader import read
from nearhum_host.recordings.reading import Reading
from tables_made import Made, made

CASES = 2000
SHARES = 8
GUESS = "is a guess; where it is wrong, give it with --rate HZ"


@pytest.mark.parametrize("share", range(SHARES))
def test_tables_are_read_right_or_refused(tmp_path: Path, share: int) -> None:
    refused: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for seed in range(share, CASES, SHARES):
        table = made(seed)
        path = tmp_path / "t.csv"
        path.write_bytes(table.raw)
        try:
            found = read(path)
        except HostError as error:
            said = f"{error.message}; {error.hint}"
            assert str(path) in said
            assert table.bad or table.ambiguous or table.refuse, (said, table.about)
            may_be = table.ambiguous or table.refuse or table.about["delimiter"] == " "
            if table.bad and not may_be:
                _, text = table.bad
                assert "line " in said, (said, table.about)
                assert text[:5] in said or not text or " names " in said, (said, table.about)
            refused["bad" if table.bad else "ambiguous" if table.ambiguous else "names"] += 1
            continue
        assert not table.refuse, ("names fewer than cells", table.about, found.taken)
        if table.bad and "cut short" in found.taken and table.bad[0] == len(table.values) - 1:
            right["cut short, and said"] += 1
            continue  # the last number of a file breaks off: left out, and said
        assert not table.bad, ("a bad cell was not seen", table.about, found.taken)
        assert_samples(found, table)
        right[assert_times(found, table)] += 1
    print(
        f"{sum(right.values()) + sum(refused.values())} tables: {dict(right)},"
        f" refused by name: {dict(refused)}, read wrongly in silence: 0"
    )
    assert sum(right.values()) + sum(refused.values()) == CASES // SHARES
    assert refused["ambiguous"] < CASES / SHARES / 6


def assert_samples(found: Reading, table: Made) -> None:
    told = found.taken, table.about
    assert found.n_channels == table.values.shape[1], told
    assert found.names == table.names, told
    assert found.units == table.units, told
    columns = [np.concatenate(list(found.column(i))) for i in range(found.n_channels)]
    assert len(columns[0]) == len(table.values), told
    np.testing.assert_allclose(np.stack(columns, 1), table.values, err_msg=str(told))
    assert [s.n for s in found.stretches] == table.stretches, told
    if table.labels:
        labels = [label for s in found.stretches for a, b, label in s.labels for _ in range(a, b)]
        assert labels == table.labels, told


def assert_times(found: Reading, table: Made) -> str:
    """Hold rate and start against what is true; returns in which way they are read right."""
    told = found.taken, table.about
    without_unit = table.about["header"] == "none"
    start_ns = found.stretches[0].start_ns
    if table.start is None:
        assert start_ns is None, told
    else:
        assert start_ns is not None, told
        start_s = table.start.astimezone(datetime.UTC).timestamp()
        assert start_ns / 1e9 == pytest.approx(start_s, abs=1e-3), told
    if found.rate_hz is None:
        assert table.written.says == "none" or (table.written.needs_unit and without_unit), told
        return "read right, and no rate given"
    if found.rate_hz == pytest.approx(table.rate_hz, rel=0.002) and table.written.says == "rate":
        return "read right"
    assert without_unit, told
    assert GUESS in found.taken, told
    return "read right, and said that its rate is a guess"
