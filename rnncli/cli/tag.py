"""rnncli tag: a filter that tags tokens."""

from typing import Annotated

import typer

from rnncli.cli import streams
from rnncli.cli.jobs import choose_jobs
from rnncli.cli.options import (
    Device,
    HelpAll,
    Model,
    Quiet,
    SchemeName,
    Task,
    Threads,
    TokenColumn,
    Verbose,
    check_device,
    check_task,
    find_model,
    parse_scheme,
    set_threads,
)
from rnncli.cli.terminal import note
from rnncli.data.formats.tag_records import INPUTS
from rnncli.data.formats.tagged import OUTPUTS
from rnncli.errors import UsageError


def tag(
    files: Annotated[list[str] | None, typer.Argument(metavar="[FILE]...", help="Input; - is standard input.")] = None,
    model: Model = None,
    input_format: Annotated[str, typer.Option("--input", metavar="|".join(INPUTS), help="What a record is.")] = "raw",
    output_format: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="|".join(OUTPUTS), help="What is written. [default: inline]", show_default=False
        ),
    ] = None,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Short for --input jsonl --format jsonl.")] = False,
    text_field: Annotated[
        str, typer.Option(metavar="NAME", help="JSON field with the text, or a list of tokens.")
    ] = "text",
    field: Annotated[str, typer.Option(metavar="NAME", help="JSON field for the result.")] = "tags",
    task: Task = None,
    scheme: SchemeName = None,
    token_column: TokenColumn = None,
    scores: Annotated[bool, typer.Option("--scores", help="Add the probability of each span or tag.")] = False,
    n_best: Annotated[
        int | None,
        typer.Option("--n-best", metavar="N", min=1, max=100, help="Write the N best readings of a record, in N rows."),
    ] = None,
    on_error: Annotated[str, typer.Option(metavar="blank|stop|skip", help="What a bad record gives.")] = "blank",
    null: Annotated[bool, typer.Option("-0", "--null", help="Records end with NUL, not with a newline.")] = False,
    unbuffered: Annotated[bool, typer.Option("-u", "--unbuffered", help="Answer line by line.")] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            min=1,
            max=256,
            metavar="N",
            help="Processes that share the records. [default: all cores, where files are long]",
            show_default=False,
        ),
    ] = None,
    threads: Threads = None,
    device: Device = "cpu",
    quiet: Quiet = False,
    verbose: Verbose = False,
    _help_all: HelpAll = False,
    debug: Annotated[bool, typer.Option("--debug", hidden=True)] = False,
) -> int:
    """Tag tokens with names, parts of speech or whatever the model has learned.

    \b
    echo 'Angela Merkel flew to Paris.' | rnncli tag
    rnncli tag -m ner.rnn --format spans notes.txt
    rnncli tag --input conllu --format conllu -m pos.rnn test.conllu
    rnncli tag --jsonl --scores < docs.jsonl | jq .
    """
    if jsonl:
        input_format, output_format = "jsonl", output_format or "jsonl"
    output_format = output_format or "inline"
    for flag, value, allowed in (
        ("--input", input_format, INPUTS),
        ("--format", output_format, OUTPUTS),
        ("--on-error", on_error, ("blank", "stop", "skip")),
    ):
        if value not in allowed:
            raise UsageError(f"{flag} {value}: expected one of {', '.join(allowed)}")
    check_task(task)
    if n_best is not None and scores:
        raise UsageError("--n-best does not go with --scores: a reading has one score, that of all its tags together")
    if n_best is not None and output_format in ("conll", "conllu"):
        raise UsageError(f"--n-best does not go with --format {output_format}, which has no place for several readings")
    if scores and output_format == "conllu":
        raise UsageError("--scores does not go with --format conllu: it has no place for them", hint="--format conll")
    if token_column is not None and input_format not in ("conll", "conllu"):
        raise UsageError("--token-column is about columns", hint="--input conll")
    if null and input_format in ("conll", "conllu"):
        raise UsageError("--null does not go with columns, whose records end with a blank line")
    separator = b"\0" if null else b"\n"
    inputs = streams.begin_filter(files, "tag", quiet=quiet)
    check_device(device)
    # Rows of several readings are numbered from one end of the output to the other.
    alone = unbuffered or device != "cpu" or (n_best is not None and output_format != "jsonl")
    # Threads that were asked for are an answer to the question of how many cores to use.
    num_jobs = choose_jobs(inputs, 1 if jobs is None and threads is not None else jobs, alone=alone)
    num_threads = set_threads(threads if num_jobs == 1 else threads or 1)
    path = find_model(model, "tag", ("ner", "pos"))
    if verbose:
        note(f"tagging with {path} on {device}" + (f" in {num_jobs} processes" if num_jobs > 1 else ""))

    from rnncli.model_bytes import PendingModel

    pending = PendingModel(path)  # read while what comes next is being imported

    from rnncli.inference.tag_filter import TagFilter

    tagger = TagFilter(
        path,
        pending=pending,
        input_format=input_format,
        output_format=output_format,
        token_column=None if token_column is None else token_column - 1,
        task=task,
        scheme=parse_scheme(scheme),
        text_field=text_field,
        field=field,
        separator=separator,
        scores=scores,
        n_best=n_best,
        threads=num_threads,
        device=device,
    )
    return streams.run(
        inputs,
        tagger,
        separator=separator,
        on_error=on_error,
        unbuffered=unbuffered,
        jobs=num_jobs,
        verbose=verbose,
    )
