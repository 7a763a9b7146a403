"""Training: test F1, seconds and size of `rnncli train ner` with its default flags, against a peer in the same run.

F1 is seqeval's in its default mode, micro-averaged as conlleval counts, from the files that `rnncli tag` and the peer
write. The seconds are those of the whole training process; ours include the scoring of dev and test. CRFsuite draws
nothing at random, so only its seconds vary from seed to seed.

python tests/benchmarks/train_ner.py ner/wnut17 --seeds 3 --peer crfsuite --peer-python PYTHON
"""

import argparse
import contextlib
import tempfile
import warnings
from collections import defaultdict
from pathlib import Path

from measuring import (
    PEERS,
    Comparison,
    add_peer_python,
    argument_parser,
    data_folder,
    dataset,
    note,
    report,
    rnncli,
    seconds,
    train_tagger,
)
from peers.columns import read_sentences

_DATASETS = ("ner/wnut17", "ner/germeval2014")
_UNITS = {"test F1": "0-100", "training": "s", "model": "MB"}
Figures = dict[str, float]


def micro_f1(path: Path) -> float:
    """Return the micro F1, 0 to 100, of a file whose last two columns are the gold and the predicted tags."""
    from seqeval.metrics import f1_score

    with open(path, encoding="utf-8", newline="\n") as lines:
        sentences = list(read_sentences(lines))
    gold, predicted = ([[row[column] for row in rows] for rows in sentences] for column in (-2, -1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nothing predicted: F1 is 0
        return 100 * float(f1_score(gold, predicted))


def run_ours(data: Path, model: Path, seed: int, *, quick: bool) -> Figures:
    """Train, tag and score ours."""
    duration = train_tagger(data, model, seed=seed, max_updates=20 if quick else None)
    output = model.with_suffix(".conll")
    tag = rnncli("tag", "-q", "-m", model, "--input", "conll", "--format", "conll", data / "test.conll")
    seconds(tag, stdout=output)
    return {"test F1": micro_f1(output), "training": duration, "model": megabytes(model)}


def run_peer(peer: str, python: str, data: Path, model: Path, seed: int, *, quick: bool) -> Figures:
    """Train, tag and score the peer."""
    script = [python, str(PEERS / f"{peer}_ner.py")]
    training = [*script, "train", str(data), str(model), "--seed", str(seed)]
    if quick and peer == "spacy":
        training += ["--max-steps", "20"]
    duration = seconds(training)
    output = model.with_suffix(".conll")
    seconds([*script, "predict", str(model), str(data / "test.conll")], stdout=output)
    return {"test F1": micro_f1(output), "training": duration, "model": megabytes(model)}


def megabytes(model: Path) -> float:
    """Return the size of a model, which is a file or a folder."""
    files = model.rglob("*") if model.is_dir() else [model]
    return sum(path.stat().st_size for path in files if path.is_file()) / 1e6


def compare(name: str, folder: Path, args: argparse.Namespace) -> list[Comparison]:
    """Train both on one data set with every seed, in turns."""
    data = dataset(name, folder, quick=args.quick)
    runs: dict[str, list[Figures]] = defaultdict(list)
    for seed in range(1, 1 + (1 if args.quick else args.seeds)):
        stem = f"{name.replace('/', '-')}-{seed}"
        note(f"{name}, seed {seed}")
        runs["ours"].append(run_ours(data, folder / f"{stem}.rnn", seed, quick=args.quick))
        if args.peer != "none":
            model = folder / f"{stem}.{args.peer}"
            figures = run_peer(args.peer, args.peer_python, data, model, seed, quick=args.quick)
            runs["peer"].append(figures)
    sides = {side: {what: [run[what] for run in of_side] for what in _UNITS} for side, of_side in runs.items()}
    return [
        Comparison(f"{name} {what}", unit, sides["ours"][what], sides.get("peer", {}).get(what), centre="mean")
        for what, unit in _UNITS.items()
    ]


def main() -> None:
    """Measure and report."""
    parser = argument_parser(__doc__)
    parser.add_argument("datasets", nargs="*", metavar="DATASET", default=_DATASETS, help=f"default: {_DATASETS}")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="trainings of each [default: %(default)s]")
    parser.add_argument("--peer", choices=("crfsuite", "spacy", "none"), default="crfsuite")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep models and tagged files here")
    add_peer_python(parser)
    args = parser.parse_args()
    data_folder()
    if args.keep is not None:
        args.keep.mkdir(parents=True, exist_ok=True)
    with contextlib.nullcontext(args.keep) if args.keep else tempfile.TemporaryDirectory() as folder:
        comparisons = [row for name in args.datasets for row in compare(name, Path(folder), args)]
    settings = {"peer": args.peer, "seeds": 1 if args.quick else args.seeds}
    report("train_ner", comparisons, settings, as_json=args.json)


if __name__ == "__main__":
    main()
