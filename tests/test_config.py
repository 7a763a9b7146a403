"""Configurations out of a file, which may be hostile."""

from typing import Any

import pytest

from rnncli.cells import ACTIVATIONS, CELLS, MAX_LAYERS
from rnncli.config import EncoderConfig, TaggerConfig, tagger_config, to_dict


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_choice_survives(cell: str, activation: str) -> None:
    config = TaggerConfig(encoder=EncoderConfig(cell=cell, activation=activation, num_layers=MAX_LAYERS))
    assert tagger_config(to_dict(config)) == config


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("cell", "tree", "encoder.cell must be one of gru, "),
        ("cell", "GRU", "encoder.cell must be one of gru, "),
        ("cell", "", "encoder.cell must be one of gru, "),
        ("cell", "__class__", "encoder.cell must be one of gru, "),
        ("cell", None, "encoder.cell must be of type str"),
        ("cell", ["gru"], "encoder.cell must be of type str"),
        ("activation", "step", "encoder.activation must be one of tanh, relu, leaky"),
        ("activation", 1, "encoder.activation must be of type str"),
        ("num_layers", MAX_LAYERS + 1, "encoder.num_layers is out of range"),
        ("num_layers", 1 << 24, "encoder.num_layers is out of range"),
        ("num_layers", 0, "encoder.num_layers is out of range"),
        ("num_layers", True, "encoder.num_layers must be of type int"),
        ("hidden_size", (1 << 24) + 1, "encoder.hidden_size is out of range"),
        ("hidden_size", 8.0, "encoder.hidden_size must be of type int"),
    ],
)
def test_what_is_no_choice_is_refused(key: str, value: Any, message: str) -> None:
    values = to_dict(TaggerConfig())
    values["encoder"][key] = value
    with pytest.raises(ValueError, match=message):
        tagger_config(values)


@pytest.mark.parametrize("change", ["missing", "unknown"])
def test_settings_that_are_missing_or_unknown_are_named(change: str) -> None:
    values = to_dict(TaggerConfig())
    if change == "missing":
        del values["encoder"]["activation"]
    else:
        values["encoder"]["gate"] = "open"
    with pytest.raises(ValueError, match="activation" if change == "missing" else "gate"):
        tagger_config(values)
