"""Faults while training: interruptions change no bit, bad numbers are tried again once, and memory may be short."""

import math
import time
from collections.abc import Callable, Container, Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rnncli.config import EncoderConfig, FeatureConfig, TaggerConfig, TrainingConfig
from rnncli.data.tag_schemes import Scheme
from rnncli.data.tag_sets import TagSet
from rnncli.errors import ModelError, ResourceError
from rnncli.events import EpochDone, TrainingDone, TrainingEvent, UpdateDone, Warned
from rnncli.inference.tagging import build_tagger
from rnncli.models.tagger import Tagger, TaggerBatch
from rnncli.training.checkpoint import StateFile
from rnncli.training.export import to_arrays
from rnncli.training.seeding import seed_everything
from rnncli.training.tagger_data import TaggerData
from rnncli.training.trainer import Fitted, Run, fit

CPU = torch.device("cpu")
CONFIG = TrainingConfig(seed=3, batch_tokens=150, learning_rate=0.02)
SIZES = TaggerConfig(
    FeatureConfig(
        embedding_size=8, word_rows=64, affix_rows=64, short_affix_rows=32, ngram_rows=64, projection_size=16
    ),
    EncoderConfig(hidden_size=8),
)
EPOCHS = 5
Corpus = tuple[list[list[str]], list[list[str]]]
Training = Generator[TrainingEvent, None, Fitted]


@dataclass
class Told:
    """What a training has told so far, and how it ended."""

    events: list[TrainingEvent] = field(default_factory=list)
    fitted: Fitted | None = None

    @property
    def updates(self) -> list[UpdateDone]:
        return [event for event in self.events if isinstance(event, UpdateDone)]

    @property
    def scores(self) -> list[tuple[int, float, float | None, bool]]:
        passes = [event for event in self.events if isinstance(event, EpochDone)]
        return [(event.epoch, event.loss, event.dev_score, event.is_best) for event in passes]

    @property
    def warnings(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Warned)]

    @property
    def done(self) -> tuple[str, int, int, float | None]:
        (event,) = (event for event in self.events if isinstance(event, TrainingDone))
        return event.reason, event.updates, event.best_epoch, event.dev_score

    @property
    def weights(self) -> dict[str, bytes]:
        assert self.fitted is not None
        return {name: tensor.numpy().tobytes() for name, tensor in self.fitted.state.items()}


def watch(training: Training, num_events: int | None = None) -> Told:
    """Take events; a training that is left after some of them is one that was killed there."""
    told = Told()
    while num_events is None or len(told.events) < num_events:
        try:
            told.events.append(next(training))
        except StopIteration as end:
            told.fitted = end.value
            break
    training.close()
    return told


@pytest.fixture
def start(small_corpus: Corpus, small_tags: tuple[str, ...], tmp_path: Path) -> Callable[..., Training]:
    """Begin a training, or go on from its state, as a new process would: with nothing but the file."""

    def begin(
        config: TrainingConfig = CONFIG,
        *,
        keeps_state: bool = True,
        interval_s: float = 0.0,
        stop: Callable[[], str | None] = lambda: None,
        resume: bool = False,
        **changes: Any,
    ) -> Training:
        file = StateFile(str(tmp_path / "m.state"), {}, interval_s) if keeps_state else None
        seed_everything(config.seed)
        tokens, tags = small_corpus
        heads = [TagSet("ner", small_tags, Scheme.BIOES)]
        model = Tagger(SIZES, heads, config)
        data = TaggerData(tokens[:16], [tags[:16]], heads, SIZES.features)

        def accuracy() -> float:
            tagger = build_tagger(SIZES, heads, to_arrays(model.state_dict()))
            found = tagger.tag(tokens[48:])
            pairs = [(a, b) for x, y in zip(found, tags[48:], strict=True) for a, b in zip(x, y, strict=True)]
            return sum(a == b for a, b in pairs) / len(pairs)

        run = Run(
            model=model,
            batches=lambda epoch: data.epoch(config, epoch),
            batches_per_epoch=data.num_batches(config),
            score=accuracy,
            score_name="accuracy",
            num_scored=10**12,
            stop=stop,
            deadline=None,
            state_file=file,
            resumed=file.load() if file and resume else None,
        )
        return fit(replace(run, **changes), config, EPOCHS, CPU)

    return begin


