"""Tags written into rows of columns."""

from collections.abc import Sequence

from rnncli.data.formats.conll import CONLLU_COLUMNS
from rnncli.data.formats.tag_records import TagRecord
from rnncli.data.tag_sets import TagSet

NOTHING = "_"
"""What CoNLL-U writes where there is nothing."""

_MISC = len(CONLLU_COLUMNS) - 1
_EMPTY_MISC = f"\t{NOTHING}"
NAME_KEY = "NER="
"""How the tags of spans are written into the last column of CoNLL-U, which has none of its own for them."""


def rows_with_column(record: TagRecord, cells: Sequence[str], outside: Sequence[str]) -> list[str]:
    """Return the rows that came in with one column more, or with several.

    Args:
        record: came in as columns.
        cells: what stands behind each token, separators included.
        outside: what stands behind a row that opens a document, an entry a column.
    """
    assert record.layout is not None
    separator, rows, is_token = record.layout.separator, record.rows, record.is_token
    first = is_token.index(True)
    past = first + len(cells)
    if all(is_token[first:past]):
        front, behind = ([_widened(line, record, outside) for line in part] for part in (rows[:first], rows[past:]))
        return [*front, *map(separator.join, zip(rows[first:past], cells, strict=True)), *behind]
    remaining = iter(cells)
    return [
        f"{line}{separator}{next(remaining)}" if holds_token else _widened(line, record, outside)
        for line, holds_token in zip(rows, is_token, strict=True)
    ]


def rows_without_tags(record: TagRecord, outside: Sequence[str] | None) -> list[str]:
    """Return the rows of a record without tokens, or of a bad one; None as `outside` adds no column to any."""
    if record.error is not None or outside is None:
        return list(record.rows)
    return [_widened(line, record, outside) for line in record.rows]


def _widened(line: str, record: TagRecord, outside: Sequence[str]) -> str:
    """Add columns to a row that holds no token of its own; comments and blank lines stay."""
    layout = record.layout
    if layout is None or not line or layout.is_comment(line):
        return line
    # Such a row opens a document, where all columns are filled, or is one of CoNLL-U's.
    return layout.separator.join((line, *([NOTHING] * len(outside) if layout.is_conllu else outside)))


def conllu_rows(record: TagRecord, tags: Sequence[str], head: TagSet) -> list[str]:
    """Return the rows that came in with the tags in their column."""
    remaining = iter(tags)
    return [
        _with_tag(line, next(remaining), head) if is_token else line
        for line, is_token in zip(record.rows, record.is_token, strict=True)
    ]


def _with_tag(line: str, tag: str, head: TagSet) -> str:
    """Return a token's row of CoNLL-U with its tag."""
    if head.scheme is not None and line.endswith(_EMPTY_MISC):
        return line if tag == "O" else f"{line[: -len(NOTHING)]}{NAME_KEY}{tag}"
    columns = line.split("\t")
    _put(columns, tag, head)
    return "\t".join(columns)


def fresh_conllu(record: TagRecord, tags: Sequence[str], head: TagSet) -> list[str]:
    """Write CoNLL-U for a record that came in any other form; nothing for one without tokens, as it has no sentence."""
    tokens = record.tokens or []
    has_text = tokens and not any(char in record.text for char in "\n\r")
    rows = [f"# text = {record.text}"] if has_text else []
    for i, (token, tag) in enumerate(zip(tokens, tags, strict=True)):
        columns = [str(i + 1), token or NOTHING, *[NOTHING] * 8]
        offsets = record.offsets
        if offsets is not None and i + 1 < len(tokens) and offsets[i][1] == offsets[i + 1][0]:
            columns[_MISC] = "SpaceAfter=No"
        _put(columns, tag, head)
        rows.append("\t".join(columns))
    return rows


def fresh_rows(record: TagRecord, cells: Sequence[str]) -> list[str]:
    """Write columns for a record that came in any other form."""
    return [f"{token}\t{cell}" for token, cell in zip(record.tokens or (), cells, strict=True)]


def _put(columns: list[str], tag: str, head: TagSet) -> None:
    """Write a tag into its column of a row of CoNLL-U."""
    if head.scheme is None:
        name = head.column if head.column in CONLLU_COLUMNS else "upos"
        columns[CONLLU_COLUMNS.index(name)] = tag
        return
    kept = [part for part in columns[_MISC].split("|") if part != NOTHING and not part.startswith(NAME_KEY)]
    if tag != "O":
        kept.append(NAME_KEY + tag)
    columns[_MISC] = "|".join(kept) or NOTHING
