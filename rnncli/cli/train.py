"""rnncli train: one command a task."""

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from rnncli.atomic_file import remove_leftovers
from rnncli.cli.options import (
    Activation,
    AlsoColumn,
    Cell,
    HelpAll,
    HiddenSize,
    NumLayers,
    Quiet,
    SchemeName,
    TagColumn,
    TokenColumn,
    Verbose,
    check_device,
    encoder_config,
    parse_columns,
    parse_scheme,
    require_file,
    set_training_threads,
)
from rnncli.cli.resuming import check_overwriting, resume_command, state_path, without_control
from rnncli.cli.terminal import is_fancy
from rnncli.data.tag_sets import TAG_TASKS
from rnncli.errors import UsageError

PRECISIONS = ("fp32", "bf16")

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Train a model from the file you have.")


@app.callback()
def train() -> None:
    """Train a model from the file you have."""


def train_tagger(
    context: typer.Context,
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="CoNLL columns or CoNLL-U: a token and its tag a row.")
    ],
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="PATH", help="Model file to write. [default: ./TASK.rnn]"),
    ] = None,
    dev: Annotated[
        str, typer.Option(metavar="FILE|FRACTION|none", help="Development data, or the share to hold out.")
    ] = "0.1",
    test: Annotated[str | None, typer.Option(metavar="FILE", help="Scored once, at the end.")] = None,
    column: TagColumn = None,
    also: Annotated[
        str | None, typer.Option(metavar="TASK", help="Learn a second kind of tags too: train ner --also pos.")
    ] = None,
    lang: Annotated[str, typer.Option(metavar="CODE", help="Whose tokenizer raw text will get.")] = "en",
    vectors: Annotated[str | None, typer.Option(metavar="FILE", help="Pretrained word vectors, as text.")] = None,
    device: Annotated[str, typer.Option(metavar="DEVICE", help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, metavar="N", help="Threads of the CPU. [default: 1]")] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(PRECISIONS),
            hidden=True,
            help="Of products while training. [default: bf16 on CUDA, else fp32]",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of every generator.")] = 1,
    epochs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Passes over the data. [default: by its size]")
    ] = None,
    max_updates: Annotated[int | None, typer.Option(min=1, metavar="N", help="Optimizer steps at most.")] = None,
    time_limit: Annotated[
        str | None, typer.Option("--time", metavar="15m", help="Time at most, the model's writing included.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted training, or start one.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the model file, start over.")] = False,
    state_every: Annotated[
        str, typer.Option(metavar="2m", hidden=True, help="How often to save what --resume continues from.")
    ] = "2m",
    token_column: TokenColumn = None,
    also_column: AlsoColumn = None,
    scheme: SchemeName = None,
    cell: Cell = "gru",
    activation: Activation = None,
    num_layers: NumLayers = 1,
    hidden_size: HiddenSize = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    _help_all: HelpAll = False,
    debug: Annotated[bool, typer.Option("--debug", hidden=True)] = False,
) -> int:
    """Train a tagger; the task is the name of the command."""
    started = time.monotonic()
    task = context.info_name or ""
    output = output or f"{task}.rnn"
    tasks = _parse_tasks(task, also, also_column, scheme)
    columns = parse_columns(token_column, column, also_column)
    span_scheme = parse_scheme(scheme)
    held_out = parse_dev(dev)
    _check_output(output, task, files)
    check_overwriting(output, resume=resume, force=force)
    for path in (*files, *(p for p in (held_out, test, vectors) if isinstance(p, str))):
        require_file(path)
    check_device(device)
    if precision not in (None, *PRECISIONS):
        raise UsageError(f"--precision {precision}: no such precision", hint=f"one of: {', '.join(PRECISIONS)}")
    encoder = encoder_config(task, cell, activation, num_layers, hidden_size)
    limit = None if time_limit is None else parse_duration("--time", time_limit)
    state_interval_s = parse_duration("--state-every", state_every)
    set_training_threads(threads)
    stop = _StopOnSignal(output)

    from rnncli.config import TrainingConfig
    from rnncli.reporting.progress import TrainingReport
    from rnncli.training.tag_corpus import TaggingJob
    from rnncli.training.tag_training import train_tagger

    job = TaggingJob(
        train_files=tuple(files),
        output=output,
        dev=held_out,
        test_file=test,
        tasks=tasks,
        columns=columns,
        scheme=span_scheme,
        language=lang,
        vectors_file=vectors,
        device=device,
        command=("rnncli", *(_base_name(argument) for argument in without_control(sys.argv[1:]))),
        encoder=encoder,
        training=TrainingConfig(
            seed=seed, epochs=epochs, max_updates=max_updates, time_limit_s=limit, precision=precision
        ),
        started=started,
        stop=stop.reason,
        resume=resume,
        force=force,
        state_interval_s=state_interval_s,
    )
    TrainingReport(sys.stderr, fancy=is_fancy(sys.stderr), quiet=quiet, verbose=verbose).watch(train_tagger(job))
    if stop.exit_code and state_path(output).exists():
        sys.stderr.write(f"resume: {resume_command(sys.argv[1:])}\n")
    elif not quiet:
        others = [f"{name}.rnn" for name in TAG_TASKS if name != task]
        is_default = output == f"{task}.rnn" and not any(Path(name).exists() for name in others)
        model = "" if is_default else f" -m {output}"
        sys.stderr.write(f"next: echo 'Some text.' | rnncli tag{model}\n")
    return stop.exit_code


