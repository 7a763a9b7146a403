"""The walk over a packed batch against one over single sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.decoding.packed import pack
from rnncli.runtime.steps import reading_steps


@pytest.mark.parametrize("reverse", [False, True])
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_every_token_follows_the_one_read_before(reverse: bool, lengths: list[int]) -> None:
    packing = pack(lengths)
    rows = packing.rows().tolist()
    follows: dict[int, int | None] = {}
    for length in lengths:
        sentence, rows = rows[:length], rows[length:]
        order = sentence[::-1] if reverse else sentence
        follows.update(zip(order, [None, *order], strict=False))
    seen: dict[int, int | None] = {}
    for now, same, before in reading_steps(packing, reverse=reverse):
        tokens = list(range(now.start, now.stop))
        earlier = list(range(before.start, before.stop))
        assert tokens[: len(earlier)] == list(range(same.start, same.stop))
        assert all(token in seen for token in earlier)
        seen.update((token, earlier[i] if i < len(earlier) else None) for i, token in enumerate(tokens))
    assert seen == follows
