"""One `rnncli` command in this process, with the seconds that each of its parts took: read by roofline.py.

The parts are told apart at functions of the package, named in SEAMS; one that is gone ends the script. Time counts for
the innermost part that is running. Backpropagation runs through the parts in reverse, and where it has got to is told
by the gradients of what went into a part and of what came out. Seconds are those of the processors.

python profile_parts.py PARTS.json tag -m ner.rnn --threads 1 FILE > OUT
"""

import functools
import importlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BACKWARD = ", backward"
REST = "rest"

Count = Callable[[tuple[Any, ...], Any], dict[str, int]]


@dataclass(frozen=True, slots=True)
class Seam:
    """A function at which a part begins.

    Attributes:
        part: its name; several functions may belong to one. Empty for the part of who calls it, to which what comes out
            then leads back.
        module: where the function is looked up by who calls it.
        name: of the function, or of a class and its method.
        count: what to count at a call, or at each item of what an iterator yields; None for nothing.
    """

    part: str
    module: str
    name: str
    count: Count | None = None


def _count_batch(_arguments: tuple[Any, ...], batch: Any) -> dict[str, int]:
    return {"batches": 1, "tokens": batch.num_tokens, "words": len(batch.rows), "sentences": len(batch.lengths)}


def _count_words(arguments: tuple[Any, ...], _result: Any) -> dict[str, int]:
    return {"words": len(arguments[0])}


def _count_calls(arguments: tuple[Any, ...], _result: Any) -> dict[str, int]:
    sentences = arguments[1]
    return {"batches": 1, "sentences": len(sentences), "tokens": sum(map(len, sentences))}


_TRAINING = "rnncli.training.tag_training"

SEAMS = {
    "train": (
        Seam("tokenizer's rules", _TRAINING, "freeze"),
        Seam("read", _TRAINING, "read_corpus"),
        Seam("features", "rnncli.training.tagger_data", "TaggerData.__init__"),
        Seam("build", "rnncli.models.tagger", "Tagger.__init__"),
        Seam("build the optimizer", "rnncli.training.optimization", "Optimizer.__init__"),
        Seam("batches", "rnncli.training.tagger_data", "TaggerData.epoch", _count_batch),
        Seam("loop", "rnncli.training.trainer", "in_parts"),
        Seam("", "torch.nn", "Linear.forward"),
        Seam("words", "rnncli.nn.embeddings", "WordEmbedding.forward"),
        Seam("output", "rnncli.models.tagger", "Tagger.emissions"),
        Seam("dropout", "rnncli.models.tagger", "word_dropout"),
        Seam("dropout", "rnncli.nn.encoder", "locked_dropout"),
        Seam("input products", "rnncli.nn.cells.gru", "GRULayer.forward"),
        Seam("recurrence", "rnncli.nn.cells.gru", "gru_sequence"),
        Seam("recurrence", "rnncli.nn.cells.gru", "gru_kernel_sequence"),
        Seam("linear path", "rnncli.nn.linear_path", "LinearPath.forward"),
        Seam("CRF", "rnncli.nn.crf", "LinearChainCRF.forward"),
        Seam("loss" + BACKWARD, "torch", "Tensor.backward"),
        Seam("clipping", "rnncli.training.optimization", "_clip"),
        Seam("optimizer", "rnncli.training.optimization", "Optimizer.step"),
        Seam("optimizer of tables", "rnncli.training.table_optimizer", "TableOptimizer.step"),
        Seam("optimizer of tables", "rnncli.training.table_optimizer", "TableOptimizer.accumulate"),
        Seam("scoring", "rnncli.training.optimization", "Optimizer.averaged"),
        Seam("scoring", _TRAINING, "to_arrays"),
        Seam("scoring", _TRAINING, "build_tagger"),
        Seam("scoring", _TRAINING, "compare_f1"),
        Seam("scoring", _TRAINING, "score_tags"),
        Seam("scoring", _TRAINING, "calibrate"),
        Seam("scoring", "rnncli.inference.tagging", "SentenceTagger.tag_with_biases"),
        Seam("scoring", "rnncli.inference.tagging", "SentenceTagger.tag_all"),
        Seam("write", "rnncli.model_file", "write"),
    ),
    "tag": (
        Seam("load", "rnncli.inference.tag_filter", "load_tagger"),
        Seam("read", "rnncli.inference.tag_filter", "TagFilter.read"),
        Seam("batches", "rnncli.inference.tagging", "SentenceTagger.tag_with_biases"),
        Seam("look up words", "rnncli.runtime.word_cache", "WordCache.rows"),
        Seam("features of new words", "rnncli.runtime.tagger", "extract", _count_words),
        Seam("new words", "rnncli.runtime.word_vectors", "WordVectors.encode"),
        Seam("input products", "rnncli.runtime.encoder", "BidirectionalLayer.gates"),
        Seam("output", "rnncli.runtime.tagger", "Tagger.emissions", _count_calls),
        Seam("recurrence", "rnncli.runtime.encoder", "BidirectionalLayer.run"),
        Seam("linear path", "rnncli.runtime.tagger", "add_window_scores"),
        Seam("search", "rnncli.inference.tag_decoder", "TagDecoder.best"),
        Seam("names", "rnncli.inference.tag_decoder", "TagDecoder.names"),
        Seam("write", "rnncli.inference.tag_filter", "TagFilter.render"),
    ),
}