def test_keeping_states_changes_nothing(start: Callable[..., Training]) -> None:
    without, often = watch(start(keeps_state=False)), watch(start())
    assert often.updates == without.updates
    assert often.weights == without.weights


def test_killed_anywhere_a_run_takes_up_its_course(start: Callable[..., Training], tmp_path: Path) -> None:
    """Between any two events the process may vanish; what follows and what is kept must be the same to the bit."""
    whole = watch(start(keeps_state=False))
    assert whole.done[0] == "epochs"
    assert len(whole.updates) >= 2 * EPOCHS
    # A pass is three events or so: every second one is each kind of moment.
    for num_events in range(3, len(whole.events) + 1, 2):
        killed = watch(start(), num_events)
        rest = watch(start(resume=True))
        assert rest.updates == whole.updates[len(whole.updates) - len(rest.updates) :]
        assert rest.scores == whole.scores[len(whole.scores) - len(rest.scores) :]
        assert (rest.done, rest.weights) == (whole.done, whole.weights)
        # A state is kept after every update, so at most the last one is taken again.
        assert len(rest.updates) <= len(whole.updates) - len(killed.updates) + 1
        (tmp_path / "m.state").unlink()


def test_a_run_without_development_data_is_resumed_too(start: Callable[..., Training]) -> None:
    whole = watch(start(keeps_state=False, score=None))
    watch(start(score=None), len(whole.events) // 2)
    assert watch(start(resume=True, score=None)).weights == whole.weights


def test_many_interruptions_in_one_run(start: Callable[..., Training]) -> None:
    whole = watch(start(keeps_state=False))
    told = watch(start(), 4)
    for _ in range(8):
        told = watch(start(resume=True), 5)
    told = watch(start(resume=True))
    assert len(told.updates) < len(whole.updates) / 2
    assert told.weights == whole.weights


@pytest.mark.parametrize("at", [1, 2, 5, 8])
def test_told_to_stop_it_keeps_the_state_from_before_the_scoring(start: Callable[..., Training], at: int) -> None:
    """Scoring in the middle of a pass moves the tables' rows, which the uninterrupted run does not."""
    whole = watch(start(keeps_state=False))
    asked = iter(range(1, 1000))
    first = watch(start(interval_s=1e9, stop=lambda: "interrupted" if next(asked) == at else None))
    assert first.done[:2] == ("interrupted", at)
    assert first.fitted is not None
    assert first.fitted.interrupted
    assert len(first.weights) == len(whole.weights)
    second = watch(start(resume=True))
    assert second.updates == whole.updates[at:]
    assert (second.done, second.weights) == (whole.done, whole.weights)
    assert second.fitted is not None
    assert not second.fitted.interrupted


def test_early_stopping_counts_on(start: Callable[..., Training]) -> None:
    config = replace(CONFIG, patience=2)

    def scores(first: int) -> Callable[[], float]:
        coming = iter((0.4, 0.6, 0.5, 0.3, 0.7)[first - 1 :])
        return lambda: next(coming)

    whole = watch(start(config, keeps_state=False, score=scores(1)))
    assert whole.done[0] == "early stopping"
    ends = [i for i, event in enumerate(whole.events, 1) if isinstance(event, EpochDone)]
    assert len(ends) == 4
    # One event more, or the state of the pass's end would not have been kept.
    watch(start(config, score=scores(1)), ends[2] + 1)
    rest = watch(start(config, resume=True, score=scores(4)))
    assert [epoch for epoch, *_ in rest.scores] == [4]
    assert (rest.done, rest.weights) == (whole.done, whole.weights)
    # Now all is scored and only the model is missing: nothing is trained any more.
    rest = watch(start(config, resume=True, score=scores(5)))
    assert (rest.updates, rest.scores) == ([], [])
    assert (rest.done, rest.weights) == (whole.done, whole.weights)


def test_the_clock_counts_on(start: Callable[..., Training], tmp_path: Path) -> None:
    """With a time limit the part of it that an interrupted run has used up is used up."""
    watch(start(), 6)
    state = StateFile(str(tmp_path / "m.state"), {}, 0).load()
    assert state is not None
    reasons = []
    for elapsed_s in (1.0, 1000.0):
        older = replace(state, progress=replace(state.progress, elapsed_s=elapsed_s))
        told = watch(start(resumed=older, deadline=time.monotonic() + 500))
        reasons.append(told.done[0])
        (done,) = (event for event in told.events if isinstance(event, TrainingDone))
        assert elapsed_s < done.elapsed_s < elapsed_s + 60
    assert reasons == ["epochs", "time"]


def test_a_state_that_does_not_fit_the_model_is_a_model_error(start: Callable[..., Training], tmp_path: Path) -> None:
    watch(start(), 6)
    state = StateFile(str(tmp_path / "m.state"), {}, 0).load()
    assert state is not None
    for change in ({}, {name: t[:1] for name, t in state.tensors.items() if t.ndim}):
        tensors = {name: t for name, t in state.tensors.items() if change or not name.startswith("optimizer.tables")}
        with pytest.raises(ModelError):
            watch(start(resumed=replace(state, tensors=tensors | change)))


# Numbers that are not finite


@dataclass(frozen=True)
class Numbers:
    """A batch of records with three tokens each."""

    targets: tuple[float, ...]

    @property
    def num_tokens(self) -> int:
        return 3 * len(self.targets)

    def halves(self) -> list["Numbers"]:
        middle = len(self.targets) // 2
        return [Numbers(self.targets[:middle]), Numbers(self.targets[middle:])] if middle else [self]


class Point(nn.Module):
    """A number that is drawn to noisy targets; at some calls its loss or its slope is not finite."""

    def __init__(self, *, bad_losses: Container[int] = (), bad_slopes: Container[int] = ()) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.tensor(0.5))
        self.calls = 0
        self._bad_losses, self._bad_slopes = bad_losses, bad_slopes

    def forward(self, batch: Numbers) -> Tensor:
        self.calls += 1
        losses = (self.position - torch.tensor(batch.targets) - torch.rand(())) ** 2
        if self.calls in self._bad_losses:
            losses = losses * math.nan
        if self.calls in self._bad_slopes:
            # The root of 0 is 0, but its slope there is infinite.
            losses = losses + torch.sqrt(self.position - self.position.detach())
        return losses


