"""The command line's one border: builds the commands, maps errors to exit codes."""

import errno
import io
import os
import signal
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from rnncli.cli import check, evaluate, info, tag, train
from rnncli.cli.terminal import report_error
from rnncli.errors import ResourceError, RnncliError, UsageError

# The library carries its own copy of click from some version on; its exceptions are reached through a public one.
_LibraryUsageError: type[Exception] = typer.BadParameter.__bases__[0]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(train.app, name="train")
app.command(name="tag")(tag.tag)
app.add_typer(check.app, name="check")
app.command(name="evaluate")(evaluate.evaluate)
app.command(name="info")(info.info)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"rnncli {version('rnncli')}")
        raise typer.Exit


@app.callback(epilog="Examples:  rnncli train ner train.conll   |   echo 'Ada met Bob.' | rnncli tag")
def root(
    _version: Annotated[
        bool,
        typer.Option("-V", "--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Small recurrent models for text, used like Unix filters."""


def main() -> None:
    """Run the command line and exit with its code."""
    arguments = sys.argv[1:]
    # What prints results ends quietly when its reader has had enough; a training run must not.
    if hasattr(signal, "SIGPIPE") and arguments[:1] != ["train"]:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for stream, errors in ((sys.stdout, "surrogateescape"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)
    sys.exit(run(arguments))


def run(arguments: list[str]) -> int:
    """Run one command.

    Args:
        arguments: the command line without the program's name.

    Returns:
        The exit code of the contract.
    """
    try:
        result = app(arguments, prog_name="rnncli", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except RnncliError as error:
        return _fail(error, arguments)
    except _LibraryUsageError as error:
        return _fail_usage(error, arguments)
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except typer.Exit as error:
        return error.exit_code
    except BrokenPipeError:
        _discard_output()
        return 141
    except MemoryError:
        report_error("out of memory")
        return ResourceError.exit_code
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EIO, errno.EDQUOT):
            return _internal(error, arguments)
        _discard_output()
        return _fail(ResourceError(f"cannot write the output: {error.strerror}"), arguments)
    except Exception as error:
        return _internal(error, arguments)


def _fail_usage(error: Exception, arguments: list[str]) -> int:
    """Report a usage error of the library's, or print the help that it carries where no command was given."""
    format_message: Callable[[], str] = error.format_message  # type: ignore[attr-defined]
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(format_message() + "\n")
        return UsageError.exit_code
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "rnncli"
    message = format_message().rstrip(".").replace("\n", " ")
    return _fail(UsageError(message[:1].lower() + message[1:], hint=f"{command} --help"), arguments)


def _discard_output() -> None:
    """Give what is still buffered a place to go, or Python would complain about it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(error: RnncliError, arguments: list[str]) -> int:
    if "--debug" in arguments:
        import traceback  # costs time that no filter should pay

        traceback.print_exc()
    report_error(error.message, hint=error.hint)
    return error.exit_code


def _internal(error: Exception, arguments: list[str]) -> int:
    import tempfile
    import traceback

    if "--debug" in arguments:
        traceback.print_exc()
    with tempfile.NamedTemporaryFile("w", prefix="rnncli-", suffix=".traceback", delete=False) as stream:
        traceback.print_exc(file=stream)
    summary = f"{type(error).__name__}: {error}".replace("\n", " ")
    report_error(f"internal error: {summary} (traceback in {stream.name})")
    return RnncliError.exit_code
