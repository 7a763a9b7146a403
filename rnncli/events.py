"""What training tells the outside: facts, not text. The CLI prints them, the log stores them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DataRead:
    """The training data have been read and understood.

    Attributes:
        num_train: records to learn from.
        num_dev: records held out or given for development.
        held_out: whether they were held out.
        num_tokens: tokens to learn from.
        labels: what is to be predicted.
        description: what was detected about the format, for a person.
        warnings: what a person should look at, a sentence each.
    """

    num_train: int
    num_dev: int
    held_out: bool
    num_tokens: int
    labels: tuple[str, ...]
    description: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainingStarted:
    """The model is built and the first batch is next.

    Attributes:
        num_parameters: trained numbers.
        num_updates: planned optimizer steps.
        num_epochs: planned passes over the data.
        device: where it trains.
        seed: of every generator.
    """

    num_parameters: int
    num_updates: int
    num_epochs: int
    device: str
    seed: int


@dataclass(frozen=True, slots=True)
class TrainingResumed:
    """An interrupted training goes on, or was looked for in vain.

    Attributes:
        path: the file of its state.
        epoch: passes over the data that were done.
        update: optimizer steps that were taken; 0 where there is no such file, so that training starts anew.
    """

    path: str
    epoch: int
    update: int


@dataclass(frozen=True, slots=True)
class UpdateDone:
    """One optimizer step is done.

    Attributes:
        update: its number from 1.
        epoch: the pass over the data it belongs to, from 1.
        loss: mean per token, nats.
    """

    update: int
    epoch: int
    loss: float


@dataclass(frozen=True, slots=True)
class EpochDone:
    """A pass over the data is done and the averaged model has been scored on the development data.

    Attributes:
        epoch: its number from 1.
        update: optimizer steps so far.
        loss: mean training loss per token over the pass, nats.
        score_name: for instance `f1`.
        dev_score: in 0..1, or None without development data.
        is_best: whether its model is kept, since no score was better by more than chance explains.
        tokens_per_s: training rate of the pass.
        elapsed_s: since training started.
    """

    epoch: int
    update: int
    loss: float
    score_name: str
    dev_score: float | None
    is_best: bool
    tokens_per_s: float
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class TrainingDone:
    """Training has ended and the model is chosen.

    Attributes:
        reason: why it ended: `epochs`, `early stopping`, `time`, `max updates` or `interrupted`.
        updates: optimizer steps taken.
        best_epoch: the pass whose model is kept.
        dev_score: its score, or None without development data.
        elapsed_s: since training started.
    """

    reason: str
    updates: int
    best_epoch: int
    dev_score: float | None
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Scored:
    """The chosen model has been scored on a part of the data.

    Attributes:
        part: `dev` or `test`.
        task: what was scored, such as `ner`.
        scores: by name, in 0..1, None where undefined.
        per_label: precision, recall, F1 and count of each label, where they are what matters.
    """

    part: str
    task: str
    scores: Mapping[str, float | None]
    per_label: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that a person should look at.

    Attributes:
        message: one sentence.
    """

    message: str


@dataclass(frozen=True, slots=True)
class ModelWritten:
    """The model file is complete.

    Attributes:
        path: where.
        num_bytes: its size.
    """

    path: str
    num_bytes: int


TrainingEvent = (
    DataRead
    | TrainingResumed
    | TrainingStarted
    | UpdateDone
    | EpochDone
    | TrainingDone
    | Scored
    | Warned
    | ModelWritten
)
