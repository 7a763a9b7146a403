"""Cut raw text into tokens by frozen rules, as spaCy would, without spaCy.

The rules are data: patterns and exceptions that `rnncli.training.tokenizer_rules` reads out of a blank spaCy pipeline.
`Tokenizer` replays what spaCy's `tokenizer.pyx` does with them. spaCy's documented pseudo-code is not quite that: a
suffix is searched after the prefix is cut, and a last pass over the finished tokens finds the exceptions that the
patterns tore apart.

Runs of whitespace yield no token here. Otherwise one thing differs from spaCy: a chunk (text between whitespace) of
more than `MAX_CHUNK_LENGTH` code points is first cut into pieces of that length, since the time that spaCy's patterns
take grows with the square of the length. The cut bounds the work of such patterns; a pattern made to be slow can still
take exponential time within one piece, which is why the time is limited too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rnncli.data.cpu_limit import CpuLimit, CpuLimitError
from rnncli.data.tokenizer_rules import NARROW_RANGES, TokenizerRules

MAX_CHUNK_LENGTH: Final = 1_000
"""Longest chunk, in code points, that the patterns are given in one piece."""

MAX_CACHED_CHUNKS: Final = 50_000
"""Number of distinct chunks whose tokens are remembered until the unused ones of them are forgotten."""

_MAX_CACHED_CHARACTERS: Final = 4_000_000
_Entry = tuple[tuple[int, ...], bool]  # lengths of a chunk's tokens; whether one could begin an exception's sequence

_START_S: Final = 2.0
_MOST_S: Final = 20.0
_CHARACTER_S: Final = 10e-3
_PATTERN_CHARACTER_S: Final = 20e-6
# What a text and a pattern being compiled earn. spaCy's own need at worst 1.4 ms a character, and 2 us to compile one.


class Tokenizer:
    """Cuts text into tokens. Whitespace never becomes a token of its own.

    Patterns compile when a text first needs them, and the result of each chunk is remembered: one object should serve
    many texts.

    Args:
        rules: What to replay.
    """

    def __init__(self, rules: TokenizerRules) -> None:
        """Index the exceptions; no pattern compiles yet."""
        self._is_characters = rules.kind == "characters"
        self._exceptions = rules.exceptions
        self._limit = CpuLimit(_START_S, _MOST_S)
        self._patterns = _Patterns(rules, self._limit)
        self._cache: dict[str, _Entry] = {}
        self._old_cache: dict[str, _Entry] = {}
        self._num_cached_characters = 0
        self._sequences: dict[str, list[list[str]]] = {}
        for tokens in rules.exception_sequences.values():
            self._sequences.setdefault(tokens[0], []).append(list(tokens))

    def tokenize(self, text: str) -> list[str]:
        """Cut a text into tokens.

        Args:
            text: The text, in any number of lines.

        Returns:
            The tokens in order.

        Raises:
            ValueError: As `spans` does.
        """
        return [text[start:end] for start, end in self.spans(text)]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Find where the tokens of a text are.

        Args:
            text: The text, in any number of lines.

        Returns:
            Start and end of each token in order, in code points, the end exclusive; `text[start:end]` is the token.

        Raises:
            ValueError: If a pattern of the rules is not a valid regular expression, or takes beyond all measure.
        """
        if self._is_characters:
            return [(index, index + 1) for index, character in enumerate(text) if not character.isspace()]
        try:
            try:
                return self._rule_spans(text)
            finally:
                if self._limit.is_running:
                    self._limit.stop()
        except CpuLimitError as error:
            raise ValueError(f"its tokenizer's pattern {self._patterns.last_name} does not come to an end") from error

    def _rule_spans(self, text: str) -> list[tuple[int, int]]:
        spans: list[tuple[int, int]] = []
        end = 0
        needs_last_pass = False
        has_gaps = False
        for chunk in text.split():
            start = text.index(chunk, end)
            # spaCy swallows one blank between two chunks and makes a token of any other whitespace. That token is
            # needed until the last pass: it keeps an exception from matching across it.
            if (start - end != 1 or text[end] != " ") and start > end:
                spans.append((end, start))
                has_gaps = True
            entry = self._cache.get(chunk) or self._tokenize_chunk(chunk)
            needs_last_pass = needs_last_pass or entry[1]
            for length in entry[0]:
                spans.append((start, start + length))
                start += length
            end = start
        if needs_last_pass:
            spans = self._apply_exceptions(text, spans)
        if needs_last_pass or has_gaps:
            # An exception may contain whitespace tokens of its own.
            return [(start, end) for start, end in spans if not text[start:end].isspace()]
        return spans

    def _tokenize_chunk(self, chunk: str) -> _Entry:
        if len(chunk) > MAX_CHUNK_LENGTH:
            # Only the pieces are remembered: whole chunks of any length would leave the cache without a bound.
            pieces = [chunk[start : start + MAX_CHUNK_LENGTH] for start in range(0, len(chunk), MAX_CHUNK_LENGTH)]
            entries = [self._cache.get(piece) or self._tokenize_chunk(piece) for piece in pieces]
            return tuple(length for entry in entries for length in entry[0]), any(entry[1] for entry in entries)
        entry = self._old_cache.get(chunk)
        if entry is None:
            tokens = self._tokenize_piece(chunk)
            entry = tuple(map(len, tokens)), any(token in self._sequences for token in tokens)
        if len(self._cache) >= MAX_CACHED_CHUNKS or self._num_cached_characters > _MAX_CACHED_CHARACTERS:
            # What is not asked for while the new cache fills goes with the old one.
            self._old_cache, self._cache, self._num_cached_characters = self._cache, {}, 0
        self._cache[chunk] = entry
        self._num_cached_characters += len(chunk)
        return entry

    def _tokenize_piece(self, piece: str) -> list[str]:
        self._limit.earned_s += _CHARACTER_S * len(piece)
        if not self._limit.is_running:
            self._limit.start()
        exception = self._exceptions.get(piece)
        if exception is not None:
            return list(exception)
        prefixes, middle, suffixes = self._strip_affixes(piece)
        exception = self._exceptions.get(middle)
        if exception is not None:
            inner = list(exception)
        elif not middle or self._patterns.is_whole_token(middle) or self._patterns.is_url(middle):
            inner = [middle] if middle else []
        else:
            inner = _split_infixes(middle, self._patterns.infixes(middle))
        return [*prefixes, *inner, *reversed(suffixes)]

    def _strip_affixes(self, piece: str) -> tuple[list[str], str, list[str]]:
        """Cut prefixes and suffixes until nothing more comes off; the suffixes come back outermost first."""
        prefixes: list[str] = []
        suffixes: list[str] = []
        last_length = 0
        while piece and len(piece) != last_length:
            if self._patterns.is_whole_token(piece) or piece in self._exceptions:
                break
            last_length = len(piece)
            prefix_length = self._patterns.prefix_length(piece)
            without_prefix = piece[prefix_length:]
            if prefix_length and without_prefix in self._exceptions:
                prefixes.append(piece[:prefix_length])
                return prefixes, without_prefix, suffixes
            suffix_length = self._patterns.suffix_length(without_prefix)
            # Not the text without both: spaCy looks for the exception with its prefix.
            without_suffix = piece[: len(piece) - suffix_length]
            if suffix_length and without_suffix in self._exceptions:
                suffixes.append(piece[len(without_suffix) :])
                return prefixes, without_suffix, suffixes
            if prefix_length:
                prefixes.append(piece[:prefix_length])
            if suffix_length:
                suffixes.append(piece[len(without_suffix) :])
            piece = piece[prefix_length : len(piece) - suffix_length]
        return prefixes, piece, suffixes

    def _apply_exceptions(self, text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Replace the sequences of tokens that the patterns made of exceptions; the longest wins, then the leftmost."""
        chosen: dict[int, int] = {}
        seen: set[int] = set()
        for first, past in sorted(self._find_sequences(text, spans), key=lambda match: (match[0] - match[1], match[0])):
            if first not in seen and past - 1 not in seen:
                chosen[first] = past
            # A match that is passed over still blocks its tokens, as in spaCy.
            seen.update(range(first, past))
        replaced: list[tuple[int, int]] = []
        index = 0
        while index < len(spans):
            past = chosen.get(index, index + 1)
            start = spans[index][0]
            # The tokens may be those of an exception while the whitespace between them is not.
            exception = self._exceptions.get(text[start : spans[past - 1][1]]) if index in chosen else None
            if exception is None:
                replaced += spans[index:past]
            else:
                for token in exception:
                    replaced.append((start, start + len(token)))
                    start += len(token)
            index = past
        return replaced

    def _find_sequences(self, text: str, spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        tokens = [text[start:end] for start, end in spans]
        for index, token in enumerate(tokens):
            for sequence in self._sequences.get(token, ()):
                if tokens[index : index + len(sequence)] == sequence:
                    yield index, index + len(sequence)


class _Patterns:
    """The patterns of some rules, each compiled when first used.

    Args:
        rules: Where the patterns are.
        limit: Earns the time to compile.

    Attributes:
        last_name: Name of the pattern that was used last.
    """

    def __init__(self, rules: TokenizerRules, limit: CpuLimit) -> None:
        self.last_name = ""
        self._rules = rules
        self._limit = limit
        self._compiled: dict[tuple[str, bool], re.Pattern[str] | None] = {}

    def prefix_length(self, piece: str) -> int:
        return self._affix_length("prefix", piece)

    def suffix_length(self, piece: str) -> int:
        return self._affix_length("suffix", piece)

    def infixes(self, piece: str) -> list[tuple[int, int]]:
        pattern = self._pattern("infix", piece)
        return [match.span() for match in pattern.finditer(piece)] if pattern else []

    def is_whole_token(self, piece: str) -> bool:
        return self._matches("token_match", piece)

    def is_url(self, piece: str) -> bool:
        return self._matches("url", piece)

    def _affix_length(self, name: str, piece: str) -> int:
        # What matches in an empty text is empty, so the pattern need not be compiled to know it.
        pattern = self._pattern(name, piece) if piece else None
        match = pattern.search(piece) if pattern else None
        return match.end() - match.start() if match else 0

    def _matches(self, name: str, piece: str) -> bool:
        if not all(character in piece for character in self._rules.required_characters.get(name, "")):
            return False
        pattern = self._pattern(name, piece)
        return pattern is not None and pattern.match(piece) is not None

    def _pattern(self, name: str, piece: str) -> re.Pattern[str] | None:
        self.last_name = name
        key = (name, _is_narrow(piece))
        if key not in self._compiled:
            self._compiled[key] = self._compile(*key)
        return self._compiled[key]

    def _compile(self, name: str, is_narrow: bool) -> re.Pattern[str] | None:
        full: str | None = getattr(self._rules, name)
        text = self._rules.narrow_patterns.get(name, full) if is_narrow else full
        if text is None:
            return None
        self._limit.earned_s += _PATTERN_CHARACTER_S * len(text)
        try:
            return re.compile(text)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"tokenizer rules: {name} is not a valid regular expression: {error}") from error


def _is_narrow(piece: str) -> bool:
    # The first two tests settle nearly every piece and need no loop in Python.
    return (
        piece.isascii()
        or ord(max(piece)) <= NARROW_RANGES[0][1]
        or all(any(first <= ord(character) <= last for first, last in NARROW_RANGES) for character in piece)
    )


def _split_infixes(piece: str, infixes: list[tuple[int, int]]) -> list[str]:
    tokens: list[str] = []
    start = 0
    for infix_start, infix_end in infixes:
        # As in spaCy, an infix at the very front is none.
        if infix_start == 0:
            continue
        # An infix may be empty: it marks a place to cut.
        tokens += [part for part in (piece[start:infix_start], piece[infix_start:infix_end]) if part]
        start = infix_end
    return tokens + ([piece[start:]] if start < len(piece) else [])
