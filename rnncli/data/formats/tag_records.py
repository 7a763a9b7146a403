"""What a tagger's filter reads: raw lines, tokens, CoNLL columns and JSON."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress

from rnncli.data.byte_lines import LineBlock
from rnncli.data.formats.conll import (
    BLANKS,
    CONLLU_ID,
    DOCUMENT_START,
    Layout,
    Record,
    conllu_layout,
    detect_layout,
    read_records,
    text_problem,
)

INPUTS = ("raw", "tokens", "conll", "conllu", "jsonl")

_CONLLU_IDS = re.compile(f"{CONLLU_ID.pattern}(?:\n{CONLLU_ID.pattern})*")


@dataclass(frozen=True, slots=True)
class TagRecord:
    """One record of a tagger's input.

    Attributes:
        tokens: to be tagged; None for a blank or a bad record.
        text: the record's own text, or its tokens joined by one space.
        offsets: (start, end) of each token in the text, or None where the tokens were given.
        num_bytes: about its size.
        line: 1-based line of its beginning.
        error: why it is bad, or None.
        ended: whether a separator stood behind it.
        rows: the input's own lines, for columns.
        layout: how the rows are cut.
        is_token: which rows hold a token.
        source: the input's own line, for JSON.
    """

    tokens: list[str] | None
    text: str
    offsets: list[tuple[int, int]] | None
    num_bytes: int
    line: int
    error: str | None = None
    ended: bool = True
    rows: Sequence[str] = ()
    layout: Layout | None = None
    is_token: Sequence[bool] = ()
    source: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tag."""
        return self.tokens is None


Groups = Iterator[tuple[list[TagRecord], bool]]
Tokenize = Callable[[str], list[tuple[int, int]]]


def read_lines(blocks: Iterable[LineBlock], parse: Callable[[str, int, int, bool], TagRecord]) -> Groups:
    """Read one record a line.

    Args:
        blocks: the input's lines.
        parse: makes a record of the text, its size, its line number and whether it had a separator.

    Yields:
        The records of a block, and whether reading on would block.
    """
    for block in blocks:
        records = []
        for number, raw in enumerate(block.lines, block.first_line):
            try:
                line = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                reason = f"not UTF-8: byte 0x{raw[error.start]:02x} at byte {error.start + 1} of the line"
                records.append(TagRecord(None, "", None, len(raw), number, reason, block.ended))
                continue
            records.append(parse(line, len(raw) + 1, number, block.ended))
        yield records, block.idle


def parse_raw(tokenize: Tokenize) -> Callable[[str, int, int, bool], TagRecord]:
    """Return a parser of raw text.

    Args:
        tokenize: gives the (start, end) of each token.
    """

    def parse(line: str, size: int, number: int, ended: bool) -> TagRecord:
        if not line:
            return TagRecord(None, "", None, size, number, None, ended)
        offsets = tokenize(line)
        return TagRecord([line[a:b] for a, b in offsets], line, offsets, size, number, None, ended)

    return parse


def parse_tokens(line: str, size: int, number: int, ended: bool) -> TagRecord:
    """Make a record of tokens separated by spaces."""
    if not line:
        return TagRecord(None, "", None, size, number, None, ended)
    tokens = [token for token in line.replace("\t", " ").split(" ") if token]
    return TagRecord(tokens, " ".join(tokens), None, size, number, None, ended)


def parse_json(
    tokenize: Tokenize, text_field: str, separator: bytes = b"\n"
) -> Callable[[str, int, int, bool], TagRecord]:
    """Return a parser of JSON objects.

    Args:
        tokenize: gives the (start, end) of each token.
        text_field: field that holds the text, or a list of tokens.
        separator: byte that ends a record's line; a token must not hold it.
    """
    is_null = separator == b"\0"

    def parse(line: str, size: int, number: int, ended: bool) -> TagRecord:
        def bad(reason: str) -> TagRecord:
            return TagRecord(None, "", None, size, number, reason, ended, source=line)

        if not line.strip():
            return TagRecord(None, "", None, size, number, None, ended)
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            return bad(f"not JSON: {error}")
        if not isinstance(value, dict):
            return bad("not a JSON object")
        text = value.get(text_field)
        if isinstance(text, list) and all(isinstance(token, str) for token in text):
            tokens, joined, offsets = text, " ".join(text), None
        elif isinstance(text, str):
            offsets = tokenize(text)
            tokens, joined = [text[a:b] for a, b in offsets], text
        else:
            return bad(f"no text in field {text_field!r}")
        if offsets is None and any(char in joined for char in "\t\n\r\0"):
            return bad(f"a tab or a line break inside a token of field {text_field!r}")
        if is_null and "\0" in joined:
            return bad(f"a NUL, which ends records, in field {text_field!r}")
        if not joined.isascii() and any("\ud800" <= char <= "\udfff" for char in joined):
            return bad(f"half a surrogate pair in field {text_field!r}")
        return TagRecord(tokens, joined, offsets, size, number, None, ended, source=line)

    return parse


