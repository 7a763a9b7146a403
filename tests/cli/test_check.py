"""rnncli check: what it says, what it refuses and what it repairs."""

import gzip
import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

GOOD = "".join(f"Ada\tB-PER\nmet\tO\nx{i}\tB-LOC\n\n" for i in range(12))
CONLLU = "".join(
    f"# sent_id = {i}\n1\tx{i}\tx\tNOUN\tNN\t_\t0\troot\t_\t_\n2\truns\trun\tVERB\tVB\t_\t1\tx\t_\t_\n\n"
    for i in range(12)
)


@pytest.fixture
def check(run_cli: Any, tmp_path: Path) -> Any:
    """Write a file and check it."""

    def call(content: str | bytes, *arguments: str, task: str = "ner", name: str = "t.conll") -> Any:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return run_cli("check", task, name, *arguments)

    return call


# What is said


def test_a_clean_file_is_described(check: Any) -> None:
    done = check(GOOD)
    assert (done.code, done.err) == (0, "")
    text = done.out.decode()
    for part in ("IOB2", "12 sentences", "36 tokens", "14 distinct words", "LOC 12, PER 12", "longest 3"):
        assert part in text
    assert done.lines[-1] == "nothing odd was found"


def test_quiet_says_nothing_of_a_clean_file(check: Any) -> None:
    done = check(GOOD, "-q")
    assert (done.code, done.out, done.err) == (0, b"", "")


def test_every_lint_is_a_row_with_its_place(check: Any) -> None:
    done = check(GOOD + "no\tO\nBob\tI-PER\n\n", "-q")
    assert (done.code, done.err) == (0, "")
    assert done.lines == ["t.conll:50: I-PER after O [tag-order]"]
    done = check("\ufeff" + GOOD.replace("\n", "\r\n"), "-q")
    assert all(re.fullmatch(r"t\.conll(:\d+)?: .+ \[(bom|crlf)\]", line) for line in done.lines)
    assert len(done.lines) == 2


def test_development_data_are_held_against_training_data(check: Any, tmp_path: Path) -> None:
    (tmp_path / "d.conll").write_text("Ada\tB-PER\nmet\tO\nx3\tB-LOC\n\nEve\tB-ORG\n\n")
    done = check(GOOD, "--dev", "d.conll")
    text = done.out.decode()
    assert done.code == 0
    assert "d.conll:1: stands at t.conll:13 too [overlap]" in text
    assert "d.conll:5: type ORG [unseen]" in text
    assert "25.0% of the tokens of dev" in text


def test_strict_makes_lints_a_gate(check: Any) -> None:
    assert check(GOOD, "--strict").code == 0
    done = check(GOOD + "no\tO\nBob\tI-PER\n\n", "--strict")
    assert done.code == 6
    assert "t.conll:50: " in done.out.decode()
    assert done.err.startswith("rnncli: error: ")


def test_json_holds_every_place(check: Any) -> None:
    done = check(GOOD * 2 + "no\tO\nBob\tI-PER\n\n" * 10, "--json")
    (line,) = done.lines
    found = json.loads(line)
    assert (found["task"], found["scheme"], found["dev"]) == ("ner", "IOB2", None)
    assert found["train"]["labels"] == {"PER": 34, "LOC": 24}
    (order,) = [lint for lint in found["lints"] if lint["kind"] == "tag-order"]
    assert [place["line"] for place in order["places"]] == list(range(98, 128, 3))
    assert "changes" not in found


def test_plain_tags(check: Any) -> None:
    done = check(CONLLU, task="pos", name="t.conllu")
    assert done.code == 0
    assert "tags in upos" in done.out.decode()
    done = check(CONLLU.replace("VERB", "VRB", 1).replace("NOUN", "_", 1), "-q", task="pos", name="t.conllu")
    assert "t.conllu:3: tag VRB is not of the universal ones, at 'runs' [not-upos]" in done.lines
    assert any(line.startswith("t.conllu:2: ") and line.endswith("[no-tag]") for line in done.lines)
    done = check(CONLLU, "-q", "--column", "xpos", task="pos", name="t.conllu")
    assert done.lines == []


def test_standard_input_and_compressed_files(run_cli: Any, tmp_path: Path) -> None:
    (tmp_path / "t.gz").write_bytes(gzip.compress(GOOD.encode()))
    from_file, piped = run_cli("check", "ner", "t.gz"), run_cli("check", "ner", "-", stdin=GOOD)
    assert from_file.code == piped.code == 0
    assert from_file.out.replace(b"t.gz", b"-") == piped.out


# What is refused


