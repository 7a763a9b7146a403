"""The CRF against the enumeration of every tag sequence."""

import itertools

import pytest
import torch
from torch import Tensor

from rnncli.nn.crf import LinearChainCRF, independent_loss, log_partition_function, path_score

FORBIDDEN = -1e4


def paths(num_tags: int, length: int) -> list[tuple[int, ...]]:
    return list(itertools.product(range(num_tags), repeat=length))


def score_by_hand(emissions: Tensor, path: tuple[int, ...], transitions: Tensor, start: Tensor, end: Tensor) -> Tensor:
    score = start[path[0]] + end[path[-1]]
    for t, tag in enumerate(path):
        score = score + emissions[t, tag]
        if t:
            score = score + transitions[path[t - 1], tag]
    return score


def random_crf(seed: int, num_tags: int, *, constrained: bool) -> LinearChainCRF:
    """A CRF with random scores; with constraints, the path 0, 0, ... stays legal, so that the partition exists."""
    generator = torch.Generator().manual_seed(seed)
    chance = 0.4 if constrained else 0.0
    allowed = torch.rand(num_tags, num_tags, generator=generator) >= chance
    start, end = (torch.rand(2, num_tags, generator=generator) >= chance).unbind()
    allowed[0, 0] = start[0] = end[0] = True
    crf = LinearChainCRF(allowed, start, end).double()
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return crf


def legal(crf: LinearChainCRF, path: tuple[int, ...]) -> bool:
    transitions, start, end = crf.scores()
    return bool(
        start[path[0]] > FORBIDDEN
        and end[path[-1]] > FORBIDDEN
        and all(transitions[i, j] > FORBIDDEN for i, j in itertools.pairwise(path))
    )