class Stopwatch:
    """Seconds by part, each counted for the innermost one."""

    def __init__(self) -> None:
        """Begin with what has been used so far: the interpreter's start and the imports."""
        self.seconds: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self._open = ["start"]
        self._last = 0.0

    @property
    def current(self) -> str:
        """The part that is running."""
        return self._open[-1]

    def enter(self, part: str) -> None:
        """Begin a part within the present one."""
        self._charge()
        self._open.append(part)

    def leave(self) -> None:
        """Go back to the part around the present one."""
        self._charge()
        self._open.pop()

    def switch(self, part: str) -> None:
        """End the present part and begin another in its place."""
        self._charge()
        self._open[-1] = part

    def _charge(self) -> None:
        now = time.process_time()
        self.seconds[self._open[-1]] += now - self._last
        self._last = now


def install(seam: Seam, watch: Stopwatch) -> None:
    """Put a timed function in the place of the seam's."""
    owner, *path = [importlib.import_module(seam.module), *seam.name.split(".")]
    try:
        for name in path[:-1]:
            owner = getattr(owner, name)
        function = getattr(owner, path[-1])
    except AttributeError:
        raise SystemExit(
            f"{seam.module} has no {seam.name} any more: tell profile_parts.py where its part is"
        ) from None
    setattr(owner, path[-1], timed(function, seam, watch))


def timed(function: Callable[..., Any], seam: Seam, watch: Stopwatch) -> Callable[..., Any]:
    """Return a function that does the same and has its time counted for the part."""

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        around = watch.current
        part = seam.part or around
        for value in arguments:
            mark(value, around + BACKWARD, watch)
        watch.enter(part)
        try:
            result = function(*arguments, **named)
        finally:
            watch.leave()
        if isinstance(result, Iterator):
            return iterate(result, seam, watch)
        mark(result, part + BACKWARD, watch)
        if seam.count:
            watch.counts.update(seam.count(arguments, result))
        return result

    return call


def iterate(items: Iterator[Any], seam: Seam, watch: Stopwatch) -> Iterator[Any]:
    """Yield the items, the time to make each counted for the part."""
    while True:
        watch.enter(seam.part)
        try:
            item = next(items)
        except StopIteration:
            return
        finally:
            watch.leave()
        if seam.count:
            watch.counts.update(seam.count((), item))
        yield item


def mark(value: Any, part: str, watch: Stopwatch) -> None:
    """Let a part begin when the gradient of a tensor is known, unless the tensor has its part: who made it knows best.

    Args:
        value: anything; only a computed tensor whose gradient will be asked for has a use for it.
        part: to begin.
        watch: to switch.
    """
    if getattr(value, "grad_fn", None) is not None and not hasattr(value, "part"):
        value.part = part
        value.register_hook(lambda _gradient: watch.switch(part))


def main() -> None:
    """Run the command and write its parts."""
    if len(sys.argv) < 3 or sys.argv[1].startswith("-") or sys.argv[2] not in SEAMS:
        sys.stdout.write(f"{__doc__}\n")
        raise SystemExit(0 if sys.argv[1:] in (["--help"], ["-h"]) else 2)
    target, sys.argv = Path(sys.argv[1]), ["rnncli", *sys.argv[2:]]
    watch = Stopwatch()
    for seam in SEAMS[sys.argv[1]]:
        install(seam, watch)
    from rnncli.cli.app import main as run_command

    watch.switch(REST)
    try:
        run_command()
    finally:
        watch.switch(REST)
        target.write_text(json.dumps({"seconds": watch.seconds, "counts": watch.counts}))


if __name__ == "__main__":
    main()
