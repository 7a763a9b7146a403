"""Gold sentences as batches of tensors."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnncli.config import FeatureConfig, TrainingConfig
from rnncli.data.batching import token_budget_batches
from rnncli.data.features import extract, vector_rows
from rnncli.data.tag_schemes import Span, read_spans
from rnncli.data.tag_sets import TagSet
from rnncli.data.vocabulary import Vocabulary
from rnncli.models.tagger import TaggerBatch


class TaggerData:
    """Training sentences with the features of each distinct word computed once.

    Args:
        tokens: tokens of each sentence.
        tags: for each head the sentences' tags in the model's inner scheme; spans, if there are any, in the first.
        heads: what to choose from.
        features: sizes of the tables.
        vocabulary: the words that have a pretrained vector, None without vectors.
    """

    def __init__(
        self,
        tokens: Sequence[Sequence[str]],
        tags: Sequence[Sequence[Sequence[str]]],
        heads: Sequence[TagSet],
        features: FeatureConfig,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        """Index words, tags and spans."""
        word_ids: dict[str, int] = {}
        for sentence in tokens:
            for token in sentence:
                word_ids.setdefault(token, len(word_ids))
        extracted = extract(list(word_ids), features)
        self._rows = torch.from_numpy(extracted.rows)
        self._ngrams = extracted.ngrams
        self._ngram_bounds = np.append(extracted.ngram_starts, len(extracted.ngrams))
        self._vector_rows: Tensor | None = None
        if vocabulary is not None:
            self._vector_rows = torch.tensor(vector_rows(list(word_ids), vocabulary.get_stoi()))
        counts = Counter(token.lower() for sentence in tokens for token in sentence)
        self._counts = torch.tensor([float(counts[word.lower()]) for word in word_ids])
        self._words = [np.array([word_ids[token] for token in sentence]) for sentence in tokens]
        ids = [{tag: i for i, tag in enumerate(head.tags)} for head in heads]
        # [heads, T] for each sentence.
        self._tags = [
            np.array([[known[tag] for tag in part] for known, part in zip(ids, parts, strict=True)])
            for parts in zip(*tags, strict=True)
        ]
        has_spans = heads[0].scheme is not None
        self._spans = [read_spans(sentence) if has_spans else [] for sentence in tags[0]]
        self._mentions: dict[str, list[tuple[NDArray[np.int64], NDArray[np.int64]]]] = {}
        for words, tag_ids, spans in zip(self._words, self._tags, self._spans, strict=True):
            for span in spans:
                mention = (words[span.start : span.end], tag_ids[:, span.start : span.end])
                self._mentions.setdefault(span.type, []).append(mention)
        self.num_tokens = sum(map(len, self._words))
        self.num_words = len(word_ids)

    def epoch(self, config: TrainingConfig, epoch: int) -> Iterator[TaggerBatch]:
        """Yield the batches of one pass, in an order and with replacements that depend on seed and epoch alone."""
        generator = np.random.default_rng((config.seed, epoch))
        lengths = [len(words) for words in self._words]
        for indices in token_budget_batches(lengths, config.batch_tokens, generator):
            sentences = [self._augmented(i, config.mention_replacement or 0.0, generator) for i in indices]
            yield self._collate(sentences, config.rare_word_dropout or 0.0)

    def num_batches(self, config: TrainingConfig) -> int:
        """Batches of one pass, which differ a little from pass to pass."""
        generator = np.random.default_rng(config.seed)
        return len(token_budget_batches([len(words) for words in self._words], config.batch_tokens, generator))

    def _augmented(
        self, index: int, rate: float, generator: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Replace some spans by other ones of their type from the training data.

        Reference:
            Mention replacement: Dai and Adel 2020, arXiv:2010.11683.
        """
        words, tags, spans = self._words[index], self._tags[index], self._spans[index]
        chosen = [span for span in spans if generator.random() < rate] if rate else []
        if not chosen:
            return words, tags
        word_parts, tag_parts, position = [], [], 0
        for span in chosen:
            mention_words, mention_tags = self._draw(span, generator)
            word_parts += [words[position : span.start], mention_words]
            tag_parts += [tags[:, position : span.start], mention_tags]
            position = span.end
        word_parts.append(words[position:])
        tag_parts.append(tags[:, position:])
        return np.concatenate(word_parts), np.concatenate(tag_parts, axis=1)

    def _draw(self, span: Span, generator: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        mentions = self._mentions[span.type]
        return mentions[int(generator.integers(len(mentions)))]

    def _collate(
        self, sentences: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]], half_kept: float
    ) -> TaggerBatch:
        lengths = np.array([len(words) for words, _ in sentences])
        distinct, inverse = np.unique(np.concatenate([words for words, _ in sentences]), return_inverse=True)
        filled = np.arange(lengths.max()) < lengths[:, None]
        words = np.zeros(filled.shape, dtype=np.int64)
        tags = np.zeros((len(sentences[0][1]), *filled.shape), dtype=np.int64)
        words[filled] = inverse
        tags[:, filled] = np.concatenate([ids for _, ids in sentences], axis=1)
        starts, ends = self._ngram_bounds[distinct], self._ngram_bounds[distinct + 1]
        ngram_starts = np.concatenate(([0], np.cumsum(ends - starts)[:-1]))
        # Positions start, start + 1, ... end - 1 of every distinct word, without a Python loop.
        positions = np.arange(int((ends - starts).sum())) + np.repeat(starts - ngram_starts, ends - starts)
        chosen = torch.from_numpy(distinct)
        return TaggerBatch(
            rows=self._rows[chosen],
            ngrams=torch.from_numpy(self._ngrams[positions]),
            ngram_starts=torch.from_numpy(ngram_starts),
            rarity=half_kept / (half_kept + self._counts[chosen]),
            vector_rows=None if self._vector_rows is None else self._vector_rows[chosen],
            words=torch.from_numpy(words),
            lengths=torch.from_numpy(lengths),
            tags=torch.from_numpy(tags),
        )
