"""Odd sentences."""

from rnncli.data.lints.lint import Lint
from rnncli.data.lints.sentence_lints import lint_sentences
from rnncli.data.records import Sentence


def sentence(words: str, tags: str = "", line: int = 1) -> Sentence:
    tokens = tuple(words.split())
    return Sentence(tokens, tuple(tags.split()) or ("O",) * len(tokens), "f.conll", line)


ORDINARY = [sentence(f"a b{i} c", line=4 * i + 1) for i in range(100)]


def only(lints: list[Lint]) -> Lint:
    (lint,) = lints
    return lint


def test_ordinary_sentences_are_left_alone() -> None:
    assert lint_sentences(ORDINARY) == []
    assert lint_sentences([*ORDINARY, sentence("x " * 300)]) == []
    assert lint_sentences([sentence(f"y{i} " + "x " * 350) for i in range(50)]) == []


def test_endless_sentences_are_told_with_their_line() -> None:
    lint = only(lint_sentences([*ORDINARY, sentence("x " * 2000, line=777)]))
    assert lint.kind == "long"
    assert lint.places[0].line == 777
    assert "2000" in lint.places[0].message
    every = [sentence(f"y{i} " + "x " * 1000) for i in range(50)]
    assert len(only(lint_sentences(every)).places) == 50


def test_a_sentence_far_longer_than_all_others_is_told() -> None:
    assert only(lint_sentences([*ORDINARY, sentence("x " * 301, line=777)])).places[0].line == 777


def test_many_duplicates_are_told_and_few_are_not() -> None:
    assert lint_sentences([*ORDINARY, *ORDINARY[:10]]) == []
    lint = only(lint_sentences([*ORDINARY, *ORDINARY]))
    assert lint.kind == "duplicates"
    assert "100 of 200" in lint.message


def test_the_same_sentence_with_other_tags_is_told_with_both_lines() -> None:
    data = [sentence("Ada met Bob", "B-P O O", 10), *ORDINARY, sentence("Ada met Bob", "B-P O B-P", 900)]
    lint = only(lint_sentences(data))
    assert lint.kind == "conflict"
    (place,) = lint.places
    assert place.line == 902
    assert "f.conll:12" in place.message
    assert "Bob" in place.message
    assert lint_sentences([*ORDINARY, data[0], data[0]]) == []
