"""The rules of a tokenizer as data: what training freezes into a model and prediction replays."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

NARROW_RANGES: Final = ((0x0, 0x24F), (0x2000, 0x20CF))
"""First and last code points that the narrow form of a pattern knows: Latin; typographic punctuation and currencies."""

PATTERN_NAMES: Final = ("prefix", "suffix", "infix", "token_match", "url")
KINDS: Final = ("rules", "characters")

MAX_JSON_LENGTH: Final = 1 << 22
"""Characters of the rules as JSON at most; the longest of spaCy's, French, have 1.8 million."""

_MAX_PATTERN_LENGTH: Final = 1 << 21
_MAX_REPEATS: Final = 10_000
_MAX_EXCEPTIONS: Final = 1 << 17
_MAX_EXCEPTION_TOKENS: Final = 100
_MAX_SEQUENCES: Final = 1_000
_REPEAT = re.compile(r"\{([0-9]+)")
# Far above what spaCy's rules hold: repeats of 192, 16,000 exceptions, 11 tokens in one, 152 that begin alike.


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
        ValueError: If the kind is unknown, the parts contradict each other, or one is too large to be worked with.
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
        self._check_sizes()

    def _check_sizes(self) -> None:
        patterns = {name: text for name in PATTERN_NAMES if (text := getattr(self, name)) is not None}
        for name, text in (*patterns.items(), *self.narrow_patterns.items()):
            if len(text) > _MAX_PATTERN_LENGTH:
                raise ValueError(f"tokenizer rules: {name} has {len(text)} characters")
            # Each turn of a repeat that must be made takes memory, and nested repeats multiply.
            counts = (int(count[:9]) for count in _REPEAT.findall(text))
            if math.prod(max(count, 1) for count in counts) > _MAX_REPEATS:
                raise ValueError(f"tokenizer rules: {name} repeats something more than {_MAX_REPEATS} times")
        if len(self.exceptions) > _MAX_EXCEPTIONS:
            raise ValueError(f"tokenizer rules: {len(self.exceptions)} exceptions")
        begins = Counter(tokens[0] for tokens in self.exception_sequences.values())
        if max(begins.values(), default=0) > _MAX_SEQUENCES:
            raise ValueError("tokenizer rules: too many exceptions begin with the same token")
        for tokens in (*self.exceptions.values(), *self.exception_sequences.values()):
            if len(tokens) > _MAX_EXCEPTION_TOKENS:
                raise ValueError(f"tokenizer rules: an exception of {len(tokens)} tokens")

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
            ValueError: If the text is not JSON, or a part is missing, unknown, of the wrong type or against another.
        """
        if len(text) > MAX_JSON_LENGTH:
            raise ValueError(f"tokenizer rules: {len(text)} characters")
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
