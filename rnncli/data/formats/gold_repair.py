"""Repairs files of gold columns, where it is plain what was meant."""

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from rnncli.data.formats.conll import BLANKS, CONLLU_COLUMNS, Layout, detect_layout
from rnncli.data.formats.gold_problems import is_header, mended_tag, split_at_blanks, tag_fault
from rnncli.data.formats.gold_sentences import Columns, SentenceReader, find_tag_column
from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import Scheme, read_spans, write_tags
from rnncli.data.tag_summary import count_tags, find_faults, require_sentence_ends, summarise_spans

_BOM = b"\xef\xbb\xbf"
_SAMPLE = 10_000
"""Rows of which most have the shape that all should have."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """A file that can be trained from.

    Attributes:
        data: its bytes.
        changes: how often each kind of repair was made; empty for a clean file.
    """

    data: bytes
    changes: dict[str, int]


def repair(
    data: bytes, path: str, task: str = "ner", columns: Columns | None = None, scheme: Scheme | None = None
) -> Repaired:
    """Repair a file.

    No row is dropped but a header, and no byte is changed that is not at fault. Repairing the result changes nothing.

    Args:
        data: all of the file.
        path: its name, for errors.
        task: `ner` (spans) or `pos` (one tag a token).
        columns: where tokens and tags stand.
        scheme: of spans, None to detect it.

    Raises:
        DataError: with what cannot be repaired.
    """
    columns = columns or Columns()
    changes: Counter[str] = Counter()
    lines = _split(data, changes)
    num_headers = _count_headers(lines, task, columns)
    lines[:num_headers] = [""] * num_headers  # they are dropped at the end, so that lines keep their numbers
    found = _find_columns(lines, task, columns)
    if found is not None:
        layout, tag_column = found
        mender = _RowMender(layout, tag_column, task, lines, changes)
        lines = [mender.mend(line) if line and not layout.is_comment(line) else line for line in lines]
        columns = Columns(layout.token_column, tag_column)
    reader = SentenceReader(columns, (task,))
    sentences = reader.read_stream(io.BytesIO(_join(lines)), path)
    require_sentence_ends(sentences)
    if task == "ner":
        _make_legal(lines, sentences, reader, scheme, changes)
    else:
        count_tags([sentence.tags for sentence in sentences], path)
    if num_headers:
        changes["header rows dropped"] = num_headers
    if lines[-1]:
        lines.append("")
        changes["blank line added at the end"] = 1
    return Repaired(_join(lines[num_headers:]), dict(changes))


def _split(data: bytes, changes: Counter[str]) -> list[str]:
    """Cut a file into lines without marks, carriage returns at their ends, and blanks in lines of nothing else."""
    while data.startswith(_BOM):
        data = data[len(_BOM) :]
        changes["byte-order marks removed"] += 1
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    if not lines[-1]:
        lines.pop()
    for i, line in enumerate(lines):
        if line.endswith("\r"):
            lines[i] = line = line.rstrip("\r")
            changes["carriage returns removed"] += 1
        if line and not line.strip(BLANKS):
            lines[i] = ""
            changes["lines of whitespace made blank"] += 1
    return lines


def _join(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def _count_headers(lines: list[str], task: str, columns: Columns) -> int:
    """Count the rows at the begin of a file that name its columns."""
    for number, line in enumerate(lines):
        row = line.split("\t") if "\t" in line else split_at_blanks(line)
        found = _find_columns(lines[number + 1 :], task, columns) if row else None
        if not row or not is_header(row, row[found[1]] if found and found[1] < len(row) else row[-1], task):
            return number
    return 0


def _find_columns(lines: Iterable[str], task: str, columns: Columns) -> tuple[Layout, int] | None:
    """Find the layout and the tags' column by the rows that look like most; None where the reader must complain."""
    sample = list(islice(lines, _SAMPLE))
    rows = [line for line in sample if line and not line.startswith("# ")]
    shapes = Counter(map(_shape, rows)).most_common(1)
    for group in _groups(sample):
        layout = detect_layout(group, columns.token)
        if layout is None or not layout.is_conllu:
            group = [line for line in group if not line.startswith("# ") and _shape(line) == shapes[0][0]]
            layout = detect_layout(group, columns.token)
        if layout is None:
            continue
        split = [layout.split(line) for line in group if not layout.is_comment(line)]
        split = [row for row in split if len(row) == layout.num_columns and layout.holds_token(row)]
        tag: int | str | None = columns.tag
        if isinstance(tag, str):
            tag = CONLLU_COLUMNS.index(tag) if layout.is_conllu else None
        elif tag is None:
            tag = find_tag_column(split, layout, task)
        is_there = tag is not None and max(layout.token_column, tag) < layout.num_columns
        return (layout, tag) if tag is not None and is_there and tag != layout.token_column else None
    return None


