"""What is wrong, or merely odd, about gold sentences that can be read."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import PREFIXES, Scheme, detect, read_spans
from rnncli.errors import DataError, Problem

_ENDLESS = 1000
"""Tokens above which a sentence is hardly one."""
_RARE = 10
_SHOWN = 12
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


def summarise_spans(sentences: Sequence[Sentence], scheme: Scheme | None = None) -> SpanSummary:
    """Detect the tag scheme and count the spans.

    Args:
        sentences: what to look at.
        scheme: the scheme, None to detect it.

    Raises:
        DataError: no span at all, schemes mixed, or not the scheme given.
    """
    file = sentences[0].file
    if not any(tag != "O" for sentence in sentences for tag in sentence.tags):
        raise DataError([Problem(file, None, "no labels: every tag is O")], hint="is the tag in another column?")
    scheme = _detect(sentences) if scheme is None else _checked(sentences, scheme)
    faults = _faults(sentences, scheme)
    counts = Counter(span.type for sentence in sentences for span in read_spans(sentence.tags))
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


def _checked(sentences: Sequence[Sentence], scheme: Scheme) -> Scheme:
    """Return the scheme unless some tag has a prefix that it does not know."""
    for sentence in sentences:
        for i, tag in enumerate(sentence.tags):
            if tag[0] not in PREFIXES[scheme]:
                raise DataError(
                    [_problem(sentence, i, f"tag {tag} is not of the scheme {scheme}")], hint="leave --scheme out"
                )
    return scheme


def count_tags(sequences: Iterable[Sequence[str]], file: str) -> dict[str, int]:
    """Count plain tags.

    Args:
        sequences: the tags of each sentence.
        file: where they are from, for the error.

    Returns:
        Tags with counts, most frequent first, then lexical.

    Raises:
        DataError: fewer than two different tags.
    """
    counts = Counter(tag for tags in sequences for tag in tags)
    if len(counts) < 2:
        message = f"one tag only: every tag is {next(iter(counts))}"
        raise DataError([Problem(file, None, message)], hint="name the tags' column with --column N or --column xpos")
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


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


def warn_about(
    sentences: Sequence[Sentence], scheme: Scheme | None, counts: Mapping[str, int], *, num_empty_tokens: int = 0
) -> list[str]:
    """Return what a person should look at, a sentence each.

    Args:
        sentences: gold sentences.
        scheme: how spans are written, None where there are none.
        counts: spans by type, or tokens by tag.
        num_empty_tokens: rows without a token.
    """
    warnings = []
    faults = [] if scheme is None else _faults(sentences, scheme)
    if faults:
        sentence, i = faults[0]
        place = f"{sentence.file}:{sentence.line_of(i)}"
        tag = sentence.tags[i]
        warnings.append(f"{len(faults)} tags may not stand where they do in {scheme}, the first, {tag}, at {place}")
    rare = [name for name, count in counts.items() if count < _RARE]
    if rare:
        kind = "tags, with fewer than 10 tokens" if scheme is None else "types, with fewer than 10 spans"
        more = f" and {len(rare) - _SHOWN} more" if len(rare) > _SHOWN else ""
        warnings.append(f"rare {kind}: {', '.join(rare[:_SHOWN])}{more}")
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
