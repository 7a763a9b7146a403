"""The tagger for prediction, in NumPy."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnncli.config import TaggerConfig
from rnncli.data.features import extract
from rnncli.data.vocabulary import Vocabulary
from rnncli.decoding.packed import Packing, pack
from rnncli.runtime.encoder import build_layers
from rnncli.runtime.linear_path import add_window_scores, word_scores
from rnncli.runtime.stored_table import StoredTable
from rnncli.runtime.word_cache import WordCache
from rnncli.runtime.word_vectors import WordVectors

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

CACHED_WORDS = 8192
"""Words of which what is computed is kept, at least; also the most tokens that one call may hold."""

_CACHE_BYTES = 64 << 20

_SHARED_TOKENS = 256
"""Batches smaller than this gain nothing from a second thread."""


class Tagger:
    """The prediction half of `models.tagger.Tagger`: same tensors, same emissions.

    Args:
        config: sizes.
        tensors: the model's arrays by name.
        vocabulary: the words that have a pretrained vector, None without vectors.
        dtype: type to compute in.
        threads: 2 runs the two directions side by side.
    """

    def __init__(
        self,
        config: TaggerConfig,
        tensors: Mapping[str, NDArray[Any]],
        vocabulary: Vocabulary | None = None,
        *,
        dtype: type[np.floating] = np.float32,
        threads: int = 1,
    ) -> None:
        """Convert the dense weights; tables stay as they are stored."""
        self._dtype = dtype
        self._words = WordVectors(config.features, tensors, vocabulary, dtype)
        self._layers = build_layers(config.encoder, tensors, dtype)
        self._features = config.features
        linear = tensors.get("linear.table.weight")
        self._linear = None if linear is None else StoredTable(linear, dtype)
        row_sizes = [self._layers[0].gate_size] * 2 + [0 if self._linear is None else self._linear.row_size]
        capacity = max(CACHED_WORDS, _CACHE_BYTES // (sum(row_sizes) * np.dtype(dtype).itemsize))
        self._cache = WordCache(self._compute, row_sizes, capacity, dtype)
        self._output = np.ascontiguousarray(tensors["output.weight"].astype(dtype).T)
        self._output_bias = tensors["output.bias"].astype(dtype)
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None

    def emissions(self, sentences: Sequence[Sequence[str]]) -> tuple[NDArray[Any], Packing]:
        """Score every tag at every token.

        Args:
            sentences: B token sequences, none empty, of at most CACHED_WORDS tokens together.

        Returns:
            float [N, K], packed, and how it is packed.
        """
        packing = pack([len(tokens) for tokens in sentences])
        words = list(chain.from_iterable(sentences))
        rows = np.empty(len(words), dtype=np.int64)
        rows[packing.rows()] = self._cache.rows(words)
        pool = self._helper(len(words))
        first, *others = self._layers
        forward, backward, linear = self._cache.tables
        states = first.run((forward, backward), (rows, rows), packing, pool)
        for layer in others:
            states = layer.run(layer.gates(states, pool), (None, None), packing, pool)
        emissions: NDArray[Any] = states @ self._output
        emissions += self._output_bias
        if self._linear is not None:
            add_window_scores(emissions, linear, rows, packing)
        return emissions, packing

    def _helper(self, num_tokens: int) -> "ThreadPoolExecutor | None":
        """Return a second thread where there is enough work for it."""
        if self._threads > 1 and self._pool is None and num_tokens > _SHARED_TOKENS:
            from concurrent.futures import ThreadPoolExecutor  # one line must not wait for it

            self._pool = ThreadPoolExecutor(1)
        return self._pool if num_tokens > _SHARED_TOKENS else None

    def _compute(self, words: Sequence[str]) -> list[NDArray[Any]]:
        """Compute what depends on the word alone: the first layer's gate inputs and the linear path's scores."""
        features = extract(words, self._features)
        forward, backward = self._layers[0].gates(self._words.encode(words, features))
        if self._linear is None:
            return [forward, backward, np.empty((len(words), 0), dtype=self._dtype)]
        return [forward, backward, word_scores(self._linear, features, self._dtype)]
