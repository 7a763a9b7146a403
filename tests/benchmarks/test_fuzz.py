"""The fuzzing of every reader: a small run of it, and that it finds what is wrong and makes it again."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
KINDS = ("gold", "raw", "tokens", "conll", "conllu", "jsonl", "vectors", "model", "text", "rules")


def fuzz(folder: Path, *arguments: str, broken: str = "") -> subprocess.CompletedProcess[str]:
    """Run the script, after lines of Python that break something."""
    start = f"import sys; sys.path.insert(0, {str(FOLDER)!r}); import fuzz\n{broken}\nsys.exit(fuzz.main())"
    return subprocess.run(
        [sys.executable, "-c", start, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def test_ten_thousand_inputs(tmp_path: Path) -> None:
    done = fuzz(tmp_path, "--inputs", "10000")
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.findall(r"^(\w+) +([\d,]+) inputs +([\d,]+) accepted +([\d,]+) refused", done.stdout, re.MULTILINE)
    assert [kind for kind, *_ in found] == list(KINDS)
    counts = [[int(count.replace(",", "")) for count in row] for _, *row in found]
    assert 9900 < sum(row[0] for row in counts) <= 10_000
    # Inputs that are all refused, or all accepted, would reach little of what a reader does; text has no wrong form.
    assert all(row[1] >= 10 for row in counts)
    assert all(row[2] >= 10 for kind, row in zip(KINDS, counts, strict=True) if kind != "text")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        ("gold", "from rnncli.data.formats import gold_problems as m; m.text_fault = lambda line: None"),
        (
            "raw",
            "from rnncli.data.tokenizer import Tokenizer as T; T._apply_exceptions = lambda s, t, spans: spans[1:]",
        ),
        ("conll", "from rnncli.data.formats import tag_columns as m; m._widened = lambda line, r, o: line.strip()"),
        ("jsonl", "from rnncli.data.formats import tagged as m; m.add_field = lambda source, field, value: source"),
        ("model", "from rnncli.inference import tagging as m; m.model_file.require = lambda *_: None"),
    ],
)
def test_a_broken_reader_is_found_and_its_input_made_again(kind: str, broken: str, tmp_path: Path) -> None:
    done = fuzz(tmp_path, "--only", kind, "--inputs", "1500", "--seed", "7", broken=broken)
    assert done.returncode == 1, done.stdout
    again = re.search(rf"^python tests/benchmarks/fuzz\.py --only {kind} --seed 7 --number (\d+)$", done.stderr, re.M)
    assert again is not None
    saved = tmp_path / f"fuzz-{kind}-7-{again[1]}.input"
    data = saved.read_bytes()
    saved.unlink()
    arguments = ("--only", kind, "--seed", "7", "--number", again[1])
    assert fuzz(tmp_path, *arguments, broken=broken).returncode == 1
    assert saved.read_bytes() == data
    assert fuzz(tmp_path, *arguments).returncode == 0


def test_a_reader_that_hangs_is_found(tmp_path: Path) -> None:
    broken = (
        "import time; fuzz._TIME_LIMIT_S = 0.2; from rnncli.data.formats import vectors as m\n"
        "m._parse = lambda *_: time.sleep(60)"
    )
    done = fuzz(tmp_path, "--only", "vectors", "--inputs", "10", broken=broken)
    assert (done.returncode, "TooSlowError: more than 0.2 s" in done.stderr) == (1, True)


def test_a_number_needs_its_kind(tmp_path: Path) -> None:
    done = fuzz(tmp_path, "--number", "3")
    assert (done.returncode, "--number needs --only" in done.stderr) == (2, True)
