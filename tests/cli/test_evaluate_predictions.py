"""rnncli evaluate --predictions: layout, gates and comparison, on files whose scores can be counted by hand."""

import json
from pathlib import Path
from typing import Any

import pytest
from seqeval.metrics import f1_score

# Gold spans: Ann Smith (PER), New York (LOC), Acme (ORG), Ann (PER), Bob (PER).
GOLD = """\
Ann\tB-PER
Smith\tI-PER
saw\tO
New\tB-LOC
York\tI-LOC

Acme\tB-ORG
hired\tO
Ann\tB-PER

Bob\tB-PER

"""
# Right: Ann Smith, Ann, and Bob only where an I may begin a span.
ANSWERS = ["B-PER", "I-PER", "O", "B-LOC", "O", "", "B-LOC", "O", "B-PER", "", "I-PER", ""]
# Right: New York, Ann and Bob, in any way of counting.
OTHER = ["B-PER", "O", "O", "B-LOC", "I-LOC", "", "O", "O", "B-PER", "", "B-PER", ""]

TEXT = """\
processed 9 tokens with 5 phrases; found: 5 phrases; correct: 3.
accuracy:  66.67%; precision:  60.00%; recall:  60.00%; FB1:  60.00
              LOC: precision:   0.00%; recall:   0.00%; FB1:   0.00  2
              ORG: precision:   0.00%; recall:   0.00%; FB1:   0.00  0
              PER: precision: 100.00%; recall: 100.00%; FB1: 100.00  3

       lenient, as conlleval                strict, as seqeval in IOB2
type   precision  recall      f1    gold    precision  recall      f1    gold
LOC       0.0000  0.0000  0.0000       1       0.0000  0.0000  0.0000       1
ORG       0.0000  0.0000  0.0000       1       0.0000  0.0000  0.0000       1
PER       1.0000  1.0000  1.0000       3       1.0000  0.6667  0.8000       3
all       0.6000  0.6000  0.6000       5       0.5000  0.4000  0.4444       5
"""
WARNING = "rnncli: warning: p.conll: strict and lenient scores differ, for some spans are not well formed in IOB2\n"


def with_tags(tags: list[str]) -> str:
    rows = zip(GOLD.split("\n"), tags, strict=False)
    return "".join((f"{row}\t{tag}" if row else "") + "\n" for row, tag in rows)


@pytest.fixture
def score(run_cli: Any, tmp_path: Path) -> Any:
    (tmp_path / "gold.conll").write_text(GOLD)
    (tmp_path / "p.conll").write_text(with_tags(ANSWERS))
    (tmp_path / "other.conll").write_text(with_tags(OTHER))

    def run(*arguments: str, predictions: str = "p.conll", task: str = "ner", **rest: Any) -> Any:
        return run_cli("evaluate", "--predictions", predictions, "--task", task, "gold.conll", *arguments, **rest)

    return run


def test_the_layout_to_the_byte(score: Any) -> None:
    done = score()
    assert (done.code, done.out.decode(), done.err) == (0, TEXT, WARNING)


def test_json_holds_everything_at_full_precision(score: Any) -> None:
    done = score("--json")
    (line,) = done.lines
    found = json.loads(line)
    assert done.err == WARNING
    assert (found["f1"], found["accuracy"], found["strict_f1"]) == (0.6, 6 / 9, 4 / 9)
    assert (found["num_tokens"], found["num_sentences"], found["num_gold"]) == (9, 3, 5)
    assert found["strict_per_type"]["PER"]["recall"] == 2 / 3
    assert (found["task"], found["seed"], found["model"]) == ("ner", None, None)
    assert (found["unknown_recall"], found["num_unknown"]) == (None, None)
    assert [f"rnncli: warning: {text}\n" for text in found["warnings"]] == [WARNING]
    assert "seqeval-IOB2" in found["signature"]


