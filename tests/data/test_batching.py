"""Batches within a budget of tokens."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.batching import token_budget_batches

LENGTHS = st.lists(st.integers(1, 60), max_size=60)


@given(LENGTHS, st.integers(1, 200), st.integers(0, 9))
def test_every_index_once_and_within_the_budget(lengths: list[int], budget: int, seed: int) -> None:
    batches = token_budget_batches(lengths, budget, np.random.default_rng(seed))
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        padded = max(lengths[i] for i in batch) * len(batch)
        assert padded <= budget or len(batch) == 1
    assert batches == token_budget_batches(lengths, budget, np.random.default_rng(seed))


def test_batches_hold_sequences_of_similar_length_and_few_pads() -> None:
    generator = np.random.default_rng(0)
    lengths = generator.integers(1, 60, size=2000).tolist()
    batches = token_budget_batches(lengths, 500, generator)
    padded = sum(max(lengths[i] for i in batch) * len(batch) for batch in batches)
    # Without grouping by length about half of the cells would be padding.
    assert padded < 1.15 * sum(lengths)
    assert len(batches) < 1.3 * sum(lengths) / 500


def test_order_and_company_change_from_pass_to_pass() -> None:
    lengths = [1 + i % 20 for i in range(400)]
    one, other = (token_budget_batches(lengths, 100, np.random.default_rng(seed)) for seed in (1, 2))
    assert {frozenset(batch) for batch in one} != {frozenset(batch) for batch in other}
    firsts = [max(lengths[i] for i in batch) for batch in one]
    assert firsts != sorted(firsts)
    assert firsts != sorted(firsts, reverse=True)
    assert firsts != [max(lengths[i] for i in batch) for batch in other]


def test_no_sequences_no_batches() -> None:
    assert token_budget_batches([], 100, np.random.default_rng(0)) == []
