"""The gated recurrent unit of a padded batch by the compiled recurrence."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import FunctionCtx

from rnncli.kernels.gru import GRUKernel, Places


def gru_kernel_sequence(
    gates: Tensor, weight: Tensor, bias: Tensor, lengths: Tensor, kernel: GRUKernel, precision: torch.dtype
) -> Tensor:
    """Run both directions of a layer over a padded batch by the kernel.

    Args:
        gates: float [B, T, 2, 3H], the inputs' share of the gates, in the order of the text for both directions.
        weight: float [2, H, 3H], as in `gru_sequence`.
        bias: float [2, H], as in `gru_sequence`.
        lengths: int64 [B], each at least 1.
        kernel: computes it, in the precision of the gates.
        precision: type in which to compute the one product that is torch's, that of the weight's gradient.

    Returns:
        float [B, T, 2H], zero past the lengths.
    """
    result: Tensor = _KernelSequence.apply(gates, weight, bias, lengths, kernel, precision)  # type: ignore[no-untyped-call]
    return result


class _KernelSequence(torch.autograd.Function):
    """The recurrence in C, without the padding; the product for the weight's gradient is torch's."""

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        gates: Tensor,
        weight: Tensor,
        bias: Tensor,
        lengths: Tensor,
        kernel: GRUKernel,
        precision: torch.dtype,
    ) -> Tensor:
        batch_size, num_steps, directions, width = gates.shape
        size = width // 3
        falling, order = lengths.sort(descending=True, stable=True)
        places = Places((order * num_steps).numpy(), falling.numpy(), np.arange(num_steps))
        padding = (torch.arange(num_steps) >= lengths.unsqueeze(1)).flatten().nonzero().squeeze(1)
        states = gates.new_empty(batch_size * num_steps, directions * size).index_fill_(0, padding, 0.0)
        saved = gates.new_empty(directions, batch_size * num_steps, 4 * size)
        flat = gates.flatten(0, 1)

        def run(direction: int, part: tuple[int, int]) -> None:
            own = slice(direction * size, (direction + 1) * size)
            kernel.forward(
                places,
                _array(flat[:, direction]),
                None,
                _array(weight[direction]),
                _array(bias[direction]),
                _array(states[:, own]),
                _array(saved[direction]),
                reverse=bool(direction),
                part=part,
            )

        _side_by_side(run, directions)
        ctx.save_for_backward(states, saved, weight, padding)
        ctx.places, ctx.kernel, ctx.precision = places, kernel, precision  # type: ignore[attr-defined]
        return states.view(batch_size, num_steps, -1)

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None, None]:
        states, saved, weight, padding = ctx.saved_tensors  # type: ignore[attr-defined]
        directions, size, width = weight.shape
        flat = grad.contiguous().view(states.shape)
        d_gates = grad.new_empty(len(states), directions, width).index_fill_(0, padding, 0.0)
        d_recurrent = grad.new_empty(directions, len(states), width).index_fill_(1, padding, 0.0)
        previous = grad.new_empty(directions, len(states), size).index_fill_(1, padding, 0.0)

        def run(direction: int, part: tuple[int, int]) -> None:
            own = slice(direction * size, (direction + 1) * size)
            ctx.kernel.backward(  # type: ignore[attr-defined]
                ctx.places,  # type: ignore[attr-defined]
                _array(flat[:, own]),
                _array(states[:, own]),
                _array(saved[direction]),
                _array(weight[direction]),
                _array(d_gates[:, direction]),
                _array(d_recurrent[direction]),
                _array(previous[direction]),
                reverse=bool(direction),
                part=part,
            )

        _side_by_side(run, directions)
        precision = ctx.precision  # type: ignore[attr-defined]
        d_weight = torch.bmm(previous.to(precision).transpose(1, 2), d_recurrent.to(precision)).to(weight.dtype)
        d_bias = d_recurrent[:, :, 2 * size :].sum(1)
        return d_gates.view(*grad.shape[:2], directions, width), d_weight, d_bias, None, None, None


def _side_by_side(run: Callable[[int, tuple[int, int]], None], directions: int) -> None:
    """Call `run` for every direction and share of the sentences, on as many threads as torch has."""
    shares = -(-torch.get_num_threads() // directions)
    calls = [(direction, (i, shares)) for direction in range(directions) for i in range(shares)]
    if torch.get_num_threads() == 1:
        for call in calls:
            run(*call)
        return
    others = [_threads(torch.get_num_threads() - 1).submit(run, *call) for call in calls[1:]]
    run(*calls[0])
    for other in others:
        other.result()


def _array(tensor: Tensor) -> NDArray[Any]:
    """Return the numbers themselves; whether gradients are wanted is known to the calling thread only."""
    return tensor.detach().numpy()


@cache
def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count)
