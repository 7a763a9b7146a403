import pytest
import torch

from rnncli.kernels.library import VARIABLE
from rnncli.nn.hashed_table import HashedTable


@pytest.mark.parametrize("kernels", ["", "off"])
@pytest.mark.parametrize("shape", [(7,), (4, 3), (3, 2, 2), (50,)])
def test_the_rows_touched_are_the_distinct_ones(
    shape: tuple[int, ...], kernels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, kernels)
    torch.manual_seed(0)
    table = HashedTable(9, 4, scale=1.0).train()
    rows = torch.randint(9, shape)
    values, places = table.gather(rows)
    assert table.touched is not None
    unique, positions = torch.unique(rows, return_inverse=True)
    assert torch.equal(table.touched[0], unique)
    assert torch.equal(places, positions)
    assert torch.equal(values[places], table.weight[rows])
    assert values.requires_grad


def test_without_training_rows_stay_where_they_are() -> None:
    table = HashedTable(9, 4, scale=1.0).eval()
    rows = torch.tensor([3, 3, 8])
    values, places = table.gather(rows)
    assert values is table.weight
    assert places is rows
    assert table.touched is None
