"""Roofline: what training and tagging compute, how fast the machine could do it, and where the rest of the time goes.

Products of matrices are nearly all of the arithmetic. What they are is known from the sizes of the model; how fast the
machine multiplies is measured with the libraries that compute them, at sizes like the model's and at a large one. The
fastest of them on one thread is the bound. Each part of a training step and of tagging then has its seconds, as
profile_parts.py counts them on one thread, its operations, its rate, and the share of the bound that it reaches. A
part without operations moves memory or runs Python.

Operations are counted once for each token, or once for each distinct word of a batch where the model computes them so;
padding counts for nothing. Going back takes twice the operations of going forward, one half for the inputs and one for
the weights.

python tests/benchmarks/roofline.py --model ner.rnn --epochs 2
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from measuring import argument_parser, dataset, interleave, machine, note, run, thread_environment
from peers.columns import split_path
from profile_parts import BACKWARD, REST
from tag_rate import repeat_file

from rnncli import model_file
from rnncli.config import TaggerConfig, tagger_config
from rnncli.data.features import KINDS

_LARGE = 1024
"""Rows and columns of matrices that are large enough for any library."""

_AROUND = {
    "train": (
        "start",
        "tokenizer's rules",
        "read",
        "features",
        "build",
        "build the optimizer",
        "scoring",
        "write",
        REST,
    ),
    "tag": ("start", "load"),
}
"""Parts that are no training step, or that are done once however long the text is."""

_WORDS = {"train": "words", "tag": "new words"}
_COUNTED = ("tokens", "sentences", "words")
_TITLES = {"train": "training step", "tag": "tagging"}


@dataclass(frozen=True, slots=True)
class Work:
    """What one command did.

    Attributes:
        command: `train` or `tag`.
        config: sizes of the model.
        num_tags: K.
        seconds: of each part, the median over runs.
        counts: batches, sentences, tokens, and words computed.
    """

    command: str
    config: TaggerConfig
    num_tags: int
    seconds: Mapping[str, float]
    counts: Mapping[str, int]

    def products(self) -> dict[str, tuple[int, int, int]]:
        """Return the mean sizes of the products of each part that has some: rows, inner size, columns."""
        counts = self.counts
        tokens, sentences, words = (round(counts[name] / counts["batches"]) for name in _COUNTED)
        features, hidden = self.config.features, self.config.encoder.hidden_size
        width = features.embedding_size * (len(KINDS) + 1) + features.vector_size
        return {
            _WORDS[self.command]: (words, width, features.projection_size * features.maxout_pieces),
            "input products": (words if self.command == "tag" else tokens, features.projection_size, 6 * hidden),
            "recurrence": (sentences, hidden, 3 * hidden),
            "output": (tokens, 2 * hidden, self.num_tags),
        }

    def operations(self) -> dict[str, float]:
        """Return the floating-point operations of each part for one token."""
        ratio = self.counts["words"] / self.counts["tokens"]
        found: dict[str, float] = {}
        for part, (_, inner, columns) in self.products().items():
            by_word = part == _WORDS[self.command] or (part == "input products" and self.command == "tag")
            directions = 2 if part == "recurrence" else 1
            found[part] = 2.0 * inner * columns * directions * (ratio if by_word else 1.0)
        if self.command == "train":
            found |= {part + BACKWARD: 2 * number for part, number in found.items()}
            # Both directions of the sums go forward; going back takes two products for the transitions.
            found |= {"CRF": 4.0 * self.num_tags**2, "CRF" + BACKWARD: 4.0 * self.num_tags**2}
        else:
            found["search"] = 2.0 * self.num_tags**2
        return found

    def rows(self, bound: float) -> list[dict[str, Any]]:
        """Return for each part its seconds, share, operations, rate and share of the bound in GFLOP/s."""
        operations, tokens = self.operations(), self.counts["tokens"]
        parts = {part: s for part, s in self.seconds.items() if part not in _AROUND[self.command]}
        total = sum(parts.values())
        rows = []
        for part, seconds in sorted(parts.items(), key=lambda item: -item[1]):
            rate = operations.get(part, 0.0) * tokens / seconds / 1e9 if seconds else 0.0
            rows.append(self._row(part, seconds, seconds / total, operations.get(part, 0.0), rate, bound))
        every = sum(operations.values())
        rows.append(self._row(_TITLES[self.command], total, 1.0, every, every * tokens / total / 1e9, bound))
        return rows

    def _row(
        self, part: str, seconds: float, share: float, operations: float, rate: float, bound: float
    ) -> dict[str, Any]:
        return {
            "part": part,
            "us_per_token": 1e6 * seconds / self.counts["tokens"],
            "share": share,
            "flop_per_token": operations,
            "gflop_per_s": rate,
            "share_of_bound": rate / bound,
        }


def profile(arguments: Sequence[str], runs: int, work: Path) -> tuple[dict[str, float], dict[str, int]]:
    """Run a command several times on one thread; return the median seconds of each part, and the counts."""
    found = work / "parts.json"
    command = [sys.executable, str(Path(__file__).with_name("profile_parts.py")), str(found), *arguments]
    results = []
    for _ in range(runs):
        run(command, environment=thread_environment(1))
        results.append(json.loads(found.read_text()))
    seconds = {part: median([result["seconds"].get(part, 0.0) for result in results]) for part in results[0]["seconds"]}
    return seconds, results[0]["counts"]


def describe(model: Path) -> tuple[TaggerConfig, int]:
    """Return the sizes of a model and the number of its tags."""
    metadata = model_file.read(model).metadata
    return tagger_config(metadata["config"]), sum(len(head["tags"]) for head in metadata["heads"])


def product_rates(shapes: Mapping[str, tuple[int, int, int]], args: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure products of all shapes with both libraries, on one thread and on two, in turns."""
    script = str(Path(__file__).with_name("product_rates.py"))
    texts = ["x".join(map(str, shape)) for shape in shapes.values()]
    cores = sorted({1, min(2, os.cpu_count() or 1)})
    with tempfile.TemporaryDirectory() as name:
        printed = Path(name) / "rates.json"

        def measure(library: str, threads: int) -> list[float]:
            command = [sys.executable, script, library, *texts, "--seconds", "0.05" if args.quick else "1"]
            if threads == 1:
                command.append("--one-thread")
            run(command, stdout=printed, environment=thread_environment(threads))
            rates: list[float] = json.loads(printed.read_text())
            return rates

        sides = [(library, threads) for threads in cores for library in ("torch", "numpy")]
        actions = {f"{library} {threads}": partial(measure, library, threads) for library, threads in sides}
        found = interleave(actions, 1 if args.quick else args.runs, rehearse=False)
    # Other work on the machine only ever lowers a rate.
    return [
        {"product": part, "shape": text} | {side: max(rates[i] for rates in of_side) for side, of_side in found.items()}
        for i, (part, text) in enumerate(zip(shapes, texts, strict=True))
    ]


