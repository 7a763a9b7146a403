"""How well probabilities tell how often a prediction is right."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

_NUM_BINS = 15


@dataclass(frozen=True, slots=True)
class CalibrationScores:
    """How far confidence lies from truth.

    Attributes:
        calibration_error: expected calibration error, 0 to 1: how far the mean confidence of a bin lies from the share
            of its predictions that are right, on average over all predictions. None when there are no predictions.
        brier: mean squared difference of confidence and outcome, 0 to 1. None when there are no predictions.
        num_items: number of predictions.
        num_bins: number of bins of equal width.
    """

    calibration_error: float | None
    brier: float | None
    num_items: int
    num_bins: int

    @property
    def signature(self) -> str:
        """How the scores were computed."""
        return f"metric:calibration|bins:{self.num_bins}|width:equal|version:1"


def score_calibration(
    confidences: Sequence[float], correct: Sequence[bool], num_bins: int = _NUM_BINS
) -> CalibrationScores:
    """Compare confidences with outcomes.

    Args:
        confidences: the probability, 0 to 1, of each prediction.
        correct: whether it was right.
        num_bins: number of bins of equal width; a bin holds its upper edge, and the first one 0 as well.

    Returns:
        The scores.

    Raises:
        ValueError: the numbers of confidences and outcomes differ.

    Reference:
        Guo et al. 2017, arXiv:1706.04599, equations 2 and 3; Brier 1950, for one class.
    """
    pairs = list(zip(confidences, correct, strict=True))
    edges = [number / num_bins for number in range(1, num_bins)]
    gaps: list[list[float]] = [[] for _ in range(num_bins)]
    for confidence, is_right in pairs:
        gaps[bisect_left(edges, confidence)].append(is_right - confidence)
    if not pairs:
        return CalibrationScores(None, None, 0, num_bins)
    return CalibrationScores(
        calibration_error=fsum(abs(fsum(bin_gaps)) for bin_gaps in gaps) / len(pairs),
        brier=fsum((is_right - confidence) ** 2 for confidence, is_right in pairs) / len(pairs),
        num_items=len(pairs),
        num_bins=num_bins,
    )
