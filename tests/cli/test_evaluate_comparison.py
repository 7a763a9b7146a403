"""rnncli evaluate on models: two kinds of tags in one, the columns learned from, and one model against another."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import accuracy_score, classification_report


def conllu(sentences: list[Any], *, seed: int) -> str:
    """CoNLL-U with a multiword token's range: UPOS, XPOS that nobody can guess wholly, and names in the last column."""
    generator = random.Random(seed)
    text = ""
    for rows in sentences:
        text += "# text = x\n1-2\tab" + "\t_" * 8 + "\n"
        for number, (word, name) in enumerate(rows, 1):
            kind = "PUNCT" if word == "." else "PROPN" if name != "O" else "VERB" if word[-1] in "dt" else "X"
            mark = generator.choice("12") if kind == "X" else ""
            text += "\t".join([str(number), word, "_", kind, f"x{kind}{mark}", *"____", name]) + "\n"
        text += "\n"
    return text


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, corpus: Any, command_line: Any) -> Path:
    """A folder with a model of names and XPOS, and gold for it."""
    folder = tmp_path_factory.mktemp("both")
    (folder / "train.conllu").write_text(conllu(corpus(100), seed=1))
    (folder / "gold.conllu").write_text(conllu(corpus(40, seed=99), seed=2).replace("\tBob\t", "\tBxyzob\t"))
    kinds = ["--column", "misc", "--also", "pos", "--also-column", "xpos"]
    done = command_line(folder)("train", "ner", "train.conllu", *kinds, "-o", "both.rnn", "--max-updates", "25")
    assert done.code == 0, done.err
    return folder


def rows_of(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.split("\n") if line[:1].isdigit() and "-" not in line.split("\t")[0]]


def test_the_second_kind_is_scored_in_the_column_that_was_learned(run_cli: Any, both: Path) -> None:
    done = run_cli("evaluate", "-m", "both.rnn", "--task", "pos", "gold.conllu", "--json", cwd=both)
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    source = ["--input", "conllu", "--format", "conllu", "--task", "pos"]
    tagged = run_cli("tag", "-m", "both.rnn", *source, "gold.conllu", cwd=both)
    gold, predicted = rows_of((both / "gold.conllu").read_text()), rows_of(tagged.out.decode())
    right, guess = [row[4] for row in gold], [row[4] for row in predicted]
    assert {"xX1", "xX2"} <= set(right)
    assert 0.5 < found["accuracy"] < 1
    assert found["accuracy"] == pytest.approx(accuracy_score(right, guess), abs=1e-12)
    report = classification_report(right, guess, output_dict=True, zero_division=0)
    for tag, scores in found["per_tag"].items():
        wanted = [report[tag][key] for key in ("precision", "recall", "f1-score", "support")]
        assert [scores[key] for key in ("precision", "recall", "f1", "num_gold")] == pytest.approx(wanted, abs=1e-12)
    known = {row[1] for row in rows_of((both / "train.conllu").read_text())}
    unknown = [(a, b) for a, b, row in zip(right, guess, gold, strict=True) if row[1] not in known]
    assert ("Bxyzob" not in known, len(unknown) > 0) == (True, True)
    assert found["num_unknown"] == len(unknown)
    assert found["unknown_share"] == pytest.approx(len(unknown) / len(right), abs=1e-12)
    assert found["unknown_accuracy"] == pytest.approx(accuracy_score(*zip(*unknown, strict=True)), abs=1e-12)


def test_text_shows_unknown_words_and_confusions(run_cli: Any, both: Path) -> None:
    arguments = ["evaluate", "-m", "both.rnn", "--task", "pos", "gold.conllu"]
    found = json.loads(run_cli(*arguments, "--json", cwd=both).out)
    done = run_cli(*arguments, cwd=both)
    assert done.lines[0] == (
        f"all accuracy {found['accuracy']:.4f}, on unknown words {found['unknown_accuracy']:.4f}; "
        f"{found['num_tokens']} tokens in 40 sentences, {found['num_unknown']} "
        f"({100 * found['unknown_share']:.2f} %) of unknown words"
    )
    top = found["confusions"][0]
    assert f"{top['gold']} -> {top['predicted']}" in done.lines[done.lines.index("") :][-len(found["confusions"][:10])]


