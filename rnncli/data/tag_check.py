"""What files of tagged sentences hold, and what is odd about them."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rnncli.data.formats.gold_sentences import Columns, SentenceReader, open_gold
from rnncli.data.lints.corpus import lint_briefly, lint_part
from rnncli.data.lints.file_lints import lint_bytes, lint_ranges
from rnncli.data.lints.lint import Lint
from rnncli.data.lints.split_lints import lint_unknown, unknown_shares
from rnncli.data.lints.text_lints import lint_normalisation
from rnncli.data.lints.word_lints import lint_words
from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import Scheme
from rnncli.data.tag_summary import count_labels, count_tags, require_sentence_ends, summarise_spans
from rnncli.errors import DataError


@dataclass(frozen=True, slots=True)
class Part:
    """Facts about training or development data.

    Attributes:
        files: names of its files.
        num_sentences: sentences.
        num_tokens: tokens.
        num_words: distinct tokens.
        num_duplicates: sentences that equal an earlier one, tags included.
        labels: spans by type, or tokens by tag, most frequent first.
        lengths: tokens of a sentence that half of the sentences do not exceed (`50`), nine in ten (`90`), 99 in a
            hundred (`99`) and all of them (`max`).
    """

    files: tuple[str, ...]
    num_sentences: int
    num_tokens: int
    num_words: int
    num_duplicates: int
    labels: Mapping[str, int]
    lengths: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TagCheck:
    """What was found in files that can be trained from.

    Attributes:
        task: `ner` or `pos`.
        layout: what was detected about the format, for a person.
        scheme: how spans are written, None where there are none.
        column: name or number of the tags' column.
        train: training data.
        dev: development data, None without.
        unknown_tokens: share of its tokens that the training data lack, None without.
        unknown_words: the same of its distinct tokens.
        lints: what is odd.
    """

    task: str
    layout: str
    scheme: Scheme | None
    column: str
    train: Part
    dev: Part | None
    unknown_tokens: float | None
    unknown_words: float | None
    lints: tuple[Lint, ...]


def check_tags(
    files: Sequence[str],
    dev: str | None = None,
    task: str = "ner",
    columns: Columns | None = None,
    scheme: Scheme | None = None,
) -> TagCheck:
    """Read all files, as training would, and look for what is odd.

    Args:
        files: training data, one corpus.
        dev: development data, or None.
        task: `ner` (spans) or `pos` (one tag a token).
        columns: where tokens and tags stand.
        scheme: of spans, None to detect it.

    Raises:
        DataError: with the problems of every file that has some.
        UsageError: a file cannot be read.
    """
    reader = SentenceReader(columns, (task,))
    train, lints, errors = _read(reader, files)
    layout, column = _describe(reader)
    held: list[Sentence] = []
    if dev is not None:
        held, more_lints, more_errors = _read(reader, [dev])
        lints, errors = lints + more_lints, errors + more_errors
    if errors:
        problems = [problem for error in errors for problem in error.problems]
        raise DataError(problems, hint=next((error.hint for error in errors if error.hint), None))
    require_sentence_ends(train)
    if task == "ner":
        summary = summarise_spans(train, scheme)
        scheme, counts = summary.scheme, summary.types
    else:
        counts = count_tags([s.tags for s in train], files[0])
    lints += lint_briefly(train, {"dev": held} if held else {}, scheme, counts, column)
    lints += lint_words(train, are_spans=scheme is not None)
    lints += lint_normalisation([*train, *held])
    shares: tuple[float, float] | None = None
    if held:
        shares = unknown_shares(train, held)
        lints += [*lint_part(held, scheme, column), *lint_unknown(shares[0], held, "dev")]
    return TagCheck(
        task=task,
        layout=layout,
        scheme=scheme,
        column=column,
        train=_facts(train, scheme, files),
        dev=_facts(held, scheme, [dev]) if dev is not None else None,
        unknown_tokens=shares[0] if shares else None,
        unknown_words=shares[1] if shares else None,
        lints=tuple(lints),
    )


def _read(reader: SentenceReader, files: Sequence[str]) -> tuple[list[Sentence], list[Lint], list[DataError]]:
    """Read files to their ends, whatever is wrong with some; return sentences, lints of the files, and errors."""
    sentences: list[Sentence] = []
    lints: list[Lint] = []
    errors: list[DataError] = []
    for path in files:
        with open_gold(path) as stream:
            data = stream.read()
        try:
            sentences += reader.read_stream(io.BytesIO(data), path)
        except DataError as error:
            errors.append(error)
            continue
        lints += lint_bytes(path, data)
        if reader.layout is not None and reader.layout.is_conllu:
            lints += lint_ranges(path, data)
    return sentences, lints, errors


def _describe(reader: SentenceReader) -> tuple[str, str]:
    """Return what was detected in the last file read, and the name of its tags' column."""
    if reader.layout is None:
        return "", ""
    return reader.describe(None), reader.name_column(reader.tag_columns[0])


def _facts(sentences: Sequence[Sentence], scheme: Scheme | None, files: Sequence[str]) -> Part:
    lengths = sorted(len(sentence.tokens) for sentence in sentences)
    percentiles = {str(share): lengths[(len(lengths) * share - 1) // 100] for share in (50, 90, 99)}
    return Part(
        files=tuple(files),
        num_sentences=len(sentences),
        num_tokens=sum(lengths),
        num_words=len({word for sentence in sentences for word in sentence.tokens}),
        num_duplicates=len(sentences) - len({(s.tokens, s.tags) for s in sentences}),
        labels=count_labels(sentences, scheme),
        lengths={**percentiles, "max": lengths[-1]},
    )