def point_run(model: nn.Module, **changes: Any) -> Run:
    batches = [Numbers((1.0, 2.0)), Numbers((3.0, 1.0, 4.0))]
    return replace(Run(model, lambda _: batches, 2, None, "f1", 10**12, lambda: None, None), **changes)


@pytest.mark.parametrize("fault", ["bad_losses", "bad_slopes"])
def test_after_a_number_that_is_not_finite_half_the_learning_rate_is_tried(fault: str) -> None:
    seed_everything(CONFIG.seed)
    told = watch(fit(point_run(Point(**{fault: [2]})), CONFIG, EPOCHS, CPU))
    (warning,) = told.warnings
    assert "not finite at update 2" in warning
    assert "half the learning rate" in warning
    seed_everything(CONFIG.seed, stream=1)
    calm = watch(fit(point_run(Point()), replace(CONFIG, learning_rate=CONFIG.learning_rate / 2), EPOCHS, CPU))
    # From the start on, other draws and half the rate: the first update is told twice.
    assert told.updates[1:] == calm.updates
    assert told.weights == calm.weights


def test_it_goes_back_to_the_last_end_of_a_pass(start: Callable[..., Training]) -> None:
    seed_everything(CONFIG.seed)
    told = watch(fit(point_run(Point(bad_losses=[6])), CONFIG, EPOCHS, CPU))
    assert [event.update for event in told.updates] == [1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10]
    assert [event[0] for event in told.scores] == [1, 2, 3, 4, 5]
    assert len({event.loss for event in told.updates}) == 11


def test_a_second_time_it_ends_without_a_model_and_without_a_state(tmp_path: Path) -> None:
    path = tmp_path / "m.state"
    run = point_run(Point(bad_losses=[6, 8]), state_file=StateFile(str(path), {}, 0))
    with pytest.raises(ResourceError, match="not finite at update 6") as caught:
        watch(fit(run, CONFIG, EPOCHS, CPU))
    assert caught.value.exit_code == 5
    # The same numbers would come again.
    assert not path.exists()


