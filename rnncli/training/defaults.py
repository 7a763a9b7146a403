"""Sizes and lengths of training that follow from the data, so that no flag is needed for 300 or 300,000 sentences."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from rnncli.config import LINEAR_WINDOWS, EncoderConfig, FeatureConfig, TaggerConfig, TrainingConfig
from rnncli.data.features import table_sizes
from rnncli.data.formats.vectors import Vectors
from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import read_spans

ENOUGH_SPANS = 100
"""Spans of development data from which on something about spans in general is chosen by them."""

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


def with_defaults(config: TrainingConfig, task: str, train: Sequence[Sentence], num_dev_spans: int) -> TrainingConfig:
    """Choose the settings that depend on the task and its data.

    Args:
        config: settings; what is given is kept.
        task: `ner` or `pos`. What part of speech an unknown word is shows in its parts more than what name it is.
        train: sentences to learn from.
        num_dev_spans: spans of the development data. Too few cannot tell how readily a token should be left untagged,
            and then the likelihood alone must.
    """
    rare, margin, replacement = config.rare_word_dropout, config.outside_margin, config.mention_replacement
    if rare is None:
        rare = 6.0 if task == "pos" else 3.0
    if margin is None:
        margin = 2.0 if num_dev_spans >= ENOUGH_SPANS else 0.0
    if replacement is None:
        replacement = _replacement_rate(train) if task == "ner" else 0.0
    return replace(config, rare_word_dropout=rare, outside_margin=margin, mention_replacement=replacement)


def _replacement_rate(train: Sequence[Sentence]) -> float:
    """Choose the share of spans to replace, which teaches to know names by what stands around them.

    It pays where the next name is likely to be a new one, and blurs names that come again and again. How likely a new
    one is, is estimated by the share of names that occur once.

    Reference:
        Good 1953, "The population frequencies of species and the estimation of population parameters", equation 2.
    """
    names = Counter(
        (span.type, *(token.lower() for token in sentence.tokens[span.start : span.end]))
        for sentence in train
        for span in read_spans(sentence.tags)
    )
    novelty = sum(count == 1 for count in names.values()) / max(names.total(), 1)
    return round(min(0.4, max(0.0, 2 * (novelty - 0.45))), 3)


def default_epochs(num_tokens: int) -> int:
    """Choose the passes over the data: many over little data, few over much."""
    fewest = 7 if num_tokens < 1_000_000 else 3
    return max(fewest, min(30, round(6 * math.sqrt(100_000 / max(num_tokens, 1)))))