POS_ERRORS = {
    "ragged": (CONLLU + "1\tx\ty\n\n", 49, "columns"),
    "token number": (CONLLU + "2\tx\tx\tNOUN\tNN\t_\t0\troot\t_\t_\n\n", 49, "token number 2, expected 1"),
    "NUL": (CONLLU + "1\tx\0\tx\tNOUN\tNN\t_\t0\troot\t_\t_\n\n", 49, "NUL"),
    "UTF-8": (CONLLU.encode() + b"1\tx\xff\tx\tNOUN\tNN\t_\t0\troot\t_\t_\n\n", 49, "0xff at byte 4"),
    "blank": (CONLLU + "1\tx\tx\tNOUN\tNN\t_\t0\troot\t_\t_\n\t\n", 50, "blank"),
    "empty tag": (CONLLU + "1\tx\tx\t\tNN\t_\t0\troot\t_\t_\n\n", 49, "empty tag"),
    "header": ("word\tpos\n" + "a\tX\nb\tY\n\n" * 3, 1, "header"),
}


@pytest.mark.parametrize("name", POS_ERRORS)
def test_errors_of_plain_tags(check: Any, name: str) -> None:
    content, line, part = POS_ERRORS[name]
    done = check(content, task="pos")
    assert (done.code, done.out) == (3, b"")
    first, shown, caret, hint = done.err.splitlines()[:4]
    assert first.startswith(f"rnncli: error: t.conll:{line}: ")
    assert part in first
    assert shown.startswith("  ")
    assert caret.strip() == "^"
    assert hint.startswith("hint: ")


@pytest.mark.parametrize(
    ("content", "task", "part"),
    [
        ("", "ner", "no sentence"),
        ("", "pos", "no sentence"),
        (GOOD.replace("\n\n", "\n"), "ner", "no blank line"),
        ("a\tO\n\n" * 5, "ner", "no labels"),
        ("a\tX\n\n" * 5, "pos", "one tag only"),
        ("a\tB-X\nb\tE-X\n\na\tU-X\n\n", "ner", "mix"),
    ],
)
def test_files_that_nothing_can_be_learned_from(check: Any, content: str, task: str, part: str) -> None:
    done = check(content, task=task)
    assert (done.code, done.out) == (3, b"")
    assert re.match(r"rnncli: error: t\.conll:", done.err)
    assert part in done.err.splitlines()[0]
    assert "\nhint: " in done.err


def test_all_files_are_read_before_it_stops(check: Any, tmp_path: Path) -> None:
    (tmp_path / "d.conll").write_text("Ada\tX\n\n" * 30)
    done = check("Ada\t0\n\n" * 30, "--dev", "d.conll")
    assert done.code == 3
    places = re.findall(r"([td])\.conll:(\d+): ", done.err)
    assert [file for file, _ in places].count("t") == 20
    assert [file for file, _ in places].count("d") == 20


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "ner", "missing.conll"],
        ["check", "ner", "t.conll", "--dev", "missing.conll"],
        ["check", "ner", "-", "--dev", "-"],
        ["check", "ner", "."],
        ["check", "ner"],
        ["check", "bogus", "t.conll"],
        ["check", "pos", "t.conll", "--scheme", "IO"],
        ["check", "ner", "t.conll", "u.conll", "--fix", "out.conll"],
        ["check", "ner", "t.conll", "--fix", "t.conll", "--force"],
        ["check", "ner", "t.conll", "--fix", "./link.conll", "--force"],
        ["check", "ner", "t.conll", "--dev", "u.conll", "--fix", "u.conll", "--force"],
        ["check", "ner", "t.conll", "--fix", "kept.conll"],
        ["check", "ner", "t.conll", "--fix", "no/such/folder.conll"],
        ["check", "ner", "t.conll", "--fix", "."],
        ["check", "ner", "t.conll", "--fix", "-"],
    ],
)
def test_usage_errors(run_cli: Any, tmp_path: Path, arguments: list[str]) -> None:
    for name in ("t.conll", "u.conll", "kept.conll"):
        (tmp_path / name).write_text(GOOD)
    (tmp_path / "link.conll").symlink_to(tmp_path / "t.conll")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    done = run_cli(*arguments, stdin=GOOD)
    assert (done.code, done.out) == (2, b""), done.err
    assert done.err.startswith("rnncli: error: ")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


# What is repaired


BROKEN = "\ufeff" + GOOD.replace("met\tO", "met\t0", 3).replace("\n", "\r\n") + "no\tO\nBob\tI-PER"


