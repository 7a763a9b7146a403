"""Training a tagger from files: read, hold out, fit, calibrate, write."""

import hashlib
import platform
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rnncli import model_file
from rnncli.config import TaggerConfig, TrainingConfig, to_dict
from rnncli.data.formats.conll import Columns, SentenceReader
from rnncli.data.formats.vectors import Vectors, read_vectors
from rnncli.data.lint import SpanSummary, summarise_spans, warn_about
from rnncli.data.records import Sentence
from rnncli.data.splits import hold_out
from rnncli.data.tag_schemes import Scheme, convert
from rnncli.errors import DataError, Problem
from rnncli.events import DataRead, ModelWritten, Scored, TrainingEvent
from rnncli.inference.tagging import SentenceTagger, build_tagger
from rnncli.metrics.spans import SpanScores, score_spans
from rnncli.models.tagger import Tagger
from rnncli.training.defaults import default_epochs, model_size
from rnncli.training.devices import choose_device
from rnncli.training.export import to_arrays
from rnncli.training.seeding import seed_everything
from rnncli.training.tagger_data import TaggerData
from rnncli.training.tokenizer_rules import freeze
from rnncli.training.trainer import Run, fit

_RESERVE_S = 8.0
"""Kept free at the end of a time limit for calibration, scoring and writing."""
_OUTSIDE_BIASES = (0.0, 0.5, 1.0, 1.5, 2.0)


@dataclass(frozen=True, slots=True)
class TaggingJob:
    """What to train from and where to write.

    Attributes:
        train_files: gold sentences.
        output: path of the model.
        dev: a file, a fraction to hold out, or None for no development data.
        test_file: scored once at the end, or None.
        columns: where tokens and tags stand.
        language: whose tokenizer raw text will get.
        vectors_file: pretrained vectors, or None.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        command: what was typed, base names only, kept in the model.
        training: optimisation settings.
        started: `time.monotonic()` at the start of the command.
        stop: asked after every update; a reason to stop early, or None.
    """

    train_files: tuple[str, ...]
    output: str
    dev: str | float | None = 0.1
    test_file: str | None = None
    columns: Columns = field(default_factory=Columns)
    language: str = "en"
    vectors_file: str | None = None
    device: str = "auto"
    command: tuple[str, ...] = ()
    training: TrainingConfig = field(default_factory=TrainingConfig)
    started: float = field(default_factory=time.monotonic)
    stop: Callable[[], str | None] = lambda: None


def train_tagger(job: TaggingJob) -> Generator[TrainingEvent, None, None]:
    """Train a tagger and write its file.

    Yields:
        What happens, ending with ModelWritten.

    Raises:
        DataError: the data cannot be learned from.
        ResourceError: no such device, disk full, loss not finite.
    """
    seed_everything(job.training.seed)
    device = choose_device(job.device)
    corpus = _read(job)
    yield corpus.event
    rules = freeze(job.language)
    tags = _inner_tags(corpus.summary)
    known = {token for sentence in corpus.train for token in sentence.tokens}
    vectors = read_vectors(job.vectors_file, known) if job.vectors_file else None
    config = model_size(len(known), vectors)
    data = _training_data(corpus, tags, config, vectors)
    table = None if vectors is None else torch.from_numpy(vectors.table)
    model = Tagger(config, tags, job.training, table).to(device)

    def arrays(state: Mapping[str, torch.Tensor]) -> dict[str, NDArray[Any]]:
        texts = {"tokenizer": model_file.text_tensor(rules.to_json())}
        if vectors is not None:
            texts["features.vector_words"] = np.frombuffer(vectors.vocabulary.to_bytes(), dtype=np.uint8)
        return {**to_arrays(state), **texts}

    def tagger(tensors: dict[str, NDArray[Any]]) -> SentenceTagger:
        return build_tagger(config, tags, corpus.summary.scheme, tensors)

    def dev_f1() -> float:
        return _best_bias(tagger(arrays(model.state_dict())), corpus.dev)[0]

    limit = job.training.time_limit_s
    run = Run(
        model=model,
        batches=lambda epoch: (batch.to(device) for batch in data.epoch(job.training, epoch)),
        batches_per_epoch=data.num_batches(job.training),
        score=dev_f1 if corpus.dev else None,
        score_name="f1",
        stop=job.stop,
        deadline=None if limit is None else job.started + max(limit - _RESERVE_S, 0.8 * limit),
    )
    epochs = job.training.epochs or default_epochs(data.num_tokens)
    state = yield from fit(run, job.training, epochs, device)
    tensors = arrays(state)
    bias = _best_bias(tagger(tensors), corpus.dev)[1] if corpus.dev else 0.0
    tensors["output.bias"][tags.index("O")] -= np.float32(bias)
    final = tagger(tensors)
    scores = {name: _score(final, part) for name, part in (("dev", corpus.dev), ("test", corpus.test)) if part}
    for name, score in scores.items():
        yield scored_event(name, score)
    metadata = {
        "task": "ner",
        "config": to_dict(config),
        "training": to_dict(job.training),
        "tags": list(tags),
        "scheme": corpus.summary.scheme.value,
        "types": corpus.summary.types,
        "language": job.language,
        "command": list(job.command),
        "seed": job.training.seed,
        "data": corpus.files,
        "scores": {name: _headline(score) for name, score in scores.items()},
        "outside_bias": bias,
        "versions": {"rnncli": version("rnncli"), "torch": torch.__version__, "python": platform.python_version()},
    }
    yield ModelWritten(job.output, model_file.write(job.output, metadata, tensors))


