"""An evaluation as a person reads it."""

from collections.abc import Mapping
from typing import Any

from rnncli.reporting.conlleval import conlleval_lines
from rnncli.reporting.tables import accuracy_line, score_table, score_tables

_SHOWN_TAGS = 50
_SHOWN_CONFUSIONS = 10


def evaluation_lines(scores: Mapping[str, Any]) -> list[str]:
    """Lay out everything that was scored.

    Args:
        scores: by the contract's keys, as `inference.evaluation_run.run_evaluation` returns them.

    Returns:
        The lines.
    """
    lines = _token_lines(scores) if scores["task"] == "pos" else _span_lines(scores)
    return [*lines, *_comparison_lines(scores["comparison"])] if "comparison" in scores else lines


def _span_lines(scores: Mapping[str, Any]) -> list[str]:
    lines = [*conlleval_lines(scores), ""]
    parts = {"lenient, as conlleval": (scores, scores["per_type"])}
    if scores["scheme"] is not None:
        strict = {name: scores[f"strict_{name}"] for name in ("precision", "recall", "f1")}
        parts[f"strict, as seqeval in {scores['scheme']}"] = (strict, scores["strict_per_type"])
    lines += score_tables("type", parts)
    if scores["strict_note"]:
        lines += ["", f"strict: n/a: {scores['strict_note']}"]
    if scores["num_unknown"]:
        found = f"{scores['num_unknown_correct']} of {scores['num_unknown']} found"
        lines += ["", f"spans with a word that training did not see: recall {scores['unknown_recall']:.4f}, {found}"]
    return lines


def _token_lines(scores: Mapping[str, Any]) -> list[str]:
    size = f"{scores['num_tokens']} tokens in {scores['num_sentences']} sentences"
    if scores["num_unknown"] is None:
        lines = [f"accuracy {scores['accuracy']:.4f} over {size}"]
    else:
        share = f"{100 * scores['unknown_share']:.2f} %"
        lines = [f"{accuracy_line('all', scores)}; {size}, {scores['num_unknown']} ({share}) of unknown words"]
    # Where each token has one tag, every miss of one tag is a false alarm of another.
    total = dict.fromkeys(("precision", "recall", "f1"), scores["accuracy"])
    table = score_table("tag", total, scores["per_tag"])
    num_hidden = len(scores["per_tag"]) - _SHOWN_TAGS
    if num_hidden > 0:
        table[1 + _SHOWN_TAGS : -1] = [f"... and {num_hidden} rarer tags, which --json shows"]
    lines += ["", *table]
    confusions = scores["confusions"][:_SHOWN_CONFUSIONS]
    if confusions:
        width = len(str(confusions[0]["count"]))
        lines += ["", "most frequent confusions, gold -> predicted"]
        lines += [f"{one['count']:>{width + 2}}  {one['gold']} -> {one['predicted']}" for one in confusions]
    return lines


def _comparison_lines(comparison: Mapping[str, Any]) -> list[str]:
    differences = comparison["differences"]
    method = f"paired bootstrap, {comparison['num_resamples']} resamples of the sentences"
    lines = [
        "",
        f"compared with {comparison['name']}: {method}",
        f"{'':<9}    this   other  difference  95 % interval           p",
    ]
    for name, values in differences.items():
        if values is None:
            lines.append(f"{name:<9}  {'n/a':>6}  {'n/a':>6}")
            continue
        lines.append(
            f"{name:<9}  {values['first']:6.4f}  {values['second']:6.4f}  {values['difference']:+10.4f}  "
            f"{values['low']:+.4f} to {values['high']:+.4f}  {values['p_value']:6.4f}"
        )
    for unit in ("sentences", "spans", "tokens"):
        if f"fixed_{unit}" in comparison:
            lines.append(f"{unit:<9}  {comparison[f'fixed_{unit}']} fixed, {comparison[f'broken_{unit}']} broken")
    return lines