def test_a_repaired_copy_is_written_counted_and_checked(check: Any, run_cli: Any, tmp_path: Path) -> None:
    done = check(BROKEN, "--fix", "fixed.conll")
    assert done.code == 0
    assert (tmp_path / "fixed.conll").read_text() == GOOD + "no\tO\nBob\tB-PER\n\n"
    assert (tmp_path / "t.conll").read_bytes() == BROKEN.encode()
    for part in ("tags 0 and o written O: 3", "carriage returns removed: 48", "legal in IOB2: 1", "wrote fixed.conll"):
        assert part in done.err
    assert "fixed.conll: 13 sentences" in done.out.decode()
    again = run_cli("check", "ner", "fixed.conll", "--fix", "again.conll", "--json")
    assert json.loads(again.out)["changes"] == {}
    assert "nothing to repair" in again.err
    assert (tmp_path / "again.conll").read_bytes() == (tmp_path / "fixed.conll").read_bytes()


def test_force_overwrites_and_quiet_is_quiet(check: Any, tmp_path: Path) -> None:
    (tmp_path / "fixed.conll").write_text("old")
    done = check(BROKEN, "--fix", "fixed.conll", "--force", "-q")
    assert (done.code, done.out, done.err) == (0, b"", "")
    assert (tmp_path / "fixed.conll").read_text().startswith("Ada\tB-PER\n")


def test_what_cannot_be_repaired_leaves_no_copy(check: Any, tmp_path: Path) -> None:
    done = check(BROKEN + "\n\nAda\tX-PER\n\n", "--fix", "fixed.conll")
    assert (done.code, done.out) == (3, b"")
    assert done.err.startswith("rnncli: error: t.conll:52: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.conll"]


def test_compressed_files_are_read_and_written(run_cli: Any, tmp_path: Path) -> None:
    (tmp_path / "t.conll.gz").write_bytes(gzip.compress(BROKEN.encode()))
    assert run_cli("check", "ner", "t.conll.gz", "--fix", "fixed.conll.gz").code == 0
    fixed = gzip.decompress((tmp_path / "fixed.conll.gz").read_bytes())
    assert fixed.decode() == GOOD + "no\tO\nBob\tB-PER\n\n"


@pytest.mark.parametrize(
    "broken",
    [
        GOOD.replace("met\tO", "met\to", 1),
        GOOD.replace("O\nx3", "O \nx3"),
        GOOD.replace("met\tO", "met O", 1),
        GOOD.replace("\n\n", "\n\t\n", 1),
        GOOD.replace("B-LOC\n\n", "B-LOC\t\n\n", 1),
        "word\tner\n" + GOOD,
        "\n".join(
            f"{i} {row}" if row else "" for i, row in enumerate(GOOD.replace("\t", " ", 99).split("\n"), 7)
        ).replace("met O", "met 0"),
    ],
)
def test_the_hints_of_errors_cure_them(check: Any, run_cli: Any, tmp_path: Path, broken: str) -> None:
    done = check(broken)
    assert done.code == 3
    program, *arguments = shlex.split(done.err.splitlines()[-1].removeprefix("hint: "))
    assert program == "rnncli"
    assert "--fix" in arguments
    assert run_cli(*arguments).code == 0
    assert run_cli("check", "ner", "fixed.conll").code == 0


def test_neither_torch_nor_numpy_is_needed(run_cli: Any, tmp_path: Path) -> None:
    (tmp_path / "t.conll").write_text(BROKEN)
    for name in ("torch", "numpy", "spacy", "safetensors"):
        (tmp_path / "blocked" / name).mkdir(parents=True)
        (tmp_path / "blocked" / name / "__init__.py").write_text(f"raise ImportError({name!r})")
    done = run_cli("check", "ner", "t.conll", "--fix", "f.conll", env={"PYTHONPATH": str(tmp_path / "blocked")})
    assert done.code == 0, done.err


@pytest.mark.skipif("RNNCLI_BENCH_DATA" not in os.environ, reason="RNNCLI_BENCH_DATA names no folder of data sets")
@pytest.mark.parametrize("name", ["wnut17", "germeval2014", "uner_chinese", "uner_swedish", "broad_twitter"])
def test_published_corpora_are_clean_but_for_the_last_blank_line(run_cli: Any, tmp_path: Path, name: str) -> None:
    train = Path(os.environ["RNNCLI_BENCH_DATA"]) / "ner" / name / "train.conll"
    done = run_cli("check", "ner", train, "--fix", tmp_path / "fixed.conll")
    assert done.code == 0
    assert (tmp_path / "fixed.conll").read_bytes().rstrip(b"\n") == train.read_bytes().rstrip(b"\n")
