"""Lints of words that are nearly always tagged in one way."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from rnncli.data.lints.lint import Lint, Place, counted
from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import read_spans

_MIN_NAMED = 20
"""Occurrences from which on one deviation of a word of spans is told."""
_MIN_TAGGED = 100
"""The same for plain tags, where a word used in a second way is quite usual."""

_Use = tuple[Sentence, int, bool]
"""A token of a sentence, and whether a slip is likely there: a span of its own, or none and not the first token."""


def lint_words(sentences: Sequence[Sentence], *, are_spans: bool) -> list[Lint]:
    """Find words of many occurrences that are tagged alike but once.

    Words that mostly stand outside of spans are left alone, for they may stand in a name; so are words of longer names,
    for those may be of another type, and words that begin a sentence, for those may be others in capitals.

    Args:
        sentences: gold sentences.
        are_spans: whether the tags are those of spans.
    """
    totals = Counter(word for sentence in sentences for word in sentence.tokens)
    minimum = _MIN_NAMED if are_spans else _MIN_TAGGED
    frequent = {word for word, count in totals.items() if count >= minimum}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    last: dict[tuple[str, str], _Use] = {}
    for sentence in sentences:
        labels, lengths = _labels(sentence, are_spans=are_spans)
        for i, word in enumerate(sentence.tokens):
            if word in frequent:
                counts[word][labels[i]] += 1
                is_slip = lengths[i] == 1 or (lengths[i] == 0 and i > 0)
                last[word, labels[i]] = (sentence, i, is_slip)
    found = []
    for word, uses in counts.items():
        if len(uses) != 2:
            continue
        (usual, many), (odd, once) = uses.most_common()
        sentence, i, is_slip = last[word, odd]
        if once == 1 and is_slip and not (are_spans and usual == "O"):
            message = f"{word!r} is {odd} here, {usual} the other {many:,} times"
            found.append((-many, Place(sentence.file, sentence.line_of(i), message)))
    if not found:
        return []
    found.sort(key=lambda item: item[0])
    places = tuple(place for _, place in found)
    message = f"{counted(len(places), 'word')} tagged in another way just once"
    return [Lint("lopsided", sentences[0].file, message, places)]


def _labels(sentence: Sentence, *, are_spans: bool) -> tuple[Sequence[str], list[int]]:
    """Return the type or tag of each token, and the length of its span; 0 outside of spans, 1 where there are none."""
    if not are_spans:
        return sentence.tags, [1] * len(sentence.tags)
    labels, lengths = ["O"] * len(sentence.tags), [0] * len(sentence.tags)
    for span in read_spans(sentence.tags):
        for i in range(span.start, span.end):
            labels[i], lengths[i] = span.type, span.end - span.start
    return labels, lengths
