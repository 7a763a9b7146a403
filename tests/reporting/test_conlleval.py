"""conlleval's layout against a small script of its kind, written from its rules: columns in, its report out."""

from collections import Counter
from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st

from rnncli.metrics.spans import score_spans
from rnncli.reporting.conlleval import conlleval_lines

Rows = list[list[tuple[str, str]]]

NAMES = [("PER", "PER"), ("LOC", "LOC"), ("LOC", "PER"), ("creative-work", "creative-work")]
ROWS = st.one_of(
    st.just(("O", "O")),
    st.tuples(st.sampled_from("BI"), st.sampled_from("BI"), st.sampled_from(NAMES)).map(
        lambda row: (f"{row[0]}-{row[2][0]}", f"{row[1]}-{row[2][1]}")
    ),
    st.tuples(st.sampled_from(["O", "B-PER", "I-LOC"]), st.sampled_from(["O", "B-LOC", "I-PER"])),
)

# Tokens: 11, of which York, Acme and Bob have another tag: 8 / 11 = 72.73 %.
# Gold phrases: Ann Smith, Ann, Bob (PER), New York (LOC), Acme (ORG): 5.
# Found: Ann Smith, Ann (PER), New, Acme (LOC): 4.
# Correct: Ann Smith, Ann: 2. Precision 2 / 4, recall 2 / 5, FB1 2 * 50 * 40 / 90 = 44.44.
# PER: precision 2 / 2, recall 2 / 3 = 66.67, FB1 2 * 100 * 66.67 / 166.67 = 80.
# LOC: 0 / 2 and 0 / 1. ORG: nothing found.
SENTENCES = [
    [("B-PER", "B-PER"), ("I-PER", "I-PER"), ("O", "O"), ("O", "O"), ("B-LOC", "B-LOC"), ("I-LOC", "O")],
    [("B-ORG", "B-LOC"), ("O", "O"), ("B-PER", "B-PER"), ("O", "O")],
    [("B-PER", "O")],
]
REPORT = """\
processed 11 tokens with 5 phrases; found: 4 phrases; correct: 2.
accuracy:  72.73%; precision:  50.00%; recall:  40.00%; FB1:  44.44
              LOC: precision:   0.00%; recall:   0.00%; FB1:   0.00  2
              ORG: precision:   0.00%; recall:   0.00%; FB1:   0.00  0
              PER: precision: 100.00%; recall:  66.67%; FB1:  80.00  2
"""


def script(sentences: Rows) -> str:
    """Walk along as the script does: one row at a time, remembering the last one, and print its report."""
    gold: Counter[str] = Counter()
    found: Counter[str] = Counter()
    correct: Counter[str] = Counter()
    num_tokens = num_equal = 0
    last = [("O", ""), ("O", "")]
    inside = False
    for sentence in sentences:
        for row in [*sentence, None]:  # the blank line is an O that is not counted
            now = [("O", ""), ("O", "")] if row is None else [(tag[0], tag[2:]) for tag in row]
            starts = [
                n[0] == "B" or (n[0] == "I" and (p[0] == "O" or p[1] != n[1])) for p, n in zip(last, now, strict=True)
            ]
            ends = [p[0] != "O" and (n[0] in "BO" or n[1] != p[1]) for p, n in zip(last, now, strict=True)]
            if inside and all(ends) and last[0][1] == last[1][1]:
                correct[last[0][1]] += 1
                inside = False
            elif inside and (ends[0] != ends[1] or now[0][1] != now[1][1]):
                inside = False
            if all(starts) and now[0][1] == now[1][1]:
                inside = True
            gold[now[0][1]] += starts[0]
            found[now[1][1]] += starts[1]
            num_tokens += row is not None
            num_equal += row is not None and row[0] == row[1]
            last = now

    def ratios(num_correct: int, num_found: int, num_gold: int) -> str:
        precision = 100 * num_correct / num_found if num_found else 0.0
        recall = 100 * num_correct / num_gold if num_gold else 0.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
        return "precision: %6.2f%%; recall: %6.2f%%; FB1: %6.2f" % (precision, recall, f1)  # noqa: UP031

    totals = correct.total(), found.total(), gold.total()
    report = (
        f"processed {num_tokens} tokens with {totals[2]} phrases; found: {totals[1]} phrases; correct: {totals[0]}.\n"
    )
    report += "accuracy: %6.2f%%; " % (100 * num_equal / num_tokens) + ratios(*totals) + "\n"
    for name in sorted(+gold | +found):
        report += "%17s: " % name + ratios(correct[name], found[name], gold[name]) + f"  {found[name]}\n"  # noqa: UP031
    return report


def report(sentences: Rows) -> str:
    gold, predicted = ([[row[side] for row in sentence] for sentence in sentences] for side in (0, 1))
    return "".join(line + "\n" for line in conlleval_lines(asdict(score_spans(gold, predicted))))


def test_the_example_that_is_worked_out_by_hand() -> None:
    assert report(SENTENCES) == REPORT
    assert script(SENTENCES) == REPORT


@given(st.lists(st.lists(ROWS, min_size=1, max_size=8), min_size=1, max_size=5))
def test_the_report_equals_the_scripts(sentences: Rows) -> None:
    if any(gold != "O" for sentence in sentences for gold, _ in sentence):
        assert report(sentences) == script(sentences)


def test_gold_without_spans_has_no_ratio_where_the_script_prints_zero() -> None:
    lines = report([[("O", "O"), ("O", "B-PER")]]).splitlines()
    assert lines == [
        "processed 2 tokens with 0 phrases; found: 1 phrases; correct: 0.",
        "accuracy:  50.00%; precision:     n/a; recall:     n/a; FB1:    n/a",
        "              PER: precision:   0.00%; recall:   0.00%; FB1:   0.00  1",
    ]
