"""Accuracy against scikit-learn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, classification_report

from rnncli.metrics.accuracy import aligned, score_accuracy

ROWS = st.tuples(st.sampled_from("NVA"), st.sampled_from("NVA"), st.sampled_from(["the", "The", "cat", "sat"]))
SENTENCES = st.lists(st.lists(ROWS, max_size=6), max_size=5)
KNOWN = {"the", "cat"}


def columns(sentences: list[list[tuple[str, str, str]]]) -> list[list[list[str]]]:
    return [[[row[column] for row in sentence] for sentence in sentences] for column in range(3)]


@given(SENTENCES)
def test_accuracy_equals_scikit_learn(sentences: list[list[tuple[str, str, str]]]) -> None:
    gold, predicted, tokens = columns(sentences)
    rows = [row for sentence in sentences for row in sentence]
    unknown = [row for row in rows if row[2] not in KNOWN]
    scores = score_accuracy(iter(gold), iter(predicted), tokens=iter(tokens), known_words=KNOWN)
    assert (scores.num_tokens, scores.num_unknown, scores.num_sentences) == (len(rows), len(unknown), len(sentences))
    for accuracy, subset in ((scores.accuracy, rows), (scores.unknown_accuracy, unknown)):
        expected = accuracy_score([row[0] for row in subset], [row[1] for row in subset]) if subset else None
        assert accuracy == (None if expected is None else pytest.approx(expected, abs=1e-12))


@given(SENTENCES)
def test_the_table_of_tags_equals_scikit_learn(sentences: list[list[tuple[str, str, str]]]) -> None:
    gold, predicted, tokens = columns(sentences)
    scores = score_accuracy(gold, predicted, tokens=tokens, known_words=KNOWN)
    rows = [row for sentence in sentences for row in sentence]
    if not rows:
        assert (scores.per_tag, scores.confusions, scores.unknown_share) == ({}, (), None)
        return
    report = classification_report(*list(zip(*rows, strict=True))[:2], output_dict=True, zero_division=0)
    for tag, one in scores.per_tag.items():
        found = [one.precision, one.recall, one.f1, one.num_gold]
        wanted = [report[tag][key] for key in ("precision", "recall", "f1-score", "support")]
        assert found == pytest.approx(wanted, abs=1e-12)
    assert sum(one.count for one in scores.confusions) == len(rows) - scores.num_correct
    assert scores.unknown_share == pytest.approx(sum(row[2] not in KNOWN for row in rows) / len(rows))


def test_counts_by_hand() -> None:
    scores = score_accuracy([["N", "V"], ["A"]], [["N", "N"], ["A"]], tokens=[["the", "Cat"], ["x"]], known_words=KNOWN)
    assert (scores.num_correct, scores.num_tokens, scores.num_sentences) == (2, 3, 2)
    assert (scores.num_unknown_correct, scores.num_unknown, scores.unknown_accuracy) == (1, 2, 0.5)


def test_unknown_words_are_scored_only_when_asked_for() -> None:
    without = score_accuracy([["N"]], [["N"]])
    assert (without.unknown_accuracy, without.num_unknown, without.num_unknown_correct) == (None, None, None)
    asked = score_accuracy([["N"]], [["N"]], tokens=[["cat"]], known_words=KNOWN)
    assert (asked.unknown_accuracy, asked.num_unknown, asked.num_unknown_correct) == (None, 0, 0)
    assert asked.signature != without.signature


def test_tokens_and_known_words_need_each_other() -> None:
    with pytest.raises(ValueError, match="both"):
        score_accuracy([["N"]], [["N"]], known_words=KNOWN)
    with pytest.raises(ValueError, match="both"):
        score_accuracy([["N"]], [["N"]], tokens=[["cat"]])


@pytest.mark.parametrize(
    ("gold", "predicted", "tokens", "problem"),
    [
        (["N", "V"], ["N"], ["a", "b"], "predicted has 1 sentences, fewer than gold or tokens"),
        (["N"], ["N", "V"], ["a", "b"], "gold has 1 sentences"),
        (["N", "V"], ["N", "VV"], ["a", "b"], "sentence 2: .*gold 1, predicted 2, tokens 1"),
        (["N"], ["N"], ["ab"], "sentence 1: .*gold 1, predicted 1, tokens 2"),
    ],
)
def test_lengths_must_agree(gold: list[str], predicted: list[str], tokens: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        score_accuracy(gold, predicted, tokens=tokens, known_words=KNOWN)


def test_aligned_keeps_empty_sentences() -> None:
    assert list(aligned({"gold": [[], ["N"]], "predicted": [[], ["V"]]})) == [([], []), (["N"], ["V"])]