def _groups(lines: Iterable[str]) -> Iterator[list[str]]:
    """Cut lines into groups at blank ones."""
    group: list[str] = []
    for line in lines:
        if line:
            group.append(line)
        elif group:
            yield group
            group = []
    if group:
        yield group


def _shape(line: str) -> tuple[bool, int]:
    """Return whether tabs cut a row, and how many columns there are."""
    return (True, line.count("\t") + 1) if "\t" in line else (False, len(split_at_blanks(line)))


class _RowMender:
    """Repairs rows one by one.

    Args:
        layout: of the file.
        tag_column: 0-based index of the tags.
        task: what kind of tags there are.
        lines: all lines of the file.
        changes: where repairs are counted.
    """

    def __init__(self, layout: Layout, tag_column: int, task: str, lines: list[str], changes: Counter[str]) -> None:
        self._layout, self._tag_column, self._task, self._changes = layout, tag_column, task, changes
        rows = (layout.split(line) for line in lines) if task == "pos" else ()
        self._tags = {row[tag_column] for row in rows if len(row) == layout.num_columns}

    def mend(self, line: str) -> str:
        """Return a row, neither empty nor a comment, as it was meant."""
        layout = self._layout
        line = self._with_shape(line)
        row = layout.split(line)
        if len(row) != layout.num_columns or not layout.holds_token(row):
            return line
        tag = row[self._tag_column]
        mended = mended_tag(tag, self._task)
        if mended in ("", tag):
            return line
        if tag != tag.strip():
            self._changes["whitespace around tags removed"] += 1
        if mended != tag.strip():
            kind = "tags 0 and o written O" if mended == "O" else "prefixes of tags written in capitals"
            self._changes[kind] += 1
        return _put(line, layout, self._tag_column, mended)

    def _with_shape(self, line: str) -> str:
        """Return a row with the separators of the file, and with none of them at its end."""
        layout, is_by_tabs = self._layout, self._layout.separator == "\t"
        cells = split_at_blanks(line) if ("\t" in line) != is_by_tabs else []
        if len(cells) == layout.num_columns and (not is_by_tabs or self._is_tag(cells[self._tag_column])):
            line = "\t".join(cells) if is_by_tabs else line.replace("\t", " ")
            self._changes[f"rows cut by {'tabs' if is_by_tabs else 'spaces'} like the others"] += 1
        cut = line
        if is_by_tabs:
            row = line.split("\t")
            if not any(cell.strip(BLANKS) for cell in row[layout.num_columns :]):
                cut = "\t".join(row[: layout.num_columns])
            # The blanks behind a token are its own, and those of CoNLL-U may mean something.
            if not layout.is_conllu and layout.token_column != layout.num_columns - 1:
                cut = cut.rstrip(BLANKS.replace("\t", ""))
        else:
            cut = line.rstrip(BLANKS)
        if cut != line:
            self._changes["whitespace at the end of rows removed"] += 1
        return cut

    def _is_tag(self, cell: str) -> bool:
        """Tell a tag from part of a token that holds a space."""
        return cell in self._tags if self._task == "pos" else tag_fault(mended_tag(cell, "ner"), "ner") is None


def _put(line: str, layout: Layout, index: int, cell: str) -> str:
    """Replace one column of a row."""
    start = layout.start_of(line, index)
    return line[:start] + cell + line[start + len(layout.split(line)[index]) :]


def _make_legal(
    lines: list[str],
    sentences: Sequence[Sentence],
    reader: SentenceReader,
    scheme: Scheme | None,
    changes: Counter[str],
) -> None:
    """Rewrite the tags of sentences with illegal ones as conlleval reads them."""
    layout, column = reader.layout, reader.tag_columns[0]
    assert layout is not None
    scheme = summarise_spans(sentences, scheme).scheme
    for sentence in {id(fault.sentence): fault.sentence for fault in find_faults(sentences, scheme)}.values():
        tags = write_tags(read_spans(sentence.tags), len(sentence.tags), scheme)
        for i, (old, new) in enumerate(zip(sentence.tags, tags, strict=True)):
            if old != new:
                number = sentence.line_of(i) - 1
                lines[number] = _put(lines[number], layout, column, new)
                changes[f"tags made legal in {scheme}"] += 1
