"""The bridge to torchtext, and the proof that both order the same tokens for the same counts."""

import ssl
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.vocabulary import SPECIALS, Vocabulary

pytest.importorskip("torchtext", reason="the extra rnncli[torchtext] is not installed")
from torchtext.vocab import Vectors, Vocab

from rnncli.integrations.torchtext_vocab import (
    from_torchtext_vectors,
    from_torchtext_vocab,
    to_torchtext_vectors,
    to_torchtext_vocab,
    torchtext_ids,
)

COUNTS = st.dictionaries(st.one_of(st.text(max_size=3), st.sampled_from(SPECIALS)), st.integers(1, 5))
SPECIAL_LISTS = st.lists(st.sampled_from([*SPECIALS, "<mask>"]), unique=True)


@given(COUNTS, SPECIAL_LISTS, st.integers(1, 4), st.one_of(st.none(), st.integers(0, 6)))
def test_build_orders_tokens_as_torchtext(
    counts: dict[str, int], specials: list[str], min_freq: int, room: int | None
) -> None:
    theirs = Vocab(Counter(counts), max_size=room, min_freq=min_freq, specials=specials)
    max_tokens = None if room is None else room + len(specials)
    ours = Vocabulary.build(counts, specials=specials, min_freq=min_freq, max_tokens=max_tokens)
    assert ours.get_itos() == theirs.itos
    assert ours.get_stoi() == dict(theirs.stoi)


@given(COUNTS)
def test_a_default_torchtext_vocabulary_becomes_what_we_would_build(counts: dict[str, int]) -> None:
    counts = {token: count for token, count in counts.items() if token not in SPECIALS}
    assert from_torchtext_vocab(Vocab(Counter(counts))) == Vocabulary.build(counts)


def test_special_ids_are_remapped_by_hand() -> None:
    vocab = Vocab(Counter(["a", "a", "b"]), specials=["<unk>", "<pad>", "<eos>"])
    vocabulary = from_torchtext_vocab(vocab)
    assert vocabulary.get_itos() == ["<pad>", "<unk>", "<bos>", "<eos>", "a", "b"]
    assert torchtext_ids(vocabulary, vocab) == [1, 0, None, 2, 3, 4]


def test_specials_at_the_end_move_to_the_front() -> None:
    vocab = Vocab(Counter(["a", "a", "b"]), specials_first=False)
    assert vocab.itos == ["a", "b", "<unk>", "<pad>"]
    assert from_torchtext_vocab(vocab).get_itos() == ["<pad>", "<unk>", "<bos>", "<eos>", "a", "b"]


def test_tokens_that_were_only_asked_for_are_not_taken_over() -> None:
    vocab = Vocab(Counter(["a"]))
    assert vocab.stoi["never seen"] == 0
    assert "never seen" not in from_torchtext_vocab(vocab)


@given(COUNTS, SPECIAL_LISTS)
def test_there_and_back(counts: dict[str, int], specials: list[str]) -> None:
    vocabulary = Vocabulary.build(counts, specials=specials)
    vocab = to_torchtext_vocab(vocabulary)
    assert from_torchtext_vocab(vocab, specials=specials) == vocabulary
    assert [vocab.itos[index] for index in torchtext_ids(vocabulary, vocab)] == vocabulary.get_itos()
    assert [vocab.stoi[token] for token in vocab.itos] == list(range(len(vocabulary)))


def test_torchtext_finds_its_specials_where_it_expects_them() -> None:
    vocab = to_torchtext_vocab(Vocabulary(["a"]))
    assert vocab.itos == ["<unk>", "<pad>", "<bos>", "<eos>", "a"]
    assert (vocab["a"], vocab["unknown"], vocab.stoi["unknown"], vocab.unk_index) == (4, 0, 0, 0)


@pytest.fixture
def vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vectors:
    # torchtext turns off the checking of certificates for the whole process when it reads a file.
    monkeypatch.setattr(ssl, "_create_default_https_context", ssl._create_default_https_context)
    (tmp_path / "vectors.txt").write_text("b 1 2 3\nnew 4 5 6\na 7 8 9\n", encoding="utf-8")
    return Vectors("vectors.txt", cache=str(tmp_path))


def test_vectors_come_in_our_order(vectors: Vectors) -> None:
    matrix, found = from_torchtext_vectors(vectors, Vocabulary(["a", "b", "c"], specials=["<unk>"]))
    assert matrix.tolist() == [[0, 0, 0], [7, 8, 9], [1, 2, 3], [0, 0, 0]]
    assert found.tolist() == [False, True, True, False]
    assert matrix.dtype == np.float32
    matrix[:] = -1
    assert vectors["a"].tolist() == [7, 8, 9]


def test_no_token_has_a_vector(vectors: Vectors) -> None:
    matrix, found = from_torchtext_vectors(vectors, Vocabulary([]))
    assert matrix.shape == (4, 3)
    assert not matrix.any()
    assert not found.any()


def test_vectors_there_and_back() -> None:
    vocabulary = Vocabulary(["a", "b"])
    matrix = np.random.default_rng(1).standard_normal((6, 5)).astype(np.float32)
    vectors = to_torchtext_vectors(vocabulary, matrix)
    back, found = from_torchtext_vectors(vectors, vocabulary)
    assert np.array_equal(back, matrix)
    assert found.all()


def test_torchtext_can_use_our_vectors() -> None:
    vocabulary = Vocabulary(["a", "b"])
    matrix = np.arange(18, dtype=np.float32).reshape(6, 3)
    context = ssl._create_default_https_context
    vectors = to_torchtext_vectors(vocabulary, matrix)
    assert ssl._create_default_https_context is context
    matrix[:] = -1
    vocab = Vocab(Counter(["a", "new"]), vectors=vectors)
    assert vocab.vectors[vocab.stoi["a"]].tolist() == [12, 13, 14]
    assert vocab.vectors[vocab.stoi["new"]].tolist() == [0, 0, 0]
    assert len(vectors) == 6


@pytest.mark.parametrize("shape", [(5, 3), (6,)])
def test_vectors_must_fit_the_vocabulary(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        to_torchtext_vectors(Vocabulary(["a", "b"]), np.zeros(shape, dtype=np.float32))
