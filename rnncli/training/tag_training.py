"""Training a tagger from files: fit, choose the bias, score, write."""

import math
import platform
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnncli import model_file
from rnncli.atomic_file import remove_leftovers
from rnncli.config import TaggerConfig, to_dict
from rnncli.data.formats.vectors import read_vectors
from rnncli.data.known_words import KnownWords
from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import Scheme, convert, read_spans
from rnncli.data.tag_sets import TagSet
from rnncli.data.tokenizer_rules import TokenizerRules
from rnncli.errors import UsageError
from rnncli.events import ModelWritten, Scored, TrainingEvent, Warned
from rnncli.inference.tag_evaluation import TagScores, headline, score_tags
from rnncli.inference.tagging import SentenceTagger, build_tagger
from rnncli.metrics.spans import SpanScores, compare_f1
from rnncli.metrics.standard_error import standard_error
from rnncli.model_bytes import MAX_FILE_SIZE
from rnncli.models.tagger import Tagger
from rnncli.training.calibration import calibrate
from rnncli.training.checkpoint import StateFile, TrainingState, open_state
from rnncli.training.defaults import ENOUGH_SPANS, default_epochs, model_size, with_defaults
from rnncli.training.devices import choose_device, choose_precision
from rnncli.training.export import to_arrays
from rnncli.training.seeding import seed_everything
from rnncli.training.tag_corpus import TagCorpus, TaggingJob, read_corpus
from rnncli.training.tag_fingerprint import fingerprint
from rnncli.training.tagger_data import TaggerData
from rnncli.training.tokenizer_rules import freeze
from rnncli.training.trainer import CHANCE, Run, fit

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
        ModelError: the state to resume from is damaged.
        ResourceError: no such device, disk full, loss not finite.
        UsageError: a file cannot be read, no such language, the state to resume from is that of another run.
    """
    seed_everything(job.training.seed)
    device = choose_device(job.device)
    precision = choose_precision(job.training.precision, device)
    try:
        rules = freeze(job.language)
    except ValueError as error:
        raise UsageError(f"--lang {job.language}: {error}") from error
    corpus = read_corpus(job)
    yield corpus.event
    num_spans = sum(len(read_spans(sentence.tags)) for sentence in corpus.dev) if corpus.heads[0].scheme else 0
    chosen = with_defaults(job.training, job.tasks[0], corpus.train, num_spans)
    job = replace(job, training=replace(chosen, precision=precision))
    training = _TaggerTraining(job, corpus, rules, device)
    remove_leftovers(job.output)
    state_file = training.state_file()
    resumed = yield from open_state(state_file, resume=job.resume, force=job.force)
    fitted = yield from fit(training.run(state_file, resumed), job.training, training.epochs, device)
    yield from training.finish(fitted.state)
    if not fitted.interrupted:
        state_file.remove()


class _TaggerTraining:
    """A model on its way from random weights to its file."""

    def __init__(self, job: TaggingJob, corpus: TagCorpus, rules: TokenizerRules, device: torch.device) -> None:
        self._job, self._corpus, self._rules, self._device = job, corpus, rules, device
        self._heads = corpus.heads
        words = {token for sentence in corpus.train for token in sentence.tokens}
        self._known = KnownWords.of(words)
        self._vectors = read_vectors(job.vectors_file, words) if job.vectors_file else None
        num_tags = sum(len(head.tags) for head in self._heads)
        self._config = model_size(len(words), num_tags, self._vectors, job.encoder)
        self._data = TaggerData(
            [sentence.tokens for sentence in corpus.train],
            [_inner_tags(head, corpus.train, is_main=i == 0) for i, head in enumerate(self._heads)],
            self._heads,
            self._config.features,
            None if self._vectors is None else self._vectors.vocabulary,
        )
        _check_size(self._config, self._heads)
        table = None if self._vectors is None else torch.from_numpy(self._vectors.table)
        self._model = Tagger(self._config, self._heads, job.training, table).to(device)
        self.epochs = job.training.epochs or default_epochs(self._data.num_tokens)

    def state_file(self) -> StateFile:
        """Name the file that keeps the state of this run."""
        job, corpus = self._job, self._corpus
        course = fingerprint(job, corpus, self._config, self._vectors, self._device)
        return StateFile(f"{job.output}.state", course, job.state_interval_s)

    def run(self, state_file: StateFile, resumed: TrainingState | None) -> Run:
        """Describe the run to the trainer."""
        job, limit = self._job, self._job.training.time_limit_s
        return Run(
            model=self._model,
            batches=lambda epoch: (batch.to(self._device) for batch in self._data.epoch(job.training, epoch)),
            batches_per_epoch=self._data.num_batches(job.training),
            score=self._dev_score if self._corpus.dev else None,
            score_name="accuracy" if self._heads[0].scheme is None else "f1",
            num_scored=self._num_scored(),
            stop=job.stop,
            deadline=None if limit is None else job.started + max(limit - _RESERVE_S, 0.8 * limit),
            state_file=state_file,
            resumed=resumed,
        )

    def finish(self, state: dict[str, Tensor]) -> Iterator[TrainingEvent]:
        """Choose the bias of O, score what will be stored, and store it."""
        job, corpus, main = self._job, self._corpus, self._heads[0]
        tensors = self._arrays(state)
        bias = 0.0
        if corpus.dev and main.outside is not None:
            bias = _best_bias(self._tagger(tensors), corpus.dev)[1]
            tensors["output.bias"][main.outside] -= np.float32(bias)
        final = self._tagger(tensors)
        stored: dict[str, dict[str, float | None]] = {}
        for part, sentences in (("dev", corpus.dev), ("test", corpus.test)):
            for task, scores in self._scores(final, sentences).items():
                yield _scored_event(part, task, scores)
                prefix = "" if task == main.task else f"{task}_"
                stored.setdefault(part, {}).update({prefix + k: v for k, v in headline(scores).items()})
                if part == "dev" and task == main.task:
                    yield from _doubts(scores, sentences)
        calibrations = {head.task: calibrate(final, corpus.dev, i) for i, head in enumerate(self._heads)}
        metadata = {
            "task": main.task,
            "config": to_dict(self._config),
            "training": to_dict(job.training),
            "heads": [head.to_dict() for head in self._heads],
            "language": job.language,
            "command": list(job.command),
            "seed": job.training.seed,
            "data": corpus.files,
            "scores": stored,
            "outside_bias": bias,
            "calibration": {task: asdict(found) for task, found in calibrations.items() if found is not None},
            "versions": {"rnncli": version("rnncli"), "torch": torch.__version__, "python": platform.python_version()},
        }
        yield ModelWritten(job.output, model_file.write(job.output, metadata, tensors))

    def _dev_score(self) -> float:
        tagger, dev = self._tagger(self._arrays(self._model.state_dict())), self._corpus.dev
        if self._heads[0].outside is not None:
            return _best_bias(tagger, dev)[0]
        [scores, *_] = self._scores(tagger, dev).values()
        return scores.accuracy or 0.0

    def _num_scored(self) -> int:
        """Count the gold spans of the development data, or its tokens where each has a tag."""
        if self._heads[0].scheme is None:
            return sum(len(sentence.tokens) for sentence in self._corpus.dev)
        return sum(len(read_spans(sentence.tags)) for sentence in self._corpus.dev)

    def _scores(self, tagger: SentenceTagger, sentences: Sequence[Sentence]) -> dict[str, TagScores]:
        """Score every head, by task; nothing where there are no sentences."""
        if not sentences:
            return {}
        answers = tagger.tag_all([sentence.tokens for sentence in sentences])
        return {
            head.task: score_tags(head.task, sentences, answer, is_main=i == 0, known=self._known)
            for i, (head, answer) in enumerate(zip(self._heads, answers, strict=True))
        }

    def _arrays(self, state: dict[str, Tensor]) -> dict[str, NDArray[Any]]:
        arrays = to_arrays(state)
        arrays["tokenizer"] = model_file.text_tensor(self._rules.to_json())
        arrays["known_words"] = self._known.to_array()
        if self._vectors is not None:
            arrays["features.vector_words"] = np.frombuffer(self._vectors.vocabulary.to_bytes(), dtype=np.uint8)
        return arrays

    def _tagger(self, tensors: dict[str, NDArray[Any]]) -> SentenceTagger:
        return build_tagger(self._config, self._heads, tensors)


def _check_size(config: TaggerConfig, heads: Sequence[TagSet]) -> None:
    """Refuse sizes whose model could not be written, before it is trained."""
    specs = model_file.tagger_tensors(config, heads).values()
    # Nearly all of it is stored in half precision.
    if 2 * sum(math.prod(size or 0 for size in spec.shape) for spec in specs) > MAX_FILE_SIZE:
        message = f"a model of these sizes would be larger than {MAX_FILE_SIZE >> 20} MB"
        raise UsageError(message, hint="a smaller --hidden-size or fewer --layers")


def _inner_tags(head: TagSet, sentences: Sequence[Sentence], *, is_main: bool) -> list[tuple[str, ...]]:
    """Return the gold tags of one head in the scheme that a model thinks in."""
    if head.scheme is not None:
        return [convert(sentence.tags, head.scheme, Scheme.BIOES) for sentence in sentences]
    return [sentence.tags if is_main else sentence.also for sentence in sentences]


def _doubts(scores: TagScores, dev: Sequence[Sentence]) -> Iterator[Warned]:
    """Warn unless the score is above the baseline by more than the standard error of so many decisions."""
    if isinstance(scores, SpanScores):
        name, score, baseline, count = "f1", scores.f1 or 0.0, _trivial_f1(dev), scores.num_gold
    else:
        tags = Counter(tag for sentence in dev for tag in sentence.tags)
        name, score, count = "accuracy", scores.accuracy or 0.0, scores.num_tokens
        baseline = max(tags.values()) / count
    if score - baseline <= standard_error(score, count):
        yield Warned(
            f"dev {name} {score:.4f} is hardly better than the baseline of {baseline:.4f}: nothing was learned"
        )


def _trivial_f1(sentences: Sequence[Sentence]) -> float:
    """F1 of calling every single token a span of the type that fits best; 0 is what tagging nothing gets."""
    spans = [span for sentence in sentences for span in read_spans(sentence.tags)]
    singles = Counter(span.type for span in spans if span.end - span.start == 1)
    num_tokens = sum(len(sentence.tokens) for sentence in sentences)
    return 2 * max(singles.values(), default=0) / max(len(spans) + num_tokens, 1)


def _best_bias(tagger: SentenceTagger, dev: Sequence[Sentence]) -> tuple[float, float]:
    """Find how much to lower the score of O for the best F1: the likelihood that was trained aims at accuracy instead.

    Returns:
        (F1, bias): the smallest bias among those as good as the best, but for chance; none where spans are few.
    """
    gold = [sentence.tags for sentence in dev]
    num_spans = sum(len(read_spans(tags)) for tags in gold)
    biases = _OUTSIDE_BIASES if num_spans >= ENOUGH_SPANS else (0.0,)
    answers = tagger.tag_with_biases([sentence.tokens for sentence in dev], biases)
    scores = compare_f1(gold, answers)
    enough = max(scores) - CHANCE * standard_error(max(scores), num_spans)
    good = [(abs(bias), score, bias) for bias, score in zip(biases, scores, strict=True) if score >= enough]
    _, score, bias = min(good, key=lambda entry: (entry[0], -entry[1]))
    return score, bias


def _scored_event(part: str, task: str, scores: TagScores) -> Scored:
    """Describe scores as plain numbers."""
    per_type = scores.per_type if isinstance(scores, SpanScores) else {}
    per_label = {
        label: {"precision": s.precision, "recall": s.recall, "f1": s.f1, "num_gold": s.num_gold}
        for label, s in per_type.items()
    }
    return Scored(part, task, headline(scores), per_label)