def random_batch(seed: int, num_tags: int) -> tuple[Tensor, Tensor, Tensor]:
    """Sentences of every length from 1 to 5, shuffled."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randperm(5, generator=generator) + 1
    emissions = 2 * torch.randn(5, 5, num_tags, generator=generator, dtype=torch.float64)
    tags = torch.randint(num_tags, (5, 5), generator=generator)
    return emissions, tags, lengths


CASES = [
    (seed, num_tags, constrained) for seed in range(4) for num_tags in (1, 2, 3, 4) for constrained in (False, True)
]


@pytest.mark.parametrize(("seed", "num_tags", "constrained"), CASES)
def test_partition_function_and_loss_equal_enumeration(seed: int, num_tags: int, constrained: bool) -> None:
    crf = random_crf(seed, num_tags, constrained=constrained)
    emissions, tags, lengths = random_batch(seed, num_tags)
    for row, length in enumerate(lengths.tolist()):
        # Gold tags must be a legal path: the likelihood of another one is zero, and its logarithm means nothing.
        choices = [path for path in paths(num_tags, length) if legal(crf, path)]
        tags[row, :length] = torch.tensor(choices[(7 * seed + row) % len(choices)])
    scores = crf.scores()
    partition = log_partition_function(emissions, lengths, *scores)
    loss = crf(emissions, tags, lengths)
    assert partition.shape == loss.shape == (5,)
    for row, length in enumerate(lengths.tolist()):
        # Only the legal paths are summed, with the raw scores: this also checks that the mask forbids entirely.
        every = [
            score_by_hand(emissions[row], path, crf.transitions, crf.start, crf.end)
            for path in paths(num_tags, length)
            if legal(crf, path)
        ]
        expected = torch.logsumexp(torch.stack(every), 0)
        gold = score_by_hand(emissions[row], tuple(tags[row, :length].tolist()), crf.transitions, crf.start, crf.end)
        torch.testing.assert_close(partition[row], expected, rtol=0, atol=1e-10)
        torch.testing.assert_close(loss[row], expected - gold, rtol=0, atol=1e-10)


def test_probabilities_of_all_paths_sum_to_one() -> None:
    crf = random_crf(1, 3, constrained=False)
    emissions = torch.randn(1, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    every = torch.tensor(paths(3, 4))
    losses = crf(emissions.expand(len(every), -1, -1), every, torch.full((len(every),), 4))
    torch.testing.assert_close(torch.exp(-losses).sum(), torch.tensor(1.0, dtype=torch.float64))


def test_path_score_by_hand() -> None:
    emissions = torch.tensor([[[1.0, 2.0], [4.0, 8.0], [100.0, 200.0]]])
    transitions = torch.tensor([[0.0, 16.0], [32.0, 0.5]])
    start, end = torch.tensor([64.0, 0.25]), torch.tensor([128.0, 0.125])
    score = path_score(emissions, torch.tensor([[1, 0, 1]]), torch.tensor([2]), transitions, start, end)
    assert score.tolist() == [0.25 + 2 + 32 + 4 + 128]


@pytest.mark.parametrize("constrained", [False, True])
def test_gradients_equal_finite_differences(constrained: bool) -> None:
    crf = random_crf(5, 3, constrained=constrained)
    emissions, _, lengths = random_batch(5, 3)
    inputs = [emissions, *crf.scores()]
    leaves = [tensor.detach().clone().requires_grad_() for tensor in inputs]

    def partition(emissions: Tensor, transitions: Tensor, start: Tensor, end: Tensor) -> Tensor:
        return log_partition_function(emissions, lengths, transitions, start, end)

    assert torch.autograd.gradcheck(partition, leaves)


def test_gradients_of_the_loss_equal_those_through_enumeration() -> None:
    """Guards the weighting of sentences by their incoming gradients, and the mask of the parameters' gradients."""
    crf = random_crf(6, 3, constrained=True)
    emissions, tags, lengths = random_batch(6, 3)
    tags[:] = 0
    emissions.requires_grad_()
    weights = torch.tensor([1.0, -2.0, 0.5, 0.0, 3.0], dtype=torch.float64)
    leaves = [emissions, *crf.parameters()]
    actual = torch.autograd.grad((crf(emissions, tags, lengths) * weights).sum(), leaves)
    losses = []
    for row, length in enumerate(lengths.tolist()):
        scores = [
            score_by_hand(emissions[row], path, crf.transitions, crf.start, crf.end)
            for path in paths(3, length)
            if legal(crf, path)
        ]
        gold = score_by_hand(emissions[row], (0,) * length, crf.transitions, crf.start, crf.end)
        losses.append(torch.logsumexp(torch.stack(scores), 0) - gold)
    expected = torch.autograd.grad((torch.stack(losses) * weights).sum(), leaves)
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-10)


def test_marginals_sum_to_one_and_respect_the_mask() -> None:
    """The gradient by the emissions is the marginal distribution of each token's tag."""
    crf = random_crf(7, 4, constrained=True)
    emissions, _, lengths = random_batch(7, 4)
    emissions.requires_grad_()
    (marginals,) = torch.autograd.grad(log_partition_function(emissions, lengths, *crf.scores()).sum(), emissions)
    assert (marginals >= 0).all()
    mask = torch.arange(5) < lengths.unsqueeze(1)
    torch.testing.assert_close(marginals.sum(2), mask.double())
    start_forbidden = crf.get_buffer("forbidden_start")
    assert start_forbidden.any()
    assert (marginals[:, 0, start_forbidden] == 0).all()


