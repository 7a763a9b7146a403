"""Lints of tags: their order, and which there are."""

from collections.abc import Iterable, Mapping, Sequence

from rnncli.data.lints.lint import Lint, Place, counted, listed
from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import Scheme
from rnncli.data.tag_summary import find_faults

_OPEN = ("ADJ", "ADV", "INTJ", "NOUN", "PROPN", "VERB")
_CLOSED = ("ADP", "AUX", "CCONJ", "DET", "NUM", "PART", "PRON", "SCONJ")
_OTHER = ("PUNCT", "SYM", "X")
UPOS = frozenset((*_OPEN, *_CLOSED, *_OTHER))
"""The universal tags of parts of speech. Reference: https://universaldependencies.org/u/pos/."""

_RARE = 10
_FREQUENT = 20
"""Spans from which on a type is one that others may be misspellings of."""
_MAY_BE_EMPTY = frozenset(("lemma", "feats", "deps", "misc"))
"""Columns of CoNLL-U in which `_` is a value like any other."""


def lint_order(sentences: Sequence[Sentence], scheme: Scheme | None) -> list[Lint]:
    """Find tags that may not stand where they do in the scheme."""
    faults = [] if scheme is None else find_faults(sentences, scheme)
    if not faults:
        return []
    places = [Place(f.sentence.file, f.sentence.line_of(f.index), f.message) for f in faults]
    verb = "may not stand where it does" if len(faults) == 1 else "may not stand where they do"
    return [Lint("tag-order", places[0].file, f"{counted(len(faults), 'tag')} {verb} in {scheme}", tuple(places))]


def lint_labels(sentences: Sequence[Sentence], scheme: Scheme | None, counts: Mapping[str, int]) -> list[Lint]:
    """Find types or tags that are rare, alone, or look like another one.

    Args:
        sentences: gold sentences, at least one.
        scheme: how spans are written, None where there are none.
        counts: spans by type, or tokens by tag.
    """
    file = sentences[0].file
    lints = []
    if scheme is not None and len(counts) == 1:
        lints.append(Lint("one-type", file, f"one type only: every span is {next(iter(counts))}"))
    rare = [f"{name} ({count})" for name, count in counts.items() if count < _RARE]
    if rare:
        what = "tags, with fewer than 10 tokens" if scheme is None else "types, with fewer than 10 spans"
        lints.append(Lint("rare", file, f"rare {what}: {listed(rare)}"))
    pairs = _look_alikes(counts, are_spans=scheme is not None)
    if pairs:
        noun = "tag" if scheme is None else "type"
        first = first_places([name for name, _, _ in pairs], sentences, scheme)
        places = [
            Place(*first[name], f"{noun} {name} ({counts[name]:,}) differs from {other} ({counts[other]:,}) {how}")
            for name, other, how in pairs
        ]
        message = f"{counted(len(pairs), noun)} may be written in two ways"
        lints.append(Lint("look-alike", file, message, tuple(places)))
    return lints


def _look_alikes(counts: Mapping[str, int], *, are_spans: bool) -> list[tuple[str, str, str]]:
    """Pair each name that may be another one misspelt with that one.

    Fine tag sets are full of tags that are one letter apart, and some tell tags apart by case; so tags that are not
    types of spans are paired by case alone, and only where one of them is hardly used.
    """
    pairs = []
    by_fold: dict[str, str] = {}
    for name, count in counts.items():  # the most frequent first
        other = by_fold.setdefault(name.casefold(), name)
        if other != name:
            if are_spans or (count < _RARE <= counts[other] // _RARE):
                pairs.append((name, other, "in case only"))
        elif are_spans and count == 1 and len(name) > 2 and name.isalpha():
            close = (n for n, c in counts.items() if c >= _FREQUENT and n.isalpha() and _is_one_edit(name, n))
            pairs += [(name, n, "in one letter") for n in list(close)[:1]]
    return pairs


def _is_one_edit(a: str, b: str) -> bool:
    """Tell whether one letter changed, added, left out, or swapped with the next makes one of the other."""
    i = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    is_swap = a[i : i + 2] == b[i : i + 2][::-1] and a[i + 2 :] == b[i + 2 :]
    return is_swap or b[i + 1 :] in (a[i:], a[i + 1 :]) or b[i:] == a[i + 1 :]


def lint_part_of_speech(sentences: Sequence[Sentence], counts: Mapping[str, int], column: str) -> list[Lint]:
    """Find tags that are none: not of the universal ones in UPOS, and `_` in a column that needs a value.

    Args:
        sentences: gold sentences, at least one.
        counts: tokens by tag.
        column: name of the tags' column, or its number.
    """
    file = sentences[0].file
    lints = []
    foreign = [tag for tag in counts if tag not in UPOS and tag != "_"] if column == "upos" else []
    if foreign:
        places = _every_place(frozenset(foreign), sentences, "tag {} is not of the universal ones")
        lints.append(Lint("not-upos", file, f"tags not of the 17 universal ones: {listed(foreign)}", places))
    if "_" in counts and column not in _MAY_BE_EMPTY:
        places = _every_place(frozenset("_"), sentences, "tag {}")
        lints.append(
            Lint("no-tag", file, f"{counted(len(places), 'token')} with the tag _, which says nothing", places)
        )
    return lints


def _every_place(tags: frozenset[str], sentences: Iterable[Sentence], message: str) -> tuple[Place, ...]:
    return tuple(
        Place(s.file, s.line_of(i), f"{message.format(tag)}, at {s.tokens[i]!r}")
        for s in sentences
        if not tags.isdisjoint(s.tags)
        for i, tag in enumerate(s.tags)
        if tag in tags
    )


def first_places(
    labels: Iterable[str], sentences: Iterable[Sentence], scheme: Scheme | None
) -> dict[str, tuple[str, int]]:
    """Find where types or tags stand first.

    Args:
        labels: types of spans, or tags where there is no scheme.
        sentences: where to look.
        scheme: how spans are written, None where there are none.

    Returns:
        File and line of each label that was found.
    """
    wanted, found = set(labels), {}
    for sentence in sentences:
        for i, tag in enumerate(sentence.tags):
            label = tag if scheme is None else tag[2:]
            if label in wanted:
                wanted.remove(label)
                found[label] = (sentence.file, sentence.line_of(i))
        if not wanted:
            break
    return found
