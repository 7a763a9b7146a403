"""Span scores against the counting of conlleval, against seqeval, and against scikit-learn."""

from collections import Counter
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import classification_report
from seqeval.metrics.sequence_labeling import precision_recall_fscore_support
from seqeval.scheme import BILOU, IOB2, IOBES
from sklearn.metrics import accuracy_score

from rnncli.data.tag_schemes import Scheme
from rnncli.metrics.spans import SpanScores, compare_f1, score_spans

Pairs = list[list[tuple[str, str]]]
STRICT = {Scheme.IOB2: ("BI", IOB2), Scheme.BIOES: ("BIES", IOBES), Scheme.BILOU: ("BILU", BILOU)}


def corpora(prefixes: str) -> st.SearchStrategy[Pairs]:
    """Sentences of (gold, predicted) tags, well formed or not, which agree often enough for right spans to occur."""
    tags = ["O", *(f"{prefix}-{name}" for prefix in prefixes for name in ("PER", "creative-work"))]
    same = st.sampled_from(tags).map(lambda tag: (tag, tag))
    return st.lists(st.lists(st.one_of(same, same, st.tuples(*[st.sampled_from(tags)] * 2)), max_size=8), max_size=5)


def split(pairs: Pairs) -> tuple[list[list[str]], list[list[str]]]:
    return [[a for a, _ in sentence] for sentence in pairs], [[b for _, b in sentence] for sentence in pairs]


class Conlleval:
    """The counting loop of the script conlleval for B, I and O: it walks along, and never builds a span."""

    def __init__(self, gold: list[list[str]], predicted: list[list[str]]) -> None:
        self.gold: Counter[str] = Counter()
        self.predicted: Counter[str] = Counter()
        self.correct: Counter[str] = Counter()
        in_correct = False
        last = (("O", ""), ("O", ""))
        # The script turns the blank line after a sentence into O.
        sentences = ([*zip(*pair, strict=True), ("O", "O")] for pair in zip(gold, predicted, strict=True))
        for row in chain.from_iterable(sentences):
            now = (self.parse(row[0]), self.parse(row[1]))
            ends = [self.ends(before, after) for before, after in zip(last, now, strict=True)]
            starts = [self.starts(before, after) for before, after in zip(last, now, strict=True)]
            if in_correct and all(ends) and last[0][1] == last[1][1]:
                in_correct = False
                self.correct[last[0][1]] += 1
            elif in_correct and (ends[0] != ends[1] or now[0][1] != now[1][1]):
                in_correct = False
            if all(starts) and now[0][1] == now[1][1]:
                in_correct = True
            self.gold[now[0][1]] += starts[0]
            self.predicted[now[1][1]] += starts[1]
            last = now

    @staticmethod
    def parse(tag: str) -> tuple[str, str]:
        return ("O", "") if tag == "O" else (tag[0], tag[2:])

    @staticmethod
    def ends(before: tuple[str, str], now: tuple[str, str]) -> bool:
        return before[0] + now[0] in {"BB", "BO", "IB", "IO"} or (before[0] != "O" and before[1] != now[1])

    @staticmethod
    def starts(before: tuple[str, str], now: tuple[str, str]) -> bool:
        return before[0] + now[0] in {"BB", "IB", "OB", "OI"} or (now[0] != "O" and before[1] != now[1])

    @staticmethod
    def ratios(gold: int, predicted: int, correct: int) -> tuple[float, float, float]:
        precision = correct / predicted if predicted else 0.0
        recall = correct / gold if gold else 0.0
        return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def micro(scores: SpanScores) -> tuple[float | None, float | None, float | None]:
    return scores.precision, scores.recall, scores.f1


