"""Precision, recall and F1 of one label, and which labels are taken for which."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LabelScores:
    """Scores of what carries one label. A ratio of nothing to nothing is 0, as in conlleval and scikit-learn.

    Attributes:
        precision: Share of the predicted ones that are right, 0 to 1.
        recall: Share of the gold ones that were found, 0 to 1.
        f1: Harmonic mean of precision and recall, 0 to 1.
        num_gold: Number of gold ones.
        num_predicted: Number of predicted ones.
        num_correct: Number of predicted ones that are right.
    """

    precision: float
    recall: float
    f1: float
    num_gold: int
    num_predicted: int
    num_correct: int

    @staticmethod
    def of(num_gold: int, num_predicted: int, num_correct: int) -> "LabelScores":
        """Compute the ratios of counts."""
        return LabelScores(
            precision=num_correct / num_predicted if num_predicted else 0.0,
            recall=num_correct / num_gold if num_gold else 0.0,
            f1=2 * num_correct / (num_gold + num_predicted) if num_gold + num_predicted else 0.0,
            num_gold=num_gold,
            num_predicted=num_predicted,
            num_correct=num_correct,
        )


@dataclass(frozen=True, slots=True)
class Confusion:
    """One label taken for another.

    Attributes:
        gold: The right label.
        predicted: The label given instead.
        count: How often.
    """

    gold: str
    predicted: str
    count: int


def score_labels(pairs: Mapping[tuple[str, str], int]) -> dict[str, LabelScores]:
    """Score every label.

    Args:
        pairs: How often which gold label met which predicted one.

    Returns:
        Scores by label, most frequent gold label first, then lexical.
    """
    gold: Counter[str] = Counter()
    predicted: Counter[str] = Counter()
    for (right, guess), count in pairs.items():
        gold[right] += count
        predicted[guess] += count
    labels = sorted(gold.keys() | predicted.keys(), key=lambda label: (-gold[label], label))
    return {label: LabelScores.of(gold[label], predicted[label], pairs.get((label, label), 0)) for label in labels}


def confusions(pairs: Mapping[tuple[str, str], int]) -> tuple[Confusion, ...]:
    """List the mistakes.

    Args:
        pairs: How often which gold label met which predicted one.

    Returns:
        Most frequent first, then lexical.
    """
    wrong = [Confusion(right, guess, count) for (right, guess), count in pairs.items() if right != guess]
    return tuple(sorted(wrong, key=lambda one: (-one.count, one.gold, one.predicted)))
