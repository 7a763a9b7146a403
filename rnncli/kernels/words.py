"""What is computed of every new word, in C: hashes, sums of rows, normalisation; optional, built with the package."""

import ctypes
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnncli.kernels.library import load_library, require

_INTERFACE = 1
_NUM_KINDS = 9
_MOST = 1 << 32

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]
Places = NDArray[np.int64]


# A named tuple is made in a sixth of a dataclass's time, and every start waits for it.
class Texts(NamedTuple):
    """Texts of W words, one after the other.

    Attributes:
        codes: uint32 [C], code points, or numbers of whatever kind.
        starts: int64 [W + 1], where each text begins, and where the last one ends.
    """

    codes: NDArray[np.uint32]
    starts: Places


class Layout(NamedTuple):
    """How many rows features have.

    Attributes:
        sizes: int64 [9], rows of the word, of prefixes of one to three characters, of suffixes of one to four, and of
            the shape; together they are the rows of one table.
        num_ngram_rows: rows of n-grams, in a table of their own.
        shortest: characters of the shortest n-gram, at least 1.
        longest: of the longest one.
    """

    sizes: Places
    num_ngram_rows: int
    shortest: int
    longest: int


class WordKernel:
    """The compiled functions; a call releases the interpreter's lock. Arrays are contiguous if nothing else is said.

    Args:
        library: the loaded library.
        variant: which kind of processor to compute for.
    """

    def __init__(self, library: ctypes.CDLL, variant: int) -> None:
        """Keep the library; nothing is computed."""
        self._library = library
        self._variant = variant

    def pool(self, table: Halves, places: Places, starts: Places, pooled: Floats, *, is_mean: bool = False) -> None:
        """Sum up table rows in single precision, one bag of them after the other.

        Args:
            table: float16 [R, D], all finite.
            places: int64 [M], rows of the table.
            starts: int64 [W * B + 1], where each bag begins among the places, and where the last one ends.
            pooled: float32 [W, B * D], not empty, filled in, B bags a row; zero for an empty bag. Rows may lie apart.
            is_mean: whether to divide by the number of rows.

        Raises:
            ValueError: a size, type or place is wrong.
        """
        _check_type(np.float16, table)
        _check_type(np.int64, places, starts)
        require(table.ndim == 2 and table.shape[1] > 0, "table: shape")
        require(pooled.dtype == np.float32 and pooled.flags.aligned and pooled.flags.writeable, "pooled: type")
        require(pooled.ndim == 2 and pooled.size > 0, "pooled: shape")
        num_words, width = pooled.shape
        num_beside, rest = divmod(width, table.shape[1])
        stride, rest_of_stride = divmod(pooled.strides[0], pooled.itemsize)
        require(pooled.strides[1] == pooled.itemsize and stride >= width and not rest_of_stride, "pooled: strides")
        require(not rest and starts.shape == (num_words * num_beside + 1,), "bags: shape")
        _check_starts(starts, len(places), 0)
        require(places.ndim == 1, "places: shape")
        require(not len(places) or (places.min() >= 0 and places.max() < len(table)), "places: out of range")
        pointers = _pointers(places, starts, table, pooled)
        sizes = (len(starts) - 1, num_beside, len(places), table.shape[1], stride)
        self._library.words_pool(self._variant, is_mean, *sizes, *pointers)

    def normalise(self, pieces: Floats, bias: Floats, scale: Floats, shift: Floats, epsilon: float) -> Floats:
        """Take the maximum over pieces, and normalise it over each word.

        Args:
            pieces: float32 [W, M * P], a word's M pieces side by side.
            bias: float32 [M * P], added to the pieces.
            scale: float32 [P].
            shift: float32 [P].
            epsilon: added to the variance.

        Returns:
            float32 [W, P].

        Raises:
            ValueError: a size or type is wrong.
        """
        _check_type(np.float32, pieces, bias, scale, shift)
        require(scale.ndim == 1 and shift.shape == scale.shape and scale.size > 0, "scale and shift: shape")
        require(pieces.ndim == 2 and bias.shape == pieces.shape[1:], "pieces: shape")
        num_pieces, rest = divmod(bias.size, scale.size)
        require(num_pieces > 0 and not rest, "pieces: shape")
        vectors = np.empty((len(pieces), scale.size), np.float32)
        sizes = (len(pieces), num_pieces, scale.size, epsilon)
        self._library.words_normalise(self._variant, *sizes, *_pointers(pieces, bias, scale, shift, vectors))
        return vectors

    def hash(self, texts: Texts, shapes: Texts, layout: Layout) -> tuple[Places, Places, Places]:
        """Hash words into rows of tables, as `data.features` says.

        Args:
            texts: the words in lower case, cut, each between a mark for its beginning and one for its end.
            shapes: the kinds of the words' characters, without marks.
            layout: how many rows there are.

        Returns:
            int64 [W, 9, 2], rows of the features; int64 [M], rows of the n-grams, one word after the other; int64
            [W], where each word's n-grams begin.

        Raises:
            ValueError: a size or type is wrong.
        """
        num_words = len(texts.starts) - 1
        _check_texts(texts, num_words, 2)
        _check_texts(shapes, num_words, 0)
        _check_layout(layout)
        counts = _count_ngrams(np.diff(texts.starts), layout)
        ngram_starts = np.cumsum(counts) - counts
        rows = np.empty((num_words, _NUM_KINDS, 2), np.int64)
        ngrams = np.empty(int(counts.sum()), np.int64)
        sizes = layout.sizes
        arrays = (*texts, *shapes, sizes, np.cumsum(sizes) - sizes, ngram_starts, rows, ngrams)
        self._library.words_hash(self._variant, num_words, *layout[1:], *_pointers(*arrays))
        return rows, ngrams, ngram_starts


