"""Scores as plain text tables."""

from collections.abc import Mapping


def score_table(
    title: str, scores: Mapping[str, float | None], per_label: Mapping[str, Mapping[str, float]]
) -> list[str]:
    """Lay out precision, recall and F1 of every label and of all together.

    Args:
        title: what was scored.
        scores: `precision`, `recall`, `f1` over all labels, None where undefined.
        per_label: the same and `num_gold` for each label.

    Returns:
        The lines.
    """
    width = max(5, len(title), *(len(label) for label in per_label)) if per_label else max(5, len(title))
    lines = [f"{title:<{width}}  precision  recall      f1    gold"]
    for label, values in per_label.items():
        lines.append(
            f"{label:<{width}}  {values['precision']:9.4f}  {values['recall']:6.4f}  {values['f1']:6.4f}  "
            f"{int(values['num_gold']):6d}"
        )
    total = int(sum(values["num_gold"] for values in per_label.values()))
    shown = ["   n/a" if scores[k] is None else f"{scores[k]:6.4f}" for k in ("precision", "recall", "f1")]
    lines.append(f"{'all':<{width}}     {shown[0]}  {shown[1]}  {shown[2]}  {total:6d}")
    return lines


def accuracy_line(title: str, scores: Mapping[str, float | None]) -> str:
    """Write accuracy over all tokens and over unknown words in one line.

    Args:
        title: what was scored.
        scores: `accuracy` and `unknown_accuracy`, None where undefined.
    """
    shown = ["n/a" if scores[k] is None else f"{scores[k]:.4f}" for k in ("accuracy", "unknown_accuracy")]
    return f"{title} accuracy {shown[0]}, on unknown words {shown[1]}"
