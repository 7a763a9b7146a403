"""Odd tokens."""

import unicodedata

import pytest

from rnncli.data.lints.text_lints import lint_normalisation, lint_text
from rnncli.data.records import Sentence


def sentence(*tokens: str, line: int = 1) -> Sentence:
    return Sentence(tokens, ("O",) * len(tokens), "f.conll", line)


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("", "empty-token"),
        ("New York", "space"),
        ("a\xa0b", "space"),
        ("x ", "space"),
        ("\u3000", "space"),
        ("7 ", "space"),
        ("Sil\xadbe", "invisible"),
        ("\ufeffAda", "invisible"),
        ("a\u200bb", "invisible"),
        ("\x96", "invisible"),
        ("a\x07", "invisible"),
        ("lost\ufffd", "invisible"),
    ],
)
def test_odd_tokens_are_told_with_their_line(token: str, kind: str) -> None:
    (lint,) = lint_text([sentence("a", "b", line=3), sentence("c", token, line=8), sentence(token, line=20)])
    assert lint.kind == kind
    assert lint.places[0].line == 9
    assert "2 " in lint.message
    assert lint.places[0].message.isprintable()


@pytest.mark.parametrize(
    "token",
    [
        "10 000",
        "10\xa0000,50",
        "+49 30 123",
        "e-mail",
        "naïve",
        "👩\u200d👩\u200d👧",
        "می\u200cخواهم",
        "\u200fא",
        "❤\ufe0f",
        "#",
    ],
)
def test_ordinary_tokens_are_left_alone(token: str) -> None:
    assert lint_text([sentence("a", token)]) == []


def test_a_word_is_told_once_with_its_count() -> None:
    (lint,) = lint_text([sentence("t ex", "t ex", "a b", line=1), sentence("t ex", line=9)])
    assert [place.line for place in lint.places] == [1, 3]
    assert "3 times" in lint.places[0].message
    assert "4 tokens" in lint.message


def test_decomposed_letters_are_told_only_beside_composed_ones() -> None:
    decomposed = unicodedata.normalize("NFD", "Köln")
    assert lint_normalisation([sentence("Ulm", decomposed)]) == []
    assert lint_normalisation([sentence("Ulm", "Köln")]) == []
    (lint,) = lint_normalisation([sentence("Ulm", "Zürich", decomposed, line=4)])
    assert lint.kind == "decomposed"
    assert [place.line for place in lint.places] == [6]


def test_letters_that_never_compose_are_no_fault() -> None:
    # Hebrew with points, whose composed forms are excluded from composition, and a Greek sign with a twin.
    assert lint_normalisation([sentence("Zürich", "שָׁלוֹם", "\u0387")]) == []
