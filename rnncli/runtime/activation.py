"""The activations that a cell may apply to its new state, in NumPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.cells import LEAK


def activate(values: NDArray[Any], activation: str) -> None:
    """Apply an activation in place: the prediction half of `nn.cells.activation.activate_`.

    Args:
        values: float, any shape.
        activation: one of ACTIVATIONS.

    Raises:
        ValueError: no such activation.
    """
    match activation:
        case "tanh":
            np.tanh(values, out=values)
        case "relu":
            np.maximum(values, 0, out=values)
        case "leaky":
            np.maximum(values, values * LEAK, out=values)
        case _:
            raise ValueError(f"no such activation: {activation}")
