"""Word vectors from hashed features, in NumPy."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.config import FeatureConfig
from rnncli.data.features import KINDS, WordFeatures, vector_rows
from rnncli.data.vocabulary import Vocabulary

_NORM_EPSILON = 1e-5
_MANY_WORDS = 2000


class WordVectors:
    """The prediction half of `nn.embeddings.WordEmbedding`.

    Args:
        config: sizes.
        tensors: the model's arrays; tables may be float16.
        vocabulary: the words that have a pretrained vector, None without vectors.
        dtype: type to compute in.
    """

    def __init__(
        self,
        config: FeatureConfig,
        tensors: Mapping[str, NDArray[Any]],
        vocabulary: Vocabulary | None,
        dtype: type[np.floating] = np.float32,
    ) -> None:
        """Keep the tables as they are and the projection in the computing type."""
        self._config = config
        self._dtype = dtype
        self._table = tensors["features.table.weight"]
        self._ngrams = tensors["features.ngrams.weight"]
        self._vectors = tensors.get("features.vectors")
        self._vector_rows = {} if vocabulary is None else vocabulary.get_stoi()
        self._num_encoded = 0
        # The pieces of one unit lie side by side in the file; apart, their maximum is one pass over whole rows.
        weight = tensors["features.projection.weight"].astype(dtype)
        width = weight.shape[1]
        by_piece = weight.reshape(-1, config.maxout_pieces, width).transpose(2, 1, 0)
        self._weight = np.ascontiguousarray(by_piece).reshape(width, -1)
        bias = tensors["features.projection.bias"].astype(dtype)
        self._bias = bias.reshape(-1, config.maxout_pieces).T.ravel()
        self._scale = tensors["features.norm.weight"].astype(dtype)
        self._shift = tensors["features.norm.bias"].astype(dtype)

    def encode(self, words: Sequence[str], features: WordFeatures) -> NDArray[Any]:
        """Embed W distinct words.

        Args:
            words: the words.
            features: their table rows.

        Returns:
            float [W, P].
        """
        self._widen_tables(len(words))
        config = self._config
        inputs = np.empty((len(words), self._weight.shape[0]), dtype=self._dtype)
        width = config.embedding_size * len(KINDS)
        rows = features.rows
        summed = self._table[rows[:, :, 0].ravel()].astype(self._dtype)
        summed += self._table[rows[:, :, 1].ravel()]
        inputs[:, :width] = summed.reshape(len(words), width)
        end = width + config.embedding_size
        self._mean_ngrams(features, inputs[:, width:end])
        if self._vectors is not None:
            inputs[:, end:] = self._vectors[vector_rows(words, self._vector_rows)]
        pieces = inputs @ self._weight
        pieces += self._bias
        size = config.projection_size
        vectors = pieces[:, :size]
        for start in range(size, pieces.shape[1], size):
            np.maximum(vectors, pieces[:, start : start + size], out=vectors)
        return self._normalise(vectors)

    def _widen_tables(self, num_words: int) -> None:
        """Convert half-precision tables once it is clear that this will be a long run."""
        self._num_encoded += num_words
        if self._num_encoded > _MANY_WORDS and self._table.dtype != self._dtype:
            self._table = self._table.astype(self._dtype)
            self._ngrams = self._ngrams.astype(self._dtype)

    def _mean_ngrams(self, features: WordFeatures, means: NDArray[Any]) -> None:
        """Average each word's n-gram rows into `means` [W, E], all words' first n-grams together, then the second."""
        counts = np.diff(features.ngram_starts, append=len(features.ngrams))
        order = np.argsort(-counts, kind="stable")
        starts, falling = features.ngram_starts[order], counts[order]
        sums = self._ngrams[features.ngrams[starts]].astype(self._dtype)
        for i in range(1, int(falling[0])):
            size = int(np.searchsorted(-falling, -i, side="left"))
            sums[:size] += self._ngrams[features.ngrams[starts[:size] + i]]
        means[order] = sums / falling[:, None].astype(self._dtype)

    def _normalise(self, vectors: NDArray[Any]) -> NDArray[Any]:
        vectors = vectors - vectors.mean(1, keepdims=True)
        variance = np.einsum("wp,wp->w", vectors, vectors)[:, None] / self._dtype(vectors.shape[1])
        vectors /= np.sqrt(variance + self._dtype(_NORM_EPSILON))
        vectors *= self._scale
        vectors += self._shift
        return vectors
