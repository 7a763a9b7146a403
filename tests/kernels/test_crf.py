"""The compiled loss against the array operations, which tests/nn/test_crf.py proves by enumeration."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnncli.kernels.crf import CRFKernel, Scores, load_crf_kernel
from rnncli.kernels.library import VARIABLE
from rnncli.nn.crf import LinearChainCRF, log_partition_function, path_score

pytestmark = pytest.mark.skipif(load_crf_kernel() is None, reason="the kernels were not built")

FORBIDDEN = -1e4


@pytest.fixture(params=["", "generic"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> CRFKernel:
    monkeypatch.setenv(VARIABLE, request.param)
    found = load_crf_kernel()
    assert found is not None
    return found


def test_it_is_left_aside_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "off")
    assert load_crf_kernel() is None


def drawn(num_tags: int, lengths: list[int], scale: float = 2.0) -> Scores:
    """Random scores with forbidden transitions; the path 0, 0, ... stays legal, and is the gold one in part."""
    generator = np.random.default_rng(num_tags)
    shape = (len(lengths), max(lengths))
    transitions, edges = generator.standard_normal((num_tags, num_tags)), generator.standard_normal((2, num_tags))
    for scores in (transitions, edges):
        is_forbidden = generator.random(scores.shape) < 0.4
        is_forbidden[..., 0] = False
        scores[is_forbidden] = FORBIDDEN
    return Scores(
        (generator.standard_normal((*shape, num_tags)) * scale).astype(np.float32),
        transitions.astype(np.float32),
        *edges.astype(np.float32),
        np.zeros(shape, np.int64),
        np.array(lengths),
    )


def by_torch(scores: Scores, weights: NDArray[np.float32], dtype: torch.dtype) -> list[Tensor]:
    floats = (scores.emissions, scores.transitions, scores.start, scores.end)
    emissions, *others = leaves = [torch.tensor(array, dtype=dtype, requires_grad=True) for array in floats]
    tags, lengths = torch.from_numpy(scores.tags), torch.from_numpy(scores.lengths)
    losses = log_partition_function(emissions, lengths, *others) - path_score(emissions, tags, lengths, *others)
    return [losses.detach(), *torch.autograd.grad((losses * torch.tensor(weights)).sum(), leaves)]


def by_kernel(kernel: CRFKernel, scores: Scores, weights: NDArray[np.float32]) -> list[Tensor]:
    losses, saved = kernel.forward(scores)
    return [torch.from_numpy(array) for array in (losses, *kernel.backward(saved, weights))]


@pytest.mark.parametrize("num_tags", [1, 2, 7, 8, 25, 49])
def test_loss_and_gradients_equal_those_in_double_precision(kernel: CRFKernel, num_tags: int) -> None:
    scores = drawn(num_tags, [4, 1, 9, 2, 5])
    gold = np.random.default_rng(0).integers(num_tags, size=scores.tags.shape)
    scores = replace(scores, tags=gold, transitions=np.where(scores.transitions == FORBIDDEN, -3, scores.transitions))
    weights = np.array([1.0, -2.0, 0.5, 0.0, 3.0], np.float32)
    for one, other in zip(by_kernel(kernel, scores, weights), by_torch(scores, weights, torch.float64), strict=True):
        torch.testing.assert_close(one.double(), other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("scale", [1.0, 50.0, 1000.0])
def test_forbidden_transitions_and_extreme_scores(kernel: CRFKernel, scale: float) -> None:
    scores, weights = drawn(9, [30, 1, 17], scale), np.ones(3, np.float32)
    found, expected = by_kernel(kernel, scores, weights), by_torch(scores, weights, torch.float32)
    for one, other in zip(found, expected, strict=True):
        assert torch.isfinite(one).all()
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    assert (found[2][torch.from_numpy(scores.transitions == FORBIDDEN)] <= 0).all()


def test_a_long_sentence_keeps_its_scale(kernel: CRFKernel) -> None:
    scores = drawn(7, [3000])
    flat = replace(scores, emissions=np.zeros_like(scores.emissions), transitions=np.zeros((7, 7), np.float32))
    flat = replace(flat, start=np.zeros(7, np.float32), end=np.zeros(7, np.float32))
    losses, saved = kernel.forward(flat)
    assert losses[0] == pytest.approx(3000 * np.log(7), rel=1e-6)
    np.testing.assert_allclose(kernel.backward(saved, np.ones(1, np.float32))[0][0, :, 1], 1 / 7, rtol=1e-5)


def test_padding_is_not_looked_at(kernel: CRFKernel) -> None:
    scores, weights = drawn(5, [3, 6, 1]), np.ones(3, np.float32)
    is_padding = np.arange(6) >= scores.lengths[:, None]
    garbage = np.where(is_padding[:, :, None], np.nan, scores.emissions).astype(np.float32)
    dirty = replace(scores, emissions=garbage, tags=np.where(is_padding, 4, scores.tags))
    for one, other in zip(by_kernel(kernel, dirty, weights), by_kernel(kernel, scores, weights), strict=True):
        assert torch.equal(one, other)
    assert not by_kernel(kernel, dirty, weights)[1][torch.from_numpy(is_padding)].any()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_scores_that_are_not_finite_give_such_a_loss_without_a_word(kernel: CRFKernel, value: float) -> None:
    scores = drawn(3, [4, 4])
    scores.emissions[0, 2, 1] = value
    losses = kernel.forward(scores)[0]
    assert not np.isfinite(losses[0])
    assert np.isfinite(losses[1])


@pytest.mark.parametrize("is_constrained", [False, True])
def test_the_layer_gives_the_same_with_and_without_it(is_constrained: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    allowed = torch.rand(6, 6) > 0.3 if is_constrained else torch.ones(6, 6, dtype=torch.bool)
    allowed[0, 0] = True
    crf = LinearChainCRF(allowed, torch.ones(6, dtype=torch.bool), torch.ones(6, dtype=torch.bool))
    torch.nn.init.normal_(crf.transitions)
    # Scores of one head among others lie apart in memory.
    emissions = torch.randn(4, 5, 9, requires_grad=True)
    tags, lengths = torch.zeros(4, 5, dtype=torch.int64), torch.tensor([5, 2, 1, 4])
    results = []
    for kernels in ("", "off"):
        monkeypatch.setenv(VARIABLE, kernels)
        losses = crf(emissions[:, :, 2:8], tags, lengths)
        results.append([losses, *torch.autograd.grad(losses.mean(), [emissions, *crf.parameters()])])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


SCORES = drawn(3, [2, 4])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("emissions", SCORES.emissions.astype(np.float64)),
        ("emissions", SCORES.emissions[:, ::2]),
        ("emissions", np.zeros((2, 4, 2), np.float32)),
        ("emissions", np.zeros((0, 4, 3), np.float32)),
        ("transitions", np.zeros((3, 2), np.float32)),
        ("start", np.zeros(2, np.float32)),
        ("end", np.zeros(4, np.float32)),
        ("tags", np.full((2, 4), 3)),
        ("tags", np.full((2, 4), -1)),
        ("tags", np.zeros((2, 3), np.int64)),
        ("lengths", np.array([0, 4])),
        ("lengths", np.array([2, 5])),
        ("lengths", np.array([2, 4], np.int32)),
    ],
)
def test_unsound_scores_are_refused(kernel: CRFKernel, name: str, value: NDArray[np.generic]) -> None:
    with pytest.raises(ValueError, match=":"):
        kernel.forward(replace(SCORES, **{name: value}))  # type: ignore[arg-type]


def test_unsound_weights_are_refused(kernel: CRFKernel) -> None:
    _, saved = kernel.forward(SCORES)
    for weights in (np.ones(3, np.float32), np.ones(2)):
        with pytest.raises(ValueError, match=":"):
            kernel.backward(saved, weights)
