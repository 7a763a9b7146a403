"""Freezing: which languages, and that a rewritten pattern matches what spaCy's own does."""

import re
from functools import cache
from typing import Any

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data.tokenizer import Tokenizer
from rnncli.data.tokenizer_rules import NARROW_RANGES, PATTERN_NAMES
from rnncli.training.pattern_rewriting import ALL_RANGES, required_characters, rewrite
from rnncli.training.tokenizer_rules import CHARACTER_LANGUAGES, freeze

LANGUAGES = ("en", "de", "tr")
PIECES = [
    *"aBzÄßşжЖ中😀0159.,:;!?'\"“”’…–—-~()[]/\\<>=+*^%$€°#@_²µ\u0301",
    "..",
    "……",
    "'s",
    "km",
    "m/s",
    "US$",
    "://",
    "II",
]
NARROW_PIECES = [piece for piece in PIECES if all(any(a <= ord(c) <= b for a, b in NARROW_RANGES) for c in piece)]

SMALL_PATTERNS = [
    "a|b|c",
    "a|bc|c|d",
    "a|ab|b",
    "ab|a|ac",
    "(?:ab|a)(?:c|bcd)",
    "…|……|,",
    "^a|^b|^-+",
    "a$|b$|bb$|[^c]$",
    "[^ж]a",
    "[^жa]",
    "ж|a",
    "a(?=ж)|b",
    "a(?!)|b(?=)c",
    "a(?!ж)b?",
    "(?<![жa])b",
    "(?:ж+)?a",
    "(?:ж)+a",
    "a{2}b{1,3}?c{2,}",
    "(a|b)+?c",
    r"\w\d|\s|[^\W\d]",
    r"a.\bb|[\]\^\-\\a]+",
    "ж",
]


@cache
def spacy_patterns(language: str) -> dict[str, re.Pattern[str]]:
    tokenizer: Any = spacy.blank(language).tokenizer
    searches = (
        tokenizer.prefix_search,
        tokenizer.suffix_search,
        tokenizer.infix_finditer,
        tokenizer.token_match,
        tokenizer.url_match,
    )
    return {name: search.__self__ for name, search in zip(PATTERN_NAMES, searches, strict=True) if search is not None}


