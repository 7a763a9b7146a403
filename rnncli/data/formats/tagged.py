"""What a tagger's filter reads and writes: raw lines, tokens, CoNLL columns and JSON, in every combination."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rnncli.data.byte_lines import LineBlock
from rnncli.data.formats.conll import DOCUMENT_START, Layout, Record, detect_layout, read_records, text_problem
from rnncli.data.tag_schemes import read_spans

INPUTS = ("raw", "tokens", "conll", "jsonl")
OUTPUTS = ("inline", "spans", "conll", "jsonl")


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


def parse_json(tokenize: Tokenize, text_field: str) -> Callable[[str, int, int, bool], TagRecord]:
    """Return a parser of JSON objects.

    Args:
        tokenize: gives the (start, end) of each token.
        text_field: field that holds the text, or a list of tokens.
    """

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
        if not joined.isascii() and any("\ud800" <= char <= "\udfff" for char in joined):
            return bad(f"half a surrogate pair in field {text_field!r}")
        return TagRecord(tokens, joined, offsets, size, number, None, ended, source=line)

    return parse


def read_columns(blocks: Iterable[LineBlock]) -> Groups:
    """Read records of CoNLL columns, keeping every line.

    Yields:
        The records that a block completes, and whether reading on would block.
    """
    layout: Layout | None = None
    for records, idle in read_records(blocks):
        group = []
        for record in records:
            layout = layout or detect_layout(record.lines)
            group.append(_column_record(record, layout))
        yield group, idle


def _column_record(record: Record, layout: Layout | None) -> TagRecord:
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
        if not line.strip(" \t"):
            return bad(number, "looks blank but holds whitespace, so it ends no sentence")
        columns = layout.split(line)
        if len(columns) != layout.num_columns:
            return bad(number, f"{len(columns)} columns, while the rows above have {layout.num_columns}")
        token = columns[layout.token_column]
        is_token.append(token != DOCUMENT_START)
        if is_token[-1]:
            tokens.append(token)
    if not tokens:
        return TagRecord(None, "", None, size, record.first_line, None, ended, rows=lines, layout=layout)
    text = " ".join(tokens)
    return TagRecord(
        tokens, text, None, size, record.first_line, None, ended, rows=lines, layout=layout, is_token=is_token
    )


def _is_text(text: str) -> bool:
    """Tell at once whether a decoded record is proper text; if not, its lines are looked at one by one."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\0" not in text


class TagWriter:
    """Writes tagged records.

    Args:
        form: one of OUTPUTS.
        separator: what ends a record's line.
        field: name under which a JSON record gets its result.
        untagged: what stands behind a row of columns that holds no token, one entry a column.
    """

    def __init__(
        self, form: str, separator: bytes = b"\n", field: str = "tags", untagged: Sequence[str] = ("O",)
    ) -> None:
        """Choose the writer once."""
        self._document_cells = untagged
        self._separator = separator.decode()
        self._field = field
        self._body = {"inline": inline, "spans": spans_json, "jsonl": self._jsonl}.get(form)

    def render(self, record: TagRecord, tags: Sequence[str] | None) -> bytes:
        """Return the bytes of a record; `tags` is None for a blank or a bad one."""
        text = self._columns(record, tags) if self._body is None else self._line(record, tags)
        # Lines that were not UTF-8 go out as they came in.
        return text.encode("utf-8", "surrogateescape")

    def _line(self, record: TagRecord, tags: Sequence[str] | None) -> str:
        end = self._separator if record.ended else ""
        if record.error is not None and self._body == self._jsonl:
            return json.dumps({"error": record.error}, ensure_ascii=False, separators=(",", ":")) + end
        if record.rows and record.error is None and record.tokens is None:
            return ""  # blank lines around sentences are no records
        if record.tokens is None or tags is None:
            return end
        assert self._body is not None
        return self._body(record, tags) + end

    def _jsonl(self, record: TagRecord, tags: Sequence[str]) -> str:
        result = json.dumps(
            {"tokens": record.tokens, "tags": list(tags), "spans": spans(record, tags)},
            ensure_ascii=False,
            separators=(",", ":"),
        )
        return result if record.source is None else add_field(record.source, self._field, result)

    def _columns(self, record: TagRecord, tags: Sequence[str] | None) -> str:
        end = self._separator if record.ended else ""
        if not record.rows:
            rows = [f"{token}\t{tag}" for token, tag in zip(record.tokens or (), tags or (), strict=True)]
            return self._separator.join([*rows, ""]) + end
        if tags is None or record.layout is None:
            return self._separator.join([self._untagged(line, record) for line in record.rows]) + end
        separator, remaining = record.layout.separator, iter(tags)
        rows = [
            f"{line}{separator}{next(remaining)}" if is_token else self._untagged(line, record)
            for line, is_token in zip(record.rows, record.is_token, strict=True)
        ]
        return self._separator.join(rows) + end

    def _untagged(self, line: str, record: TagRecord) -> str:
        """Write a row that holds no token: the start of a document is outside of everything."""
        layout = record.layout
        if record.error is None and layout is not None and line.startswith(DOCUMENT_START):
            return layout.separator.join((line, *self._document_cells))
        return line


def inline(record: TagRecord, tags: Sequence[str]) -> str:
    """Write `TOKEN/TAG` and bare tokens, escaping slashes and backslashes inside tokens."""
    cells = []
    for token, tag in zip(record.tokens or (), tags, strict=True):
        escaped = token.replace("\\", "\\\\").replace("/", "\\/")
        cells.append(escaped if tag == "O" else f"{escaped}/{tag}")
    return " ".join(cells)


def spans(record: TagRecord, tags: Sequence[str]) -> list[dict[str, Any]]:
    """List the spans of a record with code-point offsets in its text, `end` exclusive."""
    offsets = record.offsets
    if offsets is None:
        offsets, position = [], 0
        for token in record.tokens or ():
            offsets.append((position, position + len(token)))
            position += len(token) + 1
    found = []
    for span in read_spans(tags):
        start, end = offsets[span.start][0], offsets[span.end - 1][1]
        found.append({"start": start, "end": end, "type": span.type, "text": record.text[start:end]})
    return found


def spans_json(record: TagRecord, tags: Sequence[str]) -> str:
    """Write the spans as one line of JSON."""
    return json.dumps(spans(record, tags), ensure_ascii=False, separators=(",", ":"))


def add_field(source: str, field: str, value: str) -> str:
    """Add a field to a JSON object as text, so that nothing else in it changes by a byte.

    Args:
        source: a JSON object.
        field: its new field; one of that name is replaced.
        value: JSON text.
    """
    member = f"{json.dumps(field, ensure_ascii=False)}:{value}"
    members = list(_members(source))
    if all(name != field for name, _, _ in members):
        return f"{source.strip()[:-1]}{',' if members else ''}{member}}}"
    others = [source[start:end] for name, start, end in members if name != field]
    return "{" + ",".join([*others, member]) + "}"


def _members(source: str) -> Iterator[tuple[str, int, int]]:
    """Yield name, start and end of every member of a JSON object that is known to be well formed."""
    decode = json.JSONDecoder().raw_decode
    position = _skip_space(source, source.index("{") + 1)
    while source[position] != "}":
        start = position
        name, position = decode(source, start)
        position = _skip_space(source, _skip_space(source, position) + 1)
        _, end = decode(source, position)
        yield name, start, end
        position = _skip_space(source, end)
        if source[position] == ",":
            position = _skip_space(source, position + 1)


def _skip_space(text: str, position: int) -> int:
    while text[position] in " \t\r\n":
        position += 1
    return position
