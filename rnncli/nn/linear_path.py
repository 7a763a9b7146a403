"""Scores straight from the hashed features of a window of words, beside the recurrent encoder."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnncli.nn.embedding_bag import embedding_bag
from rnncli.nn.hashed_table import HashedTable


class LinearPath(nn.Module):
    """A sparse linear model of the features within a window, as feature-based CRFs have it.

    The encoder generalises and the linear path remembers; trained together, each leaves to the other what it does
    better.

    Args:
        num_rows: rows of the hashed tables together.
        num_tags: K.
        window: words seen at a token, an odd number.
        dropout: share of scores dropped while training.

    Reference:
        Cheng et al. 2016, "Wide and deep learning", arXiv:1606.07792.
    """

    def __init__(self, num_rows: int, num_tags: int, window: int, dropout: float) -> None:
        """Start from zero scores."""
        super().__init__()
        self._window = window
        self._dropout = dropout
        self.table = HashedTable(num_rows, window * num_tags, scale=0.0)

    def forward(self, rows: Tensor, words: Tensor, lengths: Tensor) -> Tensor:
        """Score every tag at every token.

        Args:
            rows: int64 [W, F], one table row for each feature of the distinct words.
            words: int64 [B, T], each token's row among them.
            lengths: int64 [B].

        Returns:
            float [B, T, K].
        """
        table, places = self.table.gather(rows)
        by_word = embedding_bag(table, places)
        mask = torch.arange(words.shape[1], device=words.device) < lengths.unsqueeze(1)
        scores = F.embedding(words, by_word) * mask.unsqueeze(2)
        scores = F.dropout(scores, self._dropout, self.training).view(*words.shape, self._window, -1)
        half = self._window // 2
        padded = F.pad(scores, (0, 0, 0, 0, half, half))
        return torch.stack([padded[:, i : i + words.shape[1], i] for i in range(self._window)]).sum(0)