@dataclass(frozen=True, slots=True)
class _Corpus:
    train: list[Sentence]
    dev: list[Sentence]
    test: list[Sentence]
    summary: SpanSummary
    files: list[dict[str, Any]]
    event: DataRead


def _read(job: TaggingJob) -> _Corpus:
    reader = SentenceReader(job.columns)
    train = [sentence for path in job.train_files for sentence in reader.read(path)]
    num_empty = reader.num_empty_tokens
    assert reader.layout is not None
    separator = "tabs" if reader.layout.separator == "\t" else "spaces"
    summary = summarise_spans(train)
    files = [*job.train_files]
    dev: list[Sentence] = []
    if isinstance(job.dev, str):
        dev = reader.read(job.dev)
        files.append(job.dev)
    elif job.dev is not None:
        if len(train) < 2:
            raise DataError([Problem(job.train_files[0], None, "only one sentence: none is left to hold out")])
        train, dev = hold_out(train, job.dev)
    test: list[Sentence] = []
    if job.test_file is not None:
        test = reader.read(job.test_file)
        files.append(job.test_file)
    warnings = warn_about(train, summary, num_empty_tokens=num_empty)
    unseen = {tag[2:] for part in (dev, test) for s in part for tag in s.tags if tag != "O"} - set(summary.types)
    if unseen:
        warnings.append(f"types that the training data lack: {', '.join(sorted(unseen))}")
    token, tag = reader.layout.token_column + 1, reader.tag_column + 1
    event = DataRead(
        num_train=len(train),
        num_dev=len(dev),
        num_tokens=sum(len(s.tokens) for s in train),
        labels=tuple(summary.types),
        description=f"columns by {separator}, tokens in {token}, tags in {tag}, scheme {summary.scheme}",
        warnings=tuple(warnings),
    )
    return _Corpus(train, dev, test, summary, [_fingerprint(path) for path in files], event)


def _fingerprint(path: str) -> dict[str, Any]:
    if path == "-":
        return {"name": "-"}
    with open(path, "rb") as stream:
        return {"name": Path(path).name, "sha256": hashlib.file_digest(stream, "sha256").hexdigest()}


def _inner_tags(summary: SpanSummary) -> tuple[str, ...]:
    return ("O", *(f"{prefix}-{name}" for name in sorted(summary.types) for prefix in "BIES"))


def _training_data(corpus: _Corpus, tags: Sequence[str], config: TaggerConfig, vectors: Vectors | None) -> TaggerData:
    return TaggerData(
        [sentence.tokens for sentence in corpus.train],
        [convert(sentence.tags, corpus.summary.scheme, Scheme.BIOES) for sentence in corpus.train],
        {tag: i for i, tag in enumerate(tags)},
        config.features,
        None if vectors is None else vectors.vocabulary,
    )


def _score(tagger: SentenceTagger, sentences: Sequence[Sentence]) -> SpanScores:
    predicted = tagger.tag([sentence.tokens for sentence in sentences])
    return score_spans([sentence.tags for sentence in sentences], predicted)


def _best_bias(tagger: SentenceTagger, dev: Sequence[Sentence]) -> tuple[float, float]:
    """Find how much to lower the score of O for the best F1: the likelihood that was trained aims at accuracy instead.

    Returns:
        (F1, bias); among equals the smallest bias.
    """
    gold = [sentence.tags for sentence in dev]
    answers = tagger.tag_with_biases([sentence.tokens for sentence in dev], _OUTSIDE_BIASES)
    scores = [score_spans(gold, answer).f1 or 0.0 for answer in answers]
    best = scores.index(max(scores))
    return scores[best], _OUTSIDE_BIASES[best]


def scored_event(name: str, scores: SpanScores) -> Scored:
    """Describe scores as plain numbers."""
    per_label = {
        label: {"precision": s.precision, "recall": s.recall, "f1": s.f1, "num_gold": s.num_gold}
        for label, s in scores.per_type.items()
    }
    return Scored(name, _headline(scores), per_label)


def _headline(scores: SpanScores) -> dict[str, float | None]:
    return {name: getattr(scores, name) for name in ("precision", "recall", "f1", "accuracy")}
