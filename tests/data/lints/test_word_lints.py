"""Words that are tagged in another way just once."""

from rnncli.data.lints.word_lints import lint_words
from rnncli.data.records import Sentence


def sentence(words: str, tags: str, line: int = 1) -> Sentence:
    return Sentence(tuple(words.split()), tuple(tags.split()), "f.conll", line)


USUAL = [sentence("in Rome .", "O B-LOC O", 4 * i + 1) for i in range(30)]


def told(*more: Sentence) -> list[int]:
    return [place.line for lint in lint_words([*USUAL, *more], are_spans=True) for place in lint.places]


def test_a_name_that_is_none_once_is_told() -> None:
    assert told() == []
    assert told(sentence("to Rome .", "O O O", 500)) == [501]
    assert told(sentence("to Rome .", "O B-ORG O", 500)) == [501]


def test_twice_is_no_slip() -> None:
    assert told(sentence("to Rome .", "O O O", 500), sentence("at Rome .", "O O O", 600)) == []


def test_parts_of_longer_names_and_first_words_are_left_alone() -> None:
    assert told(sentence("Bank of Rome .", "B-ORG I-ORG I-ORG O", 500)) == []
    assert told(sentence("Rome won .", "O O O", 500)) == []


def test_words_that_are_no_names_may_be_one_once() -> None:
    assert told(sentence("in", "B-MISC", 500)) == []


def test_rare_words_are_left_alone() -> None:
    data = [*USUAL[:18], sentence("to Rome .", "O O O", 500)]
    assert lint_words(data, are_spans=True) == []
    assert lint_words([*USUAL[:19], data[-1]], are_spans=True)


def test_plain_tags_need_more_evidence() -> None:
    def data(count: int) -> list[Sentence]:
        return [*[sentence("the", "DET")] * count, sentence("the", "PRON", 900)]

    assert lint_words(data(98), are_spans=False) == []
    (lint,) = lint_words(data(99), are_spans=False)
    assert lint.places[0].line == 900
    assert "99" in lint.places[0].message


def test_the_clearest_case_comes_first() -> None:
    other = [sentence("Oslo", "B-LOC")] * 50
    slips = [sentence("to Rome", "O O", 500), sentence("to Oslo", "O O", 600)]
    (lint,) = lint_words([*USUAL, *other, *slips], are_spans=True)
    assert [place.line for place in lint.places] == [601, 501]
