"""The NumPy encoder against the torch one, for every cell."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rnncli.cells import ACTIVATED_CELLS, ACTIVATIONS, CELLS
from rnncli.config import EncoderConfig
from rnncli.decoding.packed import pack
from rnncli.nn.encoder import BidirectionalEncoder
from rnncli.runtime.encoder import BidirectionalLayer, build_layers

KINDS = [(cell, name) for cell in CELLS for name in (ACTIVATIONS if cell in ACTIVATED_CELLS else ("tanh",))]
EVERY = pytest.mark.parametrize(("cell", "activation"), KINDS)
LENGTHS = [3, 1, 9, 2, 14, 6, 9]
Tensors = dict[str, NDArray[Any]]


def random_encoder(config: EncoderConfig, input_size: int, seed: int) -> tuple[BidirectionalEncoder, Tensors]:
    torch.manual_seed(seed)
    encoder = BidirectionalEncoder(input_size, config, 0.5).double().eval()
    with torch.no_grad():
        for parameter in encoder.parameters():
            # Rectified states would grow by powers of larger weights.
            parameter.copy_(torch.randn_like(parameter) / (2 * math.sqrt(config.hidden_size)))
    return encoder, {f"encoder.{name}": tensor.numpy() for name, tensor in encoder.state_dict().items()}


def run(layers: list[BidirectionalLayer], inputs: NDArray[Any], lengths: list[int], repeats: int = 1) -> NDArray[Any]:
    """Encode sentences that lie one behind the other: float [N, D] to [N, 2H]."""
    packing = pack(lengths)
    order = np.empty(len(inputs), dtype=np.int64)
    order[packing.rows()] = np.arange(len(inputs))
    states = inputs[order]
    for layer in layers:
        gates = layer.gates(states)
        assert all(part.shape == (len(inputs), layer.gate_size) for part in gates)
        kept = [part.copy() for part in gates]
        for _ in range(repeats):
            states = layer.run(gates, (None, None), packing, None)
        for part, old in zip(gates, kept, strict=True):
            assert np.array_equal(part, old)
    return states[packing.rows()]


@EVERY
@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_states_equal_the_training_half_in_float64(cell: str, activation: str, num_layers: int) -> None:
    for seed in range(3):
        generator = np.random.default_rng(seed)
        hidden_size, input_size = (int(size) for size in generator.integers(1, 9, size=2))
        config = EncoderConfig(cell=cell, activation=activation, hidden_size=hidden_size, num_layers=num_layers)
        encoder, tensors = random_encoder(config, input_size, seed)
        inputs = generator.normal(size=(sum(LENGTHS), input_size))
        padded = np.zeros((len(LENGTHS), max(LENGTHS), input_size))
        mask = np.arange(max(LENGTHS)) < np.array(LENGTHS)[:, None]
        padded[mask] = inputs
        with torch.no_grad():
            expected = encoder(torch.from_numpy(padded), torch.tensor(LENGTHS)).numpy()[mask]
        actual = run(build_layers(config, tensors, np.float64), inputs, LENGTHS)
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-10)
        assert np.abs(expected).max() > 0.01


@EVERY
def test_rows_by_word_give_what_rows_by_token_give(cell: str, activation: str) -> None:
    """The first layer takes its gates from a table of words, in which both directions take turns."""
    config = EncoderConfig(cell=cell, activation=activation, hidden_size=5)
    _, tensors = random_encoder(config, 4, 3)
    (layer,) = build_layers(config, tensors, np.float64)
    generator = np.random.default_rng(4)
    words, packing = generator.normal(size=(11, 4)), pack(LENGTHS)
    rows = generator.integers(11, size=sum(LENGTHS))
    expected = layer.run(layer.gates(words[rows]), (None, None), packing, None)
    table = np.concatenate(layer.gates(words), axis=1)
    before = table.copy()
    halves = table.reshape(2 * len(table), -1)
    for _ in range(2):
        actual = layer.run((halves, halves), (2 * rows, 2 * rows + 1), packing, None)
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)
    assert np.array_equal(table, before)


@EVERY
def test_batch_mates_and_order_change_nothing(cell: str, activation: str) -> None:
    config = EncoderConfig(cell=cell, activation=activation, hidden_size=5, num_layers=2)
    _, tensors = random_encoder(config, 4, 5)
    layers = build_layers(config, tensors, np.float32)
    sentences = [np.random.default_rng(i).normal(size=(n, 4)).astype(np.float32) for i, n in enumerate(LENGTHS)]
    together = run(layers, np.concatenate(sentences), LENGTHS, repeats=2)
    assert together.dtype == np.float32
    backwards = run(layers, np.concatenate(sentences[::-1]), LENGTHS[::-1])
    parts = np.split(together, np.cumsum(LENGTHS)[:-1])
    others = np.split(backwards, np.cumsum(LENGTHS[::-1])[:-1])[::-1]
    for sentence, part, other in zip(sentences, parts, others, strict=True):
        np.testing.assert_allclose(part, run(layers, sentence, [len(sentence)]), rtol=0, atol=1e-5)
        np.testing.assert_allclose(part, other, rtol=0, atol=1e-5)


def test_an_unknown_cell_or_activation_is_refused() -> None:
    _, tensors = random_encoder(EncoderConfig(cell="rnn", hidden_size=2), 3, 0)
    with pytest.raises(ValueError, match="no such cell: tree"):
        build_layers(EncoderConfig(cell="tree", hidden_size=2), tensors, np.float32)
    (layer,) = build_layers(EncoderConfig(cell="rnn", activation="step", hidden_size=2), tensors, np.float32)
    with pytest.raises(ValueError, match="no such activation: step"):
        run([layer], np.zeros((1, 3), dtype=np.float32), [1])
