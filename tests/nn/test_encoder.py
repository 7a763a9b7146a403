"""The bidirectional encoder: two ways of computing it, and what padding must not change."""

import pytest
import torch
from torch import Tensor, nn

from rnncli.cells import ACTIVATED_CELLS, ACTIVATIONS, CELLS, layer_shapes
from rnncli.config import EncoderConfig
from rnncli.nn.encoder import BidirectionalEncoder, build_layer
from rnncli.nn.layer import BidirectionalLayer

KINDS = [(cell, name) for cell in CELLS for name in (ACTIVATIONS if cell in ACTIVATED_CELLS else ("tanh",))]
EVERY = pytest.mark.parametrize(("cell", "activation"), KINDS)
IN_LIBRARY = [("gru", "tanh"), ("lstm", "tanh"), ("rnn", "tanh"), ("rnn", "relu")]
LENGTHS = torch.tensor([4, 7, 1, 6, 2])


def reading_order(lengths: Tensor, num_steps: int) -> Tensor:
    rows = []
    for length in lengths.tolist():
        rows.append([*range(length - 1, -1, -1), *range(length, num_steps)])
    return torch.tensor(rows)


def random_layer(cell: str = "gru", activation: str = "tanh") -> BidirectionalLayer:
    torch.manual_seed(0)
    layer = build_layer(EncoderConfig(cell=cell, activation=activation, hidden_size=3), 5).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return layer


