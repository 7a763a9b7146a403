"""Tagging rate: the whole process of `rnncli tag` against that of CRFsuite with its features, on the same long file.

Both read CoNLL columns and write them with one column more. The file is a split of the data set, repeated: repeated
words favour whoever remembers them, so `--split train` is the harder text, though not an unseen one.

python tests/benchmarks/tag_rate.py --model ner.rnn --peer-python PYTHON
"""

import tempfile
from functools import partial
from pathlib import Path

from measuring import (
    PEERS,
    Comparison,
    add_peer_python,
    argument_parser,
    dataset,
    interleave,
    note,
    report,
    rnncli,
    seconds,
    train_tagger,
)
from peers.columns import read_sentences


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


def main() -> None:
    """Train what is missing, measure, check that no row got lost, and report."""
    parser = argument_parser(__doc__)
    parser.add_argument("--dataset", default="ner/germeval2014", help="trained on and tagged [default: %(default)s]")
    parser.add_argument("--split", choices=("train", "dev", "test"), default="test", help="tagged [default: test]")
    parser.add_argument("--model", type=Path, help="our model [default: one trained with the default flags]")
    parser.add_argument("--peer-model", type=Path, help="CRFsuite's model [default: one trained here]")
    parser.add_argument("--tokens", type=int, default=500_000, help="tokens at least [default: %(default)s]")
    parser.add_argument("--threads", type=int, help="ours; CRFsuite has one [default: the filter's own choice]")
    parser.add_argument("--runs", type=int, default=5, help="runs of each [default: %(default)s]")
    add_peer_python(parser)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        data = dataset(args.dataset, work, quick=args.quick)
        model, peer_model = args.model or work / "ner.rnn", args.peer_model or work / "crfsuite.model"
        peer = [args.peer_python, str(PEERS / "crfsuite_ner.py")]
        if args.peer_model is None:
            note(f"training CRFsuite on {args.dataset}")
            seconds([*peer, "train", str(data), str(peer_model)])
        if args.model is None:
            note(f"training rnncli on {args.dataset}")
            train_tagger(data, model, max_updates=20 if args.quick else None)
        big, outputs = work / "big.conll", {"ours": work / "ours.conll", "peer": work / "peer.conll"}
        num_tokens = repeat_file(data / f"{args.split}.conll", big, 10_000 if args.quick else args.tokens)
        ours = rnncli("tag", "-q", "-m", model, "--input", "conll", "--format", "conll", big)
        if args.threads is not None:
            ours += ["--threads", str(args.threads)]
        commands = {"peer": [*peer, "predict", str(peer_model), str(big)], "ours": ours}
        actions = {side: partial(seconds, command, stdout=outputs[side]) for side, command in commands.items()}
        times = interleave(actions, 2 if args.quick else args.runs)
        for side, path in outputs.items():
            if count_rows(path) != num_tokens:
                raise SystemExit(f"{side}: {num_tokens} rows went in and {count_rows(path)} came out")
    rates = {side: [num_tokens / duration for duration in durations] for side, durations in times.items()}
    settings = {
        "peer": "CRFsuite",
        "dataset": args.dataset,
        "split": args.split,
        "tokens": num_tokens,
        "threads": args.threads or "default",
    }
    report("tag_rate", [Comparison("tag", "tokens/s", rates["ours"], rates["peer"])], settings, as_json=args.json)


if __name__ == "__main__":
    main()
