"""Gold sentences from files of columns: strict, with every fault named."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rnncli.data.byte_lines import open_input, read_blocks
from rnncli.data.formats.conll import (
    BLANKS,
    CONLLU_COLUMNS,
    Layout,
    Record,
    detect_layout,
    read_records,
    text_problem,
)
from rnncli.data.records import Sentence
from rnncli.errors import DataError, Problem, UsageError

_HEADER_TOKENS = frozenset(("token", "tokens", "word", "words", "form", "text"))
_HEADER_TAGS = frozenset(("tag", "tags", "label", "labels", "ner", "pos", "upos", "xpos", "feats"))

Column = int | str
"""A 0-based index, or the name of a column of CoNLL-U."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where tokens and tags stand; None asks for detection.

    Attributes:
        token: 0-based index of the tokens.
        tag: the tags.
        also: tags of a second kind, where they are wanted.
    """

    token: int | None = None
    tag: Column | None = None
    also: Column | None = None


class SentenceReader:
    """Reads gold sentences strictly, gathering problems until there are too many.

    Args:
        columns: where tokens and tags stand.
        tasks: what kind of tags to read, one or two of `ner` (spans, in tags of the BIO family) and `pos` (any tags).
        max_problems: stop reading a file after so many.

    Attributes:
        layout: of the last file read, None before.
        tag_columns: of the last file read, one a task.
        num_empty_tokens: rows without a token, in all files read.
    """

    def __init__(
        self, columns: Columns | None = None, tasks: Sequence[str] = ("ner",), *, max_problems: int = 20
    ) -> None:
        """Start with nothing read."""
        self._columns = columns or Columns()
        self._tasks = tuple(tasks)
        self._max_problems = max_problems
        self.layout: Layout | None = None
        self.tag_columns: tuple[int, ...] = ()
        self.num_empty_tokens = 0

    def read(self, path: str) -> list[Sentence]:
        """Read a whole file.

        Args:
            path: a CoNLL file, `.gz` or plain, or `-`.

        Returns:
            Its sentences; rows that hold no token are left out.

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

    def name_column(self, index: int) -> str:
        """Return the name of a column of the last file read: that of CoNLL-U, or its number from 1."""
        return CONLLU_COLUMNS[index] if self.layout is not None and self.layout.is_conllu else str(index + 1)

    def _sentence(self, record: Record, path: str, problems: list[Problem]) -> Sentence | None:
        if self.layout is None and not self._detect(record, path):
            return None
        layout = self.layout
        assert layout is not None
        rows: list[list[str]] = []
        numbers: list[int] = []
        num_problems = len(problems)
        for number, line in enumerate(record.lines, record.first_line):
            if not line or layout.is_comment(line):
                continue
            row = layout.split(line)
            problem = self._row_problem(row, line, path, number, len(rows))
            if problem:
                problems.append(problem)
            elif layout.holds_token(row):
                rows.append(row)
                numbers.append(number)
        if not rows or len(problems) > num_problems:
            return None
        is_contiguous = numbers[-1] - numbers[0] == len(numbers) - 1
        tokens, tags, *also = (tuple([row[i] for row in rows]) for i in (layout.token_column, *self.tag_columns))
        lines = () if is_contiguous else tuple(numbers)
        return Sentence(tokens, tags, path, numbers[0], lines, also[0] if also else ())

    def _detect(self, record: Record, path: str) -> bool:
        """Set the layout and the tag columns from a first record; False where it has no rows."""
        problems: list[Problem] = []
        layout = detect_layout(record.lines, self._columns.token)
        if layout is None:
            return False
        number, line = next((n, x) for n, x in enumerate(record.lines, record.first_line) if x.strip(BLANKS))
        rows = [layout.split(x) for x in record.lines if x.strip(BLANKS) and not layout.is_comment(x)]
        rows = [row for row in rows if len(row) == layout.num_columns]
        if layout.is_conllu:
            rows = [row for row in rows if layout.holds_token(row)]
        found: list[int] = []
        for task, column in zip(self._tasks, (self._columns.tag, self._columns.also), strict=False):
            if isinstance(column, str):
                if not layout.is_conllu:
                    message = f"no CoNLL-U, so no column is called {column!r}"
                    raise DataError([Problem(path, number, message, line)])
                column = CONLLU_COLUMNS.index(column)
            found.append(find_tag_column(rows, layout, task) if column is None else column)
        last = max(layout.token_column, *found)
        if layout.num_columns < 2 or last >= layout.num_columns:
            problems.append(Problem(path, number, f"expected at least {max(2, last + 1)} columns", line))
        if len({layout.token_column, *found}) <= len(found) and layout.num_columns > 1:
            message = "tokens and tags are to be read from the same column"
            problems.append(Problem(path, number, message, line))
        if problems:  # nothing can be said about rows that have no such column, in this record or in a later one
            raise DataError(problems)
        self.layout, self.tag_columns = layout, tuple(found)
        return True

    def _row_problem(self, row: list[str], line: str, path: str, number: int, num_before: int) -> Problem | None:
        """Find a fault of a row that `num_before` tokens of its sentence precede."""
        layout = self.layout
        assert layout is not None
        if bad := text_problem(line):
            return Problem(path, number, bad)
        if not line.strip(BLANKS):
            return Problem(path, number, "looks blank but holds whitespace, so it ends no sentence", line, 0)
        if layout.separator == " " and "\t" in line:
            return Problem(
                path, number, "a tab in it, while the columns above are cut by spaces", line, line.index("\t")
            )
        if len(row) != layout.num_columns:
            if layout.separator == "\t" and "\t" not in line:
                return Problem(path, number, "no tab in it, while the columns above are cut by tabs", line)
            return Problem(path, number, f"{len(row)} columns, while the rows above have {layout.num_columns}", line)
        if not layout.holds_token(row):
            return None
        if layout.is_conllu and row[0] != str(num_before + 1):
            return Problem(path, number, f"token number {row[0]}, expected {num_before + 1}", line, 0)
        if not row[layout.token_column]:  # found in published corpora, so it is told and not refused
            self.num_empty_tokens += 1
        for task, column in zip(self._tasks, self.tag_columns, strict=True):
            if bad := _tag_problem(row[column], task, row, number):
                start = len(line) if not row[column] else line.rfind(row[column])
                return Problem(path, number, bad, line, start)
        return None


