"""Tags of every kind through the real command line: CoNLL-U in and out, columns by name, two heads, many tags."""

import gzip
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rnncli import model_file
from rnncli.data.formats.conll import CONLLU_COLUMNS
from rnncli.data.formats.gold_sentences import SentenceReader
from rnncli.data.tag_schemes import Scheme, convert
from rnncli.data.tag_sets import CHAIN_TAGS, MAX_TAGS

Cells = list[str]
FAST = ("--max-updates", "2", "--threads", "1")
UPOS, XPOS = CONLLU_COLUMNS.index("upos"), CONLLU_COLUMNS.index("xpos")

NOUNS = ["dog", "cat", "train", "house", "letter", "garden", "teacher", "river"]
NAMES = ["Ada", "Bob", "Clara", "Daniel", "Emma", "Felix"]
VERBS = [("sees", "see"), ("finds", "find"), ("likes", "like"), ("paints", "paint"), ("leaves", "leave")]


def word(form: str, upos: str, xpos: str, feats: str = "_", misc: str = "_") -> Cells:
    return ["", form, form.lower(), upos, xpos, feats, "0", "dep", "_", misc]


def make_conllu(count: int, seed: int = 1) -> str:
    """Sentences of people who do things, with comments, ranges, empty nodes and notes in the last column."""
    generator = random.Random(seed)
    text = "# newdoc id = invented\n"
    for number in range(1, count + 1):
        noun, other, name = generator.choice(NOUNS), generator.choice(NOUNS), generator.choice(NAMES)
        verb, base = generator.choice(VERBS)
        words = [word("The", "DET", "DT", "Definite=Def|PronType=Art"), word(noun, "NOUN", "NN", "Number=Sing")]
        if generator.random() < 0.5:
            words = [word(name, "PROPN", "NNP", "Number=Sing", "Known=Yes")]
        split = generator.random() < 0.3
        if split:
            do = word("do", "AUX", "VBP", "VerbForm=Fin")
            words += [do, word("n't", "PART", "RB", "Polarity=Neg"), word(base, "VERB", "VB", "VerbForm=Inf")]
        else:
            words += [word(verb, "VERB", "VBZ", "Number=Sing|Person=3")]
        words += [word("a", "DET", "DT", "Definite=Ind|PronType=Art"), word(other, "NOUN", "NN", "Number=Sing")]
        words += [word(".", "PUNCT", ".", "_", "SpaceAfter=No")]
        rows = [f"# sent_id = {number}", f"#text = {' '.join(cells[1] for cells in words)}"]
        for i, cells in enumerate(words, 1):
            if cells[1] == "do":
                rows.append(f"{i}-{i + 1}\tdon't" + "\t_" * 8)
            rows.append("\t".join([str(i), *cells[1:]]))
            if cells[1] == "n't" and number % 2:
                rows.append(f"{i}.1\tso\tso\tADV\tRB\t_\t_\t_\t0:dep\tCopyOf=1")
        text += "\n".join(rows) + "\n\n"
    return text


def words_of(text: str) -> list[Cells]:
    """The rows of words, without ranges and empty nodes."""
    return [line.split("\t") for line in text.split("\n") if re.match(r"\d+\t", line)]


def mask(text: str, column: int) -> str:
    """The same with one column of the words taken out."""
    lines = []
    for line in text.split("\n"):
        cells = line.split("\t")
        if re.match(r"\d+\t", line):
            cells[column] = "?"
        lines.append("\t".join(cells))
    return "\n".join(lines)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory, command_line: Any) -> Path:
    """A folder with pos.rnn, xpos.rnn and both.rnn, and the data that they are from."""
    folder = tmp_path_factory.mktemp("pos")
    (folder / "train.conllu").write_text(make_conllu(150))
    (folder / "test.conllu").write_text(make_conllu(40, seed=2))
    rows = words_of(make_conllu(150, seed=3))
    names = [f"{c[1]}\t{c[UPOS]}\t{'S-PER' if c[UPOS] == 'PROPN' else 'O'}\n" + "\n" * (c[1] == ".") for c in rows]
    (folder / "both.conll").write_text("".join(names))
    run = command_line(folder)
    enough = ("--max-updates", "60", "--threads", "1")
    for command in (
        ("pos", "train.conllu", "--test", "test.conllu"),
        ("pos", "train.conllu", "--column", "xpos", "-o", "xpos.rnn"),
        ("ner", "both.conll", "--also", "pos", "-o", "both.rnn"),
    ):
        done = run("train", *command, *enough)
        assert done.code == 0, done.err
        (folder / f"{command[0]}-{command[-1]}.log").write_text(done.err)
    return folder


