"""What is read off gold tags, and when nothing can be."""

import itertools

import pytest

from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import PREFIXES, Scheme, allowed_transitions
from rnncli.data.tag_summary import count_labels, count_tags, find_faults, require_sentence_ends, summarise_spans
from rnncli.errors import DataError


def sentence(*tags: str, line: int = 1, words: str = "w") -> Sentence:
    return Sentence(tuple(f"{words}{i}" for i in range(len(tags))), tags, "f.conll", line)


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


@pytest.mark.parametrize("scheme", [Scheme.IOB2, Scheme.BIOES, Scheme.BILOU])
def test_faults_are_what_a_decoder_may_not_write(scheme: Scheme) -> None:
    tags = ["O", *(f"{prefix}-{kind}" for kind in "XY" for prefix in sorted(PREFIXES[scheme] - {"O"}))]
    follows, starts, ends = allowed_transitions(tags)
    for length in (1, 2, 3):
        for indices in itertools.product(range(len(tags)), repeat=length):
            steps = [starts[indices[0]], ends[indices[-1]], *(follows[i][j] for i, j in itertools.pairwise(indices))]
            found = find_faults([sentence(*(tags[i] for i in indices))], scheme)
            assert bool(found) == (not all(steps)), [tags[i] for i in indices]


def test_faults_say_where_and_what() -> None:
    data = [sentence("O", "I-A"), sentence("I-B"), sentence("B-A", "I-B")]
    assert [(f.sentence, f.index) for f in find_faults(data, Scheme.IOB2)] == [(data[0], 1), (data[1], 0), (data[2], 1)]
    messages = [f.message for f in find_faults(data, Scheme.IOB2)]
    assert "I-A after O" in messages[0]
    assert "I-B" in messages[1]
    assert "I-B after B-A" in messages[2]
    (unfinished,) = find_faults([sentence("O", "B-A")], Scheme.BIOES)
    assert unfinished.index == 1
    assert "end of its sentence" in unfinished.message


def test_one_sentence_is_none() -> None:
    with pytest.raises(DataError, match="blank line"):
        require_sentence_ends([sentence("O", "B-A")])
    require_sentence_ends([sentence("O"), sentence("B-A")])


def test_pieces_of_a_file_without_blank_lines_are_no_sentences_either() -> None:
    with pytest.raises(DataError, match="100002 tokens"):
        require_sentence_ends([sentence(*["O"] * 100_000), sentence("O", "B-A")])
    require_sentence_ends([sentence(*["O"] * 100_000), sentence("O"), sentence("B-A")])


def test_one_tag_is_refused_and_others_are_counted() -> None:
    with pytest.raises(DataError, match="one tag only"):
        count_tags([["X", "X"]], "f")
    assert list(count_tags([["X", "Y"], ["Y", "A"]], "f").items()) == [("Y", 2), ("A", 1), ("X", 1)]


def test_labels_are_spans_or_tags() -> None:
    data = [sentence("B-A", "I-A", "O", "B-B")]
    assert count_labels(data, Scheme.IOB2) == {"A": 1, "B": 1}
    assert count_labels(data, None) == {"B-A": 1, "B-B": 1, "I-A": 1, "O": 1}
