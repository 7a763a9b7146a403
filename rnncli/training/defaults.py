"""Sizes and lengths of training that follow from the data, so that no flag is needed for 300 or 300,000 sentences."""

import math

from rnncli.config import EncoderConfig, FeatureConfig, TaggerConfig
from rnncli.data.formats.vectors import Vectors


def model_size(num_words: int, vectors: Vectors | None) -> TaggerConfig:
    """Choose the sizes of a tagger.

    Args:
        num_words: distinct words of the training data; tables larger than that would only hold noise.
        vectors: pretrained vectors, or None.
    """
    rows = 1 << min(13, max(9, num_words.bit_length() - 1))
    features = FeatureConfig(
        word_rows=rows,
        affix_rows=rows // 2,
        short_affix_rows=min(1024, rows),
        ngram_rows=4 * rows,
        vector_size=0 if vectors is None else vectors.table.shape[1],
    )
    return TaggerConfig(features, EncoderConfig())


def default_epochs(num_tokens: int) -> int:
    """Choose the passes over the data: many over little data, few over much."""
    fewest = 5 if num_tokens < 1_000_000 else 3
    return max(fewest, min(30, round(6 * math.sqrt(100_000 / max(num_tokens, 1)))))
