"""Test that targets compute the same bits on windows of real recordings (tests/bits.py)."""

import bits
import pytest
from nearhum_host.boards import stage_check

WANTED = stage_check.load(bits.VECTORS)


@pytest.mark.parametrize(("target", "n_windows"), [("unix", bits.ALL), ("virtual", bits.FEW)])
def test_real_windows_give_the_same_bits(target: str, n_windows: int) -> None:
    found = bits.found(target, n_windows)
    assert found == {name: crc for name, crc in WANTED.items() if int(name[:5]) <= n_windows}
    assert f"{n_windows:05d}_state" in found


def test_the_windows_are_many_and_the_figures_live() -> None:
    assert bits.ALL >= 10_000
    assert bits.FEW >= 200
    for what in ("features", "embedding", "score", "threshold", "label"):
        values = [crc for name, crc in WANTED.items() if name.endswith(what)]
        assert len(set(values)) == len(values) == 5
    learned = [crc for name, crc in WANTED.items() if name.endswith("state")]
    # the second learning period ends at window 4240: watched on from there
    assert len(set(learned)) == 4


def test_more_windows_than_there_are_is_said() -> None:
    with pytest.raises(ValueError, match="the recordings have 139628"):
        bits.recording(20_000)
