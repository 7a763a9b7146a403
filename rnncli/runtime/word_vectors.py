"""Word vectors from hashed features, by the kernel where there is one, otherwise in NumPy."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.config import FeatureConfig
from rnncli.data.features import KINDS, WordFeatures, vector_rows
from rnncli.data.vocabulary import Vocabulary
from rnncli.decoding.packed import pack
from rnncli.runtime.half_precision import half_kernel, widen

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
        self._table = tensors["features.table.weight"]
        self._ngrams = tensors["features.ngrams.weight"]
        self._vectors = tensors.get("features.vectors")
        tables = (self._table, self._ngrams, *([] if self._vectors is None else [self._vectors]))
        self._kernel = half_kernel(dtype, *tables)
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
        self._add_rows(features.rows, by_kind)
        self._mean_ngrams(features, means)
        if self._vectors is not None:
            self._take_vectors(np.asarray(vector_rows(words, self._vector_rows)), vectors)
        pieces = inputs @ self._weight
        if self._kernel is not None:
            return self._kernel.normalise(pieces, self._bias, self._scale, self._shift, _NORM_EPSILON)
        return self._normalise(self._maxout(pieces))

    def _add_rows(self, rows: NDArray[np.int64], sums: NDArray[Any]) -> None:
        """Add up both rows of each feature, `rows` [W, F, 2], into `sums` [W, F * E]."""
        if self._kernel is not None:
            self._kernel.pool(self._table, rows.ravel(), np.arange(0, rows.size + 1, 2), sums)
            return
        first, second = (self._gather(self._table, rows[:, :, i]) for i in range(2))
        np.add(first, second, out=sums.reshape(first.shape))

    def _gather(self, table: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
        return widen(table.take(rows, axis=0), self._dtype)

    def _mean_ngrams(self, features: WordFeatures, means: NDArray[Any]) -> None:
        """Average each word's n-gram rows into `means` [W, E], all words' first n-grams together, then the second."""
        if self._kernel is not None:
            starts = np.append(features.ngram_starts, len(features.ngrams))
            self._kernel.pool(self._ngrams, features.ngrams, starts, means, is_mean=True)
            return
        packing = pack(np.diff(features.ngram_starts, append=len(features.ngrams)))
        steps = np.repeat(np.arange(len(packing.batch_sizes)), packing.batch_sizes)
        ranks = np.arange(len(steps)) - packing.offsets[steps]
        places = features.ngram_starts[packing.order][ranks] + steps
        vectors = self._gather(self._ngrams, features.ngrams[places])
        sums = vectors[: len(means)]
        for size, offset in zip(packing.batch_sizes[1:].tolist(), packing.offsets[1:].tolist(), strict=True):
            sums[:size] += vectors[offset : offset + size]
        sums /= packing.lengths[:, None].astype(self._dtype)
        means[packing.order] = sums

    def _take_vectors(self, rows: NDArray[np.int64], vectors: NDArray[Any]) -> None:
        """Copy pretrained vectors, `rows` [W], into `vectors` [W, D]."""
        if self._kernel is not None:
            self._kernel.pool(self._vectors, rows, np.arange(len(rows) + 1), vectors)
            return
        vectors[:] = self._gather(self._vectors, rows)

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
