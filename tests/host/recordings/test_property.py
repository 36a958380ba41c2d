"""No table is read wrongly in silence: read right, or refused by naming what is wrong with it."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from nearhum_host.errors import HostError
from nearhum_host.recordings.reader import read
from tables_made import made

CASES = 2000
SHARES = 4


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
            assert table.bad or table.ambiguous, (
                said,
                table.about,
            )
            if table.bad and not table.ambiguous and table.about["delimiter"] != " ":
                row, text = table.bad
                assert "line " in said, (said, table.about)
                assert text[:5] in said or not text, (said, table.about)
            refused["bad" if table.bad else "ambiguous"] += 1
            continue
        if table.bad and "cut short" in found.taken and table.bad[0] == len(table.values) - 1:
            right["cut short, and said"] += 1
            continue  # the last number of a file breaks off: left out, and said
        assert not table.bad, ("a bad cell was not seen", table.about, found.taken)
        assert found.n_channels == table.values.shape[1], (found.taken, table.about)
        columns = [np.concatenate(list(found.column(i))) for i in range(found.n_channels)]
        assert len(columns[0]) == len(table.values), (found.taken, table.about)
        np.testing.assert_allclose(np.stack(columns, 1), table.values, err_msg=str(table.about))
        assert [s.n for s in found.stretches] == table.stretches, (found.taken, table.about)
        if table.time not in ("none", "index", "count"):
            assert found.rate_hz == pytest.approx(table.rate_hz, rel=0.002), (
                found.taken,
                table.about,
            )
        else:
            assert found.rate_hz is None, (found.taken, table.about)
        if table.labels:
            labels = [
                label for s in found.stretches for a, b, label in s.labels for _ in range(a, b)
            ]
            assert labels == table.labels, (found.taken, table.about)
        right["read right"] += 1
    print(
        f"{sum(right.values()) + sum(refused.values())} tables: {dict(right)},"
        f" refused by name: {dict(refused)}, read wrongly in silence: 0"
    )
    assert sum(right.values()) + sum(refused.values()) == CASES // SHARES
    assert refused["ambiguous"] < CASES / SHARES / 8
