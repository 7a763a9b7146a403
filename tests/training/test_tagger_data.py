"""Batches of gold sentences: nothing lost, nothing mixed up."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from rnncli.config import FeatureConfig, TrainingConfig
from rnncli.data.features import extract, vector_rows
from rnncli.data.tag_schemes import Scheme, read_spans
from rnncli.data.tag_sets import TagSet
from rnncli.data.vocabulary import UNK, Vocabulary
from rnncli.models.tagger import TaggerBatch
from rnncli.training.tagger_data import TaggerData

FEATURES = FeatureConfig(word_rows=4001, affix_rows=4001, short_affix_rows=4001, ngram_rows=100_003)
PLAIN = TrainingConfig(batch_tokens=60, mention_replacement=0.0)
Corpus = tuple[list[list[str]], list[list[str]]]
Pairs = list[tuple[str, str]]


def with_heads(corpus: Corpus, names: Sequence[str]) -> tuple[list[list[str]], list[list[list[str]]], list[TagSet]]:
    """Give the corpus a second head, whose tags say what the first ones of the tags are."""
    plain = [[tag[0] for tag in tags] for tags in corpus[1]]
    return corpus[0], [corpus[1], plain], [TagSet("ner", tuple(names), Scheme.BIOES), TagSet("pos", tuple("BEIOS"))]


@pytest.fixture(scope="module")
def build(small_corpus: Corpus, small_tags: tuple[str, ...]) -> Callable[..., TaggerData]:
    def make(vocabulary: Vocabulary | None = None) -> TaggerData:
        return TaggerData(*with_heads(small_corpus, small_tags), FEATURES, vocabulary)

    return make


def sentences_of(batch: TaggerBatch, words: Sequence[str], names: Sequence[str]) -> Iterator[Pairs]:
    """Read tokens back from a batch by the features of its distinct words, which must tell the words apart."""
    features = extract(words, FEATURES)
    by_rows = {rows.tobytes(): word for rows, word in zip(features.rows, words, strict=True)}
    assert len(by_rows) == len(words)
    distinct = [by_rows[rows.tobytes()] for rows in batch.rows.numpy()]
    spans, plain = batch.tags.tolist()
    for ids, tags, others, length in zip(batch.words.tolist(), spans, plain, batch.lengths.tolist(), strict=True):
        assert ["BEIOS"[k] for k in others[:length]] == [names[k][0] for k in tags[:length]]
        yield [(distinct[i], names[k]) for i, k in zip(ids[:length], tags[:length], strict=True)]


def read_epoch(
    data: TaggerData, config: TrainingConfig, epoch: int, corpus: Corpus, names: Sequence[str]
) -> list[Pairs]:
    words = sorted({token for tokens in corpus[0] for token in tokens})
    return [pairs for batch in data.epoch(config, epoch) for pairs in sentences_of(batch, words, names)]


def gold(corpus: Corpus) -> list[Pairs]:
    return [list(zip(tokens, tags, strict=True)) for tokens, tags in zip(*corpus, strict=True)]


def test_counts(build: Callable[..., TaggerData], small_corpus: Corpus) -> None:
    data = build()
    assert data.num_tokens == sum(map(len, small_corpus[0]))
    assert data.num_words == len({token for tokens in small_corpus[0] for token in tokens})


@pytest.mark.parametrize("epoch", [1, 2])
def test_every_sentence_appears_once_an_epoch(
    epoch: int, build: Callable[..., TaggerData], small_corpus: Corpus, small_tags: tuple[str, ...]
) -> None:
    seen = read_epoch(build(), PLAIN, epoch, small_corpus, small_tags)
    assert sorted(seen) == sorted(gold(small_corpus))


def test_batches_equal_a_naive_construction(build: Callable[..., TaggerData], small_corpus: Corpus) -> None:
    """Guards the n-gram slices that are gathered without a loop, and the vector rows."""
    words = sorted({token for tokens in small_corpus[0] for token in tokens})
    vocabulary = Vocabulary(["anna", "the", "Bert"], specials=(UNK,))
    by_rows = {rows.tobytes(): word for rows, word in zip(extract(words, FEATURES).rows, words, strict=True)}
    counts = Counter(token.lower() for tokens in small_corpus[0] for token in tokens)
    num_batches = 0
    for batch in build(vocabulary).epoch(replace(PLAIN, rare_word_dropout=2.0), 1):
        num_batches += 1
        distinct = [by_rows[rows.tobytes()] for rows in batch.rows.numpy()]
        assert len(set(distinct)) == len(distinct)
        expected = extract(distinct, FEATURES)
        assert np.array_equal(batch.rows.numpy(), expected.rows)
        assert np.array_equal(batch.ngrams.numpy(), expected.ngrams)
        assert np.array_equal(batch.ngram_starts.numpy(), expected.ngram_starts)
        assert batch.vector_rows is not None
        assert batch.vector_rows.tolist() == vector_rows(distinct, vocabulary.get_stoi())
        torch.testing.assert_close(batch.rarity, torch.tensor([2.0 / (2.0 + counts[w.lower()]) for w in distinct]))
        longest = int(batch.lengths.max())
        assert batch.words.shape == batch.tags.shape[1:] == (len(batch.lengths), longest)
        assert batch.num_tokens == int(batch.lengths.sum())
        assert batch.words.shape[0] == 1 or batch.words.numel() <= PLAIN.batch_tokens
        used = {i for row, n in zip(batch.words.tolist(), batch.lengths.tolist(), strict=True) for i in row[:n]}
        assert used == set(range(len(distinct)))
    assert num_batches > 3
    assert abs(build().num_batches(PLAIN) - num_batches) <= 3


def test_mention_replacement_changes_spans_alone_and_within_their_type(
    build: Callable[..., TaggerData], small_corpus: Corpus, small_tags: tuple[str, ...]
) -> None:
    known = {mention for pairs in gold(small_corpus) for mention in mentions(pairs)}
    originals = Counter(frame(pairs) for pairs in gold(small_corpus))
    seen = read_epoch(build(), replace(PLAIN, mention_replacement=0.5), 1, small_corpus, small_tags)
    # Between the spans, sentences are what they were, with spans of the same types in the same places.
    assert Counter(frame(pairs) for pairs in seen) == originals
    assert {mention for pairs in seen for mention in mentions(pairs)} <= known
    before = [mention for pairs in sorted(gold(small_corpus), key=frame) for mention in mentions(pairs)]
    after = [mention for pairs in sorted(seen, key=frame) for mention in mentions(pairs)]
    assert before != after


def mentions(pairs: Pairs) -> list[tuple[str, Pairs]]:
    return [(s.type, tuple(pairs[s.start : s.end])) for s in read_spans([tag for _, tag in pairs])]


def frame(pairs: Pairs) -> tuple[str, ...]:
    """The sentence with each span replaced by its type alone."""
    parts: list[str] = []
    position = 0
    for span in read_spans([tag for _, tag in pairs]):
        parts += [word for word, _ in pairs[position : span.start]]
        parts.append(f"<{span.type}>")
        position = span.end
    return (*parts, *[word for word, _ in pairs[position:]])


def test_replacement_has_the_rate_that_was_asked_for(small_corpus: Corpus, small_tags: tuple[str, ...]) -> None:
    """With a thousand different mentions a replaced one is hardly ever its own replacement."""
    tokens = [[f"Name{i}", "."] for i in range(1000)]
    features = replace(FEATURES, word_rows=1 << 22, ngram_rows=1 << 22)
    data = TaggerData(*with_heads((tokens, [["S-PER", "O"]] * 1000), small_tags), features)
    config = replace(PLAIN, mention_replacement=0.3, batch_tokens=1 << 20)
    [batch] = data.epoch(config, 1)
    # The words that are left are those not replaced and those drawn: 1 - (1 - q) * (1 - 1/n)^(rn), about 0.78.
    share = (len(batch.rows) - 1) / 1000
    assert abs(share - (1 - 0.3 * np.exp(-0.3))) < 0.05


def test_a_pass_depends_on_seed_and_number_alone(build: Callable[..., TaggerData]) -> None:
    config = TrainingConfig(batch_tokens=60, mention_replacement=0.5, seed=3)

    def content(data: TaggerData, config: TrainingConfig, epoch: int) -> list[bytes]:
        return [
            b"".join(value.numpy().tobytes() for f in fields(batch) if (value := getattr(batch, f.name)) is not None)
            for batch in data.epoch(config, epoch)
        ]

    data = build()
    list(data.epoch(config, 1))  # an earlier pass leaves no trace
    torch.manual_seed(99)
    np.random.default_rng(99)
    assert content(data, config, 2) == content(build(), config, 2)
    assert content(data, config, 2) != content(data, config, 3)
    assert content(data, config, 2) != content(data, replace(config, seed=4), 2)


def test_batches_move_to_a_device_unchanged(build: Callable[..., TaggerData]) -> None:
    batch = next(iter(build(Vocabulary(["the"], specials=(UNK,))).epoch(PLAIN, 1)))
    moved = batch.to(torch.device("cpu"))
    assert all(torch.equal(getattr(batch, f.name), getattr(moved, f.name)) for f in fields(batch))


@pytest.mark.parametrize("with_vectors", [False, True])
def test_halves_hold_the_sentences_of_the_whole_with_their_words_alone(
    build: Callable[..., TaggerData], small_corpus: Corpus, small_tags: tuple[str, ...], *, with_vectors: bool
) -> None:
    words = sorted({token for tokens in small_corpus[0] for token in tokens})
    data = build(Vocabulary(words[::2], specials=(UNK,)) if with_vectors else None)
    for batch in data.epoch(replace(PLAIN, batch_tokens=200), 1):
        parts = batch.halves()
        assert sum(part.num_tokens for part in parts) == batch.num_tokens
        read = [pairs for part in parts for pairs in sentences_of(part, words, small_tags)]
        assert read == list(sentences_of(batch, words, small_tags))
        assert len(parts) == min(2, len(batch.lengths))
        whole = described(batch)
        for part in parts:
            assert described(part).items() <= whole.items()
            # At most the word that stands for padding comes along.
            used = {int(i) for row, n in zip(part.words, part.lengths, strict=True) for i in row[:n]}
            assert len(part.rows) - len(used) <= 1
            assert part.words.shape[1] == int(part.lengths.max())
    for _ in range(8):
        parts = [half for part in parts for half in part.halves()]
    assert [len(part.lengths) for part in parts] == [1] * len(batch.lengths)


def described(batch: TaggerBatch) -> dict[bytes, tuple[tuple[int, ...], float, int | None]]:
    """N-grams, rarity and vector of each distinct word, by its features."""
    ends = [*batch.ngram_starts.tolist()[1:], len(batch.ngrams)]
    vectors = [None] * len(ends) if batch.vector_rows is None else batch.vector_rows.tolist()
    return {
        rows.tobytes(): (tuple(batch.ngrams[start:end].tolist()), rarity, vector)
        for rows, start, end, rarity, vector in zip(
            batch.rows.numpy(), batch.ngram_starts.tolist(), ends, batch.rarity.tolist(), vectors, strict=True
        )
    }
