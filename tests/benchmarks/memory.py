"""Memory: resident size of `rnncli tag` while raw lines come through a pipe, and whether it stays flat. Linux only.

The lines are a data set's sentences, each with one word that never came before, so that nothing that grows with the
vocabulary of the input can hide.

python tests/benchmarks/memory.py --model ner.rnn
"""

import contextlib
import os
import re
import subprocess
import tempfile
import threading
from itertools import cycle, islice
from pathlib import Path

from measuring import Comparison, argument_parser, dataset, note, report, rnncli, train_tagger
from peers.columns import read_sentences

_UPDATES = 20
"""How much memory tagging takes does not depend on how good the model is."""
_TOLERANCE_MB = 20.0
_SAMPLES = 20
"""Samples over the whole input: one each 5 %."""


def status_mb(process_id: int, field: str) -> float:
    """Return a field of /proc/PID/status in MB of 1024 KiB."""
    found = re.search(rf"^{field}:\s+(\d+) kB$", Path(f"/proc/{process_id}/status").read_text(), re.MULTILINE)
    if found is None:
        raise SystemExit("the filter ended before its input did")
    return int(found[1]) / 1024


def feed(pipe: int, sentences: list[str], num_lines: int) -> None:
    """Write lines, each with a new word, and leave the pipe open: who has read all is still there to be looked at."""
    with contextlib.suppress(BrokenPipeError):  # who waits for the answers notices
        for number, sentence in enumerate(islice(cycle(sentences), num_lines)):
            os.write(pipe, f"{sentence} w{number}\n".encode())


def curve(model: Path, sentences: list[str], num_lines: int) -> tuple[dict[int, float], float]:
    """Run the filter over the lines.

    Args:
        model: a tagger.
        sentences: repeated until there are enough lines.
        num_lines: to feed.

    Returns:
        The resident size in MB by the number of lines answered, and the peak that the system saw.
    """
    step = max(1, num_lines // _SAMPLES)
    sizes: dict[int, float] = {}
    with subprocess.Popen(rnncli("tag", "-m", model), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        feeder = threading.Thread(target=feed, args=(process.stdin.fileno(), sentences, num_lines), daemon=True)
        feeder.start()
        for number, _ in enumerate(islice(process.stdout, num_lines), start=1):
            if number == 1 or number % step == 0:
                sizes[number] = status_mb(process.pid, "VmRSS")
        if max(sizes, default=0) < num_lines // step * step:
            raise SystemExit("the filter ended before its input did")
        peak = status_mb(process.pid, "VmHWM")
        feeder.join()
        process.stdin.close()
        if process.stdout.read() or process.wait():
            raise SystemExit(f"the filter wrote too many lines, or failed with exit {process.returncode}")
    return sizes, peak


def main() -> None:
    """Measure and report."""
    parser = argument_parser(__doc__)
    parser.add_argument("--dataset", default="ner/germeval2014", help="where lines come from [default: %(default)s]")
    parser.add_argument("--model", type=Path, help=f"tagger to run [default: one trained with {_UPDATES} updates]")
    parser.add_argument("--lines", type=int, default=1_000_000, help="lines to feed [default: %(default)s]")
    args = parser.parse_args()
    num_lines = 2_000 if args.quick else args.lines
    with tempfile.TemporaryDirectory() as name:
        data = dataset(args.dataset, Path(name), quick=args.quick)
        if not Path("/proc/self/status").exists():
            raise SystemExit("memory is read from /proc, which this system does not have")
        model = args.model or Path(name) / "ner.rnn"
        if args.model is None:
            note(f"training on {args.dataset}")
            train_tagger(data, model, max_updates=_UPDATES)
        with open(data / "train.conll", encoding="utf-8", newline="\n") as lines:
            sentences = [" ".join(row[0] for row in rows) for rows in read_sentences(lines)]
        sizes, peak = curve(model, sentences, num_lines)
    after = [size for number, size in sizes.items() if number >= num_lines * 0.05]
    growth = max(after) - min(after)
    if not args.json:
        print("lines answered: MB")
        print("\n".join(f"{number:>14,}: {size:.1f}" for number, size in sizes.items()))
        verdict = "flat" if growth <= _TOLERANCE_MB else "NOT flat"
        print(
            f"{verdict}: {growth:.1f} MB between least and greatest after 5 % of the lines ({_TOLERANCE_MB:g} allowed)"
        )
    figures = {"start": sizes[1], "end": sizes[max(sizes)], "peak": peak, "range after 5 %": growth}
    settings = {"dataset": args.dataset, "lines": num_lines, "flat": growth <= _TOLERANCE_MB}
    if args.json:
        settings["curve"] = sizes
    report("memory", [Comparison(what, "MB", [size]) for what, size in figures.items()], settings, as_json=args.json)


if __name__ == "__main__":
    main()
