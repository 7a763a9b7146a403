"""Cells: test score, seconds of training and tagging rate of every recurrent cell, with the default flags otherwise.

Each cell is compared with the first one, `gru`, in the column of the peer.

python tests/benchmarks/cells.py pos/ud_armenian_bsut ner/wnut17
"""

import argparse
import tempfile
from pathlib import Path

from measuring import Comparison, argument_parser, dataset, note, report, rnncli, seconds, train_tagger
from peers.columns import read_gold, split_path
from train_tagger import megabytes, score

_DATASETS = ("pos/ud_armenian_bsut", "ner/wnut17")
_CELLS = {
    "gru": (),
    "lstm": ("--cell", "lstm"),
    "rnn tanh": ("--cell", "rnn"),
    "rnn relu": ("--cell", "rnn", "--activation", "relu"),
    "indrnn relu": ("--cell", "indrnn", "--activation", "relu"),
    "qrnn": ("--cell", "qrnn"),
    "mingru": ("--cell", "mingru"),
}
_UNITS = {"test score": "0-100", "training": "s", "tagging": "tokens/s", "model": "MB"}
_TAGGINGS = 3


def measure(data: Path, model: Path, flags: tuple[str, ...], seed: int, *, quick: bool) -> dict[str, float]:
    """Train and tag with one cell; the rate is that of the whole process, the best of some runs."""
    duration = train_tagger(data, model, seed=seed, max_updates=20 if quick else None, flags=flags)
    gold, output = split_path(data, "test"), model.with_suffix(".conll")
    tag = rnncli("tag", "-q", "-m", model, "--input", gold.suffix[1:], "--format", "conll", gold)
    fastest = min(seconds(tag, stdout=output) for _ in range(_TAGGINGS))
    num_tokens = sum(len(tokens) for tokens, _ in read_gold(gold))
    figures = (score(gold, output), duration, num_tokens / fastest, megabytes(model))
    return dict(zip(_UNITS, figures, strict=True))


def compare(name: str, folder: Path, args: argparse.Namespace) -> list[Comparison]:
    """Train every cell on one data set, seed after seed."""
    data = dataset(name, folder, quick=args.quick)
    runs: dict[str, list[dict[str, float]]] = {cell: [] for cell in _CELLS}
    for seed in range(1, 1 + (1 if args.quick else args.seeds)):
        for cell, flags in _CELLS.items():
            note(f"{name}, {cell}, seed {seed}")
            runs[cell].append(measure(data, folder / "model.rnn", flags, seed, quick=args.quick))
    sides = {cell: {what: [run[what] for run in of_cell] for what in _UNITS} for cell, of_cell in runs.items()}
    return [
        Comparison(f"{name} {cell} {what}", unit, values[what], sides["gru"][what], centre="mean")
        for cell, values in sides.items()
        for what, unit in _UNITS.items()
    ]


def main() -> None:
    """Measure and report."""
    parser = argument_parser(__doc__)
    parser.add_argument("datasets", nargs="*", metavar="DATASET", default=_DATASETS, help=f"default: {_DATASETS}")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="trainings of each [default: %(default)s]")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        comparisons = [row for name in args.datasets for row in compare(name, Path(folder), args)]
    report("cells", comparisons, {"peer": "gru", "seeds": 1 if args.quick else args.seeds}, as_json=args.json)


if __name__ == "__main__":
    main()
