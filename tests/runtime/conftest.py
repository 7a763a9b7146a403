"""Small random taggers in both halves."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rnncli.config import EncoderConfig, FeatureConfig, TaggerConfig, TrainingConfig
from rnncli.data.tag_schemes import Scheme
from rnncli.data.tag_sets import TagSet
from rnncli.data.vocabulary import UNK, Vocabulary
from rnncli.models.tagger import Tagger

TAGS = ("O", *(f"{prefix}-{name}" for name in ("LOC", "PER") for prefix in "BIES"))
HEADS = (TagSet("ner", TAGS, Scheme.BIOES), TagSet("pos", ("ADJ", "NOUN", "VERB")))
WORDS = [
    "the",
    "The",
    "Paris",
    "paris",
    "x",
    "7",
    "1,234.5",
    "Überraschung",
    "don't",
    "e\u0301te\u0301",
    "北京",
    "🙂",
    "",
    "-" * 60,
]


@dataclass(frozen=True)
class RandomModel:
    """A tagger whose every weight is random, the ones that start at zero included."""

    config: TaggerConfig
    heads: tuple[TagSet, ...]
    vocabulary: Vocabulary | None
    model: Tagger
    tensors: dict[str, NDArray[Any]]


@pytest.fixture(scope="session")
def random_model() -> Callable[..., RandomModel]:
    def build(
        seed: int,
        *,
        num_layers: int = 1,
        vector_size: int = 0,
        hidden_size: int = 7,
        scale: float = 0.5,
        num_heads: int = 1,
        linear_window: int = 5,
        cell: str = "gru",
        activation: str = "tanh",
    ) -> RandomModel:
        torch.manual_seed(seed)
        generator = np.random.default_rng(seed)
        names = [f.name for f in fields(FeatureConfig) if f.name.endswith(("_rows", "_size"))]
        odd = {name: int(generator.integers(3, 40)) for name in names}
        features = FeatureConfig(
            **{**odd, "vector_size": vector_size},
            ngram_min=1 + seed % 3,
            ngram_max=3 + seed % 2,
            maxout_pieces=1 + seed % 4,
        )
        config = TaggerConfig(features, EncoderConfig(cell, activation, hidden_size, num_layers), linear_window)
        heads = HEADS[:num_heads]
        vocabulary, vectors = None, None
        if vector_size:
            vocabulary = Vocabulary(["the", "paris", "7", "北京"], specials=(UNK,))
            vectors = torch.randn(len(vocabulary), vector_size)
            vectors[0] = 0
        model = Tagger(config, heads, TrainingConfig(), vectors).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(torch.randn_like(parameter) * scale)
        tensors = {name: tensor.detach().numpy().copy() for name, tensor in model.state_dict().items()}
        if vocabulary is not None:
            tensors["features.vector_words"] = np.frombuffer(vocabulary.to_bytes(), dtype=np.uint8)
        return RandomModel(config, heads, vocabulary, model, tensors)

    return build


@pytest.fixture(scope="session")
def random_sentences() -> Callable[..., list[list[str]]]:
    def build(seed: int, lengths: list[int]) -> list[list[str]]:
        generator = np.random.default_rng(seed)
        pool = [*WORDS, *("".join(chr(97 + c) for c in generator.integers(26, size=5)) for _ in range(30))]
        return [[pool[i] for i in generator.integers(len(pool), size=length)] for length in lengths]

    return build
