"""Options that several commands share."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnncli.cells import ACTIVATED_CELLS, ACTIVATIONS, CELLS, MAX_HIDDEN_SIZE, MAX_LAYERS
from rnncli.data.tag_sets import TAG_TASKS
from rnncli.errors import ModelError, UsageError

if TYPE_CHECKING:
    from rnncli.config import EncoderConfig
    from rnncli.data.formats.gold_sentences import Columns
    from rnncli.data.tag_schemes import Scheme

Model = Annotated[
    str | None,
    typer.Option("-m", "--model", metavar="MODEL", help="Model file. [default: ./TASK.rnn]", show_default=False),
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Threads to compute with. [default: all cores, at most 2]", show_default=False
    ),
]


Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Only warnings and errors on standard error.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Say more on standard error.")]


def _print_full_help(context: typer.Context, wanted: bool) -> None:
    if wanted:
        for parameter in context.command.params:
            if parameter.name != "debug" and hasattr(parameter, "hidden"):
                parameter.hidden = False
        typer.echo(context.get_help())
        raise typer.Exit


HelpAll = Annotated[
    bool, typer.Option("--help-all", callback=_print_full_help, is_eager=True, help="Show all flags and exit.")
]
TokenColumn = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", hidden=True, help="Column of the tokens, from 1. [default: detected]"),
]
TagColumn = Annotated[
    str | None,
    typer.Option(
        "--column", metavar="N|NAME", help="The tags' column: from 1, or upos, xpos, feats. [default: detected]"
    ),
]
AlsoColumn = Annotated[
    str | None,
    typer.Option(metavar="N|NAME", hidden=True, help="The same for the tags of --also."),
]
SchemeName = Annotated[
    str | None,
    typer.Option("--scheme", metavar="NAME", hidden=True, help="Tag scheme of spans: IO, IOB1, IOB2, BIOES, BILOU."),
]
Cell = Annotated[str, typer.Option(metavar="NAME", hidden=True, help=f"Recurrent cell: {', '.join(CELLS)}.")]
Activation = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        hidden=True,
        help=f"Of the cells {' and '.join(ACTIVATED_CELLS)}: {', '.join(ACTIVATIONS)}. [default: tanh]",
    ),
]
NumLayers = Annotated[
    int, typer.Option("--layers", min=1, max=MAX_LAYERS, metavar="N", hidden=True, help="Stacked recurrent layers.")
]
HiddenSize = Annotated[
    int | None,
    typer.Option(
        min=1, max=MAX_HIDDEN_SIZE, metavar="N", hidden=True, help="Units per direction. [default: by the task]"
    ),
]
Task = Annotated[
    str | None,
    typer.Option(metavar="|".join(TAG_TASKS), hidden=True, help="Whose tags, of a model that learned two kinds."),
]
Device = Annotated[str, typer.Option(metavar="DEVICE", help="cpu, cuda, cuda:N or mps.")]

_THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def set_training_threads(threads: int | None) -> None:
    """Limit the threads of torch and NumPy, which must happen before they are imported.

    Args:
        threads: as asked for, or None for one: the products of one time step are too small to be shared, and threads
            that wait for each other at every step are slow beyond measure where the machine has other work.
    """
    for name in _THREAD_VARIABLES:
        os.environ[name] = str(threads or 1)


def set_threads(threads: int | None) -> int:
    """Limit the threads of NumPy's library, which must happen before NumPy is imported.

    Args:
        threads: as asked for, or None for all cores up to 2: small recurrent products gain nothing from more.

    Returns:
        The number of threads to compute with.
    """
    count = threads or min(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    # Directions and batches run on threads of their own, so each product gets one.
    for name in _THREAD_VARIABLES:
        os.environ[name] = "1"
    return count


def find_model(given: str | None, command: str, tasks: tuple[str, ...]) -> str:
    """Find the model that a filter is to use: the flag, then the environment, then the working directory.

    Args:
        given: value of `-m`.
        command: the filter, for the name of its variable.
        tasks: tasks whose default files are looked for, with the way to train them in the error.

    Raises:
        ModelError: there is none, or more than one.
    """
    named = given or os.environ.get(f"RNNCLI_{command.upper()}_MODEL")
    if named:
        if not os.path.exists(named):
            raise ModelError(f"{named}: no such model", hint=f"rnncli train {tasks[0]} DATA -o {named}")
        return named
    found = [name for task in tasks if Path(name := f"{task}.rnn").exists()]
    if len(found) > 1:
        raise ModelError(f"two models here: {' and '.join(found)}", hint=f"name one: rnncli {command} -m {found[0]}")
    if not found:
        names = " or ".join(f"./{task}.rnn" for task in tasks)
        raise ModelError(f"no model given and no {names} here", hint=f"rnncli train {tasks[0]} train.conll")
    return found[0]


def check_device(name: str) -> None:
    """Raise a UsageError unless the name is that of a kind of device."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?|mps", name):
        raise UsageError(f"--device {name}: no such kind of device", hint="one of: auto, cpu, cuda, cuda:N, mps")


