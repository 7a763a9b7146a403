"""rnncli train ner: what it refuses, what it says and what it leaves behind."""

import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rnncli import model_file

BOM = "\ufeff"
GOOD = "".join(f"Ada\tB-PER\nmet\tO\nBob\tB-PER\nno\tO\nx{i}\tO\n\n" for i in range(12))
FAST = ("--max-updates", "2", "--threads", "1")


@pytest.fixture
def keep_signals() -> Iterator[None]:
    """Training takes over two signals of its process, which here is the tests' own."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], keep_signals: None
) -> Callable[..., tuple[int, str]]:
    """Run `rnncli train ner` inside this process, where torch need not be imported each time."""
    from rnncli.cli.app import run

    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["rnncli", "train", "ner", *arguments])
        code = run(["train", "ner", *arguments])
        captured = capsys.readouterr()
        assert captured.out == ""  # results alone go to stdout, and training has none
        assert "Traceback" not in captured.err
        assert "internal error" not in captured.err
        return code, captured.err

    return call


def models(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if ".rnn" in path.name)


def num_dev(messages: str) -> int:
    """The number of development sentences that training says it has."""
    (found,) = re.findall(r"(\d+) (?:held out )?for development", messages)
    return int(found)


# What works


def test_sizes_that_no_file_may_have_are_refused_before_training(run_cli: Any, tmp_path: Path) -> None:
    (tmp_path / "train.conll").write_text("Ada\tB-PER\n\nBob\tO\n\n")
    sizes = ("--cell", "lstm", "--hidden-size", "4096", "--layers", "16")
    done = run_cli("train", "ner", "train.conll", "--dev", "none", *sizes)
    assert (done.code, "would be larger than 512 MB" in done.err) == (2, True)
    assert not (tmp_path / "ner.rnn").exists()


def test_a_first_run_says_what_it_found_and_what_to_type_next(
    run_cli: Any, corpus: Any, to_conll: Any, tmp_path: Path
) -> None:
    (tmp_path / "t.conll").write_text(to_conll(corpus(30)))
    done = run_cli("train", "ner", "t.conll", *FAST)
    assert (done.code, done.out) == (0, b"")
    assert models(tmp_path) == ["ner.rnn"]
    assert "\x1b" not in done.err
    assert "\r" not in done.err
    assert len([line for line in done.err.splitlines() if line.startswith("epoch")]) >= 1
    for part in ("IOB2", "PER", "LOC", "ORG", "seed 1", "ner.rnn", "rnncli tag"):
        assert part in done.err
    assert run_cli("tag", stdin="Ada\n").code == 0


def test_the_tenth_with_the_lowest_hashes_is_held_out(train: Any, tmp_path: Path, corpus: Any, to_conll: Any) -> None:
    (tmp_path / "t.conll").write_text(to_conll(corpus(31)))
    code, err = train("t.conll", *FAST)
    assert code == 0
    assert "27 sentences to learn from" in err
    assert num_dev(err) == 4  # ceil(31 / 10)


def test_the_held_out_sentences_stay_when_lines_are_added(corpus: Any) -> None:
    from rnncli.data.records import Sentence
    from rnncli.data.splits import hold_out

    rows = [Sentence((f"w{i}", "x"), ("O", "O")) for i in range(400)]
    kept, held = hold_out(rows[:300], 0.1)
    assert len(held) == 30
    assert sorted([*kept, *held], key=rows.index) == rows[:300]
    shuffled = rows[:300]
    random.Random(0).shuffle(shuffled)
    assert set(hold_out(shuffled, 0.1)[1]) == set(held)
    # With a third more lines, what is held out grows by a third: nearly all that was held out still is.
    again = set(hold_out(rows, 0.1)[1])
    assert len(again) == 40
    assert len(again & set(held)) >= 20


@pytest.mark.parametrize(
    "content", [BOM + GOOD, GOOD.replace("\n", "\r\n"), GOOD.replace("\t", " "), GOOD.rstrip("\n")]
)
def test_marks_windows_line_ends_and_spaces_are_accepted(train: Any, tmp_path: Path, content: str) -> None:
    (tmp_path / "t.conll").write_bytes(content.encode())
    code, err = train("t.conll", *FAST)
    assert code == 0, err
    assert "10 sentences to learn from" in err


def test_without_development_data_nothing_is_held_out(train: Any, tmp_path: Path) -> None:
    (tmp_path / "t.conll").write_text(GOOD)
    code, err = train("t.conll", "--dev", "none", *FAST)
    assert code == 0
    assert "12 sentences to learn from" in err
    assert num_dev(err) == 0
    assert "dev" not in model_file.read(tmp_path / "ner.rnn").metadata["scores"]


def test_development_and_test_files_and_fractions(train: Any, tmp_path: Path) -> None:
    (tmp_path / "t.conll").write_text(GOOD)
    (tmp_path / "d.conll").write_text("Ada\tB-PER\n\nno\tO\n\nBob\tB-LOC\n\n")
    code, err = train("t.conll", "--dev", "d.conll", "--test", "d.conll", *FAST)
    assert code == 0
    assert "12 sentences to learn from" in err
    assert num_dev(err) == 3
    assert "LOC" in err.split("labels")[0]  # the type that training lacks is said
    metadata = model_file.read(tmp_path / "ner.rnn").metadata
    assert set(metadata["scores"]) == {"dev", "test"}
    assert metadata["scores"]["dev"] == metadata["scores"]["test"]
    code, err = train("t.conll", "--dev", "0.5", "--force", *FAST)
    assert code == 0
    assert num_dev(err) == 6


def test_several_files_are_one_corpus(train: Any, tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text(GOOD)
    (tmp_path / "b.conll").write_text(GOOD.replace("x", "y"))
    code, err = train("a.conll", "b.conll", "--dev", "none", *FAST)
    assert code == 0
    assert "24 sentences to learn from" in err


def test_quiet_prints_nothing(train: Any, tmp_path: Path, corpus: Any, to_conll: Any) -> None:
    (tmp_path / "t.conll").write_text(to_conll(corpus(120)))
    code, err = train("t.conll", "-q", "--max-updates", "30", "--threads", "1")
    assert code == 0
    assert all(line.startswith("warning: ") for line in err.splitlines())


@pytest.mark.parametrize("scheme", ["IOB1", "BIOES", "BILOU"])
def test_answers_come_in_the_scheme_of_the_training_data(
    train: Any, tag_with: Any, tmp_path: Path, corpus: Any, to_conll: Any, scheme: str
) -> None:
    sentences = corpus(150, scheme=scheme)
    (tmp_path / "t.conll").write_text(to_conll(sentences))
    code, err = train("t.conll", "--max-updates", "60", "--threads", "1")
    assert code == 0
    assert scheme in err
    tokens = [token for token, _ in sentences[0]]
    found = tag_with(tmp_path / "ner.rnn", [[token for token, _ in rows] for rows in sentences])
    gold = [[tag for _, tag in rows] for rows in sentences]
    assert len(found[0]) == len(tokens)
    prefixes = {tag[0] for tags in found for tag in tags}
    assert prefixes == {tag[0] for tags in gold for tag in tags}
    # The training sentences themselves are easy, so nearly every tag must be written just as there.
    pairs = [(a, b) for x, y in zip(found, gold, strict=True) for a, b in zip(x, y, strict=True) if b != "O"]
    assert sum(a == b for a, b in pairs) > 0.8 * len(pairs)


@pytest.fixture
def tag_with(run_cli: Any) -> Callable[[Path, list[list[str]]], list[list[str]]]:
    def run(model: Path, sentences: list[list[str]]) -> list[list[str]]:
        stdin = "".join(" ".join(tokens) + "\n" for tokens in sentences)
        done = run_cli("tag", "-m", model, "--input", "tokens", "--format", "jsonl", stdin=stdin)
        assert done.code == 0
        return [json.loads(line)["tags"] for line in done.lines]

    return run


# Same seed, same bytes


def test_the_seed_decides_every_byte(run_cli: Any, corpus: Any, to_conll: Any, tmp_path: Path) -> None:
    made = []
    for name, seed in (("a", "7"), ("b", "7"), ("c", "8")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "t.conll").write_text(to_conll(corpus(30)))
        arguments = ("train", "ner", "t.conll", "--max-updates", "4", "--threads", "1", "--seed", seed)
        assert run_cli(*arguments, cwd=folder).code == 0
        made.append(folder / "ner.rnn")
    assert made[0].read_bytes() == made[1].read_bytes()
    first, other = model_file.read(made[0]), model_file.read(made[2])
    assert (first.metadata["seed"], other.metadata["seed"]) == (7, 8)
    assert any((first.tensors[name] != other.tensors[name]).any() for name in first.tensors if name != "tokenizer")


def test_the_stored_command_holds_base_names_only(train: Any, tmp_path: Path) -> None:
    data, output = tmp_path / "t.conll", tmp_path / "out.rnn"
    data.write_text(GOOD)
    code, _ = train(str(data), f"--dev={data}", f"-o{output}", *FAST)
    assert code == 0
    metadata = model_file.read(output).metadata
    assert str(tmp_path) not in json.dumps(metadata)
    assert "t.conll" in " ".join(metadata["command"])


# Refusals


def test_an_existing_model_is_refused_before_any_work(run_cli: Any, tmp_path: Path) -> None:
    (tmp_path / "ner.rnn").write_bytes(b"precious")
    (tmp_path / "t.conll").write_text("bad\tdata\n")
    begin = time.monotonic()
    done = run_cli("train", "ner", "t.conll")
    assert time.monotonic() - begin < 2
    assert (done.code, done.out) == (2, b"")
    assert "ner.rnn" in done.err
    assert "--force" in done.err
    assert (tmp_path / "ner.rnn").read_bytes() == b"precious"


def test_force_overwrites_and_bad_data_leaves_the_old_model(train: Any, tmp_path: Path) -> None:
    (tmp_path / "ner.rnn").write_bytes(b"precious")
    (tmp_path / "bad.conll").write_text("bad\tdata\n")
    assert train("bad.conll", "--force", *FAST)[0] == 3
    assert (tmp_path / "ner.rnn").read_bytes() == b"precious"
    (tmp_path / "t.conll").write_text(GOOD)
    assert train("t.conll", "--force", *FAST)[0] == 0
    assert model_file.read(tmp_path / "ner.rnn").task == "ner"


DATA_ERRORS = {
    "ragged rows": (GOOD + "Ada\tB-PER\tx\nmet\tO\n\n", 73, "columns"),
    "short row": (GOOD + "Ada\n\n", 73, ""),
    "a space for the tab": (GOOD + "Ada B-PER\nmet\tO\n\n", 73, "tab"),
    "a blank line with a tab": (GOOD + "Ada\tB-PER\n\t\nmet\tO\n\n", 74, "blank"),
    "a blank line with a space": (GOOD + "Ada\tB-PER\n \nmet\tO\n\n", 74, "blank"),
    "zero for O": (GOOD + "Ada\tB-PER\nmet\t0\n\n", 74, "zero"),
    "unknown prefix": (GOOD + "Ada\tX-PER\nmet\tO\n\n", 73, "X-PER"),
    "no prefix": (GOOD + "Ada\tPER\nmet\tO\n\n", 73, "PER"),
    "prefix without type": (GOOD + "Ada\tB-\nmet\tO\n\n", 73, "B-"),
    "empty tag": (GOOD + "Ada\t\nmet\tO\n\n", 73, "empty"),
    "NUL": (GOOD + "A\0da\tB-PER\nmet\tO\n\n", 73, "NUL"),
    "header row": ("token\ttag\n" + GOOD, 1, "header"),
    "small o for O": (GOOD + "Ada\tB-PER\nmet\to\n\n", 74, "capital"),
    "small prefix": (GOOD + "Ada\tb-PER\nmet\tO\n\n", 73, "capital"),
    "a space behind the tag": (GOOD + "Ada\tB-PER \nmet\tO\n\n", 73, "whitespace"),
    "a tab at the end": (GOOD + "Ada\tB-PER\t\nmet\tO\n\n", 73, "end"),
    "a tab for the space": (GOOD.replace("\t", " ") + "Ada\tB-PER\nmet O\n\n", 73, "tab"),
    "a tab too many among spaces": (GOOD.replace("\t", " ") + "Ada x\tB-PER\nmet O\n\n", 73, "tab"),
}


@pytest.mark.parametrize("name", DATA_ERRORS)
def test_bad_data_is_exit_3_with_file_and_line_and_leaves_no_model(
    train: Any, run_cli: Any, tmp_path: Path, name: str
) -> None:
    content, line, part = DATA_ERRORS[name]
    (tmp_path / "t.conll").write_text(content)
    code, err = train("t.conll", *FAST)
    assert code == 3
    assert err.startswith(f"rnncli: error: t.conll:{line}: ")
    assert part in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.conll"]
    shown, caret, hint = err.splitlines()[1:4]
    assert shown.startswith("  ")
    assert caret.strip() == "^"
    assert hint.startswith("hint: ")
    checked = run_cli("check", "ner", "t.conll")
    assert (checked.code, checked.out, checked.err) == (3, b"", err)


@pytest.mark.slow
@pytest.mark.parametrize("name", DATA_ERRORS)
def test_bad_data_in_a_process_of_its_own(run_cli: Any, tmp_path: Path, name: str) -> None:
    content, line, part = DATA_ERRORS[name]
    (tmp_path / "t.conll").write_text(content)
    done = run_cli("train", "ner", "t.conll", *FAST)
    assert (done.code, done.out) == (3, b"")
    assert done.err.startswith(f"rnncli: error: t.conll:{line}: ")
    assert part in done.err
    assert models(tmp_path) == []


def test_bad_utf8_names_the_byte(train: Any, tmp_path: Path) -> None:
    (tmp_path / "t.conll").write_bytes(GOOD.encode() + "é".encode() + b"x\xe9y\tO\n\n")
    code, err = train("t.conll", *FAST)
    assert code == 3
    assert err.startswith("rnncli: error: t.conll:73: ")
    assert "byte 4" in err  # two bytes of é, then x: the fourth is bad
    assert "0xe9" in err
    assert models(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("", "t.conll: "),
        ("\n\n\n", "t.conll: "),
        ("# only a comment\n\n", "t.conll: "),
        (BOM, "t.conll: "),
        ("Ada\tO\nmet\tO\n\n" * 20, "no labels"),
        ("just a line of text\nand another one\n\n", "t.conll:1: "),
        ("word\nword\n\n", "t.conll:1: "),
    ],
)
def test_data_with_nothing_to_learn_from(train: Any, tmp_path: Path, content: str, part: str) -> None:
    (tmp_path / "t.conll").write_text(content)
    code, err = train("t.conll", *FAST)
    assert code == 3
    assert part in err.splitlines()[0]
    assert models(tmp_path) == []


@pytest.mark.parametrize("dev", [[], ["--dev", "none"], ["--dev", "d.conll"]])
def test_no_blank_line_at_all_is_told_and_leaves_no_model(train: Any, tmp_path: Path, dev: list[str]) -> None:
    (tmp_path / "t.conll").write_text(GOOD.replace("\n\n", "\n"))
    (tmp_path / "d.conll").write_text(GOOD)
    code, err = train("t.conll", *dev, *FAST)
    assert code == 3
    assert "blank line" in err
    assert models(tmp_path) == []


def test_mixed_schemes_are_refused_with_a_line(train: Any, tmp_path: Path) -> None:
    bioes = "Ada\tB-PER\nLovelace\tE-PER\nmet\tO\nBob\tS-PER\n\n"
    (tmp_path / "t.conll").write_text(bioes + "Ada\tB-PER\nLovelace\tL-PER\nmet\tO\nBob\tU-PER\n\n")
    code, err = train("t.conll", *FAST)
    assert code == 3
    assert err.startswith("rnncli: error: t.conll:")
    assert err.split(":")[3].strip().isdigit()
    assert models(tmp_path) == []


def test_half_bio_and_half_bioes_is_a_mixture_too(train: Any, tmp_path: Path) -> None:
    bio = "Ada\tB-PER\nLovelace\tI-PER\nmet\tO\nBob\tB-PER\n\n"
    bioes = "Ada\tB-PER\nLovelace\tE-PER\nmet\tO\nBob\tS-PER\n\n"
    (tmp_path / "t.conll").write_text(bio * 10 + bioes * 10)
    code, err = train("t.conll", *FAST)
    assert code == 3
    assert "mixed" in err
    assert models(tmp_path) == []


def test_spans_that_begin_with_i_are_told_with_a_line(train: Any, tmp_path: Path) -> None:
    (tmp_path / "t.conll").write_text(GOOD + "# a comment between\nno\tO\nBob\tI-PER\n\n")
    code, err = train("t.conll", *FAST)
    assert code in (0, 3)
    assert "t.conll:75" in err


def test_mostly_headless_spans_are_a_mixture_with_their_line(train: Any, tmp_path: Path) -> None:
    (tmp_path / "t.conll").write_text(
        "# c\nAda\tB-PER\nmet\tO\n# not a row\nBob\tI-PER\n\n" + "Ada\tO\nBob\tI-PER\n\n" * 5
    )
    code, err = train("t.conll", *FAST)
    assert code == 3
    assert err.startswith("rnncli: error: t.conll:5: ")


def test_up_to_twenty_problems_are_gathered(train: Any, tmp_path: Path) -> None:
    (tmp_path / "t.conll").write_text(GOOD + "Ada\t0\n\n" * 50)
    code, err = train("t.conll", *FAST)
    assert code == 3
    places = [line for line in err.splitlines() if "t.conll:" in line and "zero" in line]
    assert len(places) == 20
    assert [int(p.split("t.conll:")[1].split(":")[0]) for p in places] == list(range(73, 113, 2))


def test_the_line_is_shown_with_a_caret_at_the_fault(train: Any, tmp_path: Path) -> None:
    (tmp_path / "t.conll").write_text(GOOD + "Ada\tX-PER\nmet\tO\n\n")
    lines = train("t.conll", *FAST)[1].splitlines()
    assert lines[1].replace("\t", " ").strip() == "Ada X-PER"
    assert lines[2].index("^") == lines[1].index("X")
    assert lines[3].startswith("hint: ")


def test_the_hint_for_zeros_mends_them(train: Any, run_cli: Any, tmp_path: Path) -> None:
    (tmp_path / "t.conll").write_text(GOOD + "Ada\tB-PER\n10\t0\n\n")
    code, err = train("t.conll", *FAST)
    assert code == 3
    program, *arguments = shlex.split(err.splitlines()[-1].removeprefix("hint: "))
    assert program == "rnncli"
    assert run_cli(*arguments).code == 0
    assert (tmp_path / "fixed.conll").read_text() == GOOD + "Ada\tB-PER\n10\tO\n\n"


def test_bad_development_data_is_an_error_too(train: Any, tmp_path: Path) -> None:
    (tmp_path / "t.conll").write_text(GOOD)
    (tmp_path / "d.conll").write_text("Ada\tX\n\n")
    assert train("t.conll", "--dev", "d.conll", *FAST)[0] == 3
    (tmp_path / "d.conll").write_text("")
    assert train("t.conll", "--dev", "d.conll", *FAST)[0] == 3
    assert models(tmp_path) == []


@pytest.mark.parametrize("fraction", ["0.9", "0.99"])
def test_a_fraction_that_leaves_nothing_to_learn_from_is_refused(train: Any, tmp_path: Path, fraction: str) -> None:
    (tmp_path / "t.conll").write_text("Ada\tB-PER\nmet\tO\n\nBob\tB-PER\nmet\tO\n\n")
    code, _ = train("t.conll", "--dev", fraction, *FAST)
    assert code in (2, 3)
    assert models(tmp_path) == []


def test_development_data_without_a_span_is_said(train: Any, tmp_path: Path) -> None:
    (tmp_path / "t.conll").write_text(GOOD)
    (tmp_path / "d.conll").write_text("no\tO\nno\tO\n\n")
    code, err = train("t.conll", "--dev", "d.conll", *FAST)
    assert code in (0, 3)
    assert "warning: " in err or code == 3
    assert code == 3 or "n/a" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["missing.conll"],
        ["t.conll", "--dev", "missing.conll"],
        ["t.conll", "--test", "missing.conll"],
        ["t.conll", "--vectors", "missing.txt"],
        ["t.conll", "--dev", "0"],
        ["t.conll", "--dev", "1.5"],
        ["t.conll", "--time", "soon"],
        ["t.conll", "--time", "-5m"],
        ["t.conll", "--max-updates", "0"],
        ["t.conll", "--device", "banana"],
        ["t.conll", "--precision", "fp8"],
        ["t.conll", "--lang", "klingon"],
        ["t.conll", "-o", "no/such/folder/x.rnn"],
        ["t.conll", "-o", ".", "--force"],
        ["."],
        ["t.conll", "--bogus"],
        [],
    ],
)
def test_usage_errors(train: Any, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "t.conll").write_text(GOOD)
    code, err = train(*arguments)
    assert code == 2, err
    assert err.startswith("rnncli: error: ")
    assert models(tmp_path) == []


def test_a_device_that_is_not_there(train: Any, tmp_path: Path) -> None:
    (tmp_path / "t.conll").write_text(GOOD)
    code, err = train("t.conll", "--device", "cuda:99")
    assert code == 5
    assert err.startswith("rnncli: error: ")
    assert models(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(train: Any, tmp_path: Path) -> None:
    (tmp_path / "t.conll").write_text(GOOD)
    (tmp_path / "locked").mkdir(mode=0o500)
    assert train("t.conll", "-o", "locked/x.rnn", *FAST)[0] in (2, 5)


# Stopping


def wait_for(process: subprocess.Popen[bytes], word: bytes) -> bytes:
    """Read the messages until one holds a word."""
    text = b""
    while word not in text:
        line = process.stderr.readline() if process.stderr else b""
        if not line:
            break
        text += line
    return text


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_the_model(
    run_cli: Any, corpus: Any, to_conll: Any, tmp_path: Path, number: int, code: int
) -> None:
    (tmp_path / "t.conll").write_text(to_conll(corpus(150)))
    process = run_cli.start("train", "ner", "t.conll", "--epochs", "2000", "--threads", "1")
    text = wait_for(process, b"epoch 1 ")
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    text += err
    assert process.returncode == code, text.decode()
    assert out == b""
    assert b"Traceback" not in text
    assert text.splitlines()[-1] == b"resume: rnncli train ner t.conll --epochs 2000 --threads 1 --resume"
    assert models(tmp_path) == ["ner.rnn", "ner.rnn.state"]
    assert run_cli("tag", stdin="Ada met Bob .\n").code == 0


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_second_signal_leaves_at_once(run_cli: Any, corpus: Any, to_conll: Any, tmp_path: Path) -> None:
    (tmp_path / "t.conll").write_text(to_conll(corpus(150)))
    process = run_cli.start("train", "ner", "t.conll", "--epochs", "2000", "--threads", "1")
    text = wait_for(process, b"epoch 1 ")
    process.send_signal(signal.SIGINT)
    text += wait_for(process, b"stopping")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"Traceback" not in text + err
    assert [name for name in models(tmp_path) if name.startswith(".")] == []


def test_a_time_limit_is_kept(run_cli: Any, corpus: Any, to_conll: Any, tmp_path: Path) -> None:
    (tmp_path / "t.conll").write_text(to_conll(corpus(150)))
    begin = time.monotonic()
    done = run_cli("train", "ner", "t.conll", "--time", "10s", "--epochs", "5000", "--threads", "1")
    assert time.monotonic() - begin < 10 + 15
    assert done.code == 0, done.err
    assert models(tmp_path) == ["ner.rnn"]
    (line,) = [line for line in done.err.splitlines() if line.startswith("stopped")]
    assert "updates" in line


# Sense


def test_shuffled_tags_are_no_better_than_nothing_and_that_is_said(
    train: Any, corpus: Any, to_conll: Any, tmp_path: Path
) -> None:
    sentences = corpus(150)
    generator = random.Random(3)
    # One token in eight is a span, wherever it stands: whoever calls all of them spans gets an F1 of 2 / 9.
    shuffled = [
        [(f"w{generator.randrange(500)}", "B-PER" if generator.random() < 1 / 8 else "O") for _ in rows]
        for rows in sentences
    ]
    (tmp_path / "noise.conll").write_text(to_conll(shuffled))
    (tmp_path / "sense.conll").write_text(to_conll(sentences))
    scores = {}
    for name in ("noise", "sense"):
        code, err = train(f"{name}.conll", "-o", f"{name}.rnn", "--max-updates", "60", "--threads", "1")
        assert code == 0
        scores[name] = model_file.read(tmp_path / f"{name}.rnn").metadata["scores"]["dev"]
        if name == "noise":
            said = err
    assert scores["sense"]["f1"] > 0.8
    assert scores["noise"]["f1"] < 0.45
    assert "warning: " in said
    assert "baseline" in said
