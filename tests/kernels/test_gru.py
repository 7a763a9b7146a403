from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rnncli.errors import UsageError
from rnncli.kernels.gru import INTERFACE, GRUKernel, Places, load_gru_kernel
from rnncli.kernels.library import VARIABLE, supported_variants
from rnncli.nn.cells.gru import GRULayer, gru_sequence

pytestmark = pytest.mark.skipif(load_gru_kernel() is None, reason="the kernels were not built")

Arrays = dict[str, NDArray[Any]]
TOLERANCES = {np.float32: 2e-5, np.float64: 1e-12}


@pytest.fixture(params=supported_variants("gru", INTERFACE))
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> GRUKernel:
    monkeypatch.setenv(VARIABLE, request.param)
    found = load_gru_kernel()
    assert found is not None
    return found


def padded(lengths: list[int]) -> Places:
    falling, width = np.array(sorted(lengths, reverse=True)), max(lengths)
    return Places(np.arange(len(lengths)) * width, falling, np.arange(width))


def drawn(rng: np.random.Generator, num_rows: int, size: int, dtype: type) -> Arrays:
    shapes = {"gates": (num_rows, 3 * size), "weight": (size, 3 * size), "bias": (size,), "grad": (num_rows, size)}
    return {name: (rng.standard_normal(shape) * 0.7).astype(dtype) for name, shape in shapes.items()}


def expected(places: Places, arrays: Arrays, reverse: bool) -> tuple[Arrays, dict[str, NDArray[Any]]]:
    """Run sentence by sentence through the plain loop of torch; return states and gradients."""
    inputs = {name: torch.tensor(arrays[name], requires_grad=True) for name in ("gates", "weight", "bias")}
    states = np.zeros_like(arrays["grad"])
    total = torch.zeros((), dtype=inputs["gates"].dtype)
    for start, length in zip(places.starts, places.lengths, strict=True):
        rows = torch.from_numpy(start + places.offsets[:length])
        rows = rows.flip(0) if reverse else rows
        shown = gru_sequence(inputs["gates"][rows][:, None, None], inputs["weight"][None], inputs["bias"][None])
        states[rows] = shown[:, 0, 0].detach().numpy()
        total = total + (shown[:, 0, 0] * torch.tensor(arrays["grad"])[rows]).sum()
    total.backward()
    return {"states": states}, {name: tensor.grad.numpy() for name, tensor in inputs.items() if tensor.grad is not None}


def computed(
    kernel: GRUKernel, places: Places, arrays: Arrays, reverse: bool, shares: int = 1
) -> tuple[Arrays, dict[str, NDArray[Any]]]:
    size = len(arrays["weight"])
    states, previous = np.zeros_like(arrays["grad"]), np.zeros_like(arrays["grad"])
    saved = np.zeros((len(states), 4 * size), states.dtype)
    d_gates, d_recurrent = np.zeros_like(arrays["gates"]), np.zeros_like(arrays["gates"])
    weight = arrays["weight"]
    for part in ((i, shares) for i in range(shares)):
        kernel.forward(places, arrays["gates"], None, weight, arrays["bias"], states, saved, reverse=reverse, part=part)
    for part in ((i, shares) for i in range(shares)):
        kernel.backward(
            places,
            arrays["grad"],
            states,
            saved,
            weight,
            d_gates,
            d_recurrent,
            previous,
            reverse=reverse,
            part=part,
        )
    d_bias = d_recurrent[:, 2 * size :].sum(0)
    return {"states": states}, {"gates": d_gates, "weight": previous.T @ d_recurrent, "bias": d_bias}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("size", [1, 3, 8, 17, 40])
def test_states_and_gradients_are_those_of_the_plain_loop(
    kernel: GRUKernel, size: int, reverse: bool, dtype: type
) -> None:
    rng = np.random.default_rng(size)
    for num_sentences in (1, 2, 5, 6, 7, 13, 25):
        places = padded(rng.integers(1, 9, num_sentences).tolist())
        arrays = drawn(rng, int(places.starts[-1]) + len(places.offsets), size, dtype)
        wanted, got = expected(places, arrays, reverse), computed(kernel, places, arrays, reverse)
        for name in ("gates", "weight", "bias"):
            np.testing.assert_allclose(got[1][name], wanted[1][name], rtol=0, atol=10 * TOLERANCES[dtype])
        np.testing.assert_allclose(got[0]["states"], wanted[0]["states"], rtol=0, atol=TOLERANCES[dtype])


