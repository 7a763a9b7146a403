"""Features of a word: functions of its characters alone, hashed into rows of small tables.

Because nothing depends on the sentence, a word's vector can be cached, and no word is unknown: an unseen one shares
rows with seen ones of the same affixes, shape and character n-grams. All words are hashed side by side, since one at a
time they would take longer than the network behind them.

Reference:
    Hashed embeddings: Miranda et al. 2022, arXiv:2212.09255 (spaCy's MultiHashEmbed). Character n-grams: Bojanowski et
    al. 2017, arXiv:1607.04606.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rnncli.config import FeatureConfig
from rnncli.kernels.words import Layout, Texts, WordKernel, load_word_kernel

KINDS = ("norm", "prefix1", "prefix2", "prefix3", "suffix1", "suffix2", "suffix3", "suffix4", "shape")
"""Names of the features that have one value a word, in the order of the tables."""

MAX_CHARS = 40
"""Longer words are known by their beginning and their end."""

_KEPT_END = 10
_PRIME = np.uint64(0x100000001B3)
_OFFSET = np.uint64(0xCBF29CE484222325)
_MULTIPLIERS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_SHAPE_RUN = 4
_CLASSES = np.zeros(0x110000, dtype=np.uint8)
"""Kind of every code point met so far: 0 not yet met, 1 upper case, 2 other letter, 3 digit, 4 itself."""

Hashes = NDArray[np.uint64]
_Codes = TypeVar("_Codes", np.uint32, np.uint64)


@dataclass(frozen=True, slots=True)
class WordFeatures:
    """Table rows of W words.

    Attributes:
        rows: int64 [W, F, 2], two rows for each of the F features; a feature's vector is their sum.
        ngrams: int64 [M], rows of all words' n-grams, one word after the other.
        ngram_starts: int64 [W], where each word's n-grams begin; every word has at least one.
    """

    rows: NDArray[np.int64]
    ngrams: NDArray[np.int64]
    ngram_starts: NDArray[np.int64]


def table_sizes(config: FeatureConfig) -> tuple[int, ...]:
    """Number of rows of each feature's part of the common table, in the order of KINDS."""
    letter, short, long = config.letter_rows, config.short_affix_rows, config.affix_rows
    return (config.word_rows, letter, short, long, letter, short, long, long, short)


def extract(words: Sequence[str], config: FeatureConfig) -> WordFeatures:
    """Compute the table rows of distinct words.

    Args:
        words: any strings, at least one.
        config: sizes of the tables.
    """
    kernel = load_word_kernel()
    lowered = _cut([word.lower() for word in words])
    if kernel is not None:
        return _extract_in_c(kernel, lowered, _cut(words), config)
    codes, lengths = _code_points(lowered)
    affixes = _affix_hashes(codes, lengths)
    hashes = np.stack([*affixes, _shape_hashes(*_code_points(_cut(words)))], axis=1)
    sizes = np.array(table_sizes(config), dtype=np.uint64)
    starts = np.concatenate(([0], np.cumsum(sizes[:-1]))).astype(np.uint64)
    rows = np.stack([_scale(hashes, multiplier, sizes) + starts for multiplier in _MULTIPLIERS], axis=2)
    ngrams, counts = _ngram_hashes(codes, lengths, affixes[0], config.ngram_min, config.ngram_max)
    return WordFeatures(
        rows.astype(np.int64),
        _scale(ngrams, _MULTIPLIERS[0], np.uint64(config.ngram_rows)).astype(np.int64),
        np.concatenate(([0], np.cumsum(counts[:-1]))),
    )


def vector_rows(words: Sequence[str], rows: Mapping[str, int]) -> list[int]:
    """Find each word's row among pretrained vectors: of the word itself, else of its lower-cased form, else 0."""
    return [rows.get(word) or rows.get(word.lower(), 0) for word in words]


def _extract_in_c(kernel: WordKernel, lowered: list[str], words: list[str], config: FeatureConfig) -> WordFeatures:
    texts = _texts("<" + "><".join(lowered) + ">", lowered, 2)
    shapes = _texts("".join(words), words, 0)
    layout = Layout(np.array(table_sizes(config)), config.ngram_rows, config.ngram_min, config.ngram_max)
    return WordFeatures(*kernel.hash(texts, Texts(_kinds(shapes.codes), shapes.starts), layout))


def _texts(text: str, words: list[str], num_marks: int) -> Texts:
    """Lay out a text of words, each of which takes so many characters more than it has."""
    starts = np.zeros(len(words) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, words), dtype=np.int64, count=len(words)) + num_marks, out=starts[1:])
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    return Texts(codes.astype(np.uint32, copy=False), starts)


