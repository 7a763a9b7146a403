"""What a check found, as lines for a person and as plain values for machines."""

from collections.abc import Iterable, Mapping
from typing import Any

from rnncli.data.lints.lint import Lint, counted
from rnncli.data.tag_check import Part, TagCheck

_SHOWN = 5
"""Places shown of each lint."""
_SHOWN_LABELS = 20


def fact_lines(check: TagCheck) -> list[str]:
    """Lay out what the files hold."""
    scheme = f", scheme {check.scheme}" if check.scheme else ""
    rows = [("layout", check.layout + scheme), *_part_rows("train", check.train, check)]
    if check.dev is not None:
        rows += _part_rows("dev", check.dev, check)
        rows.append(
            (
                "unknown",
                f"{check.unknown_tokens or 0:.1%} of the tokens of dev and {check.unknown_words or 0:.1%} of its "
                "distinct words do not stand in train",
            )
        )
    return [f"{name:<8} {value}" for name, value in rows]


def _part_rows(name: str, part: Part, check: TagCheck) -> list[tuple[str, str]]:
    sizes = f"{part.num_sentences:,} sentences, {part.num_tokens:,} tokens, {part.num_words:,} distinct words"
    shown = [f"{label} {count:,}" for label, count in list(part.labels.items())[:_SHOWN_LABELS]]
    more = f" and {len(part.labels) - _SHOWN_LABELS} more" if len(part.labels) > _SHOWN_LABELS else ""
    lengths = part.lengths
    return [
        (name, f"{', '.join(part.files)}: {sizes}, {counted(part.num_duplicates, 'duplicate')}"),
        ("", f"{'tags' if check.scheme is None else 'spans'}: {', '.join(shown)}{more}"),
        (
            "",
            f"tokens a sentence: median {lengths['50']}, 90 % up to {lengths['90']}, 99 % up to {lengths['99']}, "
            f"longest {lengths['max']}",
        ),
    ]


def lint_lines(lints: Iterable[Lint]) -> list[str]:
    """Lay out lints: what is odd, the first places, and how many more there are."""
    lines = []
    for lint in lints:
        if len(lint.places) != 1:
            lines.append(f"{lint.file}: {lint.message} [{lint.kind}]")
        lines += [f"{place.file}:{place.line}: {place.message} [{lint.kind}]" for place in lint.places[:_SHOWN]]
        if len(lint.places) > _SHOWN:
            lines.append(f"{lint.file}: and {len(lint.places) - _SHOWN:,} more [{lint.kind}]")
    return lines


def check_values(check: TagCheck, changes: Mapping[str, int] | None) -> dict[str, Any]:
    """Return everything that was found as plain JSON values, every place of every lint included.

    Args:
        check: what was found.
        changes: repairs with their counts, None where none were asked for.
    """
    values: dict[str, Any] = {
        "task": check.task,
        "layout": check.layout,
        "scheme": None if check.scheme is None else check.scheme.value,
        "column": check.column,
        "train": _part_values(check.train),
        "dev": None if check.dev is None else _part_values(check.dev),
        "unknown_tokens": check.unknown_tokens,
        "unknown_words": check.unknown_words,
        "lints": [_lint_values(lint) for lint in check.lints],
    }
    return values if changes is None else {**values, "changes": dict(changes)}


def _part_values(part: Part) -> dict[str, Any]:
    return {
        "files": list(part.files),
        "num_sentences": part.num_sentences,
        "num_tokens": part.num_tokens,
        "num_words": part.num_words,
        "num_duplicates": part.num_duplicates,
        "labels": dict(part.labels),
        "lengths": dict(part.lengths),
    }


def _lint_values(lint: Lint) -> dict[str, Any]:
    places = [{"file": place.file, "line": place.line, "message": place.message} for place in lint.places]
    return {"kind": lint.kind, "file": lint.file, "message": lint.message, "places": places}
