"""Lints of tokens as text: empty ones, spaces and invisible characters in them, and two ways to write one letter."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from rnncli.data.lints.lint import Lint, Place, counted
from rnncli.data.records import Sentence

_INVISIBLE = frozenset("\u00ad\u200b\u2060\ufeff\ufffd")
"""Soft hyphen, spaces of no width, byte-order mark, and what stands for a character that was lost."""


def lint_text(sentences: Sequence[Sentence]) -> list[Lint]:
    """Find odd tokens.

    Joiners and marks of direction are left alone: some scripts and emoji need them.
    """
    words = {word for sentence in sentences for word in sentence.tokens}
    spaced, invisible = set(), {}
    for word in words:
        if word.isalnum():
            continue
        if any(char.isspace() for char in word) and not _is_number(word):
            spaced.add(word)
        bad = [c for c in word if c in _INVISIBLE or (unicodedata.category(c) == "Cc" and not c.isspace())]
        if bad:
            invisible[word] = bad[0]
    lints = []
    if "" in words:
        places = tuple(
            Place(s.file, s.line_of(i), "no token") for s in sentences for i, w in enumerate(s.tokens) if not w
        )
        lints.append(Lint("empty-token", places[0].file, f"{counted(len(places), 'row')} without a token", places))
    if spaced:
        messages = {word: f"token {word!r} holds a space" for word in spaced}
        lints.append(_lint("space", "with spaces in them", messages, sentences))
    if invisible:
        messages = {word: f"token {word!a} holds {_name(char)}" for word, char in invisible.items()}
        lints.append(_lint("invisible", "with characters that cannot be seen", messages, sentences))
    return lints


def lint_normalisation(sentences: Sequence[Sentence]) -> list[Lint]:
    """Find decomposed letters (NFD) where others are composed (NFC), so that equal words are not the same."""
    words = {word for sentence in sentences for word in sentence.tokens if not word.isascii()}
    composed = {word: unicodedata.normalize("NFC", word) for word in words}
    # Marks that change their order, or letters that never compose, make no word shorter.
    decomposed = {word for word, short in composed.items() if len(short) < len(word)}
    others = (word for word in words - decomposed if len(unicodedata.normalize("NFD", word)) > len(word))
    if not decomposed or next(others, None) is None:
        return []
    messages = {word: f"token {composed[word]!r} is decomposed (NFD), others are composed" for word in decomposed}
    return [_lint("decomposed", "with decomposed letters, where others are composed", messages, sentences)]


def _lint(kind: str, what: str, messages: dict[str, str], sentences: Iterable[Sentence]) -> Lint:
    """Tell of some words, each at its first place."""
    first: dict[str, tuple[str, int]] = {}
    counts: Counter[str] = Counter()
    for sentence in sentences:
        if not messages.keys().isdisjoint(sentence.tokens):
            for i, word in enumerate(sentence.tokens):
                if word in messages:
                    first.setdefault(word, (sentence.file, sentence.line_of(i)))
                    counts[word] += 1
    places = tuple(
        Place(*place, messages[word] + (f", {counts[word]:,} times in all" if counts[word] > 1 else ""))
        for word, place in first.items()
    )
    return Lint(kind, places[0].file, f"{counted(counts.total(), 'token')} {what}", places)


def _is_number(word: str) -> bool:
    """Tell a number whose digits are grouped by spaces."""
    return word == word.strip() and any(c.isdigit() for c in word) and not any(c.isalpha() for c in word)


def _name(char: str) -> str:
    return f"U+{ord(char):04X} {unicodedata.name(char, 'a control character')}"
