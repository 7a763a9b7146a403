"""Scores of spans in the layout of the script conlleval, so that both outputs can be compared line by line."""

from collections.abc import Mapping
from typing import Any


def conlleval_lines(scores: Mapping[str, Any]) -> list[str]:
    """Lay out scores as conlleval prints them.

    Args:
        scores: `num_tokens`, `accuracy`, `num_gold`, `num_predicted`, `num_correct`, and `per_type` with the three
            counts of each type.

    Returns:
        The lines. A type's last number is that of the predicted spans.

    Reference:
        Erik F. Tjong Kim Sang, conlleval, version 2004-01-26. Deviation: n/a where the gold holds no span, not 0.
    """
    accuracy = _cell(None if scores["accuracy"] is None else 100 * scores["accuracy"], "%")
    lines = [
        f"processed {scores['num_tokens']} tokens with {scores['num_gold']} phrases; "
        f"found: {scores['num_predicted']} phrases; correct: {scores['num_correct']}.",
        f"accuracy: {accuracy}; {_ratios(scores, is_measured=scores['num_gold'] > 0)}",
    ]
    for name, values in scores["per_type"].items():
        lines.append(f"{name:>17}: {_ratios(values)}  {values['num_predicted']}")
    return lines


def _ratios(counts: Mapping[str, Any], *, is_measured: bool = True) -> str:
    """Compute percentages in the order of conlleval's own operations, so that they are rounded alike."""
    correct, found, gold = counts["num_correct"], counts["num_predicted"], counts["num_gold"]
    precision = 100 * correct / found if found else 0.0
    recall = 100 * correct / gold if gold else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    shown = (precision, recall, f1) if is_measured else (None, None, None)
    return f"precision: {_cell(shown[0], '%')}; recall: {_cell(shown[1], '%')}; FB1: {_cell(shown[2])}"


def _cell(value: float | None, unit: str = "") -> str:
    return f"{'n/a':>{6 + len(unit)}}" if value is None else f"{value:6.2f}{unit}"
