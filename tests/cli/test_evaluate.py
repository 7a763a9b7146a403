"""rnncli evaluate against seqeval, run on what the filter itself writes."""

import json
from pathlib import Path
from typing import Any

import pytest
from seqeval.metrics import accuracy_score, classification_report, f1_score, precision_score, recall_score
from seqeval.scheme import IOB2


def columns(text: str) -> list[list[list[str]]]:
    return [[row.split("\t") for row in block.split("\n")] for block in text.rstrip("\n").split("\n\n")]


@pytest.fixture(scope="session")
def harder(tmp_path_factory: pytest.TempPathFactory, corpus: Any, to_conll: Any) -> Path:
    """Gold with words the model has not seen and types it does not know, so that every count is above zero."""
    sentences = corpus(60, seed=7)
    for i, rows in enumerate(sentences):
        if i % 3 == 0:
            rows[:] = [(token.swapcase() if tag != "O" else token, tag) for token, tag in rows]
        if i % 5 == 0:
            rows[:] = [(token, tag.replace("ORG", "FIRM")) for token, tag in rows]
    path = tmp_path_factory.mktemp("harder") / "harder.conll"
    path.write_text(to_conll(sentences))
    return path


def test_json_equals_seqeval_on_the_filters_output(run_cli: Any, model: Path, harder: Path) -> None:
    tagged = run_cli("tag", "-m", model, "--input", "conll", "--format", "conll", harder)
    blocks = columns(tagged.out.decode())
    gold = [[row[1] for row in block] for block in blocks]
    predicted = [[row[2] for row in block] for block in blocks]
    done = run_cli("evaluate", "-m", model, harder, "--json")
    assert (done.code, done.err) == (0, f"rnncli: warning: types that {model} does not know: FIRM\n")
    (line,) = done.lines
    found = json.loads(line)
    assert found["precision"] == pytest.approx(precision_score(gold, predicted), abs=1e-12)
    assert found["recall"] == pytest.approx(recall_score(gold, predicted), abs=1e-12)
    assert found["f1"] == pytest.approx(f1_score(gold, predicted), abs=1e-12)
    assert found["accuracy"] == pytest.approx(accuracy_score(gold, predicted), abs=1e-12)
    assert 0 < found["f1"] < 1
    strict = {"mode": "strict", "scheme": IOB2}
    assert found["strict_f1"] == pytest.approx(f1_score(gold, predicted, **strict), abs=1e-12)
    assert found["num_sentences"] == len(gold)
    assert found["num_tokens"] == sum(map(len, gold))
    report = classification_report(gold, predicted, output_dict=True, zero_division=0)
    for name, scores in found["per_type"].items():
        assert scores["precision"] == pytest.approx(report[name]["precision"], abs=1e-12)
        assert scores["recall"] == pytest.approx(report[name]["recall"], abs=1e-12)
        assert scores["f1"] == pytest.approx(report[name]["f1-score"], abs=1e-12)
        assert scores["num_gold"] == report[name]["support"]
    assert {"PER", "LOC", "ORG", "FIRM"} <= set(found["per_type"])
    by_type = classification_report(gold, predicted, **strict, output_dict=True, zero_division=0)
    for name, scores in found["strict_per_type"].items():
        assert scores["f1"] == pytest.approx(by_type[name]["f1-score"], abs=1e-12)
        assert scores["num_gold"] == by_type[name]["support"]
    assert found["seed"] == 1
    assert found["signature"]


def test_text_shows_the_same_numbers_with_four_decimals(run_cli: Any, model: Path, harder: Path) -> None:
    found = json.loads(run_cli("evaluate", "-m", model, harder, "--json").out)
    done = run_cli("evaluate", "-m", model, harder)
    assert done.code == 0
    (total,) = [line.split() for line in done.lines if line.split()[:1] == ["all"]]
    assert total[1:4] == [f"{found[key]:.4f}" for key in ("precision", "recall", "f1")]
    assert int(total[4]) == found["num_gold"]
    assert total[5:8] == [f"{found[key]:.4f}" for key in ("strict_precision", "strict_recall", "strict_f1")]
    assert done.lines[0].startswith(f"processed {found['num_tokens']} tokens with {found['num_gold']} phrases; ")
    assert f"recall {found['unknown_recall']:.4f}, " in done.lines[-1]
    assert "\x1b" not in done.out.decode()


def test_several_files_and_standard_input_count_as_one(run_cli: Any, model: Path, gold: Path, harder: Path) -> None:
    both = json.loads(run_cli("evaluate", "-m", model, gold, harder, "--json").out)
    joined = gold.read_text() + harder.read_text()
    piped = run_cli("evaluate", "-m", model, "-", "--json", stdin=joined)
    assert piped.code == 0, piped.err
    assert json.loads(piped.out) == both


def test_gold_without_spans_prints_not_available(run_cli: Any, model: Path, tmp_path: Path) -> None:
    (tmp_path / "o.conll").write_text("It\tO\nrained\tO\n\nIt\tO\nwas\tO\n\n")
    done = run_cli("evaluate", "-m", model, "o.conll")
    assert done.code == 0
    assert "n/a" in done.out.decode()
    found = json.loads(run_cli("evaluate", "-m", model, "o.conll", "--json").out)
    assert found["f1"] is None


