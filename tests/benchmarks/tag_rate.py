"""Tagging rate: the whole process of `rnncli tag` against that of CRFsuite or spaCy, on the same long file.

All read CoNLL columns and write them with one column more; spaCy gets the tokens as they are. The file is a split of
the data set, repeated: repeated words favour whoever remembers them, so `--split train` is the harder text, though not
an unseen one. The second row counts the seconds of all processors, which other work on the machine lengthens less.

CRFsuite has its usual hand-written features. spaCy has its entity recogniser with the settings for efficiency, trained
for a few steps only: how fast it is does not depend on how good it is.

python tests/benchmarks/tag_rate.py --model ner.rnn --peer-python PYTHON
python tests/benchmarks/tag_rate.py --model ner.rnn --peer spacy
"""

import argparse
import tempfile
from functools import partial
from pathlib import Path

from measuring import (
    PEERS,
    Comparison,
    Ran,
    add_peer_python,
    argument_parser,
    dataset,
    interleave,
    note,
    report,
    rnncli,
    run,
    seconds,
    train_tagger,
)
from peers.columns import read_sentences

_PEERS = {"crfsuite": "crfsuite_ner", "spacy": "spacy_tagger"}


def repeat_file(source: Path, target: Path, num_tokens: int) -> int:
    """Write a file again and again until it has enough tokens.

    Args:
        source: CoNLL columns.
        target: file to write.
        num_tokens: that the file has at least.

    Returns:
        The tokens that it has.
    """
    with open(source, encoding="utf-8", newline="\n") as lines:
        text = ["\n".join("\t".join(row) for row in rows) for rows in read_sentences(lines)]
    once = sum(sentence.count("\n") + 1 for sentence in text)
    times = -(-num_tokens // once)
    target.write_text("\n\n".join(text * times) + "\n\n", encoding="utf-8", newline="\n")
    return once * times


def count_rows(path: Path) -> int:
    """Return how many lines of a file are not blank."""
    with open(path, "rb") as lines:
        return sum(line != b"\n" for line in lines)


def train_peer(args: argparse.Namespace, data: Path, model: Path) -> None:
    """Train the peer."""
    note(f"training {args.peer} on {args.dataset}")
    command = [args.peer_python, str(PEERS / f"{_PEERS[args.peer]}.py"), "train", str(data), str(model)]
    if args.peer == "spacy":
        command += ["--max-steps", "20" if args.quick else str(args.peer_steps)]
    seconds(command)


def compare(args: argparse.Namespace, work: Path) -> tuple[int, dict[str, list[Ran]]]:
    """Train what is missing, tag in turns, and check that no row got lost.

    Returns:
        The tokens that were tagged, and the runs of each side.
    """
    data = dataset(args.dataset, work, quick=args.quick)
    model, peer_model = args.model or work / "ner.rnn", args.peer_model or work / "peer.model"
    if args.peer_model is None:
        train_peer(args, data, peer_model)
    if args.model is None:
        note(f"training rnncli on {args.dataset}")
        train_tagger(data, model, max_updates=20 if args.quick else None)
    big, outputs = work / "big.conll", {"ours": work / "ours.conll", "peer": work / "peer.conll"}
    num_tokens = repeat_file(data / f"{args.split}.conll", big, 10_000 if args.quick else args.tokens)
    ours = rnncli("tag", "-q", "-m", model, "--input", "conll", "--format", "conll", big)
    if args.threads is not None:
        ours += ["--threads", str(args.threads)]
    peer = [args.peer_python, str(PEERS / f"{_PEERS[args.peer]}.py"), "predict", str(peer_model), str(big)]
    actions = {side: partial(run, command, stdout=outputs[side]) for side, command in (("peer", peer), ("ours", ours))}
    runs = interleave(actions, 2 if args.quick else args.runs)
    for side, path in outputs.items():
        if count_rows(path) != num_tokens:
            raise SystemExit(f"{side}: {num_tokens} rows went in and {count_rows(path)} came out")
    return num_tokens, runs


def main() -> None:
    """Measure and report."""
    parser = argument_parser(__doc__)
    parser.add_argument("--dataset", default="ner/germeval2014", help="trained on and tagged [default: %(default)s]")
    parser.add_argument("--split", choices=("train", "dev", "test"), default="test", help="tagged [default: test]")
    parser.add_argument("--peer", choices=sorted(_PEERS), default="crfsuite", help="[default: %(default)s]")
    parser.add_argument("--model", type=Path, help="our model [default: one trained with the default flags]")
    parser.add_argument("--peer-model", type=Path, help="the peer's model [default: one trained here]")
    parser.add_argument("--peer-steps", type=int, default=300, help="spaCy's training [default: %(default)s]")
    parser.add_argument("--tokens", type=int, default=500_000, help="tokens at least [default: %(default)s]")
    parser.add_argument("--threads", type=int, help="ours; the peer has its own [default: the filter's choice]")
    parser.add_argument("--runs", type=int, default=5, help="runs of each [default: %(default)s]")
    add_peer_python(parser)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        num_tokens, runs = compare(args, Path(name))
    clocks = {"tag": "wall_s", "tag, processors' time": "cpu_s"}
    comparisons = []
    for what, clock in clocks.items():
        rates = {side: [num_tokens / getattr(ran, clock) for ran in of_side] for side, of_side in runs.items()}
        comparisons.append(Comparison(what, "tokens/s", rates["ours"], rates["peer"]))
    settings = {
        "peer": args.peer,
        "dataset": args.dataset,
        "split": args.split,
        "tokens": num_tokens,
        "threads": args.threads or "default",
    }
    report("tag_rate", comparisons, settings, as_json=args.json)


if __name__ == "__main__":
    main()