@given(corpora("BI"))
def test_scores_equal_the_counting_of_conlleval(pairs: Pairs) -> None:
    gold, predicted = split(pairs)
    scores, oracle = score_spans(gold, predicted), Conlleval(gold, predicted)
    totals = oracle.gold.total(), oracle.predicted.total(), oracle.correct.total()
    assert (scores.num_gold, scores.num_predicted, scores.num_correct) == totals
    if oracle.gold.total():
        assert micro(scores) == pytest.approx(oracle.ratios(*totals), abs=1e-12)
    assert list(scores.per_type) == sorted(+oracle.gold | +oracle.predicted)
    for name, one in scores.per_type.items():
        counts = oracle.gold[name], oracle.predicted[name], oracle.correct[name]
        assert (one.num_gold, one.num_predicted, one.num_correct) == counts
        assert (one.precision, one.recall, one.f1) == pytest.approx(oracle.ratios(*counts), abs=1e-12)


@given(corpora("BIES"))
def test_scores_equal_seqeval(pairs: Pairs) -> None:
    gold, predicted = split(pairs)
    scores = score_spans(gold, predicted)
    assert (scores.f1 is None) == (scores.num_gold == 0)
    if not scores.num_gold:
        return
    expected = precision_recall_fscore_support(gold, predicted, average="micro", zero_division=0)
    assert micro(scores) == pytest.approx(expected[:3], abs=1e-12)
    report = classification_report(gold, predicted, output_dict=True, zero_division=0)
    for name, one in scores.per_type.items():
        row = [report[name][key] for key in ("precision", "recall", "f1-score", "support")]
        assert [one.precision, one.recall, one.f1, one.num_gold] == pytest.approx(row, abs=1e-12)


@pytest.mark.parametrize("scheme", STRICT)
@given(data=st.data())
def test_strict_scores_equal_seqeval(scheme: Scheme, data: st.DataObject) -> None:
    prefixes, seqeval_scheme = STRICT[scheme]
    gold, predicted = split(data.draw(corpora(prefixes)))
    scores = score_spans(iter(gold), iter(predicted), scheme)
    assert (scores.strict_f1 is None) == (scores.strict_num_gold == 0)
    if scores.strict_num_gold:
        strict = scores.strict_precision, scores.strict_recall, scores.strict_f1
        report = classification_report(
            gold, predicted, mode="strict", scheme=seqeval_scheme, output_dict=True, zero_division=0
        )["micro avg"]
        expected = [report[key] for key in ("precision", "recall", "f1-score")]
        assert strict == pytest.approx(expected, abs=1e-12)
        assert scores.strict_num_gold == report["support"]
        by_type = classification_report(
            gold, predicted, mode="strict", scheme=seqeval_scheme, output_dict=True, zero_division=0
        )
        assert scores.strict_per_type is not None
        for name, one in scores.strict_per_type.items():
            row = [by_type[name][key] for key in ("precision", "recall", "f1-score", "support")]
            assert [one.precision, one.recall, one.f1, one.num_gold] == pytest.approx(row, abs=1e-12)


@given(corpora("BIES"))
def test_answers_compared_have_the_f1_that_each_has_alone(pairs: Pairs) -> None:
    gold, predicted = split(pairs)
    answers = [predicted, gold, predicted, [["O"] * len(tags) for tags in gold]]
    found = compare_f1(gold, [[tuple(tags) for tags in answer] for answer in answers])
    assert found == [score_spans(gold, answer).f1 or 0.0 for answer in answers]


def test_answers_compared_must_be_of_one_length() -> None:
    with pytest.raises(ValueError, match="shorter"):
        compare_f1([["O"], ["O"]], [[("O",), ("O",)], [("O",)]])


@given(corpora("BI"))
def test_token_accuracy_equals_scikit_learn(pairs: Pairs) -> None:
    gold, predicted = split(pairs)
    scores = score_spans(gold, predicted)
    flat_gold, flat_predicted = list(chain(*gold)), list(chain(*predicted))
    assert (scores.num_tokens, scores.num_sentences) == (len(flat_gold), len(pairs))
    if flat_gold:
        assert scores.accuracy == pytest.approx(accuracy_score(flat_gold, flat_predicted), abs=1e-12)
    else:
        assert scores.accuracy is None


def test_lenient_and_strict_differ_where_a_span_lacks_its_b() -> None:
    scores = score_spans([["B-PER", "I-PER", "O", "B-LOC"]], [["I-PER", "I-PER", "O", "B-LOC"]], Scheme.IOB2)
    assert scores.f1 == 1.0
    assert scores.strict_f1 == pytest.approx(2 / 3)
    assert (scores.strict_num_gold, scores.strict_num_predicted, scores.strict_num_correct) == (2, 1, 1)


