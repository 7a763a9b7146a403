import pytest
import torch

from rnncli.errors import ResourceError
from rnncli.training import devices

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def test_without_a_wish_a_gpu_computes_in_half_precision() -> None:
    assert devices.choose_precision(None, CPU) == "fp32"
    assert devices.choose_precision(None, GPU) == "bf16"
    assert devices.choose_precision("fp32", GPU) == "fp32"


@pytest.mark.parametrize(("half", "full"), [(1.0, 3.0), (1.0, 1.0)])
def test_a_processor_that_has_such_products_takes_them(
    half: float, full: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = {torch.bfloat16: half, torch.float32: full}
    monkeypatch.setattr(devices, "_product_time", times.__getitem__)
    assert devices.choose_precision("bf16", CPU) == "bf16"


def test_a_processor_without_such_products_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    times = {torch.bfloat16: 30.0, torch.float32: 2.0}
    monkeypatch.setattr(devices, "_product_time", times.__getitem__)
    with pytest.raises(ResourceError, match=r"bf16 products take 15\.0 times as long"):
        devices.choose_precision("bf16", CPU)


def test_a_product_is_timed() -> None:
    assert 0 < devices._product_time(torch.float32) < 1
