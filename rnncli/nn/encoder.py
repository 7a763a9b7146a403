"""The bidirectional recurrent encoder that all tasks share."""

import torch
from torch import Tensor, nn

from rnncli.config import EncoderConfig
from rnncli.nn.cells import gru_sequence
from rnncli.nn.dropout import locked_dropout


class BidirectionalLayer(nn.Module):
    """One layer: a forward and a backward GRU, run side by side in one loop over time.

    Args:
        input_size: width of the inputs (D).
        hidden_size: units per direction (H).

    Reference:
        Schuster and Paliwal 1997, "Bidirectional recurrent neural networks". Weights start orthogonal (Saxe et al.
        2014, arXiv:1312.6120) for the recurrence and uniform (Glorot and Bengio 2010) for the inputs.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        """Draw the weights."""
        super().__init__()
        self.input_weight = nn.Parameter(torch.empty(input_size, 2, 3 * hidden_size))
        self.input_bias = nn.Parameter(torch.zeros(2, 3 * hidden_size))
        self.weight = nn.Parameter(torch.empty(2, hidden_size, 3 * hidden_size))
        self.bias = nn.Parameter(torch.zeros(2, hidden_size))
        with torch.no_grad():
            for direction in range(2):
                nn.init.xavier_uniform_(self.input_weight[:, direction])
                for gate in torch.split(self.weight[direction], hidden_size, 1):
                    nn.init.orthogonal_(gate)

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
        if inputs.is_cuda:
            forward, backward = self._by_library(steps, order)
        else:
            forward, backward = self._by_hand(steps, order)
        backward = backward.gather(0, order.expand_as(backward))
        return torch.cat((forward, backward), 2).transpose(0, 1)

    def _by_hand(self, steps: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
        num_steps, batch_size, input_size = steps.shape
        width = self.weight.shape[2]
        gates = torch.addmm(self.input_bias.flatten(), steps.reshape(-1, input_size), self.input_weight.flatten(1))
        gates = gates.view(num_steps, batch_size, 2, width)
        backward = gates[:, :, 1].gather(0, order.expand(-1, -1, width))
        states = gru_sequence(torch.stack((gates[:, :, 0], backward), 1), self.weight, self.bias)
        return states[:, 0], states[:, 1]

    def _by_library(self, steps: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
        """Two calls of the library's fused layer, which on a GPU is cuDNN's."""
        hidden_size = self.weight.shape[1]
        outputs: list[Tensor] = []
        for direction, inputs in enumerate((steps, steps.gather(0, order.expand_as(steps)))):
            bias = torch.cat((self.bias.new_zeros(2 * hidden_size), self.bias[direction]))
            parameters = [
                self.input_weight[:, direction].t().contiguous(),
                self.weight[direction].t().contiguous(),
                self.input_bias[direction],
                bias,
            ]
            initial = inputs.new_zeros(1, inputs.shape[1], hidden_size)
            outputs.append(torch.gru(inputs, initial, parameters, True, 1, 0.0, self.training, False, False)[0])
        return outputs[0], outputs[1]


class BidirectionalEncoder(nn.Module):
    """Stacked bidirectional layers with locked dropout before, between and behind.

    Args:
        input_size: width of the inputs.
        config: cell, units, layers.
        dropout: share of units dropped while training.
    """

    def __init__(self, input_size: int, config: EncoderConfig, dropout: float) -> None:
        """Build the layers."""
        super().__init__()
        self._dropout = dropout
        sizes = [input_size] + [2 * config.hidden_size] * (config.num_layers - 1)
        self.layers = nn.ModuleList(BidirectionalLayer(size, config.hidden_size) for size in sizes)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Encode a batch.

        Args:
            inputs: float [B, T, D].
            lengths: int64 [B].

        Returns:
            float [B, T, 2H], arbitrary past the lengths.
        """
        positions = torch.arange(inputs.shape[1], device=inputs.device)
        last = lengths.unsqueeze(1) - 1
        flipped = torch.where(positions <= last, last - positions, positions)
        rate = self._dropout if self.training else 0.0
        hidden = locked_dropout(inputs, rate)
        for layer in self.layers:
            hidden = locked_dropout(layer(hidden, flipped), rate)
        return hidden
