"""A small synthetic task: spans that the words themselves give away."""

import numpy as np
import pytest

PEOPLE = ["Anna", "Bert", "Carla", "Dirk", "Edda", "Franz"]
PLACES = ["aville", "bville", "cville", "dville", "eville", "fville"]
OTHERS = ["the", "a", "sees", "goes", "and", "to", "of", "here", "now", "."]
TAGS = ("O", *(f"{prefix}-{name}" for name in ("LOC", "PER") for prefix in "BIES"))

Corpus = tuple[list[list[str]], list[list[str]]]


@pytest.fixture(scope="session")
def small_corpus() -> Corpus:
    generator = np.random.default_rng(0)
    tokens: list[list[str]] = []
    tags: list[list[str]] = []
    for _ in range(60):
        words: list[str] = []
        names: list[str] = []
        for _ in range(int(generator.integers(2, 6))):
            words += generator.choice(OTHERS, size=int(generator.integers(1, 4))).tolist()
            names += ["O"] * (len(words) - len(names))
            pool, kind = ((PEOPLE, "PER"), (PLACES, "LOC"))[int(generator.integers(2))]
            size = int(generator.integers(1, 4))
            words += generator.choice(pool, size=size).tolist()
            names += [f"S-{kind}"] if size == 1 else [f"B-{kind}", *[f"I-{kind}"] * (size - 2), f"E-{kind}"]
        tokens.append([*words, "."])
        tags.append([*names, "O"])
    return tokens, tags


@pytest.fixture(scope="session")
def small_tags() -> tuple[str, ...]:
    return TAGS
