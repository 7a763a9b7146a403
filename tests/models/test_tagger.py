"""The training model: its loss against every path, head by head."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from rnncli.config import EncoderConfig, FeatureConfig, TaggerConfig, TrainingConfig
from rnncli.data.tag_schemes import Scheme
from rnncli.data.tag_sets import CHAIN_TAGS, TagSet
from rnncli.model_file import tagger_tensors
from rnncli.models.tagger import Tagger, TaggerBatch
from rnncli.training.tagger_data import TaggerData

SPANS = TagSet("ner", ("O", "B-X", "I-X", "E-X", "S-X"), Scheme.IOB2)
PLAIN = TagSet("pos", ("A", "N", "V"))
LARGE = TagSet("pos", tuple(f"t{i}" for i in range(CHAIN_TAGS + 1)))
SMALL_TABLES = FeatureConfig(
    embedding_size=4, word_rows=32, affix_rows=16, short_affix_rows=8, letter_rows=8, ngram_rows=16, projection_size=6
)
CONFIG = TaggerConfig(SMALL_TABLES, EncoderConfig(hidden_size=5), 3)
STILL = TrainingConfig(
    dropout=0.0,
    word_dropout=0.0,
    linear_dropout=0.0,
    rare_word_dropout=0.0,
    mention_replacement=0.0,
    outside_margin=2.0,
    batch_tokens=99,
)
TOKENS = [["the", "old", "Ada"], ["ran"], ["Bob", "sleeps"]]
GOLD = {
    "spans": [("O", "B-X", "E-X"), ("S-X",), ("O", "O")],
    "plain": [("A", "A", "N"), ("V",), ("N", "V")],
    "large": [("t0", "t256", "t7"), ("t7",), ("t255", "t1")],
}
SETS = {"spans": SPANS, "plain": PLAIN, "large": LARGE}


def build(names: tuple[str, ...], gold: dict[str, list[tuple[str, ...]]] = GOLD) -> tuple[Tagger, TaggerBatch]:
    """A tagger whose weights are all random, and one batch of all sentences."""
    heads = [SETS[name] for name in names]
    torch.manual_seed(1)
    model = Tagger(CONFIG, heads, STILL)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter))
    data = TaggerData(TOKENS, [gold[name] for name in names], heads, CONFIG.features)
    [batch] = data.epoch(STILL, 1)
    return model, batch


def loss_by_hand(model: Tagger, head: int, tag_set: TagSet, emissions: Tensor, tags: list[int]) -> float:
    """Negative log-likelihood of one sentence's tags by the sum over every legal path."""
    if not tag_set.is_chain:
        rows = zip(emissions, tags, strict=True)
        return sum(float(row.exp().sum().log() - row[tag]) for row, tag in rows)
    transitions, first, last = (p.detach() for p in model.crf[str(head)].parameters())
    allowed, start, end = tag_set.allowed()

    def score(path: tuple[int, ...]) -> float:
        total = float(first[path[0]] + last[path[-1]])
        total += sum(float(transitions[i, j]) for i, j in itertools.pairwise(path))
        return total + sum(float(emissions[t, tag]) for t, tag in enumerate(path))

    legal = [
        path
        for path in itertools.product(range(len(tag_set.tags)), repeat=len(tags))
        if start[path[0]] and end[path[-1]] and all(allowed[i][j] for i, j in itertools.pairwise(path))
    ]
    assert tuple(tags) in legal
    return math.log(sum(math.exp(score(path)) for path in legal)) - score(tuple(tags))


COMBINATIONS = [("spans",), ("plain",), ("large",), ("spans", "plain"), ("spans", "large"), ("spans", "plain", "large")]


@pytest.mark.parametrize("is_training", [False, True])
@pytest.mark.parametrize("names", COMBINATIONS, ids="+".join)
def test_the_loss_is_the_sum_over_heads_of_that_of_every_path(names: tuple[str, ...], is_training: bool) -> None:
    """While training, O of spans, and nothing else, is ahead wherever it is wrong."""
    model, batch = build(names)
    model.train(is_training)
    with torch.no_grad():
        losses, emissions = model(batch), model.emissions(batch).float()
    for row, length in enumerate(batch.lengths.tolist()):
        expected, position = 0.0, 0
        for i, name in enumerate(names):
            size = len(SETS[name].tags)
            part = emissions[row, :length, position : position + size].clone()
            tags = batch.tags[i, row, :length].tolist()
            if is_training and name == "spans":
                part[:, 0] += STILL.outside_margin * torch.tensor([float(tag != 0) for tag in tags])
            expected += loss_by_hand(model, i, SETS[name], part, tags)
            position += size
        assert float(losses[row]) == pytest.approx(expected, abs=2e-5 * max(1.0, abs(expected)))


@pytest.mark.parametrize("names", COMBINATIONS, ids="+".join)
def test_the_tensors_are_those_of_the_model_file(names: tuple[str, ...]) -> None:
    model, _ = build(names)
    listed = tagger_tensors(CONFIG, [SETS[name] for name in names])
    state = model.state_dict()
    assert {*state} == {*listed} - {"tokenizer", "known_words"}
    assert {name: tuple(state[name].shape) for name in state} == {name: listed[name].shape for name in state}
    assert any(name.startswith("crf.") for name in state) == any(SETS[name].is_chain for name in names)


def test_each_head_learns_from_its_own_tags_alone() -> None:
    """The gradients of one head's own weights do not change with the other's gold tags."""
    gradients = []
    for tags in (GOLD["plain"], [("V", "N", "A"), ("N",), ("A", "A")]):
        model, batch = build(("spans", "plain"), {**GOLD, "plain": tags})
        model(batch).sum().backward()
        gradients.append({name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None})
    first, second = gradients
    for name in ("crf.0.transitions", "crf.0.start", "crf.0.end"):
        torch.testing.assert_close(first[name], second[name], rtol=0, atol=0)
    torch.testing.assert_close(first["output.bias"][:5], second["output.bias"][:5], rtol=0, atol=0)
    assert (first["output.bias"][5:] - second["output.bias"][5:]).abs().max() > 0.01
    assert (first["crf.1.transitions"] - second["crf.1.transitions"]).abs().max() > 0.01
