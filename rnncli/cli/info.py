"""rnncli info: what a model file holds."""

import json
import math
import shlex
import sys
from typing import Annotated, Any

import typer

from rnncli.cli.options import Quiet, Verbose
from rnncli.cli.terminal import note, printable
from rnncli.data.tag_sets import TagSet
from rnncli.errors import ModelError

_SHOWN_TAGS = 40


def info(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Model file.")],
    as_json: Annotated[bool, typer.Option("--json", help="The whole description as JSON.")] = False,
    command: Annotated[bool, typer.Option("--command", help="The command that trained it.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    debug: Annotated[bool, typer.Option("--debug", hidden=True)] = False,
) -> None:
    """Show what a model is, how it was trained and how good it is.

    \b
    rnncli info ner.rnn
    rnncli info ner.rnn --json | jq .scores
    """
    if verbose and not quiet:
        note(f"reading {model}")

    from rnncli.model_bytes import read_bytes

    metadata, tensors, data = read_bytes(model)
    num_numbers = sum(math.prod(tensor.shape) for tensor in tensors.values() if tensor.dtype.startswith("float"))
    try:
        if command:
            lines = [printable(shlex.join(metadata.get("command", [])))]
            lines[0].encode("utf-8", "surrogateescape")  # a file's name may be any bytes, but nothing else
        elif as_json:
            content = {**metadata, "num_parameters": num_numbers, "num_bytes": data.nbytes}
            lines = [_proper(json.dumps(content, ensure_ascii=False))]
        else:
            rows = _rows(metadata, num_numbers, data.nbytes)
            lines = [_proper(printable(f"{name:<11} {value}")) for name, value in rows]
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise ModelError(f"{model}: its description is not that of a model: {error}") from error
    for line in lines:
        sys.stdout.write(line + "\n")


def _proper(text: str) -> str:
    """Write halves of surrogate pairs, which are no text, with a backslash; inside of JSON they are JSON again."""
    return text.encode("utf-8", "backslashreplace").decode()


def _rows(metadata: dict[str, Any], num_numbers: int, num_bytes: int) -> list[tuple[str, str]]:
    rows = [("task", metadata["task"]), ("parameters", f"{num_numbers:,} ({num_bytes / 1e6:.1f} MB)")]
    for head in map(TagSet.from_dict, metadata.get("heads", [])):
        counts = [f"{name} ({count:,})" for name, count in head.counts.items()]
        more = f" and {len(counts) - _SHOWN_TAGS:,} more" if len(counts) > _SHOWN_TAGS else ""
        scheme = f", scheme {head.scheme}" if head.scheme else ""
        rows.append((head.task, f"{', '.join(counts[:_SHOWN_TAGS])}{more}; column {head.column}{scheme}"))
    for key in ("language", "seed"):
        if key in metadata:
            rows.append((key, str(metadata[key])))
    for part, scores in metadata.get("scores", {}).items():
        shown = ", ".join(f"{k} {'n/a' if v is None else format(v, '.4f')}" for k, v in scores.items())
        rows.append((part, shown))
    for task, calibration in metadata.get("calibration", {}).items():
        shown = ", ".join(f"{key} {value:.4f}" for key, value in calibration.items())
        rows.append(("calibration", f"{task}: {shown}"))
    for entry in metadata.get("data", []):
        rows.append(("data", f"{entry['name']} {entry.get('sha256', '')[:16]}".rstrip()))
    rows.append(("command", shlex.join(metadata.get("command", []))))
    rows.append(("versions", ", ".join(f"{k} {v}" for k, v in metadata.get("versions", {}).items())))
    rows.append(("checksum", metadata["checksum"]))
    return rows
