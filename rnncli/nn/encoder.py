"""The bidirectional recurrent encoder that all tasks share."""

import torch
from torch import Tensor, nn

from rnncli.config import EncoderConfig
from rnncli.nn.cells.gru import GRULayer
from rnncli.nn.cells.indrnn import IndRNNLayer
from rnncli.nn.cells.lstm import LSTMLayer
from rnncli.nn.cells.mingru import MinGRULayer
from rnncli.nn.cells.qrnn import QRNNLayer
from rnncli.nn.cells.rnn import RNNLayer
from rnncli.nn.dropout import locked_dropout
from rnncli.nn.layer import BidirectionalLayer


def build_layer(config: EncoderConfig, input_size: int) -> BidirectionalLayer:
    """Make a layer of the cell that the configuration names.

    Args:
        config: cell, activation, units.
        input_size: width of the inputs.

    Raises:
        ValueError: no such cell.
    """
    hidden_size = config.hidden_size
    match config.cell:
        case "gru":
            return GRULayer(input_size, hidden_size)
        case "lstm":
            return LSTMLayer(input_size, hidden_size)
        case "rnn":
            return RNNLayer(input_size, hidden_size, config.activation)
        case "indrnn":
            return IndRNNLayer(input_size, hidden_size, config.activation)
        case "qrnn":
            return QRNNLayer(input_size, hidden_size)
        case "mingru":
            return MinGRULayer(input_size, hidden_size)
    raise ValueError(f"no such cell: {config.cell}")


class BidirectionalEncoder(nn.Module):
    """Stacked bidirectional layers with locked dropout before, between and behind.

    Args:
        input_size: width of the inputs.
        config: cell, activation, units, layers.
        dropout: share of units dropped while training.
    """

    def __init__(self, input_size: int, config: EncoderConfig, dropout: float) -> None:
        """Build the layers."""
        super().__init__()
        self._dropout = dropout
        sizes = [input_size] + [2 * config.hidden_size] * (config.num_layers - 1)
        self.layers = nn.ModuleList(build_layer(config, size) for size in sizes)

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