@pytest.mark.parametrize("garbage", [0.0, 10.0, 50.0])
def test_padding_changes_neither_loss_nor_gradients(garbage: float) -> None:
    crf = random_crf(8, 3, constrained=True)
    emissions, tags, lengths = random_batch(8, 3)
    tags[:] = 0
    mask = torch.arange(5) < lengths.unsqueeze(1)

    def run(emissions: Tensor, tags: Tensor, lengths: Tensor) -> list[Tensor]:
        emissions = emissions.clone().requires_grad_()
        loss = crf(emissions, tags, lengths)
        return [loss.detach(), *torch.autograd.grad(loss.sum(), [emissions, *crf.parameters()])]

    clean = run(emissions, tags, lengths)
    dirty = run(
        torch.where(mask.unsqueeze(2), emissions, garbage * torch.randn_like(emissions)),
        torch.where(mask, tags, 2),
        lengths,
    )
    for one, other in zip(clean, dirty, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-10)
    for row, length in enumerate(lengths.tolist()):
        alone = run(emissions[row : row + 1, :length], tags[row : row + 1, :length], lengths[row : row + 1])
        torch.testing.assert_close(alone[0], clean[0][row : row + 1], rtol=0, atol=1e-10)
        torch.testing.assert_close(alone[1][0], clean[1][row, :length], rtol=0, atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_extreme_emissions_stay_finite_and_right(dtype: torch.dtype) -> None:
    """Without the rescaling of every step the sums overflow at a score of 89 in float32."""
    crf = random_crf(9, 3, constrained=False)
    signs = torch.randint(2, (16, 5, 3), generator=torch.Generator().manual_seed(9)) * 2.0 - 1
    emissions = (1e3 * signs).to(dtype).requires_grad_()
    lengths = torch.full((16,), 5)
    scores = [score.to(dtype) for score in crf.scores()]
    partition = log_partition_function(emissions, lengths, *scores)
    (marginals,) = torch.autograd.grad(partition.sum(), emissions)
    assert torch.isfinite(partition).all()
    assert torch.isfinite(marginals).all()
    expected = [
        torch.logsumexp(
            torch.stack([score_by_hand(row, p, crf.transitions, crf.start, crf.end) for p in paths(3, 5)]),
            0,
        )
        for row in emissions.detach().double()
    ]
    torch.testing.assert_close(partition.double(), torch.stack(expected), rtol=1e-6, atol=0)


def test_long_sentence_keeps_its_scale() -> None:
    """With all scores zero the partition of T tokens is T log K, however long the sentence."""
    length, num_tags = 3000, 7
    zeros = torch.zeros(num_tags)
    scores = (torch.zeros(num_tags, num_tags), zeros, zeros)
    value = log_partition_function(torch.zeros(1, length, num_tags), torch.tensor([length]), *scores)
    expected = length * torch.log(torch.tensor(float(num_tags)))
    torch.testing.assert_close(value, expected.view(1), rtol=1e-5, atol=0)


@pytest.mark.parametrize(("seed", "num_tags"), [(seed, size) for seed in range(3) for size in (1, 2, 5)])
def test_the_loss_without_transitions_equals_a_loop_and_a_crf_of_zeros(seed: int, num_tags: int) -> None:
    emissions, tags, lengths = random_batch(seed, num_tags)
    loss = independent_loss(emissions, tags, lengths)
    assert loss.shape == (5,)
    for row, length in enumerate(lengths.tolist()):
        by_hand = sum(emissions[row, t].exp().sum().log() - emissions[row, t, tags[row, t]] for t in range(length))
        torch.testing.assert_close(loss[row], torch.as_tensor(by_hand), rtol=0, atol=1e-12)
    crf = LinearChainCRF(*(torch.ones(shape, dtype=torch.bool) for shape in ((num_tags, num_tags), num_tags, num_tags)))
    torch.testing.assert_close(loss, crf.double()(emissions, tags, lengths), rtol=0, atol=1e-10)


def test_the_loss_without_transitions_ignores_padding_and_has_the_right_gradients() -> None:
    emissions, tags, lengths = random_batch(4, 3)
    filler = torch.arange(5) >= lengths.unsqueeze(1)
    other = emissions.masked_fill(filler.unsqueeze(2), 123.0).requires_grad_()
    loss = independent_loss(other, tags.masked_fill(filler, 0), lengths)
    torch.testing.assert_close(loss.detach(), independent_loss(emissions, tags, lengths), rtol=0, atol=0)
    loss.sum().backward()
    assert other.grad is not None
    assert not other.grad[filler].any()
    assert other.grad[~filler].abs().min() > 0
    assert torch.autograd.gradcheck(lambda e: independent_loss(e, tags, lengths), emissions.requires_grad_())