def _all_records(path: str) -> Iterator[Record]:
    try:
        with open_input(path) as stream:
            for records, _ in read_records(read_blocks(stream)):
                yield from records
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path}: {reason}") from error


def find_tag_column(rows: Sequence[Sequence[str]], layout: Layout, task: str) -> int:
    """Guess where the tags of a task stand.

    Args:
        rows: the first rows that hold a token.
        layout: of the file.
        task: `ner`: the last column of nothing but tags of the BIO family, otherwise the last one; `pos`: UPOS in
            CoNLL-U, otherwise the first column behind the tokens that is not of the BIO family, or the last one.
    """
    if task == "pos" and layout.is_conllu:
        return CONLLU_COLUMNS.index("upos")
    behind = range(layout.token_column + 1, layout.num_columns)
    of_spans = [i for i in behind if rows and all(row[i] == "O" or row[i][1:2] == "-" for row in rows)]
    if task == "ner":
        return of_spans[-1] if of_spans else layout.num_columns - 1
    return next((i for i in behind if i not in of_spans), layout.num_columns - 1)


def _tag_problem(tag: str, task: str, row: list[str], number: int) -> str | None:
    if tag and task == "pos":
        is_header = number == 1 and tag.lower() in _HEADER_TAGS and any(c.lower() in _HEADER_TOKENS for c in row)
        return "looks like a header row; a file of columns has none" if is_header else None
    if tag == "O" or (tag[1:2] == "-" and tag[0] in "BIESLU" and len(tag) > 2):
        return None
    if not tag:
        return "empty tag"
    if tag == "0":
        return "tag 0 (zero); the outside tag is the letter O"
    if tag == "o":
        return "tag o; the outside tag is the capital letter O"
    if number == 1 and any(cell.lower() in _HEADER_TOKENS for cell in row):
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
        return "name the tags' column with --column N (1 is the first); for one tag a token: rnncli train pos"
    return None
