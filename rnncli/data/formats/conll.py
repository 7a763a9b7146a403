"""CoNLL columns: one token a row, one blank line after each record."""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rnncli.data.byte_lines import LineBlock, open_input, read_blocks
from rnncli.data.records import Sentence
from rnncli.errors import DataError, Problem, UsageError

DOCUMENT_START = "-DOCSTART-"
"""First column of a row that opens a document; it is no token."""

_BLANKS = " \t\r\f\v"
"""What a line that only looks blank is made of; other Unicode spaces may be tokens and are found so in real data."""


@dataclass(frozen=True, slots=True)
class Layout:
    r"""How the rows of a file are cut into columns.

    Attributes:
        separator: `\t`, or a space where runs of spaces separate.
        num_columns: columns of every row.
        token_column: 0-based index of the tokens.
    """

    separator: str
    num_columns: int
    token_column: int = 0

    def split(self, line: str) -> list[str]:
        """Cut a row into its columns."""
        return _split(line, self.separator)

    def is_comment(self, line: str) -> bool:
        """Tell a comment from a row whose token is a hash sign or begins with one."""
        return line.startswith("# ") and len(self.split(line)) != self.num_columns


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


def detect_layout(lines: Iterable[str], token_column: int | None = None) -> Layout | None:
    """Read the layout off the first rows.

    Args:
        lines: decoded lines of one or more records.
        token_column: 0-based index of the tokens, or None to detect it: the first column, or the second where the
            first one numbers the tokens from 1.

    Returns:
        The layout of the rows, or None where every line is blank or looks like a comment.
    """
    rows = [line for line in lines if line.strip(_BLANKS) and not line.startswith("# ")]
    if not rows:
        return None
    separator = "\t" if "\t" in rows[0] else " "
    split = [_split(row, separator) for row in rows]
    num_columns = len(split[0])
    if token_column is None:
        numbered = num_columns > 2 and all(row[0] == str(i) for i, row in enumerate(split[:3], 1))
        token_column = 1 if numbered else 0
    return Layout(separator, num_columns, token_column)


def _split(line: str, separator: str) -> list[str]:
    if separator == "\t":
        return line.split("\t")
    return [column for column in line.split(" ") if column]


def read_records(blocks: Iterable[LineBlock], *, max_lines: int = 100_000) -> Iterator[tuple[list[Record], bool]]:
    """Group lines into records.

    Args:
        blocks: the input's lines.
        max_lines: a record is cut after so many lines, which bounds memory on a file without blank lines.

    Yields:
        The records that a block completes, and whether reading on would block.
    """
    lines: list[str] = []
    first_line = 1
    ended = True
    for block in blocks:
        records: list[Record] = []
        decoded = b"\n".join(block.lines).decode("utf-8", "surrogateescape").split("\n")
        position = 0
        # Blank lines end records, and those that follow at once open the next one, so that all lines are written again.
        for blank in [i for i, line in enumerate(decoded) if not line]:
            lines += decoded[position : blank + 1]
            if len(lines) > 1 and lines[-2]:
                records.append(Record(first_line, lines, block.ended))
                first_line, lines = first_line + len(lines), []
            position = blank + 1
        lines += decoded[position:]
        while len(lines) > max_lines:
            records.append(Record(first_line, lines[:max_lines]))
            first_line, lines = first_line + max_lines, lines[max_lines:]
        ended = block.ended
        yield records, block.idle
    if lines:
        yield [Record(first_line, lines, ended)], True


@dataclass(frozen=True, slots=True)
class Columns:
    """Where tokens and tags stand; None asks for detection.

    Attributes:
        token: 0-based index of the tokens.
        tag: 0-based index of the tags.
    """

    token: int | None = None
    tag: int | None = None