def test_a_resumed_run_knows_that_it_has_been_back(tmp_path: Path) -> None:
    def begin(model: Point, *, resume: bool) -> Training:
        file = StateFile(str(tmp_path / "m.state"), {}, 0)
        seed_everything(CONFIG.seed)
        return fit(point_run(model, state_file=file, resumed=file.load() if resume else None), CONFIG, EPOCHS, CPU)

    whole = watch(begin(Point(bad_losses=[3]), resume=False))
    watch(begin(Point(bad_losses=[3]), resume=False), 9)
    rest = watch(begin(Point(), resume=True))
    assert rest.warnings == []
    assert 0 < len(rest.updates) < 8
    assert rest.weights == whole.weights
    watch(begin(Point(bad_losses=[3]), resume=False), 9)
    with pytest.raises(ResourceError):
        watch(begin(Point(bad_losses=[2]), resume=True))


# A full disk


def test_a_state_that_cannot_be_written_is_told_once_and_training_goes_on(
    start: Callable[..., Training], tmp_path: Path
) -> None:
    whole = watch(start(keeps_state=False))
    told = watch(start(state_file=StateFile(str(tmp_path / "missing" / "m.state"), {}, 0)))
    (warning,) = told.warnings
    assert "m.state" in warning
    assert (told.updates, told.weights) == (whole.updates, whole.weights)


# Short memory


class Cramped(nn.Module):
    """A model in a machine whose memory holds so many records; there it asks the allocator for too much."""

    def __init__(self, model: nn.Module, most: int, error: Callable[[], object]) -> None:
        super().__init__()
        self.model = model
        self._most, self._error = most, error
        self.sizes: list[int] = []

    def forward(self, batch: TaggerBatch) -> Tensor:
        losses: Tensor = self.model(batch)
        self.sizes.append(len(losses))
        if len(losses) > self._most:
            # Part of the gradient is there already, as when backward runs out of memory half-way.
            losses.sum().backward()
            self._error()
        return losses


def exhausted() -> None:
    raise MemoryError


def gpu_exhausted() -> None:
    raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def cpu_exhausted() -> None:
    torch.empty(1 << 60)


SHORTAGES = pytest.mark.parametrize("error", [exhausted, gpu_exhausted, cpu_exhausted])
CALM = replace(
    CONFIG, dropout=0.0, word_dropout=0.0, rare_word_dropout=0.0, linear_dropout=0.0, mention_replacement=0.0
)


@SHORTAGES
def test_a_batch_too_large_is_taken_in_parts_with_the_same_gradient(
    small_corpus: Corpus, small_tags: tuple[str, ...], error: Callable[[], object]
) -> None:
    tokens, tags = small_corpus
    heads = [TagSet("ner", small_tags, Scheme.BIOES)]
    told = []
    for most in (1000, 2):
        seed_everything(1)
        model = Cramped(Tagger(SIZES, heads, CALM), most, error)
        data = TaggerData(tokens, [tags], heads, SIZES.features)
        run = Run(
            model, lambda e, d=data: d.epoch(CALM, e), data.num_batches(CALM), None, "f1", 10**12, lambda: None, None
        )
        told.append(watch(fit(run, replace(CALM, max_updates=4), 9, CPU)))
    roomy, cramped = told
    assert roomy.warnings == []
    (warning,) = cramped.warnings
    assert "not enough memory" in warning
    assert max(model.sizes) > 4  # halved more than once
    assert [event.loss for event in cramped.updates] == pytest.approx([event.loss for event in roomy.updates], rel=1e-4)
    assert roomy.fitted is not None
    assert cramped.fitted is not None
    for name, tensor in roomy.fitted.state.items():
        torch.testing.assert_close(cramped.fitted.state[name], tensor, rtol=1e-3, atol=1e-4)


@SHORTAGES
def test_a_single_record_too_large_is_a_resource_error(error: Callable[[], object]) -> None:
    training = fit(point_run(Cramped(Point(), 0, error)), CONFIG, EPOCHS, CPU)
    with pytest.raises(ResourceError, match="record of 3 tokens") as caught:
        watch(training)
    assert caught.value.hint


@SHORTAGES
def test_memory_that_lacks_elsewhere_is_a_resource_error(error: Callable[[], object]) -> None:
    with pytest.raises(ResourceError, match="out of memory"):
        watch(fit(point_run(Point(), score=error), CONFIG, EPOCHS, CPU))


def test_other_failures_stay_what_they_are() -> None:
    def fail() -> None:
        raise RuntimeError("shapes do not fit")

    for run in (point_run(Cramped(Point(), 0, fail)), point_run(Point(), score=fail)):
        with pytest.raises(RuntimeError, match="shapes do not fit"):
            watch(fit(run, CONFIG, EPOCHS, CPU))
