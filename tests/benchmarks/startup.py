"""Start-up: whole processes that have next to nothing to do, against `import spacy` in the same interpreter.

Beside the clock's time stands the processors', which other work on the machine changes less; a thread that reads the
model while the imports go on makes the first shorter and the second longer.

python tests/benchmarks/startup.py --model ner.rnn
"""

import os
import resource
import sys
import tempfile
from functools import partial
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from measuring import Comparison, argument_parser, dataset, interleave, note, report, rnncli, seconds, train_tagger
from peers.columns import read_sentences, split_path

_LINE = b"Angela Merkel flew to Paris.\n"
_COLUMNS = b"Angela\tO\nMerkel\tO\nflew\tO\nto\tO\nParis\tO\n.\tO\n\n"
_JSON = b'{"text":"Angela Merkel flew to Paris."}\n'
_SENTENCES = 10
"""Of gold, for `evaluate` and `check`."""
_UPDATES = 20
"""A model's start does not depend on how good it is."""
_PEER = "import spacy"


def commands(model: Path, gold: Path) -> dict[str, tuple[list[str], bytes]]:
    """Return what is started, with what comes through its pipe, by name."""
    python = sys.executable
    found = {
        "tag, a raw line": (rnncli("tag", "-m", model), _LINE),
        "tag, columns": (rnncli("tag", "-m", model, "--input", "conll", "--format", "conll"), _COLUMNS),
        "tag, JSON": (rnncli("tag", "-m", model, "--jsonl"), _JSON),
        "tag --scores": (rnncli("tag", "-m", model, "--scores"), _LINE),
        "evaluate": (rnncli("evaluate", "-m", model, gold), b""),
        "check": (rnncli("check", "ner", gold), b""),
        "info": (rnncli("info", model), b""),
        "--help": (rnncli("--help"), b""),
        "--version": (rnncli("--version"), b""),
        "import numpy, typer": ([python, "-c", "import numpy, typer"], b""),
        "python -c pass": ([python, "-c", "pass"], b""),
    }
    if find_spec("spacy") is not None:
        found[_PEER] = ([python, "-c", _PEER], b"")
    return found


def measure(command: list[str], stdin: bytes) -> tuple[float, float]:
    """Run a process and return its seconds, those of the clock and those of the processors."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall = seconds(command, stdin)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and report."""
    parser = argument_parser(__doc__)
    parser.add_argument("--dataset", default="ner/wnut17", help="what a model is trained on [default: %(default)s]")
    parser.add_argument("--model", type=Path, help=f"tagger to start [default: one trained with {_UPDATES} updates]")
    parser.add_argument("--runs", type=int, default=21, help="runs of each command [default: %(default)s]")
    args = parser.parse_args()
    # What pip installs is compiled, a working tree is only if Python may keep what it has compiled.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as name:
        data = dataset(args.dataset, Path(name), quick=args.quick)
        model, gold = args.model or Path(name) / "ner.rnn", Path(name) / "gold.conll"
        with open(split_path(data, "dev"), encoding="utf-8", newline="\n") as lines:
            sentences = list(islice(read_sentences(lines), _SENTENCES))
        gold.write_text("".join("".join("\t".join(row) + "\n" for row in rows) + "\n" for rows in sentences))
        if args.model is None:
            note(f"training on {args.dataset}")
            train_tagger(data, model, max_updates=_UPDATES)
        settings = {"model_mb": round(model.stat().st_size / 1e6, 2)}
        actions = {what: partial(measure, *call) for what, call in commands(model, gold).items()}
        times = interleave(actions, 2 if args.quick else args.runs)
    peer = times.pop(_PEER, [])
    comparisons = [
        Comparison(f"{what}, {clock}", "s", [pair[i] for pair in ours], [pair[i] for pair in peer])
        for i, clock in enumerate(("wall", "cpu"))
        for what, ours in times.items()
    ]
    report("startup", comparisons, {"peer": _PEER if peer else "not installed", **settings}, as_json=args.json)


if __name__ == "__main__":
    main()
