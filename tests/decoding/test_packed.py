"""Packed batches: what lies where."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rnncli.decoding.packed import pack

LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=8)


def test_layout_by_hand() -> None:
    packing = pack([2, 4, 1, 4])
    assert packing.order.tolist() == [1, 3, 0, 2]
    assert packing.lengths.tolist() == [4, 4, 2, 1]
    assert packing.batch_sizes.tolist() == [4, 3, 2, 2]
    assert packing.offsets.tolist() == [0, 4, 7, 9]
    # First tokens in rows 0 to 3 (sentences 1, 3, 0, 2), second ones from row 4 (1, 3, 0), and so on.
    assert packing.rows().tolist() == [2, 6, 0, 4, 7, 9, 3, 1, 5, 8, 10]


@given(LENGTHS)
def test_layout_equals_a_naive_construction(lengths: list[int]) -> None:
    packing = pack(lengths)
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    cells = [(i, t) for t in range(max(lengths)) for i in order if t < lengths[i]]
    assert packing.order.tolist() == order
    assert packing.lengths.tolist() == [lengths[i] for i in order]
    assert packing.batch_sizes.tolist() == [sum(t < length for length in lengths) for t in range(max(lengths))]
    assert packing.offsets.tolist() == [
        next(row for row, cell in enumerate(cells) if cell[1] == t) for t in range(max(lengths))
    ]
    places = {cell: row for row, cell in enumerate(cells)}
    expected = [places[i, t] for i, length in enumerate(lengths) for t in range(length)]
    assert packing.rows().tolist() == expected
    assert np.array_equal(np.sort(packing.rows()), np.arange(sum(lengths)))