def read_columns(
    blocks: Iterable[LineBlock],
    token_column: int | None = None,
    *,
    is_conllu: bool = False,
    layout: Layout | None = None,
) -> Groups:
    """Read records of CoNLL columns, keeping every line.

    Args:
        blocks: the input's lines.
        token_column: 0-based index of the tokens, None to detect it.
        is_conllu: take the columns for those of CoNLL-U, without looking.
        layout: what it is known to be, None to detect it.

    Yields:
        The records that a block completes, and whether reading on would block.
    """
    layout = conllu_layout(token_column) if is_conllu else layout
    for records, idle in read_records(blocks):
        group = []
        for record in records:
            layout = layout or detect_layout(record.lines, token_column)
            group.append((layout and _regular_record(record, layout)) or _column_record(record, layout))
        yield group, idle


def first_layout(blocks: Iterable[LineBlock], token_column: int | None = None) -> Layout | None:
    """Return the layout that `read_columns` detects in some lines, None where nothing in them tells."""
    records = (record for group, _ in read_records(blocks) for record in group)
    return next(filter(None, (detect_layout(record.lines, token_column) for record in records)), None)


def _regular_record(record: Record, layout: Layout) -> TagRecord | None:
    """Make a record of rows that are nothing but right, all at once; None where a row has to be looked at by itself."""
    lines = record.lines
    first, past = 0, len(lines)
    while past and not lines[past - 1]:
        past -= 1
    while first < past and (not lines[first] or (lines[first][0] == "#" and layout.is_comment(lines[first]))):
        first += 1
    text = "".join(lines)
    if first == past or layout.token_column >= layout.num_columns or not _is_text(text):
        return None
    cells = layout.table(lines[first:past])
    if cells is None:
        return None
    width = layout.num_columns + 1
    tokens, is_token = cells[layout.token_column :: width], [True] * (past - first)
    if layout.is_conllu:
        numbers = cells[::width]
        joined = "\n".join(numbers)
        if not _CONLLU_IDS.fullmatch(joined):
            return None
        if "-" in joined or "." in joined:
            is_token = ["-" not in number and "." not in number for number in numbers]
            tokens = list(compress(tokens, is_token))
    elif DOCUMENT_START in tokens or min(tokens) < "!":  # what begins with a blank may be blank, and then its row too
        return None
    if not tokens:
        return None
    is_token = [False] * first + is_token + [False] * (len(lines) - past)
    return TagRecord(
        tokens, " ".join(tokens), None, len(text), record.first_line, None, record.ended, lines, layout, is_token
    )


def _column_record(record: Record, layout: Layout | None) -> TagRecord:
    """Make a record row by row, and say what is wrong with the first row that is bad."""
    lines, ended = record.lines, record.ended
    size = sum(map(len, lines))

    def bad(number: int, reason: str) -> TagRecord:
        return TagRecord(None, "", None, size, number, reason, ended, rows=lines, layout=layout)

    if not _is_text("".join(lines)):
        for number, line in enumerate(lines, record.first_line):
            if problem := text_problem(line):
                return bad(number, problem)
    tokens: list[str] = []
    is_token: list[bool] = []
    for number, line in enumerate(lines, record.first_line):
        if layout is None or not line or layout.is_comment(line):
            is_token.append(False)
            continue
        if not line.strip(BLANKS):
            return bad(number, "looks blank but holds whitespace, so it ends no sentence")
        columns = layout.split(line)
        if len(columns) != layout.num_columns:
            others = "CoNLL-U has" if layout.is_conllu else "the rows above have"
            return bad(number, f"{len(columns)} columns, while {others} {layout.num_columns}")
        if layout.token_column >= layout.num_columns:
            return bad(number, f"{len(columns)} columns, but the tokens are to be in column {layout.token_column + 1}")
        if layout.is_conllu and not CONLLU_ID.fullmatch(columns[0]):
            return bad(number, f"{columns[0]!r} is not the number of a CoNLL-U token")
        is_token.append(layout.holds_token(columns))
        if is_token[-1]:
            tokens.append(columns[layout.token_column])
    if not tokens:
        return TagRecord(None, "", None, size, record.first_line, None, ended, rows=lines, layout=layout)
    text = " ".join(tokens)
    return TagRecord(
        tokens, text, None, size, record.first_line, None, ended, rows=lines, layout=layout, is_token=is_token
    )


def _is_text(text: str) -> bool:
    """Tell at once whether a decoded record is proper text; if not, its lines are looked at one by one."""
    if text.isascii():
        return "\0" not in text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\0" not in text
