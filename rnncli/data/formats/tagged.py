"""What a tagger's filter writes: rows of text, spans, columns and JSON."""

import json
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from rnncli.data.formats.json_fields import add_field
from rnncli.data.formats.tag_columns import (
    NOTHING,
    conllu_rows,
    fresh_conllu,
    fresh_rows,
    rows_with_column,
    rows_without_tags,
)
from rnncli.data.formats.tag_records import TagRecord
from rnncli.data.tag_schemes import read_spans
from rnncli.data.tag_sets import TagSet

OUTPUTS = ("inline", "spans", "conll", "conllu", "jsonl")

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))  # `json.dumps` would make one a record


class TagWriter:
    """Writes tagged records.

    Args:
        form: one of OUTPUTS.
        heads: what the model chooses from.
        chosen: index of the head whose tags are written; JSON has room for those of the others too.
        separator: what ends a record's line.
        field: name under which a JSON record gets its result.
        outside: what stands behind a row of columns that opens a document, an entry a column; None for a tag.
    """

    def __init__(
        self,
        form: str,
        heads: Sequence[TagSet],
        chosen: int = 0,
        *,
        separator: bytes = b"\n",
        field: str = "tags",
        outside: Sequence[str] | None = None,
    ) -> None:
        """Choose the writer once."""
        self._separator = separator.decode()
        self._field = field
        self._head, self._chosen = heads[chosen], chosen
        self._outside = outside or (NOTHING if self._head.scheme is None else "O",)
        self._others = [(i, head.task) for i, head in enumerate(heads) if i != chosen]
        self._is_conllu = form == "conllu"
        self._is_json = form == "jsonl"
        self._row = {"inline": self._inline, "spans": self._spans, "jsonl": self._json}.get(form)

    def render(self, record: TagRecord, answers: Sequence[Sequence[str]] | None) -> bytes:
        """Return the bytes of a record; `answers` has the tags of every head, or is None for a blank or a bad one."""
        text = self._rows(record, answers) if self._row is None else self._line(record, answers)
        # Lines that were not UTF-8 go out as they came in.
        return text.encode("utf-8", "surrogateescape")

    def _line(self, record: TagRecord, answers: Sequence[Sequence[str]] | None) -> str:
        end = self._separator if record.ended else ""
        if record.error is not None and self._is_json:
            return dumps({"error": record.error}) + end
        if record.rows and record.error is None and record.tokens is None:
            return ""  # blank lines around sentences are no records
        if answers is None:
            return end
        assert self._row is not None
        return self._row(record, answers) + end

    def _rows(self, record: TagRecord, answers: Sequence[Sequence[str]] | None) -> str:
        end = self._separator if record.ended else ""
        tags = None if answers is None else answers[self._chosen]
        # Columns of another layout would be no CoNLL-U.
        keeps_rows = bool(record.rows) and not (self._is_conllu and record.layout and not record.layout.is_conllu)
        if not keeps_rows:
            if tags is None:
                # Blank lines around sentences are no records.
                return "" if record.rows and record.error is None else end
            fresh = fresh_conllu(record, tags, self._head) if self._is_conllu else fresh_rows(record, tags)
            return self._separator.join([*fresh, ""]) + end
        if tags is None:
            rows = rows_without_tags(record, None if self._is_conllu else self._outside)
        elif self._is_conllu:
            rows = conllu_rows(record, tags, self._head)
        else:
            rows = rows_with_column(record, tags, self._outside)
        return self._separator.join(rows) + end

    def _inline(self, record: TagRecord, answers: Sequence[Sequence[str]]) -> str:
        return inline(record, answers[self._chosen], self._head)

    def _spans(self, record: TagRecord, answers: Sequence[Sequence[str]]) -> str:
        return dumps(spans(record, answers[self._chosen], self._head))

    def _json(self, record: TagRecord, answers: Sequence[Sequence[str]]) -> str:
        tags = answers[self._chosen]
        result = {"tokens": record.tokens, "tags": list(tags), "spans": spans(record, tags, self._head)}
        result.update({task: list(answers[i]) for i, task in self._others})
        return in_record(record, self._field, result)


def inline(record: TagRecord, tags: Sequence[str], head: TagSet) -> str:
    """Write `TOKEN/TAG`, and bare tokens outside of spans, escaping slashes and backslashes inside tokens."""
    bare = None if head.scheme is None else "O"
    tokens = record.tokens or ()
    if "/" in record.text or "\\" in record.text:
        tokens = [token.replace("\\", "\\\\").replace("/", "\\/") for token in tokens]
    return " ".join([token if tag == bare else f"{token}/{tag}" for token, tag in zip(tokens, tags, strict=True)])


def spans(record: TagRecord, tags: Sequence[str], head: TagSet) -> list[dict[str, Any]]:
    """List the spans of a record with code-point offsets in its text, `end` exclusive; plain tags span one token."""
    found = None if head.scheme is None else read_spans(tags)
    if found is not None and not found:
        return []
    text, offsets = record.text, record.offsets
    if offsets is None:
        ends = list(accumulate(map(len, record.tokens or ()), lambda end, length: end + 1 + length))
        offsets = list(zip([0, *[end + 1 for end in ends]], ends, strict=False))
    if found is None:
        places = [(start, end, tag) for (start, end), tag in zip(offsets, tags, strict=True)]
    else:
        places = [(offsets[span.start][0], offsets[span.end - 1][1], span.type) for span in found]
    return [{"start": start, "end": end, "type": name, "text": text[start:end]} for start, end, name in places]


def in_record(record: TagRecord, field: str, content: dict[str, Any]) -> str:
    """Write a result as JSON, within the record where that came as JSON."""
    text = dumps(content)
    return text if record.source is None else add_field(record.source, field, text)


def dumps(value: Any) -> str:
    """Write JSON as the filters do: without spaces, and without escaping what UTF-8 can say."""
    return _ENCODER.encode(value)
