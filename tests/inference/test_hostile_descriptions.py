"""Loading a tagger whose file is well formed, has the right checksum, and lies about everything else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnncli.cli.app import run
from rnncli.errors import ModelError
from rnncli.inference.tag_filter import TagFilter
from rnncli.inference.tagging import load_tagger

Change = Callable[[dict[str, Any], dict[str, Any]], None]
NOT_A_TAGGER = "its description is not that of a tagger"


def value(*keys: Any, to: Any) -> Change:
    def change(metadata: dict[str, Any], _tensors: dict[str, Any]) -> None:
        for key in keys[:-1]:
            metadata = metadata[key]
        metadata[keys[-1]] = to

    return change


def without(*keys: Any) -> Change:
    def change(metadata: dict[str, Any], _tensors: dict[str, Any]) -> None:
        for key in keys[:-1]:
            metadata = metadata[key]
        del metadata[keys[-1]]

    return change


def vectors(words: bytes, num_vectors: int) -> Change:
    """Add pretrained vectors, with the inputs of the projection that they need."""

    def change(metadata: dict[str, Any], tensors: dict[str, Any]) -> None:
        metadata["config"]["features"]["vector_size"] = 2
        weight = tensors["features.projection.weight"]
        tensors["features.projection.weight"] = np.concatenate((weight, weight[:, :2]), axis=1)
        tensors["features.vectors"] = np.zeros((num_vectors, 2), np.float32)
        tensors["features.vector_words"] = np.frombuffer(words, np.uint8)

    return change


SIZES = [("features", name) for name in ("embedding_size", "word_rows", "projection_size", "vector_size")]
SIZES += [("encoder", "num_layers"), ("encoder", "hidden_size")]
VALUES: list[Any] = [-1, 7, 1 << 24, 1 << 70, 1.0, True, None, "1", [1], {}]
CHANGES = {
    **{f"{name}={to}": value("config", part, name, to=to) for part, name in SIZES for to in VALUES},
    **{f"config={to!r}": value("config", to=to) for to in (None, [], {}, "x", 1, {"features": {}, "encoder": {}})},
    **{f"features={to!r}": value("config", "features", to=to) for to in (None, [], "x", 1)},
    **{f"linear_window={to!r}": value("config", "linear_window", to=to) for to in (*VALUES, 2, 1)},
    **{f"heads={to!r}": value("heads", to=to) for to in (None, {}, "O", 1, [], [1], [{}], [[]])},
    **{f"tags={to!r}": value("heads", 0, "tags", to=to) for to in (None, {}, "O", 1, [], ["O"], [["O"]], ["O", "O"])},
    **{f"scheme={to!r}": value("heads", 0, "scheme", to=to) for to in (None, [], {}, "", "IOB9", 1)},
    **{f"no {name}": without(name) for name in ("config", "heads")},
    **{f"ngram_max={to}": value("config", "features", "ngram_max", to=to) for to in VALUES if to != 7},
    "n-grams the wrong way around": value("config", "features", "ngram_min", to=9),
    "an unknown setting": value("config", "features", "x", to=1),
    "a setting too few": without("config", "encoder", "hidden_size"),
    "more vectors than words": vectors(b"1\n<unk>\na\n", 3),
    "fewer vectors than words": vectors(b"1\n<unk>\na\n", 1),
    "no vectors": vectors(b"0\n", 0),
    "a word twice": vectors(b"1\n<unk>\na\na\n", 3),
    "words that are no text": vectors(b"1\n<unk>\n\xff\n", 2),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_description_of_something_else_is_refused(name: str, craft_model: Any, tmp_path: Path) -> None:
    craft_model(tmp_path / "bad.rnn", CHANGES[name])
    with pytest.raises(ModelError, match=f"({NOT_A_TAGGER}|does not fit its own description)"):
        load_tagger(tmp_path / "bad.rnn")


@pytest.mark.parametrize("words", [b"1\n<unk>\nAda\n", b"0\nx\nAda\n"])
def test_vectors_that_fit_their_words_are_used(words: bytes, craft_model: Any, tmp_path: Path) -> None:
    craft_model(tmp_path / "good.rnn", vectors(words, 2))
    tagger, _ = load_tagger(tmp_path / "good.rnn")
    assert len(tagger.tag([["Ada", "met", "Bob"]])[0]) == 3


def tag_or_fail(path: Path, sentences: list[list[str]]) -> tuple[list[tuple[str, ...]], str | None]:
    try:
        return load_tagger(path)[0].tag(sentences), None
    except ModelError as error:
        return [], error.message


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 65504, -65504, 0])
def test_numbers_out_of_all_bounds(number: float, craft_model: Any, tmp_path: Path, model: Path) -> None:
    """Whatever a tensor is filled with, there are tags or there is one error."""
    names = [name for name, tensor in load_tagger(model)[1].tensors.items() if tensor.dtype.kind == "f"]
    for name in names:
        craft_model(tmp_path / "bad.rnn", lambda _, t, name=name: t.update({name: np.full_like(t[name], number)}))
        tags, message = tag_or_fail(tmp_path / "bad.rnn", [["Ada", "met", "Bob"], ["x"]])
        assert [len(found) for found in tags] == [3, 1] if message is None else "not finite" in message
        assert message is None or not np.isfinite(number)


@pytest.mark.parametrize("number", [3e38, -3e38])
def test_numbers_that_overflow_on_the_way(number: float, craft_model: Any, tmp_path: Path) -> None:
    def change(_metadata: dict[str, Any], tensors: dict[str, Any]) -> None:
        for name in ("output.weight", "encoder.layers.0.input_weight", "features.norm.weight"):
            tensors[name] = np.full(tensors[name].shape, number, np.float32)

    craft_model(tmp_path / "bad.rnn", change)
    with pytest.raises(ModelError, match="not finite"):
        load_tagger(tmp_path / "bad.rnn")[0].tag([["Ada", "met", "Bob"]])


@pytest.mark.parametrize(
    "change",
    [
        *(value(key, to=to) for key in ("heads", "scores", "data", "versions") for to in (1, "x", [1], [[1]])),
        value("heads", 0, "counts", to={"A": "x"}),
        value("calibration", to={"ner": {"temperature": "x"}}),
        value("scores", to={"dev": {"f1": "x"}}),
        value("scores", to={"dev": [1]}),
        value("data", to=[{}]),
        value("data", to=[{"name": 1, "sha256": 1}]),
        value("command", to=1),
        value("command", to=[1]),
    ],
)
def test_a_description_that_cannot_be_shown_is_refused(
    change: Change, craft_model: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    craft_model(tmp_path / "bad.rnn", change)
    assert run(["info", str(tmp_path / "bad.rnn")]) == 4
    assert capsys.readouterr().err.startswith(f"rnncli: error: {tmp_path / 'bad.rnn'}: its description")
    assert run(["info", "--json", str(tmp_path / "bad.rnn")]) == 0


def test_a_pattern_that_does_not_compile_is_an_error_of_the_model(craft_model: Any, tmp_path: Path) -> None:
    from rnncli.data.byte_lines import LineBlock
    from rnncli.data.tokenizer_rules import TokenizerRules
    from rnncli.model_file import text_tensor

    rules = text_tensor(TokenizerRules("en", "3.8", prefix="(").to_json())
    craft_model(tmp_path / "bad.rnn", lambda _, tensors: tensors.update(tokenizer=rules))
    for form, line in (("raw", b"Ada"), ("jsonl", b'{"text":"Ada"}')):
        worker = TagFilter(str(tmp_path / "bad.rnn"), input_format=form)
        with pytest.raises(ModelError, match=r"bad\.rnn: tokenizer rules: prefix is not a valid regular expression"):
            list(worker.read([LineBlock(1, [line], True, False)]))
