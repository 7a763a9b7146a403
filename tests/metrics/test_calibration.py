"""Calibration scores against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from rnncli.metrics.calibration import score_calibration

outcomes = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


@given(outcomes, st.integers(1, 20))
def test_scores_equal_scikit_learns(pairs: list[tuple[float, bool]], num_bins: int) -> None:
    confidences, correct = np.array([p for p, _ in pairs]), np.array([right for _, right in pairs])
    edges = np.arange(1, num_bins) / num_bins
    if num_bins > 1:  # scikit-learn's edges differ from the exact ones in their last digit
        gaps = np.abs(confidences[:, None] - edges).min(1)
        confidences = np.where(gaps < 1e-12, confidences * 0.999, confidences)
    scores = score_calibration(confidences.tolist(), correct.tolist(), num_bins)
    shares, means = calibration_curve(correct, confidences, n_bins=num_bins, strategy="uniform")
    # The filled bins come in order, so counting gives each its weight.
    weights = np.unique(np.digitize(confidences, edges, right=True), return_counts=True)[1]
    expected = (np.abs(shares - means) * weights).sum() / len(pairs)
    assert scores.calibration_error == pytest.approx(expected, abs=1e-12)
    assert scores.brier == pytest.approx(brier_score_loss(correct, confidences, pos_label=True), abs=1e-12)
    assert scores.num_items == len(pairs)


def test_an_upper_edge_belongs_to_its_bin() -> None:
    """0.5 and 0.3 share the lower of two bins, where their gaps cancel; 0.6 does not."""
    assert score_calibration([0.5, 0.3], [False, True], 2).calibration_error == pytest.approx(0.1)
    assert score_calibration([0.6, 0.3], [False, True], 2).calibration_error == pytest.approx(0.65)


def test_the_best_and_the_worst() -> None:
    assert score_calibration([0.0, 1.0], [False, True]).calibration_error == 0
    worst = score_calibration([1.0, 0.0], [False, True])
    assert (worst.calibration_error, worst.brier) == (1, 1)


def test_no_predictions_have_no_score() -> None:
    scores = score_calibration([], [])
    assert (scores.calibration_error, scores.brier, scores.num_items) == (None, None, 0)
    assert "bins:15" in scores.signature


def test_different_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        score_calibration([0.5, 0.5], [True])
