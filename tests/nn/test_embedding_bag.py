import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from rnncli.kernels.library import VARIABLE
from rnncli.nn.embedding_bag import embedding_bag

SUMS = (torch.tensor([[0, 3], [3, 3], [1, 0]]), None)
MEANS = (torch.tensor([2, 0, 0, 3, 1, 2]), torch.tensor([0, 1, 4]))


@pytest.mark.parametrize("kernels", ["", "off"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("places", "starts"), [SUMS, MEANS], ids=["sums", "means"])
def test_it_equals_the_function_of_torch(
    places: Tensor, starts: Tensor | None, dtype: torch.dtype, kernels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, kernels)
    torch.manual_seed(0)
    weights, gradients = torch.randn(5, 4, dtype=dtype), torch.randn(3, 4, dtype=dtype)
    tables = [weights.clone().requires_grad_() for _ in range(2)]
    found = embedding_bag(tables[0], places, starts)
    expected = F.embedding_bag(places, tables[1], starts, mode="sum" if starts is None else "mean")
    for result in (found, expected):
        (result * gradients).sum().backward()
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(tables[0].grad, tables[1].grad)


def test_numbers_may_lie_apart_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    table, places = torch.randn(8, 5).t().requires_grad_(), torch.randint(5, (6, 4, 2))[:, :, 0]
    results = []
    for kernels in ("", "off"):
        monkeypatch.setenv(VARIABLE, kernels)
        pooled = embedding_bag(table, places)
        # The gradient of a transposed product comes transposed.
        (gradient,) = torch.autograd.grad((pooled.t() @ torch.ones(6, 3)).sum(), table)
        results.append((pooled, gradient))
    torch.testing.assert_close(results[0], results[1])
