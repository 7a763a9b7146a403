"""The bidirectional GRU layer: a training step and a prediction of ours against those of torch.nn.GRU.

A training step is forward and backward, with the gradients of inputs and weights. Prediction is `rnncli.runtime` on
vectors, and on the ids of words whose gates are cached, against torch.nn.GRU without gradients, there behind an
Embedding. Each contestant has a process of its own with as many threads as the other, and they take turns. The answers
of both are compared before any figure is shown. Half precision is measured where the machine has units for it: without
them such products are emulated.

python tests/benchmarks/gru_layer.py --hidden-size 256 --threads 1 2
"""

import argparse
import json
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from layer_contestants import WEIGHTS
from measuring import Comparison, argument_parser, interleave, note, report, run, thread_environment

from rnncli.cells import layer_shapes

_CASES = {
    "training step": ("nn", "torch", 1e-5),
    "training step, bf16": ("nn-half", "torch-half", 0.05),
    "prediction": ("runtime", "torch-predict", 1e-5),
    "prediction from words": ("runtime-words", "torch-words", 1e-5),
}
"""For each case our contestant, the peer, and by how much their answers may differ, as a share of the largest value."""

_NUM_WORDS = 500
_HAS_HALF = (
    "import torch; print(torch.ops.mkldnn._is_mkldnn_bf16_supported() "
    "and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()))"
)
"""oneDNN calls bfloat16 supported where it is emulated with AVX-512 too."""


def write_layer(path: Path, batch_size: int, args: argparse.Namespace) -> None:
    """Draw weights, inputs, words and the gradient of the states, and write them for the contestants."""
    generator = np.random.default_rng(1)
    shapes = layer_shapes("gru", args.input_size, args.hidden_size)
    scale = args.hidden_size**-0.5
    arrays = {name: generator.standard_normal(shapes[name], dtype=np.float32) * np.float32(scale) for name in WEIGHTS}
    words = generator.integers(_NUM_WORDS, size=(batch_size, args.tokens))
    vectors = generator.standard_normal((_NUM_WORDS, args.input_size), dtype=np.float32)
    grad = generator.standard_normal((batch_size, args.tokens, 2 * args.hidden_size), dtype=np.float32)
    np.savez(path, words=words, vectors=vectors, inputs=vectors[words], grad=grad, **arrays)


def has_half() -> bool:
    """Tell whether the machine computes products of bfloat16 itself."""
    with tempfile.TemporaryDirectory() as name:
        output = Path(name) / "answer"
        run([sys.executable, "-c", _HAS_HALF], stdout=output)
        return output.read_text().strip() == "True"


def measure(contestant: str, layer: Path, answer: Path, threads: int, seconds: float) -> dict[str, float]:
    """Run a contestant; return the milliseconds of a step, `wall` and `cpu`."""
    script = str(Path(__file__).with_name("layer_contestants.py"))
    command = [sys.executable, script, contestant, str(layer), str(answer)]
    command += ["--seconds", str(seconds), "--threads", str(threads)]
    # The filter runs directions side by side, each with one thread of NumPy's library.
    variables = thread_environment(1 if contestant.startswith("runtime") else threads)
    printed = answer.with_suffix(".json")
    run(command, stdout=printed, environment=variables)
    found: dict[str, float] = json.loads(printed.read_text())
    return found


def check(case: str, ours: Path, peer: Path, tolerance: float) -> None:
    """End the script where the answers differ by more than a share of the largest value."""
    with np.load(ours) as mine, np.load(peer) as theirs:
        if set(mine.files) != set(theirs.files):
            raise SystemExit(f"{case}: the answers hold different things")
        worst = max(float(np.abs(mine[name] - theirs[name]).max() / np.abs(theirs[name]).max()) for name in mine.files)
    if not worst <= tolerance:
        raise SystemExit(f"{case}: the answers differ by {worst:.2g} of the largest value")


def compare(case: str, threads: int, work: Path, args: argparse.Namespace) -> list[Comparison]:
    """Measure one case with one number of threads."""
    *contestants, tolerance = _CASES[case]
    layer = work / ("training.npz" if case.startswith("training") else "prediction.npz")
    answers = {side: work / f"{side}.npz" for side in ("ours", "peer")}
    note(f"{case}, threads {threads}")
    seconds = 0.1 if args.quick else args.seconds
    actions = {
        side: partial(measure, contestant, layer, answers[side], threads, seconds)
        for side, contestant in zip(answers, contestants, strict=True)
    }
    runs = interleave(actions, 1 if args.quick else args.runs, rehearse=False)
    check(case, answers["ours"], answers["peer"], tolerance)
    clocks = {"wall": "", "cpu": ", processors' time"}
    return [
        Comparison(
            f"{case}, threads {threads}{suffix}",
            "ms",
            *([found[clock] for found in runs[side]] for side in ("ours", "peer")),
        )
        for clock, suffix in clocks.items()
    ]


def main() -> None:
    """Measure and report."""
    parser = argument_parser(__doc__)
    cores = sorted({1, min(2, os.cpu_count() or 1)})
    parser.add_argument("--batch-size", type=int, default=32, help="sentences of a training step [default: 32]")
    parser.add_argument("--predicted", type=int, default=64, help="sentences of a prediction [default: 64]")
    parser.add_argument("--tokens", type=int, default=25, help="of each sentence [default: 25]")
    parser.add_argument("--input-size", type=int, default=128, help="[default: 128]")
    parser.add_argument("--hidden-size", type=int, default=256, help="units per direction [default: 256]")
    parser.add_argument("--threads", type=int, nargs="+", default=cores, help=f"one after another [default: {cores}]")
    parser.add_argument("--seconds", type=float, default=2.0, help="of measuring in each process [default: 2]")
    parser.add_argument("--runs", type=int, default=5, help="processes of each contestant [default: 5]")
    args = parser.parse_args()
    cases = list(_CASES)
    half = has_half()
    if not half:
        cases.remove("training step, bf16")
        note("bf16 is left out: this machine has no units for such products")
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        write_layer(work / "training.npz", args.batch_size, args)
        write_layer(work / "prediction.npz", args.predicted, args)
        comparisons = [row for case in cases for threads in args.threads for row in compare(case, threads, work, args)]
    sizes = ("batch_size", "predicted", "tokens", "input_size", "hidden_size")
    settings = {"peer": "torch.nn.GRU", "bf16": half} | {size: getattr(args, size) for size in sizes}
    report("gru_layer", comparisons, settings, as_json=args.json)


if __name__ == "__main__":
    main()
