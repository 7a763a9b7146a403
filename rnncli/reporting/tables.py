"""Scores as plain text tables."""

from collections.abc import Mapping

Scores = Mapping[str, float | None]
PerLabel = Mapping[str, Mapping[str, float]]

_RATIOS = ("precision", "recall", "f1")
_HEADER = "precision  recall      f1    gold"
_GAP = "    "


def score_table(title: str, scores: Scores, per_label: PerLabel) -> list[str]:
    """Lay out precision, recall and F1 of every label and of all together.

    Args:
        title: what was scored.
        scores: `precision`, `recall`, `f1` over all labels, None where undefined.
        per_label: the same and `num_gold` for each label.

    Returns:
        The lines.
    """
    return score_tables(title, {"": (scores, per_label)})


def score_tables(title: str, parts: Mapping[str, tuple[Scores, PerLabel]]) -> list[str]:
    """Lay out several ways of scoring the same labels beside each other.

    Args:
        title: what was scored.
        parts: by name what `score_table` takes. The first one says in which order the labels come; a label that another
            part lacks is all zero there.

    Returns:
        The lines, beginning with the names of the parts where they have some.
    """
    labels = list(dict.fromkeys(label for _, per_label in parts.values() for label in per_label))
    width = max(5, len(title), *map(len, labels)) if labels else max(5, len(title))
    lines = [f"{'':<{width}}  " + _GAP.join(f"{name:<{len(_HEADER)}}" for name in parts)] if any(parts) else []
    lines.append(f"{title:<{width}}  " + _GAP.join(_HEADER for _ in parts))
    nothing = dict.fromkeys((*_RATIOS, "num_gold"), 0.0)
    for label in labels:
        cells = [per_label.get(label, nothing) for _, per_label in parts.values()]
        lines.append(f"{label:<{width}}  " + _GAP.join(_row(values, int(values["num_gold"])) for values in cells))
    totals = [_row(s, int(sum(one["num_gold"] for one in per_label.values()))) for s, per_label in parts.values()]
    lines.append(f"{'all':<{width}}  " + _GAP.join(totals))
    return [line.rstrip() for line in lines]


def _row(values: Scores, num_gold: int) -> str:
    shown = ["n/a" if values[key] is None else f"{values[key]:.4f}" for key in _RATIOS]
    return f"{shown[0]:>9}  {shown[1]:>6}  {shown[2]:>6}  {num_gold:6d}"


def accuracy_line(title: str, scores: Scores) -> str:
    """Write accuracy over all tokens and over unknown words in one line.

    Args:
        title: what was scored.
        scores: `accuracy` and `unknown_accuracy`, None where undefined.
    """
    shown = ["n/a" if scores[k] is None else f"{scores[k]:.4f}" for k in ("accuracy", "unknown_accuracy")]
    return f"{title} accuracy {shown[0]}, on unknown words {shown[1]}"
