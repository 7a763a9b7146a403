"""What `train` refuses to overwrite, and the command line with which an interrupted training goes on."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from rnncli.errors import UsageError

_CONTROL = ("--resume", "--force")
"""Flags that say what to do with what is there, and nothing about what is to become of it."""


def check_overwriting(output: str, *, resume: bool, force: bool) -> None:
    """Refuse to lose a finished model or the state of an interrupted training.

    Raises:
        UsageError: one of these is there, and nobody has allowed to overwrite it.
    """
    is_interrupted = state_path(output).exists()
    if force or (resume and is_interrupted):
        return
    if is_interrupted:
        raise UsageError(
            f"{state_path(output)} holds an interrupted training",
            hint="--resume continues it, --force starts over, -o PATH writes elsewhere",
        )
    if Path(output).exists():
        what = "is finished: there is nothing to resume" if resume else "exists"
        raise UsageError(f"{output} {what}", hint="--force overwrites it, -o PATH writes elsewhere")


def state_path(output: str) -> Path:
    """Return where a training that writes a model keeps its state."""
    return Path(f"{output}.state")


def without_control(arguments: Sequence[str]) -> list[str]:
    """Leave out what a resumed training is started with and an uninterrupted one is not, so that both are stored alike.

    Args:
        arguments: the command line without the program's name.
    """
    kept: list[str] = []
    for i, argument in enumerate(arguments):
        is_interval = argument.startswith("--state-every") or arguments[max(i - 1, 0)] == "--state-every"
        if argument not in _CONTROL and not is_interval:
            kept.append(argument)
    return kept


def resume_command(arguments: Sequence[str]) -> str:
    """Write the command line that continues an interrupted training, to be pasted into a shell.

    Args:
        arguments: the command line that was interrupted, without the program's name.
    """
    words = ["rnncli", *(argument for argument in arguments if argument not in _CONTROL)]
    # Behind `--` it would be the name of a file.
    place = words.index("--") if "--" in words else len(words)
    return shlex.join([*words[:place], "--resume", *words[place:]])