@pytest.mark.parametrize("form", ["conll", "jsonl", "inline"])
def test_a_pipe_from_the_filter_scores_as_the_model_does(
    run_cli: Any, tag: Any, model: Path, gold: Path, form: str
) -> None:
    direct = json.loads(run_cli("evaluate", "-m", model, gold, "--json").out)
    tagged = tag("--input", "conll", "--format", form, gold)
    piped = run_cli("evaluate", "--predictions", "-", "--task", "ner", gold, "--json", stdin=tagged.out)
    assert (piped.code, piped.err) == (0, "")
    found = json.loads(piped.out)
    for key in ("precision", "recall", "f1", "accuracy", "strict_f1", "per_type", "num_predicted"):
        assert found[key] == direct[key]


def test_several_gold_files_are_one(run_cli: Any, tag: Any, gold: Path, tmp_path: Path) -> None:
    parts = gold.read_text().split("\n\n", 7)
    (tmp_path / "a").write_text("\n\n".join(parts[:7]) + "\n\n")
    (tmp_path / "b").write_text(parts[7])
    (tmp_path / "p").write_bytes(tag("--input", "conll", "--format", "conll", gold).out)
    whole = run_cli("evaluate", "--predictions", "p", "--task", "ner", gold)
    assert run_cli("evaluate", "--predictions", "p", "--task", "ner", "a", "b").out == whole.out
    swapped = run_cli("evaluate", "--predictions", "p", "--task", "ner", "b", "a")
    assert swapped.code == 3
    assert swapped.err.startswith("rnncli: error: p:1: ")
    assert " b:1" in swapped.err


def test_predictions_of_other_tokens_name_both_places(score: Any, tmp_path: Path) -> None:
    (tmp_path / "p.conll").write_text(with_tags(ANSWERS).replace("hired", "fired"))
    done = score()
    assert (done.code, done.out) == (3, b"")
    assert done.err.startswith("rnncli: error: p.conll:8: the token is 'fired', but 'hired' at gold.conll:8")


@pytest.mark.parametrize(
    ("tags", "note"),
    [
        (["B-PER", "E-PER", "O", "B-LOC", "E-LOC", "", "S-ORG", "O", "S-PER", "", "S-PER", ""], "in BIOES"),
        (["B-PER", "E-PER", "O", "B-LOC", "L-LOC", "", "S-ORG", "O", "S-PER", "", "S-PER", ""], "mix"),
    ],
)
def test_another_scheme_is_compared_by_its_spans_and_has_no_strict_scores(
    score: Any, tmp_path: Path, tags: list[str], note: str
) -> None:
    (tmp_path / "p.conll").write_text(with_tags(tags))
    done = score()
    assert done.code == 0
    assert done.lines[0] == "processed 9 tokens with 5 phrases; found: 5 phrases; correct: 5."
    assert "strict, as seqeval" not in done.out.decode()
    assert done.lines[-1].startswith("strict: n/a: the gold is in IOB2, but p.conll is ")
    assert note in done.lines[-1]
    found = json.loads(score("--json").out)
    assert (found["f1"], found["strict_f1"]) == (1.0, None)


def test_nothing_but_o_scores_zero_and_gold_of_nothing_but_o_is_not_available(score: Any, tmp_path: Path) -> None:
    (tmp_path / "p.conll").write_text(with_tags(["O"] * 12))
    found = json.loads(score("--json").out)
    assert (found["f1"], found["strict_f1"], found["num_predicted"]) == (0.0, 0.0, 0)
    (tmp_path / "gold.conll").write_text("It\tO\nrained\tO\n\n")
    (tmp_path / "p.conll").write_text("It\tO\nrained\tB-LOC\n\n")
    done = score("--compare", "p.conll")
    assert done.code == 0
    assert done.lines[1] == "accuracy:  50.00%; precision:     n/a; recall:     n/a; FB1:    n/a"
    assert "all          n/a     n/a     n/a       0" in done.lines
    assert "strict: n/a: there is no tag but O" in done.lines
    assert done.lines[-3].split() == ["f1", "n/a", "n/a"]
    assert score("--fail-under", "f1=0").code == 6