def random_inputs(seed: int = 1) -> Tensor:
    return torch.randn(5, 7, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_layer_equals_a_bidirectional_library_layer_over_packed_sentences() -> None:
    layer, inputs = random_layer(), random_inputs()
    reference = nn.GRU(5, 3, bidirectional=True, batch_first=True).double()
    with torch.no_grad():
        for direction, suffix in enumerate(("l0", "l0_reverse")):
            getattr(reference, f"weight_ih_{suffix}").copy_(layer.input_weight[:, direction].t())
            getattr(reference, f"weight_hh_{suffix}").copy_(layer.weight[direction].t())
            getattr(reference, f"bias_ih_{suffix}").copy_(layer.input_bias[direction])
            getattr(reference, f"bias_hh_{suffix}").copy_(torch.cat((torch.zeros(6), layer.bias[direction])))
    packed = nn.utils.rnn.pack_padded_sequence(inputs, LENGTHS, batch_first=True, enforce_sorted=False)
    expected, _ = nn.utils.rnn.pad_packed_sequence(reference(packed)[0], batch_first=True)
    actual = layer(inputs, reading_order(LENGTHS, 7))
    mask = (torch.arange(7) < LENGTHS.unsqueeze(1)).unsqueeze(2)
    torch.testing.assert_close(actual * mask, expected * mask, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("cell", "activation"), IN_LIBRARY)
def test_the_library_path_equals_the_path_by_hand(cell: str, activation: str) -> None:
    """The GPU runs `_by_library`, the CPU `_by_hand`; here both run on the CPU."""
    layer, inputs = random_layer(cell, activation), random_inputs().requires_grad_()
    steps = inputs.transpose(0, 1)
    order = reading_order(LENGTHS, 7).t().unsqueeze(2)
    weights = torch.randn(2, 7, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    results = []
    for method in (layer._by_hand, layer._by_library):
        forward, backward = method(steps, order)
        loss = (forward * weights[0]).sum() + (backward * weights[1]).sum()
        results.append([forward, backward, *torch.autograd.grad(loss, [inputs, *layer.parameters()])])
    for hand, library in zip(*results, strict=True):
        torch.testing.assert_close(hand, library, rtol=0, atol=1e-10)


@EVERY
def test_the_library_is_used_where_it_has_the_cell(cell: str, activation: str) -> None:
    layer = random_layer(cell, activation)
    assert layer.has_library == ((cell, activation) in IN_LIBRARY)


@EVERY
def test_the_weights_are_those_of_the_table(cell: str, activation: str) -> None:
    layer = random_layer(cell, activation)
    assert {name: tuple(p.shape) for name, p in layer.named_parameters()} == layer_shapes(cell, 5, 3)
    assert layer.state_dict().keys() == layer_shapes(cell, 5, 3).keys()
    states = layer(random_inputs(), reading_order(LENGTHS, 7))
    gradients = torch.autograd.grad(states.sum(), list(layer.parameters()))
    assert all(bool(gradient.any()) for gradient in gradients)


@EVERY
def test_half_precision_products_do_not_reach_the_recurrence(cell: str, activation: str) -> None:
    """Under mixed precision, as on a GPU, sums over time and all gradients stay in single precision."""
    torch.manual_seed(6)
    layer = build_layer(EncoderConfig(cell=cell, activation=activation, hidden_size=4), 5)
    inputs, order = random_inputs().float(), reading_order(LENGTHS, 7)
    exact = layer(inputs, order)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = layer(inputs, order)
    assert mixed.dtype == torch.float32
    assert not torch.equal(mixed, exact)
    torch.testing.assert_close(mixed, exact, rtol=0, atol=0.1)
    for gradient in torch.autograd.grad(mixed.sum(), list(layer.parameters())):
        assert gradient.dtype == torch.float32
        assert bool(gradient.isfinite().all())


def test_an_unknown_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="no such cell: tree"):
        build_layer(EncoderConfig(cell="tree"), 5)


@EVERY
@pytest.mark.parametrize("num_layers", [1, 3])
def test_padding_batch_mates_and_order_change_nothing(cell: str, activation: str, num_layers: int) -> None:
    torch.manual_seed(3)
    config = EncoderConfig(cell=cell, activation=activation, hidden_size=4, num_layers=num_layers)
    encoder = BidirectionalEncoder(5, config, 0.5).double().eval()
    inputs = random_inputs()
    together = encoder(inputs, LENGTHS)
    assert together.shape == (5, 7, 8)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = encoder(inputs[row : row + 1, :length], LENGTHS[row : row + 1])
        torch.testing.assert_close(together[row, :length], alone[0], rtol=0, atol=1e-12)
    mask = (torch.arange(7) < LENGTHS.unsqueeze(1)).unsqueeze(2)
    garbage = encoder(torch.where(mask, inputs, 1e3), LENGTHS)
    torch.testing.assert_close(together * mask, garbage * mask, rtol=0, atol=1e-12)
    order = torch.tensor([3, 0, 4, 2, 1])
    shuffled = encoder(inputs[order], LENGTHS[order])
    torch.testing.assert_close((together * mask)[order], shuffled * mask[order], rtol=0, atol=1e-12)


@EVERY
def test_every_token_sees_the_whole_sentence_and_nothing_else(cell: str, activation: str) -> None:
    torch.manual_seed(4)
    config = EncoderConfig(cell=cell, activation=activation, hidden_size=40)
    encoder = BidirectionalEncoder(5, config, 0.0).double().eval()
    with torch.no_grad():
        encoder.layers[0].input_bias.fill_(1.0)  # among so many rectified units some are never dead
    inputs = random_inputs().requires_grad_()
    for row, length in enumerate(LENGTHS.tolist()):
        for token in (0, length // 2, length - 1):
            (gradient,) = torch.autograd.grad(encoder(inputs, LENGTHS)[row, token].sum(), inputs)
            expected = torch.zeros(5, 7, dtype=torch.bool)
            expected[row, :length] = True
            assert torch.equal(gradient.abs().sum(2) > 0, expected)


def test_dropout_only_while_training() -> None:
    torch.manual_seed(5)
    encoder = BidirectionalEncoder(5, EncoderConfig(hidden_size=4), 0.5)
    inputs = random_inputs().float()
    assert not torch.equal(encoder(inputs, LENGTHS), encoder(inputs, LENGTHS))
    encoder.eval()
    assert torch.equal(encoder(inputs, LENGTHS), encoder(inputs, LENGTHS))
    # Behind the last layer dropped units are zero at every token of a sentence.
    outputs = encoder.train()(inputs, LENGTHS)
    for sentence, length in zip(outputs, LENGTHS.tolist(), strict=True):
        dropped = sentence[:length] == 0
        assert dropped.any()
        assert torch.equal(dropped.all(0), dropped.any(0))
