"""The command line's one border: runs a command, maps errors to exit codes."""

import errno
import gc
import io
import os
import signal
import sys

from rnncli.cli.terminal import report_error
from rnncli.errors import ResourceError, RnncliError

_GARBAGE_THRESHOLD = 100_000
"""Objects between two looks for garbage, in a command that is to start quickly."""


def main() -> None:
    """Run the command line and exit with its code."""
    arguments = sys.argv[1:]
    is_training = arguments[:1] == ["train"]
    # What prints results ends quietly when its reader has had enough; a training run must not.
    if hasattr(signal, "SIGPIPE") and not is_training:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if not is_training:
        # Imports make many objects and hardly any garbage.
        gc.set_threshold(_GARBAGE_THRESHOLD)
    for stream, errors in ((sys.stdout, "surrogateescape"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)
    code = run(arguments)
    # Python looks for garbage once more at its end, through all that the process frees a moment later anyway.
    gc.freeze()
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command.

    Args:
        arguments: the command line without the program's name.

    Returns:
        The exit code of the contract.
    """
    try:
        from rnncli.cli.commands import invoke  # after `main` has set the process up for it

        code = invoke(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except RnncliError as error:
        return _fail(error, arguments)
    except KeyboardInterrupt:
        return 130
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
