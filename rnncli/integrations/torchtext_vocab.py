"""Bridge to torchtext 0.6.0, its last release in pure Python: vocabularies and word vectors, both ways.

torchtext puts ``<unk>`` at 0 and ``<pad>`` at 1, we put ``<pad>`` at 0 and ``<unk>`` at 1. So indices differ, and
`torchtext_ids` says how. The order of all other tokens stays as it is.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torchtext.vocab import Vectors, Vocab

from rnncli.data.vocabulary import PAD, SPECIALS, UNK, Vocabulary

_TORCHTEXT_FIRST = (UNK, PAD)


def from_torchtext_vocab(vocab: Vocab, *, specials: Sequence[str] = SPECIALS) -> Vocabulary:
    """Make our vocabulary from a torchtext one.

    Args:
        vocab: The torchtext vocabulary. Its vectors are not converted: reorder their rows by `torchtext_ids`.
        specials: Our specials. Those that stand anywhere in `vocab` move to the front, the others are added.

    Returns:
        The vocabulary: the specials, then all other tokens in the order of `vocab`.
    """
    # Not `vocab.stoi`: it is a defaultdict, which gains every unknown token that was ever looked up.
    return Vocabulary([token for token in vocab.itos if token not in specials], specials=specials)


def to_torchtext_vocab(vocabulary: Vocabulary) -> Vocab:
    """Make a torchtext vocabulary from ours.

    Args:
        vocabulary: Our vocabulary.

    Returns:
        The torchtext vocabulary: ``<unk>`` and ``<pad>`` as far as they are specials, the other specials, then all
        tokens in our order. Its `freqs` are empty, since our vocabulary keeps no counts.
    """
    first = [special for special in _TORCHTEXT_FIRST if special in vocabulary.specials]
    specials = first + [special for special in vocabulary.specials if special not in first]
    vocab = Vocab(Counter(), specials=specials)
    # The constructor would sort the tokens by a count that we do not have.
    vocab.itos.extend(vocabulary.get_itos()[len(specials) :])
    vocab.stoi.update({token: index for index, token in enumerate(vocab.itos)})
    return vocab


def torchtext_ids(vocabulary: Vocabulary, vocab: Vocab) -> list[int | None]:
    """Say where each of our tokens stands in a torchtext vocabulary.

    Args:
        vocabulary: Our vocabulary.
        vocab: The torchtext vocabulary.

    Returns:
        For each of our indices the torchtext index, None where `vocab` lacks the token. The rows of an embedding that
        was trained with `vocab` come into our order by this list.
    """
    indices = {token: index for index, token in enumerate(vocab.itos)}
    return [indices.get(token) for token in vocabulary]


def from_torchtext_vectors(vectors: Vectors, vocabulary: Vocabulary) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Take the vectors of our tokens out of torchtext word vectors.

    Args:
        vectors: The torchtext vectors, of size E.
        vocabulary: Our vocabulary, of size V.

    Returns:
        [V, E] the vectors in our order, zeros where there is none, and [V] whether there is one. Both are copies.
    """
    rows = [vectors.stoi.get(token, -1) for token in vocabulary]
    found = np.array(rows, dtype=np.int64) >= 0
    matrix = np.zeros((len(vocabulary), vectors.dim), dtype=np.float32)
    matrix[found] = vectors.vectors.numpy()[[row for row in rows if row >= 0]]
    return matrix, found


def to_torchtext_vectors(vocabulary: Vocabulary, matrix: NDArray[np.float32]) -> Vectors:
    """Make torchtext word vectors from ours.

    Args:
        vocabulary: Our vocabulary, of size V.
        matrix: [V, E] the vectors in our order.

    Returns:
        The torchtext vectors, in our order. They hold a copy of `matrix`. An unknown token has a vector of zeros.

    Raises:
        ValueError: The matrix does not have one row a token.
    """
    if matrix.ndim != 2 or len(matrix) != len(vocabulary):
        raise ValueError(f"a vocabulary of {len(vocabulary)} does not fit vectors of shape {matrix.shape}")
    # The constructor can only read a file. It would also turn off the checking of TLS certificates in this process.
    vectors = Vectors.__new__(Vectors)
    vectors.itos = vocabulary.get_itos()
    vectors.stoi = vocabulary.get_stoi()
    vectors.vectors = torch.tensor(matrix, dtype=torch.float32)
    vectors.dim = matrix.shape[1]
    vectors.unk_init = torch.Tensor.zero_
    return vectors
