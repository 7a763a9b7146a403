"""What the benchmarks share: the data folder, timed processes, and the report with the machine under it."""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar

from peers.columns import read_sentences, split_path

DATA_VARIABLE = "RNNCLI_BENCH_DATA"
PEERS = Path(__file__).parent / "peers"
QUICK_SENTENCES = 200

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Ran:
    """A process that has come to its end.

    Attributes:
        wall_s: seconds from its start to its end.
        cpu_s: seconds that processors worked for it, which other work on the machine lengthens less.
        stderr: what it said.
    """

    wall_s: float
    cpu_s: float
    stderr: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One quantity, measured several times for us and for a peer.

    Attributes:
        name: What was measured, on what.
        unit: Of the values.
        ours: Our values, one a run.
        peer: The peer's values, one a run; None where no peer ran.
        centre: Which middle of the values is shown and compared: `median` or `mean`.
    """

    name: str
    unit: str
    ours: Sequence[float]
    peer: Sequence[float] | None = None
    centre: Literal["median", "mean"] = "median"

    @property
    def ratio(self) -> float | None:
        """Our middle over the peer's; None without a peer, or where the peer's is 0."""
        divisor = self._middle(self.peer) if self.peer else 0.0
        return self._middle(self.ours) / divisor if divisor else None

    def row(self) -> list[str]:
        """Return the cells of the table."""
        ratio = "-" if self.ratio is None else f"{self.ratio:.3f}"
        return [self.name, self.unit, self.centre, *self._summary(self.peer), *self._summary(self.ours), ratio]

    def as_json(self) -> dict[str, object]:
        """Return all that is known of it."""
        sides = {"peer": self.peer, "ours": self.ours}
        return {"name": self.name, "unit": self.unit, "ratio": self.ratio} | {
            side: {
                "median": statistics.median(values),
                "mean": statistics.fmean(values),
                "stdev": statistics.stdev(values) if len(values) > 1 else None,
                "runs": list(values),
            }
            for side, values in sides.items()
            if values
        }

    def _middle(self, values: Sequence[float]) -> float:
        return statistics.median(values) if self.centre == "median" else statistics.fmean(values)

    def _summary(self, values: Sequence[float] | None) -> list[str]:
        if not values:
            return ["-", "-"]
        return [_figure(self._middle(values)), f"{_figure(min(values))} to {_figure(max(values))}"]


def argument_parser(doc: str) -> argparse.ArgumentParser:
    """Return a parser with the options of every benchmark; the module's docstring is its help."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="few lines, few runs: tries the script only")
    return parser