class SentenceReader:
    """Reads gold sentences strictly, gathering problems until there are too many.

    Args:
        columns: where tokens and tags stand.
        max_problems: stop reading a file after so many.

    Attributes:
        layout: of the last file read, None before.
        tag_column: of the last file read.
        num_empty_tokens: rows without a token, in all files read.
    """

    def __init__(self, columns: Columns | None = None, max_problems: int = 20) -> None:
        """Start with nothing read."""
        self._columns = columns or Columns()
        self._max_problems = max_problems
        self.layout: Layout | None = None
        self.tag_column = -1
        self.num_empty_tokens = 0

    def read(self, path: str) -> list[Sentence]:
        """Read a whole file.

        Args:
            path: a CoNLL file, `.gz` or plain, or `-`.

        Returns:
            Its sentences; rows that open a document are left out.

        Raises:
            DataError: with up to `max_problems` problems.
            UsageError: the file cannot be opened or read.
        """
        self.layout = None
        problems: list[Problem] = []
        sentences: list[Sentence] = []
        for record in _all_records(path):
            sentence = self._sentence(record, path, problems)
            if sentence:
                sentences.append(sentence)
            if len(problems) >= self._max_problems:
                break
        if problems:
            raise DataError(problems[: self._max_problems], hint=_hint(problems, path))
        if not sentences:
            raise DataError([Problem(path, None, "no sentence in it")], hint="rows are TOKEN<TAB>TAG, one a token")
        return sentences

    def _sentence(self, record: Record, path: str, problems: list[Problem]) -> Sentence | None:
        if self.layout is None and not self._detect(record, path):
            return None
        layout = self.layout
        assert layout is not None
        tokens: list[str] = []
        tags: list[str] = []
        numbers: list[int] = []
        num_problems = len(problems)
        for number, line in enumerate(record.lines, record.first_line):
            if not line or layout.is_comment(line):
                continue
            row = layout.split(line)
            problem = self._row_problem(row, line, path, number)
            if problem:
                problems.append(problem)
            elif row[layout.token_column] != DOCUMENT_START:
                tokens.append(row[layout.token_column])
                tags.append(row[self.tag_column])
                numbers.append(number)
        if not tokens or len(problems) > num_problems:
            return None
        is_contiguous = numbers[-1] - numbers[0] == len(numbers) - 1
        return Sentence(tuple(tokens), tuple(tags), path, numbers[0], () if is_contiguous else tuple(numbers))

    def _detect(self, record: Record, path: str) -> bool:
        """Set the layout and the tag column from a first record; False where it has no rows."""
        layout = detect_layout(record.lines, self._columns.token)
        if layout is None:
            return False
        last = max(layout.token_column, -1 if self._columns.tag is None else self._columns.tag)
        if layout.num_columns < 2 or last >= layout.num_columns:
            number, line = next((n, x) for n, x in enumerate(record.lines, record.first_line) if x.strip(_BLANKS))
            # Nothing can be said about rows that have no such column, in this record or in a later one.
            raise DataError([Problem(path, number, f"expected at least {max(2, last + 1)} columns", line)])
        tag_column = self._columns.tag
        if tag_column is None:
            rows = [layout.split(x) for x in record.lines if x.strip(_BLANKS) and not layout.is_comment(x)]
            tag_column = _find_tag_column([row for row in rows if len(row) == layout.num_columns], layout)
        self.layout, self.tag_column = layout, tag_column
        return True

    def _row_problem(self, row: list[str], line: str, path: str, number: int) -> Problem | None:
        layout = self.layout
        assert layout is not None
        if bad := text_problem(line):
            return Problem(path, number, bad)
        if not line.strip(_BLANKS):
            return Problem(path, number, "looks blank but holds whitespace, so it ends no sentence", line, 0)
        if layout.separator == " " and "\t" in line:
            return Problem(
                path, number, "a tab in it, while the columns above are cut by spaces", line, line.index("\t")
            )
        if len(row) != layout.num_columns:
            if layout.separator == "\t" and "\t" not in line:
                return Problem(path, number, "no tab in it, while the columns above are cut by tabs", line)
            return Problem(path, number, f"{len(row)} columns, while the rows above have {layout.num_columns}", line)
        token, tag = row[layout.token_column], row[self.tag_column]
        if not token:  # found in published corpora, so it is told and not refused
            self.num_empty_tokens += 1
        if tag == "O" or (tag[1:2] == "-" and tag[0] in "BIESLU" and len(tag) > 2):
            return None
        return Problem(path, number, _tag_problem(tag, row, number), line, line.rfind(tag) if tag else len(line))


def text_problem(line: str) -> str | None:
    """Say why a line decoded with `surrogateescape` is not proper text, or None."""
    if line.isascii():
        return "holds a NUL character" if "\0" in line else None
    for column, char in enumerate(line):
        if "\udc80" <= char <= "\udcff":
            offset = len(line[:column].encode("utf-8", "surrogateescape"))
            return f"not UTF-8: byte 0x{ord(char) - 0xDC00:02x} at byte {offset + 1} of the line"
    return "holds a NUL character" if "\0" in line else None


def _all_records(path: str) -> Iterator[Record]:
    try:
        with open_input(path) as stream:
            for records, _ in read_records(read_blocks(stream)):
                yield from records
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path}: {reason}") from error


def _find_tag_column(rows: list[list[str]], layout: Layout) -> int:
    """Return the last column that holds nothing but tags of the BIO family, otherwise the last one."""
    for column in range(layout.num_columns - 1, layout.token_column, -1):
        if rows and all(row[column] == "O" or row[column][1:2] == "-" for row in rows):
            return column
    return layout.num_columns - 1


def _tag_problem(tag: str, row: list[str], number: int) -> str:
    if not tag:
        return "empty tag"
    if tag == "0":
        return "tag 0 (zero); the outside tag is the letter O"
    if tag == "o":
        return "tag o; the outside tag is the capital letter O"
    header = {"token", "tokens", "word", "words", "form", "text"}
    if number == 1 and any(cell.lower() in header for cell in row):
        return "looks like a header row; a file of columns has none"
    return f"unknown tag {tag!r}: expected O, or a prefix B- I- E- S- L- U- and a type"


def _hint(problems: list[Problem], path: str) -> str | None:
    messages = " ".join(problem.message for problem in problems)
    if "holds whitespace" in messages:
        return rf"sed 's/^[[:space:]]*$//' {path} > fixed.conll"
    if "0 (zero)" in messages:
        return rf"sed -E 's/([[:space:]])0$/\1O/' {path} > fixed.conll"
    if "header row" in messages:
        return f"tail -n +2 {path} > fixed.conll"
    if "not UTF-8" in messages:
        return f"iconv -f latin1 -t utf-8 {path} > fixed.conll"
    if "unknown tag" in messages:
        return "if the tags stand in another column, name it with --tag-column N (1 is the first)"
    return None
