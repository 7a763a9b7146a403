"""What is scored: gold tags, and the answers of models and of files of predictions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rnncli.data.formats.gold_sentences import Columns, SentenceReader
from rnncli.data.formats.tag_predictions import read_predictions
from rnncli.data.known_words import KnownWords
from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import Scheme, convert, detect
from rnncli.errors import DataError, Problem
from rnncli.inference.tagging import load_tagger
from rnncli.model_bytes import PendingModel

Tags = tuple[str, ...]

OF_I_ALONE = frozenset((Scheme.IO, Scheme.IOB1))
"""Schemes that differ only where spans touch."""

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class GoldTags:
    """What answers are held against.

    Attributes:
        task: `ner` or `pos`.
        sentences: gold, its tags in `tags`.
        scheme: in which spans are written, None for plain tags, nothing but O, and mixtures.
        problem: why there is no scheme, empty where there is one or none is needed.
    """

    task: str
    sentences: Sequence[Sentence]
    scheme: Scheme | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What one system answers.

    Attributes:
        name: of the system, as the user wrote it.
        tags: of each sentence.
        known: words of the training data, None where nobody knows them.
        about: what the scores are told with: seed, checksum of the model.
        warnings: what a person should know, a sentence each.
    """

    name: str
    tags: Sequence[Tags]
    known: KnownWords | None
    about: dict[str, Any]
    warnings: tuple[str, ...] = ()


def read_gold(files: Sequence[str], columns: Columns, task: str) -> GoldTags:
    """Read gold files.

    Args:
        files: gold files.
        columns: where tokens and tags stand in them.
        task: `ner` or `pos`.

    Raises:
        DataError: a file cannot be read, or holds no labels.
        UsageError: a file cannot be opened.
    """
    reader = SentenceReader(columns, (task,))
    sentences = [sentence for path in files for sentence in reader.read(path)]
    if task == "pos":
        if {tag for sentence in sentences for tag in sentence.tags} == {"_"}:
            message = "no labels: every tag is _"
            raise DataError([Problem(files[0], None, message)], hint="name the tags' column with --column")
        return GoldTags(task, sentences)
    scheme, problem = detect_scheme(sentence.tags for sentence in sentences)
    return GoldTags(task, sentences, scheme, problem)


def detect_scheme(sequences: Iterable[Sequence[str]]) -> tuple[Scheme | None, str]:
    """Find the scheme of spans; where there is none, say why instead."""
    try:
        return detect(sequences), ""
    except ValueError as error:
        return None, str(error)


class TaggingSystem:
    """A model that is to be scored.

    Args:
        path: of the model.
        pending: the same model, if a thread reads it already.
        task: whose tags, of a model with two heads; None for the first.
        threads: to compute with, on the CPU.
        device: `cpu`, or a GPU's name.

    Raises:
        ModelError: the model cannot be used, or has not learned the task.
        ResourceError: no such device.
    """

    def __init__(
        self,
        path: str,
        task: str | None,
        *,
        pending: PendingModel | None = None,
        threads: int = 1,
        device: str = "cpu",
    ) -> None:
        """Load the model and choose its head."""
        self._path = path
        self._tagger, self._file = load_tagger(path, pending=pending, threads=threads, device=device)
        self._index = self._tagger.find_head(task, path)
        self.head = self._tagger.decoders[self._index].head

    def answer(self, gold: GoldTags) -> Answers:
        """Tag the gold tokens; spans are written in the gold's scheme.

        Raises:
            DataError: the gold has no tag in common with the model.
        """
        warnings = self._unseen(gold)
        tags = self._tagger.tag([sentence.tokens for sentence in gold.sentences], self._index)
        own, wanted = self.head.scheme, gold.scheme
        if own is not None and wanted is not None and own != wanted and not {own, wanted} <= OF_I_ALONE:
            # What IO cannot keep apart, IOB1 can, and is read alike.
            target = Scheme.IOB1 if wanted in OF_I_ALONE else wanted
            tags = [convert(sentence, own, target) for sentence in tags]
            warnings.append(f"{self._path} answers in {own} and the gold is in {wanted}, so its answers are rewritten")
        about = {"seed": self._file.metadata.get("seed"), "model": self._file.metadata["checksum"]}
        return Answers(self._path, tags, KnownWords(self._file.tensors["known_words"]), about, tuple(warnings))

    def _unseen(self, gold: GoldTags) -> list[str]:
        """Warn of what the gold asks for and the model does not know."""
        names = {tag for sentence in gold.sentences for tag in sentence.tags}
        if gold.task == "ner":
            names = {tag[2:] for tag in names - {"O"}}
        unseen = sorted(names - set(self.head.counts))
        if gold.task == "pos" and len(unseen) == len(names):
            message = f"none of its tags is one that {self._path} knows: {', '.join(unseen[:_SHOWN])}"
            hint = "name the tags' column with --column N, or --column NAME in CoNLL-U"
            raise DataError([Problem(gold.sentences[0].file, None, message)], hint=hint)
        if not unseen:
            return []
        kind = "types" if gold.task == "ner" else "tags"
        more = f" and {len(unseen) - _SHOWN} more" if len(unseen) > _SHOWN else ""
        return [f"{kind} that {self._path} does not know: {', '.join(unseen[:_SHOWN])}{more}"]


def read_answers(path: str, gold: GoldTags, columns: Columns) -> Answers:
    """Read predictions as the filter writes them.

    Raises:
        DataError: faulty, or of other tokens than the gold.
        UsageError: the file cannot be opened.
    """
    name = "<stdin>" if path == "-" else path
    return Answers(
        name, read_predictions(path, gold.task, gold.sentences, columns), None, {"seed": None, "model": None}
    )
