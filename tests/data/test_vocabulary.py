"""Vocabulary: its order, its lookups and its bytes. The order of torchtext is proven in tests/integrations."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.vocabulary import SPECIALS, Vocabulary

# UTF-8 cannot hold a lone surrogate. Every other string must survive, and these characters are the dangerous ones.
TEXT = st.text(st.one_of(st.sampled_from("\\\nn\r\t\0\x85\u2028\ufeff \"'4"), st.characters(exclude_categories=["Cs"])))
TOKENS = st.lists(TEXT, unique=True).filter(lambda tokens: not set(tokens) & set(SPECIALS))
COUNTS = st.dictionaries(st.one_of(st.text(max_size=3), st.sampled_from(SPECIALS)), st.integers(1, 5))


def test_specials_have_the_promised_indices() -> None:
    vocabulary = Vocabulary.build({"a": 1})
    assert [vocabulary[token] for token in ("<pad>", "<unk>", "<bos>", "<eos>", "a")] == [0, 1, 2, 3, 4]
    assert vocabulary.specials == SPECIALS


def test_order_is_count_descending_then_code_points() -> None:
    counts = {"b": 2, "ä": 2, "Z": 2, "a": 2, "rare": 1, "often": 9}
    assert Vocabulary.build(counts, specials=()).get_itos() == ["often", "Z", "a", "b", "ä", "rare"]


@given(COUNTS, st.integers(1, 4), st.one_of(st.none(), st.integers(4, 10)))
def test_build_keeps_exactly_the_most_frequent(counts: dict[str, int], min_freq: int, max_tokens: int | None) -> None:
    vocabulary = Vocabulary.build(counts, min_freq=min_freq, max_tokens=max_tokens)
    eligible = {token for token in counts if token not in SPECIALS and counts[token] >= min_freq}
    kept = vocabulary.get_itos()[len(SPECIALS) :]
    room = len(eligible) if max_tokens is None else max_tokens - len(SPECIALS)
    assert set(kept) <= eligible
    assert len(kept) == min(room, len(eligible))
    for before, after in pairwise(kept):
        assert counts[before] > counts[after] or (counts[before] == counts[after] and before < after)
    for left_out in eligible - set(kept):
        assert counts[left_out] <= counts[kept[-1]] if kept else room == 0


@given(st.lists(st.lists(st.sampled_from(["a", "b", "<unk>", ""]))))
def test_build_counts_sentences_itself(sentences: list[list[str]]) -> None:
    counts = Counter(token for sentence in sentences for token in sentence)
    assert Vocabulary.build(iter(sentences)) == Vocabulary.build(counts)


@pytest.mark.parametrize(("min_freq", "max_tokens", "problem"), [(0, None, "min_freq"), (1, 3, "max_tokens must be 4")])
def test_build_refuses_impossible_limits(min_freq: int, max_tokens: int | None, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Vocabulary.build({"a": 1}, min_freq=min_freq, max_tokens=max_tokens)


@pytest.mark.parametrize("tokens", [["a", "b", "a"], ["<unk>"]])
def test_a_token_has_one_index(tokens: list[str]) -> None:
    with pytest.raises(ValueError, match=f"{tokens[-1]}' occurs twice"):
        Vocabulary(tokens)


@given(TOKENS)
def test_lookups_invert_each_other(tokens: list[str]) -> None:
    vocabulary = Vocabulary(tokens)
    everything = [*SPECIALS, *tokens]
    indices = vocabulary.lookup_indices(everything)
    assert indices == list(range(len(vocabulary))) == [vocabulary[token] for token in everything]
    assert vocabulary.lookup_tokens(indices) == everything == vocabulary.get_itos() == list(vocabulary)
    assert vocabulary.get_stoi() == dict(zip(everything, indices, strict=True))


def test_unknown_tokens_have_the_default_index() -> None:
    vocabulary = Vocabulary(["a"])
    assert vocabulary.default_index == 1
    assert vocabulary.lookup_indices(["a", "new"]) == [4, 1]
    assert vocabulary["new"] == 1
    assert "new" not in vocabulary
    assert "a" in vocabulary


@pytest.mark.parametrize("vocabulary", [Vocabulary(["a"], specials=["<pad>"]), Vocabulary(["<unk>"], specials=[])])
def test_unknown_tokens_are_an_error_without_unk_among_the_specials(vocabulary: Vocabulary) -> None:
    assert vocabulary.default_index is None
    with pytest.raises(KeyError, match="new"):
        vocabulary["new"]
    with pytest.raises(KeyError, match="new"):
        vocabulary.lookup_indices(["new"])


@pytest.mark.parametrize("index", [-1, 5])
def test_an_index_out_of_range_is_an_error(index: int) -> None:
    with pytest.raises(IndexError, match=str(index)):
        Vocabulary(["a"]).lookup_tokens([index])


def test_what_it_hands_out_is_a_copy() -> None:
    vocabulary = Vocabulary(["a"])
    vocabulary.get_itos().clear()
    vocabulary.get_stoi().clear()
    assert vocabulary.lookup_indices(["a"]) == [4]
    assert vocabulary.lookup_tokens([4]) == ["a"]


def test_equality_and_hash() -> None:
    vocabulary = Vocabulary(["a", "b"])
    assert vocabulary == Vocabulary(["a", "b"])
    assert hash(vocabulary) == hash(Vocabulary(["a", "b"]))
    assert vocabulary != Vocabulary(["b", "a"])
    assert vocabulary != Vocabulary([*SPECIALS, "a", "b"], specials=[])
    assert vocabulary != [*SPECIALS, "a", "b"]


@given(TOKENS, st.integers(0, 4))
def test_bytes_are_lossless(tokens: list[str], num_specials: int) -> None:
    vocabulary = Vocabulary(tokens, specials=SPECIALS[:num_specials])
    data = vocabulary.to_bytes()
    assert Vocabulary.from_bytes(data) == vocabulary
    assert Vocabulary.from_bytes(data).default_index == vocabulary.default_index
    assert data.count(b"\n") == len(vocabulary) + 1


@given(TOKENS, st.data())
def test_cut_bytes_are_never_taken_for_the_whole(tokens: list[str], data: st.DataObject) -> None:
    vocabulary = Vocabulary(tokens)
    whole = vocabulary.to_bytes()
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        assert len(Vocabulary.from_bytes(cut)) < len(vocabulary)
    except ValueError:
        assert cut == b"" or not cut.endswith(b"\n") or cut.count(b"\n") <= len(SPECIALS)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "newline"),
        (b"0\na", "newline"),
        (b"3\na\n", "number of specials"),
        (b"-1\na\n", "number of specials"),
        ("\u0664\n".encode(), "number of specials"),
        (b"0\na\na\n", "twice"),
        (b"0\na\\x\n", "unknown escape"),
        (b"0\na\\\n", "unknown escape"),
        (b"0\n\xff\n", "utf-8"),
    ],
)
def test_bytes_that_nobody_wrote_are_refused(data: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Vocabulary.from_bytes(data)


def test_a_lone_surrogate_cannot_be_written() -> None:
    with pytest.raises(ValueError, match=r"'x\\udc80' holds a lone surrogate"):
        Vocabulary(["fine", "x\udc80"]).to_bytes()
