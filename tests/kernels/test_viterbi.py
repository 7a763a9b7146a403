"""The compiled search against the array operations, which tests/decoding/test_viterbi.py proves by enumeration."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from rnncli.data.tag_schemes import allowed_transitions
from rnncli.decoding.packed import Packing, pack
from rnncli.decoding.viterbi import FORBIDDEN, Viterbi
from rnncli.kernels.library import VARIABLE
from rnncli.kernels.viterbi import ViterbiKernel, load_viterbi_kernel

Floats = NDArray[np.float32]
Chain = tuple[Floats, Floats, Floats]

ONE_TAG = (np.zeros((1, 1), np.float32), np.zeros(1, np.float32), np.zeros(1, np.float32))

pytestmark = pytest.mark.skipif(load_viterbi_kernel(*ONE_TAG, FORBIDDEN) is None, reason="the kernels were not built")


@pytest.fixture(params=["", "generic"], autouse=True)
def _variant(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, request.param)


def load(chain: Chain) -> ViterbiKernel:
    kernel = load_viterbi_kernel(*chain, FORBIDDEN)
    assert kernel is not None
    return kernel


def in_numpy(chain: Chain, emissions: Floats, packing: Packing, monkeypatch: pytest.MonkeyPatch) -> NDArray[np.int64]:
    monkeypatch.setenv(VARIABLE, "off")
    return Viterbi(*chain).best(emissions, packing)


def drawn(num_tags: int, forbidden: float, *, is_whole: bool = False) -> Chain:
    """Random scores, a share of them forbidden; small whole numbers where ties are wanted."""
    generator = np.random.default_rng(num_tags)
    tables = [2 * generator.standard_normal(shape) for shape in ((num_tags, num_tags), (num_tags,), (num_tags,))]
    if is_whole:
        tables = [np.round(table) for table in tables]
    first, second, third = (
        np.where(generator.random(table.shape) < forbidden, FORBIDDEN, table).astype(np.float32) for table in tables
    )
    return first, second, third


def spans(num_types: int) -> Chain:
    """Scores of transitions between tags of spans, the illegal forbidden; tags in any order."""
    generator = np.random.default_rng(num_types)
    names = ["O", *(f"{prefix}-{kind}" for kind in range(num_types) for prefix in "BIES")]
    allowed = map(np.array, allowed_transitions([names[i] for i in generator.permutation(len(names))]))
    first, second, third = (
        np.where(table, 2 * generator.standard_normal(table.shape), FORBIDDEN).astype(np.float32) for table in allowed
    )
    return first, second, third


def scored(lengths: Sequence[int], num_tags: int, *, is_whole: bool = False) -> tuple[Floats, Packing]:
    emissions = 3 * np.random.default_rng(len(lengths)).standard_normal((sum(lengths), num_tags))
    return (np.round(emissions) if is_whole else emissions).astype(np.float32), pack(lengths)


def found(chain: Chain, emissions: Floats, packing: Packing) -> NDArray[np.int64]:
    return load(chain).best(emissions, packing.lengths, packing.offsets)


# Up to four sentences are searched side by side: fewer, as many, one more, and rests of several lengths.
LENGTHS = [[1], [3, 5, 5], [4, 4, 4, 4], [9, 1, 2, 9, 4], [30, 2, 17, 1, 1, 8, 8, 3, 12, 40, 5]]


@pytest.mark.parametrize("forbidden", [0.0, 0.4, 0.95, 1.0])
@pytest.mark.parametrize("num_tags", [1, 2, 7, 8, 9, 17, 49, 100])
@pytest.mark.parametrize("lengths", LENGTHS)
def test_paths_are_those_of_numpy(
    lengths: list[int], num_tags: int, forbidden: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where much is forbidden there are sentences without a legal path, which both must break at the same places."""
    chain, batch = drawn(num_tags, forbidden), scored(lengths, num_tags)
    path = found(chain, *batch)
    np.testing.assert_array_equal(path, in_numpy(chain, *batch, monkeypatch))


@pytest.mark.parametrize("forbidden", [0.0, 0.4])
@pytest.mark.parametrize("num_tags", [2, 7, 8, 21, 49])
def test_ties_are_broken_as_in_numpy(num_tags: int, forbidden: float, monkeypatch: pytest.MonkeyPatch) -> None:
    chain, batch = drawn(num_tags, forbidden, is_whole=True), scored(LENGTHS[-1], num_tags, is_whole=True)
    path = found(chain, *batch)
    np.testing.assert_array_equal(path, in_numpy(chain, *batch, monkeypatch))


