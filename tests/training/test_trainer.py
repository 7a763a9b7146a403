"""The training loop: when it stops, what it keeps, and that it learns what there is to learn."""

import itertools
import math
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor, nn

from rnncli.config import EncoderConfig, FeatureConfig, TaggerConfig, TrainingConfig
from rnncli.data.tag_schemes import Scheme
from rnncli.data.tag_sets import TagSet
from rnncli.errors import ResourceError
from rnncli.events import EpochDone, TrainingDone, TrainingEvent, TrainingStarted, UpdateDone
from rnncli.inference.tagging import build_tagger
from rnncli.models.tagger import Tagger
from rnncli.training.export import to_arrays
from rnncli.training.seeding import seed_everything
from rnncli.training.tagger_data import TaggerData
from rnncli.training.trainer import Fitted, Run, fit

CPU = torch.device("cpu")
DEFAULTS = TrainingConfig()
MANY = 10**12
"""Cases so many that no difference of scores is chance."""
Corpus = tuple[list[list[str]], list[list[str]]]
States = dict[str, Tensor]


@dataclass(frozen=True)
class Numbers:
    """A batch of two records with three tokens each."""

    target: float
    num_tokens: int = 6


class Point(nn.Module):
    """A single number that is drawn to the targets."""

    def __init__(self) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.zeros(()))

    def forward(self, batch: Numbers) -> Tensor:
        assert self.training
        return ((self.position - batch.target) ** 2).expand(2)


def run_of(**changes: object) -> Run:
    values: dict[str, object] = {
        "model": Point(),
        "batches": lambda epoch: [Numbers(1.0)] * 4,
        "batches_per_epoch": 4,
        "score": None,
        "score_name": "f1",
        "num_scored": MANY,
        "stop": lambda: None,
        "deadline": None,
    }
    return Run(**(values | changes))  # type: ignore[arg-type]


def finish(training: Generator[TrainingEvent, None, Fitted]) -> tuple[list[TrainingEvent], States]:
    events: list[TrainingEvent] = []
    while True:
        try:
            events.append(next(training))
        except StopIteration as end:
            return events, end.value.state


def fitted(run: Run, config: TrainingConfig = DEFAULTS, epochs: int = 5) -> tuple[list[TrainingEvent], States]:
    return finish(fit(run, config, epochs, CPU))


def test_events_tell_the_story_in_order() -> None:
    seen: list[int] = []

    def batches(epoch: int) -> list[Numbers]:
        seen.append(epoch)
        return [Numbers(2.0), Numbers(4.0, num_tokens=12)]

    events, _ = fitted(run_of(batches=batches, batches_per_epoch=2), TrainingConfig(learning_rate=1e-12), epochs=3)
    assert seen == [1, 2, 3]
    started, done = events[0], events[-1]
    assert started == TrainingStarted(1, 6, 3, "cpu", 1)
    assert isinstance(done, TrainingDone)
    assert (done.reason, done.updates, done.dev_score) == ("epochs", 6, None)
    updates = [event for event in events if isinstance(event, UpdateDone)]
    assert [(event.update, event.epoch) for event in updates] == [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (6, 3)]
    # Two records of 2² over 6 tokens, two of 4² over 12; the pass weighs by tokens: 40 over 18.
    assert [event.loss for event in updates[:2]] == pytest.approx([8 / 6, 32 / 12])
    passes = [event for event in events if isinstance(event, EpochDone)]
    assert [(event.epoch, event.update) for event in passes] == [(1, 2), (2, 4), (3, 6)]
    assert passes[0].loss == pytest.approx(40 / 18)


@pytest.mark.parametrize("patience", [1, 2, 4])
def test_early_stopping_stops_and_keeps_the_best(patience: int) -> None:
    scores = [0.2, 0.5, 0.6, 0.59, 0.4, 0.3, 0.2, 0.1, 0.9]
    model = Point()
    positions: list[float] = []

    def score() -> float:
        assert not model.training
        positions.append(model.position.item())
        return scores[len(positions) - 1]

    config = TrainingConfig(patience=patience, learning_rate=0.01, ema_decay=0.5)
    events, state = fitted(run_of(model=model, score=score), config, epochs=9)
    done = events[-1]
    assert isinstance(done, TrainingDone)
    assert (done.reason, done.best_epoch, done.dev_score) == ("early stopping", 3, 0.6)
    assert len(positions) == 3 + patience
    assert len(set(positions)) == len(positions)
    # What is kept is what was scored in pass 3.
    assert float(state["position"]) == positions[2]
    passes = [event for event in events if isinstance(event, EpochDone)]
    assert [event.is_best for event in passes] == [True, True, True, *[False] * patience]
    assert [event.dev_score for event in passes] == scores[: 3 + patience]


