"""What a start imports, and what prediction can do without."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "spacy", "rich", "torchtext", "sklearn", "pydantic")

RUN = """
import sys
{before}
from rnncli.cli.app import run
code = run(sys.argv[1:])
print("code", code, "imported", [name for name in {heavy!r} if sys.modules.get(name)], file=sys.stderr)
"""


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
    stdin = {"conll": "Ada\tO\nmet\tO\n\n", "jsonl": '{"text":"Ada met"}\n'}.get(source, "Ada met\n")
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
