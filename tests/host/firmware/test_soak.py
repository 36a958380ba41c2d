"""A short soak: three days of a board's time with two power cuts; `make soak DAYS=90` runs the
whole.
"""

import pytest
import soak
from conftest import ON_LINUX_X86_64


@pytest.mark.slow
@pytest.mark.skipif(not ON_LINUX_X86_64, reason="the virtual board needs Linux on x86-64")
def test_three_days(tmp_path):
    rows = soak.soak(3 * soak.DAY_S, 0, tmp_path, print)
    assert not [row for row in rows if not row[3]]
    assert [row[1] for row in rows if row[0].startswith("records lost")] == [
        f"0, 0 of {len_of(tmp_path):,}"
    ]


def len_of(folder):
    return len(soak.read_log(folder / "board.nhl").records)
