"""The data of a tagger's training: read, held out and linted."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rnncli.config import EncoderConfig, TrainingConfig
from rnncli.data.formats.gold_sentences import Columns, SentenceReader
from rnncli.data.lints.corpus import lint_briefly
from rnncli.data.records import Sentence
from rnncli.data.splits import hold_out
from rnncli.data.tag_schemes import Scheme
from rnncli.data.tag_sets import MAX_TAGS, TagSet
from rnncli.data.tag_summary import count_tags, require_sentence_ends, summarise_spans
from rnncli.errors import DataError, Problem
from rnncli.events import DataRead
from rnncli.model_bytes import MAX_DESCRIPTION

_RESERVED = 1 << 17
"""Bytes of a model's description for all but its tags."""


@dataclass(frozen=True, slots=True)
class TaggingJob:
    """What to train from and where to write.

    Attributes:
        train_files: gold sentences.
        output: path of the model.
        dev: a file, a fraction to hold out, or None for no development data.
        test_file: scored once at the end, or None.
        tasks: what to learn, one head each: `ner`, `pos`, or `ner` and then `pos`.
        columns: where tokens and tags stand.
        scheme: of spans, None to detect it.
        language: whose tokenizer raw text will get.
        vectors_file: pretrained vectors, or None.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        command: what was typed, base names only, kept in the model.
        encoder: cell, units and layers.
        training: optimisation settings.
        started: `time.monotonic()` at the start of the command.
        stop: asked after every update; a reason to stop early, or None.
        resume: whether to go on from the state that an interrupted run has left, if there is one.
        force: whether to start over where that state cannot be used.
        state_interval_s: seconds between two states that are kept.
    """

    train_files: tuple[str, ...]
    output: str
    dev: str | float | None = 0.1
    test_file: str | None = None
    tasks: tuple[str, ...] = ("ner",)
    columns: Columns = field(default_factory=Columns)
    scheme: Scheme | None = None
    language: str = "en"
    vectors_file: str | None = None
    device: str = "auto"
    command: tuple[str, ...] = ()
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    started: float = field(default_factory=time.monotonic)
    stop: Callable[[], str | None] = lambda: None
    resume: bool = False
    force: bool = False
    state_interval_s: float = 120.0


@dataclass(frozen=True, slots=True)
class TagCorpus:
    """What a tagger is trained and scored on.

    Attributes:
        train: sentences to learn from.
        dev: sentences for development, perhaps none.
        test: sentences scored once at the end, perhaps none.
        heads: what is chosen from.
        files: name and hash of every file read.
        event: what to tell of all this.
    """

    train: list[Sentence]
    dev: list[Sentence]
    test: list[Sentence]
    heads: tuple[TagSet, ...]
    files: list[dict[str, Any]]
    event: DataRead


def read_corpus(job: TaggingJob) -> TagCorpus:
    """Read, hold out and lint the data of a job.

    Raises:
        DataError: the data cannot be learned from.
        UsageError: a file cannot be read.
    """
    reader = SentenceReader(job.columns, job.tasks)
    train = [sentence for path in job.train_files for sentence in reader.read(path)]
    require_sentence_ends(train)
    heads = _tag_sets(job, train, reader)
    description = reader.describe(heads[0].scheme)
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
    main = heads[0]
    given = {name: part for name, part in (("dev", dev if isinstance(job.dev, str) else []), ("test", test)) if part}
    warnings = [lint.in_short() for lint in lint_briefly(train, given, main.scheme, main.counts, main.column)]
    event = DataRead(
        num_train=len(train),
        num_dev=len(dev),
        held_out=isinstance(job.dev, float),
        num_tokens=sum(len(s.tokens) for s in train),
        labels=tuple(main.counts),
        description=description,
        warnings=tuple(warnings),
    )
    return TagCorpus(train, dev, test, heads, [_fingerprint(path) for path in files], event)


def _tag_sets(job: TaggingJob, sentences: Sequence[Sentence], reader: SentenceReader) -> tuple[TagSet, ...]:
    """Find out what each head is to choose from."""
    heads = []
    for i, (task, column) in enumerate(zip(job.tasks, reader.tag_columns, strict=True)):
        name = reader.name_column(column)
        if task == "ner":
            summary = summarise_spans(sentences, job.scheme)
            tags = ("O", *(f"{prefix}-{kind}" for kind in sorted(summary.types) for prefix in "BIES"))
            heads.append(TagSet(task, tags, summary.scheme, name, summary.types))
        else:
            counts = count_tags([s.also if i else s.tags for s in sentences], job.train_files[0])
            heads.append(TagSet(task, tuple(sorted(counts)), None, name, counts))
    _check_room(heads, job.train_files[0])
    return tuple(heads)


def _check_room(heads: Sequence[TagSet], file: str) -> None:
    """Refuse tags that no model file could hold, before any time is spent on them."""
    description = json.dumps([head.to_dict() for head in heads], ensure_ascii=False)
    largest = max(heads, key=lambda head: len(head.tags))
    if len(largest.tags) > MAX_TAGS or len(description.encode()) > MAX_DESCRIPTION - _RESERVED:
        message = f"{len(largest.tags):,} different tags in column {largest.column}, more than a model has room for"
        raise DataError([Problem(file, None, message)], hint="name the tags' column with --column N or --column xpos")


def _fingerprint(path: str) -> dict[str, Any]:
    if path == "-":
        return {"name": "-"}
    with open(path, "rb") as stream:
        return {"name": Path(path).name, "sha256": hashlib.file_digest(stream, "sha256").hexdigest()}
