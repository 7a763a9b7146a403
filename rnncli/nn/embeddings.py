"""Word vectors from hashed features."""

import torch
from torch import Tensor, nn

from rnncli.config import FeatureConfig
from rnncli.data.features import KINDS, table_sizes
from rnncli.nn.embedding_bag import embedding_bag
from rnncli.nn.hashed_table import HashedTable


class WordEmbedding(nn.Module):
    """Vectors of distinct words: embedded features, concatenated, projected by maxout, normalised.

    Args:
        config: sizes.
        vectors: float [N, D], pretrained vectors with a first row of zeros for words without one, or None.

    Reference:
        Maxout: Goodfellow et al. 2013, arXiv:1302.4389. Layer normalisation: Ba et al. 2016, arXiv:1607.06450.
    """

    def __init__(self, config: FeatureConfig, vectors: Tensor | None = None) -> None:
        """Draw the tables and the projection."""
        super().__init__()
        self._pieces = config.maxout_pieces
        size = config.embedding_size
        self.table = HashedTable(sum(table_sizes(config)), size, scale=0.1)
        self.ngrams = HashedTable(config.ngram_rows, size, scale=0.3)
        self.register_buffer("vectors", vectors)
        width = size * (len(KINDS) + 1) + config.vector_size
        self.projection = nn.Linear(width, config.projection_size * config.maxout_pieces)
        self.norm = nn.LayerNorm(config.projection_size)

    def forward(
        self, rows: Tensor, ngrams: Tensor, ngram_starts: Tensor, rarity: Tensor, vector_rows: Tensor | None
    ) -> Tensor:
        """Embed W distinct words.

        Args:
            rows: int64 [W, F, 2], as in `WordFeatures`.
            ngrams: int64 [M].
            ngram_starts: int64 [W].
            rarity: float [W], how likely each word loses its own row while training, in 0..1.
            vector_rows: int64 [W], rows of the pretrained vectors, None without them.

        Returns:
            float [W, P].
        """
        table, places = self.table.gather(rows)
        embedded = embedding_bag(table, places.flatten(0, 1)).view(*rows.shape[:2], -1)
        if self.training:
            # A rare word must be recognised by its parts, since the words of tomorrow are known by nothing else.
            kept = embedded.new_ones(*rows.shape[:2], 1)
            kept[:, 0, 0] = torch.rand_like(rarity) >= rarity
            embedded = embedded * kept
        summed = embedded.flatten(1)
        table, places = self.ngrams.gather(ngrams)
        parts = [summed, embedding_bag(table, places, ngram_starts)]
        if vector_rows is not None:
            parts.append(self.get_buffer("vectors")[vector_rows].to(summed.dtype))
        pieces: Tensor = self.projection(torch.cat(parts, 1))
        normed: Tensor = self.norm(pieces.view(rows.shape[0], -1, self._pieces).amax(2))
        return normed
