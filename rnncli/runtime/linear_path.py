"""Scores straight from the hashed features of a window of words, in NumPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.data.features import WordFeatures
from rnncli.decoding.packed import Packing
from rnncli.runtime.stored_table import StoredTable


def word_scores(table: StoredTable, features: WordFeatures, dtype: type[np.floating]) -> NDArray[Any]:
    """Sum up what the features of W words contribute to the tokens around them.

    Args:
        table: with rows of window * K.
        features: of the words.
        dtype: type to compute in.

    Returns:
        float [W, window * K].
    """
    scores = np.empty((len(features.rows), table.row_size), dtype=dtype)
    table.sum_rows(features.rows[:, None, :, 0], scores)
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
    num_tokens, num_tags = emissions.shape
    window = by_word.shape[1] // num_tags
    scores = by_word.reshape(-1, num_tags)
    before, after = _links(packing, num_tokens)
    places = np.append(rows * window, 0)
    earlier, later = [np.arange(num_tokens)], [np.arange(num_tokens)]
    for _ in range(window // 2):
        earlier.append(before[earlier[-1]])
        later.append(after[later[-1]])
    for i, neighbours in enumerate([*earlier[:0:-1], *later]):
        part = scores.take(places[neighbours] + i, axis=0)
        part[neighbours == num_tokens] = 0
        emissions += part


def _links(packing: Packing, num_tokens: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of the tokens before and after each, [N + 1]: N where there is none, and for N itself."""
    sizes = packing.batch_sizes
    followers = np.arange(sizes[0], num_tokens)
    followed = followers - np.repeat(sizes[:-1], sizes[1:])
    before, after = np.full((2, num_tokens + 1), num_tokens)
    before[followers] = followed
    after[followed] = followers
    return before, after
