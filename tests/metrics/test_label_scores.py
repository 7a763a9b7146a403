"""Scores of single labels and confusions, against scikit-learn."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from rnncli.metrics.label_scores import Confusion, LabelScores, confusions, score_labels

PAIRS = st.lists(st.tuples(st.sampled_from("NVAP"), st.sampled_from("NVAX")), min_size=1, max_size=40)


@given(PAIRS)
def test_scores_equal_scikit_learn(rows: list[tuple[str, str]]) -> None:
    found = score_labels(Counter(rows))
    gold, predicted = zip(*rows, strict=True)
    assert set(found) == {*gold, *predicted}
    labels = list(found)
    table = precision_recall_fscore_support(gold, predicted, labels=labels, zero_division=0)
    for label, precision, recall, f1, support in zip(labels, *table, strict=True):
        one = found[label]
        assert (one.precision, one.recall, one.f1) == pytest.approx((precision, recall, f1), abs=1e-12)
        assert (one.num_gold, one.num_predicted) == (support, predicted.count(label))


@given(PAIRS)
def test_confusions_equal_scikit_learns_matrix(rows: list[tuple[str, str]]) -> None:
    labels = list("ANPVX")
    matrix = confusion_matrix(*zip(*rows, strict=True), labels=labels)
    cells = {
        (right, guess): matrix[i, j]
        for i, right in enumerate(labels)
        for j, guess in enumerate(labels)
        if i != j and matrix[i, j]
    }
    found = confusions(Counter(rows))
    assert {(one.gold, one.predicted): one.count for one in found} == cells
    assert [one.count for one in found] == sorted(cells.values(), reverse=True)


def test_orders() -> None:
    pairs = {("b", "a"): 2, ("c", "c"): 5, ("a", "b"): 2, ("a", "z"): 3}
    assert list(score_labels(pairs)) == ["a", "c", "b", "z"]
    assert confusions(pairs) == (Confusion("a", "z", 3), Confusion("a", "b", 2), Confusion("b", "a", 2))


def test_a_ratio_of_nothing_is_zero() -> None:
    assert LabelScores.of(0, 0, 0) == LabelScores(0.0, 0.0, 0.0, 0, 0, 0)
