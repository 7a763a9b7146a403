"""Batches for the plain tagger: those of `rnncli train ner` at the same seed, with the features of every token.

Reading, hashing, sizes, settings and the division into batches are rnncli's own, as they are the same work for both.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from columns import split_path
from numpy.typing import NDArray
from torch import Tensor

from rnncli.config import EncoderConfig, TaggerConfig, TrainingConfig
from rnncli.data.batching import token_budget_batches
from rnncli.data.features import extract
from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import Scheme, convert, read_spans
from rnncli.data.tag_sets import TagSet
from rnncli.training.defaults import model_size, with_defaults
from rnncli.training.tag_corpus import TaggingJob, read_corpus

_Pair = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Batch:
    """B sentences; what stands past their lengths is arbitrary but valid.

    Attributes:
        rows: int64 [B, T, F, 2], features as in `WordFeatures`.
        ngrams: int64 [M], those of all tokens.
        ngram_starts: int64 [B * T].
        rarity: float [B, T], how likely each token loses its own row while training.
        lengths: int64 [B].
        tags: int64 [B, T].
    """

    rows: Tensor
    ngrams: Tensor
    ngram_starts: Tensor
    rarity: Tensor
    lengths: Tensor
    tags: Tensor


@dataclass(frozen=True, slots=True)
class Corpus:
    """What both taggers learn from, and the settings that follow from it.

    Attributes:
        train: sentences to learn from.
        dev: sentences for development.
        head: the tags.
        config: sizes.
        training: settings.
    """

    train: list[Sentence]
    dev: list[Sentence]
    head: TagSet
    config: TaggerConfig
    training: TrainingConfig


def read(data: Path, seed: int) -> Corpus:
    """Read the train and dev splits of a folder and choose sizes and settings as `rnncli train ner` does."""
    files = [str(split_path(data, split)) for split in ("train", "dev")]
    corpus = read_corpus(TaggingJob((files[0],), "", dev=files[1]))
    num_spans = sum(len(read_spans(sentence.tags)) for sentence in corpus.dev)
    training = with_defaults(TrainingConfig(seed=seed), "ner", corpus.train, num_spans)
    num_words = len({token for sentence in corpus.train for token in sentence.tokens})
    [head] = corpus.heads
    config = model_size(num_words, len(head.tags), None, EncoderConfig())
    return Corpus(corpus.train, corpus.dev, head, config, training)


class Batches:
    """Sentences with the features of each distinct word at hand, gathered for every token of a batch.

    Args:
        sentences: with the tags of the head.
        corpus: head, sizes and settings.
        counted: sentences whose words are counted to tell how rare a word is.
    """

    def __init__(self, sentences: Sequence[Sentence], corpus: Corpus, counted: Sequence[Sentence]) -> None:
        """Index words, tags and names."""
        self._training = corpus.training
        ids: dict[str, int] = {}
        for sentence in sentences:
            for token in sentence.tokens:
                ids.setdefault(token, len(ids))
        features = extract(list(ids), corpus.config.features)
        self._rows = features.rows
        self._ngrams = np.split(features.ngrams, features.ngram_starts[1:])
        counts = Counter(token.lower() for sentence in counted for token in sentence.tokens)
        half_kept = corpus.training.rare_word_dropout or 0.0
        self._rarity = np.array([half_kept / (half_kept + counts[word.lower()]) for word in ids], dtype=np.float32)
        tag_ids = {tag: i for i, tag in enumerate(corpus.head.tags)}
        scheme = corpus.head.scheme
        assert scheme is not None
        self._sentences: list[_Pair] = [
            (
                np.array([ids[token] for token in sentence.tokens]),
                # What is known of dev alone is no tag of the model's; it is scored by its name.
                np.array([tag_ids.get(tag, 0) for tag in convert(sentence.tags, scheme, Scheme.BIOES)]),
            )
            for sentence in sentences
        ]
        self._spans = [read_spans(sentence.tags) for sentence in sentences]
        self._mentions: dict[str, list[_Pair]] = {}
        for (words, tags), spans in zip(self._sentences, self._spans, strict=True):
            for span in spans:
                mention = (words[span.start : span.end], tags[span.start : span.end])
                self._mentions.setdefault(span.type, []).append(mention)

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the batches of one pass over the training data, given its number from 1."""
        generator = np.random.default_rng((self._training.seed, number))
        lengths = [len(words) for words, _ in self._sentences]
        for indices in token_budget_batches(lengths, self._training.batch_tokens, generator):
            yield self.collate([self._augmented(i, generator) for i in indices])

    def num_batches(self) -> int:
        """Return about how many batches a pass has."""
        generator = np.random.default_rng(self._training.seed)
        lengths = [len(words) for words, _ in self._sentences]
        return len(token_budget_batches(lengths, self._training.batch_tokens, generator))

    def in_order(self, size: int) -> Iterator[tuple[list[int], Batch]]:
        """Yield batches of so many sentences of similar length, and which they are."""
        order = sorted(range(len(self._sentences)), key=lambda i: len(self._sentences[i][0]))
        for start in range(0, len(order), size):
            indices = order[start : start + size]
            yield indices, self.collate([self._sentences[i] for i in indices])

    def collate(self, sentences: Sequence[_Pair]) -> Batch:
        """Pad sentences with the first word and the first tag, and gather the features of each token."""
        lengths = [len(words) for words, _ in sentences]
        words = np.zeros((len(sentences), max(lengths)), dtype=np.int64)
        tags = np.zeros_like(words)
        for i, (of_words, of_tags) in enumerate(sentences):
            words[i, : len(of_words)] = of_words
            tags[i, : len(of_tags)] = of_tags
        ngrams = [self._ngrams[word] for word in words.ravel()]
        starts = np.concatenate(([0], np.cumsum([len(part) for part in ngrams])[:-1]))
        return Batch(
            rows=torch.from_numpy(self._rows[words]),
            ngrams=torch.from_numpy(np.concatenate(ngrams)),
            ngram_starts=torch.from_numpy(starts),
            rarity=torch.from_numpy(self._rarity[words]),
            lengths=torch.tensor(lengths),
            tags=torch.from_numpy(tags),
        )

    def _augmented(self, index: int, generator: np.random.Generator) -> _Pair:
        """Replace some names by others of their type, drawing as `training.tagger_data` does."""
        words, tags = self._sentences[index]
        rate = self._training.mention_replacement or 0.0
        chosen = [span for span in self._spans[index] if generator.random() < rate] if rate else []
        parts: list[_Pair] = []
        position = 0
        for span in chosen:
            mentions = self._mentions[span.type]
            parts += [(words[position : span.start], tags[position : span.start])]
            parts += [mentions[int(generator.integers(len(mentions)))]]
            position = span.end
        parts.append((words[position:], tags[position:]))
        return np.concatenate([part for part, _ in parts]), np.concatenate([part for _, part in parts])
