"""The loss of a linear-chain conditional random field by the compiled forward-backward."""

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from rnncli.kernels.crf import CRFKernel, Scores


def crf_kernel_loss(
    emissions: Tensor,
    tags: Tensor,
    lengths: Tensor,
    transitions: Tensor,
    start: Tensor,
    end: Tensor,
    kernel: CRFKernel,
) -> Tensor:
    """Compute the negative log-likelihood of the gold tags, in single precision on the CPU.

    Args:
        emissions: float32 [B, T, K]; values past a sentence's length are ignored.
        tags: int64 [B, T], any valid tag past the length.
        lengths: int64 [B], each at least 1.
        transitions: float32 [K, K], from row to column.
        start: float32 [K].
        end: float32 [K].
        kernel: computes it.

    Returns:
        float32 [B], nats, summed over each sentence's tokens.
    """
    loss: Tensor = _Loss.apply(emissions, tags, lengths, transitions, start, end, kernel)  # type: ignore[no-untyped-call]
    return loss


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx,
        emissions: Tensor,
        tags: Tensor,
        lengths: Tensor,
        transitions: Tensor,
        start: Tensor,
        end: Tensor,
        kernel: CRFKernel,
    ) -> Tensor:
        arrays = (
            tensor.detach().contiguous().numpy() for tensor in (emissions, transitions, start, end, tags, lengths)
        )
        losses, saved = kernel.forward(Scores(*arrays))
        ctx.kernel, ctx.saved = kernel, saved  # type: ignore[attr-defined]
        return torch.from_numpy(losses)

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
        weights = grad.detach().contiguous().numpy()
        gradients = ctx.kernel.backward(ctx.saved, weights)  # type: ignore[attr-defined]
        d_emissions, d_transitions, d_start, d_end = map(torch.from_numpy, gradients)
        return d_emissions, None, None, d_transitions, d_start, d_end, None
