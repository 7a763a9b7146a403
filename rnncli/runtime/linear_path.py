"""Scores straight from the hashed features of a window of words, in NumPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.data.features import WordFeatures
from rnncli.decoding.packed import Packing
from rnncli.runtime.half_precision import widen


def word_scores(table: NDArray[Any], features: WordFeatures, dtype: type[np.floating]) -> NDArray[Any]:
    """Sum up what the features of W words contribute to the tokens around them.

    Args:
        table: float [rows, window * K], as it is stored.
        features: of the words.
        dtype: type to compute in.

    Returns:
        float [W, window * K].
    """
    first, *others = features.rows[:, :, 0].T
    scores = widen(table.take(first, axis=0), dtype)
    for rows in others:
        scores += widen(table.take(rows, axis=0), dtype)
    return scores


def add_window_scores(
    emissions: NDArray[Any], by_word: NDArray[Any], rows: NDArray[np.int64], packing: Packing
) -> None:
    """Add to each token's scores what the words around it contribute: the prediction half of `nn.linear_path`.

    Args:
        emissions: float [N, K], packed, changed in place.
        by_word: float [C, window * K], contributions of each word to the tokens around it, an odd window.
        rows: int64 [N], row of `by_word` for each packed token.
        packing: how the tokens are packed.
    """
    num_steps = len(packing.batch_sizes)
    window = by_word.shape[1] // emissions.shape[1]
    by_offset = by_word.reshape(len(by_word), window, -1)
    steps = np.repeat(np.arange(num_steps), packing.batch_sizes)
    ranks = np.arange(len(rows)) - packing.offsets[steps]
    for i in range(window):
        neighbours = steps + (i - window // 2)
        inside = (neighbours >= 0) & (neighbours < num_steps)
        inside &= ranks < packing.batch_sizes[np.where(inside, neighbours, 0)]
        targets = np.flatnonzero(inside)
        sources = packing.offsets[neighbours[targets]] + ranks[targets]
        emissions[targets] += by_offset[rows[sources], i]
