"""Lints of development or test data beside training data."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rnncli.data.lints.lint import Lint, Place, counted, listed
from rnncli.data.lints.tag_lints import first_places
from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import Scheme, detect
from rnncli.data.tag_summary import count_labels

_TELLING = 6
"""Tokens from which on a sentence hardly stands in two samples of a language by chance."""
_MUCH = 10
"""An overlap of short sentences is told if one in so many is concerned."""
_UNKNOWN = 0.5
"""Share of unknown tokens above which two parts can hardly be of one kind."""


def lint_overlap(train: Sequence[Sentence], other: Sequence[Sentence]) -> list[Lint]:
    """Find sentences that stand in the training data too.

    Args:
        train: training data.
        other: development or test data, at least one sentence.
    """
    first: dict[tuple[str, ...], Sentence] = {}
    for sentence in train:
        first.setdefault(sentence.tokens, sentence)
    shared = [sentence for sentence in other if sentence.tokens in first]
    long = [sentence for sentence in shared if len(sentence.tokens) >= _TELLING]
    if _MUCH * len(shared) < len(other):
        shared = long
    if not shared:
        return []
    places = []
    for sentence in sorted(shared, key=lambda s: -len(s.tokens)):
        twin = first[sentence.tokens]
        tags = "" if twin.tags == sentence.tags else ", with other tags"
        places.append(Place(sentence.file, sentence.line, f"stands at {twin.file}:{twin.line} too{tags}"))
    verb = "stands" if len(shared) == 1 else "stand"
    message = f"{len(shared):,} of {counted(len(other), 'sentence')} {verb} in the training data too"
    return [Lint("overlap", other[0].file, message, tuple(places))]


def lint_labels_of_part(
    counts: Mapping[str, int], scheme: Scheme | None, other: Sequence[Sentence], name: str
) -> list[Lint]:
    """Find types or tags that the training data lack, or a part without any span.

    Args:
        counts: spans by type, or tokens by tag, in the training data.
        scheme: how spans are written there, None where there are none.
        other: development or test data, at least one sentence.
        name: of that part.
    """
    file = other[0].file
    there = count_labels(other, scheme)
    if not there:
        return [Lint("no-spans", file, f"the {name} data have no span, so there is nothing to score")]
    lints = []
    try:
        own = None if scheme is None else detect(s.tags for s in other)
    except ValueError as error:
        lints.append(Lint("scheme", file, f"the {name} data: {error}"))
    else:
        if own is not scheme and {own, scheme} != {Scheme.IO, Scheme.IOB1}:
            lints.append(Lint("scheme", file, f"scheme {own}, while that of the training data is {scheme}"))
    unseen = [label for label in there if label not in counts]
    if unseen:
        what = "tags" if scheme is None else "types"
        places = first_places(unseen, other, scheme)
        cases = tuple(
            Place(*places[n], f"{what[:-1]} {n}" + (f", {there[n]:,} times in all" if there[n] > 1 else ""))
            for n in unseen
        )
        lints.append(Lint("unseen", file, f"{what} that the training data lack: {listed(unseen)}", cases))
    return lints


def unknown_shares(train: Sequence[Sentence], other: Sequence[Sentence]) -> tuple[float, float]:
    """Return the shares of another part's tokens, and of its distinct words, that the training data lack."""
    known = {word for sentence in train for word in sentence.tokens}
    words = Counter(word for sentence in other for word in sentence.tokens)
    unknown = [count for word, count in words.items() if word not in known]
    return sum(unknown) / words.total(), len(unknown) / len(words)


def lint_unknown(share: float, other: Sequence[Sentence], name: str) -> list[Lint]:
    """Say where a part has little in common with the training data.

    Args:
        share: of its tokens that the training data lack.
        other: the part, at least one sentence.
        name: its name.
    """
    if share <= _UNKNOWN:
        return []
    message = f"{share:.0%} of the tokens of the {name} data do not stand in the training data: are both of one kind?"
    return [Lint("unknown-words", other[0].file, message)]