@pytest.mark.parametrize("num_types", [1, 3, 12, 40])
def test_tags_of_spans(num_types: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = spans(num_types)
    batch = scored([25, 3, 25, 7, 60, 1, 31], len(chain[1]))
    path = found(chain, *batch)
    np.testing.assert_array_equal(path, in_numpy(chain, *batch, monkeypatch))
    assert len(set(path.tolist())) > 3
    steps = path[batch[1].rows()][:25]
    assert all(chain[0][one, other] > FORBIDDEN for one, other in itertools.pairwise(steps))


@pytest.mark.parametrize("forbidden", [0.0, 0.3])
@pytest.mark.parametrize("num_tags", [1, 2, 3])
def test_the_best_of_all_paths_is_found(num_tags: int, forbidden: float) -> None:
    """Among equals the path that is lowest when read from its end; whole numbers add up exactly."""
    chain = transitions, start, end = drawn(num_tags, forbidden, is_whole=True)
    for length in (1, 2, 5):
        emissions, packing = scored([length], num_tags, is_whole=True)
        totals = {}
        for path in itertools.product(range(num_tags), repeat=length):
            total = float(start[path[0]] + end[path[-1]] + sum(transitions[pair] for pair in itertools.pairwise(path)))
            totals[path[::-1]] = total + sum(float(emissions[t, tag]) for t, tag in enumerate(path))
        best = min(totals, key=lambda reverse: (-totals[reverse], reverse))
        assert tuple(found(chain, emissions, packing).tolist()) == best[::-1]


def test_a_sentence_of_many_tokens_keeps_its_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = spans(2)
    batch = scored([5000], len(chain[1]))
    path = found(chain, *batch)
    np.testing.assert_array_equal(path, in_numpy(chain, *batch, monkeypatch))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_lead_to_no_tag_that_is_none(value: float) -> None:
    emissions, packing = scored([4, 6, 6, 2, 3], 11)
    emissions[packing.offsets[1]] = value
    path = found(drawn(11, 0.3), emissions, packing)
    assert path.min() >= 0
    assert path.max() < 11
    everywhere = found(drawn(11, 0.3), np.full_like(emissions, value), packing)
    assert everywhere.min() >= 0
    assert everywhere.max() < 11


def test_it_is_left_aside_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "off")
    assert load_viterbi_kernel(*ONE_TAG, FORBIDDEN) is None


def test_the_search_uses_it_for_single_precision_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = np.full(3, 77)
    monkeypatch.setattr(ViterbiKernel, "best", lambda *_: answer)
    chain = drawn(2, 0.0)
    emissions, packing = scored([3], 2)
    assert Viterbi(*chain).best(emissions.astype(np.float64), packing).max() < 2
    assert Viterbi(*(table.astype(np.float64) for table in chain)).best(emissions, packing).max() < 2
    assert Viterbi(*chain).best(emissions, packing) is answer


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, np.zeros((3, 3))),
        (0, np.zeros((3, 2), np.float32)),
        (0, np.zeros((2, 2), np.float32)),
        (1, np.zeros(2, np.float32)),
        (1, np.zeros((3, 1), np.float32)),
        (2, np.zeros(4, np.float32)),
        (2, np.zeros(3)),
    ],
)
def test_an_unsound_chain_is_refused(place: int, value: NDArray[np.generic]) -> None:
    transitions, start, end = (value if i == place else table for i, table in enumerate(drawn(3, 0.0)))
    with pytest.raises(ValueError, match=":"):
        load_viterbi_kernel(transitions, start, end, FORBIDDEN)  # type: ignore[arg-type]


def sound() -> dict[str, NDArray[np.generic]]:
    """Three sentences of three, two and one tokens."""
    return {
        "emissions": np.zeros((6, 3), np.float32),
        "lengths": np.array([3, 2, 1]),
        "offsets": np.array([0, 3, 5]),
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("emissions", np.zeros((6, 3))),
        ("emissions", np.zeros((6, 6), np.float32)[:, ::2]),
        ("emissions", np.zeros((6, 2), np.float32)),
        ("emissions", np.zeros((5, 3), np.float32)),
        ("emissions", np.zeros((7, 3), np.float32)),
        ("emissions", np.zeros(18, np.float32)),
        ("lengths", np.array([3, 2, 1], np.int32)),
        ("lengths", np.array([1, 2, 3])),
        ("lengths", np.array([4, 2, 0])),
        ("lengths", np.array([3, 3, 0])),
        ("lengths", np.array([4, 1, 1])),
        ("lengths", np.zeros(0, np.int64)),
        ("lengths", np.array([[3, 2, 1]])),
        ("offsets", np.array([0, 3])),
        ("offsets", np.array([0, 3, 6])),
        ("offsets", np.array([0, 5, 5])),
        ("offsets", np.array([-1, 3, 5])),
        ("offsets", np.array([3, 0, 5])),
        ("offsets", np.array([0, 3, 5], np.int32)),
        ("offsets", np.array([0, 9, 3, 9, 5, 9])[::2]),
    ],
)
def test_unsound_places_are_refused(name: str, value: NDArray[np.generic]) -> None:
    kernel = load(drawn(3, 0.0))
    kernel.best(**sound())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=":"):
        kernel.best(**(sound() | {name: value}))  # type: ignore[arg-type]
