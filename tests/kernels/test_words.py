"""The compiled functions for words against NumPy's, and what they refuse."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rnncli.config import FeatureConfig
from rnncli.data.features import KINDS, WordFeatures, extract
from rnncli.kernels.library import VARIABLE
from rnncli.kernels.words import Layout, Texts, WordKernel, load_word_kernel

pytestmark = pytest.mark.skipif(load_word_kernel() is None, reason="the kernels were not built")

Floats = NDArray[np.float32]
VARIANTS = ["", "generic"]
SIZES = [1, 3, 8, 15, 16, 64, 125]


@pytest.fixture(params=VARIANTS)
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> WordKernel:
    monkeypatch.setenv(VARIABLE, request.param)
    found = load_word_kernel()
    assert found is not None
    return found


def test_it_is_left_aside_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "off")
    assert load_word_kernel() is None


@pytest.mark.parametrize("size", [1, 7, 64])
def test_every_finite_half_is_widened_to_the_same_number(kernel: WordKernel, size: int) -> None:
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)]
    table = np.resize(halves, (-(-len(halves) // size), size))
    pooled = np.empty(table.shape, np.float32)
    kernel.pool(table, np.arange(len(table)), np.arange(len(table) + 1), pooled)
    assert np.array_equal(pooled.view(np.uint32), table.astype(np.float32).view(np.uint32))


@pytest.mark.parametrize("is_mean", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_bags_are_pooled(kernel: WordKernel, size: int, is_mean: bool) -> None:
    """Bags of none, one and more rows, with places before and after all of them; sums are taken in NumPy's order."""
    generator = np.random.default_rng(size)
    table = generator.standard_normal((700, size)).astype(np.float16)
    counts = np.array([2, 0, 1, 5, 0, 3, *generator.integers(40, size=24)])
    starts = 4 + np.concatenate(([0], np.cumsum(counts)))
    places = generator.integers(700, size=starts[-1] + 3)
    pooled = np.full((30, size), np.nan, np.float32)
    kernel.pool(table, places, starts, pooled, is_mean=is_mean)
    for bag, count in enumerate(counts):
        expected = np.zeros(size, np.float32)
        for place in places[starts[bag] : starts[bag + 1]]:
            expected += table[place].astype(np.float32)
        np.testing.assert_array_equal(pooled[bag], expected / np.float32(max(count, 1) if is_mean else 1))


@pytest.mark.parametrize("num_words", [1, 5])
@pytest.mark.parametrize("size", [3, 16])
def test_bags_lie_side_by_side_in_rows_that_lie_apart(kernel: WordKernel, num_words: int, size: int) -> None:
    generator = np.random.default_rng(size)
    table = generator.standard_normal((9, size)).astype(np.float16)
    places = generator.integers(9, size=(num_words, 4, 2))
    whole = np.full((num_words, 6 * size), np.nan, np.float32)
    pooled = whole[:, size : 5 * size]
    kernel.pool(table, places.ravel(), np.arange(0, places.size + 1, 2), pooled)
    expected = table.astype(np.float32)[places].sum(2).reshape(num_words, -1)
    np.testing.assert_array_equal(pooled, expected)
    assert np.isnan(whole[:, :size]).all()
    assert np.isnan(whole[:, 5 * size :]).all()


@pytest.mark.parametrize("num_pieces", [1, 2, 3])
@pytest.mark.parametrize("size", SIZES)
def test_the_largest_pieces_are_normalised(kernel: WordKernel, size: int, num_pieces: int) -> None:
    generator = np.random.default_rng(size)
    pieces, bias, scale, shift = (
        generator.standard_normal(shape).astype(np.float32)
        for shape in ((20, num_pieces * size), num_pieces * size, size, size)
    )
    pieces[0] = 0
    pieces[1] *= 1e4
    before = pieces.copy()
    vectors = kernel.normalise(pieces, bias, scale, shift, 1e-5)
    largest = (pieces + bias).astype(np.float64).reshape(20, num_pieces, size).max(1)
    centred = largest - largest.mean(1, keepdims=True)
    expected = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5) * scale + shift
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected, rtol=1e-5, atol=2e-6)
    assert np.array_equal(pieces, before)


