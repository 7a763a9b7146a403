"""What every bidirectional recurrent layer does, whatever its cell."""

from abc import ABC, abstractmethod
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from rnncli.cells import layer_shapes


class BidirectionalLayer(nn.Module, ABC):
    """One layer: a forward and a backward recurrence, run side by side in one loop over time.

    A cell is a subclass that draws the weights and runs the recurrence over the inputs' share of the gates.

    Args:
        cell: its name.
        input_size: width of the inputs (D).
        hidden_size: units per direction (H).

    Reference:
        Schuster and Paliwal 1997, "Bidirectional recurrent neural networks".
    """

    input_weight: nn.Parameter
    input_bias: nn.Parameter

    def __init__(self, cell: str, input_size: int, hidden_size: int) -> None:
        """Make the weights, all zero."""
        super().__init__()
        for name, shape in layer_shapes(cell, input_size, hidden_size).items():
            self.register_parameter(name, nn.Parameter(torch.zeros(shape)))

    @property
    def has_library(self) -> bool:
        """Whether `recur_by_library` is there, which is faster on a GPU."""
        return False

    @abstractmethod
    def recur(self, gates: Tensor) -> Tensor:
        """Run both directions from a zero state.

        Args:
            gates: float [T, 2, B, nH], the inputs' share of the gates, each direction in its reading order.

        Returns:
            float [T, 2, B, H], the states that the layer shows.
        """

    def recur_by_library(self, inputs: Tensor, direction: int) -> Tensor:
        """Run one direction by the library's fused layer, which on a GPU is cuDNN's.

        Args:
            inputs: float [T, B, D], in reading order.
            direction: 0 or 1.

        Returns:
            float [T, B, H].

        Raises:
            RuntimeError: there is none for this cell.
        """
        raise RuntimeError(f"the library has no fused layer for {type(self).__name__}")

    def forward(self, inputs: Tensor, flipped: Tensor) -> Tensor:
        """Encode a batch.

        Args:
            inputs: float [B, T, D].
            flipped: int64 [B, T], for each step the position to read when a sentence is read from its end.

        Returns:
            float [B, T, 2H], forward states then backward states; arbitrary past the sentences' lengths.
        """
        steps = inputs.transpose(0, 1)
        order = flipped.t().unsqueeze(2)
        if inputs.is_cuda and self.has_library:
            forward, backward = self._by_library(steps, order)
        else:
            forward, backward = self._by_hand(steps, order)
        backward = backward.gather(0, order.expand_as(backward))
        return torch.cat((forward, backward), 2).transpose(0, 1)

    def input_gates(self, steps: Tensor, order: Tensor) -> Tensor:
        """Compute the inputs' share of the gates.

        Args:
            steps: float [T, B, D].
            order: int64 [T, B, 1], as `flipped` of `forward`.

        Returns:
            float [T, 2, B, nH], each direction in its reading order.
        """
        return project(steps, order, self.input_weight, self.input_bias)

    def _by_hand(self, steps: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
        gates = self.input_gates(steps, order)
        dtype = self.input_bias.dtype
        # Under mixed precision the products come in half precision; a sum over hundreds of steps needs more.
        mixed = gates.dtype != dtype
        with torch.autocast(gates.device.type, enabled=False) if mixed else nullcontext():
            states = self.recur(gates.to(dtype))
        return states[:, 0], states[:, 1]

    def _by_library(self, steps: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
        backward = steps.gather(0, order.expand_as(steps))
        return self.recur_by_library(steps, 0), self.recur_by_library(backward, 1)


def project(steps: Tensor, order: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Multiply the inputs of both directions with their weights.

    Args:
        steps: float [T, B, D].
        order: int64 [T, B, 1], for each step the position that the backward direction reads.
        weight: float [D, 2, W].
        bias: float [2, W], or None.

    Returns:
        float [T, 2, B, W], each direction in its reading order.
    """
    num_steps, batch_size, input_size = steps.shape
    flat = steps.reshape(-1, input_size)
    products = flat @ weight.flatten(1) if bias is None else torch.addmm(bias.flatten(), flat, weight.flatten(1))
    products = products.view(num_steps, batch_size, 2, -1)
    backward = products[:, :, 1].gather(0, order.expand(-1, -1, products.shape[3]))
    return torch.stack((products[:, :, 0], backward), 1)
