"""How far a share that was counted may lie from the true one."""

import math


def standard_error(share: float, count: int) -> float:
    """Return the standard error of a share of so many independent cases.

    Args:
        share: 0 to 1. For F1, which is no share, this is near enough.
        count: cases it was counted over; of none, the error is taken to be 1.
    """
    return math.sqrt(share * (1 - share) / count) if count else 1.0