def load_word_kernel() -> WordKernel | None:
    """Return the kernel for this machine, None where it was not built, or is not wanted."""
    found = load_library("words", _INTERFACE)
    if found is None:
        return None
    library, variant = found
    pointer, number, count = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
    library.words_pool.argtypes = [number, number, *[count] * 5, *[pointer] * 4]
    library.words_normalise.argtypes = [number, *[count] * 3, ctypes.c_float, *[pointer] * 5]
    library.words_hash.argtypes = [number, *[count] * 4, *[pointer] * 9]
    return WordKernel(library, variant)


def _count_ngrams(lengths: Places, layout: Layout) -> Places:
    """Return how many n-grams texts of these lengths have, [W]; one stands for none."""
    # Each length of n-grams has one place less than the one before it.
    most = np.maximum(lengths - layout.shortest + 1, 0)
    num_kinds = np.minimum(most, layout.longest - layout.shortest + 1)
    counts: Places = np.maximum(num_kinds * most - num_kinds * (num_kinds - 1) // 2, 1)
    return counts


def _pointers(*arrays: NDArray[Any]) -> list[int]:
    return [array.ctypes.data for array in arrays]


def _check_texts(texts: Texts, num_words: int, shortest: int) -> None:
    _check_type(np.uint32, texts.codes)
    _check_type(np.int64, texts.starts)
    require(num_words >= 0 and texts.starts.shape == (num_words + 1,), "texts: shape")
    _check_starts(texts.starts, len(texts.codes), shortest)


def _check_layout(layout: Layout) -> None:
    _check_type(np.int64, layout.sizes)
    require(layout.sizes.shape == (_NUM_KINDS,), "layout: shape")
    smallest = min(layout.sizes.min(), layout.num_ngram_rows, layout.shortest)
    largest = max(layout.sizes.max(), layout.num_ngram_rows, layout.longest)
    require(0 < smallest <= largest < _MOST and layout.shortest <= layout.longest, "layout: out of range")


def _check_starts(starts: Places, end: int, shortest: int) -> None:
    require(starts.min() >= 0 and starts.max() <= end, "starts: out of range")
    require(bool((starts[1:] - starts[:-1] >= shortest).all()), "starts: order")


def _check_type(dtype: type, *arrays: NDArray[Any]) -> None:
    for array in arrays:
        require(array.dtype == dtype and array.flags.c_contiguous and array.flags.aligned, "arrays: type")
