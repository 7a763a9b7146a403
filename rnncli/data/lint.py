"""What is wrong, or merely odd, about gold sentences that can be read."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rnncli.data.records import Sentence
from rnncli.data.tag_inventory import MAX_TAGS, tag_problem
from rnncli.data.tag_schemes import Scheme, detect, read_spans
from rnncli.errors import DataError, Problem

_ENDLESS = 1000
"""Tokens above which a sentence is hardly one."""
_MIXED = 3
"""A file is refused if more than one in so many spans is not well formed."""


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
        DataError: no span at all, schemes mixed, or types that are too many or hold control characters.
    """
    file = sentences[0].file
    if not any(tag != "O" for sentence in sentences for tag in sentence.tags):
        raise DataError([Problem(file, None, "no labels: every tag is O")], hint="is the tag in another column?")
    scheme = _detect(sentences)
    faults = _faults(sentences, scheme)
    counts = Counter(span.type for sentence in sentences for span in read_spans(sentence.tags))
    _check_types(counts, file)
    if _MIXED * len(faults) > counts.total():
        share = f"{len(faults)} of {counts.total()} spans"
        message = f"mixed tag schemes: read as {scheme}, {share} are not well formed; the first"
        raise DataError([_problem(*faults[0], message)])
    return SpanSummary(scheme, dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))))


def _detect(sentences: Sequence[Sentence]) -> Scheme:
    """Detect the scheme; where that fails, name the first line by which it does."""
    try:
        return detect(sentence.tags for sentence in sentences)
    except ValueError as error:
        tagged = [(s, i) for s in sentences for i, tag in enumerate(s.tags) if tag != "O"]

        def fails(size: int) -> bool:
            try:
                detect([[s.tags[i]] for s, i in tagged[:size]])
            except ValueError:
                return True
            return False

        first = bisect_left(range(1, len(tagged) + 1), True, key=fails)
        raise DataError([_problem(*tagged[min(first, len(tagged) - 1)], str(error))]) from error


def _check_types(types: Collection[str], file: str) -> None:
    """Refuse types that no model could be asked to print."""
    largest = (MAX_TAGS - 1) // 4
    if len(types) > largest:
        raise DataError([Problem(file, None, f"{len(types)} types of span, more than {largest}")])
    for name in types:
        if name and (problem := tag_problem(name)):
            raise DataError([Problem(file, None, f"type {name[:40]!r} {problem}")])


def _faults(sentences: Sequence[Sentence], scheme: Scheme) -> list[tuple[Sentence, int]]:
    """Find the tokens whose tag may not follow the one before it, or may not be the last."""
    if scheme in (Scheme.IO, Scheme.IOB1):
        return []
    marked = scheme is not Scheme.IOB2
    faults = []
    for sentence in sentences:
        previous = "O"
        for i, tag in enumerate((*sentence.tags, "O")):
            continues = tag[0] in "IEL"
            unfinished = previous[0] in "BI" and (marked or continues)
            if (continues or unfinished) and not (continues and unfinished and previous[1:] == tag[1:]):
                faults.append((sentence, min(i, len(sentence.tags) - 1)))
            previous = tag
    return faults


def _problem(sentence: Sentence, i: int, message: str) -> Problem:
    return Problem(sentence.file, sentence.line_of(i), message, f"{sentence.tokens[i]}\t{sentence.tags[i]}")


def warn_about(sentences: Sequence[Sentence], summary: SpanSummary, *, num_empty_tokens: int = 0) -> list[str]:
    """Return what a person should look at, a sentence each."""
    warnings = []
    faults = _faults(sentences, summary.scheme)
    if faults:
        sentence, i = faults[0]
        place = f"{sentence.file}:{sentence.line_of(i)}"
        tag = sentence.tags[i]
        warnings.append(
            f"{len(faults)} tags may not stand where they do in {summary.scheme}, the first, {tag}, at {place}"
        )
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
