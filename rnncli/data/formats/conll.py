"""CoNLL columns: one token a row, one blank line after each record. CoNLL-U is one layout of them.

Reference:
    CoNLL-U: Universal Dependencies, https://universaldependencies.org/format.html.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rnncli.data.byte_lines import LineBlock

DOCUMENT_START = "-DOCSTART-"
"""First column of a row that opens a document; it is no token."""

CONLLU_COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
"""Names of the ten columns of CoNLL-U."""

CONLLU_ID = re.compile(r"[0-9]{1,9}(?:[-.][0-9]{1,9})?")
"""A token's number, the range of a multiword token, or the number of an empty node."""

BLANKS = " \t\r\f\v"
"""What a line that only looks blank is made of; other Unicode spaces may be tokens and are found so in real data."""


MAX_RECORD_LINES = 100_000
"""A record is cut after so many lines, which bounds memory on a file without blank lines."""

# The end of a line that is not blank and the blank one behind it; one carriage return before a newline is nothing.
_RECORD_END = re.compile(rb"(?:[^\r\n]\r?|\r\r)\n\r?\n")
_NUM_END_BYTES = 5
_SEARCHED_BYTES = 1 << 12


@dataclass(frozen=True, slots=True)
class Layout:
    r"""How the rows of a file are cut into columns.

    Attributes:
        separator: `\t`, or a space where runs of spaces separate.
        num_columns: columns of every row.
        token_column: 0-based index of the tokens.
        is_conllu: whether these are the columns of CoNLL-U, where some rows hold no token of their own.
    """

    separator: str
    num_columns: int
    token_column: int = 0
    is_conllu: bool = False

    def split(self, line: str) -> list[str]:
        """Cut a row into its columns."""
        return _split(line, self.separator)

    def table(self, rows: Sequence[str]) -> list[str] | None:
        """Cut many rows at once, in two passes over their text.

        Args:
            rows: at least one.

        Returns:
            The cells, row after row, with a newline between the rows: column `i` is `cells[i :: num_columns + 1]`. None
            unless every row has all columns and, where spaces separate, no more than single ones.
        """
        width = self.num_columns + 1
        cells = f"{self.separator}\n{self.separator}".join(rows).split(self.separator)
        fits = len(cells) == width * len(rows) - 1 and cells[self.num_columns :: width].count("\n") == len(rows) - 1
        return cells if fits and (self.separator == "\t" or "" not in cells) else None

    def start_of(self, line: str, index: int) -> int:
        """Return where a column begins, in code points; the end of the line where it has no such column."""
        if self.separator == "\t":
            columns = line.split("\t")
            return sum(map(len, columns[:index])) + index if index < len(columns) else len(line)
        starts = [match.start() for match in re.finditer("[^ ]+", line)]
        return starts[index] if index < len(starts) else len(line)

    def is_comment(self, line: str) -> bool:
        """Tell a comment from a row whose token is a hash sign or begins with one."""
        if self.is_conllu:
            return line.startswith("#")
        return line.startswith("# ") and len(self.split(line)) != self.num_columns

    def holds_token(self, row: Sequence[str]) -> bool:
        """Tell a token's row from one that opens a document, spans a multiword token or stands for an empty node."""
        if self.is_conllu:
            return "-" not in row[0] and "." not in row[0]
        return row[self.token_column] != DOCUMENT_START


def conllu_layout(token_column: int | None = None) -> Layout:
    """Return the layout of CoNLL-U, with the tokens in the column FORM unless another 0-based index is given."""
    form = CONLLU_COLUMNS.index("form")
    return Layout("\t", len(CONLLU_COLUMNS), form if token_column is None else token_column, is_conllu=True)


@dataclass(frozen=True, slots=True)
class Record:
    """The lines up to and including the blank lines that end a record.

    Attributes:
        first_line: 1-based number of the first line.
        lines: all of them, decoded with `surrogateescape`.
        ended: whether the last line had its separator.
    """

    first_line: int
    lines: list[str]
    ended: bool = True


