"""Running averages under a gate: the recurrence of QRNN and minGRU, with hand-written backpropagation."""

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx


def pool_sequence(candidates: Tensor, keep: Tensor) -> Tensor:
    """Average over time from a zero state: each step keeps a share of the state and takes the rest from a candidate.

    Args:
        candidates: float [T, ...].
        keep: float [T, ...], shares in 0..1.

    Returns:
        float [T, ...], the state after every step.

    Reference:
        Bradbury et al. 2017, arXiv:1611.01576, equation 3 ("f-pooling").
    """
    result: Tensor = _PoolSequence.apply(candidates, keep)  # type: ignore[no-untyped-call]
    return result


class _PoolSequence(torch.autograd.Function):
    """One operation a step, forward and backward."""

    @staticmethod
    def forward(ctx: FunctionCtx, candidates: Tensor, keep: Tensor) -> Tensor:
        states = candidates.new_empty(len(candidates) + 1, *candidates.shape[1:])
        states[0] = 0
        for t in range(len(candidates)):
            torch.lerp(candidates[t], states[t], keep[t], out=states[t + 1])
        ctx.save_for_backward(states, candidates, keep)
        return states[1:]

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, Tensor]:
        states, candidates, keep = ctx.saved_tensors  # type: ignore[attr-defined]
        d_states = grad.clone()
        for t in range(len(grad) - 2, -1, -1):
            d_states[t].addcmul_(d_states[t + 1], keep[t + 1])
        return d_states * (1 - keep), d_states * (states[:-1] - candidates)
