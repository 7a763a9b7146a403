"""Batches of similar length within a budget of tokens."""

from collections.abc import Sequence

import numpy as np

_JITTER = 3.0


def token_budget_batches(lengths: Sequence[int], budget: int, generator: np.random.Generator) -> list[list[int]]:
    """Group sequences of similar length, in random order.

    Args:
        lengths: of the sequences, each at least 1.
        budget: most tokens of a batch, padding included; a longer sequence is a batch of its own.
        generator: shuffles the batches, and the sequences among those of about the same length.

    Returns:
        Indices of the sequences of each batch; every index occurs once.
    """
    sizes = np.asarray(lengths)
    order = np.argsort(sizes + generator.random(len(sizes)) * _JITTER, kind="stable")
    batches: list[list[int]] = []
    batch: list[int] = []
    longest = 0
    for index in order.tolist():
        longest = max(longest, lengths[index])
        if batch and longest * (len(batch) + 1) > budget:
            batches.append(batch)
            batch, longest = [], lengths[index]
        batch.append(index)
    if batch:
        batches.append(batch)
    return [batches[i] for i in generator.permutation(len(batches))]
