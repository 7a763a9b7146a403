"""Training rate: `rnncli train ner` with its default flags against the same model built plainly with torch.

The peer, peers/plain_tagger.py, has the same features, sizes, settings, batches and number of updates, and is built of
torch's own parts as anyone would put them together. Both score dev after every pass, and only rnncli checks the data,
fits its confidence and writes a model, so the rate of the whole process flatters the peer. `updates alone` is what
each says of its own passes, dev left out. That the two learn the same thing shows in the loss, which is checked, and in
the F1 of dev, which differs from seed to seed by several points: each training has a seed of its own.

With threads `default`, rnncli takes one and torch as many as there are cores.

python tests/benchmarks/train_rate.py --epochs 3 --threads 1 default
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from statistics import harmonic_mean, median

from measuring import (
    PEERS,
    Comparison,
    Ran,
    argument_parser,
    dataset,
    interleave,
    note,
    report,
    rnncli,
    run,
    thread_environment,
)
from peers.columns import iterate_gold, split_path

_EPOCH = re.compile(r"^epoch \d+ +loss ([\d.]+)  dev f1 ([\d.]+)  ([\d,]+) tokens/s", re.MULTILINE)
_TOLERANCE = 0.15
"""By which share the losses of two that learn the same may differ: their random numbers are not the same."""


_UNITS = {
    "updates alone": "tokens/s",
    "whole process": "tokens/s",
    "whole process, processors' time": "tokens/s",
    "loss of the last pass": "nats/token",
    "dev F1 of the last pass": "0-100",
}


def figures(ran: Ran, num_tokens: int, epochs: int) -> dict[str, float]:
    """Read what a process has said of its passes.

    Args:
        ran: the process.
        num_tokens: of one pass.
        epochs: passes.

    Returns:
        The figures of `_UNITS`.
    """
    passes = [[float(cell.replace(",", "")) for cell in found] for found in _EPOCH.findall(ran.stderr)]
    if len(passes) != epochs:
        raise SystemExit(f"{epochs} passes were asked for and {len(passes)} were seen:\n{ran.stderr}")
    loss, f1, _ = passes[-1]
    rates = (harmonic_mean([rate for *_, rate in passes]), num_tokens * epochs / ran.wall_s)
    return dict(zip(_UNITS, (*rates, num_tokens * epochs / ran.cpu_s, loss, 100 * f1), strict=True))


def compare(threads: str, data: Path, work: Path, args: argparse.Namespace) -> list[Comparison]:
    """Train both in turns, with one setting of the threads."""
    number = None if threads == "default" else int(threads)
    ours = rnncli("train", "ner", split_path(data, "train"), "--dev", split_path(data, "dev"))
    ours += ["-o", str(work / "model.rnn"), "--force", "--device", "cpu"]
    if number is not None:
        ours += ["--threads", threads]
    peer = [sys.executable, str(PEERS / "plain_tagger.py"), "train", str(data)]
    note(f"training both, threads {threads}")

    def trainings(command: list[str]) -> Iterator[Ran]:
        for seed in count(args.seed):
            chosen = ["--epochs", str(args.epochs), "--seed", str(seed)]
            yield run([*command, *chosen], environment=thread_environment(number))

    actions = {side: partial(next, trainings(command)) for side, command in (("peer", peer), ("ours", ours))}
    ran = interleave(actions, 1 if args.quick else args.runs, rehearse=False)
    num_tokens = sum(len(tokens) for tokens, _ in iterate_gold(split_path(data, "train")))
    values = {side: [figures(one, num_tokens, args.epochs) for one in of_side] for side, of_side in ran.items()}
    comparisons = [
        Comparison(f"threads {threads}: {what}", unit, *(_column(values[side], what) for side in ("ours", "peer")))
        for what, unit in _UNITS.items()
    ]
    losses = {side: median(_column(of_side, "loss of the last pass")) for side, of_side in values.items()}
    if not args.quick and abs(losses["ours"] / losses["peer"] - 1) > _TOLERANCE:
        raise SystemExit(f"they do not learn the same: losses of {losses['ours']:.4f} and {losses['peer']:.4f}")
    return comparisons


def _column(values: Sequence[dict[str, float]], what: str) -> list[float]:
    return [figures[what] for figures in values]


def main() -> None:
    """Measure and report."""
    parser = argument_parser(__doc__)
    parser.add_argument("--dataset", default="ner/wnut17", help="trained on, of spans [default: %(default)s]")
    parser.add_argument("--epochs", type=int, default=3, help="passes over the data [default: %(default)s]")
    parser.add_argument("--seed", type=int, default=1, help="of the first training of each [default: %(default)s]")
    parser.add_argument("--threads", nargs="+", default=["1", "default"], metavar="N|default", help="one after another")
    parser.add_argument("--runs", type=int, default=3, help="trainings of each [default: %(default)s]")
    args = parser.parse_args()
    if args.quick:
        args.epochs = 1
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        data = dataset(args.dataset, work, quick=args.quick)
        comparisons = [row for threads in args.threads for row in compare(threads, data, work, args)]
    settings = {"peer": "peers/plain_tagger.py", "dataset": args.dataset, "epochs": args.epochs, "seed": args.seed}
    report("train_rate", comparisons, settings, as_json=args.json)


if __name__ == "__main__":
    main()
