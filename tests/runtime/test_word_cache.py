"""The bounded cache against a plain dictionary."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rnncli.runtime.word_cache import WordCache

CAPACITY = 5
WORDS = st.lists(st.sampled_from([f"w{i}" for i in range(12)]), max_size=9).filter(lambda w: len(set(w)) <= CAPACITY)


def rows_of(words: Sequence[str]) -> list[NDArray[np.float64]]:
    """Rows of two tables, of two and three numbers, that tell every word apart."""
    keys = np.array([sum(ord(c) * 257**i for i, c in enumerate(word)) for word in words], dtype=np.float64)
    return [np.stack([keys, -keys], 1), np.stack([keys + 1, keys + 2, keys + 3], 1)]


class Counting:
    """Computes rows and keeps the words it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, words: Sequence[str]) -> list[NDArray[np.float64]]:
        assert len(set(words)) == len(words)
        self.asked.extend(words)
        return rows_of(words)


def check(cache: WordCache, words: Sequence[str]) -> None:
    rows = cache.rows(words)
    assert rows.shape == (len(words),)
    if words:
        for table, expected in zip(cache.tables, rows_of(words), strict=True):
            assert np.array_equal(table[rows], expected)


@given(st.lists(WORDS, max_size=30))
def test_rows_are_always_those_of_the_words(requests: list[list[str]]) -> None:
    compute = Counting()
    cache = WordCache(compute, [2, 3], CAPACITY, np.float64)
    model: dict[str, int] = {}  # word to the request that used it last
    for clock, words in enumerate(requests):
        before = len(compute.asked)
        check(cache, words)
        # What was held is not computed again; what was not held is computed once.
        assert sorted(compute.asked[before:]) == sorted({word for word in words if word not in model})
        model.update((word, clock) for word in words)
        if len(model) > CAPACITY:
            # Among words of the same age any may go: learn from the cache which one did.
            kept = _held(cache)
            dropped = {word: age for word, age in model.items() if word not in kept}
            assert max(dropped.values()) <= min(age for word, age in model.items() if word in kept)
            model = {word: age for word, age in model.items() if word in kept}
        assert len(model) <= CAPACITY


def _held(cache: WordCache) -> set[str]:
    return set(cache._slots)


def test_the_least_recently_used_words_make_room() -> None:
    compute = Counting()
    cache = WordCache(compute, [2, 3], 3, np.float64)
    for words in (["a"], ["b"], ["c"], ["a"], ["d"]):
        check(cache, words)
    assert compute.asked == ["a", "b", "c", "d"]
    check(cache, ["a", "c"])
    assert compute.asked == ["a", "b", "c", "d"]
    check(cache, ["b"])
    assert compute.asked == ["a", "b", "c", "d", "b"]
    check(cache, ["a", "c"])
    assert compute.asked == ["a", "b", "c", "d", "b"]


def test_growth_keeps_rows_of_more_words_than_the_first_table_holds() -> None:
    compute = Counting()
    cache = WordCache(compute, [2, 3], 3000, np.float64)
    words = [f"word{i}" for i in range(2000)]
    for start in range(0, 2000, 150):
        check(cache, words[start : start + 150])
    check(cache, words)
    assert len(compute.asked) == 2000
    assert len(cache.tables[0]) <= 3000


def test_the_memory_is_bounded_by_the_capacity() -> None:
    cache = WordCache(rows_of, [2, 3], 300, np.float64)
    generator = np.random.default_rng(0)
    for _ in range(60):
        check(cache, [f"w{i}" for i in generator.integers(2000, size=250)])
    assert [len(table) for table in cache.tables] == [300, 300]
    assert len(_held(cache)) == 300


@pytest.mark.parametrize("held", ["", "abc", "abcde", "vwxyz"])
@pytest.mark.parametrize("asked", ["abcdef", "abcdefghijklm"])
def test_too_many_distinct_words_are_refused(held: str, asked: str) -> None:
    cache = WordCache(rows_of, [2, 3], 5, np.float64)
    check(cache, list(held))
    with pytest.raises(ValueError, match="more than 5"):
        cache.rows(list(asked))
    check(cache, list("abcdeabcde"))
    check(cache, list("vwxyz"))


def test_many_new_words_at_once_are_computed_in_parts_of_like_length() -> None:
    calls: list[list[str]] = []

    def compute(words: Sequence[str]) -> list[NDArray[np.float64]]:
        calls.append(list(words))
        return rows_of(words)

    cache = WordCache(compute, [2, 3], 1500, np.float64)
    generator = np.random.default_rng(1)
    for _ in range(3):
        calls.clear()
        check(cache, [chr(97 + n % 26) * (1 + n % 17) + str(n) for n in generator.integers(9000, size=1500).tolist()])
        assert 3 <= len(calls) <= 10
        for first, second in itertools.pairwise(calls):
            assert min(map(len, first)) >= max(map(len, second))


def test_a_computation_that_breaks_off_leaves_no_wrong_rows() -> None:
    """Whatever was evicted, or written, before the failure: what is answered afterwards is right."""
    generator = np.random.default_rng(2)
    failures = 0

    def compute(words: Sequence[str]) -> list[NDArray[np.float64]]:
        if generator.random() < 0.3:
            raise MemoryError
        return rows_of(words)

    cache = WordCache(compute, [2, 3], CAPACITY, np.float64)
    for _ in range(300):
        words = [f"w{n}" for n in generator.integers(9, size=CAPACITY)]
        try:
            check(cache, words)
        except MemoryError:
            failures += 1
    assert 30 < failures < 200