@cache
def rewritten(language: str, name: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    pattern = spacy_patterns(language)[name]
    full, narrow = rewrite(pattern, ALL_RANGES), rewrite(pattern, NARROW_RANGES)
    assert full is not None
    assert narrow is not None
    return re.compile(full), re.compile(narrow)


def spans(pattern: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    return [match.span() for match in pattern.finditer(text)]


CASES = [(language, name) for language in LANGUAGES for name in PATTERN_NAMES if name in spacy_patterns(language)]


@pytest.mark.parametrize(("language", "name"), CASES)
@settings(deadline=None, max_examples=300)
@given(
    text=st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
    narrow_text=st.lists(st.sampled_from(NARROW_PIECES), max_size=8).map("".join),
)
def test_rewritten_patterns_match_alike(language: str, name: str, text: str, narrow_text: str) -> None:
    original = spacy_patterns(language)[name]
    full, narrow = rewritten(language, name)
    assert spans(full, text) == spans(original, text)
    assert spans(narrow, narrow_text) == spans(original, narrow_text)


@pytest.mark.parametrize(("language", "name"), CASES)
def test_every_narrow_character_matches_alike(language: str, name: str) -> None:
    original = spacy_patterns(language)[name]
    for character in (chr(code_point) for first, last in NARROW_RANGES for code_point in range(first, last + 1)):
        for text in (
            character,
            f"a{character}",
            f"{character}A.",
            f"1{character}",
            f"a{character}b",
            f"x.{character}x",
        ):
            assert spans(rewritten(language, name)[1], text) == spans(original, text), text


@pytest.mark.parametrize("name", ["prefix", "suffix", "infix", "url"])
def test_every_character_matches_alike(name: str) -> None:
    original = spacy_patterns("en")[name]
    context = {"prefix": "{}", "suffix": "a{}", "infix": "a{}a-a", "url": "a{}.a{}"}[name]
    for character in map(chr, [*range(0x20000), 0x10FFFF]):
        text = context.replace("{}", character)
        assert spans(rewritten("en", name)[0], text) == spans(original, text), text


@pytest.mark.parametrize("text", SMALL_PATTERNS)
@settings(deadline=None)
@given(subject=st.text("abcd-,….ж1 ]^\\"), narrow_subject=st.text("abcd-,….1 ]^\\"))
def test_small_patterns_match_alike(text: str, subject: str, narrow_subject: str) -> None:
    original = re.compile(text)
    full, narrow = rewrite(original, ALL_RANGES), rewrite(original, NARROW_RANGES)
    assert full is not None
    assert narrow is not None
    assert spans(re.compile(full), subject) == spans(original, subject)
    assert spans(re.compile(narrow), narrow_subject) == spans(original, narrow_subject)


@pytest.mark.parametrize("text", ["(?i)k", r"(a)\1", "(?P<x>a)(?P=x)", "(?i:k)b", r"\Aa", "(a)?(?(1)b|c)", "(?m)^a"])
def test_what_cannot_be_rewritten_safely_is_left(text: str) -> None:
    # Case-insensitive: the Kelvin sign, which is outside the narrow alphabet, would match an ASCII k.
    assert rewrite(re.compile(text), NARROW_RANGES) is None
    assert required_characters(re.compile(text)) == ""


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("a", "a"),
        ("a|b", ""),
        ("ab|cb|b+", "b"),
        ("(?:xa)?b", "b"),
        ("(?:xa)+b*", "ax"),
        ("(?=a)(?<!b)c", "c"),
        ("[ab]c.", "c"),
        ("[^a]", ""),
        (r"\d", ""),
    ],
)
def test_required_characters(text: str, characters: str) -> None:
    assert required_characters(re.compile(text)) == characters


def test_a_url_needs_a_dot() -> None:
    assert freeze("en").required_characters == {"url": "."}


def test_the_flags_of_a_pattern_are_kept() -> None:
    # French matches whole tokens whatever their case.
    rules = freeze("fr")
    assert rules.token_match is not None
    assert re.compile(rules.token_match).flags == spacy_patterns("fr")["token_match"].flags
    assert "token_match" not in rules.narrow_patterns


def test_freezing_twice_gives_the_same_bytes() -> None:
    assert freeze("de").to_json() == freeze("de").to_json()


@pytest.mark.parametrize("language", sorted(CHARACTER_LANGUAGES))
def test_languages_without_rules_are_cut_into_characters(language: str) -> None:
    rules = freeze(language)
    assert (rules.language, rules.kind, rules.prefix) == (language, "characters", None)


@pytest.mark.parametrize(
    ("language", "nearest"), [("eng", "en"), ("dee", "de"), ("EN", "en"), ("", "xx"), ("../en", "en")]
)
def test_unknown_languages_name_the_nearest(language: str, nearest: str) -> None:
    with pytest.raises(ValueError, match=f"unknown language .*nearest known codes are: .*{nearest}"):
        freeze(language)


@pytest.mark.parametrize("language", ["fr", "hu", "ru", "fa", "gd", "nl", "ar", "xx"])
def test_other_languages_equal_spacy(language: str) -> None:
    rules = freeze(language)
    pipeline = spacy.blank(language)
    tokenizer = Tokenizer(rules)
    for exception in list(rules.exceptions)[:300]:
        for text in (exception, f"«{exception}», x", f"d'{exception}.", f"{exception}-{exception} 10 {exception}!"):
            expected = [token.text for token in pipeline.tokenizer(text) if not token.is_space]
            assert tokenizer.tokenize(text) == expected, text
