"""Sizes and lengths of training that follow from the data, so that no flag is needed for 300 or 300,000 sentences."""

import math

from rnncli.config import EncoderConfig, FeatureConfig, TaggerConfig
from rnncli.data.formats.vectors import Vectors


def model_size(num_words: int, vectors: Vectors | None, encoder: EncoderConfig) -> TaggerConfig:
    """Choose the sizes of a tagger.

    Args:
        num_words: distinct words of the training data. Tables of about as many rows keep most words apart; larger ones
            would only make the file larger.
        vectors: pretrained vectors, or None.
        encoder: as asked for.
    """
    rows = 1 << min(15, max(9, num_words.bit_length() - 1))
    features = FeatureConfig(
        word_rows=rows,
        affix_rows=min(4096, rows // 2),
        short_affix_rows=min(1024, rows // 2),
        ngram_rows=2 * rows,
        vector_size=0 if vectors is None else vectors.table.shape[1],
    )
    return TaggerConfig(features, encoder)


def default_epochs(num_tokens: int) -> int:
    """Choose the passes over the data: many over little data, few over much."""
    fewest = 7 if num_tokens < 1_000_000 else 3
    return max(fewest, min(30, round(6 * math.sqrt(100_000 / max(num_tokens, 1)))))
