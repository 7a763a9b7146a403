"""Whether one system is better than another on the same records, or merely luckier: the paired bootstrap."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Score = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Computes scores [...] from sums of sufficient statistics [..., S]."""


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """How far two systems lie apart.

    Attributes:
        first: Score of the first system on all records.
        second: Score of the second.
        difference: `first - second`.
        low: Lower end of the 95 % interval of the difference.
        high: Upper end.
        p_value: How easily the sign of the difference turns when other records of the same kind are drawn, with two
            sides: above 0, at most 1, and 1 for systems that do not differ.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    p_value: float


def paired_bootstrap(
    first: NDArray[Any],
    second: NDArray[Any],
    scores: Mapping[str, Score],
    *,
    num_resamples: int = 1000,
    seed: int = 1,
) -> dict[str, PairedDifference]:
    """Compare two systems on records drawn again and again, with replacement, the same ones for both.

    Args:
        first: Sufficient statistics of each record under the first system, [R, S], R at least 1.
        second: The same under the second, [R, S].
        scores: Functions from sums of statistics over records to scores, by name.
        num_resamples: How often R records are drawn.
        seed: Of the draws, so that the same input gives the same answer.

    Returns:
        The differences by name. The interval is that of the percentiles. The p-value has two sides: twice the share of
        draws, the undrawn original counted with them, in which the difference is zero or has the other sign.

    Raises:
        ValueError: The shapes differ, or there is no record.

    Reference:
        Philipp Koehn (2004), Statistical Significance Tests for Machine Translation Evaluation, W04-3250, section 3.
        Deviations: two sides instead of one, ties count against a difference, and p is never 0 (A. C. Davison and
        D. V. Hinkley (1997), Bootstrap Methods and their Application, eq. 4.11).
    """
    if first.shape != second.shape or first.ndim != 2 or not len(first):
        raise ValueError(f"expected two arrays [R, S] of one shape, R at least 1: {first.shape} and {second.shape}")
    generator = np.random.default_rng(seed)
    num_records = len(first)
    # One product a draw gives the sums of both; integers below 2 ** 53 are exact in float64.
    both = np.concatenate((first, second), axis=1).astype(np.float64)
    sums = np.empty((num_resamples + 1, both.shape[1]))
    sums[0] = both.sum(0)
    for row in sums[1:]:
        drawn = generator.integers(num_records, size=num_records)
        np.matmul(np.bincount(drawn, minlength=num_records).astype(np.float64), both, out=row)
    halves = sums[:, : first.shape[1]], sums[:, first.shape[1] :]
    return {name: _difference(score(halves[0]), score(halves[1])) for name, score in scores.items()}


def _difference(first: NDArray[np.float64], second: NDArray[np.float64]) -> PairedDifference:
    """Summarise the scores [1 + N] of both systems, those of the original records in front."""
    differences = first - second
    low, high = np.percentile(differences[1:], (2.5, 97.5)).tolist()
    num_against = 1 + min(int((differences[1:] <= 0).sum()), int((differences[1:] >= 0).sum()))
    return PairedDifference(
        first=float(first[0]),
        second=float(second[0]),
        difference=float(differences[0]),
        low=low,
        high=high,
        p_value=min(1.0, 2 * num_against / len(differences)),
    )
