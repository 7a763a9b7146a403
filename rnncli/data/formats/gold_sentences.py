"""Gold sentences from files of columns: strict, with every fault named."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from rnncli.data.byte_lines import open_input, read_blocks
from rnncli.data.formats.conll import (
    BLANKS,
    CONLLU_COLUMNS,
    CONLLU_ID,
    DOCUMENT_START,
    Layout,
    Record,
    detect_layout,
    read_records,
)
from rnncli.data.formats.gold_problems import row_fault, suggest_cure
from rnncli.data.records import Sentence
from rnncli.data.tag_schemes import Scheme
from rnncli.errors import DataError, Problem, UsageError

ADDED = -1
"""The index of a column that a filter has put behind those of its input."""

Column = int | str
"""A 0-based index, ADDED, or the name of a column of CoNLL-U."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where tokens and tags stand; None asks for detection.

    Attributes:
        token: 0-based index of the tokens.
        tag: the tags.
        also: tags of a second kind, where they are wanted.
        usual: name of the column of the tags that is taken in CoNLL-U where none is named, None for that of the task.
    """

    token: int | None = None
    tag: Column | None = None
    also: Column | None = None
    usual: str | None = None

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
        return self.parse((record for records, _ in read_records(read_blocks(stream)) for record in records), path)

    def parse(self, records: Iterable[Record], path: str) -> list[Sentence]:
        """Make sentences of the records of a whole file, as `read`."""
        self.layout = None
        problems: list[Problem] = []
        sentences: list[Sentence] = []
        for record in records:
            if self.layout is None and not self._detect(record, path, problems):
                if problems:  # without its columns nothing more of the file can be read
                    break
                continue
            sentence = self._sentence(record, path, problems)
            if sentence:
                sentences.append(sentence)
            if len(problems) >= self._max_problems or (problems and self.layout is None):
                break
        if problems:
            shown = problems[: self._max_problems]
            raise DataError(shown, hint=suggest_cure(shown, path, self.layout, self._tasks[0], self._columns.flags()))
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
        layout = self.layout
        assert layout is not None
        rows: list[list[str]] = []
        numbers: list[int] = []
        num_problems = len(problems)
        following = 1
        places = list(zip(self._tasks, self.tag_columns, strict=True))
        for number, line in enumerate(record.lines, record.first_line):
            if not line or layout.is_comment(line):
                continue
            row = layout.split(line)
            fault = row_fault(row, line, layout, places, following, is_first=number == 1)
            if fault:
                problems.append(Problem(path, number, fault[0], line, fault[1]))
            elif layout.holds_token(row):
                rows.append(row)
                numbers.append(number)
            # One gap in the numbers is one fault, not one at each row behind it.
            if layout.is_conllu and row[0].isdecimal() and CONLLU_ID.fullmatch(row[0]):
                following = int(row[0]) + 1
        if not rows or len(problems) > num_problems:
            return None
        is_contiguous = numbers[-1] - numbers[0] == len(numbers) - 1
        tokens, tags, *also = (tuple([row[i] for row in rows]) for i in (layout.token_column, *self.tag_columns))
        lines = () if is_contiguous else tuple(numbers)
        return Sentence(tokens, tags, path, numbers[0], lines, also[0] if also else ())

    def _detect(self, record: Record, path: str, problems: list[Problem]) -> bool:
        """Set the layout and the tag columns from a first record; False where it holds no token, or cannot be right."""
        layout = detect_layout(record.lines, self._columns.token, num_added=int(self._columns.tag == ADDED))
        if layout is None:
            return False
        lines = [(n, x) for n, x in enumerate(record.lines, record.first_line) if x.strip(BLANKS)]
        lines = [(n, x) for n, x in lines if not layout.is_comment(x)]
        rows = [layout.split(x) for _, x in lines]
        if all(row[0] == DOCUMENT_START for row in rows):
            return False
        rows = [row for row in rows if len(row) == layout.num_columns > layout.token_column]
        found = self._tag_columns([row for row in rows if layout.holds_token(row)], layout)
        last = max(layout.token_column, *found)
        number, line = lines[0]
        message = None
        if -1 in found:
            names = [c for c in (self._columns.tag, self._columns.also) if isinstance(c, str)]
            message = f"no CoNLL-U, so no column is called {' or '.join(names)}", 0
        elif layout.num_columns < 2 or last >= layout.num_columns:
            message = f"expected at least {max(2, last + 1)} columns", len(line)
        elif len({layout.token_column, *found}) <= len(found):
            kinds = " and ".join(self._tasks)
            message = f"tokens and {kinds} tags are to be read from the same column", layout.start_of(line, found[0])
        if message is not None:
            problems.append(Problem(path, number, message[0], line, message[1]))
            return False
        self.layout, self.tag_columns = layout, found
        return True

    def _tag_columns(self, rows: Sequence[Sequence[str]], layout: Layout) -> tuple[int, ...]:
        """Return where the tags of each task stand, -1 for a name that only CoNLL-U has."""
        found = []
        for i, (task, column) in enumerate(zip(self._tasks, (self._columns.tag, self._columns.also), strict=False)):
            if column is None and i == 0 and layout.is_conllu and self._columns.usual in CONLLU_COLUMNS:
                column = self._columns.usual
            if column == ADDED:
                column = layout.num_columns - 1
            if isinstance(column, str):
                column = CONLLU_COLUMNS.index(column) if layout.is_conllu else -1
            found.append(find_tag_column(rows, layout, task) if column is None else column)
        return tuple(found)


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
            CoNLL-U, otherwise the first column behind the tokens that is neither of the BIO family nor one of lemmas,
            which often repeat the tokens, or the last one.
    """
    if task == "pos" and layout.is_conllu:
        return CONLLU_COLUMNS.index("upos")
    behind = range(layout.token_column + 1, layout.num_columns)
    # One faulty tag must not change which column is read.
    of_spans = [i for i in behind if 2 * sum(row[i] == "O" or row[i][1:2] == "-" for row in rows) > len(rows)]
    if task == "ner":
        return of_spans[-1] if of_spans else layout.num_columns - 1
    words = [row for row in rows if row[layout.token_column].isalpha()]
    others = [
        i
        for i in behind
        if i not in of_spans
        and (not words or 2 * sum(row[i].lower() == row[layout.token_column].lower() for row in words) < len(words))
    ]
    return others[0] if others else layout.num_columns - 1