@pytest.mark.parametrize("place", [4, 24, 44])
def test_what_is_not_a_number_stays_so(kernel: WordKernel, place: int) -> None:
    pieces = np.zeros((3, 60), np.float32)
    pieces[1, place] = np.nan
    vectors = kernel.normalise(pieces, np.zeros(60, np.float32), *np.ones((2, 20), np.float32), 1e-5)
    assert np.isnan(vectors).all(1).tolist() == [False, True, False]


def features_by(variant: str, words: Sequence[str], config: FeatureConfig) -> WordFeatures:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, variant)
        return extract(words, config)


def assert_hashed_alike(words: Sequence[str], config: FeatureConfig) -> None:
    expected = features_by("off", words, config)
    for variant in VARIANTS:
        found = features_by(variant, words, config)
        for name in ("rows", "ngrams", "ngram_starts"):
            array = getattr(found, name)
            assert array.dtype == np.int64
            assert np.array_equal(array, getattr(expected, name)), name


@given(
    st.lists(st.text(st.characters(exclude_categories=[]), max_size=50), min_size=1, max_size=8),
    st.integers(1, 8),
    st.integers(0, 6),
)
def test_words_are_hashed_as_by_numpy(words: list[str], shortest: int, longer: int) -> None:
    assert_hashed_alike(words, replace(FeatureConfig(), ngram_min=shortest, ngram_max=shortest + longer))


@pytest.mark.parametrize(("shortest", "longest"), [(3, 5), (1, 1), (2, 64), (64, 64)])
def test_odd_words_are_hashed_as_by_numpy(shortest: int, longest: int) -> None:
    odd = ["", "a", "<", "<>", "\0", "\0" * 50, "aaaa", "aaaaa", "İI" * 20, "ﬁ", "\ud800", "🙂🙂", "x" * 40, "x" * 41]
    config = replace(FeatureConfig(), ngram_min=shortest, ngram_max=longest, letter_rows=1, word_rows=1 << 24)
    for words in (odd, [""], odd[::-1]):
        assert_hashed_alike(words, config)


def sound_bags() -> dict[str, Any]:
    return {
        "table": np.zeros((3, 2), np.float16),
        "places": np.array([0, 2, 1]),
        "starts": np.array([0, 1, 3]),
        "pooled": np.zeros((2, 2), np.float32),
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("table", np.zeros((3, 2), np.float32)),
        ("table", np.zeros((3, 2), np.int16)),
        ("table", np.zeros((3, 4), np.float16)[:, ::2]),
        ("table", np.zeros((2, 2), np.float16)),
        ("table", np.zeros((3, 3), np.float16)),
        ("table", np.zeros((3, 0), np.float16)),
        ("table", np.zeros(6, np.float16)),
        ("table", np.frombuffer(bytes(13), np.uint8)[1:].view(np.float16).reshape(3, 2)),
        ("places", np.array([0, -1, 1])),
        ("places", np.array([0, 3, 1])),
        ("places", np.array([0, 2, 1], np.int32)),
        ("places", np.array([0, 2])),
        ("places", np.array([[0, 2], [1, 0], [1, 2]])),
        ("starts", np.array([0, 3, 1])),
        ("starts", np.array([0, 1])),
        ("starts", np.array([-1, 1, 3])),
        ("starts", np.array([0, 1, 4])),
        ("pooled", np.zeros((3, 2), np.float32)),
        ("pooled", np.zeros((2, 3), np.float32)),
        ("pooled", np.zeros((2, 2))),
        ("pooled", np.zeros(4, np.float32)),
        ("pooled", np.zeros((2, 2), np.float32)[::-1]),
        ("pooled", np.zeros((2, 4), np.float32)[:, ::2]),
        ("pooled", np.zeros((2, 2), np.float32).T),
        ("pooled", np.broadcast_to(np.zeros((1, 2), np.float32), (2, 2))),
        ("pooled", np.zeros((2, 0), np.float32)),
    ],
)
def test_unsound_bags_are_refused(kernel: WordKernel, name: str, value: NDArray[np.generic]) -> None:
    kernel.pool(**sound_bags())
    with pytest.raises(ValueError, match=":"):
        kernel.pool(**(sound_bags() | {name: value}))