@pytest.fixture
def tag(run_cli: Any, models: Path) -> Callable[..., Any]:
    """`rnncli tag` with one of the models."""

    def run(name: str, *arguments: str | Path, stdin: bytes | str = b"") -> Any:
        return run_cli("tag", "-m", models / f"{name}.rnn", *arguments, stdin=stdin)

    return run


@pytest.fixture
def rnncli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Run a command inside this process, where torch need not be imported each time."""
    from rnncli.cli.app import run

    monkeypatch.chdir(tmp_path)
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        words = [*map(str, arguments)]
        monkeypatch.setattr(sys, "argv", ["rnncli", *words])
        code = run(words)
        captured = capfd.readouterr()
        assert "internal error" not in captured.err, captured.err
        return code, captured.out, captured.err

    yield call
    for number, handler in kept.items():
        signal.signal(number, handler)


GOLD = make_conllu(40, seed=2)
CONLLU = ("--input", "conllu", "--format", "conllu")


# Training


def test_training_says_what_it_found_and_what_to_type_next(models: Path) -> None:
    log = (models / "pos-test.conllu.log").read_text()
    for part in ("CoNLL-U, tokens in form, pos tags in upos", "dev accuracy", "test pos accuracy", "wrote pos.rnn"):
        assert part in log
    assert "| rnncli tag\n" in log
    metadata = model_file.read(models / "pos.rnn").metadata
    assert metadata["task"] == "pos"
    assert metadata["scores"]["test"]["accuracy"] > 0.95
    assert [(head["column"], head["scheme"]) for head in metadata["heads"]] == [("upos", None)]


def test_two_kinds_of_tags_are_both_scored(models: Path) -> None:
    log = (models / "ner-both.rnn.log").read_text()
    assert "ner tags in 3, scheme BIOES, pos tags in 2" in log
    assert "| rnncli tag -m both.rnn\n" in log
    metadata = model_file.read(models / "both.rnn").metadata
    assert {"f1", "pos_accuracy"} <= {*metadata["scores"]["dev"]}
    assert metadata["scores"]["dev"]["f1"] > 0.9
    assert metadata["scores"]["dev"]["pos_accuracy"] > 0.9


# Tagging CoNLL-U


def test_conllu_comes_back_to_the_byte_but_for_what_was_learned(tag: Any) -> None:
    for name, column in (("pos", UPOS), ("xpos", XPOS)):
        done = tag(name, *CONLLU, stdin=GOLD)
        assert (done.code, done.err) == (0, "")
        out = done.out.decode()
        assert mask(out, column) == mask(GOLD, column)
        pairs = [(a[column], b[column]) for a, b in zip(words_of(GOLD), words_of(out), strict=True)]
        assert sum(a == b for a, b in pairs) > 0.95 * len(pairs)
        assert tag(name, *CONLLU, stdin=mask(GOLD, column)).out == done.out  # the gold tags are not looked at
    assert "CopyOf=1" in GOLD
    assert "-2\tdon't" in GOLD or "-3\tdon't" in GOLD


def test_the_layout_of_conllu_is_found_without_being_told(tag: Any) -> None:
    assert tag("pos", "--input", "conll", "--format", "conllu", stdin=GOLD).out == tag("pos", *CONLLU, stdin=GOLD).out


def test_ends_marks_and_compression_change_nothing_else(tag: Any, tmp_path: Path) -> None:
    expected = tag("pos", *CONLLU, stdin=GOLD).out
    data = GOLD.encode()
    assert tag("pos", *CONLLU, stdin=b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")).out == expected
    assert tag("pos", *CONLLU, stdin=data.rstrip(b"\n")).out == expected.rstrip(b"\n")
    assert tag("pos", *CONLLU, stdin=data.removesuffix(b"\n")).out == expected.removesuffix(b"\n")
    assert tag("pos", *CONLLU, stdin=b"\n\n" + data + b"\n\n").out == b"\n\n" + expected + b"\n\n"
    (tmp_path / "a.conllu.gz").write_bytes(gzip.compress(data))
    (tmp_path / "b.conllu").write_bytes(data.rstrip(b"\n"))
    done = tag("pos", *CONLLU, tmp_path / "a.conllu.gz", tmp_path / "b.conllu")
    assert done.out == expected + expected.rstrip(b"\n")


def test_with_columns_every_row_gets_one_more(tag: Any) -> None:
    done = tag("pos", "--input", "conll", "--format", "conll", stdin=GOLD)
    assert done.code == 0
    found = iter(words_of(tag("pos", *CONLLU, stdin=GOLD).out.decode()))
    for before, after in zip(GOLD.split("\n"), done.out.decode().split("\n"), strict=True):
        if re.match(r"\d+\t", before):
            assert after == f"{before}\t{next(found)[UPOS]}"
        else:
            assert after == (f"{before}\t_" if "\t" in before else before)


def test_spans_stand_in_the_last_column(tag: Any) -> None:
    done = tag("both", *CONLLU, stdin=GOLD)
    out = done.out.decode()
    assert mask(out, 9) == mask(GOLD, 9)
    for before, after in zip(words_of(GOLD), words_of(out), strict=True):
        expected = before[9]
        if after[9] != expected:
            assert after[9] == f"{expected}|NER=S-PER".removeprefix("_|")
    names = [(row[UPOS] == "PROPN", "NER=S-PER" in row[9].split("|")) for row in words_of(out)]
    assert sum(a == b for a, b in names) > 0.95 * len(names)
    assert tag("both", "--task", "ner", *CONLLU, stdin=done.out).out == done.out


def test_raw_text_becomes_conllu(tag: Any) -> None:
    lines = ["The dog doesn't see Ada.", "Bob sees a cat (now)."]
    blocks = []
    for line in lines:
        done = tag("pos", "--format", "conllu", stdin=line + "\n")
        assert (done.code, done.err) == (0, "")
        blocks.append(done.out.decode())
        rows = words_of(blocks[-1])
        assert blocks[-1] == f"# text = {line}\n" + "".join("\t".join(row) + "\n" for row in rows) + "\n"
        assert [row[0] for row in rows] == [str(i) for i in range(1, len(rows) + 1)]
        assert "".join(row[1] + ("" if row[9] == "SpaceAfter=No" else " ") for row in rows).rstrip() == line
        assert all(len(row) == 10 and row[2] == row[4] == row[5] == "_" and row[UPOS] != "_" for row in rows)
    # A line without a word in it is a blank line, as in every other format.
    done = tag("pos", "--format", "conllu", stdin=f"{lines[0]}\n\n{lines[1]}\n   \n")
    assert done.out.decode() == blocks[0] + "\n" + blocks[1] + "\n"


def test_every_token_has_its_tag_inline(tag: Any) -> None:
    assert tag("pos", stdin="Ada sees a dog .\n").lines == ["Ada/PROPN sees/VERB a/DET dog/NOUN ./PUNCT"]


def test_bad_rows_of_conllu_are_told_and_stay(tag: Any) -> None:
    good, bad = make_conllu(1), "1\ta\tb\n\n"
    done = tag("pos", *CONLLU, stdin=good + bad + good)
    assert done.code == 1
    assert done.err == f"rnncli: error: <stdin>:{good.count(chr(10)) + 1}: 3 columns, while CoNLL-U has 10\n"
    before, after = done.out.decode().split(bad)
    assert before == after
    assert mask(before, UPOS) == mask(good, UPOS)


# Heads and schemes


def test_each_head_is_asked_for_by_its_task(tag: Any) -> None:
    text = "Ada sees a dog .\n"
    assert tag("both", stdin=text).lines == ["Ada/S-PER sees a dog ."]
    assert tag("both", "--task", "ner", stdin=text).lines == ["Ada/S-PER sees a dog ."]
    [inline] = tag("both", "--task", "pos", stdin=text).lines
    assert re.fullmatch(r"Ada/[A-Z]+ sees/VERB a/DET dog/NOUN \./PUNCT", inline)
    for task, other in (("ner", "pos"), ("pos", "ner")):
        found = json.loads(tag("both", "--task", task, "--jsonl", stdin='{"text": "Ada sees a dog ."}\n').out)["tags"]
        by_task = {task: found["tags"], other: found[other]}
        assert by_task == {"ner": ["S-PER", *"OOOO"], "pos": [cell.split("/")[1] for cell in inline.split()]}
        assert {*found} == {"tokens", "tags", "spans", other}


@pytest.mark.parametrize("scheme", Scheme)
def test_answers_in_another_scheme_are_those_converted(tag: Any, scheme: Scheme) -> None:
    text = " ".join(row[1] for row in words_of(GOLD)) + "\n"
    plain = [row.split("\t") for row in tag("both", "--input", "tokens", "--format", "conll", stdin=text).lines[:-1]]
    done = tag("both", "--scheme", scheme.lower(), "--input", "tokens", "--format", "conll", stdin=text)
    found = [row.split("\t") for row in done.lines[:-1]]
    assert [token for token, _ in found] == [token for token, _ in plain]
    assert tuple(t for _, t in found) == convert([t for _, t in plain], Scheme.BIOES, scheme)


def test_scores_are_those_of_what_the_filter_writes(run_cli: Any, tag: Any, models: Path) -> None:
    """And the column is the one that was learned, without being named again."""
    for name, column in (("pos", UPOS), ("xpos", XPOS)):
        rows = words_of(tag(name, *CONLLU, stdin=GOLD).out.decode())
        expected = sum(a[column] == b[column] for a, b in zip(rows, words_of(GOLD), strict=True)) / len(rows)
        done = run_cli("evaluate", "-m", models / f"{name}.rnn", models / "test.conllu", "--json")
        found = json.loads(done.out)
        assert found["accuracy"] == pytest.approx(expected, abs=1e-12)
        assert (found["num_tokens"], found["num_sentences"]) == (len(rows), 40)
    done = run_cli("evaluate", "-m", models / "xpos.rnn", models / "test.conllu", "--column", "upos")
    assert (done.code, done.out) == (3, b"")
    assert "none of its tags is one that" in done.err


def test_either_head_can_be_scored(run_cli: Any, models: Path) -> None:
    call = ("evaluate", "-m", models / "both.rnn", models / "both.conll", "--json")
    ner, pos = (json.loads(run_cli(*call, "--task", task).out) for task in ("ner", "pos"))
    assert json.loads(run_cli(*call).out) == ner
    assert ner["f1"] > 0.9
    assert pos["accuracy"] > 0.9
    assert "f1" not in pos


# What is refused


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "pos", "t.conllu", "--scheme", "IOB2"],
        ["train", "pos", "t.conllu", "--also", "ner"],
        ["train", "pos", "t.conllu", "--also", "pos"],
        ["train", "ner", "t.conllu", "--also", "ner"],
        ["train", "ner", "t.conllu", "--also", "chunks"],
        ["train", "ner", "t.conllu", "--also-column", "xpos"],
        ["train", "pos", "t.conllu", "--also-column", "2"],
        ["train", "ner", "t.conllu", "--scheme", "BIOX"],
        ["train", "pos", "t.conllu", "--column", "pos"],
        ["train", "pos", "t.conllu", "--column", "0"],
        ["train", "pos", "t.conllu", "--column", "-1"],
        ["train", "pos", "t.conllu", "--column", "\u0664"],
        ["train", "pos", "t.conllu", "--column", ""],
        ["train", "ner", "t.conllu", "--also", "pos", "--also-column", "x"],
        ["train", "pos", "t.conllu", "--token-column", "0"],
        ["train", "pos", "t.conllu", "--token-column", "form"],
        ["tag", "-m", "both", "--task", "chunks", "t.conllu"],
        ["tag", "-m", "pos", "--scheme", "BIOES", "t.conllu"],
        ["tag", "-m", "both", "--task", "pos", "--scheme", "BIOES", "t.conllu"],
        ["tag", "-m", "both", "--scheme", "BIOX", "t.conllu"],
        ["tag", "-m", "pos", "--token-column", "2", "t.conllu"],
        ["tag", "-m", "pos", "--input", "tokens", "--token-column", "2", "t.conllu"],
        ["tag", "-m", "pos", "--jsonl", "--token-column", "2", "t.conllu"],
        ["tag", "-m", "pos", "--input", "conllu", "-0", "t.conllu"],
        ["tag", "-m", "pos", "--input", "conllx", "t.conllu"],
        ["tag", "-m", "pos", "--format", "conllx", "t.conllu"],
        ["evaluate", "-m", "pos", "--task", "x", "t.conllu"],
        ["evaluate", "-m", "pos", "--column", "pos", "t.conllu"],
    ],
)
def test_usage_errors(rnncli: Any, models: Path, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "t.conllu").write_text(make_conllu(12))
    words = [
        str(models / f"{word}.rnn") if word in ("pos", "both") and "-m" in arguments else word for word in arguments
    ]
    words[0] = arguments[0]
    code, out, err = rnncli(*words)
    assert (code, out) == (2, "")
    assert err.startswith("rnncli: error: ")
    assert [*tmp_path.iterdir()] == [tmp_path / "t.conllu"]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["pos", "t.conllu", "--column", "11"], "t.conllu:4: expected at least 11 columns"),
        (["pos", "t.conllu", "--column", "form"], "the same column"),
        (["pos", "t.conllu", "--column", "deprel"], "one tag only: every tag is dep"),
        (["pos", "t.tsv", "--column", "upos"], "t.tsv:1: no CoNLL-U, so no column is called upos"),
        (["ner", "t.conllu"], "unknown tag '_'"),
        (["ner", "spans.tsv", "--also", "pos"], "ner and pos tags are to be read from the same column"),
        (["ner", "spans.tsv", "--scheme", "BIOES", "--column", "2"], "spans.tsv:"),
        (["pos", "bad.conllu"], "bad.conllu:5: token number 7, expected 2"),
        (["pos", "many.tsv"], f"{MAX_TAGS + 1:,} different tags in column 2"),
        (["pos", "long.tsv"], "2,000 different tags in column 2, more than a model has room for"),
    ],
)
def test_data_that_cannot_be_learned_from(rnncli: Any, tmp_path: Path, arguments: list[str], part: str) -> None:
    (tmp_path / "t.conllu").write_text(make_conllu(12))
    (tmp_path / "t.tsv").write_text("a\tX\nb\tY\n\n" * 12)
    (tmp_path / "spans.tsv").write_text("a\tB-X\nb\tI-X\nc\tO\n\n" * 12)
    (tmp_path / "bad.conllu").write_text(make_conllu(12).replace("\n2\t", "\n7\t", 1))
    (tmp_path / "many.tsv").write_text("".join(f"a\tt{i}\n\n" for i in range(MAX_TAGS + 1)))
    (tmp_path / "long.tsv").write_text("".join(f"a\t{'x' * 300}{i}\n\n" for i in range(2000)))
    code, out, err = rnncli("train", *arguments, *FAST)
    assert (code, out) == (3, "")
    assert part in err
    assert not [*tmp_path.glob("*.rnn")]


# Other data


def test_columns_are_found_and_named(rnncli: Any, tmp_path: Path) -> None:
    rows = words_of(make_conllu(20))
    (tmp_path / "t.tsv").write_text("".join(f"{c[1]}\t{c[2]}\t{c[3]}\n" + "\n" * (c[1] == ".") for c in rows))
    (tmp_path / "t.conllu").write_text(make_conllu(20))
    for name, arguments, column, tags in (
        ("a", ["t.tsv"], "3", {c[3] for c in rows}),
        ("b", ["t.tsv", "--column", "2"], "2", {c[2] for c in rows}),
        ("c", ["t.conllu", "--column", "FEATS"], "feats", {c[5] for c in rows}),
        ("d", ["t.conllu", "--column", "5"], "xpos", {c[4] for c in rows}),
        ("e", ["t.conllu", "--token-column", "3"], "upos", {c[3] for c in rows}),
    ):
        code, _, err = rnncli("train", "pos", *arguments, "-o", f"{name}.rnn", *FAST)
        assert code == 0, err
        (head,) = model_file.read(tmp_path / f"{name}.rnn").metadata["heads"]
        assert (head["column"], {*head["tags"]}) == (column, tags)
        assert f"pos tags in {column}" in err
    code, _, err = rnncli("train", "ner", "t.tsv", "--also", "pos", "--column", "2", "--also-column", "3", *FAST)
    assert code == 3
    assert "unknown tag" in err


def test_two_columns_of_conllu_may_be_learned_together(rnncli: Any, tmp_path: Path) -> None:
    lines = [line.split("\t") for line in make_conllu(20).split("\n")]
    for cells in lines:
        if len(cells) == 10:
            cells[9] = "B-PER" if cells[UPOS] == "PROPN" else "O"
    (tmp_path / "t.conllu").write_text("\n".join("\t".join(cells) for cells in lines))
    code, _, err = rnncli("train", "ner", "t.conllu", "--also", "pos", "--also-column", "xpos", *FAST)
    assert code == 0, err
    assert "ner tags in misc, scheme IOB2, pos tags in xpos" in err
    heads = model_file.read(tmp_path / "ner.rnn").metadata["heads"]
    assert [head["column"] for head in heads] == ["misc", "xpos"]


def test_the_scheme_may_be_told(rnncli: Any, tmp_path: Path) -> None:
    (tmp_path / "t.conll").write_text("Ada\tI-PER\nx\tO\n\nBob\tI-PER\ny\tO\n\n" * 8)
    for given, expected in ((None, "IO"), ("iob1", "IOB1"), ("IO", "IO")):
        flags = [] if given is None else ["--scheme", given]
        code, _, err = rnncli("train", "ner", "t.conll", "--force", *flags, *FAST)
        assert code == 0, err
        (head,) = model_file.read(tmp_path / "ner.rnn").metadata["heads"]
        assert head["scheme"] == expected
    assert rnncli("train", "ner", "t.conll", "--force", "--scheme", "BILOU", *FAST)[0] == 3


def test_tags_that_training_lacks_are_said_and_count_as_wrong(rnncli: Any, tmp_path: Path) -> None:
    (tmp_path / "t.conllu").write_text(make_conllu(20))
    (tmp_path / "d.conllu").write_text(make_conllu(6, seed=5).replace("\tPUNCT\t", "\tNEW\t"))
    code, _, err = rnncli("train", "pos", "t.conllu", "--dev", "d.conllu", *FAST)
    assert code == 0, err
    assert "tags that the training data lack: NEW" in err
    rows = words_of((tmp_path / "d.conllu").read_text())
    scores = model_file.read(tmp_path / "pos.rnn").metadata["scores"]["dev"]
    assert scores["accuracy"] <= 1 - sum(row[UPOS] == "NEW" for row in rows) / len(rows)


def test_sentences_of_one_token(rnncli: Any, run_cli: Any, tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("a\tX\n\nb\tY\n\n")
    code, _, err = rnncli("train", "pos", "t.tsv", "--dev", "none", *FAST)
    assert code == 0, err
    done = run_cli("tag", "--format", "conllu", stdin="a\n")
    assert re.fullmatch(r"# text = a\n1\ta\t_\t[XY](\t_){6}\n\n", done.out.decode())
    (tmp_path / "one.tsv").write_text("a\tX\n\n")
    assert rnncli("train", "pos", "one.tsv", "--force", *FAST)[0] == 3


def test_document_starts_are_no_tokens_and_keep_their_rows(rnncli: Any, tag: Any, tmp_path: Path) -> None:
    start = "-DOCSTART-\t-X-\tO\n\n"
    (tmp_path / "t.tsv").write_text(start + "Ada\tNNP\tB-PER\nran\tVBD\tO\n\n" * 6 + start)
    code, _, err = rnncli("train", "pos", "t.tsv", *FAST)
    assert code == 0, err
    (head,) = model_file.read(tmp_path / "pos.rnn").metadata["heads"]
    assert head["counts"] == {"NNP": 6, "VBD": 6}
    done = tag("pos", "--input", "conll", "--format", "conll", tmp_path / "t.tsv")
    assert [line for line in done.lines if "DOCSTART" in line] == [start.rstrip("\n") + "\t_"] * 2
    done = tag("both", "--input", "conll", "--format", "conll", tmp_path / "t.tsv")
    assert [line for line in done.lines if "DOCSTART" in line] == [start.rstrip("\n") + "\tO"] * 2


def test_a_model_beside_another_is_named_in_the_next_command(rnncli: Any, tmp_path: Path) -> None:
    (tmp_path / "t.conllu").write_text(make_conllu(12))
    (tmp_path / "t.conll").write_text("Ada\tB-PER\nx\tO\n\ny\tO\n\n" * 8)
    assert "| rnncli tag\n" in rnncli("train", "pos", "t.conllu", *FAST)[2]
    assert "| rnncli tag -m ner.rnn\n" in rnncli("train", "ner", "t.conll", *FAST)[2]
    code, _, err = rnncli("tag", "t.conll")
    assert code == 4
    assert "two models here: ner.rnn and pos.rnn" in err


# Size


@pytest.fixture(scope="module")
def many_tags() -> str:
    """Words of two letters, each with a tag of its own."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    generator = random.Random(1)
    words = [a + b for a in letters for b in letters][:520] * 2
    generator.shuffle(words)
    return "".join(f"{word}\tTag={word}\n" + "\n" * (i % 10 == 9) for i, word in enumerate(words))


