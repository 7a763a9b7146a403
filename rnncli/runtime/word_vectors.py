"""Word vectors from hashed features."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.config import FeatureConfig
from rnncli.data.features import KINDS, WordFeatures, vector_rows
from rnncli.data.vocabulary import Vocabulary
from rnncli.kernels.words import load_word_kernel
from rnncli.runtime.stored_table import StoredTable

_NORM_EPSILON = 1e-5


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
        self._kernel = load_word_kernel() if dtype is np.float32 else None
        self._table = StoredTable(tensors["features.table.weight"], dtype)
        self._ngrams = StoredTable(tensors["features.ngrams.weight"], dtype)
        vectors = tensors.get("features.vectors")
        self._vectors = None if vectors is None else StoredTable(vectors, dtype)
        self._vector_rows = {} if vocabulary is None else vocabulary.get_stoi()
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
        size = self._config.embedding_size
        inputs = np.empty((len(words), self._weight.shape[0]), dtype=self._dtype)
        by_kind, means, vectors = np.split(inputs, (size * len(KINDS), size * (len(KINDS) + 1)), axis=1)
        self._table.sum_rows(features.rows, by_kind)
        self._ngrams.average_rows(features.ngrams, features.ngram_starts, means)
        if self._vectors is not None:
            rows = np.asarray(vector_rows(words, self._vector_rows))
            self._vectors.sum_rows(rows[:, None, None], vectors)
        pieces = inputs @ self._weight
        if self._kernel is not None:
            return self._kernel.normalise(pieces, self._bias, self._scale, self._shift, _NORM_EPSILON)
        return self._normalise(self._maxout(pieces))

    def _maxout(self, pieces: NDArray[Any]) -> NDArray[Any]:
        pieces += self._bias
        size = self._config.projection_size
        largest = pieces[:, :size]
        for start in range(size, pieces.shape[1], size):
            np.maximum(largest, pieces[:, start : start + size], out=largest)
        return largest

    def _normalise(self, vectors: NDArray[Any]) -> NDArray[Any]:
        vectors = vectors - vectors.mean(1, keepdims=True)
        variance = np.einsum("wp,wp->w", vectors, vectors)[:, None] / self._dtype(vectors.shape[1])
        vectors /= np.sqrt(variance + self._dtype(_NORM_EPSILON))
        vectors *= self._scale
        vectors += self._shift
        return vectors
