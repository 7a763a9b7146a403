"""Cut raw text into tokens by frozen rules, as spaCy would, without spaCy.

The rules are data: patterns and exceptions that `rnncli.training.tokenizer_rules` reads out of a blank spaCy pipeline.
`Tokenizer` replays what spaCy's `tokenizer.pyx` does with them, which is not quite what spaCy's documented pseudo-code says:
a suffix is searched after the prefix is cut, and a last pass over the finished tokens finds the exceptions that the patterns
would have torn apart.

Two things differ from spaCy. Runs of whitespace yield no token. A chunk (text between whitespace) of more than
`MAX_CHUNK_LENGTH` code points is cut into pieces of that length first, since the time that the patterns take grows with the
square of the length.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

MAX_CHUNK_LENGTH: Final = 1_000
"""Longest chunk, in code points, that the patterns are given in one piece."""

MAX_CACHED_CHUNKS: Final = 10_000
"""Number of distinct chunks whose tokens are remembered."""

NARROW_RANGES: Final = ((0x0, 0x24F), (0x2000, 0x20CF))
"""First and last code points that the narrow form of a pattern knows: Latin, then typographic punctuation and currencies."""

PATTERN_NAMES: Final = ("prefix", "suffix", "infix", "token_match", "url")
KINDS: Final = ("rules", "characters")


@dataclass(frozen=True)
class TokenizerRules:
    """The rules of one language.

    Args:
        language: spaCy's code of the language.
        spacy_version: Version of the spaCy that the rules were read from.
        kind: `rules`, or `characters` where every character but whitespace is a token and nothing below is used.
        prefix: Pattern of what is cut from the front of a chunk, or None.
        suffix: Pattern of what is cut from the end of a chunk, or None.
        infix: Pattern of what is cut from the middle of a chunk, or None.
        token_match: Pattern of what is never cut, or None.
        url: Pattern of what is not cut once prefixes and suffixes are gone, or None.
        exceptions: Texts with their tokens; the tokens put together are the text.
        exception_sequences: For each exception that the patterns would cut, the tokens that the patterns make of it.
        narrow_patterns: Patterns by name. They match as the full ones do in a text within `NARROW_RANGES`, and compile
            faster. May be empty.
        required_characters: By name of the pattern, characters without which it cannot match. May be empty.

    Raises:
        ValueError: If the kind is unknown or the parts contradict each other.
    """

    language: str
    spacy_version: str
    kind: str = "rules"
    prefix: str | None = None
    suffix: str | None = None
    infix: str | None = None
    token_match: str | None = None
    url: str | None = None
    exceptions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exception_sequences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    narrow_patterns: Mapping[str, str] = field(default_factory=dict)
    required_characters: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"tokenizer rules: kind {self.kind!r} is not one of {', '.join(KINDS)}")
        for text, tokens in self.exceptions.items():
            if "".join(tokens) != text or "" in tokens or not text:
                raise ValueError(f"tokenizer rules: the tokens of the exception {text!r} do not make up its text")
        for text, tokens in self.exception_sequences.items():
            if text not in self.exceptions or not tokens:
                raise ValueError(f"tokenizer rules: exception_sequences: {text!r} is no exception or has no tokens")
        for name in (*self.narrow_patterns, *self.required_characters):
            if name not in PATTERN_NAMES or getattr(self, name) is None:
                raise ValueError(f"tokenizer rules: there is no pattern {name!r}")

    def to_json(self) -> str:
        """Write the rules as canonical JSON: sorted keys, no spaces.

        Returns:
            The JSON; equal rules give equal text.
        """
        content = {part.name: getattr(self, part.name) for part in fields(self)}
        # Escaping everything but ASCII keeps lone surrogates storable as UTF-8.
        return json.dumps(content, sort_keys=True, separators=(",", ":"), default=dict)

    @staticmethod
    def from_json(text: str) -> TokenizerRules:
        """Read rules written by `to_json`, from a source that may be damaged or hostile.

        The patterns are not compiled here; `Tokenizer` does that when it first needs one.

        Args:
            text: The JSON.

        Returns:
            The rules.

        Raises:
            ValueError: If the text is not JSON, or a part is missing, unknown, of the wrong type or contradicts another.
        """
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"tokenizer rules: not JSON: {error}") from error
        if not isinstance(content, dict):
            raise ValueError(f"tokenizer rules: expected an object, found {_type_name(content)}")
        names = {part.name for part in fields(TokenizerRules)}
        if content.keys() != names:
            missing, unknown = sorted(names - content.keys()), sorted(content.keys() - names)
            raise ValueError(f"tokenizer rules: missing parts: {missing}, unknown parts: {unknown}")
        return TokenizerRules(
            language=_string(content, "language"),
            spacy_version=_string(content, "spacy_version"),
            kind=_string(content, "kind"),
            prefix=_optional_string(content, "prefix"),
            suffix=_optional_string(content, "suffix"),
            infix=_optional_string(content, "infix"),
            token_match=_optional_string(content, "token_match"),
            url=_optional_string(content, "url"),
            exceptions=_token_lists(content, "exceptions"),
            exception_sequences=_token_lists(content, "exception_sequences"),
            narrow_patterns=_strings(content, "narrow_patterns"),
            required_characters=_strings(content, "required_characters"),
        )


class Tokenizer:
    """Cuts text into tokens. Whitespace never becomes a token of its own.

    Patterns compile when a text first needs them. Results are remembered per chunk, so one object should serve many texts.

    Args:
        rules: What to replay.
    """

    def __init__(self, rules: TokenizerRules) -> None:
        self._is_characters = rules.kind == "characters"
        self._exceptions = rules.exceptions
        self._patterns = _Patterns(rules)
        # Chunk -> the lengths of its tokens, and whether one of them could begin an exception's sequence.
        self._cache: dict[str, tuple[tuple[int, ...], bool]] = {}
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
            ValueError: If a pattern of the rules is not a valid regular expression.
        """
        return [text[start:end] for start, end in self.spans(text)]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Find where the tokens of a text are.

        Args:
            text: The text, in any number of lines.

        Returns:
            Start and end of each token in order, in code points, the end exclusive; `text[start:end]` is the token.

        Raises:
            ValueError: If a pattern of the rules is not a valid regular expression.
        """
        if self._is_characters:
            return [(index, index + 1) for index, character in enumerate(text) if not character.isspace()]
        spans: list[tuple[int, int]] = []
        end = 0
        needs_last_pass = False
        has_gaps = False
        for chunk in text.split():
            start = text.index(chunk, end)
            # spaCy swallows one blank between two chunks and makes a token of any other whitespace. That token is needed
            # until the last pass: it keeps an exception from matching across it.
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

    def _tokenize_chunk(self, chunk: str) -> tuple[tuple[int, ...], bool]:
        tokens: list[str] = []
        for start in range(0, len(chunk), MAX_CHUNK_LENGTH):
            tokens += self._tokenize_piece(chunk[start : start + MAX_CHUNK_LENGTH])
        entry = (tuple(map(len, tokens)), any(token in self._sequences for token in tokens))
        if len(self._cache) >= MAX_CACHED_CHUNKS:
            self._cache.clear()
        self._cache[chunk] = entry
        return entry

    def _tokenize_piece(self, piece: str) -> list[str]:
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
        """Replace the sequences of tokens that the patterns made of an exception; the longest first, then the leftmost."""
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
    """

    def __init__(self, rules: TokenizerRules) -> None:
        self._rules = rules
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
        key = (name, _is_narrow(piece))
        if key not in self._compiled:
            self._compiled[key] = self._compile(*key)
        return self._compiled[key]

    def _compile(self, name: str, is_narrow: bool) -> re.Pattern[str] | None:
        full: str | None = getattr(self._rules, name)
        text = self._rules.narrow_patterns.get(name, full) if is_narrow else full
        try:
            return None if text is None else re.compile(text)
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


def _type_name(value: object) -> str:
    return "null" if value is None else type(value).__name__


def _string(content: dict[str, Any], name: str) -> str:
    value = content[name]
    if not isinstance(value, str):
        raise ValueError(f"tokenizer rules: {name}: expected a string, found {_type_name(value)}")
    return value


def _optional_string(content: dict[str, Any], name: str) -> str | None:
    return None if content[name] is None else _string(content, name)


def _object(content: dict[str, Any], name: str) -> dict[str, Any]:
    value = content[name]
    if not isinstance(value, dict):
        raise ValueError(f"tokenizer rules: {name}: expected an object, found {_type_name(value)}")
    return value


def _strings(content: dict[str, Any], name: str) -> dict[str, str]:
    values = _object(content, name)
    return {key: _string(values, key) for key in values}


def _token_lists(content: dict[str, Any], name: str) -> dict[str, tuple[str, ...]]:
    lists = _object(content, name)
    for text, tokens in lists.items():
        if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
            raise ValueError(f"tokenizer rules: {name}: {text!r}: expected a list of strings")
    return {text: tuple(tokens) for text, tokens in lists.items()}
