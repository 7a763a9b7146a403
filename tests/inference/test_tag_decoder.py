"""From scores to tags: the search against every path, and the names of the answers."""

import itertools

import numpy as np
import pytest

from rnncli.data.tag_schemes import Scheme, allowed_transitions, convert, read_spans, read_strict_spans
from rnncli.data.tag_sets import CHAIN_TAGS, TagSet
from rnncli.decoding.packed import pack
from rnncli.inference.tag_decoder import TagDecoder

TAGS = ("O", *(f"{prefix}-{kind}" for kind in ("X", "Y") for prefix in "BIES"))
SPANS = TagSet("ner", TAGS, Scheme.IOB2)
PLAIN = TagSet("pos", ("ADJ", "B-A", "S-B"))
LARGE = TagSet("pos", tuple(f"t{i}" for i in range(CHAIN_TAGS + 1)))
MANY_TYPES = TagSet("ner", ("O", *(f"{prefix}-{i}" for i in range(70) for prefix in "BIES")), Scheme.IOB2)


def scores_of(head: TagSet, seed: int, index: int = 0) -> dict[str, np.ndarray]:
    generator, size = np.random.default_rng(seed), len(head.tags)
    shapes = {"transitions": (size, size), "start": (size,), "end": (size,)}
    return {f"crf.{index}.{name}": generator.normal(size=shape) for name, shape in shapes.items()}


def decode(decoder: TagDecoder, sentences: list[np.ndarray]) -> list[tuple[str, ...]]:
    """Pack scores [T, K] of sentences as a backend does, and take the paths apart again."""
    lengths = [len(rows) for rows in sentences]
    packing = pack(lengths)
    emissions = np.empty((sum(lengths), sentences[0].shape[1]), dtype=np.float32)
    emissions[packing.rows()] = np.concatenate(sentences)
    paths = np.split(decoder.best(emissions, packing)[packing.rows()], np.cumsum(lengths)[:-1])
    return [decoder.names(path.tolist()) for path in paths]


@pytest.mark.parametrize("head", [SPANS, PLAIN], ids=["spans", "plain"])
@pytest.mark.parametrize("seed", range(3))
def test_the_best_path_is_that_of_an_exhaustive_search(head: TagSet, seed: int) -> None:
    tensors = scores_of(head, seed, 1)
    transitions, start, end = (tensors[f"crf.1.{name}"] for name in ("transitions", "start", "end"))
    generator = np.random.default_rng(100 + seed)
    sentences = [2 * generator.normal(size=(length, len(head.tags))) for length in (3, 1, 4, 2)]
    decoder = TagDecoder(head, {**scores_of(head, 77), **tensors}, 1, Scheme.BIOES if head.scheme else None)
    allowed, may_start, may_end = allowed_transitions(TAGS) if head is SPANS else head.allowed()
    for rows, found in zip(sentences, decode(decoder, sentences), strict=True):
        best = max(
            (
                path
                for path in itertools.product(range(len(head.tags)), repeat=len(rows))
                if may_start[path[0]] and may_end[path[-1]] and all(allowed[i][j] for i, j in itertools.pairwise(path))
            ),
            key=lambda path: (
                start[path[0]]
                + end[path[-1]]
                + sum(row[tag] for row, tag in zip(rows, path, strict=True))
                + sum(transitions[i, j] for i, j in itertools.pairwise(path))
            ),
        )
        assert found == tuple(head.tags[i] for i in best)


def test_tags_of_large_sets_are_chosen_one_by_one() -> None:
    generator = np.random.default_rng(5)
    sentences = [generator.normal(size=(length, len(LARGE.tags))) for length in (7, 1, 30)]
    found = decode(TagDecoder(LARGE, {}), sentences)
    assert found == [tuple(LARGE.tags[i] for i in rows.argmax(1)) for rows in sentences]


@pytest.mark.parametrize("scheme", [None, *Scheme])
@pytest.mark.parametrize("head", [SPANS, MANY_TYPES], ids=["chain", "no chain"])
def test_answers_come_in_the_scheme_that_is_asked_for(head: TagSet, scheme: Scheme | None) -> None:
    generator = np.random.default_rng(6)
    # So few types, and so many tokens, that spans of every length stand side by side.
    rows = generator.normal(size=(400, len(head.tags))) + 3.0 * (np.arange(len(head.tags)) < 9)
    tensors = scores_of(head, 6) if head.is_chain else {}
    [inner] = decode(TagDecoder(head, tensors, scheme=Scheme.BIOES), [rows])
    [found] = decode(TagDecoder(head, tensors, scheme=scheme), [rows])
    assert TagDecoder(head, tensors, scheme=scheme).scheme == (scheme or Scheme.IOB2)
    assert found == convert(inner, Scheme.BIOES, scheme or Scheme.IOB2)
    assert len(read_strict_spans(inner, Scheme.BIOES)) == len(read_spans(inner)) > 50
    if scheme is not Scheme.IO:
        assert read_spans(found) == read_spans(inner)


def test_plain_tags_that_look_like_spans_are_left_alone() -> None:
    for scheme in (None, *Scheme):
        decoder = TagDecoder(PLAIN, scores_of(PLAIN, 1), scheme=scheme)
        assert decoder.scheme is None
        assert decoder.names([0, 1, 2, 1]) == ("ADJ", "B-A", "S-B", "B-A")
