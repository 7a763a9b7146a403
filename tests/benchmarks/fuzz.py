"""Fuzzing of every reader: gold columns, the filter's four inputs, vectors, model files, tokenizer rules and raw text.

Each input is made by a grammar and then, mostly, damaged. It has a number, and with its kind, the seed and the number
it is made again. The only answers allowed are a result that keeps the contract and the error that the contract names,
in bounded time and memory. All readers run inside of this process.

python tests/benchmarks/fuzz.py --inputs 1000000
python tests/benchmarks/fuzz.py --only conll --seed 1 --number 4711
"""

import argparse
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from types import FrameType
from typing import Protocol

from fuzzing.files import Gold, Models, PretrainedVectors, RawText, Rules
from fuzzing.filters import ConllColumns, ConlluColumns, Jsonl, Raw, Tokens

_TIME_LIMIT_S = 10.0
_MEMORY_LIMIT = 3 << 30
_MOST_FAILURES = 20


class Target(Protocol):
    """One reader.

    Attributes:
        share: how many of all inputs it gets, beside the other shares.
    """

    share: int

    def generate(self, rng: random.Random) -> bytes:
        """Make an input."""

    def check(self, rng: random.Random, data: bytes) -> bool:
        """Read it, raise unless the answer is one that is allowed, and return whether the input was accepted."""


KINDS = {
    "gold": Gold,
    "raw": Raw,
    "tokens": Tokens,
    "conll": ConllColumns,
    "conllu": ConlluColumns,
    "jsonl": Jsonl,
    "vectors": PretrainedVectors,
    "model": Models,
    "text": RawText,
    "rules": Rules,
}


class TooSlowError(Exception):
    """One input took longer than any may."""


def _too_slow(_number: int, _frame: FrameType | None) -> None:
    raise TooSlowError(f"more than {_TIME_LIMIT_S:g} s")


def check_one(target: Target, kind: str, seed: int, number: int) -> tuple[bool | Exception, bytes]:
    """Make and check one input.

    Returns:
        Whether it was accepted, or what went wrong; and the input.
    """
    rng = random.Random(f"{kind} {seed} {number}")
    data = b""
    signal.setitimer(signal.ITIMER_REAL, _TIME_LIMIT_S)
    try:
        data = target.generate(rng)
        return target.check(rng, data), data
    except Exception as error:
        return error, data
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def report_failure(error: Exception, kind: str, seed: int, number: int, data: bytes) -> None:
    """Say what went wrong, where the input is and how to make it again."""
    path = Path(f"fuzz-{kind}-{seed}-{number}.input")
    path.write_bytes(data)
    traceback.print_exception(error)
    print(f"{kind} {number}: {type(error).__name__}: {str(error)[:300]}", file=sys.stderr)
    print(f"the input, {len(data)} bytes, is in {path}; to make it again:", file=sys.stderr)
    print(f"python tests/benchmarks/fuzz.py --only {kind} --seed {seed} --number {number}", file=sys.stderr, flush=True)


def run(target: Target, kind: str, seed: int, numbers: range) -> int:
    """Check inputs and print how many a second.

    Returns:
        The number of failures.
    """
    accepted, failures, done = 0, 0, 0
    started = time.perf_counter()
    for number in numbers:
        result, data = check_one(target, kind, seed, number)
        done += 1
        if isinstance(result, Exception):
            failures += 1
            report_failure(result, kind, seed, number, data)
            if failures == _MOST_FAILURES:
                break
        else:
            accepted += result
    seconds = time.perf_counter() - started
    rate = f"{done / seconds:,.0f}/s"
    print(f"{kind:<8}{done:>10,} inputs{accepted:>10,} accepted{done - accepted - failures:>10,} refused  {rate}")
    return failures


def main() -> int:
    """Run what was asked for; 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000, help="of all kinds together [default: %(default)s]")
    parser.add_argument("--only", choices=KINDS, help="one kind")
    parser.add_argument("--seed", type=int, default=1, help="another one makes other inputs [default: %(default)s]")
    parser.add_argument("--number", type=int, help="one input, with --only")
    args = parser.parse_args()
    if args.number is not None and args.only is None:
        parser.error("--number needs --only")
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "Possible", FutureWarning)  # what Python thinks of a pattern
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_LIMIT, _MEMORY_LIMIT))
    signal.signal(signal.SIGALRM, _too_slow)
    kinds = [args.only] if args.only else list(KINDS)
    total = sum(KINDS[kind].share for kind in kinds)
    failures = 0
    # In memory where that is possible: a disk would be most of the time.
    memory = Path("/dev/shm")
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as work:
        for kind in kinds:
            numbers = range(max(1, args.inputs * KINDS[kind].share // total))
            if args.number is not None:
                numbers = range(args.number, args.number + 1)
            failures += run(KINDS[kind](Path(work)), kind, args.seed, numbers)
    print(f"{failures} failures in {time.perf_counter() - started:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
