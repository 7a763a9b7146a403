"""The commands, put together."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from rnncli.errors import UsageError

COMMANDS = ("train", "tag", "check", "evaluate", "info")
"""Every command, in the order of the help."""

# The library carries its own copy of click from some version on; its exceptions are reached through a public one.
_LibraryUsageError: type[Exception] = typer.BadParameter.__bases__[0]


def invoke(arguments: list[str]) -> int:
    """Parse a command line and run its command.

    Args:
        arguments: the command line without the program's name.

    Returns:
        The exit code that the command asks for.

    Raises:
        UsageError: the command line is wrong.
        KeyboardInterrupt: the user broke off.
        Exception: whatever the command raises.
    """
    app = build(arguments[0] if arguments else None)
    try:
        result = app(arguments, prog_name="rnncli", standalone_mode=False)
    except typer.Exit as error:
        return error.exit_code
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    except _LibraryUsageError as error:
        return _fail_usage(error)
    return result if isinstance(result, int) else 0


def _fail_usage(error: Exception) -> int:
    """Say in the contract's way what the library says in its own, or print the help where no command was given."""
    format_message: Callable[[], str] = error.format_message  # type: ignore[attr-defined]
    message = format_message()
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(message + "\n")
        return UsageError.exit_code
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "rnncli"
    message = message.rstrip(".").replace("\n", " ")
    raise UsageError(message[:1].lower() + message[1:], hint=f"{command} --help") from error


def build(wanted: str | None = None) -> typer.Typer:
    """Put the command line together.

    Args:
        wanted: the first argument. Where it names a command, the others are left out: to import them and to work out
            their flags takes time, which every start of a filter would lose.
    """
    app = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(epilog="Examples:  rnncli train ner train.conll   |   echo 'Ada met Bob.' | rnncli tag")(root)
    for name in (wanted,) if wanted in COMMANDS else COMMANDS:
        _add(app, name)
    return app


def _add(app: typer.Typer, name: str) -> None:
    match name:
        case "train":
            from rnncli.cli import train

            app.add_typer(train.app, name=name)
        case "tag":
            from rnncli.cli import tag

            app.command(name=name)(tag.tag)
        case "check":
            from rnncli.cli import check

            app.add_typer(check.app, name=name)
        case "evaluate":
            from rnncli.cli import evaluate

            app.command(name=name)(evaluate.evaluate)
        case "info":
            from rnncli.cli import info

            app.command(name=name)(info.info)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"rnncli {version('rnncli')}")
        raise typer.Exit


def root(
    _version: Annotated[
        bool,
        typer.Option("-V", "--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Small recurrent models for text, used like Unix filters."""
