"""Known words: what was put in is in, what was not is not, and the file holds no words."""

import zlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.known_words import KnownWords

words = st.text(max_size=6)  # halves of surrogate pairs included


@given(st.lists(words), st.lists(words))
def test_words_are_known_or_not(inside: list[str], outside: list[str]) -> None:
    known = KnownWords.of(inside)
    again = KnownWords(known.to_array())
    hashes = {zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in inside}
    for word in inside:
        assert word in known
        assert word in again
    for word in set(outside) - set(inside):
        assert (word in known) == (zlib.crc32(word.encode("utf-8", "surrogatepass")) in hashes)
        assert (word in again) == (word in known)


@given(st.lists(words))
def test_the_array_depends_on_the_set_alone(inside: list[str]) -> None:
    array = KnownWords.of(inside).to_array()
    assert array.dtype == np.uint32
    assert (np.diff(array.astype(np.int64)) > 0).all()
    assert np.array_equal(array, KnownWords.of(reversed(inside * 2)).to_array())


def test_case_and_form_matter_and_other_things_are_not_known() -> None:
    known = KnownWords.of(["Ada", "e\u0301"])
    assert "ada" not in known
    assert "\u00e9" not in known
    assert 7 not in known
    assert None not in known
    assert "" not in KnownWords.of([])
    assert KnownWords.of([]).to_array().shape == (0,)


def test_strangers_are_seldom_taken_for_known_words() -> None:
    known = KnownWords.of(f"word{i}" for i in range(50_000))
    found = sum(f"other{i}" in known for i in range(200_000))
    assert found < 20  # 2.3 are expected
