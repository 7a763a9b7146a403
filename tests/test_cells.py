"""The table of the cells' weights."""

import math

import pytest

from rnncli.cells import ACTIVATED_CELLS, CELLS, layer_shapes


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_has_weights_for_both_directions(cell: str) -> None:
    shapes = layer_shapes(cell, 5, 3)
    width = shapes["input_weight"][2]
    assert shapes["input_weight"] == (5, 2, width)
    assert shapes["input_bias"] == (2, width)
    assert width % 3 == 0
    # Whoever has no weights for the state computes its gates from the input alone.
    assert ("weight" in shapes) == (cell not in ("qrnn", "mingru"))


def test_the_numbers_of_weights_are_those_of_the_papers() -> None:
    inputs, units = 11, 7
    counts = {cell: sum(map(math.prod, layer_shapes(cell, inputs, units).values())) // 2 for cell in CELLS}
    simple = inputs * units + units
    assert counts == {
        "gru": 3 * simple + 3 * units * units + units,
        "lstm": 4 * simple + 4 * units * units,
        "rnn": simple + units * units,
        "indrnn": simple + units,
        "qrnn": 3 * simple + 3 * inputs * units,
        "mingru": 2 * simple,
    }
    assert set(ACTIVATED_CELLS) <= set(CELLS)


def test_an_unknown_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="no such cell: tree"):
        layer_shapes("tree", 5, 3)
