"""Test the figures against their definitions: brute force, identities, and missing classes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from nearhum_host.evaluation import metrics
from nearhum_host.evaluation.benchmarks.bars import TARGETS

pairs = st.integers(1, 60).flatmap(
    lambda n: st.tuples(hnp.arrays(bool, n), hnp.arrays(bool, n), hnp.arrays(np.int16, n))
)


@given(pairs)
def test_confusion_is_what_its_definition_says(rows):
    true, alarm, _ = rows
    counts = metrics.Confusion.of(true, alarm)
    assert counts.hits + counts.misses + counts.false_alarms + counts.quiet == len(true)
    assert counts.far == (np.mean(alarm[~true]) if (~true).any() else None)
    assert counts.mar == (np.mean(~alarm[true]) if true.any() else None)
    if counts.tpr and counts.mar is not None:
        precision = counts.hits / alarm.sum()
        assert counts.tpr + counts.mar == pytest.approx(1)
        assert counts.f1 == pytest.approx(2 * precision * counts.tpr / (precision + counts.tpr))


@given(pairs, pairs)
def test_counts_of_parts_add_up_to_those_of_the_whole(one, other):
    whole = metrics.Confusion.of(
        np.concatenate([one[0], other[0]]), np.concatenate([one[1], other[1]])
    )
    assert metrics.Confusion.of(*one[:2]) + metrics.Confusion.of(*other[:2]) == whole


@given(pairs)
@settings(deadline=None)  # the first call imports scikit-learn
def test_auc_is_the_share_of_pairs_in_the_right_order(rows):
    true, _, score = rows
    strange, normal = score[true].astype(int), score[~true].astype(int)
    if not len(strange) or not len(normal):
        assert metrics.auc(true, score) is None
        return
    order = np.sign(strange[:, None] - normal[None, :])
    assert metrics.auc(true, score) == pytest.approx(np.mean((order + 1) / 2))


def test_always_alarm_is_the_known_trivial_row():
    true = np.array([True, False, False, True, False])
    counts = metrics.Confusion.of(true, np.ones(5, bool))
    assert (counts.far, counts.mar) == (1.0, 0.0)
    assert counts.f1 == pytest.approx(4 / 7)


def test_eer_of_separable_equal_and_overlapping_distances():
    near, far = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert metrics.eer(near, far) == pytest.approx(0)
    assert metrics.eer(far, near) == pytest.approx(1)
    assert metrics.eer(np.array([1.0, 1.0]), np.array([1.0, 1.0])) == pytest.approx(0.5)
    assert metrics.eer(np.array([1.0, 2, 3, 9]), np.array([2.5, 7, 8, 10])) == pytest.approx(0.25)
    assert metrics.eer(np.array([]), far) is None


@settings(deadline=None)
@given(hnp.arrays(np.int8, st.integers(1, 30)), hnp.arrays(np.int8, st.integers(1, 30)))
def test_eer_is_a_share_and_mirrors(genuine, impostor):
    rate = metrics.eer(genuine, impostor)
    assert rate is not None
    assert 0 <= rate <= 1
    assert metrics.eer(-impostor.astype(int), -genuine.astype(int)) == pytest.approx(rate)


def test_accuracy_and_mean_leave_out_what_is_missing():
    assert metrics.accuracy(np.array(["a", "b"]), np.array(["a", ""])) == 0.5
    assert metrics.accuracy(np.array([]), np.array([])) is None
    assert metrics.mean([None, 0.5, 1.0]) == 0.75
    assert metrics.mean([None]) is None


@pytest.mark.parametrize("name", sorted(set(TARGETS) - {"atlas"}))
def test_every_figure_with_a_target_is_explained(name):
    for figure in TARGETS[name]:
        stem = figure if figure in metrics.MEANINGS else figure.rpartition("_")[0]
        assert metrics.meanings([figure]).startswith(f"`{stem}`: ")
    assert metrics.meanings(["no_such_figure"]) == ""
