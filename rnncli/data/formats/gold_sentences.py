"""Gold sentences from files of columns: strict, with every fault named."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

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
    text_problem,
)
from rnncli.data.records import Sentence
from rnncli.data.tag_sets import is_tag
from rnncli.errors import DataError, Problem, UsageError

_HEADER_TOKENS = frozenset(("token", "tokens", "word", "words", "form", "text"))
_HEADER_TAGS = frozenset(("tag", "tags", "label", "labels", "ner", "pos", "upos", "xpos", "feats"))

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
        return self.parse(_all_records(path), path)

    def parse(self, records: Iterable[Record], path: str) -> list[Sentence]:
        """Make sentences of the records of a whole file, as `read` does."""
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
            if len(problems) >= self._max_problems:
                break
        if problems:
            raise DataError(problems[: self._max_problems], hint=_hint(problems, path, self.layout))
        if not sentences:
            raise DataError([Problem(path, None, "no sentence in it")], hint="rows are TOKEN<TAB>TAG, one a token")
        return sentences

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
        for number, line in enumerate(record.lines, record.first_line):
            if not line or layout.is_comment(line):
                continue
            row = layout.split(line)
            problem = self._row_problem(row, line, path, number, following)
            if problem:
                problems.append(problem)
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
        message = None
        if -1 in found:
            names = [c for c in (self._columns.tag, self._columns.also) if isinstance(c, str)]
            message = f"no CoNLL-U, so no column is called {' or '.join(names)}"
        elif layout.num_columns < 2 or last >= layout.num_columns:
            message = f"expected at least {max(2, last + 1)} columns"
        elif len({layout.token_column, *found}) <= len(found):
            message = f"tokens and {' and '.join(self._tasks)} tags are to be read from the same column"
        if message is not None:
            number, line = lines[0]
            problems.append(Problem(path, number, message, line))
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

    def _row_problem(self, row: list[str], line: str, path: str, number: int, following: int) -> Problem | None:
        """Find a fault of a row; in CoNLL-U the next token of its sentence has the number `following`."""
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
        if layout.is_conllu and (bad := _number_problem(row[0], following)):
            return Problem(path, number, bad, line, 0)
        if not layout.holds_token(row):
            return None
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


def _number_problem(text: str, following: int) -> str | None:
    """Say what is wrong about a number in CoNLL-U where the next token has the number `following`."""
    if not CONLLU_ID.fullmatch(text):
        return f"{text!r} is not the number of a CoNLL-U token"
    if "-" in text:
        first, _, last = text.partition("-")
        is_right = first == str(following) and int(last) >= following
        return None if is_right else f"range {text}, expected one that begins at {following}"
    if "." in text:
        before = text.partition(".")[0]
        return None if before == str(following - 1) else f"empty node {text}, expected {following - 1}.1 or the like"
    if text == str(following):
        return None
    lost = ": is a blank line missing?" if text == "1" else ""
    return f"token number {text}, expected {following}{lost}"


def _tag_problem(tag: str, task: str, row: list[str], number: int) -> str | None:
    if tag and not is_tag(tag):
        return f"tag {tag!r} holds a control character"
    if tag and task == "pos":
        is_header = number == 1 and tag.lower() in _HEADER_TAGS and any(c.lower() in _HEADER_TOKENS for c in row)
        return "looks like a header row; a file of columns has none" if is_header else None
    problem = tag_problem(tag)
    if problem and tag not in ("", "0", "o") and number == 1 and any(cell.lower() in _HEADER_TOKENS for cell in row):
        return "looks like a header row; a file of columns has none"
    return problem


def tag_problem(tag: str) -> str | None:
    """Say why something is no tag of the BIO family, or None."""
    if tag == "O" or (tag[1:2] == "-" and tag[0] in "BIESLU" and len(tag) > 2):
        return None
    if not tag:
        return "empty tag"
    if tag == "0":
        return "tag 0 (zero); the outside tag is the letter O"
    if tag == "o":
        return "tag o; the outside tag is the capital letter O"
    return f"unknown tag {tag!r}: expected O, or a prefix B- I- E- S- L- U- and a type"


def _hint(problems: list[Problem], path: str, layout: Layout | None) -> str | None:
    messages = " ".join(problem.message for problem in problems)
    if "holds whitespace" in messages:
        return rf"sed 's/^[[:space:]]*$//' {path} > fixed.conll"
    if "0 (zero)" in messages:
        return rf"sed -E 's/([[:space:]])0$/\1O/' {path} > fixed.conll"
    if "header row" in messages:
        return f"tail -n +2 {path} > fixed.conll"
    if "not UTF-8" in messages:
        return f"iconv -f latin1 -t utf-8 {path} > fixed.conll"
    # Only words cut by spaces can be text that nobody has cut into rows.
    is_spaced = layout is None or layout.separator == " "
    if is_spaced and any(m in messages for m in ("unknown tag", "rows above have", "expected at least")):
        return "rows are one token and its tag each, so if this is raw text, it has no tags; else name them: --column N"
    if "unknown tag" in messages:
        return "name the tags' column with --column N (1 is the first); for one tag a token: rnncli train pos"
    return None