def detect_layout(lines: Iterable[str], token_column: int | None = None, *, num_added: int = 0) -> Layout | None:
    """Read the layout off the first rows.

    Args:
        lines: decoded lines of one or more records.
        token_column: 0-based index of the tokens, or None to detect it: the first column, or the second where the
            first one numbers the tokens from 1.
        num_added: columns that a filter has put behind those of its input.

    Returns:
        The layout of the rows, or None where every line is blank or looks like a comment.
    """
    filled = [line for line in lines if line.strip(BLANKS)]
    num_columns = len(CONLLU_COLUMNS) + num_added
    if _looks_like_conllu(filled, num_columns):
        return replace(conllu_layout(token_column), num_columns=num_columns)
    rows = [line for line in filled if not line.startswith("# ")]
    if not rows:
        return None
    separator = "\t" if "\t" in rows[0] else " "
    split = [_split(row, separator) for row in rows]
    num_columns = len(split[0])
    if token_column is None:
        numbered = num_columns > 2 and all(row[0] == str(i) for i, row in enumerate(split[:3], 1))
        token_column = 1 if numbered else 0
    return Layout(separator, num_columns, token_column)


def _looks_like_conllu(lines: Iterable[str], num_columns: int) -> bool:
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    fitting = [len(row) == num_columns and bool(CONLLU_ID.fullmatch(row[0])) for row in rows]
    # One faulty row must not change how the others are read; where the first one is faulty, little can be said.
    return bool(rows) and fitting[0] and 2 * sum(fitting) >= len(rows)


def _split(line: str, separator: str) -> list[str]:
    if separator == "\t":
        return line.split("\t")
    return [column for column in line.split(" ") if column]


def read_records(
    blocks: Iterable[LineBlock], *, max_lines: int = MAX_RECORD_LINES
) -> Iterator[tuple[list[Record], bool]]:
    """Group lines into records, in the same way however the lines are cut into blocks.

    Args:
        blocks: the input's lines.
        max_lines: a record is cut after so many lines.

    Yields:
        The records that a block completes, and whether reading on would block.
    """
    lines: list[str] = []
    first_line = 1
    for block in blocks:
        if not lines:
            first_line = block.first_line
        records: list[Record] = []
        decoded = b"\n".join(block.lines).decode("utf-8", "surrogateescape").split("\n")
        position = 0
        # Blank lines end records, and those that follow at once open the next one, so that all lines are written again.
        for past in [i + 1 for i, line in enumerate(decoded) if not line] + [len(decoded)]:
            lines += decoded[position:past]
            position = past
            while len(lines) > max_lines:
                records.append(Record(first_line, lines[:max_lines]))
                first_line, lines = first_line + max_lines, lines[max_lines:]
            if len(lines) > 1 and lines[-2] and not lines[-1]:
                records.append(Record(first_line, lines, block.ended))
                first_line, lines = first_line + len(lines), []
        ended = block.ended
        yield records, block.idle
    if lines:
        yield [Record(first_line, lines, ended)], True


def find_record_end(buffer: bytearray, num_searched: int, num_lines: int, max_lines: int = MAX_RECORD_LINES) -> int:
    """Find where the last whole record of a buffer ends, as `read_records` would, without decoding anything.

    Args:
        buffer: begins where a record does.
        num_searched: how much of it held no end before.
        num_lines: newlines in it.
        max_lines: a record is cut after so many lines.

    Returns:
        Bytes of whole records, of no more lines than one record may have; 0 where there is none.
    """
    size = len(buffer)
    if num_lines > max_lines:
        size -= len(buffer.split(b"\n", max_lines)[-1])
    lowest = max(0, num_searched - _NUM_END_BYTES)
    start = size
    while start > lowest:
        start = max(lowest, size - max(_SEARCHED_BYTES, 4 * (size - start)))
        ends = [match.end() for match in _RECORD_END.finditer(buffer, start, size)]
        if ends:
            return ends[-1]
    return size if num_lines > max_lines else 0


def text_problem(line: str) -> str | None:
    """Say why a line decoded with `surrogateescape` is not proper text, or None."""
    found = text_fault(line)
    return found[0] if found else None


def text_fault(line: str) -> tuple[str, int] | None:
    """Say why and at which code point a line decoded with `surrogateescape` is not proper text, or None."""
    if not line.isascii():
        for column, char in enumerate(line):
            if "\udc80" <= char <= "\udcff":
                offset = len(line[:column].encode("utf-8", "surrogateescape"))
                return f"not UTF-8: byte 0x{ord(char) - 0xDC00:02x} at byte {offset + 1} of the line", column
    return ("holds a NUL character", line.index("\0")) if "\0" in line else None
