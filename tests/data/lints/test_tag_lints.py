"""Odd tags."""

import pytest

from rnncli.data.lints.lint import Lint
from rnncli.data.lints.tag_lints import UPOS, first_places, lint_labels, lint_order, lint_part_of_speech
from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import Scheme


def sentence(*tags: str, line: int = 1) -> Sentence:
    return Sentence(tuple(f"w{i}" for i in range(len(tags))), tags, "f.conll", line)


def kinds(lints: list[Lint]) -> list[str]:
    return [lint.kind for lint in lints]


def test_illegal_tags_are_told_each_with_its_line() -> None:
    data = [sentence("B-A", "O", line=1), sentence("O", "I-A", line=20), sentence("I-A", line=30)]
    (lint,) = lint_order(data, Scheme.IOB2)
    assert [(place.file, place.line) for place in lint.places] == [("f.conll", 21), ("f.conll", 30)]
    assert "2 tags" in lint.message
    assert "IOB2" in lint.message
    assert "f.conll:21" in lint.in_short()


@pytest.mark.parametrize("scheme", [Scheme.IO, Scheme.IOB1, None])
def test_where_anything_goes_nothing_is_told(scheme: Scheme | None) -> None:
    assert lint_order([sentence("I-A", "I-B", "O", "I-A")], scheme) == []


def test_rare_types_are_named_with_their_counts() -> None:
    (lint,) = lint_labels([sentence("O")], Scheme.IOB2, {"A": 10, "B": 9})
    assert lint.kind == "rare"
    assert "B (9)" in lint.message
    assert "A (" not in lint.message
    assert lint.places == ()


def test_many_rare_tags_are_not_all_named() -> None:
    (lint,) = lint_labels([sentence("X")], None, {"X": 50, **{f"T{i}": 1 for i in range(100)}})
    assert "T0 (1)" in lint.message
    assert "and 88 more" in lint.message


def test_one_type_is_told_but_not_of_plain_tags() -> None:
    assert kinds(lint_labels([sentence("B-A")], Scheme.IOB2, {"A": 50})) == ["one-type"]
    assert lint_labels([sentence("A")], None, {"A": 50}) == []


@pytest.mark.parametrize(
    ("counts", "pair"),
    [
        ({"PER": 90, "Per": 40}, ("Per", "PER")),
        ({"PER": 90, "LOC": 40, "PRE": 1}, ("PRE", "PER")),
        ({"PERSON": 90, "PERSN": 1}, ("PERSN", "PERSON")),
        ({"LOC": 90, "LOCC": 1}, ("LOCC", "LOC")),
        ({"LOC": 90, "LOK": 1}, ("LOK", "LOC")),
    ],
)
def test_types_that_may_be_one_are_told(counts: dict[str, int], pair: tuple[str, str]) -> None:
    data = [sentence(f"B-{pair[1]}", line=3), sentence(f"B-{pair[0]}", line=7)]
    (lint,) = [lint for lint in lint_labels(data, Scheme.IOB2, counts) if lint.kind == "look-alike"]
    (place,) = lint.places
    assert place.line == 7
    assert pair[0] in place.message
    assert pair[1] in place.message


@pytest.mark.parametrize(
    "counts",
    [
        {"LOC": 90, "LOCpart": 1},
        {"LOC": 90, "LOK": 2},
        {"LOC": 19, "LOK": 1},
        {"LOC1": 90, "LOC2": 1},
        {"LOC": 90, "ORG": 90, "ORGANISATION": 1},
    ],
)
def test_other_types_are_left_alone(counts: dict[str, int]) -> None:
    assert "look-alike" not in kinds(lint_labels([sentence("O")], Scheme.IOB2, counts))


def test_fine_tags_are_paired_by_case_alone_and_only_if_one_is_hardly_used() -> None:
    def found(counts: dict[str, int]) -> bool:
        data = [sentence(*counts)]
        return "look-alike" in kinds(lint_labels(data, None, counts))

    assert found({"NOUN": 900, "Noun": 3})
    assert not found({"Vf": 900, "VF": 300})
    assert not found({"NN": 900, "NNS": 1})


def test_tags_that_are_no_universal_ones() -> None:
    assert len(UPOS) == 17
    data = [sentence("NOUN", "NN", line=1), sentence("NN", "VERB", line=4)]
    (lint,) = lint_part_of_speech(data, {"NOUN": 1, "VERB": 1, "NN": 2}, "upos")
    assert lint.kind == "not-upos"
    assert [place.line for place in lint.places] == [2, 4]
    assert lint_part_of_speech(data, {"NOUN": 1, "VERB": 1, "NN": 2}, "xpos") == []


@pytest.mark.parametrize(("column", "is_told"), [("upos", True), ("xpos", True), ("2", True), ("feats", False)])
def test_a_tag_of_nothing(column: str, is_told: bool) -> None:
    data = [sentence("NOUN", "_", line=5)]
    found = lint_part_of_speech(data, {"NOUN": 1, "_": 1}, column)
    assert kinds(found) == (["no-tag"] if is_told else [])
    assert not is_told or found[0].places[0].line == 6


def test_first_places_are_the_first() -> None:
    data = [sentence("O", "B-A", line=1), sentence("B-A", "I-A", "B-B", line=4)]
    assert first_places(["A", "B", "C"], data, Scheme.IOB2) == {"A": ("f.conll", 2), "B": ("f.conll", 6)}
    assert first_places(["I-A"], data, None) == {"I-A": ("f.conll", 5)}
