"""One bidirectional GRU layer, computed in one way, in a process that has nothing else to do: measured by gru_layer.py.

Libraries of two makers in one process disturb each other: threads of the one spin while the other computes.

python layer_contestants.py nn LAYER.npz ANSWER.npz --seconds 1 --threads 1
"""

import argparse
import contextlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch
    from torch import nn

Arrays = Mapping[str, NDArray[Any]]
WEIGHTS = ("input_weight", "input_bias", "weight", "bias")
_LEAST_STEPS = 5


def train_ours(arrays: Arrays, *, half: bool) -> Callable[[], dict[str, NDArray[Any]]]:
    """Return a training step of `rnncli.nn`, which returns the states and all gradients."""
    import torch

    from rnncli.config import EncoderConfig
    from rnncli.nn.encoder import build_layer

    _, num_steps, input_size = arrays["inputs"].shape
    layer = build_layer(EncoderConfig("gru", hidden_size=arrays["weight"].shape[1]), input_size)
    layer.load_state_dict({name: torch.from_numpy(arrays[name]) for name in WEIGHTS})
    inputs, grad = torch.from_numpy(arrays["inputs"]).requires_grad_(), torch.from_numpy(arrays["grad"])
    flipped = torch.arange(num_steps - 1, -1, -1).expand(len(inputs), -1).contiguous()

    def step() -> dict[str, NDArray[Any]]:
        layer.zero_grad()
        inputs.grad = None
        with torch.autocast("cpu", torch.bfloat16) if half else contextlib.nullcontext():
            states = layer(inputs, flipped)
        states.backward(grad)
        gradients = {f"d_{name}": getattr(layer, name).grad.numpy() for name in WEIGHTS}
        return gradients | {"states": states.detach().numpy(), "d_inputs": inputs.grad.numpy()}

    return step


def train_torch(arrays: Arrays, *, half: bool) -> Callable[[], dict[str, NDArray[Any]]]:
    """Return a training step of torch.nn.GRU; in half precision all of it is bfloat16, as it ignores autocast."""
    import torch

    dtype = torch.bfloat16 if half else torch.float32
    gru = torch_gru(arrays).to(dtype)
    inputs = torch.from_numpy(arrays["inputs"]).to(dtype).requires_grad_()
    grad = torch.from_numpy(arrays["grad"]).to(dtype)

    def step() -> dict[str, NDArray[Any]]:
        gru.zero_grad()
        inputs.grad = None
        states = gru(inputs)[0]
        states.backward(grad)
        return {"states": states.detach().float().numpy(), "d_inputs": inputs.grad.float().numpy()} | _gradients(gru)

    return step


def torch_gru(arrays: Arrays) -> "nn.GRU":
    """Return torch's layer with the same weights."""
    import torch
    from torch import nn

    hidden_size, input_size = arrays["weight"].shape[1], arrays["inputs"].shape[2]
    gru = nn.GRU(input_size, hidden_size, batch_first=True, bidirectional=True)
    with torch.no_grad():
        for i, suffix in enumerate(("l0", "l0_reverse")):
            bias = np.concatenate((np.zeros(2 * hidden_size, dtype=np.float32), arrays["bias"][i]))
            getattr(gru, f"weight_ih_{suffix}").copy_(torch.from_numpy(arrays["input_weight"][:, i].T.copy()))
            getattr(gru, f"bias_ih_{suffix}").copy_(torch.from_numpy(arrays["input_bias"][i]))
            getattr(gru, f"weight_hh_{suffix}").copy_(torch.from_numpy(arrays["weight"][i].T.copy()))
            getattr(gru, f"bias_hh_{suffix}").copy_(torch.from_numpy(bias))
    return gru


def _gradients(gru: "nn.GRU") -> dict[str, NDArray[Any]]:
    """Return the gradients of torch's layer in our layout."""
    found: dict[str, list[NDArray[Any]]] = {name: [] for name in WEIGHTS}
    for suffix in ("l0", "l0_reverse"):
        found["input_weight"].append(_grad(gru, f"weight_ih_{suffix}").T)
        found["input_bias"].append(_grad(gru, f"bias_ih_{suffix}"))
        found["weight"].append(_grad(gru, f"weight_hh_{suffix}").T)
        found["bias"].append(_grad(gru, f"bias_hh_{suffix}")[2 * gru.hidden_size :])
    return {f"d_{name}": np.stack(parts, axis=name == "input_weight") for name, parts in found.items()}


