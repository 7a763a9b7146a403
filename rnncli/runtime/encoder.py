"""The bidirectional recurrent encoder for prediction, in NumPy."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from rnncli.config import EncoderConfig
from rnncli.decoding.packed import Packing

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_T = TypeVar("_T")


class Direction(Protocol):
    """One direction of a layer, whatever its cell."""

    def fold_gates(self, gates: NDArray[Any]) -> NDArray[Any]:
        """Turn the inputs' share of the gates [..., W], in place, into what `run` wants, and return it.

        What depends on a token's input alone is done here, since the first layer keeps it for every distinct word.
        """

    def run(self, gates: NDArray[Any], rows: NDArray[np.int64] | None, packing: Packing, states: NDArray[Any]) -> None:
        """Run over all steps from a zero state.

        Args:
            gates: float [N, W] packed, or by word where `rows` is given; folded, and left as they are.
            rows: int64 [N], row of `gates` for each packed token, or None.
            packing: how the tokens are packed.
            states: float [N, H], packed, filled in.
        """


def build_direction(
    config: EncoderConfig, tensors: Mapping[str, NDArray[Any]], dtype: type[np.floating], *, reverse: bool
) -> Direction:
    """Make one direction of the cell that the configuration names.

    Args:
        config: cell and activation.
        tensors: the direction's own weights by name.
        dtype: type to compute in.
        reverse: whether sentences are read from their end.

    Raises:
        ValueError: no such cell.
    """
    # Each cell is imported where it is used: a start loads one of them.
    match config.cell:
        case "gru":
            from rnncli.runtime.gru import GRUDirection

            return GRUDirection(tensors["weight"], tensors["bias"], reverse=reverse, dtype=dtype)
        case "lstm":
            from rnncli.runtime.lstm import LSTMDirection

            return LSTMDirection(tensors["weight"], reverse=reverse, dtype=dtype)
        case "rnn":
            from rnncli.runtime.rnn import RNNDirection

            return RNNDirection(tensors["weight"], config.activation, reverse=reverse, dtype=dtype)
        case "indrnn":
            from rnncli.runtime.rnn import RNNDirection

            bounded = np.tanh(tensors["weight"].astype(dtype))
            return RNNDirection(bounded, config.activation, reverse=reverse, dtype=dtype)
        case "qrnn":
            from rnncli.runtime.qrnn import QRNNDirection

            return QRNNDirection(config.hidden_size, reverse=reverse)
        case "mingru":
            from rnncli.runtime.mingru import MinGRUDirection

            return MinGRUDirection(config.hidden_size, reverse=reverse)
    raise ValueError(f"no such cell: {config.cell}")


class BidirectionalLayer:
    """The prediction half of `nn.layer.BidirectionalLayer`.

    Args:
        config: cell and activation.
        tensors: the layer's weights by name.
        dtype: type to compute in.
    """

    def __init__(
        self, config: EncoderConfig, tensors: Mapping[str, NDArray[Any]], dtype: type[np.floating] = np.float32
    ) -> None:
        """Convert the weights."""
        weight, bias = tensors["input_weight"], tensors["input_bias"]
        if "previous_weight" in tensors:
            # A token's share of the next token's gates is computed with its own.
            weight = np.concatenate((weight, tensors["previous_weight"]), axis=2)
            bias = np.concatenate((bias, np.zeros_like(bias)), axis=1)
        self._input_weight = weight.astype(dtype)
        self._input_bias = bias.astype(dtype)
        self._hidden_size = config.hidden_size
        recurrent = {name: tensors[name] for name in ("weight", "bias") if name in tensors}
        self._forward, self._backward = (
            build_direction(config, {name: t[i] for name, t in recurrent.items()}, dtype, reverse=bool(i))
            for i in range(2)
        )

    @property
    def gate_size(self) -> int:
        """Width of what `gates` gives for one direction (W)."""
        return int(self._input_weight.shape[2])

    def gates(
        self, inputs: NDArray[Any], pool: "ThreadPoolExecutor | None" = None
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Compute the inputs' share of the gates.

        Args:
            inputs: float [N, D].
            pool: computes one of the directions, None to compute one after the other.

        Returns:
            float [N, W] of each direction, folded.
        """
        backward, forward = _both(pool, lambda: self._gates(inputs, 1), lambda: self._gates(inputs, 0))
        return forward, backward

    def _gates(self, inputs: NDArray[Any], direction: int) -> NDArray[Any]:
        gates = inputs @ self._input_weight[:, direction]
        gates += self._input_bias[direction]
        return (self._forward, self._backward)[direction].fold_gates(gates)

    def run(
        self,
        gates: tuple[NDArray[Any], NDArray[Any]],
        rows: tuple[NDArray[np.int64] | None, NDArray[np.int64] | None],
        packing: Packing,
        pool: "ThreadPoolExecutor | None",
    ) -> NDArray[Any]:
        """Return the states of both directions side by side, [N, 2H]; `gates` and `rows` are one a direction."""
        size = self._hidden_size
        states = np.empty((int(packing.lengths.sum()), 2 * size), dtype=self._input_bias.dtype)
        _both(
            pool,
            lambda: self._backward.run(gates[1], rows[1], packing, states[:, size:]),
            lambda: self._forward.run(gates[0], rows[0], packing, states[:, :size]),
        )
        return states


def _both(pool: "ThreadPoolExecutor | None", other: Callable[[], _T], own: Callable[[], _T]) -> tuple[_T, _T]:
    """Call two functions, side by side if there is a pool: NumPy and the kernels release the interpreter's lock."""
    if pool is None:
        return other(), own()
    pending = pool.submit(other)
    result = own()
    return pending.result(), result


def build_layers(
    config: EncoderConfig, tensors: Mapping[str, NDArray[Any]], dtype: type[np.floating]
) -> list[BidirectionalLayer]:
    """Make the layers of an encoder from a model's arrays, those named `encoder.layers.INDEX.NAME`."""
    layers = []
    for i in range(config.num_layers):
        prefix = f"encoder.layers.{i}."
        own = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        layers.append(BidirectionalLayer(config, own, dtype))
    return layers
