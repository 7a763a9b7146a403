"""Viterbi against the enumeration of every path."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from rnncli.data.tag_schemes import allowed_transitions
from rnncli.decoding import viterbi as viterbi_module
from rnncli.decoding.packed import pack
from rnncli.decoding.viterbi import Viterbi

FORBIDDEN = -1e4
Scores = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def total(emissions: NDArray[np.float64], path: tuple[int, ...], scores: Scores) -> float:
    transitions, start, end = scores
    pairwise = sum(transitions[i, j] for i, j in itertools.pairwise(path))
    return float(start[path[0]] + end[path[-1]] + pairwise + sum(emissions[t, k] for t, k in enumerate(path)))


def best_by_enumeration(emissions: NDArray[np.float64], scores: Scores) -> tuple[int, ...]:
    """The best path; among equals the one that is lowest when read from its end, as back-pointers choose."""
    paths = itertools.product(range(emissions.shape[1]), repeat=len(emissions))
    return max(paths, key=lambda path: (total(emissions, path, scores), [-tag for tag in reversed(path)]))


def decode(sentences: list[NDArray[np.float64]], scores: Scores) -> list[tuple[int, ...]]:
    packing = pack([len(emissions) for emissions in sentences])
    flat = np.concatenate(sentences)
    packed = np.empty_like(flat)
    packed[packing.rows()] = flat
    path = Viterbi(*scores).best(packed, packing)[packing.rows()]
    ends = np.cumsum([len(emissions) for emissions in sentences])
    return [tuple(part.tolist()) for part in np.split(path, ends[:-1])]


def random_scores(generator: np.random.Generator, num_tags: int, forbidden: float) -> Scores:
    scores = tuple(
        np.where(generator.random(shape) < forbidden, FORBIDDEN, generator.normal(size=shape))
        for shape in ((num_tags, num_tags), (num_tags,), (num_tags,))
    )
    for table in scores:
        table.flat[0] = 0.0  # the path 0, 0, ... is always legal
    return scores


@pytest.mark.parametrize("forbidden", [0.0, 0.5])
@pytest.mark.parametrize("num_tags", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(5))
def test_best_paths_equal_enumeration(seed: int, num_tags: int, forbidden: float) -> None:
    generator = np.random.default_rng(seed)
    scores = random_scores(generator, num_tags, forbidden)
    sentences = [generator.normal(size=(length, num_tags)) * 2 for length in generator.permutation([1, 1, 2, 3, 3, 5])]
    assert decode(sentences, scores) == [best_by_enumeration(emissions, scores) for emissions in sentences]


@pytest.mark.parametrize("seed", range(10))
def test_ties_go_to_the_lower_index(seed: int) -> None:
    """Small whole numbers tie often and add up exactly."""
    generator = np.random.default_rng(seed)
    scores = tuple(generator.integers(0, 2, size=shape).astype(float) for shape in ((3, 3), (3,), (3,)))
    sentences = [generator.integers(0, 2, size=(length, 3)).astype(float) for length in (5, 2, 4, 1)]
    assert decode(sentences, scores) == [best_by_enumeration(emissions, scores) for emissions in sentences]


def test_equal_scores_give_the_first_tag_everywhere() -> None:
    scores = (np.zeros((3, 3)), np.zeros(3), np.zeros(3))
    assert decode([np.zeros((4, 3))], scores) == [(0, 0, 0, 0)]


@pytest.mark.parametrize("seed", range(5))
def test_illegal_transitions_are_never_chosen_however_they_tempt(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores = random_scores(generator, 4, 0.5)
    transitions, start, end = scores
    sentences = [generator.normal(size=(length, 4)) * 100 for length in (1, 2, 8, 30)]
    for path in decode(sentences, scores):
        assert start[path[0]] > FORBIDDEN
        assert end[path[-1]] > FORBIDDEN
        assert all(transitions[i, j] > FORBIDDEN for i, j in itertools.pairwise(path))


def test_batch_mates_and_order_change_nothing() -> None:
    generator = np.random.default_rng(1)
    scores = random_scores(generator, 5, 0.2)
    sentences = [generator.normal(size=(length, 5)) for length in (3, 9, 1, 9, 4, 2)]
    together = decode(sentences, scores)
    assert together == [decode([emissions], scores)[0] for emissions in sentences]
    assert decode(sentences[::-1], scores) == together[::-1]


def test_many_tags() -> None:
    """Back-pointers must hold any tag index, 300 does not fit in a byte."""
    num_tags = 300
    emissions = np.zeros((4, num_tags))
    wanted = (299, 256, 0, 255)
    emissions[range(4), wanted] = 1.0
    scores = (np.zeros((num_tags, num_tags)), np.zeros(num_tags), np.zeros(num_tags))
    assert decode([emissions], scores) == [wanted]


def best_by_tables(emissions: NDArray[np.float64], scores: Scores) -> tuple[int, ...]:
    """The textbook's search, one sequence and one pair of tags at a time."""
    transitions, start, end = scores
    best, came_from = [list(start + emissions[0])], []
    for row in emissions[1:]:
        ways = [[before + transitions[i, j] for i, before in enumerate(best[-1])] for j in range(len(row))]
        came_from.append([way.index(max(way)) for way in ways])
        best.append([max(way) + score for way, score in zip(ways, row, strict=True)])
    final = [score + last for score, last in zip(best[-1], end, strict=True)]
    path = [final.index(max(final))]
    for pointers in reversed(came_from):
        path.append(pointers[path[-1]])
    return tuple(reversed(path))