def add_peer_python(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the interpreter of the peers."""
    parser.add_argument(
        "--peer-python",
        metavar="PYTHON",
        default=os.environ.get("RNNCLI_PEER_PYTHON") or sys.executable,
        help="interpreter that has the peer installed [default: $RNNCLI_PEER_PYTHON, else this one]",
    )


def data_folder() -> Path:
    """Return the folder of the data sets, or end the script: well without the variable, badly with a wrong one."""
    name = os.environ.get(DATA_VARIABLE)
    if not name:
        sys.stderr.write(f"skipped: {DATA_VARIABLE} is not set; it names the folder of the data sets\n")
        raise SystemExit(0)
    if not Path(name).is_dir():
        raise SystemExit(f"{DATA_VARIABLE}={name} is not a folder")
    return Path(name)


def dataset(name: str, work: Path, *, quick: bool) -> Path:
    """Return the folder with a data set's train, dev and test splits; with `quick` a copy of their beginnings."""
    source = data_folder() / name
    if not split_path(source, "train").is_file():
        raise SystemExit(f"{DATA_VARIABLE} has no {name}/train.conll or .conllu")
    if not quick:
        return source
    target = work / name
    target.mkdir(parents=True, exist_ok=True)
    for split in ("train", "dev", "test"):
        with open(split_path(source, split), encoding="utf-8", newline="\n") as lines:
            sentences = list(islice(read_sentences(lines), QUICK_SENTENCES))
        rows = ("\n".join("\t".join(row) for row in sentence) for sentence in sentences)
        (target / split_path(source, split).name).write_text("\n\n".join(rows) + "\n", encoding="utf-8", newline="\n")
    return target


def rnncli(*arguments: str | Path) -> list[str]:
    """Return the command line of the rnncli that is installed beside this interpreter."""
    script = Path(sysconfig.get_path("scripts")) / "rnncli"
    if not script.exists():
        raise SystemExit(f"rnncli is not installed for {sys.executable}")
    return [str(script), *map(str, arguments)]


def train_tagger(
    data: Path, model: Path, *, seed: int = 1, max_updates: int | None = None, flags: Sequence[str] = ()
) -> float:
    """Train with the default flags, and perhaps some more, and return the seconds of the whole process.

    Args:
        data: folder with train, dev and test, as .conllu for `train pos` or as .conll for `train ner`.
        model: file to write.
        seed: of the training.
        max_updates: ends the training early.
        flags: more flags.

    Returns:
        Seconds, the scoring of dev and test included.
    """
    files = [split_path(data, split) for split in ("train", "dev", "test")]
    task = "pos" if files[0].suffix == ".conllu" else "ner"
    command = rnncli("train", task, files[0], "--dev", files[1], "--test", files[2], "-o", model, "--force")
    command += ["--seed", str(seed), *flags]
    if max_updates is not None:
        command += ["--max-updates", str(max_updates)]
    return seconds(command)


def seconds(command: Sequence[str], stdin: bytes = b"", stdout: Path | None = None) -> float:
    """Run a process as `run` does and return the seconds from its start to its end."""
    return run(command, stdin, stdout).wall_s


def run(
    command: Sequence[str],
    stdin: bytes = b"",
    stdout: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Ran:
    """Run a process to its end, and end the script with its last words if it fails.

    Args:
        command: what to run.
        stdin: what comes through its pipe.
        stdout: file for its standard output, which is dropped without it.
        environment: all of its variables, None for those of this process.
    """
    with open(stdout or os.devnull, "wb") as output:
        started, before = time.perf_counter(), os.times()
        try:
            process = subprocess.run(
                command, input=stdin, stdout=output, stderr=subprocess.PIPE, env=environment, check=False
            )
        except OSError as error:
            raise SystemExit(f"cannot run {command[0]}: {error.strerror}") from error
        duration, after = time.perf_counter() - started, os.times()
    stderr = process.stderr.decode(errors="replace")
    if process.returncode:
        last_words = "\n".join(stderr.splitlines()[-5:])
        raise SystemExit(f"exit {process.returncode}: {' '.join(command)}\n{last_words}")
    worked = after.children_user + after.children_system - before.children_user - before.children_system
    return Ran(duration, worked, stderr)


def thread_environment(threads: int | None) -> dict[str, str]:
    """Return this process's variables with those of the numerical libraries set to a number of threads, or removed."""
    kept = {name: value for name, value in os.environ.items() if name not in _THREAD_VARIABLES}
    return kept if threads is None else kept | dict.fromkeys(_THREAD_VARIABLES, str(threads))


def interleave(
    actions: Mapping[str, Callable[[], _Value]], runs: int, *, rehearse: bool = True
) -> dict[str, list[_Value]]:
    """Measure several things in turns, so that a change of the machine's speed hits all of them.

    Args:
        actions: each returns what it measured.
        runs: turns that count.
        rehearse: whether one more turn comes before them and is dropped.

    Returns:
        The values of each action.
    """
    values: dict[str, list[_Value]] = {name: [] for name in actions}
    for turn in range(-rehearse, runs):
        for name, action in actions.items():
            value = action()
            if turn >= 0:
                values[name].append(value)
    return values


def machine() -> dict[str, object]:
    """Return what a figure depends on besides the code."""
    return {
        "date": datetime.now().astimezone().isoformat(timespec="minutes"),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "omp_num_threads": os.environ.get("OMP_NUM_THREADS"),
        "python": platform.python_version(),
        **{package: _version(package) for package in ("rnncli", "numpy", "torch", "spacy")},
    }


def report(title: str, comparisons: Sequence[Comparison], settings: Mapping[str, object], *, as_json: bool) -> None:
    """Print the figures, the settings and the machine.

    Args:
        title: name of the benchmark.
        comparisons: the rows.
        settings: what was asked for and found, by name.
        as_json: print one JSON object instead of a table.
    """
    if as_json:
        rows = [comparison.as_json() for comparison in comparisons]
        print(json.dumps({"benchmark": title, "results": rows, "settings": settings, "machine": machine()}, indent=2))
        return
    table = [["measure", "unit", "shown", "peer", "spread", "ours", "spread", "ours/peer"]]
    table += [comparison.row() for comparison in comparisons]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        padded = zip(row, widths, ("<", "<", "<", *">>>>>"), strict=True)
        print("  ".join(f"{cell:{side}{width}}" for cell, width, side in padded).rstrip())
    print("spread: least to greatest of the runs")
    for what in (settings, machine()):
        print(", ".join(f"{name} {value}" for name, value in what.items() if value is not None))


def note(text: str) -> None:
    """Tell on standard error what is being done."""
    sys.stderr.write(f"{text}\n")


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _cpu_model() -> str:
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
