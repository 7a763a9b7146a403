"""AdamW and averaging for hashed tables, at the price of the rows that a batch touches."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from rnncli.kernels.tables import TableKernel, Update, load_table_kernel
from rnncli.nn.hashed_table import HashedTable
from rnncli.training.copying import copy_exactly

_BETA1, _BETA2, _EPSILON = 0.9, 0.99, 1e-8


@dataclass(slots=True)
class _TableState:
    table: HashedTable
    moments: Tensor  # [R, 3, D]: first moment, second moment, and the moving average of the row
    last: Tensor  # [R], update at which a row was last touched
    last_decay: Tensor  # [R], logarithm of all decays of the average up to then
    pending: tuple[Tensor, Tensor] | None = None  # rows, and their values with the gradient of the next update


class TableOptimizer:
    """Updates the rows that a batch has touched; others catch up with what they missed when their turn comes.

    A row without a gradient still moves in AdamW: its moments decay, momentum and weight decay carry it on. With the
    decays of the moments constant and the learning rate taken as that of the next touch, those steps sum up in closed
    form, so that the result follows AdamW on the whole table closely.

    Args:
        tables: the model's tables.
        weight_decay: decoupled, per unit of learning rate.
        ema_decay: of the moving average.

    Reference:
        Loshchilov and Hutter 2019, arXiv:1711.05101.
    """

    def __init__(self, tables: Iterable[HashedTable], weight_decay: float, ema_decay: float) -> None:
        """Start with moments of zero and the average at the present rows."""
        self._weight_decay = weight_decay
        self._ema_decay = ema_decay
        self._update = 0
        self._log_decay = 0.0
        self._states = []
        for table in tables:
            weight = table.weight.detach()
            moments = torch.zeros(len(weight), 3, weight.shape[1], device=weight.device)
            moments[:, 2] = weight
            count = torch.zeros(len(weight), device=weight.device)
            self._states.append(_TableState(table, moments, count, count.clone()))

    @torch.no_grad()
    def accumulate(self) -> None:
        """Take the gradients of the rows that the last batch touched; they add to those taken since the last update."""
        for state in self._states:
            touched, state.table.touched = state.table.touched, None
            if touched is None or touched[1].grad is None:
                continue
            state.pending = touched if state.pending is None else _add(state.pending, touched)

    def drop(self) -> None:
        """Forget the gradients since the last update."""
        for state in self._states:
            state.pending = state.table.touched = None

    def pending(self) -> list[Tensor]:
        """Return the rows with a gradient for the next update, for clipping."""
        return [state.pending[1] for state in self._states if state.pending is not None]

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Update the rows with a gradient.

        Args:
            learning_rate: of this update.
        """
        self._update += 1
        for state in self._states:
            if state.pending is None:
                continue
            rows, values = state.pending
            state.pending = None
            gradient = values.grad
            assert gradient is not None
            kernel = _kernel(state)
            if kernel is not None:
                self._by_kernel(kernel, state, learning_rate, self._update - 1, rows, gradient)
                continue
            weight, moments = self._caught_up(state, rows, learning_rate, self._update - 1)
            first, second, _ = moments.unbind(1)
            first.lerp_(gradient, 1 - _BETA1)
            second.mul_(_BETA2).addcmul_(gradient, gradient, value=1 - _BETA2)
            weight.mul_(1 - learning_rate * self._weight_decay)
            weight.sub_(self._direction(first, second, self._update).mul_(learning_rate))
            state.table.weight.index_copy_(0, rows, weight)
            state.moments.index_copy_(0, rows, moments)
            state.last[rows] = self._update
        # The average moves after the weights, with a decay that is small at first, as for the other parameters.
        self._log_decay += math.log(min(self._ema_decay, self._update / (9 + self._update)))

    @torch.no_grad()
    def catch_up(self, learning_rate: float) -> None:
        """Bring all rows, touched or not, up to this update."""
        for state in self._states:
            kernel = _kernel(state)
            if kernel is not None:
                self._by_kernel(kernel, state, learning_rate, self._update)
                continue
            rows = torch.arange(len(state.last), device=state.last.device)
            weight, moments = self._caught_up(state, rows, learning_rate, self._update)
            state.table.weight.copy_(weight)
            state.moments = moments
            state.last.fill_(self._update)

    def averages(self) -> list[Tensor]:
        """Return the moving average of every table, in the order given; call `catch_up` before."""
        return [state.moments[:, 2] for state in self._states]

    def tensors(self) -> dict[str, Tensor]:
        """Return what the next updates depend on besides the tables themselves and `numbers`; nothing is copied."""
        found: dict[str, Tensor] = {}
        for i, state in enumerate(self._states):
            found |= {f"{i}.moments": state.moments, f"{i}.last": state.last, f"{i}.last_decay": state.last_decay}
        return found

    def numbers(self) -> dict[str, float]:
        """Return the count of updates and the logarithm of all decays of the average, as JSON values."""
        return {"update": self._update, "log_decay": self._log_decay}

    def load(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, float]) -> None:
        """Go on from what `tensors` and `numbers` returned, without the gradients since the last update.

        Raises:
            KeyError: something is missing.
            ValueError: a shape is another one.
        """
        copy_exactly(self.tensors(), tensors)
        self._update, self._log_decay = int(numbers["update"]), numbers["log_decay"]
        self.drop()

    def _by_kernel(
        self,
        kernel: TableKernel,
        state: _TableState,
        learning_rate: float,
        update: int,
        rows: Tensor | None = None,
        gradient: Tensor | None = None,
    ) -> None:
        """Bring rows, or all, up to an update, and take the next one where there is a gradient."""
        kernel.update(
            state.table.weight.detach().numpy(),
            state.moments.numpy(),
            state.last.numpy(),
            state.last_decay.numpy(),
            None if rows is None else rows.numpy(),
            None if gradient is None else gradient.contiguous().numpy(),
            Update(update, learning_rate, self._weight_decay, self._log_decay, _BETA1, _BETA2, _EPSILON),
        )

    def _caught_up(self, state: _TableState, rows: Tensor, learning_rate: float, update: int) -> tuple[Tensor, Tensor]:
        """Return weights and moments of rows as if they had been updated at each step so far."""
        missed = (update - state.last[rows]).unsqueeze(1)
        weight, moments = state.table.weight.index_select(0, rows), state.moments.index_select(0, rows)
        first, second, average = moments.unbind(1)
        ratio = _BETA1 / math.sqrt(_BETA2)
        momentum = (ratio * (1 - ratio**missed) / (1 - ratio)).to(weight.dtype)
        # Rows never touched have moments of zero, and then the bias correction may be anything but a division by zero.
        direction = self._direction(first, second, state.last[rows].clamp_min(1).unsqueeze(1))
        weight.mul_((1 - learning_rate * self._weight_decay * missed).to(weight.dtype))
        weight.sub_(direction.mul_(momentum).mul_(learning_rate))
        first.mul_((_BETA1**missed).to(first.dtype))
        second.mul_((_BETA2**missed).to(second.dtype))
        kept = torch.exp(self._log_decay - state.last_decay[rows]).unsqueeze(1).to(weight.dtype)
        average.lerp_(weight, 1 - kept)
        state.last_decay[rows] = self._log_decay
        return weight, moments

    @staticmethod
    def _direction(first: Tensor, second: Tensor, update: int | Tensor) -> Tensor:
        """Bias-corrected first moment over the root of the second one."""
        correction = 1 - _BETA1**update
        root = (1 - _BETA2**update) ** 0.5
        if isinstance(correction, Tensor) and isinstance(root, Tensor):
            correction, root = correction.to(first.dtype), root.to(first.dtype)
        return first.div(correction).div_(second.sqrt().div_(root).add_(_EPSILON))


def _kernel(state: _TableState) -> TableKernel | None:
    weight = state.table.weight
    return load_table_kernel() if weight.device.type == "cpu" and weight.dtype == torch.float32 else None


def _add(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Join two sets of rows, each row once, and add up their gradients."""
    rows, places = torch.unique(torch.cat((one[0], other[0])), return_inverse=True)
    values = one[1].new_zeros(len(rows), one[1].shape[1]).requires_grad_()
    gradients = [values_.grad for _, values_ in (one, other) if values_.grad is not None]
    values.grad = torch.zeros_like(values).index_add_(0, places, torch.cat(gradients))
    return rows, values