def test_among_passes_as_good_but_for_chance_the_last_is_kept() -> None:
    """Over 100 cases the standard error of 0.6 is 0.049, and half of it is chance."""
    scores = iter([0.5, 0.6, 0.58, 0.57, 0.6, 0.59, 0.56])
    config = TrainingConfig(patience=4)
    events, _ = fitted(run_of(score=lambda: next(scores), num_scored=100), config, epochs=7)
    passes = [event for event in events if isinstance(event, EpochDone)]
    assert [event.is_best for event in passes] == [True, True, True, False, True, True, False]
    done = events[-1]
    assert isinstance(done, TrainingDone)
    assert (done.reason, done.best_epoch, done.dev_score) == ("epochs", 6, 0.59)


def test_the_averaged_weights_are_scored_and_training_goes_on_from_the_present_ones() -> None:
    """Guards the swap of weights around scoring: with or without it the same path must be walked."""
    paths = []
    for score in (None, lambda: 0.5):
        model = Point()
        positions: list[float] = []
        training = fit(run_of(model=model, score=score), TrainingConfig(learning_rate=0.1), 3, CPU)
        positions = [model.position.item() for event in training if isinstance(event, UpdateDone)]
        paths.append(positions)
    assert paths[0] == paths[1]
    assert len(set(paths[0])) == 12


def test_without_development_data_the_last_weights_are_kept() -> None:
    few, last = (fitted(run_of(), TrainingConfig(learning_rate=0.1, patience=1), epochs=n) for n in (1, 6))
    done = last[0][-1]
    assert isinstance(done, TrainingDone)
    assert (done.reason, done.best_epoch) == ("epochs", 6)
    assert float(last[1]["position"]) > float(few[1]["position"]) > 0


@pytest.mark.parametrize("max_updates", [1, 4, 7])
def test_max_updates(max_updates: int) -> None:
    events, state = fitted(run_of(score=lambda: 0.5), TrainingConfig(max_updates=max_updates))
    assert sum(isinstance(event, UpdateDone) for event in events) == max_updates
    assert isinstance(events[0], TrainingStarted)
    assert events[0].num_updates == max_updates
    # The interrupted pass is scored too, or a run shorter than a pass would keep nothing.
    assert isinstance(events[-2], EpochDone)
    assert isinstance(events[-1], TrainingDone)
    assert (events[-1].reason, events[-1].updates) == ("max updates", max_updates)
    assert set(state) == {"position"}


def test_stop_callback_is_asked_after_every_update() -> None:
    count = itertools.count(1)
    events, state = fitted(run_of(stop=lambda: "interrupted" if next(count) == 6 else None))
    assert isinstance(events[-1], TrainingDone)
    assert (events[-1].reason, events[-1].updates) == ("interrupted", 6)
    assert float(state["position"]) > 0


def test_time_limit_ends_training_and_the_schedule_with_it() -> None:
    began = time.monotonic()
    model = Point()
    moves: list[float] = []

    def batches(_: int) -> Generator[Numbers, None, None]:
        while True:
            time.sleep(0.002)
            moves.append(model.position.item())
            yield Numbers(1e6)

    config = TrainingConfig(learning_rate=0.1, weight_decay=0.0)
    run = run_of(model=model, batches=batches, batches_per_epoch=1_000_000, deadline=began + 0.6)
    events, _ = fitted(run, config)
    assert 0.4 < time.monotonic() - began < 5
    assert isinstance(events[-1], TrainingDone)
    assert events[-1].reason == "time"
    # By the plan of five million updates the rate would not rise above a hundredth of the peak.
    steps = [after - before for before, after in itertools.pairwise(moves)]
    assert max(steps) > 0.05
    assert steps[-1] < 0.5 * max(steps)


def test_a_deadline_that_has_passed_still_gives_a_model() -> None:
    events, state = fitted(run_of(deadline=time.monotonic() - 1))
    assert isinstance(events[-1], TrainingDone)
    assert (events[-1].reason, events[-1].updates) == ("time", 1)
    assert torch.isfinite(state["position"])


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_ends_training(value: float) -> None:
    model = Point()
    batches = [Numbers(1.0), Numbers(value)]
    training = fit(run_of(model=model, batches=lambda _: batches), TrainingConfig(), 2, CPU)
    with pytest.raises(ResourceError, match="not finite at update 2"):
        list(training)
    assert torch.isfinite(model.position)


