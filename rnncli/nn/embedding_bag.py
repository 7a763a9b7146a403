"""Sums and means of table rows, bag by bag."""

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx
from torch.nn import functional as F

from rnncli.kernels.tables import TableKernel, load_table_kernel


def embedding_bag(table: Tensor, places: Tensor, starts: Tensor | None = None) -> Tensor:
    """Pool rows of a table as torch's function of that name does, by the kernel where there is one.

    Args:
        table: float [U, D].
        places: int64 [W, N] for the sums of N rows each, or [M] with `starts`.
        starts: int64 [W] for means, where each bag begins among the places; none is empty.

    Returns:
        float [W, D].
    """
    kernel = load_table_kernel() if table.dtype == torch.float32 and table.device.type == "cpu" else None
    if kernel is None:
        return F.embedding_bag(places, table, starts, mode="sum" if starts is None else "mean")
    is_mean = starts is not None
    if starts is None:
        bounds = torch.arange(0, places.numel() + 1, places.shape[1])
    else:
        bounds = torch.cat((starts, starts.new_tensor([len(places)])))
    result: Tensor = _Bags.apply(table, places.flatten().contiguous(), bounds, is_mean, kernel)  # type: ignore[no-untyped-call]
    return result


class _Bags(torch.autograd.Function):
    """The sums in C, and their gradient without sorting the places."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, table: Tensor, places: Tensor, bounds: Tensor, is_mean: bool, kernel: TableKernel
    ) -> Tensor:
        pooled = table.new_empty(len(bounds) - 1, table.shape[1])
        values = table.detach().contiguous()
        kernel.pool(values.numpy(), places.numpy(), bounds.numpy(), pooled.numpy(), is_mean=is_mean)
        ctx.save_for_backward(places, bounds)
        ctx.num_rows, ctx.is_mean, ctx.kernel = len(table), is_mean, kernel  # type: ignore[attr-defined]
        return pooled

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, None, None, None, None]:
        places, bounds = ctx.saved_tensors  # type: ignore[attr-defined]
        d_table = grad.new_zeros(ctx.num_rows, grad.shape[1])  # type: ignore[attr-defined]
        gradients = grad.detach().contiguous()
        ctx.kernel.pool_backward(  # type: ignore[attr-defined]
            gradients.numpy(),
            places.numpy(),
            bounds.numpy(),
            d_table.numpy(),
            is_mean=ctx.is_mean,  # type: ignore[attr-defined]
        )
        return d_table, None, None, None, None