def _cut(words: Sequence[str]) -> list[str]:
    return [w if len(w) <= MAX_CHARS else w[: MAX_CHARS - _KEPT_END] + w[-_KEPT_END:] for w in words]


def _code_points(words: list[str]) -> tuple[Hashes, NDArray[np.int64]]:
    """Return the words as uint64 [W, C] code points, padded with zeros, and their lengths [W]."""
    lengths = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
    width = max(1, int(lengths.max()))
    text = "".join([word.ljust(width, "\0") for word in words])
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    return codes.reshape(len(words), width).astype(np.uint64), lengths


def _affix_hashes(codes: Hashes, lengths: NDArray[np.int64]) -> list[Hashes]:
    """Hash the whole word, its first one to three and its last one to four characters, each [W].

    Reference:
        Fowler, Noll and Vo, FNV-1a, over code points.
    """
    num_words, width = codes.shape
    states = np.empty((width + 1, num_words), dtype=np.uint64)
    states[0] = _OFFSET
    for i in range(width):
        states[i + 1] = (states[i] ^ codes[:, i]) * _PRIME
    every = np.arange(num_words)
    result = [states[np.minimum(lengths, end), every] for end in (MAX_CHARS, 1, 2, 3)]
    state = states[0]
    for i in range(1, 5):
        longer = (state ^ codes[every, np.maximum(lengths - i, 0)]) * _PRIME
        state = np.where(lengths >= i, longer, state)
        result.append(state)
    return result


def _kinds(codes: NDArray[_Codes]) -> NDArray[_Codes]:
    """Return the kind of every character: those of _CLASSES, or its code point moved out of their way."""
    classes = _CLASSES[codes]
    if not classes.all():
        for code in set(codes[classes == 0].tolist()):
            char = chr(code)
            _CLASSES[code] = 1 if char.isupper() else 2 if char.isalpha() else 3 if char.isdigit() else 4
        classes = _CLASSES[codes]
    return np.where(classes == 4, codes + codes.dtype.type(4), classes)


def _shape_hashes(codes: Hashes, lengths: NDArray[np.int64]) -> Hashes:
    """Hash the words' shapes, [W]: letters and digits by kind, runs cut after four, so `Merkel` is like `Xxxxx`."""
    kinds = _kinds(codes)
    kept = np.arange(codes.shape[1]) < lengths[:, None]
    if codes.shape[1] > _SHAPE_RUN:
        same = kinds[:, 1:] == kinds[:, :-1]
        run = np.logical_and.reduce([same[:, i : same.shape[1] - _SHAPE_RUN + 1 + i] for i in range(_SHAPE_RUN)])
        kept[:, _SHAPE_RUN:] &= ~run
    state = np.full(len(codes), _OFFSET)
    for i in range(codes.shape[1]):
        state = np.where(kept[:, i], (state ^ kinds[:, i]) * _PRIME, state)
    return state


def _ngram_hashes(
    codes: Hashes, lengths: NDArray[np.int64], norms: Hashes, shortest: int, longest: int
) -> tuple[Hashes, NDArray[np.int64]]:
    """Hash the n-grams of `<word>`, word after word, [M]; also return how many each word has, [W].

    A word too short for any has one in their place: the hash of the whole word, `norms` [W].
    """
    num_words, width = codes.shape
    text = np.zeros((num_words, width + 2), dtype=np.uint64)
    text[:, 0] = ord("<")
    text[:, 1:-1] = codes
    text[np.arange(num_words), lengths + 1] = ord(">")
    state: Hashes = np.full(text.shape, _OFFSET)
    columns: list[Hashes] = []
    masks: list[NDArray[np.bool_]] = []
    for n in range(1, longest + 1):
        if n > text.shape[1]:
            break
        num_places = text.shape[1] - n + 1
        state = (state[:, :num_places] ^ text[:, n - 1 :]) * _PRIME
        if n >= shortest:
            columns.append(state)
            masks.append(np.arange(num_places) <= (lengths + 2 - n)[:, None])
    columns.append(norms[:, None])
    masks.append((lengths + 2 < shortest)[:, None])
    mask: NDArray[np.bool_] = np.concatenate(masks, axis=1)
    return np.concatenate(columns, axis=1)[mask], mask.sum(1)


def _scale(hashes: Hashes, multiplier: np.uint64, sizes: Hashes | np.uint64) -> Hashes:
    """Spread hashes by a multiplier and bring their upper halves into 0 .. sizes - 1."""
    mixed = (hashes ^ (hashes >> _HALF)) * multiplier
    return (((mixed >> _HALF) & _LOW) * sizes) >> _HALF