app.command(
    name="ner",
    help="""Train a named-entity tagger.

    \b
    rnncli train ner train.conll
    rnncli train ner train.conll --dev dev.conll --test test.conll -o news.rnn
    rnncli train ner train.conll --time 5m --vectors glove.6B.50d.txt
    rnncli train ner train.conll --resume
    """,
)(train_tagger)
app.command(
    name="pos",
    help="""Train a tagger that gives every token a tag.

    \b
    rnncli train pos train.conllu
    rnncli train pos train.conllu --column xpos -o xpos.rnn
    rnncli train pos train.tsv --dev dev.tsv --test test.tsv
    """,
)(train_tagger)


def _parse_tasks(task: str, also: str | None, also_column: str | None, scheme: str | None) -> tuple[str, ...]:
    """Return what is to be learned, one head each.

    Raises:
        UsageError: flags that do not go together.
    """
    if scheme is not None and task != "ner":
        raise UsageError("--scheme is about spans", hint=f"rnncli train ner ... --scheme {scheme}")
    if also is None:
        if also_column is not None:
            raise UsageError("--also-column says where the tags of --also stand", hint="--also pos")
        return (task,)
    if (task, also) != ("ner", "pos"):
        raise UsageError(
            f"train {task} --also {also}: only spans can have tags beside them", hint="train ner --also pos"
        )
    return (task, also)


def _check_output(output: str, task: str, files: Sequence[str]) -> None:
    """Raise a UsageError where no model can be written."""
    path = Path(output)
    if path.is_dir():
        raise UsageError(f"{output}: is a directory", hint=f"-o {path / f'{task}.rnn'}")
    if path.exists() and any(Path(file).exists() and Path(file).samefile(path) for file in files):
        raise UsageError(f"{output}: is the training data")
    if not path.resolve().parent.is_dir():
        raise UsageError(f"{output}: its folder does not exist")


def parse_duration(flag: str, text: str) -> float:
    """Parse `90`, `90s`, `15m` or `2h` as seconds.

    Args:
        flag: whose value it is, for the message.
        text: the value.

    Raises:
        UsageError: none of these, or not positive.
    """
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1.0)
    try:
        seconds = float(number) * unit
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise UsageError(f"{flag} {text}: expected a duration such as 90s, 15m or 2h")
    return seconds


def parse_dev(text: str) -> str | float | None:
    """Parse `--dev`: a file that exists, a fraction between 0 and 1, or `none`.

    Raises:
        UsageError: a number out of range.
    """
    if text == "none":
        return None
    if Path(text).exists():
        return text
    try:
        fraction = float(text)
    except ValueError:
        return text
    if not 0 < fraction < 1:
        raise UsageError(f"--dev {text}: a fraction must lie between 0 and 1")
    return fraction


def _base_name(argument: str) -> str:
    """Leave of paths what tells others nothing about this machine."""
    if argument.startswith("--"):
        flag, equals, value = argument.partition("=")
        return flag + equals + os.path.basename(value)
    if argument.startswith("-"):
        return argument[:2] + os.path.basename(argument[2:])
    return os.path.basename(argument) or argument


class _StopOnSignal:
    """Turns the first SIGINT or SIGTERM into a wish to stop, and the second into leaving at once.

    Args:
        output: the model file, beside which nothing half-written is left.
    """

    def __init__(self, output: str) -> None:
        self._signal: int | None = None
        self._outputs = (Path(output), state_path(output))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._receive)

    def reason(self) -> str | None:
        """Return why training should stop, or None."""
        return None if self._signal is None else "interrupted"

    @property
    def exit_code(self) -> int:
        """0, or 128 and the signal's number."""
        return 0 if self._signal is None else 128 + self._signal

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self._signal is not None:
            for path in self._outputs:
                remove_leftovers(path)
            os._exit(128 + number)
        self._signal = number
        # The signal may have come in the middle of a write, which a buffered stream would not take twice.
        os.write(2, b"rnncli: stopping after this batch; once more leaves at once\n")
