"""rnncli check: what is in files of gold data, what is odd about them, and a repaired copy."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnncli.cli.options import (
    HelpAll,
    Quiet,
    SchemeName,
    TagColumn,
    TokenColumn,
    Verbose,
    parse_columns,
    parse_scheme,
    require_file,
)
from rnncli.cli.terminal import note
from rnncli.errors import GateError, UsageError

if TYPE_CHECKING:
    from rnncli.data.formats.gold_sentences import Columns
    from rnncli.data.tag_schemes import Scheme

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at data before you train on them.")


@app.callback()
def check() -> None:
    """Look at data before you train on them."""


def check_tagged(
    context: typer.Context,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Gold data, as for training.")],
    dev: Annotated[str | None, typer.Option(metavar="FILE", help="Development data, to be held against it.")] = None,
    fix: Annotated[
        str | None, typer.Option(metavar="OUT", help="Write a repaired copy of the one file, and check that.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the repaired copy.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 6 where anything is odd.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as one JSON object.")] = False,
    column: TagColumn = None,
    token_column: TokenColumn = None,
    scheme: SchemeName = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    _help_all: HelpAll = False,
    debug: Annotated[bool, typer.Option("--debug", hidden=True)] = False,
) -> None:
    """Check data for a tagger; the task is the name of the command."""
    task = context.info_name or ""
    if scheme is not None and task != "ner":
        raise UsageError("--scheme is about spans", hint=f"rnncli check ner ... --scheme {scheme}")
    columns = parse_columns(token_column, column)
    for path in (*files, *([dev] if dev is not None else [])):
        require_file(path)
    if [*files, dev].count("-") > 1:
        raise UsageError("standard input can be read once only")
    if fix is not None:
        _check_output(fix, files, dev, force=force)
    if verbose and not quiet:
        note(f"reading {', '.join(files)}")

    from rnncli.data.tag_check import check_tags
    from rnncli.reporting.check_report import check_values, fact_lines, lint_lines

    changes: dict[str, int] | None = None
    if fix is not None:
        changes = _repair(files[0], fix, task, columns, parse_scheme(scheme), quiet=quiet)
        files = [fix]
    found = check_tags(files, dev, task, columns, parse_scheme(scheme))
    if as_json:
        sys.stdout.write(json.dumps(check_values(found, changes), ensure_ascii=False) + "\n")
    else:
        lines = lint_lines(found.lints)
        if not quiet:
            lines = [*fact_lines(found), *(lines or ["nothing odd was found"])]
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    if strict and found.lints:
        sys.stdout.flush()
        raise GateError(f"{len(found.lints)} kinds of lint, and --strict allows none")


app.command(
    name="ner",
    help="""Check data for a named-entity tagger.

    \b
    rnncli check ner train.conll --dev dev.conll
    rnncli check ner train.conll --fix fixed.conll
    rnncli check ner train.conll --strict -q
    """,
)(check_tagged)
app.command(
    name="pos",
    help="""Check data for a tagger that gives every token a tag.

    \b
    rnncli check pos train.conllu --dev dev.conllu
    rnncli check pos train.conllu --column xpos --json
    rnncli check pos train.tsv --fix fixed.tsv
    """,
)(check_tagged)


def _repair(
    path: str, output: str, task: str, columns: "Columns", scheme: "Scheme | None", *, quiet: bool
) -> dict[str, int]:
    """Write a repaired copy and say what was repaired; return how often each kind of repair was made."""
    from rnncli.atomic_file import write_atomically
    from rnncli.data.formats.gold_repair import repair
    from rnncli.data.formats.gold_sentences import open_gold

    with open_gold(path) as stream:
        data = stream.read()
    repaired = repair(data, path, task, columns, scheme)
    if output.endswith(".gz"):
        import gzip  # few files are compressed

        write_atomically(output, [gzip.compress(repaired.data, mtime=0)], "file")
    else:
        write_atomically(output, [repaired.data], "file")
    if not quiet:
        for kind, count in repaired.changes.items():
            note(f"{kind}: {count:,}")
        note(f"wrote {output}" + ("" if repaired.changes else ": there was nothing to repair"))
    return repaired.changes


def _check_output(output: str, files: list[str], dev: str | None, *, force: bool) -> None:
    """Raise a UsageError unless a repaired copy of the one file may be written there."""
    path = Path(output)
    if len(files) != 1:
        raise UsageError("--fix repairs one file at a time", hint=f"rnncli check ner {files[0]} --fix {output}")
    if output == "-" or path.is_dir():
        raise UsageError(f"--fix {output}: not a file's name", hint="--fix fixed.conll")
    if path.exists() and any(Path(file).samefile(path) for file in (*files, *([dev] if dev else [])) if file != "-"):
        raise UsageError(f"--fix {output}: would overwrite what is to be read", hint="--fix fixed.conll")
    if path.exists() and not force:
        raise UsageError(f"{output} exists", hint="--force overwrites it")
    if not path.resolve().parent.is_dir():
        raise UsageError(f"{output}: its folder does not exist")
