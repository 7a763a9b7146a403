"""The k best paths against the sorted list of every path."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rnncli.decoding.k_best import k_best
from rnncli.decoding.viterbi import Viterbi


def legal_paths(chain: Any, emissions: NDArray[np.float64]) -> dict[tuple[int, ...], float]:
    return {path: chain.total(emissions, path) for path in chain.paths(emissions) if chain.is_legal(path)}


@pytest.mark.parametrize("forbidden", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("num_tags", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_every_number_of_paths_equals_enumeration(
    make_chain: Any, pack_all: Any, seed: int, num_tags: int, forbidden: float
) -> None:
    generator = np.random.default_rng(seed)
    chain = make_chain(generator, num_tags, forbidden)
    sentences = [generator.normal(size=(n, num_tags)) * 2 for n in generator.permutation([1, 1, 2, 3, 4])]
    everything = [legal_paths(chain, emissions) for emissions in sentences]
    most = max(map(len, everything))
    emissions, packing = pack_all(sentences)
    for k in [*range(1, min(most, 12) + 1), most, most + 3]:
        answers = k_best(emissions, packing, *chain.tables, k)
        for paths, expected in zip(answers, everything, strict=True):
            ranked = sorted(expected, key=expected.__getitem__, reverse=True)[:k]
            assert [tuple(path.tags.tolist()) for path in paths] == ranked
            np.testing.assert_allclose([path.score for path in paths], [expected[p] for p in ranked], atol=1e-10)


@pytest.mark.parametrize("seed", range(6))
def test_ties_leave_scores_in_order_and_paths_distinct(make_chain: Any, pack_all: Any, seed: int) -> None:
    """Small whole numbers tie often and add up exactly."""
    generator = np.random.default_rng(seed)
    chain = make_chain(generator, 3, 0.0)
    tables = [generator.integers(0, 2, size=table.shape).astype(float) for table in chain.tables]
    chain = type(chain)(*tables)
    sentences = [generator.integers(0, 2, size=(length, 3)).astype(float) for length in (5, 2, 4, 1)]
    emissions, packing = pack_all(sentences)
    all_of_them = k_best(emissions, packing, *tables, 300)
    for paths, sentence in zip(all_of_them, sentences, strict=True):
        expected = legal_paths(chain, sentence)
        assert [path.score for path in paths] == sorted(expected.values(), reverse=True)
        assert {tuple(path.tags.tolist()): path.score for path in paths} == expected
    for k in (1, 2, 7, 40):  # fewer are the beginning of more
        for some, paths in zip(k_best(emissions, packing, *tables, k), all_of_them, strict=True):
            assert [path.tags.tolist() for path in some] == [path.tags.tolist() for path in paths[:k]]


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_the_first_path_is_viterbis(make_chain: Any, pack_all: Any, unpack: Any, seed: int, whole: bool) -> None:
    generator = np.random.default_rng(seed)
    chain = make_chain(generator, 6, 0.3)
    sentences = [generator.normal(size=(length, 6)) for length in (30, 2, 17, 1, 30)]
    if whole:  # with ties
        sentences = [np.round(emissions) for emissions in sentences]
        chain = type(chain)(*(np.round(table) for table in chain.tables))
    emissions, packing = pack_all(sentences)
    best = unpack(Viterbi(*chain.tables).best(emissions, packing), packing, sentences)
    for (first, *_), path in zip(k_best(emissions, packing, *chain.tables, 3), best, strict=True):
        assert first.tags.tolist() == path.tolist()


def test_illegal_paths_are_never_listed_however_they_tempt(make_chain: Any, pack_all: Any) -> None:
    generator = np.random.default_rng(0)
    chain = make_chain(generator, 4, 0.5)
    sentences = [generator.normal(size=(length, 4)) * 1e4 for length in (1, 2, 8, 30)]
    for paths in k_best(*pack_all(sentences), *chain.tables, 20):
        assert paths
        assert all(chain.is_legal(path.tags.tolist()) for path in paths)


def test_where_nothing_is_legal_nothing_is_listed(pack_all: Any) -> None:
    tables = (np.zeros((2, 2)), np.full(2, -1e4), np.zeros(2))
    assert k_best(*pack_all([np.zeros((3, 2)), np.zeros((1, 2))]), *tables, 5) == [[], []]
    tables = (np.full((2, 2), -1e4), np.zeros(2), np.zeros(2))
    longer, single = k_best(*pack_all([np.zeros((3, 2)), np.zeros((1, 2))]), *tables, 5)
    assert (len(longer), len(single)) == (0, 2)


def test_batch_mates_and_order_change_nothing(make_chain: Any, pack_all: Any) -> None:
    generator = np.random.default_rng(1)
    chain = make_chain(generator, 5, 0.2)
    sentences = [generator.normal(size=(length, 5)) for length in (3, 9, 1, 9, 4, 2)]
    together = k_best(*pack_all(sentences), *chain.tables, 8)
    for paths, sentence in zip(together, sentences, strict=True):
        (alone,) = k_best(*pack_all([sentence]), *chain.tables, 8)
        assert [path.tags.tolist() for path in alone] == [path.tags.tolist() for path in paths]
        assert [path.score for path in alone] == [path.score for path in paths]


def test_a_sentence_of_50_000_tokens_has_distinct_paths_in_order(make_chain: Any, pack_all: Any) -> None:
    generator = np.random.default_rng(2)
    chain = make_chain(generator, 4, 0.2)
    emissions = generator.normal(size=(50_000, 4))
    (paths,) = k_best(*pack_all([emissions]), *chain.tables, 5)
    scores = [path.score for path in paths]
    assert scores == sorted(scores, reverse=True)
    assert len({path.tags.tobytes() for path in paths}) == 5
    assert [chain.total(emissions, path.tags.tolist()) for path in paths] == pytest.approx(scores, abs=1e-6)
