"""What gold tags are, as far as it can be read off them; errors where nothing can be learned from them."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import PREFIXES, Scheme, detect, read_spans
from rnncli.errors import DataError, Problem

_MIXED = 3
"""A file is refused if more than one in so many spans is not well formed."""
_NO_SENTENCE = 50_000
"""Tokens above which a sentence is certainly none; readers cut at 100,000 lines what no blank line ends."""


@dataclass(frozen=True, slots=True)
class SpanSummary:
    """What spans there are.

    Attributes:
        scheme: how they are written.
        types: their types with counts, most frequent first, then lexical.
    """

    scheme: Scheme
    types: dict[str, int]


@dataclass(frozen=True, slots=True)
class Fault:
    """A tag that may not stand where it does.

    Attributes:
        sentence: where.
        index: 0-based index of its token.
        message: what is wrong.
    """

    sentence: Sentence
    index: int
    message: str


def require_sentence_ends(sentences: Sequence[Sentence]) -> None:
    """Raise a DataError where no blank line ends a sentence."""
    if all(len(sentence.tokens) > _NO_SENTENCE for sentence in sentences[:-1]):
        num_tokens = sum(len(sentence.tokens) for sentence in sentences)
        message = f"no blank line ends a sentence: all of it is one sentence of {num_tokens} tokens"
        raise DataError([Problem(sentences[0].file, None, message)], hint="put a blank line after each sentence")


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
    faults = find_faults(sentences, scheme)
    counts = Counter(span.type for sentence in sentences for span in read_spans(sentence.tags))
    if _MIXED * len(faults) > counts.total():
        share = f"{len(faults)} of {counts.total()} spans"
        message = f"mixed tag schemes: read as {scheme}, {share} are not well formed; the first"
        raise DataError([_problem(faults[0].sentence, faults[0].index, message)], hint=_ONE_SCHEME)
    return SpanSummary(scheme, _by_count(counts))


_ONE_SCHEME = "write all of it in one scheme, or name the scheme with --scheme"


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
        place = tagged[min(first, len(tagged) - 1)]
        raise DataError([_problem(*place, str(error))], hint="write all of it in one scheme") from error


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
    return _by_count(counts)


def count_labels(sentences: Iterable[Sentence], scheme: Scheme | None) -> dict[str, int]:
    """Count spans by type, or tokens by tag where there is no scheme; most frequent first, then lexical."""
    if scheme is None:
        return _by_count(Counter(tag for sentence in sentences for tag in sentence.tags))
    return _by_count(Counter(span.type for sentence in sentences for span in read_spans(sentence.tags)))


def find_faults(sentences: Iterable[Sentence], scheme: Scheme) -> list[Fault]:
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
                faults.append(Fault(sentence, min(i, len(sentence.tags) - 1), _describe(sentence.tags, i)))
            previous = tag
    return faults


def _describe(tags: Sequence[str], i: int) -> str:
    """Say what is wrong with the tag at `i`, or behind the last one."""
    if i == len(tags):
        return f"{tags[-1]} at the end of its sentence, though it is not the last tag of a span"
    if i == 0:
        return f"{tags[0]} at the begin of a sentence, though it is not the first tag of a span"
    return f"{tags[i]} after {tags[i - 1]}"


def _by_count(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _problem(sentence: Sentence, i: int, message: str) -> Problem:
    row = f"{sentence.tokens[i]}\t{sentence.tags[i]}"
    return Problem(sentence.file, sentence.line_of(i), message, row, len(sentence.tokens[i]) + 1)
