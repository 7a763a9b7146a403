"""The best tag path of a linear chain."""

import numpy as np
from numpy.typing import NDArray

from rnncli.decoding.packed import Packing

FORBIDDEN = -1e4
"""Score of a transition, a start or an end that must not be."""


def viterbi(
    emissions: NDArray[np.floating],
    packing: Packing,
    transitions: NDArray[np.floating],
    start: NDArray[np.floating],
    end: NDArray[np.floating],
) -> NDArray[np.int64]:
    """Find the path of the highest score for every sequence of a batch.

    Args:
        emissions: float [N, K], packed.
        packing: how.
        transitions: float [K, K], from row to column.
        start: float [K].
        end: float [K].

    Returns:
        int64 [N], packed tag indices; ties go to the lower index.

    Reference:
        Viterbi 1967; Forney 1973, "The Viterbi algorithm".
    """
    num_steps, num_tags = len(packing.batch_sizes), emissions.shape[1]
    arriving = np.ascontiguousarray(transitions.T)
    came_from = np.empty(emissions.shape, dtype=np.int16)
    score = start + emissions[: packing.batch_sizes[0]]
    final = np.empty_like(score)
    for step in range(num_steps):
        size, offset = packing.batch_sizes[step], packing.offsets[step]
        if step:
            candidates = score[:size, None, :] + arriving
            best = candidates.argmax(2)
            came_from[offset : offset + size] = best
            flat = np.arange(size * num_tags) * num_tags + best.ravel()
            score = candidates.ravel()[flat].reshape(size, num_tags) + emissions[offset : offset + size]
        # Only differences matter; sums over long sequences would cost the last digits of single precision.
        score = score - score.max(1, keepdims=True)
        remaining = packing.batch_sizes[step + 1] if step + 1 < num_steps else 0
        final[remaining:size] = score[remaining:size] + end
    tags = np.empty(len(emissions), dtype=np.int64)
    current = final.argmax(1)
    rows = np.arange(len(current))
    for step in range(num_steps - 1, -1, -1):
        size, offset = packing.batch_sizes[step], packing.offsets[step]
        tags[offset : offset + size] = current[:size]
        if step:
            current[:size] = came_from[offset + rows[:size], current[:size]]
    return tags
