"""The data of a tagger's training: read, held out and linted."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rnncli.config import EncoderConfig, TrainingConfig
from rnncli.data.formats.conll import Columns, SentenceReader
from rnncli.data.lint import SpanSummary, summarise_spans, warn_about
from rnncli.data.records import Sentence
from rnncli.data.splits import hold_out
from rnncli.errors import DataError, Problem
from rnncli.events import DataRead


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
        encoder: cell, units and layers.
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
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    started: float = field(default_factory=time.monotonic)
    stop: Callable[[], str | None] = lambda: None


@dataclass(frozen=True, slots=True)
class TagCorpus:
    """What a tagger is trained and scored on.

    Attributes:
        train: sentences to learn from.
        dev: sentences for development, perhaps none.
        test: sentences scored once at the end, perhaps none.
        summary: scheme and types of the spans.
        files: name and hash of every file read.
        event: what to tell of all this.
    """

    train: list[Sentence]
    dev: list[Sentence]
    test: list[Sentence]
    summary: SpanSummary
    files: list[dict[str, Any]]
    event: DataRead


def read_corpus(job: TaggingJob) -> TagCorpus:
    """Read, hold out and lint the data of a job.

    Raises:
        DataError: the data cannot be learned from.
        UsageError: a file cannot be read.
    """
    reader = SentenceReader(job.columns)
    train = [sentence for path in job.train_files for sentence in reader.read(path)]
    num_empty = reader.num_empty_tokens
    assert reader.layout is not None
    separator = "tabs" if reader.layout.separator == "\t" else "spaces"
    if len(train) == 1:
        message = f"no blank line ends a sentence: all of it is one sentence of {len(train[0].tokens)} tokens"
        raise DataError([Problem(job.train_files[0], None, message)], hint="put a blank line after each sentence")
    summary = summarise_spans(train)
    files = [*job.train_files]
    dev: list[Sentence] = []
    if isinstance(job.dev, str):
        dev = reader.read(job.dev)
        files.append(job.dev)
    elif job.dev is not None:
        train, dev = hold_out(train, job.dev)
        if not train:
            raise DataError([Problem(job.train_files[0], None, f"--dev {job.dev} leaves nothing to learn from")])
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
        held_out=isinstance(job.dev, float),
        num_tokens=sum(len(s.tokens) for s in train),
        labels=tuple(summary.types),
        description=f"columns by {separator}, tokens in {token}, tags in {tag}, scheme {summary.scheme}",
        warnings=tuple(warnings),
    )
    return TagCorpus(train, dev, test, summary, [_fingerprint(path) for path in files], event)


def _fingerprint(path: str) -> dict[str, Any]:
    if path == "-":
        return {"name": "-"}
    with open(path, "rb") as stream:
        return {"name": Path(path).name, "sha256": hashlib.file_digest(stream, "sha256").hexdigest()}
