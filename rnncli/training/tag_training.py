"""Training a tagger from files: fit, choose the bias, score, write."""

import math
import platform
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnncli import model_file
from rnncli.config import to_dict
from rnncli.data.formats.vectors import read_vectors
from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import Scheme, convert, read_spans
from rnncli.data.tokenizer_rules import TokenizerRules
from rnncli.errors import UsageError
from rnncli.events import ModelWritten, Scored, TrainingEvent, Warned
from rnncli.inference.tagging import SentenceTagger, build_tagger
from rnncli.metrics.spans import SpanScores, score_spans
from rnncli.models.tagger import Tagger
from rnncli.training.defaults import default_epochs, model_size
from rnncli.training.devices import choose_device
from rnncli.training.export import to_arrays
from rnncli.training.seeding import seed_everything
from rnncli.training.tag_corpus import TagCorpus, TaggingJob, read_corpus
from rnncli.training.tagger_data import TaggerData
from rnncli.training.tokenizer_rules import freeze
from rnncli.training.trainer import Run, fit

_RESERVE_S = 8.0
"""Kept free at the end of a time limit for scoring and writing."""

_OUTSIDE_BIASES = (0.0, 0.5, -0.5, 1.0, -1.0, 1.5, 2.0)


def train_tagger(job: TaggingJob) -> Generator[TrainingEvent, None, None]:
    """Train a tagger and write its file.

    Args:
        job: what to train from and where to write.

    Yields:
        What happens, ending with ModelWritten.

    Raises:
        DataError: the data cannot be learned from.
        ResourceError: no such device, disk full, loss not finite.
        UsageError: a file cannot be read, no such language.
    """
    seed_everything(job.training.seed)
    device = choose_device(job.device)
    try:
        rules = freeze(job.language)
    except ValueError as error:
        raise UsageError(f"--lang {job.language}: {error}") from error
    corpus = read_corpus(job)
    yield corpus.event
    training = _TaggerTraining(job, corpus, rules, device)
    state = yield from fit(training.run(), job.training, training.epochs, device)
    yield from training.finish(state)


class _TaggerTraining:
    """A model on its way from random weights to its file."""

    def __init__(self, job: TaggingJob, corpus: TagCorpus, rules: TokenizerRules, device: torch.device) -> None:
        self._job, self._corpus, self._rules, self._device = job, corpus, rules, device
        known = {token for sentence in corpus.train for token in sentence.tokens}
        self._vectors = read_vectors(job.vectors_file, known) if job.vectors_file else None
        self._config = model_size(len(known), self._vectors, job.encoder)
        self._tags = ("O", *(f"{prefix}-{name}" for name in sorted(corpus.summary.types) for prefix in "BIES"))
        self._data = TaggerData(
            [sentence.tokens for sentence in corpus.train],
            [convert(sentence.tags, corpus.summary.scheme, Scheme.BIOES) for sentence in corpus.train],
            {tag: i for i, tag in enumerate(self._tags)},
            self._config.features,
            None if self._vectors is None else self._vectors.vocabulary,
        )
        table = None if self._vectors is None else torch.from_numpy(self._vectors.table)
        self._model = Tagger(self._config, self._tags, job.training, table).to(device)
        self.epochs = job.training.epochs or default_epochs(self._data.num_tokens)

    def run(self) -> Run:
        """Describe the run to the trainer."""
        job, limit = self._job, self._job.training.time_limit_s
        return Run(
            model=self._model,
            batches=lambda epoch: (batch.to(self._device) for batch in self._data.epoch(job.training, epoch)),
            batches_per_epoch=self._data.num_batches(job.training),
            score=self._dev_f1 if self._corpus.dev else None,
            score_name="f1",
            stop=job.stop,
            deadline=None if limit is None else job.started + max(limit - _RESERVE_S, 0.8 * limit),
        )

    def finish(self, state: dict[str, Tensor]) -> Iterator[TrainingEvent]:
        """Choose the bias of O, score what will be stored, and store it."""
        job, corpus = self._job, self._corpus
        tensors = self._arrays(state)
        bias = _best_bias(self._tagger(tensors), corpus.dev)[1] if corpus.dev else 0.0
        tensors["output.bias"][self._tags.index("O")] -= np.float32(bias)
        final = self._tagger(tensors)
        scores = {name: _score(final, part) for name, part in (("dev", corpus.dev), ("test", corpus.test)) if part}
        for name, score in scores.items():
            yield _scored_event(name, score)
        if corpus.dev:
            yield from _doubts(scores["dev"], corpus.dev)
        metadata = {
            "task": "ner",
            "config": to_dict(self._config),
            "training": to_dict(job.training),
            "tags": list(self._tags),
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

    def _dev_f1(self) -> float:
        return _best_bias(self._tagger(self._arrays(self._model.state_dict())), self._corpus.dev)[0]

    def _arrays(self, state: dict[str, Tensor]) -> dict[str, NDArray[Any]]:
        arrays = to_arrays(state)
        arrays["tokenizer"] = model_file.text_tensor(self._rules.to_json())
        if self._vectors is not None:
            arrays["features.vector_words"] = np.frombuffer(self._vectors.vocabulary.to_bytes(), dtype=np.uint8)
        return arrays

    def _tagger(self, tensors: dict[str, NDArray[Any]]) -> SentenceTagger:
        return build_tagger(self._config, self._tags, self._corpus.summary.scheme, tensors)


def _score(tagger: SentenceTagger, sentences: Sequence[Sentence]) -> SpanScores:
    predicted = tagger.tag([sentence.tokens for sentence in sentences])
    return score_spans([sentence.tags for sentence in sentences], predicted)


def _doubts(scores: SpanScores, dev: Sequence[Sentence]) -> Iterator[Warned]:
    """Warn unless F1 is above the baseline by more than the standard error of so many spans."""
    baseline, f1 = _trivial_f1(dev), scores.f1 or 0.0
    if f1 - baseline <= math.sqrt(f1 * (1 - f1) / max(scores.num_gold, 1)):
        yield Warned(f"dev f1 {f1:.4f} is hardly better than the baseline of {baseline:.4f}: nothing was learned")


def _trivial_f1(sentences: Sequence[Sentence]) -> float:
    """F1 of calling every single token a span of the type that fits best; 0 is what tagging nothing gets."""
    spans = [span for sentence in sentences for span in read_spans(sentence.tags)]
    singles = Counter(span.type for span in spans if span.end - span.start == 1)
    num_tokens = sum(len(sentence.tokens) for sentence in sentences)
    return 2 * max(singles.values(), default=0) / max(len(spans) + num_tokens, 1)


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


def _scored_event(name: str, scores: SpanScores) -> Scored:
    """Describe scores as plain numbers."""
    per_label = {
        label: {"precision": s.precision, "recall": s.recall, "f1": s.f1, "num_gold": s.num_gold}
        for label, s in scores.per_type.items()
    }
    return Scored(name, _headline(scores), per_label)


def _headline(scores: SpanScores) -> dict[str, float | None]:
    return {name: getattr(scores, name) for name in ("precision", "recall", "f1", "accuracy")}