def _grad(gru: "nn.GRU", name: str) -> NDArray[Any]:
    weight: torch.Tensor = getattr(gru, name)
    assert weight.grad is not None
    values: NDArray[Any] = weight.grad.float().numpy()
    return values


def predict_ours(arrays: Arrays, threads: int, *, from_words: bool) -> Callable[[], dict[str, NDArray[Any]]]:
    """Return a call of `rnncli.runtime`'s layer, on vectors or on the cached gates of distinct words."""
    from rnncli.config import EncoderConfig
    from rnncli.decoding.packed import pack
    from rnncli.runtime.encoder import BidirectionalLayer

    config = EncoderConfig("gru", hidden_size=arrays["weight"].shape[1])
    layer = BidirectionalLayer(config, {name: arrays[name] for name in WEIGHTS})
    batch_size, num_steps = arrays["words"].shape
    packing = pack([num_steps] * batch_size)
    pool = ThreadPoolExecutor(threads - 1) if threads > 1 else None
    # All sentences are of one length, so that packing puts time first and leaves their order.
    flat = np.ascontiguousarray(arrays["inputs"].transpose(1, 0, 2)).reshape(batch_size * num_steps, -1)
    rows = np.ascontiguousarray(arrays["words"].T).ravel()
    cached = layer.gates(arrays["vectors"])

    def step() -> dict[str, NDArray[Any]]:
        if from_words:
            states = layer.run(cached, (rows, rows), packing, pool)
        else:
            states = layer.run(layer.gates(flat, pool), (None, None), packing, pool)
        return {"states": states.reshape(num_steps, batch_size, -1).transpose(1, 0, 2)}

    return step


def predict_torch(arrays: Arrays, *, from_words: bool) -> Callable[[], dict[str, NDArray[Any]]]:
    """Return a call of torch.nn.GRU without gradients, on vectors or on those that an Embedding looks up."""
    import torch
    from torch import nn

    gru = torch_gru(arrays).eval()
    embedding = nn.Embedding.from_pretrained(torch.from_numpy(arrays["vectors"]))
    inputs, words = torch.from_numpy(arrays["inputs"]), torch.from_numpy(arrays["words"])

    def step() -> dict[str, NDArray[Any]]:
        with torch.no_grad():
            return {"states": gru(embedding(words) if from_words else inputs)[0].numpy()}

    return step


def main() -> None:
    """Compute again and again, print the median milliseconds of a step, and write what it answered."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contestant", choices=("nn", "nn-half", "runtime", "runtime-words", *_TORCH))
    parser.add_argument("layer", type=Path)
    parser.add_argument("answer", type=Path)
    parser.add_argument("--seconds", type=float, default=1.0, help="of measuring [default: %(default)s]")
    parser.add_argument("--threads", type=int, default=1, help="of rnncli.runtime; torch's come by OMP_NUM_THREADS")
    args = parser.parse_args()
    with np.load(args.layer) as file:
        arrays = dict(file)
    kind, half, from_words = args.contestant, args.contestant.endswith("half"), args.contestant.endswith("words")
    if kind in _TORCH:
        step = _TORCH[kind](arrays)
    elif kind.startswith("nn"):
        step = train_ours(arrays, half=half)
    else:
        step = predict_ours(arrays, args.threads, from_words=from_words)
    np.savez(args.answer, **step())
    walls, works, began = [], [], time.perf_counter()
    while len(walls) < _LEAST_STEPS or time.perf_counter() - began < args.seconds:
        wall, work = time.perf_counter(), time.process_time()
        step()
        walls.append(1000 * (time.perf_counter() - wall))
        works.append(1000 * (time.process_time() - work))
    json.dump({"wall": statistics.median(walls), "cpu": statistics.median(works)}, sys.stdout)


_TORCH: dict[str, Callable[[Arrays], Callable[[], dict[str, NDArray[Any]]]]] = {
    "torch": partial(train_torch, half=False),
    "torch-half": partial(train_torch, half=True),
    "torch-predict": partial(predict_torch, from_words=False),
    "torch-words": partial(predict_torch, from_words=True),
}


if __name__ == "__main__":
    main()
