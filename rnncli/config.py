"""Every hyper-parameter, with a sentence under each."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from rnncli.cells import ACTIVATIONS, CELLS, MAX_HIDDEN_SIZE, MAX_LAYERS

MAX_VECTOR_SIZE = 4096
"""Numbers of a pretrained vector at most."""

_MOST_ROWS = 1 << 24
_LARGEST = {
    "embedding_size": 1024,
    "vector_size": MAX_VECTOR_SIZE,
    "projection_size": 2048,
    "maxout_pieces": 16,
    "ngram_min": 64,
    "ngram_max": 64,
    "hidden_size": MAX_HIDDEN_SIZE,
    "num_layers": MAX_LAYERS,
}
"""What a model file may ask for at most, far above what is of use: products of these must not fill a machine."""

LINEAR_WINDOWS = (5, 3, 1, 0)
"""Windows that a tagger's linear path may have, the best first."""

HIDDEN_SIZES = {"ner": 128, "pos": 200}
"""Units per direction by task, unless asked for otherwise: names are too few to teach more units anything."""

_CHOICES = {"cell": CELLS, "activation": ACTIVATIONS}


@dataclass(frozen=True, slots=True)
class FeatureConfig:
    """Vectors of words, as functions of the word alone."""

    embedding_size: int = 64
    """Size of the vector of one feature (E)."""
    word_rows: int = 8192
    """Rows of the hashed table of lower-cased words."""
    affix_rows: int = 4096
    """Rows of each hashed table of prefixes and suffixes of three or four characters."""
    short_affix_rows: int = 1024
    """Rows of each hashed table of shapes and of prefixes and suffixes of two characters."""
    letter_rows: int = 256
    """Rows of the hashed tables of first and of last characters."""
    ngram_rows: int = 32768
    """Rows of the hashed table of character n-grams."""
    ngram_min: int = 3
    """Shortest character n-gram, word boundaries included."""
    ngram_max: int = 5
    """Longest character n-gram, word boundaries included."""
    vector_size: int = 0
    """Size of the pretrained vectors, 0 without them."""
    projection_size: int = 128
    """Size of a word's vector after the maxout projection (P)."""
    maxout_pieces: int = 3
    """Linear pieces of the maxout projection."""


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """The bidirectional recurrent encoder that all tasks share."""

    cell: str = "gru"
    """The recurrent cell, one of CELLS."""
    activation: str = "tanh"
    """What the cells `rnn` and `indrnn` apply to a new state, one of ACTIVATIONS; the other cells have their own."""
    hidden_size: int = 128
    """Units per direction (H)."""
    num_layers: int = 1
    """Stacked bidirectional layers."""


@dataclass(frozen=True, slots=True)
class TaggerConfig:
    """Shape of a tagger."""

    features: FeatureConfig = field(default_factory=FeatureConfig)
    """Word vectors."""
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    """Encoder."""
    linear_window: int = 5
    """Words that the linear path sees at a token, an odd number with the token in the middle; 0 without it."""


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How a model is trained."""

    seed: int = 1
    """Seed of every generator."""
    epochs: int | None = None
    """Passes over the data at most; None chooses by the size of the data."""
    max_updates: int | None = None
    """Optimizer steps at most."""
    time_limit_s: float | None = None
    """Seconds at most, from the start of the command to the written model."""
    patience: int = 4
    """Passes without a better development score before training stops."""
    batch_tokens: int = 400
    """Tokens of a batch, padding included."""
    precision: str | None = None
    """Of products while training: `fp32`, or `bf16` with sums in fp32; None chooses by the device."""
    learning_rate: float = 2e-3
    """Peak of the schedule."""
    warmup: float = 0.05
    """Share of the updates over which the learning rate rises."""
    weight_decay: float = 0.01
    """Decoupled weight decay of AdamW."""
    clip_norm: float = 1.0
    """Largest norm of the gradient."""
    ema_decay: float = 0.998
    """Decay of the weights' exponential moving average, which is what is scored and saved."""
    dropout: float = 0.4
    """Share of a sentence's units dropped at all its tokens alike, before and after the encoder."""
    word_dropout: float = 0.1
    """Share of tokens whose whole vector is dropped."""
    rare_word_dropout: float | None = None
    """Occurrences in the training data at which a word loses its own row every other time, and keeps its parts; None
    chooses by the task."""
    linear_dropout: float = 0.2
    """Share of the linear path's scores dropped."""
    outside_margin: float | None = None
    """Handicap against which a token of a span must win over O while training, nats; it raises recall, and what it
    raises too much is taken back on the development data; None chooses by how many spans these have."""
    mention_replacement: float | None = None
    """Share of gold spans replaced by another span of their type; None chooses by how often spans repeat."""


def to_dict(config: FeatureConfig | EncoderConfig | TaggerConfig | TrainingConfig) -> dict[str, Any]:
    """Return the configuration as plain JSON values."""
    return asdict(config)


def tagger_config(values: dict[str, Any]) -> TaggerConfig:
    """Build a tagger's configuration from JSON values.

    Raises:
        ValueError: an unknown or missing key, or a value that is not of the field's type, out of range or no choice.
    """
    _check_keys("model", values, {"features", "encoder", "linear_window"})
    window = values["linear_window"]
    if type(window) is not int or window not in LINEAR_WINDOWS:
        raise ValueError(f"model.linear_window must be one of {', '.join(map(str, LINEAR_WINDOWS))}")
    config = TaggerConfig(
        FeatureConfig(**_checked("features", values["features"], FeatureConfig())),
        EncoderConfig(**_checked("encoder", values["encoder"], EncoderConfig())),
        window,
    )
    if config.features.ngram_min > config.features.ngram_max:
        raise ValueError("features.ngram_min is above features.ngram_max")
    return config


def _checked(name: str, values: Any, default: FeatureConfig | EncoderConfig) -> dict[str, Any]:
    _check_keys(name, values, {f.name for f in fields(default)})
    for key, value in values.items():
        kind = type(getattr(default, key))
        if type(value) is not kind:
            raise ValueError(f"{name}.{key} must be of type {kind.__name__}")
        smallest = 0 if key == "vector_size" else 1
        if isinstance(value, int) and not smallest <= value <= _LARGEST.get(key, _MOST_ROWS):
            raise ValueError(f"{name}.{key} is out of range")
        if key in _CHOICES and value not in _CHOICES[key]:
            raise ValueError(f"{name}.{key} must be one of {', '.join(_CHOICES[key])}")
    return dict(values)


def _check_keys(name: str, values: Any, expected: set[str]) -> None:
    if not isinstance(values, dict) or values.keys() != expected:
        found = set(values) if isinstance(values, dict) else set()
        raise ValueError(f"{name}: unknown or missing settings: {', '.join(sorted(found ^ expected)[:20])}")
