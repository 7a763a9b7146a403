"""Two ways of computing the same, compared with their gradients."""

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

Function = Callable[..., Tensor]
SHAPES = [(1, 1, 1, 1), (1, 2, 3, 5), (7, 2, 4, 3), (13, 1, 2, 6), (6, 3, 5, 4)]
PRECISIONS = [(torch.float32, 1e-5), (torch.float64, 1e-10)]


def assert_equal_with_gradients(
    function: Function, reference: Function, inputs: Sequence[Tensor], tolerance: float
) -> None:
    actual, expected = function(*inputs), reference(*inputs)
    torch.testing.assert_close(actual, expected, rtol=0, atol=tolerance)
    # Of order one, so that the tolerance means the same for long and short sequences.
    weights = torch.randn(actual.shape, generator=torch.Generator().manual_seed(1), dtype=actual.dtype)
    weights /= actual.numel() ** 0.5
    gradients = torch.autograd.grad((actual * weights).sum(), inputs)
    references = torch.autograd.grad((expected * weights).sum(), inputs)
    for one, other in zip(gradients, references, strict=True):
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


@pytest.fixture
def assert_same() -> Callable[[Function, Function, Sequence[Tensor], float], None]:
    return assert_equal_with_gradients


@pytest.fixture
def draw() -> Callable[..., tuple[Tensor, ...]]:
    """Draws normal tensors of the given shapes that need gradients."""

    def run(*shapes: tuple[int, ...], dtype: torch.dtype = torch.float64, seed: int = 0) -> tuple[Tensor, ...]:
        generator = torch.Generator().manual_seed(seed)
        return tuple(torch.randn(shape, generator=generator, dtype=dtype).requires_grad_() for shape in shapes)

    return run


@pytest.fixture(params=SHAPES, ids=str)
def shape(request: pytest.FixtureRequest) -> tuple[int, int, int, int]:
    """T, G, B, H."""
    found: tuple[int, int, int, int] = request.param
    return found


@pytest.fixture(params=PRECISIONS, ids=["float32", "float64"])
def precision(request: pytest.FixtureRequest) -> tuple[torch.dtype, float]:
    """A type and how close results must be."""
    found: tuple[torch.dtype, float] = request.param
    return found