def test_what_cannot_be_written_to_is_refused(kernel: WordKernel) -> None:
    arrays = sound_bags()
    arrays["pooled"].flags.writeable = False
    with pytest.raises(ValueError, match=":"):
        kernel.pool(**arrays)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pieces", np.zeros((2, 6))),
        ("pieces", np.zeros((2, 5), np.float32)),
        ("pieces", np.zeros(6, np.float32)),
        ("bias", np.zeros(3, np.float32)),
        ("bias", np.zeros((2, 6), np.float32)),
        ("scale", np.zeros(4, np.float32)),
        ("scale", np.zeros(3)),
        ("scale", np.float32(1)),
        ("shift", np.zeros(2, np.float32)),
    ],
)
def test_unsound_pieces_are_refused(kernel: WordKernel, name: str, value: NDArray[np.generic]) -> None:
    shapes = {"pieces": (2, 6), "bias": 6, "scale": 3, "shift": 3}
    arrays: dict[str, Any] = {key: np.zeros(shape, np.float32) for key, shape in shapes.items()}
    kernel.normalise(**arrays, epsilon=1e-5)
    with pytest.raises(ValueError, match=":"):
        kernel.normalise(**(arrays | {name: value}), epsilon=1e-5)
    sizes_of_none = {"scale": np.zeros(0, np.float32), "shift": np.zeros(0, np.float32)}
    with pytest.raises(ValueError, match=":"):
        kernel.normalise(**(arrays | sizes_of_none), epsilon=1e-5)


TEXTS = Texts(np.arange(9, dtype=np.uint32), np.array([0, 4, 9]))
SHAPES = Texts(np.arange(5, dtype=np.uint32), np.array([0, 2, 5]))
LAYOUT = Layout(np.full(len(KINDS), 4), 7, 3, 5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"texts": TEXTS._replace(codes=TEXTS.codes.astype(np.int64))},
        {"texts": TEXTS._replace(codes=TEXTS.codes[:8])},
        {"texts": TEXTS._replace(starts=np.array([0, 1, 9]))},
        {"texts": TEXTS._replace(starts=np.array([-2, 4, 9]))},
        {"texts": TEXTS._replace(starts=np.array([0, 9]))},
        {"texts": TEXTS._replace(starts=np.array([0, (1 << 63) - 1, -1 << 63, -1, 9]))},
        {"texts": TEXTS._replace(starts=np.zeros(0, np.int64))},
        {"texts": TEXTS._replace(starts=TEXTS.starts.astype(np.int32))},
        {"shapes": SHAPES._replace(codes=SHAPES.codes[::-1])},
        {"shapes": SHAPES._replace(codes=SHAPES.codes[:4])},
        {"shapes": SHAPES._replace(starts=np.array([0, 5, 2]))},
        {"shapes": SHAPES._replace(starts=np.array([0, 2, 3, 5]))},
        {"layout": LAYOUT._replace(sizes=np.full(len(KINDS) - 1, 4))},
        {"layout": LAYOUT._replace(sizes=np.zeros(len(KINDS), np.int64))},
        {"layout": LAYOUT._replace(sizes=np.full(len(KINDS), 1 << 33))},
        {"layout": LAYOUT._replace(sizes=np.full(len(KINDS), 4.0))},
        {"layout": LAYOUT._replace(num_ngram_rows=0)},
        {"layout": LAYOUT._replace(num_ngram_rows=1 << 33)},
        {"layout": LAYOUT._replace(shortest=0)},
        {"layout": LAYOUT._replace(shortest=6)},
        {"layout": LAYOUT._replace(longest=1 << 40)},
    ],
)
def test_unsound_texts_are_refused(kernel: WordKernel, wrong: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"texts": TEXTS, "shapes": SHAPES, "layout": LAYOUT}
    kernel.hash(**arguments)
    with pytest.raises(ValueError, match=":"):
        kernel.hash(**(arguments | wrong))
