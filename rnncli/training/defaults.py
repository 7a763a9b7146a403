"""Sizes and lengths of training that follow from the data, so that no flag is needed for 300 or 300,000 sentences."""

import math
from dataclasses import replace

from rnncli.config import LINEAR_WINDOWS, EncoderConfig, FeatureConfig, TaggerConfig, TrainingConfig
from rnncli.data.features import table_sizes
from rnncli.data.formats.vectors import Vectors

_LINEAR_NUMBERS = 1 << 24
"""Most numbers in the table of the linear path, two bytes each."""


def model_size(num_words: int, num_tags: int, vectors: Vectors | None, encoder: EncoderConfig) -> TaggerConfig:
    """Choose the sizes of a tagger.

    Args:
        num_words: distinct words of the training data. Tables of about as many rows keep most words apart; larger ones
            would only make the file larger.
        num_tags: of all heads together; with many, the linear path, whose size is its window times their number, sees
            fewer words.
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
    places = sum(table_sizes(features)) * num_tags
    window = next(window for window in LINEAR_WINDOWS if window * places <= _LINEAR_NUMBERS)
    return TaggerConfig(features, encoder, window)


def with_defaults(config: TrainingConfig, task: str) -> TrainingConfig:
    """Choose the settings that depend on the task.

    Args:
        config: settings; what is given is kept.
        task: `ner` or `pos`. What part of speech an unknown word is shows in its parts more than what name it is.
    """
    if config.rare_word_dropout is not None:
        return config
    return replace(config, rare_word_dropout=6.0 if task == "pos" else 3.0)


def default_epochs(num_tokens: int) -> int:
    """Choose the passes over the data: many over little data, few over much."""
    fewest = 7 if num_tokens < 1_000_000 else 3
    return max(fewest, min(30, round(6 * math.sqrt(100_000 / max(num_tokens, 1)))))
