"""What is said of gold data that can be read."""

import pytest

from rnncli.data.lint import summarise_spans, warn_about
from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import Scheme
from rnncli.errors import DataError


def sentence(*tags: str, line: int = 1, words: str = "w") -> Sentence:
    return Sentence(tuple(f"{words}{i}" for i in range(len(tags))), tags, "f.conll", line)


def warnings(data: list[Sentence]) -> list[str]:
    summary = summarise_spans(data)
    return warn_about(data, summary.scheme, summary.types)


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        (["B-A", "I-A", "O", "B-B"], Scheme.IOB2),
        (["I-A", "I-A", "B-A", "O"], Scheme.IOB1),
        (["I-A", "I-A", "O", "I-B"], Scheme.IO),
        (["B-A", "E-A", "O", "S-B"], Scheme.BIOES),
        (["B-A", "L-A", "O", "U-B"], Scheme.BILOU),
    ],
)
def test_the_scheme_is_found_and_types_are_counted(tags: list[str], scheme: Scheme) -> None:
    summary = summarise_spans([sentence(*tags), sentence(*tags), sentence("O")])
    assert summary.scheme is scheme
    assert summary.types == ({"A": 4} if scheme is Scheme.IOB1 else {"A": 2, "B": 2})


def test_types_come_by_count_then_by_name() -> None:
    summary = summarise_spans([sentence("B-Z", "B-M", "B-A", "B-M")])
    assert list(summary.types.items()) == [("M", 2), ("A", 1), ("Z", 1)]


def test_nothing_but_o_is_refused() -> None:
    with pytest.raises(DataError, match="no labels"):
        summarise_spans([sentence("O", "O")])


@pytest.mark.parametrize(
    "tags", [["B-A", "E-A", "U-A"], ["E-A", "E-A"], ["B-A", "I-A", "O", "B-A", "I-A", "O", "B-A", "E-A", "S-A"]]
)
def test_mixed_schemes_are_refused_with_the_line(tags: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        summarise_spans([sentence("O", line=3), sentence(*tags, line=10)])
    (problem, *_) = caught.value.problems
    assert problem.line is not None
    assert problem.line >= 10


def test_more_headless_spans_than_others_are_a_mixture() -> None:
    with pytest.raises(DataError) as caught:
        summarise_spans([sentence("O", "B-A", line=1), sentence("O", "I-A", "O", "I-A", line=4)])
    assert caught.value.problems[0].line == 5


def test_a_few_headless_spans_are_a_warning_with_the_line() -> None:
    data = [sentence("B-A", "O", "B-A", line=1), sentence("O", "I-A", line=20)]
    (text,) = [w for w in warnings(data) if "I-" in w]
    assert "f.conll:21" in text


def test_rare_types_endless_sentences_and_duplicates_are_said() -> None:
    data = [sentence("B-A", "B-A", line=i, words=f"x{i}") for i in range(10)]
    assert warnings(data) == []
    assert any("A" in w for w in warn_about(data, Scheme.IOB2, {"A": 3}))
    endless = [*data, sentence(*["O"] * 2000, line=77)]
    assert any("f.conll:77" in w and "2000" in w for w in warnings(endless))
    doubled = [*data, *data]
    assert any("10 of 20" in w for w in warnings(doubled))
    assert any("3" in w for w in warn_about(data, Scheme.IOB2, {"A": 20}, num_empty_tokens=3))
