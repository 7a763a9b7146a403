"""Batches of sentences for several heads: order, room, shortage of memory, and models that are none."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rnncli import model_file
from rnncli.data.tag_schemes import Scheme
from rnncli.data.tag_sets import CHAIN_TAGS, MAX_TAGS, TagSet
from rnncli.decoding.packed import Packing, pack
from rnncli.errors import ModelError, ResourceError
from rnncli.inference.tag_decoder import TagDecoder
from rnncli.inference.tagging import SentenceTagger, load_tagger

SPANS = TagSet("ner", ("O", "S-X"), Scheme.BIOES)
PLAIN = TagSet("pos", ("a", "b", "c"))


def large(size: int, task: str = "pos") -> TagSet:
    if task == "ner":
        return TagSet("ner", ("O", *(f"S-{i}" for i in range(size - 1))), Scheme.BIOES)
    return TagSet("pos", tuple(f"t{i}" for i in range(size)))


class Echo:
    """A backend for which token `n` has the tag `n`, modulo their number, in every head."""

    def __init__(self, heads: Sequence[TagSet], most_tokens: int = 10**9) -> None:
        self.sizes = [len(head.tags) for head in heads]
        self.most_tokens = most_tokens
        self.calls: list[list[int]] = []

    def emissions(self, sentences: Sequence[Sequence[str]]) -> tuple[NDArray[Any], Packing]:
        lengths = [len(tokens) for tokens in sentences]
        if sum(lengths) > self.most_tokens:
            raise MemoryError
        self.calls.append(lengths)
        packing = pack(lengths)
        numbers = np.array([int(token) for tokens in sentences for token in tokens])
        scores = np.zeros((len(numbers), sum(self.sizes)), dtype=np.float32)
        for start, size in zip(np.cumsum([0, *self.sizes]), self.sizes, strict=False):
            scores[packing.rows(), start + numbers % size] = 9.0
        return scores, packing


def tagger_of(heads: Sequence[TagSet], **rest: int) -> tuple[SentenceTagger, Echo]:
    backend = Echo(heads, **rest)
    zeros = {
        f"crf.{i}.{name}": np.zeros((len(head.tags),) * (1 + (name == "transitions")))
        for i, head in enumerate(heads)
        if head.is_chain
        for name in ("transitions", "start", "end")
    }
    return SentenceTagger(backend, [TagDecoder(head, zeros, i) for i, head in enumerate(heads)]), backend


def expected(head: TagSet, sentences: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    return [tuple(head.tags[int(token) % len(head.tags)] for token in tokens) for tokens in sentences]


def numbers(lengths: Sequence[int], seed: int = 1) -> list[list[str]]:
    generator = np.random.default_rng(seed)
    return [[str(n) for n in generator.integers(10_000, size=length)] for length in lengths]


HEADS = [
    (SPANS,),
    (PLAIN,),
    (SPANS, PLAIN),
    (SPANS, large(CHAIN_TAGS + 1)),
    (large(CHAIN_TAGS + 1, "ner"), PLAIN),
    (large(CHAIN_TAGS + 1, "ner"), large(CHAIN_TAGS + 40)),
    (large(CHAIN_TAGS),),
    (large(600),),
]


@pytest.mark.parametrize("heads", HEADS, ids=lambda heads: "+".join(f"{h.task}{len(h.tags)}" for h in heads))
def test_every_head_answers_for_itself_and_in_order(heads: tuple[TagSet, ...]) -> None:
    sentences = numbers([3, 0, 1, 2_100, 0, 7, *range(1, 60), 2_048, 5, 2_049])
    tagger, _ = tagger_of(heads)
    answers = tagger.tag_all(sentences)
    for i, head in enumerate(heads):
        assert answers[i] == expected(head, sentences)
        assert tagger.tag(sentences, i) == answers[i]
        assert tagger.tag_with_biases(sentences, (0.0, 0.0), i) == [answers[i]] * 2
    assert tagger.tag_all([]) == [[]] * len(heads)
    assert tagger.tag_all([[], []]) == [[(), ()]] * len(heads)


def test_a_bias_takes_from_o_alone_and_leaves_plain_tags_alone() -> None:
    tagger, _ = tagger_of((SPANS, PLAIN))
    sentences = numbers([4, 9, 2])
    first, second = tagger.tag_with_biases(sentences, (0.0, 20.0))
    assert first == expected(SPANS, sentences)
    assert {tag for tags in second for tag in tags} == {"S-X"}
    assert tagger.tag_with_biases(sentences, (0.0, 20.0), 1) == [expected(PLAIN, sentences)] * 2


@pytest.mark.parametrize("most_tokens", [60, 100, 500])
def test_where_memory_is_short_batches_are_halved(most_tokens: int) -> None:
    heads = (SPANS, PLAIN)
    sentences = numbers([60, 1, 30, 30, 2, *[20] * 40, 59])
    tagger, backend = tagger_of(heads, most_tokens=most_tokens)
    assert tagger.tag_all(sentences) == [expected(head, sentences) for head in heads]
    assert max(map(sum, backend.calls)) <= most_tokens
    assert len(backend.calls) > 1


def test_a_sentence_that_no_memory_holds_is_named_by_its_length() -> None:
    tagger, _ = tagger_of((SPANS,), most_tokens=50)
    with pytest.raises(ResourceError, match=r"a sentence of 1,234 tokens"):
        tagger.tag(numbers([3, 1_234, 7]))


@pytest.mark.parametrize("size", [2, 100, CHAIN_TAGS, CHAIN_TAGS + 1, MAX_TAGS])
def test_batches_are_as_large_as_their_tags_allow(size: int) -> None:
    head = large(size)
    tagger, backend = tagger_of((head,))
    sentences = numbers([1] * 300 + [40] * 50)
    assert tagger.tag(sentences) == expected(head, sentences)
    assert max(map(sum, backend.calls)) * size <= 1 << 23
    assert max(map(len, backend.calls)) >= (100 if size < MAX_TAGS else 1)
    if head.is_chain:
        assert max(map(len, backend.calls)) * size**2 <= 1 << 23


def test_heads_are_found_by_their_task() -> None:
    tagger, _ = tagger_of((SPANS, PLAIN))
    assert [tagger.find_head(task, "m") for task in (None, "ner", "pos")] == [0, 0, 1]
    alone, _ = tagger_of((PLAIN,))
    assert [alone.find_head(task, "m") for task in (None, "pos")] == [0, 0]
    with pytest.raises(ModelError, match="only pos"):
        alone.find_head("ner", "m")


def without(metadata: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if name != key}


def with_head(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda metadata: {**metadata, "heads": [change(head) for head in metadata["heads"]]}


@pytest.mark.parametrize(
    "change",
    [
        lambda m: without(m, "heads"),
        lambda m: without(m, "config"),
        lambda m: {**m, "heads": []},
        lambda m: {**m, "heads": {}},
        lambda m: {**m, "heads": None},
        lambda m: {**m, "heads": [None]},
        lambda m: {**m, "heads": m["heads"] * 2},
        lambda m: {**m, "config": 7},
        lambda m: {**m, "task": "classify"},
        with_head(lambda h: {**h, "tags": [*h["tags"], "S-NEW"]}),
        with_head(lambda h: {**h, "tags": h["tags"][:-1]}),
        with_head(lambda h: {**h, "scheme": "none"}),
        with_head(lambda h: {**h, "scheme": None}),
        with_head(lambda h: {**h, "task": "pos"}),
        with_head(lambda h: {**h, "tags": [f"S-{i}" if i else "O" for i in range(MAX_TAGS)]}),
    ],
)
def test_a_description_that_does_not_fit_is_a_model_error(
    change: Callable[[dict[str, Any]], dict[str, Any]], model: Path, tmp_path: Path
) -> None:
    file = model_file.read(model)
    path = tmp_path / "m.rnn"
    model_file.write(path, change(dict(file.metadata)), file.tensors)
    with pytest.raises(ModelError):
        load_tagger(path)
