"""What a start imports, and what prediction can do without."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "spacy", "rich", "torchtext", "sklearn", "pydantic")
SLOW = (
    *HEAVY,
    "safetensors",
    "importlib.metadata",
    "tempfile",
    "concurrent.futures",
    "multiprocessing",
    "asyncio",
    "logging",
    "email",
    "random",
    "zipfile",
    "typer.rich_utils",
    "numpy.random",
    "numpy.ma",
    "numpy.fft",
    "rnncli.cli.train",
)
"""What takes milliseconds to import, and no filter needs."""
MOST_MODULES = 75
"""Modules beyond those of NumPy and Typer that a start may import; each costs about a quarter of a millisecond."""

RUN = """
import sys
{before}
from rnncli.cli.app import run
code = run(sys.argv[1:])
print("code", code, "imported", [name for name in {heavy!r} if sys.modules.get(name)], file=sys.stderr)
"""
COUNT = """
import sys
from rnncli.cli.app import run
code = run(sys.argv[1:])
print(code, *sys.modules, file=sys.stderr)
"""
REFERENCE = "import sys, typer, numpy.typing\nprint(*sys.modules)"
INPUTS = {"conll": "Ada\tO\nmet\tO\n\n", "jsonl": '{"text":"Ada met"}\n'}


def run_inside(arguments: list[str | Path], *, before: str = "", stdin: str = "") -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(before=before, heavy=HEAVY), *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["tag", "--help"], ["train", "ner", "--help"], ["check", "ner", "--help"], ["-V"], ["tag", "--bogus"]],
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    _, err = run_inside(list(arguments))
    code = 2 if "--bogus" in arguments else 0
    assert err.splitlines()[-1] == f"code {code} imported []"


def test_help_does_not_even_import_numpy() -> None:
    script = "import sys\nfrom rnncli.cli.app import run\nrun(['--help'])\nassert 'numpy' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=False).returncode == 0


@pytest.mark.parametrize("source", ["raw", "tokens", "conll", "jsonl"])
def test_tagging_imports_neither_torch_nor_spacy_nor_rich(model: Path, source: str) -> None:
    stdin = INPUTS.get(source, "Ada met\n")
    out, err = run_inside(["tag", "-m", model, "--input", source], stdin=stdin)
    assert out == "Ada/B-PER met\n"
    assert err == "code 0 imported []\n"


@pytest.mark.parametrize("task", ["ner", "pos"])
def test_checking_imports_neither(gold: Path, task: str) -> None:
    _, err = run_inside(["check", task, gold, "--dev", gold])
    assert err == "code 0 imported []\n"


@pytest.mark.parametrize("command", [["info"], ["evaluate", "-m"]])
def test_the_other_commands_import_neither(model: Path, gold: Path, command: list[str]) -> None:
    arguments = [*command, model] + ([gold] if command[0] == "evaluate" else [])
    _, err = run_inside(arguments)
    assert err == "code 0 imported []\n"


BLOCKER = """
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {heavy!r}:
            raise ModuleNotFoundError("No module named " + repr(name))
sys.meta_path.insert(0, Blocker())
"""


def test_prediction_works_where_torch_and_spacy_are_not_installed(model: Path, gold: Path) -> None:
    blocker = BLOCKER.format(heavy=HEAVY)
    out, err = run_inside(["tag", "-m", model], before=blocker, stdin="Ada met Bob in Paris.\n")
    assert out == "Ada/B-PER met Bob/B-PER in Paris/B-LOC .\n"
    assert err == "code 0 imported []\n"
    out, err = run_inside(["evaluate", "-m", model, gold], before=blocker)
    assert err == "code 0 imported []\n"
    out, err = run_inside(["info", model], before=blocker)
    assert err == "code 0 imported []\n"


@pytest.fixture(scope="module")
def libraries() -> frozenset[str]:
    """The modules that NumPy and Typer are."""
    done = subprocess.run([sys.executable, "-c", REFERENCE], capture_output=True, text=True, timeout=60, check=True)
    return frozenset(done.stdout.split())


def imported(arguments: list[str | Path], stdin: str = "") -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", COUNT, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    code, *modules = done.stderr.splitlines()[-1].split()
    assert code == "0", done.stderr
    return set(modules)


@pytest.mark.parametrize(
    "flags",
    [["--input", source] for source in ("raw", "tokens", "conll", "jsonl")]
    + [["--format", name] for name in ("spans", "conll", "jsonl")]
    + [["--jsonl"], ["--scores"], ["--n-best", "2"]],
    ids=" ".join,
)
def test_tagging_starts_lightly(flags: list[str], model: Path, libraries: frozenset[str]) -> None:
    source = "jsonl" if flags[0] == "--jsonl" else flags[1] if flags[0] == "--input" else "raw"
    modules = imported(["tag", "-m", model, *flags], INPUTS.get(source, "Ada met\n"))
    assert not modules & set(SLOW)
    assert not modules & {"rnncli.cli.evaluate", "rnncli.cli.check", "rnncli.cli.info", "rnncli.metrics.spans"}
    assert "numpy" in modules
    assert len(modules - libraries) < MOST_MODULES


def test_evaluating_starts_lightly(model: Path, gold: Path, libraries: frozenset[str]) -> None:
    modules = imported(["evaluate", "-m", model, gold, "--threads", "1"])  # a second thread has a price of its own
    assert not modules & set(SLOW)
    assert not modules & {"rnncli.cli.tag", "rnncli.cli.check"}
    assert len(modules - libraries) < MOST_MODULES


def test_what_needs_no_numbers_does_without_numpy(model: Path, gold: Path, libraries: frozenset[str]) -> None:
    for arguments in (["info", model], ["check", "ner", gold], ["tag", "--help"], ["evaluate", "--help"], ["--help"]):
        modules = imported(arguments)
        assert not modules & (set(SLOW) - {"rnncli.cli.train"} | {"numpy"})
        assert ("rnncli.cli.train" in modules) == (arguments == ["--help"])
        assert len(modules - libraries) < MOST_MODULES


def test_a_start_looks_for_garbage_once_in_a_while_and_a_training_as_ever() -> None:
    script = "import gc, sys\nfrom rnncli.cli import app\napp.run = lambda _: print(gc.get_threshold()[0])\napp.main()"
    thresholds = [
        int(subprocess.run([sys.executable, "-c", script, name], capture_output=True, timeout=60, check=False).stdout)
        for name in ("tag", "train")
    ]
    assert thresholds[0] >= 50_000
    assert thresholds[1] <= 2_000


def test_a_damaged_model_is_found_before_anything_is_written(model: Path, tmp_path: Path) -> None:
    """The thread that checks the model and the filter that uses it meet before the first answer."""
    data = bytearray(model.read_bytes())
    data[-1] ^= 1
    (tmp_path / "damaged.rnn").write_bytes(data)
    out, err = run_inside(["tag", "-m", tmp_path / "damaged.rnn"], stdin="Ada met Bob.\n")
    assert out == ""
    assert "its checksum does not match" in err
    assert err.splitlines()[-1] == "code 4 imported []"
