"""Lints of whole sentences: endless ones, duplicates, and the same one with other tags."""

from collections.abc import Sequence

from rnncli.data.lints.lint import Lint, Place, counted
from rnncli.data.records import Sentence

_ENDLESS = 1000
"""Tokens above which a sentence is hardly one."""
_LONG = 300
"""Tokens above which a sentence is odd where others are shorter by far."""
_FAR = 5
"""How many times as long as the longest of a hundred sentences an odd one is."""
_DUPLICATE_SHARE = 10
"""Duplicates are told if one in so many sentences is one."""


def lint_sentences(sentences: Sequence[Sentence]) -> list[Lint]:
    """Find odd sentences.

    Args:
        sentences: gold sentences, at least one.
    """
    return [*_lint_lengths(sentences), *_lint_duplicates(sentences), *_lint_conflicts(sentences)]


def _lint_lengths(sentences: Sequence[Sentence]) -> list[Lint]:
    lengths = sorted(len(sentence.tokens) for sentence in sentences)
    usual = lengths[(len(lengths) - 1) * 99 // 100]
    limit = min(_ENDLESS, max(_LONG, _FAR * usual))
    places = [
        Place(s.file, s.line, f"a sentence of {len(s.tokens)} tokens: is a blank line missing?")
        for s in sentences
        if len(s.tokens) > limit
    ]
    if not places:
        return []
    return [
        Lint("long", places[0].file, f"{counted(len(places), 'sentence')} of more than {limit} tokens", tuple(places))
    ]


def _lint_duplicates(sentences: Sequence[Sentence]) -> list[Lint]:
    num_duplicates = len(sentences) - len({(s.tokens, s.tags) for s in sentences})
    if num_duplicates * _DUPLICATE_SHARE <= len(sentences):
        return []
    message = f"{num_duplicates} of {len(sentences)} sentences are duplicates of earlier ones"
    return [Lint("duplicates", sentences[0].file, message)]


def _lint_conflicts(sentences: Sequence[Sentence]) -> list[Lint]:
    first: dict[tuple[str, ...], Sentence] = {}
    places = []
    for sentence in sentences:
        other = first.setdefault(sentence.tokens, sentence)
        if other.tags != sentence.tags:
            pairs = zip(sentence.tags, other.tags, strict=True)
            i = next(i for i, (here, there) in enumerate(pairs) if here != there)
            where = f"{other.file}:{other.line_of(i)}"
            message = f"{sentence.tokens[i]!r} is {sentence.tags[i]}, in the same sentence at {where} {other.tags[i]}"
            places.append(Place(sentence.file, sentence.line_of(i), message))
    if not places:
        return []
    message = f"{counted(len(places), 'sentence')} tagged in another way than the same one before"
    return [Lint("conflict", places[0].file, message, tuple(places))]