def test_columns_can_be_named(run_cli: Any, model: Path, gold: Path, tmp_path: Path) -> None:
    rows = [line.split("\t") for line in gold.read_text().split("\n")]
    (tmp_path / "g.conll").write_text(
        "\n".join("\t".join(["x", r[1], r[0], "B-X"]) if len(r) == 2 else "" for r in rows)
    )
    done = run_cli("evaluate", "-m", model, "g.conll", "--token-column", "3", "--column", "2", "--json")
    assert done.code == 0, done.err
    plain = json.loads(run_cli("evaluate", "-m", model, gold, "--json").out)
    assert json.loads(done.out) == plain


@pytest.mark.parametrize(
    ("content", "line"), [("Ada\tB-PER\nmet\n\n", 2), ("Ada\tX-PER\n\n", 1), ("Ada\tB-PER\n\nBo\0b\tO\n\n", 3)]
)
def test_bad_gold_is_exit_3_with_its_line(run_cli: Any, model: Path, tmp_path: Path, content: str, line: int) -> None:
    (tmp_path / "g.conll").write_text(content)
    done = run_cli("evaluate", "-m", model, "g.conll")
    assert (done.code, done.out) == (3, b"")
    assert done.err.startswith(f"rnncli: error: g.conll:{line}: ")


def test_missing_gold_is_exit_2_and_a_missing_model_exit_4(
    run_cli: Any, model: Path, gold: Path, tmp_path: Path
) -> None:
    assert run_cli("evaluate", "-m", model, "missing.conll").code == 2
    assert run_cli("evaluate", "-m", model).code == 2
    assert run_cli("evaluate", gold).code == 4
    (tmp_path / "empty.conll").write_text("")
    assert run_cli("evaluate", "-m", model, "empty.conll").code == 3


def test_recall_of_unknown_spans_counts_words_that_training_did_not_hold(
    run_cli: Any, model: Path, tmp_path: Path
) -> None:
    seen = {line.split("\t")[0] for line in (model.parent / "train.conll").read_text().split("\n")}
    assert {"Ada", "met"} <= seen
    assert "Zyxomma" not in seen
    (tmp_path / "g.conll").write_text("Ada\tB-PER\nmet\tO\nAda\tB-PER\nZyxomma\tI-PER\n\nmet\tO\nZyxomma\tB-GENUS\n")
    found = json.loads(run_cli("evaluate", "-m", model, "g.conll", "--json").out)
    assert found["num_unknown"] == 2
    assert found["num_gold"] == 3


@pytest.mark.parametrize("scheme", ["BIOES", "IOB1"])
def test_gold_in_another_scheme_is_answered_in_it(
    run_cli: Any, model: Path, tmp_path: Path, corpus: Any, to_conll: Any, scheme: str
) -> None:
    scores = []
    for name in ("IOB2", scheme):
        (tmp_path / name).write_text(to_conll(corpus(40, seed=99, scheme=name)))
        done = run_cli("evaluate", "-m", model, name, "--json")
        assert done.code == 0, done.err
        scores.append((json.loads(done.out), done.err))
    (plain, quiet), (found, warned) = scores
    assert quiet == ""
    assert f"answers in IOB2 and the gold is in {scheme}" in warned
    if scheme == "IOB1":  # that corpus has spans more, which touch
        assert (found["strict_f1"], found["scheme"]) == (None, None)
        assert "IOB1" in found["strict_note"]
        return
    for key in ("precision", "recall", "f1", "num_predicted", "strict_f1"):
        assert found[key] == plain[key]
    assert (found["scheme"], found["strict_note"]) == ("BIOES", None)
    tagged = run_cli("tag", "-m", model, "--input", "conll", "--format", "conll", "--scheme", scheme, scheme)
    rows = [row for block in columns(tagged.out.decode()) for row in block]
    assert found["accuracy"] == pytest.approx(sum(row[1] == row[2] for row in rows) / len(rows), abs=1e-12)


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ("Ada met Bob in Paris .\nThey walked home .\n", "raw text"),
        ("Ada met Bob in Paris.\n", "raw text"),
        ("Ada\nmet\nBob\n\n", "raw text"),
        ("Ada\tNNP\nmet\tVBD\n\n", "--column"),
        ("", "TOKEN<TAB>TAG"),
    ],
    ids=["text", "line", "tokens", "other-tags", "empty"],
)
def test_what_is_no_gold_is_exit_3_with_a_hint(
    run_cli: Any, model: Path, tmp_path: Path, content: str, hint: str
) -> None:
    (tmp_path / "g.conll").write_text(content)
    done = run_cli("evaluate", "-m", model, "g.conll")
    assert (done.code, done.out) == (3, b"")
    assert hint in done.err.split("hint: ")[1]


def test_a_task_that_the_model_has_not_learned_is_exit_4(run_cli: Any, model: Path, gold: Path) -> None:
    done = run_cli("evaluate", "-m", model, "--task", "pos", gold)
    assert (done.code, done.err) == (4, f"rnncli: error: {model} has not learned pos, only ner\n")
    assert run_cli("evaluate", "-m", model, "--task", "ner", gold).code == 0
    assert run_cli("evaluate", "-m", model, "--task", "chess", gold).code == 2


def test_the_environment_names_the_model_as_for_tag(run_cli: Any, model: Path, gold: Path) -> None:
    assert run_cli("evaluate", gold, env={"RNNCLI_TAG_MODEL": str(model)}).code == 0
