"""Gold sentences from files of columns: strict, with every fault named."""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from rnncli.data.byte_lines import open_input, read_blocks
from rnncli.data.formats.conll import BLANKS, CONLLU_COLUMNS, Layout, Record, detect_layout, read_records
from rnncli.data.formats.gold_problems import row_fault, suggest_cure
from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import Scheme
from rnncli.errors import DataError, Problem, UsageError

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

    def flags(self) -> str:
        """Return the flags of `rnncli check` that say so, each with a space before it."""
        named = {"--token-column": self.token, "--column": self.tag}
        shown = {flag: value + 1 if isinstance(value, int) else value for flag, value in named.items()}
        return "".join(f" {flag} {value}" for flag, value in shown.items() if value is not None)


class SentenceReader:
    """Reads gold sentences strictly, gathering problems until there are too many.

    Args:
        columns: where tokens and tags stand.
        tasks: what kind of tags to read, one or two of `ner` (spans, in tags of the BIO family) and `pos` (any tags).
        max_problems: stop reading a file after so many.

    Attributes:
        layout: of the last file read, None before.
        tag_columns: of the last file read, one a task.
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
        with open_gold(path) as stream:
            return self.read_stream(stream, path)

    def read_stream(self, stream: BinaryIO, path: str) -> list[Sentence]:
        """Read an open file, as `read`.

        Args:
            stream: the file's content.
            path: how to call it.
        """
        self.layout = None
        problems: list[Problem] = []
        sentences: list[Sentence] = []
        for record in (record for records, _ in read_records(read_blocks(stream)) for record in records):
            sentence = self._sentence(record, path, problems)
            if sentence:
                sentences.append(sentence)
            if len(problems) >= self._max_problems or (problems and self.layout is None):
                break
        if problems:
            shown = problems[: self._max_problems]
            raise DataError(shown, hint=suggest_cure(shown, path, self._tasks[0], self._columns.flags()))
        if not sentences:
            raise DataError([Problem(path, None, "no sentence in it")], hint="rows are TOKEN<TAB>TAG, one a token")
        return sentences

    def describe(self, scheme: Scheme | None) -> str:
        """Say what was found out about the last file read, whose spans are in a scheme."""
        layout = self.layout
        assert layout is not None
        kind = "CoNLL-U" if layout.is_conllu else f"columns by {'tabs' if layout.separator == chr(9) else 'spaces'}"
        places = [f"tokens in {self.name_column(layout.token_column)}"]
        for task, column in zip(self._tasks, self.tag_columns, strict=True):
            suffix = f", scheme {scheme}" if task == "ner" and scheme else ""
            places.append(f"{task} tags in {self.name_column(column)}{suffix}")
        return ", ".join((kind, *places))

    def name_column(self, index: int) -> str:
        """Return the name of a column of the last file read: that of CoNLL-U, or its number from 1."""
        return CONLLU_COLUMNS[index] if self.layout is not None and self.layout.is_conllu else str(index + 1)

    def _sentence(self, record: Record, path: str, problems: list[Problem]) -> Sentence | None:
        if self.layout is None and not self._detect(record, path, problems):
            return None
        layout = self.layout
        assert layout is not None
        rows: list[list[str]] = []
        numbers: list[int] = []
        num_problems, position = len(problems), 0
        places = list(zip(self._tasks, self.tag_columns, strict=True))
        for number, line in enumerate(record.lines, record.first_line):
            if not line or layout.is_comment(line):
                continue
            row = layout.split(line)
            fault = row_fault(row, line, layout, places, position, is_first=number == 1)
            if layout.is_conllu and row[0].isdecimal():
                position = int(row[0][:9])  # a faulty row must not make those behind it look faulty too
            if fault:
                problems.append(Problem(path, number, fault[0], line, fault[1]))
            elif layout.holds_token(row):
                rows.append(row)
                numbers.append(number)
        if not rows or len(problems) > num_problems:
            return None
        is_contiguous = numbers[-1] - numbers[0] == len(numbers) - 1
        tokens, tags, *also = (tuple([row[i] for row in rows]) for i in (layout.token_column, *self.tag_columns))
        lines = () if is_contiguous else tuple(numbers)
        return Sentence(tokens, tags, path, numbers[0], lines, also[0] if also else ())

    def _detect(self, record: Record, path: str, problems: list[Problem]) -> bool:
        """Set the layout and the tag columns from a first record; False where it has no rows, or cannot be right."""
        layout = detect_layout(record.lines, self._columns.token)
        if layout is None:
            return False
        filled = [(n, x) for n, x in enumerate(record.lines, record.first_line) if x.strip(BLANKS)]
        number, line = next((n, x) for n, x in filled if not layout.is_comment(x))
        rows = [layout.split(x) for _, x in filled if not layout.is_comment(x)]
        rows = [row for row in rows if len(row) == layout.num_columns]
        if layout.is_conllu:
            rows = [row for row in rows if layout.holds_token(row)]
        found: list[int] = []
        for task, column in zip(self._tasks, (self._columns.tag, self._columns.also), strict=False):
            if isinstance(column, str):
                if not layout.is_conllu:
                    problems.append(Problem(path, number, f"no CoNLL-U, so no column is called {column!r}", line, 0))
                    return False
                column = CONLLU_COLUMNS.index(column)
            found.append(find_tag_column(rows, layout, task) if column is None else column)
        last = max(layout.token_column, *found)
        if layout.num_columns < 2 or last >= layout.num_columns:
            problems.append(Problem(path, number, f"expected at least {max(2, last + 1)} columns", line, len(line)))
        if len({layout.token_column, *found}) <= len(found) and layout.num_columns > 1:
            message = "tokens and tags are to be read from the same column"
            problems.append(Problem(path, number, message, line, layout.start_of(line, found[0])))
        if not problems:
            self.layout, self.tag_columns = layout, tuple(found)
        return not problems


@contextmanager
def open_gold(path: str) -> Iterator[BinaryIO]:
    """Open a file for reading, as `open_input`.

    Raises:
        UsageError: it cannot be opened or read, also later on, while it is read.
    """
    try:
        with open_input(path) as stream:
            yield stream
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path}: {reason}") from error


def find_tag_column(rows: Sequence[Sequence[str]], layout: Layout, task: str) -> int:
    """Guess where the tags of a task stand.

    Args:
        rows: the first rows that hold a token.
        layout: of the file.
        task: `ner`: the last column that mostly holds tags of the BIO family, otherwise the last one; `pos`: UPOS in
            CoNLL-U, otherwise the first column behind the tokens that is not of the BIO family, or the last one.
    """
    if task == "pos" and layout.is_conllu:
        return CONLLU_COLUMNS.index("upos")
    behind = range(layout.token_column + 1, layout.num_columns)
    # One faulty tag must not change which column is read.
    of_spans = [i for i in behind if 2 * sum(row[i] == "O" or row[i][1:2] == "-" for row in rows) > len(rows)]
    if task == "ner":
        return of_spans[-1] if of_spans else layout.num_columns - 1
    return next((i for i in behind if i not in of_spans), layout.num_columns - 1)
