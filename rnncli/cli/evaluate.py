"""rnncli evaluate: scores of a model on gold data."""

import json
import sys
from typing import Annotated

import typer

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
    find_model,
    parse_columns,
    require_file,
    set_threads,
)
from rnncli.cli.terminal import note


def evaluate(
    files: Annotated[list[str], typer.Argument(metavar="GOLD...", help="Gold data, as for training.")],
    model: Model = None,
    as_json: Annotated[bool, typer.Option("--json", help="Full precision, one JSON object.")] = False,
    token_column: TokenColumn = None,
    column: TagColumn = None,
    threads: Threads = None,
    device: Device = "cpu",
    quiet: Quiet = False,
    verbose: Verbose = False,
    _help_all: HelpAll = False,
    debug: Annotated[bool, typer.Option("--debug", hidden=True)] = False,
) -> None:
    """Score a model on gold data.

    \b
    rnncli evaluate test.conll
    rnncli evaluate -m news.rnn test.conll --json
    """
    for path in files:
        require_file(path)
    path = find_model(model, "tag", ("ner", "pos"))
    check_device(device)
    if verbose and not quiet:
        note(f"scoring {path} on {device}")
    columns = parse_columns(token_column, column)
    num_threads = set_threads(threads)

    from rnncli.inference.tag_evaluation import evaluate_tagger
    from rnncli.reporting.tables import accuracy_line, score_table

    scores = evaluate_tagger(path, files, columns, threads=num_threads, device=device)
    if as_json:
        sys.stdout.write(json.dumps(scores, ensure_ascii=False) + "\n")
        return
    if "f1" not in scores:
        sys.stdout.write(accuracy_line("all", scores) + f" over {scores['num_tokens']:,} tokens\n")
        return
    for line in score_table("", scores, scores["per_type"]):
        sys.stdout.write(line + "\n")
    sys.stdout.write(f"token accuracy {scores['accuracy']:.4f} over {scores['num_tokens']:,} tokens\n")
    strict = scores["strict_f1"]
    if strict is not None and abs(strict - (scores["f1"] or 0.0)) > 5e-5:
        sys.stdout.write(
            f"strict f1 {strict:.4f}: some spans are not well formed, so the two ways of counting differ\n"
        )
