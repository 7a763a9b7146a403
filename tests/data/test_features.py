"""Features of words against hashes computed one word at a time."""

from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.config import FeatureConfig
from rnncli.data.features import KINDS, extract, table_sizes, vector_rows


def tables_of(*sizes: int) -> FeatureConfig:
    """A configuration whose tables, whichever there are, have these numbers of rows in turn."""
    names = [field.name for field in fields(FeatureConfig) if field.name.endswith("_rows")]
    return replace(FeatureConfig(), **{name: sizes[i % len(sizes)] for i, name in enumerate(names)})


CONFIG = tables_of(97, 53, 31, 41, 1009)
WORDS = ["Merkel", "a", "in", "U.S.", "1,234.56", "ANKARAgücü", "ﬁ", "İstanbul", "🙂🙂", "e\u0301", "\ud800", "x\0", ""]

LONG = ["Donau" * 8, "Donau" * 8 + "x", "A" + "b" * 300 + "1234567890", "y" * 41, "-" * 8]
MASK = (1 << 64) - 1
MULTIPLIERS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)


def fnv1a(codes: Sequence[int]) -> int:
    """FNV-1a of 64 bits, over code points."""
    state = 0xCBF29CE484222325
    for code in codes:
        state = ((state ^ code) * 0x100000001B3) & MASK
    return state


def row_of(value: int, multiplier: int, size: int) -> int:
    mixed = ((value ^ (value >> 32)) * multiplier) & MASK
    return ((mixed >> 32) * size) >> 32


def cut(word: str) -> str:
    return word if len(word) <= 40 else word[:30] + word[-10:]


def points(text: str) -> list[int]:
    return [ord(char) for char in text]


def shape(word: str) -> list[int]:
    """Kinds of the characters, runs cut after four: 1 upper case, 2 other letter, 3 digit, others by themselves."""

    def kind(char: str) -> int:
        return 1 if char.isupper() else 2 if char.isalpha() else 3 if char.isdigit() else ord(char) + 4

    return [k for k, run in groupby(map(kind, word)) for k in list(run)[:4]]


def expected_rows(word: str, config: FeatureConfig) -> list[list[int]]:
    norm = cut(word.lower())
    # Suffixes are hashed from the end of the word.
    values = [norm, norm[:1], norm[:2], norm[:3], *[norm[-n:][::-1] for n in (1, 2, 3, 4)]]
    hashes = [*[fnv1a(points(value)) for value in values], fnv1a(shape(cut(word)))]
    sizes = table_sizes(config)
    return [
        [sum(sizes[:i]) + row_of(value, multiplier, sizes[i]) for multiplier in MULTIPLIERS]
        for i, value in enumerate(hashes)
    ]


def expected_ngrams(word: str, config: FeatureConfig) -> list[int]:
    text = f"<{cut(word.lower())}>"
    grams = [text[i : i + n] for n in range(config.ngram_min, config.ngram_max + 1) for i in range(len(text) - n + 1)]
    return [row_of(fnv1a(points(gram)), MULTIPLIERS[0], config.ngram_rows) for gram in grams]


def ngrams_by_word(words: Sequence[str], config: FeatureConfig) -> list[list[int]]:
    features = extract(words, config)
    return [part.tolist() for part in np.split(features.ngrams, features.ngram_starts[1:])]


@pytest.mark.parametrize("word", [*WORDS, *LONG])
def test_rows_equal_those_of_hashes_computed_alone(word: str) -> None:
    assert extract([word], CONFIG).rows[0].tolist() == expected_rows(word, CONFIG)


@pytest.mark.parametrize("word", [word for word in [*WORDS, *LONG] if word])
@pytest.mark.parametrize(("shortest", "longest"), [(3, 5), (1, 2), (2, 2), (3, 9)])
def test_ngrams_equal_those_of_hashes_computed_alone(word: str, shortest: int, longest: int) -> None:
    config = replace(CONFIG, ngram_min=shortest, ngram_max=longest)
    [grams] = ngrams_by_word([word], config)
    assert sorted(grams) == sorted(expected_ngrams(word, config))


@given(st.lists(st.text(st.characters(exclude_categories=[]), max_size=50), min_size=1, max_size=8, unique=True))
def test_a_word_alone_has_the_features_it_has_among_others(words: list[str]) -> None:
    """Guards the padding of short words beside long ones."""
    together = extract(words, CONFIG)
    grams = ngrams_by_word(words, CONFIG)
    for i, word in enumerate(words):
        assert np.array_equal(together.rows[i], extract([word], CONFIG).rows[0])
        assert together.rows[i].tolist() == expected_rows(word, CONFIG)
        assert grams[i] == ngrams_by_word([word], CONFIG)[0]


@given(st.lists(st.text(max_size=60), min_size=1, max_size=8), st.integers(1, 40))
def test_shapes_and_bounds(words: list[str], size: int) -> None:
    config = tables_of(size, size + 1, 2 * size)
    features = extract(words, config)
    assert features.rows.shape == (len(words), len(KINDS), 2)
    assert features.rows.dtype == features.ngrams.dtype == features.ngram_starts.dtype == np.int64
    ends = np.cumsum(table_sizes(config))
    starts = ends - table_sizes(config)
    assert (features.rows >= starts[:, None]).all()
    assert (features.rows < ends[:, None]).all()
    assert ((features.ngrams >= 0) & (features.ngrams < config.ngram_rows)).all()
    assert features.ngram_starts.shape == (len(words),)
    assert features.ngram_starts[0] == 0
    assert (np.diff([*features.ngram_starts, len(features.ngrams)]) >= 1).all()


def test_every_feature_has_a_table_and_words_have_their_own() -> None:
    sizes = table_sizes(CONFIG)
    assert len(sizes) == len(KINDS)
    assert sizes[KINDS.index("norm")] == CONFIG.word_rows
    assert CONFIG.affix_rows in sizes


BIG = tables_of(1 << 24)


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("merkel", "Merkel", set(KINDS) - {"shape"}),
        ("Merkel", "Merkur", {"prefix1", "prefix2", "prefix3", "shape"}),
        ("Berlin", "Dublin", {"suffix1", "suffix2", "suffix3", "shape"}),
        ("1999", "2024", {"shape"}),
        ("Regierung", "Verfassung", {"suffix1", "suffix2", "suffix3", "shape"}),
        ("ab", "aba", {"prefix1", "prefix2"}),
    ],
)
def test_what_words_share_by_hand(one: str, other: str, shared: set[str]) -> None:
    rows = extract([one, other], BIG).rows
    same = (rows[0] == rows[1]).all(1)
    assert {kind for kind, equal in zip(KINDS, same.tolist(), strict=True) if equal} == shared


def test_both_rows_of_a_feature_differ_mostly() -> None:
    """Two words that share one row by chance must not share the other: guards the use of one multiplier twice."""
    words = [f"word{i}" for i in range(3000)]
    rows = extract(words, CONFIG).rows[:, 0]
    pairs = len({tuple(row) for row in rows.tolist()})
    # 3,000 words among 97 rows: of the 9,409 pairs of rows about 2,570 are met.
    assert pairs > 2000
    assert len(set(rows[:, 0].tolist())) == 97


def test_vector_rows_prefer_the_word_itself_to_its_lower_case() -> None:
    rows = {"<unk>": 0, "Us": 1, "us": 2, "the": 3}
    assert vector_rows(["Us", "US", "us", "The", "cat", "<unk>"], rows) == [1, 2, 2, 3, 0, 0]
