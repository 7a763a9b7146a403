"""The default tagger of `rnncli train ner` as anyone would build it with torch: the same model, data and settings.

Tables are EmbeddingBags with dense gradients, features are gathered for every token, the recurrence is torch.nn.GRU
over packed sequences, the CRF is a loop over time under autograd, AdamW goes over all parameters (fused, as it is
fastest so), and the average of the weights is torch's own AveragedModel. It scores dev after every pass and writes
no model. The lines that it prints are those of `rnncli train ner`.

python plain_tagger.py train DATA --epochs 3          DATA holds train and dev, as .conll
"""

import argparse
import math
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from plain_batches import Batches, Corpus, read
from plain_model import PlainTagger
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel

from rnncli.config import TrainingConfig
from rnncli.data.tag_schemes import Scheme, convert
from rnncli.metrics.spans import score_spans
from rnncli.metrics.standard_error import standard_error

_SCORED = 64
"""Sentences that are scored at a time."""

_BIASES = (0.0, 0.5, -0.5, 1.0, -1.0, 1.5, 2.0)
"""What is taken off the score of O; dev tells how much."""


def rate_factor(update: int, planned: int, warmup: float) -> float:
    """Return the share of the peak of the learning rate: linear warm-up, then half a cosine down to zero."""
    progress = min(1.0, update / planned)
    return max(min(1.0, progress / warmup), 0.01) * 0.5 * (1 + math.cos(math.pi * progress))


@torch.no_grad()
def move_average(decay: float, averages: Sequence[Tensor], weights: Sequence[Tensor], update: Tensor | int) -> None:
    """Move the averages towards the weights, the faster the fewer updates there were."""
    decay = min(decay, (int(update) + 1) / (10 + int(update)))
    torch._foreach_lerp_(averages, weights, 1 - decay)


@torch.no_grad()
def score(model: nn.Module, batches: Batches, corpus: Corpus) -> float:
    """Return the F1 of dev at the smallest bias that is as good as the best but for chance."""
    model.eval()
    tags: list[list[tuple[str, ...]]] = [[()] * len(corpus.dev) for _ in _BIASES]
    assert corpus.head.scheme is not None
    for indices, batch in batches.in_order(_SCORED):
        emissions = model.emissions(batch)
        for bias, answer in zip(_BIASES, tags, strict=True):
            for index, path in zip(indices, model.decode(emissions, batch.lengths, bias), strict=True):
                names = [corpus.head.tags[tag] for tag in path]
                answer[index] = convert(names, Scheme.BIOES, corpus.head.scheme)
    gold = [sentence.tags for sentence in corpus.dev]
    results = [score_spans(gold, answer) for answer in tags]
    scores = [result.f1 or 0.0 for result in results]
    enough = max(scores) - 0.5 * standard_error(max(scores), results[0].num_gold)
    good = [(abs(bias), -f1) for bias, f1 in zip(_BIASES, scores, strict=True) if f1 >= enough]
    return -min(good)[1]


def tools(
    model: nn.Module, config: TrainingConfig, planned: int
) -> tuple[torch.optim.Optimizer, LambdaLR, AveragedModel]:
    """Return the optimizer, its schedule over so many updates, and the average of the weights."""
    optimizer = torch.optim.AdamW(
        model.parameters(), config.learning_rate, betas=(0.9, 0.99), weight_decay=config.weight_decay, fused=True
    )
    schedule = LambdaLR(optimizer, partial(rate_factor, planned=planned, warmup=config.warmup))
    return optimizer, schedule, AveragedModel(model, multi_avg_fn=partial(move_average, config.ema_decay))


def train(data: Path, seed: int, epochs: int) -> None:
    """Train and print a line a pass."""
    torch.manual_seed(seed)
    corpus = read(data, seed)
    batches = Batches(corpus.train, corpus, corpus.train)
    dev = Batches(corpus.dev, corpus, corpus.train)
    config = corpus.training
    model = PlainTagger(corpus.config, corpus.head, config)
    planned = epochs * batches.num_batches()
    optimizer, schedule, averaged = tools(model, config, planned)
    sizes = sum(p.numel() for p in model.parameters())
    sys.stderr.write(
        f"training  {sizes / 1e6:.2f} M parameters, {planned} updates, {torch.get_num_threads()} threads\n"
    )
    began = time.monotonic()
    for epoch in range(1, epochs + 1):
        started = time.monotonic()
        loss, num_tokens = train_epoch(model, averaged, optimizer, schedule, batches, epoch, config)
        rate = num_tokens / (time.monotonic() - started)
        f1, elapsed = score(averaged.module, dev, corpus), time.monotonic() - began
        line = f"epoch {epoch:<3} loss {loss:.4f}  dev f1 {f1:.4f}  {rate:,.0f} tokens/s  {elapsed:.0f} s"
        sys.stderr.write(line + "\n")


def train_epoch(
    model: PlainTagger,
    averaged: AveragedModel,
    optimizer: torch.optim.Optimizer,
    schedule: LambdaLR,
    batches: Batches,
    epoch: int,
    config: TrainingConfig,
) -> tuple[float, int]:
    """Take one pass; return the mean loss per token, nats, and the tokens."""
    model.train()
    loss_sum, num_tokens = 0.0, 0
    for batch in batches.epoch(epoch):
        size = int(batch.lengths.sum())
        loss = model(batch).sum() / size
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
        optimizer.step()
        schedule.step()
        averaged.update_parameters(model)
        loss_sum, num_tokens = loss_sum + float(loss.detach()) * size, num_tokens + size
    return loss_sum / num_tokens, num_tokens


def main() -> None:
    """Run the mode that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(dest="mode", required=True)
    training = modes.add_parser("train", help="train on the train and dev splits of DATA")
    training.add_argument("data", type=Path)
    training.add_argument("--seed", type=int, default=1)
    training.add_argument("--epochs", type=int, default=3)
    args = parser.parse_args()
    train(args.data, args.seed, args.epochs)


if __name__ == "__main__":
    main()