def small_config() -> TaggerConfig:
    features = FeatureConfig(
        embedding_size=8, word_rows=256, affix_rows=128, short_affix_rows=64, ngram_rows=256, projection_size=16
    )
    return TaggerConfig(features, EncoderConfig(hidden_size=12))


def train_tagger(
    corpus: Corpus, names: tuple[str, ...], config: TrainingConfig, epochs: int, dev: Corpus | None = None
) -> tuple[States, list[float]]:
    seed_everything(config.seed)
    sizes = small_config()
    heads = [TagSet("ner", names, Scheme.BIOES)]
    model = Tagger(sizes, heads, config)
    data = TaggerData(corpus[0], [corpus[1]], heads, sizes.features)
    scores: list[float] = []

    def accuracy() -> float:
        assert dev is not None
        tagger = build_tagger(sizes, heads, to_arrays(model.state_dict()))
        pairs = [
            (guess, tag)
            for guesses, tags in zip(tagger.tag(dev[0]), dev[1], strict=True)
            for guess, tag in zip(guesses, tags, strict=True)
        ]
        scores.append(sum(guess == tag for guess, tag in pairs) / len(pairs))
        return scores[-1]

    run = run_of(
        model=model,
        batches=lambda epoch: data.epoch(config, epoch),
        batches_per_epoch=data.num_batches(config),
        score=accuracy if dev else None,
    )
    _, state = finish(fit(run, config, epochs, CPU))
    return state, scores


def content(state: States) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in state.items()}


def test_the_same_seed_gives_the_same_bytes_and_another_one_differs(
    small_corpus: Corpus, small_tags: tuple[str, ...]
) -> None:
    config = TrainingConfig(seed=5, max_updates=6, batch_tokens=80)
    one, same, other = (
        content(train_tagger(small_corpus, small_tags, replace(config, seed=seed), 3)[0]) for seed in (5, 5, 6)
    )
    assert one == same
    # All that is drawn at random differs, whether trained or not.
    assert {name for name in one if one[name] == other[name]} <= {name for name in one if not any(one[name])}


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_products_have_the_precision_asked_for(precision: str, dtype: torch.dtype) -> None:
    seen: list[torch.dtype] = []

    class Product(Point):
        def forward(self, batch: Numbers) -> Tensor:
            seen.append((self.position.expand(2, 2) @ torch.ones(2, 2)).dtype)
            return super().forward(batch)

    fitted(run_of(model=Product()), TrainingConfig(precision=precision), epochs=1)
    assert set(seen) == {dtype}


def test_the_seed_decides_what_is_drawn() -> None:
    draws = []
    for seed in (1, 1, 2):
        seed_everything(seed)
        draws.append(torch.rand(4).tolist())
    assert draws[0] == draws[1] != draws[2]


Learn = Callable[[Corpus], tuple[float, float]]


@pytest.fixture
def learn(small_corpus: Corpus, small_tags: tuple[str, ...]) -> Learn:
    """Train on 45 sentences of a corpus; return the accuracy on the other true ones, and that of the commonest tag."""

    def run(corpus: Corpus) -> tuple[float, float]:
        train: Corpus = (corpus[0][:45], corpus[1][:45])
        dev: Corpus = (small_corpus[0][45:], small_corpus[1][45:])
        config = TrainingConfig(learning_rate=0.02, batch_tokens=120, dropout=0.1, patience=100)
        _, scores = train_tagger(train, small_tags, config, 12, dev)
        tags = [tag for sentence in dev[1] for tag in sentence]
        return scores[-1], max(tags.count(tag) for tag in small_tags) / len(tags)

    return run


def test_true_labels_are_learnt(small_corpus: Corpus, learn: Learn) -> None:
    score, chance = learn(small_corpus)
    assert chance < 0.65
    assert score > 0.95


def test_shuffled_labels_teach_nothing(small_corpus: Corpus, learn: Learn) -> None:
    """Guards against scores that see the gold tags: with labels dealt out at random no score may beat chance."""
    tokens, tags = small_corpus
    generator = torch.Generator().manual_seed(0)
    spare = [tag for sentence in tags for tag in sentence]
    spans = [("O",), ("S-PER",), ("S-LOC",), ("B-PER", "E-PER"), ("B-LOC", "E-LOC")]
    weights = torch.tensor([spare.count("O"), *[(len(spare) - spare.count("O")) / 6] * 4])
    shuffled: list[list[str]] = []
    for sentence in tokens:
        row: list[str] = []
        while len(row) < len(sentence):
            span = spans[int(torch.multinomial(weights, 1, generator=generator))]
            row += span if len(row) + len(span) <= len(sentence) else ("O",)
        shuffled.append(row)
    score, chance = learn((tokens, shuffled))
    assert score < chance + 0.03
