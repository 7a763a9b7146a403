"""Gates: scores that must be reached."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rnncli.errors import GateError, UsageError


def parse_gates(values: Sequence[str]) -> list[tuple[str, float]]:
    """Parse `KEY=F`, as in `f1=0.7`.

    Raises:
        UsageError: of another form.
    """
    gates = []
    for value in values:
        key, equals, text = value.partition("=")
        try:
            threshold = float(text)
        except ValueError:
            threshold = math.nan
        if not key or not equals or not math.isfinite(threshold):
            raise UsageError(f"--fail-under {value}: expected a score's name and a number, as in f1=0.7")
        gates.append((key, threshold))
    return gates


def check_gates(gates: Sequence[tuple[str, float]], scores: Mapping[str, Any]) -> None:
    """Compare scores with what they must reach.

    Args:
        gates: names and least values.
        scores: by name; None, which is n/a, reaches nothing.

    Raises:
        GateError: names every score that is too low.
    """
    failed = [(key, scores[key], least) for key, least in gates if scores[key] is None or scores[key] < least]
    if failed:
        shown = [f"{key} is {'n/a' if score is None else score}, below {least}" for key, score, least in failed]
        raise GateError("; ".join(shown))
