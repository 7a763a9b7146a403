"""The plainly built tagger, whose training ours is measured against, is the same tagger on the same batches."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from rnncli.data.tag_schemes import Scheme, convert
from rnncli.models.tagger import Tagger
from rnncli.training.optimization import Optimizer
from rnncli.training.tagger_data import TaggerData

PEERS = Path(__file__).parent / "peers"
TABLES = {"table": "features.table", "ngrams": "features.ngrams", "linear": "linear.table"}
NO_CHANCE = {"dropout": 0.0, "word_dropout": 0.0, "linear_dropout": 0.0, "rare_word_dropout": 0.0}


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Imports a script of the peers."""
    monkeypatch.syspath_prepend(str(PEERS))
    return import_module


@pytest.fixture
def data(
    tmp_path: Path, plain: Callable[[str], ModuleType], corpus: Callable[..., Any], to_conll: Callable[..., str]
) -> Any:
    """An invented corpus as the peer reads it, with the settings that make replaced names and a margin."""
    (tmp_path / "train.conll").write_text(to_conll(corpus(60)))
    (tmp_path / "dev.conll").write_text(to_conll(corpus(20, seed=2)))
    found = plain("plain_batches").read(tmp_path, 1)
    return replace(
        found, training=replace(found.training, mention_replacement=0.5, outside_margin=2.0, batch_tokens=60)
    )


def our_data(data: Any) -> TaggerData:
    tags = [convert(sentence.tags, data.head.scheme, Scheme.BIOES) for sentence in data.train]
    return TaggerData([s.tokens for s in data.train], [tags], [data.head], data.config.features)


def both_models(data: Any, plain: Callable[[str], ModuleType]) -> tuple[Tagger, Any]:
    """Return ours and the peer with the same weights, none of them zero."""
    torch.manual_seed(3)
    ours = Tagger(data.config, [data.head], data.training)
    peer = plain("plain_model").PlainTagger(data.config, data.head, data.training)
    with torch.no_grad():
        for weight in ours.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
        for mine, its in pairs(dict(ours.named_parameters()), dict(peer.named_parameters())):
            its.copy_(mine)
        for name, table in TABLES.items():
            peer.get_parameter(f"{name}.weight").copy_(ours.get_parameter(f"{table}.weight"))
    return ours, peer