def test_a_span_ends_with_its_sentence() -> None:
    assert score_spans([["B-PER"], ["I-PER"]], [["B-PER"], ["I-PER"]]).num_gold == 2


def test_gold_without_spans_has_no_score() -> None:
    scores = score_spans([["O", "O"]], [["O", "B-PER"]], Scheme.IOB2)
    assert micro(scores) == (None, None, None)
    assert (scores.strict_precision, scores.strict_recall, scores.strict_f1) == (None, None, None)
    assert (scores.num_predicted, scores.strict_num_predicted, scores.accuracy) == (1, 1, 0.5)


def test_nothing_predicted_scores_zero() -> None:
    assert micro(score_spans([["B-PER"]], [["O"]])) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("scheme", [None, Scheme.IO, Scheme.IOB1])
def test_no_strict_scores_without_a_strict_scheme(scheme: Scheme | None) -> None:
    scores = score_spans([["I-PER"]], [["I-PER"]], scheme)
    assert (scores.f1, scores.scheme, scores.strict_f1, scores.strict_num_gold) == (1.0, None, None, None)
    assert "strict:no" in scores.signature


def test_signature_names_the_strict_scheme() -> None:
    assert "strict:seqeval-BIOES" in score_spans([["S-PER"]], [["O"]], Scheme.BIOES).signature


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match=r"sentence 2: .*gold 1, predicted 2"):
        score_spans([["O"], ["O"]], [["O"], ["O", "O"]])
    with pytest.raises(ValueError, match="predicted has 1 sentences"):
        score_spans([["O"], ["O"]], [["O"]])


def test_a_foreign_prefix_has_no_strict_score() -> None:
    with pytest.raises(ValueError, match="'S-PER' is not of the scheme IOB2"):
        score_spans([["B-PER"]], [["S-PER"]], Scheme.IOB2)


@given(corpora("BI"), st.sets(st.integers(0, 7)))
def test_unknown_recall_counts_spans_that_hold_an_unknown_word(pairs: Pairs, known: set[int]) -> None:
    gold, predicted = split(pairs)
    tokens = [[str(i) for i in range(len(sentence))] for sentence in gold]
    scores = score_spans(gold, predicted, tokens=tokens, known_words={str(i) for i in known})
    num_gold = num_found = 0
    for right, guess in zip(gold, predicted, strict=True):
        # Hiding every span without an unknown word leaves those that count, and lets the scorer judge them alone.
        for start, tag in enumerate(right):
            opens = tag[0] == "B" or (tag[0] == "I" and (start == 0 or right[start - 1][1:] != tag[1:]))
            if not opens:
                continue
            end = start + 1
            while end < len(right) and right[end] == "I" + tag[1:]:
                end += 1
            if set(range(start, end)) <= known:
                continue
            alone = ["O"] * start + right[start:end] + ["O"] * (len(right) - end)
            num_gold += 1
            num_found += score_spans([alone], [guess]).num_correct
    assert (scores.num_unknown, scores.num_unknown_correct) == (num_gold, num_found)
    assert scores.unknown_recall == (pytest.approx(num_found / num_gold) if num_gold else None)


def test_unknown_words_are_scored_only_when_asked_for() -> None:
    scores = score_spans([["B-PER"]], [["B-PER"]])
    assert (scores.unknown_recall, scores.num_unknown, scores.num_unknown_correct) == (None, None, None)
    with pytest.raises(ValueError, match="both"):
        score_spans([["O"]], [["O"]], known_words={"a"})


def test_well_formed_is_what_strict_and_lenient_agree_on() -> None:
    assert score_spans([["B-PER"]], [["B-PER"]], Scheme.IOB2).is_well_formed
    assert not score_spans([["B-PER"]], [["I-PER"]], Scheme.IOB2).is_well_formed
    assert score_spans([["B-PER"]], [["I-PER"]]).is_well_formed
