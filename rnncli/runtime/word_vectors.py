"""Word vectors from hashed features, in NumPy."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.config import FeatureConfig
from rnncli.data.features import KINDS, WordFeatures, vector_rows
from rnncli.data.vocabulary import Vocabulary

_NORM_EPSILON = 1e-5


class WordVectors:
    """The prediction half of `nn.embeddings.WordEmbedding`.

    Args:
        config: sizes.
        tensors: the model's arrays; tables may be float16 and stay so.
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
        self._table = tensors["features.table"]
        self._ngrams = tensors["features.ngrams"]
        self._vectors = tensors.get("features.vectors")
        self._vector_rows = {} if vocabulary is None else vocabulary.get_stoi()
        self._weight = np.ascontiguousarray(tensors["features.projection.weight"].astype(dtype).T)
        self._bias = tensors["features.projection.bias"].astype(dtype)
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
        config = self._config
        num_words = len(words)
        inputs = np.empty((num_words, self._weight.shape[0]), dtype=self._dtype)
        width = config.embedding_size * len(KINDS)
        rows = features.rows.reshape(-1, 2)
        summed = self._table[rows[:, 0]].astype(self._dtype)
        summed += self._table[rows[:, 1]]
        inputs[:, :width] = summed.reshape(num_words, width)
        grams = self._ngrams[features.ngrams].astype(self._dtype)
        counts = np.diff(features.ngram_starts, append=len(features.ngrams)).astype(self._dtype)
        end = width + config.embedding_size
        inputs[:, width:end] = np.add.reduceat(grams, features.ngram_starts, axis=0) / counts[:, None]
        if self._vectors is not None:
            inputs[:, end:] = self._vectors[vector_rows(words, self._vector_rows)]
        pieces = inputs @ self._weight
        pieces += self._bias
        vectors = pieces.reshape(num_words, -1, config.maxout_pieces).max(2)
        return self._normalise(vectors)

    def _normalise(self, vectors: NDArray[Any]) -> NDArray[Any]:
        vectors -= vectors.mean(1, keepdims=True)
        variance = np.square(vectors).mean(1, keepdims=True)
        vectors /= np.sqrt(variance + self._dtype(_NORM_EPSILON))
        vectors *= self._scale
        vectors += self._shift
        return vectors
