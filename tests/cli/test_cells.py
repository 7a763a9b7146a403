"""rnncli train ner --cell: each cell trained, tagged with and compared with the training half."""

import inspect
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnncli import model_file
from rnncli.cells import ACTIVATIONS, CELLS
from rnncli.cli.app import run
from rnncli.config import EncoderConfig, tagger_config
from rnncli.errors import ModelError
from rnncli.inference.tagging import build_tagger, load_tagger

KINDS = {
    "gru": ("--hidden-size", "24"),
    "lstm": ("--hidden-size", "24"),
    "rnn": ("--hidden-size", "32", "--activation", "relu"),
    "indrnn": ("--hidden-size", "32", "--activation", "leaky"),
    "qrnn": (),
    "mingru": ("--hidden-size", "32", "--layers", "2"),
}
UPDATES = 60


@dataclass(frozen=True)
class Trained:
    """A model, the cell it was asked for, and other sentences of the same kind."""

    path: Path
    cell: str
    gold: list[list[tuple[str, str]]]

    @property
    def sentences(self) -> list[list[str]]:
        """Their tokens."""
        return [[token for token, _ in rows] for rows in self.gold]


@pytest.fixture(scope="module", params=KINDS)
def trained(request: pytest.FixtureRequest, tmp_path_factory: Any, corpus: Any, to_conll: Any) -> Trained:
    """Trained inside this process, where torch need not be imported each time; training takes over two signals."""
    folder = tmp_path_factory.mktemp(request.param)
    data, path = folder / "t.conll", folder / "ner.rnn"
    data.write_text(to_conll(corpus(120)))
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    arguments = ["train", "ner", str(data), "-o", str(path), "--cell", request.param, *KINDS[request.param]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["rnncli", *arguments])
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            patch.setenv(name, os.environ.get(name, "1"))
        code = run([*arguments, "-q", "--max-updates", str(UPDATES), "--threads", "1"])
    for number, handler in kept.items():
        signal.signal(number, handler)
    assert code == 0
    return Trained(path, request.param, corpus(40, seed=99))


def test_the_model_is_of_the_cell_that_was_asked_for(trained: Trained) -> None:
    config = tagger_config(model_file.read(trained.path).metadata["config"]).encoder
    assert config.cell == trained.cell
    flags = dict(zip(KINDS[trained.cell][::2], KINDS[trained.cell][1::2], strict=True))
    assert config.activation == flags.get("--activation", EncoderConfig().activation)
    assert config.num_layers == int(flags.get("--layers", EncoderConfig().num_layers))
    assert config.hidden_size == int(flags.get("--hidden-size", EncoderConfig().hidden_size))


def test_names_are_found(trained: Trained, run_cli: Any) -> None:
    stdin = "".join(" ".join(token for token, _ in rows) + "\n" for rows in trained.gold)
    done = run_cli("tag", "-m", trained.path, "--input", "tokens", "--format", "jsonl", stdin=stdin)
    assert (done.code, done.err) == (0, "")
    found = [tag for line in done.lines for tag in json.loads(line)["tags"]]
    gold = [tag for rows in trained.gold for _, tag in rows]
    # A few of them are wrong after so few updates; that nothing is a name is right for two thirds.
    assert sum(map(str.__eq__, found, gold)) > 0.9 * len(gold)
    assert gold.count("O") < 0.7 * len(gold)


def test_both_backends_answer_alike(trained: Trained) -> None:
    """In float32 and after training, also over sentences of 500 tokens, along which differences could add up."""
    from rnncli.models.torch_backend import TorchTagger
    from rnncli.runtime.tagger import Tagger

    tagger, file = load_tagger(trained.path)
    config, heads = tagger_config(file.metadata["config"]), [decoder.head for decoder in tagger.decoders]
    words = [token for tokens in trained.sentences for token in tokens]
    backend = TorchTagger(config, file.tensors, None, heads, "cpu")
    by_torch = build_tagger(config, heads, file.tensors)
    by_torch._backend = backend
    for sentences in (trained.sentences, [(words * 9)[:500], (words[::-1] * 9)[:500]]):
        (one, _), (other, _) = backend.emissions(sentences), Tagger(config, file.tensors).emissions(sentences)
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-4)
        assert np.abs(one).max() > 1
        assert by_torch.tag(sentences) == tagger.tag(sentences)


def test_a_description_that_does_not_fit_the_weights_is_refused(trained: Trained, tmp_path: Path) -> None:
    file = model_file.read(trained.path)
    others = [{"cell": cell} for cell in CELLS if cell != trained.cell]
    wrong = [{"cell": "tree"}, {"cell": 3}, {"cell": "GRU"}, {"activation": "step"}, {"num_layers": 17}]
    sizes = [{"num_layers": 3}, {"hidden_size": 47}]
    for change in [*others, *wrong, *sizes]:
        config = {**file.metadata["config"], "encoder": {**file.metadata["config"]["encoder"], **change}}
        metadata = {key: value for key, value in file.metadata.items() if key != "checksum"}
        model_file.write(tmp_path / "x.rnn", {**metadata, "config": config}, file.tensors)
        with pytest.raises(ModelError) as caught:
            load_tagger(tmp_path / "x.rnn")
        assert caught.value.exit_code == 4
        (key,) = change
        assert (key in caught.value.message) == (change in wrong)


def test_wrong_choices_are_named(capsys: pytest.CaptureFixture[str], tmp_path: Path, to_conll: Any) -> None:
    data = tmp_path / "t.conll"
    data.write_text(to_conll([[("Ada", "B-PER"), ("met", "O")]] * 3))
    for flags, part, choices in (
        (["--cell", "tree"], "--cell tree", CELLS),
        (["--cell", "GRU"], "--cell GRU", CELLS),
        (["--cell", "rnn", "--activation", "step"], "--activation step", ACTIVATIONS),
        (["--activation", "relu"], "the cell gru has its own", ("--cell rnn", "--cell indrnn")),
        (["--layers", "0"], "--layers", ()),
        (["--layers", "17"], "--layers", ()),
        (["--hidden-size", "0"], "--hidden-size", ()),
    ):
        assert run(["train", "ner", str(data), "-o", str(tmp_path / "x.rnn"), *flags]) == 2
        err = capsys.readouterr().err
        assert err.startswith("rnncli: error: ")
        assert part in err
        assert all(choice in err for choice in choices)
    assert not (tmp_path / "x.rnn").exists()


def test_flags_that_are_not_given_are_the_defaults() -> None:
    from rnncli.cli.options import encoder_config
    from rnncli.cli.train import train_tagger

    parameters = inspect.signature(train_tagger).parameters
    defaults = [parameters[name].default for name in ("cell", "activation", "num_layers", "hidden_size")]
    assert encoder_config("ner", *defaults) == EncoderConfig()
    assert encoder_config("pos", *defaults) == EncoderConfig(hidden_size=200)


def test_help_all_names_every_choice(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "ner", "--help-all"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for flag in ("--cell", "--activation", "--layers", "--hidden-size"):
        assert flag in shown
    assert ", ".join(CELLS) in shown
    assert ", ".join(ACTIVATIONS) in shown
