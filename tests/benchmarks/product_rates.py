"""How fast a library multiplies matrices, in a process of its own: measured for roofline.py.

python product_rates.py torch 400x128x768 1024x1024x1024
"""

import argparse
import json
import sys
import time
from collections.abc import Callable

import numpy as np

_CHUNK_S = 0.02
"""Calls are timed together for so long at least."""


def products(library: str, shape: tuple[int, int, int]) -> Callable[[], object]:
    """Return a call that multiplies [M, K] by [K, N] in float32, into a matrix that is there already."""
    rows, inner, columns = shape
    generator = np.random.default_rng(1)
    left, right = (generator.standard_normal(size, dtype=np.float32) for size in ((rows, inner), (inner, columns)))
    if library == "numpy":
        answer = np.empty((rows, columns), dtype=np.float32)
        return lambda: np.matmul(left, right, out=answer)
    import torch

    tensors = torch.from_numpy(left), torch.from_numpy(right)
    target = torch.empty(rows, columns)
    return lambda: torch.mm(*tensors, out=target)


def best_rate(
    call: Callable[[], object], operations: float, seconds: float, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Return GFLOP/s of the fastest chunk of calls: other work on the machine only ever lengthens one."""
    call()
    num_calls, least = 1, float("inf")
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        started = clock()
        for _ in range(num_calls):
            call()
        taken = clock() - started
        if taken < _CHUNK_S:
            num_calls *= 2
        else:
            least = min(least, taken / num_calls)
    return operations / least / 1e9


def main() -> None:
    """Print the rates of all shapes as a JSON list."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", choices=("torch", "numpy"))
    parser.add_argument("shapes", nargs="+", metavar="MxKxN")
    parser.add_argument("--one-thread", action="store_true", help="by the processor's clock, which others do not stop")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each shape [default: %(default)s]")
    args = parser.parse_args()
    rates = []
    for text in args.shapes:
        rows, inner, columns = map(int, text.split("x"))
        call = products(args.library, (rows, inner, columns))
        clock = time.process_time if args.one_thread else time.perf_counter
        rates.append(best_rate(call, 2.0 * rows * inner * columns, args.seconds, clock))
    json.dump(rates, sys.stdout)


if __name__ == "__main__":
    main()
