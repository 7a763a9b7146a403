"""Features of a word: functions of its characters alone, hashed into rows of small tables.

Because nothing depends on the sentence, a word's vector can be cached, and no word is unknown: an unseen one shares
rows with seen ones of the same affixes, shape and character n-grams.

Reference:
    Hashed embeddings: Miranda et al. 2022, arXiv:2212.09255 (spaCy's MultiHashEmbed). Character n-grams: Bojanowski et
    al. 2017, arXiv:1607.04606.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from rnncli.config import FeatureConfig

KINDS = ("norm", "prefix1", "prefix2", "prefix3", "suffix1", "suffix2", "suffix3", "suffix4", "shape")
"""Names of the features that have one value a word, in the order of the tables."""

WINDOW = 5
"""Words whose features a tagger's linear path sees at a token: two before it, itself, two after it."""

_MULTIPLIERS = (0x9E3779B1, 0x85EBCA6B)
_MAX_NGRAM_CHARS = 40
_SHAPES = 12


@dataclass(frozen=True, slots=True)
class WordFeatures:
    """Table rows of W words.

    Attributes:
        rows: int64 [W, F, 2], two rows for each of the F features; a feature's vector is their sum.
        ngrams: int64 [M], rows of all words' n-grams, one word after the other.
        ngram_starts: int64 [W], where each word's n-grams begin; every word has at least one.
    """

    rows: NDArray[np.int64]
    ngrams: NDArray[np.int64]
    ngram_starts: NDArray[np.int64]


def table_sizes(config: FeatureConfig) -> tuple[int, ...]:
    """Number of rows of each feature's part of the common table, in the order of KINDS."""
    short, long = config.short_affix_rows, config.affix_rows
    return (config.word_rows, short, short, long, short, short, long, long, short)


def extract(words: Sequence[str], config: FeatureConfig) -> WordFeatures:
    """Compute the table rows of distinct words.

    Args:
        words: any strings, at least one.
        config: sizes of the tables.
    """
    hashes = np.array([_feature_hashes(word) for word in words], dtype=np.uint64)
    sizes = np.array(table_sizes(config), dtype=np.uint64)
    starts = np.concatenate(([0], np.cumsum(sizes[:-1]))).astype(np.uint64)
    # Both rows come from one 32-bit hash, spread by two odd multipliers (Dietzfelbinger et al. 1997).
    rows = np.stack([((hashes * m & 0xFFFFFFFF) * sizes >> 32) + starts for m in _MULTIPLIERS], axis=2)
    ngrams = [_ngram_hashes(word, config.ngram_min, config.ngram_max) for word in words]
    lengths = [len(n) for n in ngrams]
    return WordFeatures(
        rows.astype(np.int64),
        np.array([h for n in ngrams for h in n], dtype=np.int64) % config.ngram_rows,
        np.cumsum([0, *lengths[:-1]], dtype=np.int64),
    )


def vector_rows(words: Sequence[str], rows: Mapping[str, int]) -> list[int]:
    """Find each word's row among pretrained vectors: of the word itself, else of its lower-cased form, else 0."""
    return [rows.get(word) or rows.get(word.lower(), 0) for word in words]


def word_shape(word: str) -> str:
    """Return the word with letters and digits replaced by X, x and d, runs cut after four: `Merkel` gives `Xxxxx`."""
    shape: list[str] = []
    run = 0
    for char in word:
        kind = "X" if char.isupper() else "x" if char.isalpha() else "d" if char.isdigit() else char
        run = run + 1 if shape and shape[-1] == kind else 1
        if run <= 4:
            shape.append(kind)
            if len(shape) == _SHAPES:
                break
    return "".join(shape)


def _feature_hashes(word: str) -> list[int]:
    norm = word.lower()
    values = (norm, norm[:1], norm[:2], norm[:3], norm[-1:], norm[-2:], norm[-3:], norm[-4:], word_shape(word))
    return [crc32(value.encode("utf-8", "surrogatepass"), i + 1) for i, value in enumerate(values)]


def _ngram_hashes(word: str, shortest: int, longest: int) -> list[int]:
    text = f"<{word.lower()[:_MAX_NGRAM_CHARS]}>"
    last = len(text)
    grams = [text[i : i + n] for n in range(shortest, longest + 1) for i in range(last - n + 1)]
    return [crc32(gram.encode("utf-8", "surrogatepass")) for gram in grams or [text]]