def check_task(name: str | None) -> None:
    """Raise a UsageError unless the name is that of a task of taggers, or None."""
    if name is not None and name not in TAG_TASKS:
        raise UsageError(f"--task {name}: expected one of {', '.join(TAG_TASKS)}")


def parse_columns(token: int | None, tag: str | None, also: str | None = None) -> "Columns":
    """Gather where tokens and tags stand.

    Raises:
        UsageError: neither a number nor a name of CoNLL-U.
    """
    from rnncli.data.formats.gold_sentences import Columns

    return Columns(
        None if token is None else token - 1, _parse_column("--column", tag), _parse_column("--also-column", also)
    )


def _parse_column(flag: str, value: str | None) -> int | str | None:
    """Parse the place of a column: a number from 1, or a name of CoNLL-U.

    Returns:
        A 0-based index, a name, or None where nothing is given.

    Raises:
        UsageError: neither.
    """
    if value is None:
        return None
    if value.isascii() and value.isdigit() and int(value) > 0:
        return int(value) - 1
    from rnncli.data.formats.conll import CONLLU_COLUMNS

    if value.lower() not in CONLLU_COLUMNS:
        raise UsageError(f"{flag} {value}: expected a number from 1, or one of {', '.join(CONLLU_COLUMNS)}")
    return value.lower()


def parse_scheme(value: str | None) -> "Scheme | None":
    """Parse the name of a tag scheme; BIO and IOBES are other names of IOB2 and BIOES.

    Raises:
        UsageError: no such scheme.
    """
    if value is None:
        return None
    from rnncli.data.tag_schemes import Scheme

    name = {"BIO": "IOB2", "IOBES": "BIOES"}.get(value.upper(), value.upper())
    if name not in list(Scheme):
        raise UsageError(f"--scheme {value}: expected one of {', '.join(Scheme)}")
    return Scheme(name)


def encoder_config(
    task: str, cell: str, activation: str | None, num_layers: int, hidden_size: int | None
) -> "EncoderConfig":
    """Build the encoder's configuration from flags.

    Args:
        task: what is to be learned.
        cell: value of `--cell`.
        activation: value of `--activation`, None for the default.
        num_layers: value of `--layers`.
        hidden_size: value of `--hidden-size`, None for what suits the task.

    Raises:
        UsageError: no such cell or activation, or an activation for a cell that has its own.
    """
    from rnncli.config import HIDDEN_SIZES, EncoderConfig  # no filter needs it at its start

    hidden_size = hidden_size or HIDDEN_SIZES[task]
    if cell not in CELLS:
        raise UsageError(f"--cell {cell}: no such cell", hint=f"one of: {', '.join(CELLS)}")
    if activation is None:
        return EncoderConfig(cell=cell, hidden_size=hidden_size, num_layers=num_layers)
    if activation not in ACTIVATIONS:
        raise UsageError(f"--activation {activation}: no such activation", hint=f"one of: {', '.join(ACTIVATIONS)}")
    if cell not in ACTIVATED_CELLS:
        choices = " or ".join(f"--cell {name}" for name in ACTIVATED_CELLS)
        raise UsageError(f"--activation {activation}: the cell {cell} has its own", hint=f"goes with {choices}")
    return EncoderConfig(cell=cell, activation=activation, hidden_size=hidden_size, num_layers=num_layers)


def require_file(path: str) -> None:
    """Raise a UsageError unless the path is `-` or can be opened for reading."""
    if path == "-":
        return
    if not os.path.exists(path):
        raise UsageError(f"{path}: no such file")
    if os.path.isdir(path):
        raise UsageError(f"{path}: is a directory")
    if not os.access(path, os.R_OK):
        raise UsageError(f"{path}: cannot be read")
