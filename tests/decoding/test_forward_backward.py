"""Forward-backward against the enumeration of every path."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rnncli.decoding.forward_backward import forward_backward

LENGTHS = [1, 1, 2, 3, 3, 5]


def enumerate_all(chain: Any, emissions: NDArray[np.float64]) -> dict[tuple[int, ...], float]:
    """The log-probability of every path."""
    totals = {path: chain.total(emissions, path) for path in chain.paths(emissions)}
    log_partition = np.logaddexp.reduce(sorted(totals.values()))
    return {path: total - log_partition for path, total in totals.items()}


def draw(generator: np.random.Generator, num_tags: int, spread: float) -> list[NDArray[np.float64]]:
    return [generator.normal(size=(length, num_tags)) * spread for length in generator.permutation(LENGTHS)]


@pytest.mark.parametrize("spread", [2.0, 900.0])
@pytest.mark.parametrize("forbidden", [0.0, 0.5])
@pytest.mark.parametrize("num_tags", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(3))
def test_sums_equal_enumeration(
    make_chain: Any, pack_all: Any, unpack: Any, seed: int, num_tags: int, forbidden: float, spread: float
) -> None:
    """With the large spread, tags that could not follow are likelier by more than a double can hold."""
    generator = np.random.default_rng(seed)
    chain = make_chain(generator, num_tags, forbidden)
    sentences = draw(generator, num_tags, spread)
    emissions, packing = pack_all(sentences)
    posterior = forward_backward(emissions, packing, *chain.tables)
    marginals = unpack(posterior.log_marginals, packing, sentences)
    for number, sentence in enumerate(sentences):
        totals = [chain.total(sentence, path) for path in chain.paths(sentence)]
        assert posterior.log_partition[number] == pytest.approx(
            np.logaddexp.reduce(sorted(totals)), rel=1e-12, abs=1e-10
        )
        log_probs = enumerate_all(chain, sentence)
        expected = np.zeros(sentence.shape)
        for path, log_prob in log_probs.items():
            expected[range(len(path)), path] += np.exp(log_prob)
        np.testing.assert_allclose(np.exp(marginals[number]), expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(np.exp(marginals[number]).sum(1), 1.0, rtol=1e-12)


@pytest.mark.parametrize("forbidden", [0.0, 0.5])
@pytest.mark.parametrize("num_tags", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_any_path_and_any_part_of_one_have_their_probability(
    make_chain: Any, pack_all: Any, unpack: Any, seed: int, num_tags: int, forbidden: float
) -> None:
    generator = np.random.default_rng(seed)
    chain = make_chain(generator, num_tags, forbidden)
    sentences = draw(generator, num_tags, 2.0)
    everything = [enumerate_all(chain, sentence) for sentence in sentences]
    emissions, packing = pack_all(sentences)
    posterior = forward_backward(emissions, packing, *chain.tables)
    for _ in range(5):
        legal = [[path for path in log_probs if chain.is_legal(path)] for log_probs in everything]
        chosen = [paths[generator.integers(len(paths))] for paths in legal]
        flat = np.empty(len(emissions), dtype=np.int64)
        flat[packing.rows()] = np.concatenate(chosen)
        steps = unpack(posterior.log_steps_of(flat), packing, sentences)
        tokens = unpack(posterior.log_marginals_of(flat), packing, sentences)
        for path, log_probs, step, token in zip(chosen, everything, steps, tokens, strict=True):
            assert step.sum() == pytest.approx(log_probs[path], abs=1e-10)
            for first in range(len(path)):
                for end in range(first + 1, len(path) + 1):
                    expected = sum(np.exp(p) for other, p in log_probs.items() if other[first:end] == path[first:end])
                    found = token[first] + step[first + 1 : end].sum()
                    assert np.exp(found) == pytest.approx(expected, rel=1e-9)
                    assert found <= token[first:end].min() + 1e-12


def test_batch_mates_and_order_change_nothing(make_chain: Any, pack_all: Any, unpack: Any) -> None:
    generator = np.random.default_rng(1)
    chain = make_chain(generator, 5, 0.2)
    sentences = [generator.normal(size=(length, 5)) for length in (3, 9, 1, 9, 4, 2)]
    emissions, packing = pack_all(sentences)
    together = forward_backward(emissions, packing, *chain.tables)
    marginals = unpack(together.log_marginals, packing, sentences)
    for number, sentence in enumerate(sentences):
        alone = forward_backward(*pack_all([sentence]), *chain.tables)
        np.testing.assert_allclose(alone.log_marginals, marginals[number], rtol=0, atol=1e-12)
        assert alone.log_partition[0] == pytest.approx(together.log_partition[number], abs=1e-12)


def test_a_sentence_of_50_000_tokens_is_exact(pack_all: Any) -> None:
    """Without ties between neighbours the sums have a closed form, which no rounding may leave."""
    generator = np.random.default_rng(2)
    emissions = generator.normal(size=(50_000, 3)).astype(np.float32) * 20
    posterior = forward_backward(*pack_all([emissions]), np.full((3, 3), 0.25), np.zeros(3), np.zeros(3))
    exact = emissions.astype(np.float64)
    norm = np.logaddexp.reduce(exact, axis=1, keepdims=True)
    np.testing.assert_allclose(posterior.log_marginals, exact - norm, rtol=1e-12, atol=1e-11)
    assert posterior.log_partition[0] == pytest.approx(norm.sum() + 49_999 * 0.25, rel=1e-13)
    path = generator.integers(3, size=50_000)
    expected = (exact - norm)[range(50_000), path]
    np.testing.assert_allclose(posterior.log_steps_of(path), expected, rtol=1e-12, atol=1e-11)


def test_a_long_chain_is_what_its_middle_is(make_chain: Any, pack_all: Any) -> None:
    """What lies far away has no weight, so a window of a long sentence has almost the same marginals."""
    generator = np.random.default_rng(3)
    chain = make_chain(generator, 4, 0.2)
    tables = chain.tables
    emissions = generator.normal(size=(50_000, 4)) * 3
    marginals = forward_backward(*pack_all([emissions]), *tables).log_marginals
    assert np.isfinite(marginals).all()
    window = forward_backward(*pack_all([emissions[30_000:30_400]]), *tables).log_marginals
    np.testing.assert_allclose(np.exp(marginals[30_100:30_300]), np.exp(window[100:300]), rtol=0, atol=1e-9)
