"""Start-up: the whole process that tags one line, and `rnncli --help`, against `import spacy` in the same interpreter.

python tests/benchmarks/startup.py --model ner.rnn
"""

import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from measuring import Comparison, argument_parser, dataset, interleave, note, report, rnncli, seconds, train_tagger

_LINE = b"Angela Merkel flew to Paris.\n"
_UPDATES = 20
"""A model's start does not depend on how good it is."""


def main() -> None:
    """Measure and report."""
    parser = argument_parser(__doc__)
    parser.add_argument("--dataset", default="ner/wnut17", help="what a model is trained on [default: %(default)s]")
    parser.add_argument("--model", type=Path, help=f"tagger to start [default: one trained with {_UPDATES} updates]")
    parser.add_argument("--runs", type=int, default=11, help="runs of each command [default: %(default)s]")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        data = dataset(args.dataset, Path(name), quick=args.quick)
        model = args.model or Path(name) / "ner.rnn"
        if args.model is None:
            note(f"training on {args.dataset}")
            train_tagger(data, model, max_updates=_UPDATES)
        megabytes = model.stat().st_size / 1e6
        actions = {
            "tag one line": lambda: seconds(rnncli("tag", "-m", model), _LINE),
            "--help": lambda: seconds(rnncli("--help")),
            "python -c pass": lambda: seconds([sys.executable, "-c", "pass"]),
        }
        if find_spec("spacy") is not None:
            actions["import spacy"] = lambda: seconds([sys.executable, "-c", "import spacy"])
        times = interleave(actions, 2 if args.quick else args.runs)
    peer = times.pop("import spacy", None)
    settings = {"peer": "python -c 'import spacy'" if peer else "not installed", "model_mb": round(megabytes, 2)}
    report("startup", [Comparison(what, "s", ours, peer) for what, ours in times.items()], settings, as_json=args.json)


if __name__ == "__main__":
    main()