def span_scores(generator: np.random.Generator, kinds: str, prefixes: str = "BIES") -> Scores:
    """Random scores under the rules of spans: tags with many, two, one or no tags that may come before."""
    tags = ["O", *(f"{prefix}-{kind}" for kind in kinds for prefix in prefixes), "E-lost"]
    tables = (np.array(table) for table in allowed_transitions([tags[i] for i in generator.permutation(len(tags))]))
    scores = tuple(np.where(table, 2 * generator.normal(size=table.shape), FORBIDDEN) for table in tables)
    assert len(scores) == 3
    return scores


@pytest.mark.parametrize("added", [1, 100, 1 << 17])
@pytest.mark.parametrize("prefixes", ["BIES", "BES"])
@pytest.mark.parametrize("seed", range(3))
def test_spans_of_several_types_however_much_is_added_up_at_once(
    seed: int, prefixes: str, added: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viterbi_module, "_ADDED", added)
    generator = np.random.default_rng(seed)
    scores = span_scores(generator, "XYZ", prefixes)
    sentences = [3 * generator.normal(size=(n, len(scores[1]))) for n in generator.permutation([1, 2, 3, 9, 9, 20, 31])]
    found = decode(sentences, scores)
    assert found == [best_by_tables(emissions, scores) for emissions in sentences]
    assert len({tag for path in found for tag in path}) > 5


@pytest.mark.parametrize("share", [0.5, 0.9])
@pytest.mark.parametrize("seed", range(20))
def test_where_nothing_is_legal_the_least_forbidden_is_chosen(seed: int, share: float) -> None:
    """Tags that nothing may follow and tags that may follow nothing, in sequences that cannot do without them."""
    generator = np.random.default_rng(seed)
    tables = tuple(
        np.where(generator.random(shape) < share, FORBIDDEN, generator.normal(size=shape))
        for shape in ((3, 3), (3,), (3,))
    )
    sentences = [generator.normal(size=(length, 3)) for length in (1, 2, 5, 3)]
    assert decode(sentences, tables) == [best_by_enumeration(emissions, tables) for emissions in sentences]
    less = tables[0] - np.where(tables[0] == FORBIDDEN, 12345.0, 0.0)
    assert decode(sentences, (less, *tables[1:])) == decode(sentences, tables)


def test_single_precision_stays_single() -> None:
    generator = np.random.default_rng(3)
    scores = tuple(table.astype(np.float32) for table in span_scores(generator, "XY"))
    emissions = generator.normal(size=(2000, len(scores[1]))).astype(np.float32)
    doubles = tuple(table.astype(np.float64) for table in scores)
    assert decode([emissions], scores) == [best_by_tables(emissions.astype(np.float64), doubles)]
