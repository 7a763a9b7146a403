"""Chains small enough to write down all their paths."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from rnncli.decoding.packed import Packing, pack

FORBIDDEN = -1e4


@dataclass(frozen=True)
class Chain:
    """Scores of transitions, starts and ends."""

    transitions: NDArray[np.float64]
    start: NDArray[np.float64]
    end: NDArray[np.float64]

    @property
    def tables(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """As the functions under test take them."""
        return self.transitions, self.start, self.end

    def total(self, emissions: NDArray[np.float64], path: Sequence[int]) -> float:
        """The score of one path, term by term."""
        pairwise = sum(self.transitions[i, j] for i, j in itertools.pairwise(path))
        unary = sum(emissions[t, tag] for t, tag in enumerate(path))
        return float(self.start[path[0]] + self.end[path[-1]] + pairwise + unary)

    def is_legal(self, path: Sequence[int]) -> bool:
        """Whether a path holds nothing forbidden."""
        parts = [
            self.start[path[0]],
            self.end[path[-1]],
            *(self.transitions[i, j] for i, j in itertools.pairwise(path)),
        ]
        return all(part > FORBIDDEN for part in parts)

    def paths(self, emissions: NDArray[np.float64]) -> Iterator[tuple[int, ...]]:
        """Every path, legal or not."""
        yield from itertools.product(range(emissions.shape[1]), repeat=len(emissions))


def packed(sentences: Sequence[NDArray[np.float64]]) -> tuple[NDArray[np.float64], Packing]:
    """Pack emissions."""
    packing = pack([len(emissions) for emissions in sentences])
    flat = np.concatenate(sentences)
    rows = np.empty_like(flat)
    rows[packing.rows()] = flat
    return rows, packing


def unpacked(values: NDArray[np.float64], packing: Packing, sentences: Sequence[NDArray[np.float64]]) -> list[NDArray]:
    """Return the rows of each sentence."""
    ends = np.cumsum([len(emissions) for emissions in sentences])
    return np.split(values[packing.rows()], ends[:-1])


def random_chain(generator: np.random.Generator, num_tags: int, forbidden: float) -> Chain:
    """Random scores, a share of them forbidden; the path 0, 0, ... is always legal."""
    tables = [
        np.where(generator.random(shape) < forbidden, FORBIDDEN, generator.normal(size=shape))
        for shape in ((num_tags, num_tags), (num_tags,), (num_tags,))
    ]
    for table in tables:
        table.flat[0] = 0.0
    return Chain(*tables)


@pytest.fixture(scope="session")
def make_chain() -> Callable[..., Chain]:
    """Makes random chains."""
    return random_chain


@pytest.fixture(scope="session")
def pack_all() -> Callable[..., tuple[NDArray[np.float64], Packing]]:
    """Packs emissions."""
    return packed


@pytest.fixture(scope="session")
def unpack() -> Callable[..., list[NDArray[np.float64]]]:
    """Gives each sentence its rows back."""
    return unpacked