def test_shares_of_the_sentences_add_up(kernel: GRUKernel) -> None:
    rng = np.random.default_rng(1)
    places = padded(rng.integers(1, 9, 29).tolist())
    arrays = drawn(rng, int(places.starts[-1]) + len(places.offsets), 12, np.float32)
    whole, shared = (computed(kernel, places, arrays, True, shares) for shares in (1, 4))
    np.testing.assert_array_equal(whole[0]["states"], shared[0]["states"])
    np.testing.assert_array_equal(whole[1]["gates"], shared[1]["gates"])


def test_a_sentence_is_computed_to_the_bit_as_it_is_alone(kernel: GRUKernel) -> None:
    rng = np.random.default_rng(2)
    places = padded([9, 9, 7, 5, 5, 4, 3, 1])
    arrays = drawn(rng, 72, 24, np.float32)
    together = computed(kernel, places, arrays, False)[0]["states"]
    for start, length in zip(places.starts, places.lengths, strict=True):
        alone = np.zeros((9, 24), np.float32)
        one = Places(np.zeros(1, np.int64), np.array([length]), np.arange(9))
        own = arrays["gates"][start : start + 9]
        kernel.forward(one, own, None, arrays["weight"], arrays["bias"], alone, reverse=False)
        np.testing.assert_array_equal(alone[:length], together[start : start + length])


def test_gates_are_taken_by_row(kernel: GRUKernel) -> None:
    rng = np.random.default_rng(3)
    places = padded([6, 4, 1])
    arrays = drawn(rng, 5, 10, np.float32)
    rows = rng.integers(0, 5, 18)
    by_row, taken = np.zeros((18, 10), np.float32), np.zeros((18, 10), np.float32)
    weight, bias = arrays["weight"], arrays["bias"]
    kernel.forward(places, arrays["gates"], rows, weight, bias, by_row, reverse=True)
    kernel.forward(places, arrays["gates"][rows], None, weight, bias, taken, reverse=True)
    assert taken.any()
    np.testing.assert_array_equal(by_row, taken)


def test_what_is_not_a_number_stays_visible(kernel: GRUKernel) -> None:
    arrays = drawn(np.random.default_rng(4), 4, 9, np.float32)
    arrays["gates"][1, 2] = np.nan
    states = np.zeros((4, 9), np.float32)
    places = padded([4])
    kernel.forward(places, arrays["gates"], None, arrays["weight"], arrays["bias"], states, reverse=False)
    assert not np.isnan(states[0]).any()
    assert np.isnan(states[1]).any()


def test_huge_gates_saturate(kernel: GRUKernel) -> None:
    gates = np.array([[1e30, -1e30, 1e30], [-1e30, 1e30, -1e30], [np.inf, -np.inf, -np.inf]], np.float32)
    states, weight = np.zeros((3, 1), np.float32), np.ones((1, 3), np.float32)
    kernel.forward(padded([3]), gates, None, weight, np.zeros(1, np.float32), states, reverse=False)
    np.testing.assert_allclose(states[:, 0], [1, 1, -1], atol=1e-6)


def test_two_threads_compute_what_one_does(kernel: GRUKernel) -> None:
    rng = np.random.default_rng(5)
    places = padded(rng.integers(1, 30, 40).tolist())
    arrays = drawn(rng, int(places.starts[-1]) + len(places.offsets), 32, np.float32)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda reverse: computed(kernel, places, arrays, reverse)[0]["states"], (False, True)))
    for reverse, states in zip((False, True), both, strict=True):
        np.testing.assert_array_equal(states, computed(kernel, places, arrays, reverse)[0]["states"])


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_layers_gradients_are_right(kernel: GRUKernel, threads: int) -> None:
    torch.manual_seed(6)
    layer = GRULayer(3, 4).double()
    lengths = torch.tensor([2, 5, 1, 4])
    positions = torch.arange(5)
    flipped = torch.where(positions < lengths[:, None], lengths[:, None] - 1 - positions, positions)
    mask = (positions < lengths[:, None]).unsqueeze(2)
    inputs = torch.randn(4, 5, 3, dtype=torch.float64, requires_grad=True)
    parameters = [parameter.requires_grad_() for parameter in layer.parameters()]
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert torch.autograd.gradcheck(lambda x, *_: layer(x, flipped) * mask, (inputs, *parameters))
    finally:
        torch.set_num_threads(before)


