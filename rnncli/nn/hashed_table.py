"""A table of which a batch touches few rows."""

import torch
from torch import Tensor, nn

from rnncli.kernels.tables import load_table_kernel


class HashedTable(nn.Module):
    """Rows of numbers that are trained without a gradient the size of the table.

    While training, `gather` copies the rows that a batch touches and leaves them, with the gradient that backward gives
    them, in `touched`. An optimizer that knows of tables takes them from there.

    Args:
        num_rows: R.
        row_size: D.
        scale: standard deviation of the first values.

    Attributes:
        weight: float [R, D].
        touched: the rows, int64 [U], and their values, float [U, D] with a gradient, of the last batch; or None.
    """

    def __init__(self, num_rows: int, row_size: int, scale: float) -> None:
        """Draw the rows."""
        super().__init__()
        self.weight = nn.Parameter(torch.randn(num_rows, row_size) * scale, requires_grad=False)
        self.touched: tuple[Tensor, Tensor] | None = None

    def gather(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the table to look rows up in, and where in it they are now.

        Args:
            rows: int64, any shape.

        Returns:
            float [U, D] with a gradient and int64 of the shape of `rows` while training; otherwise the whole table and
            `rows` themselves.
        """
        if not self.training:
            return self.weight, rows
        unique, places = _distinct(rows, len(self.weight))
        values = self.weight.index_select(0, unique).requires_grad_()
        self.touched = (unique, values)
        return values, places


def _distinct(rows: Tensor, num_rows: int) -> tuple[Tensor, Tensor]:
    """Return what `torch.unique` does, without sorting: the table is not much larger than what is looked up."""
    kernel = load_table_kernel() if rows.device.type == "cpu" else None
    if kernel is not None:
        unique, places = kernel.distinct(rows.flatten().contiguous().numpy(), num_rows)
        return torch.from_numpy(unique), torch.from_numpy(places).view(rows.shape)
    is_touched = torch.zeros(num_rows, dtype=torch.bool, device=rows.device)
    is_touched[rows] = True
    found = is_touched.nonzero().squeeze(1)
    numbers = torch.empty(num_rows, dtype=torch.int64, device=rows.device)
    numbers[found] = torch.arange(len(found), device=rows.device)
    return found, numbers[rows]
