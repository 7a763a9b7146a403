"""Pretrained word vectors in text form: a word and its numbers a line, the first line perhaps a count and a size."""

import zlib
from collections.abc import Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnncli.config import MAX_VECTOR_SIZE
from rnncli.data.byte_lines import open_input, read_blocks
from rnncli.data.vocabulary import UNK, Vocabulary
from rnncli.errors import DataError, Problem, UsageError

MAX_VECTORS = 20_000
"""Vectors kept beside those of the training words: such files list the most frequent words first."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """Vectors of the words of a vocabulary.

    Attributes:
        vocabulary: N words; `<unk>`, at index 0, stands for every other word.
        table: float32 [N, D], scaled to a mean square of 1; row 0 is zeros.
    """

    vocabulary: Vocabulary
    table: NDArray[np.float32]


def read_vectors(path: str, known: Set[str]) -> Vectors:
    """Read the vectors of known words and of the first MAX_VECTORS others.

    Args:
        path: text file, `.gz` or plain.
        known: words of the training data; their lower-cased forms are kept too.

    Raises:
        UsageError: the file cannot be read.
        DataError: a line is not a word and as many numbers as the first one's.
    """
    wanted = known | {word.lower() for word in known}
    vectors: dict[str, NDArray[np.float32]] = {}
    size = 0
    try:
        with open_input(path) as stream:
            for block in read_blocks(stream):
                for number, line in enumerate(block.lines, block.first_line):
                    word, *numbers = line.decode("utf-8", "replace").rstrip(" ").split(" ")
                    if number == 1 and len(numbers) == 1:
                        continue
                    size = size or len(numbers)
                    if not numbers or len(numbers) != size:
                        message = f"a word and {len(numbers)} numbers, expected {size or 'some'}"
                        raise DataError([Problem(path, number, message)])
                    if size > MAX_VECTOR_SIZE:
                        raise DataError([Problem(path, number, f"{size} numbers, more than {MAX_VECTOR_SIZE}")])
                    if word != UNK and (number <= MAX_VECTORS or word in wanted):
                        vectors.setdefault(word, _parse(numbers, path, number))
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if not vectors:
        raise DataError([Problem(path, None, "no vector in it")])
    table = np.stack([np.zeros(size, dtype=np.float32), *vectors.values()])
    # In single precision the square of a number that is read without complaint may be infinite.
    table /= np.sqrt(np.square(table[1:], dtype=np.float64).mean()) or 1.0
    return Vectors(Vocabulary(vectors, specials=(UNK,)), table)


def _parse(numbers: list[str], path: str, line: int) -> NDArray[np.float32]:
    try:
        values = np.array(numbers, dtype=np.float64)
    except ValueError as error:
        raise DataError([Problem(path, line, f"not a word and its numbers: {error}")]) from error
    if not (np.abs(values) < np.finfo(np.float32).max).all():
        raise DataError([Problem(path, line, "a number is not finite")])
    return values.astype(np.float32)
