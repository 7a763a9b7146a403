"""Freeze the tokenizer rules of spaCy, so that prediction can replay them without spaCy."""

from __future__ import annotations

import dataclasses
import difflib
import pkgutil
from typing import Any, Final

import spacy
import spacy.lang
from spacy.about import __version__ as spacy_version
from spacy.symbols import ORTH  # type: ignore[import-not-found]
from spacy.tokenizer import Tokenizer as SpacyTokenizer  # type: ignore[import-not-found]

from rnncli.data.tokenizer import Tokenizer
from rnncli.data.tokenizer_rules import NARROW_RANGES, TokenizerRules
from rnncli.training.pattern_rewriting import ALL_RANGES, required_characters, rewrite, text_with_flags

CHARACTER_LANGUAGES: Final = frozenset({"ja", "ko", "th", "vi", "zh"})
"""Languages that spaCy cuts with a library or a model; some do not even load without it."""


def freeze(language: str) -> TokenizerRules:
    """Read the tokenizer rules of a blank spaCy pipeline.

    Args:
        language: A language code of spaCy, such as `en`, `de` or `xx` (any language).

    Returns:
        The rules, complete: `rnncli.data.tokenizer.Tokenizer` needs nothing else.

    Raises:
        ValueError: If spaCy has no such language. The message names the nearest codes.
    """
    known = sorted(module.name for module in pkgutil.iter_modules(spacy.lang.__path__) if module.ispkg)
    if language not in known:
        nearest = difflib.get_close_matches(language, known, n=3, cutoff=0.4) or known
        raise ValueError(f"unknown language {language!r}; the nearest known codes are: {', '.join(nearest)}")
    if language in CHARACTER_LANGUAGES:
        return TokenizerRules(language=language, spacy_version=spacy_version, kind="characters")
    oracle = spacy.blank(language).tokenizer
    if type(oracle) is not SpacyTokenizer:
        return TokenizerRules(language=language, spacy_version=spacy_version, kind="characters")
    return _freeze_rules(language, oracle)


def _freeze_rules(language: str, oracle: Any) -> TokenizerRules:
    searches = {
        "prefix": oracle.prefix_search,
        "suffix": oracle.suffix_search,
        "infix": oracle.infix_finditer,
        "token_match": oracle.token_match,
        "url": oracle.url_match,
    }
    patterns = {name: search.__self__ for name, search in searches.items() if search is not None}
    full = {name: rewrite(pattern, ALL_RANGES) or text_with_flags(pattern) for name, pattern in patterns.items()}
    narrow = {name: rewrite(pattern, NARROW_RANGES) for name, pattern in patterns.items()}
    required = {name: required_characters(patterns[name]) for name in ("token_match", "url") if name in patterns}
    exceptions = {
        text: tuple(str(token[ORTH]) for token in tokens)
        for text, tokens in oracle.rules.items()
        # Whitespace yields no token, so an exception made of whitespace alone changes nothing.
        if not text.isspace()
    }
    plain = TokenizerRules(
        language=language,
        spacy_version=spacy_version,
        prefix=full.get("prefix"),
        suffix=full.get("suffix"),
        infix=full.get("infix"),
        token_match=full.get("token_match"),
        url=full.get("url"),
        narrow_patterns={name: text for name, text in narrow.items() if text is not None},
        required_characters={name: text for name, text in required.items() if text},
    )
    return _with_exceptions(plain, exceptions, oracle)


def _with_exceptions(plain: TokenizerRules, exceptions: dict[str, tuple[str, ...]], oracle: Any) -> TokenizerRules:
    without_exceptions = Tokenizer(plain)
    sequences = {
        text: tuple(without_exceptions.tokenize(text))
        for text in exceptions
        # spaCy's own choice of the exceptions that need a pass over the finished tokens.
        if not oracle.faster_heuristics
        or oracle.find_prefix(text)
        or oracle.find_infix(text)
        or oracle.find_suffix(text)
        or " " in text
    }
    return dataclasses.replace(plain, exceptions=exceptions, exception_sequences=sequences)