def test_the_table_of_plain_tags_to_the_byte(score: Any, tmp_path: Path) -> None:
    (tmp_path / "gold.conll").write_text("a\tDET\ncat\tNOUN\nsat\tVERB\n\nthe\tDET\ndog\tNOUN\nran\tNOUN\n\n")
    (tmp_path / "p.conll").write_text("a\tDET\ncat\tNOUN\nsat\tNOUN\n\nthe\tDET\ndog\tVERB\nran\tVERB\n\n")
    done = score(task="pos")
    assert (done.code, done.err) == (0, "")
    # NOUN: 1 of 2 predicted, 1 of 3 gold, f1 2 / 5. DET: all right. VERB: 0 of 2, 0 of 1.
    assert (
        done.out.decode()
        == """\
accuracy 0.5000 over 6 tokens in 2 sentences

tag    precision  recall      f1    gold
NOUN      0.5000  0.3333  0.4000       3
DET       1.0000  1.0000  1.0000       2
VERB      0.0000  0.0000  0.0000       1
all       0.5000  0.5000  0.5000       6

most frequent confusions, gold -> predicted
  2  NOUN -> VERB
  1  VERB -> NOUN
"""
    )
    found = json.loads(score("--json", task="pos").out)
    assert found["confusions"][0] == {"gold": "NOUN", "predicted": "VERB", "count": 2}
    assert list(found["per_tag"]) == ["NOUN", "DET", "VERB"]


def test_a_comparison_says_what_was_fixed_and_what_broke(score: Any, tmp_path: Path) -> None:
    done = score("--compare", "other.conll", "--flips", "flips.jsonl")
    assert (done.code, done.err) == (0, WARNING)
    assert done.out.decode().startswith(TEXT)
    found = json.loads(score("--compare", "other.conll", "--json").out)["comparison"]
    # Only p: Ann Smith. Only other: New York. Both have Ann and Bob; the second sentence of other misses Acme, that of
    # p makes another type of it; so no sentence but the last is wholly right under either.
    assert (found["fixed_spans"], found["broken_spans"]) == (1, 1)
    assert (found["fixed_sentences"], found["broken_sentences"]) == (0, 0)
    one = found["differences"]["f1"]
    assert (one["first"], one["second"]) == (0.6, 2 * 3 / (5 + 4))
    assert one["difference"] == pytest.approx(one["first"] - one["second"], abs=1e-12)
    assert one["low"] <= one["difference"] <= one["high"]
    assert 0 < one["p_value"] <= 1
    assert found["scores"]["strict_f1"] == one["second"]
    assert (found["name"], found["num_resamples"]) == ("other.conll", 1000)
    rows = [
        f"{name:<9}  {row['first']:6.4f}  {row['second']:6.4f}  {row['difference']:+10.4f}  "
        f"{row['low']:+.4f} to {row['high']:+.4f}  {row['p_value']:6.4f}"
        for name, row in found["differences"].items()
    ]
    assert done.lines[len(TEXT.splitlines()) :] == [
        "",
        "compared with other.conll: paired bootstrap, 1000 resamples of the sentences",
        "             this   other  difference  95 % interval           p",
        *rows,
        "sentences  0 fixed, 0 broken",
        "spans      1 fixed, 1 broken",
    ]
    assert [row.split()[0] for row in rows] == ["precision", "recall", "f1"]
    assert [json.loads(line) for line in (tmp_path / "flips.jsonl").read_text().splitlines()] == [
        {
            "file": "gold.conll",
            "line": 1,
            "change": None,
            "fixed": 1,
            "broken": 1,
            "tokens": ["Ann", "Smith", "saw", "New", "York"],
            "gold": ["B-PER", "I-PER", "O", "B-LOC", "I-LOC"],
            "tags": ["B-PER", "I-PER", "O", "B-LOC", "O"],
            "other_tags": ["B-PER", "O", "O", "B-LOC", "I-LOC"],
        }
    ]