def pairs(ours: Mapping[str, Tensor], peer: Mapping[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Return tensors of both, which are known by the names of the weights, side by side in the peer's layout."""
    found = [(ours[f"crf.0.{name}"], peer[name]) for name in ("transitions", "start", "end")]
    found += [(ours[f"features.{name}"], peer[name]) for name in ("norm.weight", "norm.bias")]
    for kind in ("weight", "bias"):
        found += [(ours[f"output.{kind}"], peer[f"output.{kind}"])]
        found += [(ours[f"features.projection.{kind}"], peer[f"projection.{kind}"])]
    layer = {name: ours[f"encoder.layers.0.{name}"] for name in ("input_weight", "input_bias", "weight", "bias")}
    hidden = layer["bias"].shape[1]
    for i, suffix in enumerate(("l0", "l0_reverse")):
        found += [
            (layer["input_weight"][:, i].t(), peer[f"gru.weight_ih_{suffix}"]),
            (layer["input_bias"][i], peer[f"gru.bias_ih_{suffix}"]),
            (layer["weight"][i].t(), peer[f"gru.weight_hh_{suffix}"]),
            (layer["bias"][i], peer[f"gru.bias_hh_{suffix}"][2 * hidden :]),
        ]
    return found


def test_the_batches_are_the_same(data: Any, plain: Callable[[str], ModuleType]) -> None:
    batches = plain("plain_batches").Batches(data.train, data, data.train)
    for epoch in (1, 2):
        mine, its = list(our_data(data).epoch(data.training, epoch)), list(batches.epoch(epoch))
        assert len(mine) == len(its) > 3
        for ours, peer in zip(mine, its, strict=True):
            mask = torch.arange(ours.words.shape[1]) < ours.lengths.unsqueeze(1)
            assert torch.equal(ours.lengths, peer.lengths)
            assert torch.equal(ours.tags[0][mask], peer.tags[mask])
            assert torch.equal(ours.rows[ours.words][mask], peer.rows[mask])
            torch.testing.assert_close(ours.rarity[ours.words][mask], peer.rarity[mask])


def test_loss_and_gradients_are_the_same(data: Any, plain: Callable[[str], ModuleType]) -> None:
    data = replace(data, training=replace(data.training, **NO_CHANCE))
    ours, peer = both = both_models(data, plain)
    batches = plain("plain_batches").Batches(data.train, data, data.train)
    for mine, its in zip(our_data(data).epoch(data.training, 1), batches.epoch(1), strict=True):
        ours.zero_grad()
        peer.zero_grad()
        losses = ours(mine), peer(its)
        torch.testing.assert_close(*losses, rtol=1e-4, atol=1e-4)
        for loss in losses:
            loss.sum().backward()
        gradients = [{name: p.grad for name, p in model.named_parameters() if p.grad is not None} for model in both]
        for got, expected in pairs(*gradients):
            torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-3)
        for name, table in TABLES.items():
            rows, values = ours.get_submodule(table).touched
            torch.testing.assert_close(values.grad, gradients[1][f"{name}.weight"][rows], rtol=1e-3, atol=1e-3)


def test_both_learn_the_same(data: Any, plain: Callable[[str], ModuleType]) -> None:
    """AdamW on whole tables, clipping and the schedule lead where ours lead, without dropout."""
    data = replace(data, training=replace(data.training, **NO_CHANCE))
    ours, peer = both_models(data, plain)
    script, batches = plain("plain_tagger"), plain("plain_batches").Batches(data.train, data, data.train)
    mine, config, epochs = our_data(data), data.training, 4
    optimizer, planned = Optimizer(ours, config), epochs * mine.num_batches(config)
    torch_optimizer, schedule, averaged = script.tools(peer, config, planned)
    update = 0
    for epoch in range(1, epochs + 1):
        loss_sum = num_tokens = 0.0
        for batch in mine.epoch(config, epoch):
            loss = ours(batch).sum()
            (loss / batch.num_tokens).backward()
            optimizer.step(update / planned)
            loss_sum, num_tokens, update = loss_sum + loss.item(), num_tokens + batch.num_tokens, update + 1
        expected, _ = script.train_epoch(peer, averaged, torch_optimizer, schedule, batches, epoch, config)
        assert loss_sum / num_tokens == pytest.approx(expected, rel=0.1)
    assert loss_sum / num_tokens < 0.1
    with optimizer.averaged():
        ours.eval()
        averaged.eval()
        batch, its = next(mine.epoch(config, 1)), next(batches.epoch(1))
        torch.testing.assert_close(ours(batch), averaged.module(its), rtol=0.1, atol=0.05)


def test_the_search_finds_the_best_path(data: Any, plain: Callable[[str], ModuleType]) -> None:
    _, peer = both_models(data, plain)
    peer.eval()
    batches = plain("plain_batches").Batches(data.train, data, data.train)
    batch = next(batches.epoch(1))
    with torch.no_grad():
        emissions = peer.emissions(batch)
        paths = peer.decode(emissions, batch.lengths, 0.0)
        tags = torch.zeros_like(batch.tags)
        for i, path in enumerate(paths):
            assert len(path) == int(batch.lengths[i])
            tags[i, : len(path)] = torch.tensor(path)
        best = peer(replace(batch, tags=tags))
        # No path with one tag changed is likelier.
        for position in range(batch.tags.shape[1]):
            for tag in range(len(data.head.tags)):
                changed = tags.clone()
                changed[:, position] = tag
                inside = batch.lengths > position
                assert (peer(replace(batch, tags=changed))[inside] >= best[inside] - 1e-4).all()
