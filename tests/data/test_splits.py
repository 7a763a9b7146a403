"""Holding out by content."""

import random
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.records import Sentence
from rnncli.data.splits import hold_out


def sentence(*tokens: str, tag: str = "O", line: int = 0) -> Sentence:
    return Sentence(tokens, (tag,) * len(tokens), "file", line)


def numbered(count: int, prefix: str = "s") -> list[Sentence]:
    return [sentence(f"{prefix}{i}", "x", line=i) for i in range(count)]


@given(st.integers(2, 300))
def test_a_tenth_rounded_up(count: int) -> None:
    kept, held_out = hold_out(numbered(count), 0.1)
    assert len(held_out) == (count + 9) // 10
    assert len(kept) == count - len(held_out)


@given(st.lists(st.text("ab", min_size=1, max_size=2), min_size=2, max_size=40), st.sampled_from([0.1, 0.25, 0.5]))
def test_both_sides_in_order_and_together_the_input(tokens: list[str], fraction: float) -> None:
    records = [sentence(token, line=i) for i, token in enumerate(tokens)]
    kept, held_out = hold_out(records, fraction)
    assert sorted([*kept, *held_out], key=lambda s: s.line) == records
    for side in (kept, held_out):
        assert [s.line for s in side] == sorted(s.line for s in side)
    # Equal content is on one side; only at the border may the count tear one group apart.
    assert len({s.tokens for s in kept} & {s.tokens for s in held_out}) <= 1
    assert len(held_out) == ceil(len(records) * fraction)


def test_the_tags_and_the_place_in_the_file_do_not_matter() -> None:
    records = numbered(200)
    relabelled = [Sentence(s.tokens, ("B-X",) * 2, "other", s.line + 7) for s in records]
    one, other = hold_out(records, 0.2)[1], hold_out(relabelled, 0.2)[1]
    assert [s.tokens for s in one] == [s.tokens for s in other]


def test_the_order_does_not_matter() -> None:
    records = numbered(300)
    shuffled = random.Random(0).sample(records, len(records))
    assert set(hold_out(records, 0.1)[1]) == set(hold_out(shuffled, 0.1)[1])


@pytest.mark.parametrize("place", ["front", "back"])
def test_added_records_move_no_more_records_than_they_are(place: str) -> None:
    """A split by position or by a seeded shuffle would deal all sides anew: some 180 of 1,000 would move."""
    records, added = numbered(1000), numbered(10, "new")
    before = set(hold_out(records, 0.1)[1])
    after = set(hold_out([*added, *records] if place == "front" else [*records, *added], 0.1)[1])
    moved = [s for s in records if (s in before) != (s in after)]
    assert len(moved) <= len(added)


def test_removed_records_move_no_more_records_than_they_are() -> None:
    records = numbered(1000)
    before, after = set(hold_out(records, 0.1)[1]), set(hold_out(records[15:], 0.1)[1])
    assert sum((s in before) != (s in after) for s in records[15:]) <= 15


def test_the_split_is_not_by_position_and_not_by_length() -> None:
    records = [sentence(*["w"] * (1 + i % 20), f"s{i}", line=i) for i in range(2000)]
    held_out = hold_out(records, 0.1)[1]
    # Uniform draws: standard errors are 41 lines and 0.4 tokens.
    assert abs(sum(s.line for s in held_out) / 200 - 1000) < 170
    assert abs(sum(len(s.tokens) for s in held_out) / 200 - 11.5) < 1.7


def test_tokens_are_not_run_together() -> None:
    """Guards a hash of the joined text: `ab c` and `a bc` are different sentences."""
    groups = [[sentence("a" * n, "a" * (60 - n), line=n) for n in range(1, 60)], [sentence("a" * 60, line=0)] * 59]
    held = [{s.line for s in hold_out(group, 0.5)[1]} for group in groups]
    # With equal hashes the first half of the input would be chosen.
    assert held[0] != set(range(1, 31))


def test_lone_surrogates_can_be_split() -> None:
    records = [sentence(f"\ud800{i}") for i in range(10)]
    assert len(hold_out(records, 0.1)[1]) == 1
