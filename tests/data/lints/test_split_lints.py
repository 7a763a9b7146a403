"""Development data beside training data."""

import pytest

from rnncli.data.lints.split_lints import lint_labels_of_part, lint_overlap, lint_unknown, unknown_shares
from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import Scheme


def sentence(words: str, tags: str = "", line: int = 1, file: str = "dev") -> Sentence:
    tokens = tuple(words.split())
    return Sentence(tokens, tuple(tags.split()) or ("O",) * len(tokens), file, line)


LONG = "one two three four five six"


def test_shared_sentences_are_told_with_both_lines() -> None:
    train = [sentence("x", line=1, file="train"), sentence(LONG, line=3, file="train")]
    dev = [*[sentence(f"n{i}") for i in range(30)], sentence(LONG, line=40)]
    (lint,) = lint_overlap(train, dev)
    assert "1 of 31" in lint.message
    (place,) = lint.places
    assert (place.file, place.line) == ("dev", 40)
    assert "train:3" in place.message
    assert "other tags" not in place.message
    (lint,) = lint_overlap([sentence(LONG, "B-A O O O O O", file="train")], dev)
    assert "other tags" in lint.places[0].message


def test_short_sentences_may_be_shared_unless_they_are_many() -> None:
    dev = [sentence("Thanks !"), *[sentence(f"n{i}") for i in range(20)]]
    assert lint_overlap([sentence("Thanks !")], dev) == []
    (lint,) = lint_overlap([sentence("Thanks !")], dev[:5])
    assert "1 of 5" in lint.message
    assert lint_overlap([sentence("no")], dev) == []


def test_types_that_training_lacks() -> None:
    dev = [sentence("a b", "O B-A", 1), sentence("c d e", "O B-B I-B", 4), sentence("f", "B-B", 9)]
    (lint,) = lint_labels_of_part({"A": 20}, Scheme.IOB2, dev, "dev")
    assert lint.kind == "unseen"
    assert [(place.line, "2 times" in place.message) for place in lint.places] == [(5, True)]
    assert lint_labels_of_part({"A": 20, "B": 1}, Scheme.IOB2, dev, "dev") == []
    (lint,) = lint_labels_of_part({"NOUN": 2}, None, [sentence("a b", "NOUN X", 3)], "dev")
    assert lint.places[0].line == 4


def test_a_part_without_spans_cannot_be_scored() -> None:
    (lint,) = lint_labels_of_part({"A": 20}, Scheme.IOB2, [sentence("a b")], "dev")
    assert lint.kind == "no-spans"


@pytest.mark.parametrize(
    ("scheme", "tags", "is_told"),
    [
        (Scheme.IOB2, "B-A I-A", False),
        (Scheme.IOB2, "B-A E-A", True),
        (Scheme.BIOES, "B-A I-A", True),
        (Scheme.IOB1, "I-A I-A", False),
        (Scheme.IO, "I-A B-A", False),
        (Scheme.IOB2, "B-A X-A", True),
    ],
)
def test_another_scheme_is_told(scheme: Scheme, tags: str, is_told: bool) -> None:
    found = lint_labels_of_part({"A": 20}, scheme, [sentence("a b", tags)], "dev")
    assert [lint.kind for lint in found] == (["scheme"] if is_told else [])


def test_unknown_shares_are_of_tokens_and_of_words() -> None:
    train, dev = [sentence("a b")], [sentence("a a c"), sentence("a d c")]
    assert unknown_shares(train, dev) == (3 / 6, 2 / 3)
    assert lint_unknown(0.5, dev, "dev") == []
    assert "51%" in lint_unknown(0.51, dev, "dev")[0].message
