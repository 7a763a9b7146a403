"""rnncli evaluate: scores of a model, or of predictions, on gold data."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnncli.cli.gates import check_gates, parse_gates
from rnncli.cli.options import (
    Device,
    HelpAll,
    Model,
    Quiet,
    TagColumn,
    Threads,
    TokenColumn,
    Verbose,
    check_device,
    check_task,
    find_model,
    parse_columns,
    require_file,
    set_threads,
)
from rnncli.cli.terminal import note
from rnncli.data.tag_sets import TAG_TASKS
from rnncli.errors import ModelError, ResourceError, UsageError

if TYPE_CHECKING:
    from rnncli.inference.tag_comparison import Flip


def evaluate(
    files: Annotated[list[str], typer.Argument(metavar="GOLD...", help="Gold data, as for training.")],
    model: Model = None,
    predictions: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Score what rnncli tag wrote as conll (the tag is the last column), conllu, jsonl or inline, "
            "instead of a model; - is standard input.",
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(TAG_TASKS), help="What the predictions are, or whose tags of a model with two kinds."
        ),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(metavar="OTHER", help="Another model, or another file of predictions, to compare with."),
    ] = None,
    flips: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="With --compare: write the records that flipped, a JSON object a line."),
    ] = None,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=F", help="Exit with 6 if a score of --json is lower, as in f1=0.7; repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Full precision, one JSON object.")] = False,
    token_column: TokenColumn = None,
    column: TagColumn = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file of --flips.")] = False,
    threads: Threads = None,
    device: Device = "cpu",
    quiet: Quiet = False,
    verbose: Verbose = False,
    _help_all: HelpAll = False,
    debug: Annotated[bool, typer.Option("--debug", hidden=True)] = False,
) -> None:
    """Score a model, or predictions, on gold data.

    \b
    rnncli evaluate -m news.rnn test.conll --json
    rnncli evaluate -m new.rnn --compare old.rnn test.conll --fail-under f1=0.7
    rnncli evaluate --predictions tagged.conll --task ner test.conll
    """
    gates = parse_gates(fail_under or [])
    _check_paths(files, model, predictions, compare)
    check_task(task)
    if task is None and predictions is not None:
        raise UsageError("--predictions needs to know what was predicted", hint="--task ner, or --task pos")
    inputs = [*files, *(path for path in (model, predictions, compare) if path is not None)]
    _check_flips(flips, compare, inputs, force=force)
    path = None if predictions is not None else find_model(model, "tag", ("ner", "pos"))
    check_device(device)
    if verbose and not quiet:
        note(f"scoring {path} on {device}" if path else f"scoring {predictions}")
    columns = parse_columns(token_column, column)
    num_threads = set_threads(threads)

    from rnncli.model_bytes import PendingModel

    pending = PendingModel(path) if path is not None else None  # read while what comes next is being imported

    from rnncli.inference.evaluation_run import EvaluationJob, run_evaluation
    from rnncli.reporting.evaluation import evaluation_lines

    keys = [key for key, _ in gates]
    job = EvaluationJob(files, path, pending, predictions, task, columns, compare, keys, num_threads, device)
    scores, flipped = run_evaluation(job)
    for warning in scores["warnings"]:
        note(f"warning: {warning}")
    lines = [json.dumps(scores, ensure_ascii=False)] if as_json else evaluation_lines(scores)
    sys.stdout.write("".join(line + "\n" for line in lines))
    sys.stdout.flush()
    if flips is not None:
        _write_flips(flips, flipped)
    check_gates(gates, scores)


def _check_paths(files: list[str], model: str | None, predictions: str | None, compare: str | None) -> None:
    """Raise an error unless all inputs are there and go together."""
    if model is not None and predictions is not None:
        raise UsageError(
            "--model and --predictions are two things to score", hint="give one, and the other to --compare"
        )
    given = [*files] if predictions is None else [*files, predictions, *([] if compare is None else [compare])]
    if given.count("-") > 1:
        raise UsageError("standard input can be read once only, and - stands for it more than once")
    for path in given:
        require_file(path)
    if predictions is None and compare is not None and not Path(compare).exists():
        raise ModelError(f"{compare}: no such model")


def _check_flips(flips: str | None, compare: str | None, inputs: Iterable[str], *, force: bool) -> None:
    """Raise a UsageError unless flips may be written there."""
    if flips is None:
        return
    if compare is None:
        raise UsageError("--flips are what a comparison finds", hint="--compare OTHER")
    path = Path(flips)
    if path.is_dir():
        raise UsageError(f"{flips}: is a directory")
    if path.exists() and any(Path(file).exists() and Path(file).samefile(path) for file in inputs):
        raise UsageError(f"{flips}: is one of the inputs")
    if path.exists() and not force:
        raise UsageError(f"{flips} exists", hint="--force overwrites it")
    if not path.resolve().parent.is_dir():
        raise UsageError(f"{flips}: its folder does not exist")


def _write_flips(path: str, flips: "Iterable[Flip]") -> None:
    try:
        with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="\n") as stream:
            stream.writelines(json.dumps(flip.to_dict(), ensure_ascii=False) + "\n" for flip in flips)
    except OSError as error:
        raise ResourceError(f"{path}: cannot be written: {error.strerror}") from error
