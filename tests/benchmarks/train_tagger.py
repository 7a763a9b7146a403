"""Training: test score, seconds and size of `rnncli train ner|pos` with its default flags, against a peer in one run.

A data set of .conllu files is one of parts of speech and is scored by the accuracy of UPOS; all others hold spans,
whose F1 is seqeval's in its default mode, micro-averaged as conlleval counts. Scores come from the files that `rnncli
tag` and the peer write. The seconds are those of the whole training process; ours include the scoring of dev and
test. CRFsuite draws nothing at random, so only its seconds vary from seed to seed.

python tests/benchmarks/train_tagger.py ner/wnut17 --seeds 3 --peer crfsuite --peer-python PYTHON
python tests/benchmarks/train_tagger.py pos/ud_english_ewt --seeds 1 --peer spacy
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
from peers.columns import read_gold, read_sentences, split_path

_PEERS = {"crfsuite": "crfsuite_ner", "spacy": "spacy_tagger"}
_DATASETS = ("ner/wnut17", "ner/germeval2014")
_UNITS = {"test score": "0-100", "training": "s", "model": "MB"}
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


def accuracy(gold: Path, predicted: Path) -> float:
    """Return the share of right tags, 0 to 100, of a file of columns whose last one holds the predictions."""
    right = [tag for _, tags in read_gold(gold) for tag in tags]
    with open(predicted, encoding="utf-8", newline="\n") as lines:
        # The peer writes no rows but those of tokens; ours has comments and ranges in between, as the gold file has.
        rows = [row for sentence in read_sentences(lines) for row in sentence]
    guesses = [row[-1] for row in rows if len(row) == 3 or row[0].isdigit()]
    return 100 * sum(tag == guess for tag, guess in zip(right, guesses, strict=True)) / len(right)


def score(gold: Path, predicted: Path) -> float:
    """Return the score of the task that the gold file is for, 0 to 100."""
    return accuracy(gold, predicted) if gold.suffix == ".conllu" else micro_f1(predicted)


def run_ours(data: Path, model: Path, seed: int, *, quick: bool) -> Figures:
    """Train, tag and score ours."""
    duration = train_tagger(data, model, seed=seed, max_updates=20 if quick else None)
    output = model.with_suffix(".conll")
    gold = split_path(data, "test")
    tag = rnncli("tag", "-q", "-m", model, "--input", gold.suffix[1:], "--format", "conll", gold)
    seconds(tag, stdout=output)
    return {"test score": score(gold, output), "training": duration, "model": megabytes(model)}


def run_peer(peer: str, python: str, data: Path, model: Path, seed: int, *, quick: bool) -> Figures:
    """Train, tag and score the peer."""
    script = [python, str(PEERS / f"{_PEERS[peer]}.py")]
    training = [*script, "train", str(data), str(model), "--seed", str(seed)]
    if quick and peer == "spacy":
        training += ["--max-steps", "20"]
    duration = seconds(training)
    output = model.with_suffix(".conll")
    gold = split_path(data, "test")
    seconds([*script, "predict", str(model), str(gold)], stdout=output)
    return {"test score": score(gold, output), "training": duration, "model": megabytes(model)}


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
    report("train_tagger", comparisons, settings, as_json=args.json)


if __name__ == "__main__":
    main()
