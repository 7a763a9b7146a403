"""The activations that a cell may apply to its new state, for recurrences written by hand."""

import torch
from torch import Tensor

from rnncli.cells import LEAK


def activate_(values: Tensor, activation: str) -> Tensor:
    """Apply an activation in place and return the values.

    Args:
        values: float, any shape.
        activation: one of ACTIVATIONS.

    Raises:
        ValueError: no such activation.

    Reference:
        Leaky: Maas, Hannun and Ng 2013, "Rectifier nonlinearities improve neural network acoustic models".
    """
    match activation:
        case "tanh":
            return values.tanh_()
        case "relu":
            return values.relu_()
        case "leaky":
            return torch.nn.functional.leaky_relu_(values, LEAK)
    raise ValueError(f"no such activation: {activation}")


def slopes(results: Tensor, activation: str) -> Tensor:
    """Differentiate an activation, given what came out of it.

    Args:
        results: float, any shape, as `activate_` returned it.
        activation: one of ACTIVATIONS.

    Raises:
        ValueError: no such activation.
    """
    match activation:
        case "tanh":
            return 1 - results * results
        case "relu":
            return (results > 0).to(results.dtype)
        case "leaky":
            return (results > 0).to(results.dtype).clamp_min_(LEAK)
    raise ValueError(f"no such activation: {activation}")