def wrong_calls() -> dict[str, dict[str, Any]]:
    ones = np.ones((6, 4), np.float32)
    places = padded([3, 3])
    return {
        "no sentences": {"places": Places(*(np.zeros(0, np.int64) for _ in range(3)))},
        "rising lengths": {"places": Places(np.array([0, 3]), np.array([2, 3]), np.arange(3))},
        "an empty sentence": {"places": Places(np.array([0, 3]), np.array([3, 0]), np.arange(3))},
        "a start below zero": {"places": Places(np.array([-1, 3]), np.array([3, 3]), np.arange(3))},
        "a start too far": {"places": Places(np.array([0, 4]), np.array([3, 3]), np.arange(3))},
        "too few offsets": {"places": Places(places.starts, places.lengths, np.arange(2))},
        "falling offsets": {"places": Places(places.starts, places.lengths, np.array([2, 1, 0]))},
        "short integers": {"places": Places(places.starts.astype(np.int32), places.lengths, places.offsets)},
        "narrow gates": {"gates": np.ones((6, 11), np.float32)},
        "few gates": {"gates": np.ones((5, 12), np.float32)},
        "other gates": {"gates": np.ones((6, 12), np.float64)},
        "columns apart": {"states": np.ones((6, 8), np.float32)[:, ::2]},
        "rows backwards": {"states": ones[::-1]},
        "a row too far": {"rows": np.array([0, 1, 2, 3, 4, 6])},
        "a row below zero": {"rows": np.array([0, 1, 2, 3, 4, -1])},
        "few rows": {"rows": np.arange(5)},
        "a long bias": {"bias": np.ones(5, np.float32)},
        "half precision": {"weight": np.ones((4, 12), np.float16)},
        "little to save in": {"saved": np.ones((6, 15), np.float32)},
        "no such part": {"part": (1, 1)},
    }


@pytest.mark.parametrize("name", wrong_calls())
def test_what_does_not_fit_is_refused(kernel: GRUKernel, name: str) -> None:
    call: dict[str, Any] = {
        "places": padded([3, 3]),
        "gates": np.ones((6, 12), np.float32),
        "rows": None,
        "weight": np.ones((4, 12), np.float32),
        "bias": np.ones(4, np.float32),
        "states": np.ones((6, 4), np.float32),
        "saved": np.ones((6, 16), np.float32),
        "reverse": False,
    }
    kernel.forward(**call)
    with pytest.raises(ValueError, match=":"):
        kernel.forward(**(call | wrong_calls()[name]))


def test_gradients_that_do_not_fit_are_refused(kernel: GRUKernel) -> None:
    widths = {"grad": 1, "states": 1, "saved": 4, "weight": 3, "d_gates": 3, "d_recurrent": 3, "previous": 1}
    call = {name: np.ones((6, 4 * width), np.float32) for name, width in widths.items()}
    call["weight"] = np.ones((4, 12), np.float32)
    places = padded([3, 3])
    kernel.backward(places, **call, reverse=False)
    for name, width in widths.items():
        with pytest.raises(ValueError, match=":"):
            kernel.backward(places, **(call | {name: np.ones((6, 4 * width + 1), np.float32)}), reverse=False)


def test_the_environment_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "off")
    assert load_gru_kernel() is None
    monkeypatch.setenv(VARIABLE, "abacus")
    with pytest.raises(UsageError, match=r"RNNCLI_KERNELS=abacus: this machine has .*generic and off"):
        load_gru_kernel()
