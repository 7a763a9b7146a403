"""What is wrong, or merely odd, about gold sentences that can be read."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import Scheme, detect, read_spans
from rnncli.errors import DataError, Problem

_ENDLESS = 1000


@dataclass(frozen=True, slots=True)
class SpanSummary:
    """What spans there are.

    Attributes:
        scheme: how they are written.
        types: their types with counts, most frequent first, then lexical.
    """

    scheme: Scheme
    types: dict[str, int]


def summarise_spans(sentences: Sequence[Sentence]) -> SpanSummary:
    """Detect the tag scheme and count the spans.

    Raises:
        DataError: no span at all, or schemes mixed.
    """
    file = sentences[0].file
    if not any(tag != "O" for sentence in sentences for tag in sentence.tags):
        raise DataError([Problem(file, None, "no labels: every tag is O")], hint="is the tag in another column?")
    try:
        scheme = detect(sentence.tags for sentence in sentences)
    except ValueError as error:
        raise DataError([Problem(file, None, str(error))]) from error
    if scheme is Scheme.IOB2:
        _refuse_mixture(sentences)
    counts = Counter(span.type for sentence in sentences for span in read_spans(sentence.tags))
    return SpanSummary(scheme, dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))))


def _headless_spans(sentences: Sequence[Sentence]) -> list[tuple[Sentence, int]]:
    """Find the tokens at which a span begins with I-."""
    return [
        (sentence, i)
        for sentence in sentences
        for i, tag in enumerate(sentence.tags)
        if tag[0] == "I" and (i == 0 or sentence.tags[i - 1][1:] != tag[1:])
    ]


def _refuse_mixture(sentences: Sequence[Sentence]) -> None:
    """Raise if more spans begin with I- than with B-: then neither scheme is meant, or the file is broken."""
    headless = _headless_spans(sentences)
    num_begins = sum(tag[0] == "B" for sentence in sentences for tag in sentence.tags)
    if len(headless) > num_begins:
        sentence, i = headless[0]
        message = (
            f"mixed tag schemes: {len(headless)} spans begin with I- and {num_begins} with B-; the first I- is here"
        )
        row = f"{sentence.tokens[i]}\t{sentence.tags[i]}"
        raise DataError([Problem(sentence.file, sentence.line + i, message, row)])


def warn_about(sentences: Sequence[Sentence], summary: SpanSummary, *, num_empty_tokens: int = 0) -> list[str]:
    """Return what a person should look at, a sentence each."""
    warnings = []
    if summary.scheme is Scheme.IOB2:
        headless = _headless_spans(sentences)
        if headless:
            sentence, i = headless[0]
            place = f"{sentence.file}:{sentence.line + i}"
            warnings.append(f"{len(headless)} spans begin with I- instead of B-, the first at {place}")
    rare = [name for name, count in summary.types.items() if count < 10]
    if rare:
        warnings.append(f"rare types, with fewer than 10 spans: {', '.join(rare)}")
    longest = max(sentences, key=lambda s: len(s.tokens))
    if len(longest.tokens) > _ENDLESS:
        place = f"{longest.file}:{longest.line}"
        warnings.append(f"a sentence of {len(longest.tokens)} tokens at {place}: is a blank line missing?")
    num_duplicates = len(sentences) - len({(s.tokens, s.tags) for s in sentences})
    if num_duplicates > len(sentences) // 10:
        warnings.append(f"{num_duplicates} of {len(sentences)} sentences are duplicates")
    if num_empty_tokens:
        warnings.append(f"{num_empty_tokens} rows have an empty token")
    return warnings