def test_the_first_kind_is_the_default_and_the_column_can_be_named(run_cli: Any, both: Path) -> None:
    def evaluate(*arguments: str) -> Any:
        return run_cli("evaluate", "-m", "both.rnn", "gold.conllu", "--json", *arguments, cwd=both)

    names = json.loads(evaluate().out)
    assert names["task"] == "ner"
    assert names["num_gold"] == sum(row[9].startswith("B-") for row in rows_of((both / "gold.conllu").read_text()))
    assert evaluate("--task", "pos", "--column", "xpos").out == evaluate("--task", "pos").out
    other = evaluate("--task", "pos", "--column", "upos")
    assert other.code == 3
    assert "none of its tags is one that both.rnn knows: PROPN" in other.err
    assert "--column" in other.err.split("hint: ")[1]


def test_gold_without_labels_is_exit_3(run_cli: Any, both: Path, tmp_path: Path) -> None:
    (tmp_path / "g.conllu").write_text("1\tAda" + "\t_" * 8 + "\n\n")
    done = run_cli("evaluate", "-m", both / "both.rnn", "--task", "pos", "g.conllu")
    assert (done.code, done.out) == (3, b"")
    assert done.err.startswith("rnncli: error: g.conllu: no labels: every tag is _")


@pytest.fixture(scope="module")
def direct(both: Path, command_line: Any) -> dict[str, Any]:
    """The scores of both kinds of tags by the model itself."""
    run = command_line(both)
    arguments = ["evaluate", "-m", "both.rnn", "gold.conllu", "--json", "--task"]
    return {task: json.loads(run(*arguments, task).out) for task in ("ner", "pos")}


@pytest.mark.parametrize("form", ["conll", "conllu", "jsonl", "inline"])
@pytest.mark.parametrize("task", ["ner", "pos"])
def test_every_format_of_the_filter_scores_alike(
    run_cli: Any, both: Path, direct: dict[str, Any], form: str, task: str
) -> None:
    source = ["--input", "conllu", "--format", form, "--task", task]
    tagged = run_cli("tag", "-m", "both.rnn", *source, "gold.conllu", cwd=both)
    column = ["--column", "misc" if task == "ner" else "xpos"]
    arguments = ["--predictions", "-", "--task", task, *column, "gold.conllu", "--json"]
    piped = run_cli("evaluate", *arguments, stdin=tagged.out, cwd=both)
    assert piped.code == 0, piped.err
    keys = ("accuracy", "num_correct", "num_tokens", *(("f1", "strict_f1") if task == "ner" else ("confusions",)))
    found = json.loads(piped.out)
    assert {key: found[key] for key in keys} == {key: direct[task][key] for key in keys}


def test_models_are_compared_as_their_predictions_are(run_cli: Any, model: Path, both: Path, gold: Path) -> None:
    models = [model, both / "both.rnn"]
    done = run_cli("evaluate", "-m", models[0], "--compare", models[1], gold, "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    names = []
    for number, path in enumerate(models):
        names.append(gold.parent / f"answers{number}")
        names[-1].write_bytes(run_cli("tag", "-m", path, "--input", "conll", "--format", "conll", gold).out)
    files = ["--predictions", names[0], "--compare", names[1], "--task", "ner"]
    by_file = json.loads(run_cli("evaluate", *files, gold, "--json").out)
    assert found["comparison"]["differences"] == by_file["comparison"]["differences"]
    alone = json.loads(run_cli("evaluate", "-m", models[1], gold, "--json").out)
    assert found["comparison"]["scores"] == alone
    itself = json.loads(run_cli("evaluate", "-m", model, "--compare", model, gold, "--json").out)["comparison"]
    assert itself["differences"]["f1"]["p_value"] == 1.0
    assert (itself["fixed_spans"], itself["broken_sentences"]) == (0, 0)


def test_what_cannot_be_compared(run_cli: Any, model: Path, both: Path) -> None:
    done = run_cli("evaluate", "-m", "both.rnn", "--task", "pos", "--compare", model, "gold.conllu", cwd=both)
    assert (done.code, done.err) == (4, f"rnncli: error: {model} has not learned pos, only ner\n")
    missing = run_cli("evaluate", "-m", "both.rnn", "--compare", "missing.rnn", "gold.conllu", cwd=both)
    assert (missing.code, missing.err) == (4, "rnncli: error: missing.rnn: no such model\n")
