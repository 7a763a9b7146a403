"""Batches of sequences without padding, time first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Packing:
    """Where the tokens of a batch lie: all first tokens, then all second ones, longest sequences in front.

    Attributes:
        order: int64 [B], the sequences by falling length.
        lengths: int64 [B], in that order, each at least 1.
        batch_sizes: int64 [T], how many sequences have a token at each step.
        offsets: int64 [T], row of the first token of each step.
    """

    order: NDArray[np.int64]
    lengths: NDArray[np.int64]
    batch_sizes: NDArray[np.int64]
    offsets: NDArray[np.int64]

    def rows(self) -> NDArray[np.int64]:
        """Packed row of every token, sequence after sequence in their original order: int64 [N]."""
        starts = np.zeros(len(self.lengths), dtype=np.int64)
        ranks = np.empty_like(self.order)
        ranks[self.order] = np.arange(len(self.order))
        lengths = self.lengths[ranks]
        np.cumsum(lengths[:-1], out=starts[1:])
        steps = np.arange(int(lengths.sum())) - np.repeat(starts, lengths)
        rows: NDArray[np.int64] = self.offsets[steps] + np.repeat(ranks, lengths)
        return rows


def pack(lengths: Sequence[int] | NDArray[np.int64]) -> Packing:
    """Lay out sequences of the given lengths, each at least 1."""
    sizes = np.asarray(lengths, dtype=np.int64)
    order = np.argsort(-sizes, kind="stable")
    falling = sizes[order]
    batch_sizes = np.searchsorted(-falling, -np.arange(falling[0]), side="left").astype(np.int64)
    offsets = np.zeros_like(batch_sizes)
    np.cumsum(batch_sizes[:-1], out=offsets[1:])
    return Packing(order, falling, batch_sizes, offsets)