def test_gold_compared_with_worse_is_fixed_and_the_other_way_broken(score: Any, tmp_path: Path) -> None:
    (tmp_path / "right.conll").write_text(GOLD)
    there = json.loads(score("--compare", "p.conll", "--json", predictions="right.conll").out)["comparison"]
    back = json.loads(score("--compare", "right.conll", "--json").out)["comparison"]
    assert (there["fixed_sentences"], there["broken_sentences"]) == (2, 0)
    assert (there["fixed_spans"], there["broken_spans"]) == (2, 0)
    for unit in ("sentences", "spans"):
        assert (back[f"fixed_{unit}"], back[f"broken_{unit}"]) == (0, there[f"fixed_{unit}"])
    for name, one in there["differences"].items():
        assert one["difference"] == -back["differences"][name]["difference"]
        assert one["p_value"] == back["differences"][name]["p_value"]


def test_a_gate_that_holds_and_one_that_does_not(score: Any) -> None:
    assert score("--fail-under", "f1=0.6", "--fail-under", "strict_f1=0.4").code == 0
    done = score("--fail-under", "f1=0.6", "--fail-under", "accuracy=0.7", "--fail-under", "strict_f1=0.5")
    assert (done.code, done.out.decode()) == (6, TEXT)
    message = f"rnncli: error: accuracy is {6 / 9}, below 0.7; strict_f1 is {4 / 9}, below 0.5\n"
    assert done.err == WARNING + message
    assert score("--fail-under", "unknown_recall=0").code == 6


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--fail-under", "strict_fl=0.5"], "nearest: strict_f1"),
        (["--fail-under", "bleu=20"], "no such score of ner"),
        (["--fail-under", "f1"], "as in f1=0.7"),
        (["--fail-under", "f1=high"], "as in f1=0.7"),
        (["--fail-under", "f1=nan"], "as in f1=0.7"),
        (["--fail-under", "per_type=1"], "no such score"),
        (["-m", "x.rnn"], "two things to score"),
        (["--flips", "f"], "--compare OTHER"),
        (["--compare", "other.conll", "--flips", "."], "is a directory"),
        (["--compare", "other.conll", "--flips", "gold.conll", "--force"], "one of the inputs"),
        (["--compare", "other.conll", "--flips", "no/f"], "folder"),
        (["--compare", "missing"], "missing: no such file"),
        (["--task", "chess"], "one of ner, pos"),
    ],
)
def test_usage_errors(score: Any, arguments: list[str], says: str) -> None:
    done = score(*arguments)
    assert (done.code, done.out) == (2, b"")
    assert says in done.err


def test_what_only_a_person_knows_must_be_said(run_cli: Any, score: Any) -> None:
    done = run_cli("evaluate", "--predictions", "p.conll", "gold.conll")
    assert done.code == 2
    assert "hint: --task ner" in done.err
    twice = run_cli("evaluate", "--predictions", "-", "--task", "ner", "-")
    assert twice.code == 2
    assert "once" in twice.err
    assert score(predictions="missing.conll").code == 2


def test_flips_are_overwritten_with_force_alone(score: Any, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("kept")
    assert score("--compare", "other.conll", "--flips", "f").code == 2
    assert (tmp_path / "f").read_text() == "kept"
    assert score("--compare", "other.conll", "--flips", "f", "--force").code == 0
    assert json.loads((tmp_path / "f").read_text())["line"] == 1


def test_bad_predictions_are_exit_3_with_their_line(score: Any, tmp_path: Path) -> None:
    (tmp_path / "p.conll").write_text(with_tags(ANSWERS).replace("hired\tO\tO", "hired\tO\tx"))
    done = score()
    assert (done.code, done.out) == (3, b"")
    assert done.err.startswith("rnncli: error: p.conll:8: unknown tag 'x'")
    (tmp_path / "p.conll").write_text("")
    assert score().code == 3


def test_lenient_scores_equal_seqeval_on_the_file(score: Any) -> None:
    def blocks(tags: list[str]) -> list[list[str]]:
        return [part.split() for part in " ".join(tag or "|" for tag in tags).split("|")[:-1]]

    gold = blocks([row.partition("\t")[2] for row in GOLD.split("\n")][:-1])
    assert json.loads(score("--json").out)["f1"] == pytest.approx(f1_score(gold, blocks(ANSWERS)), abs=1e-12)