def work_on(args: argparse.Namespace, work: Path) -> list[Work]:
    """Train and tag, with the parts timed."""
    data = dataset(args.dataset, work, quick=args.quick)
    model, big, runs = work / "model.rnn", work / "big.conll", 1 if args.quick else args.runs
    note(f"training on {args.dataset}")
    training = ["train", "ner", "-q", str(split_path(data, "train")), "--dev", str(split_path(data, "dev"))]
    training += ["-o", str(model), "--force", "--device", "cpu", "--epochs", "1" if args.quick else str(args.epochs)]
    trained = profile(training, runs, work)
    tagging_model = args.model or model
    repeat_file(data / f"{args.split}.conll", big, 10_000 if args.quick else args.tokens)
    note(f"tagging with {tagging_model.name}")
    tagging = ["tag", "-q", "-m", str(tagging_model), "--threads", "1", "--input", "conll", "--format", "conll"]
    tagged = profile([*tagging, str(big)], runs, work)
    return [Work("train", *describe(model), *trained), Work("tag", *describe(tagging_model), *tagged)]


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows below their names, the first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = [f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("  ".join((f"{row[0]:<{widths[0]}}", *cells)))
    print()


def print_work(work: Work, bound: float) -> None:
    """Print a command's parts, and in one line what is around them."""
    rows = [
        [
            row["part"],
            f"{row['us_per_token']:.3f}",
            f"{row['share']:.1%}",
            f"{row['flop_per_token']:,.0f}" if row["flop_per_token"] else "-",
            f"{row['gflop_per_s']:.1f}" if row["flop_per_token"] else "-",
            f"{row['share_of_bound']:.1%}" if row["flop_per_token"] else "-",
        ]
        for row in work.rows(bound)
    ]
    print_table([_TITLES[work.command], "us/token", "share", "FLOP/token", "GFLOP/s", "of the bound"], rows)
    around = [f"{part} {work.seconds[part]:.2f} s" for part in _AROUND[work.command] if part in work.seconds]
    print(f"around it: {', '.join(around)}")
    counts = {name: work.counts[name] / work.counts["batches"] for name in _COUNTED}
    print(f"a batch: {', '.join(f'{value:.1f} {name}' for name, value in counts.items())} computed\n")


def main() -> None:
    """Measure and report."""
    parser = argument_parser(__doc__)
    parser.add_argument("--dataset", default="ner/wnut17", help="trained on and tagged [default: %(default)s]")
    parser.add_argument("--split", choices=("train", "dev", "test"), default="test", help="tagged [default: test]")
    parser.add_argument("--model", type=Path, help="tags [default: the one trained here]")
    parser.add_argument("--epochs", type=int, default=2, help="passes of the training [default: %(default)s]")
    parser.add_argument("--tokens", type=int, default=200_000, help="tagged at least [default: %(default)s]")
    parser.add_argument("--runs", type=int, default=3, help="of each [default: %(default)s]")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        works = work_on(args, Path(name))
    note("multiplying matrices")
    shapes = {"large": (_LARGE, _LARGE, _LARGE)}
    for work in works:
        shapes |= {f"{_TITLES[work.command]}: {part}": shape for part, shape in work.products().items()}
    rates = product_rates(shapes, args)
    sides = [side for side in rates[0] if side not in ("product", "shape")]
    bound = max(row[side] for row in rates for side in sides if side.endswith(" 1"))
    settings = {"dataset": args.dataset, "split": args.split, "bound_gflop_per_s": round(bound, 1)}
    if args.json:
        found = {work.command: {"parts": work.rows(bound), "seconds": dict(work.seconds)} for work in works}
        results = {"products": rates} | found
        print(json.dumps({"benchmark": "roofline", "results": results, "settings": settings, "machine": machine()}))
        return
    cells = [[row["product"], row["shape"], *(f"{row[side]:.1f}" for side in sides)] for row in rates]
    print_table(["GFLOP/s of products", "sizes", *(f"{side} thread(s)" for side in sides)], cells)
    for work in works:
        print_work(work, bound)
    for what in (settings, machine()):
        print(", ".join(f"{name} {value}" for name, value in what.items() if value is not None))


if __name__ == "__main__":
    main()