def test_hundreds_of_tags_have_no_transitions_and_are_learned(rnncli: Any, tmp_path: Path, many_tags: str) -> None:
    (tmp_path / "t.tsv").write_text(many_tags)
    code, _, err = rnncli("train", "pos", "t.tsv", "--dev", "none", "--test", "t.tsv", "--max-updates", "30")
    assert code == 0, err
    file = model_file.read(tmp_path / "pos.rnn")
    assert len(file.metadata["heads"][0]["tags"]) == 520 > CHAIN_TAGS
    assert not [name for name in file.tensors if name.startswith("crf.")]
    assert file.metadata["scores"]["test"]["accuracy"] > 0.05
    code, out, err = rnncli("info", "pos.rnn")
    assert code == 0, err
    assert "and 480 more; column 2" in out
    code, out, err = rnncli("evaluate", "t.tsv", "--json")
    assert json.loads(out)["accuracy"] == file.metadata["scores"]["test"]["accuracy"]


@pytest.mark.parametrize("name", ["pos", "both"])
def test_a_sentence_of_fifty_thousand_tokens_is_one_record(
    run_cli: Any, models: Path, tmp_path: Path, name: str
) -> None:
    words = random.Random(1).choices([row[1] for row in words_of(GOLD)], k=50_000)
    text = "# text\n" + "".join(f"{i}\t{form}" + "\t_" * 8 + "\n" for i, form in enumerate(words, 1)) + "\n"
    (tmp_path / "in.conllu").write_text(text)
    command = [*run_cli.command, "tag", "-m", str(models / f"{name}.rnn"), *CONLLU, "in.conllu"]
    started = time.monotonic()
    # A process begins with the memory of the one that starts it, so a small one stands between.
    peak = "import resource, subprocess, sys; code = subprocess.run(sys.argv[1:]).returncode; "
    peak += "sys.stderr.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)); sys.exit(code)"
    done = subprocess.run([sys.executable, "-c", peak, *command], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started < 60
    assert int(done.stderr) < 300 * 1024, "kilobytes"
    column = UPOS if name == "pos" else 9
    assert mask(done.stdout.decode(), column) == mask(text, column)


# Real data


@pytest.mark.skipif("RNNCLI_BENCH_DATA" not in os.environ, reason="needs the benchmark data in RNNCLI_BENCH_DATA")
@pytest.mark.parametrize("name", ["ud_english_ewt", "ud_turkish_atis", "ud_armenian_bsut"])
def test_real_treebanks_come_back_to_the_byte(tag: Any, name: str) -> None:
    folder = Path(os.environ["RNNCLI_BENCH_DATA"]) / "pos" / name
    text = (folder / "dev.conllu").read_text("utf-8")
    done = tag("pos", *CONLLU, folder / "dev.conllu")
    assert (done.code, done.err) == (0, "")
    assert mask(done.out.decode(), UPOS) == mask(text, UPOS)
    # Strictness must refuse nothing of what the treebanks' own validation lets pass.
    for part in ("train", "dev", "test"):
        path = folder / f"{part}.conllu"
        read = SentenceReader(tasks=("pos",)).read(str(path))
        assert sum(len(sentence.tokens) for sentence in read) == len(words_of(path.read_text("utf-8")))


@pytest.mark.parametrize("command", ["tag", "evaluate"])
def test_a_task_that_was_not_learned_is_exit_4(rnncli: Any, models: Path, tmp_path: Path, command: str) -> None:
    (tmp_path / "t.conllu").write_text(make_conllu(12))
    model = str(models / "pos.rnn")
    code, out, err = rnncli(command, "-m", model, "--task", "ner", "t.conllu")
    assert (code, out, err) == (4, "", f"rnncli: error: {model} has not learned ner, only pos\n")
