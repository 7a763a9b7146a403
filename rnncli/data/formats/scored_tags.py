"""What a tagger's filter writes when it is asked how sure it is, or for several readings."""

import json
from collections.abc import Sequence
from typing import Any

from rnncli.data.formats.tagged import TagRecord, TagWriter, add_field, inline, spans, spans_json
from rnncli.data.records import ScoredPath, ScoredTags
from rnncli.data.tag_schemes import read_spans

N_BEST_OUTPUTS = ("inline", "spans", "jsonl")


class ScoreWriter:
    """Writes tagged records with their scores: `TagWriter`'s rows and one thing more.

    Args:
        form: one of OUTPUTS.
        separator: what ends a record's line.
        field: name under which a JSON record gets its result.
        bare_outside: whether tokens tagged O stay bare in inline rows.
    """

    def __init__(self, form: str, separator: bytes = b"\n", field: str = "tags", *, bare_outside: bool = True) -> None:
        """Choose the writer of everything else."""
        self._form, self._separator, self._field = form, separator.decode(), field
        self._bare_outside = bare_outside
        self._plain = TagWriter(form, separator, field, untagged=("O", "1.0000"))

    def render(self, record: TagRecord, result: ScoredTags | None) -> bytes:
        """Return the bytes of a record; `result` is None for a blank or a bad one."""
        if result is None:
            return self._plain.render(record, None)
        pairs = zip(result.tags, result.scores, strict=True)
        if self._form == "inline":
            bare = "O" if self._bare_outside else None
            return self._plain.render(record, [tag if tag == bare else f"{tag}/{score:.4f}" for tag, score in pairs])
        if self._form == "conll":
            between = "\t" if record.layout is None else record.layout.separator
            return self._plain.render(record, [f"{tag}{between}{score:.4f}" for tag, score in pairs])
        found = _scored_spans(record, result)
        if self._form == "spans":
            row = _dump(found)
        else:
            row = _in_record(
                record,
                self._field,
                {"tokens": record.tokens, "tags": result.tags, "spans": found, "scores": result.scores},
            )
        return (row + (self._separator if record.ended else "")).encode("utf-8", "surrogateescape")


class NBestWriter:
    """Writes several readings of each record, in exactly `n` rows, or as one row of JSON.

    Args:
        form: one of N_BEST_OUTPUTS.
        separator: what ends a row.
        field: name under which a JSON record gets its result.
        n: rows a record.
    """

    def __init__(self, form: str, separator: bytes = b"\n", field: str = "tags", *, n: int) -> None:
        """Count records from 0."""
        self._separator, self._field = separator.decode(), field
        self._plain = TagWriter(form, separator, field)
        self._body = {"inline": inline, "spans": spans_json}.get(form)
        self._num_rows = n if self._body else 1
        self._index = 0

    def render(self, record: TagRecord, paths: Sequence[ScoredPath] | None) -> bytes:
        """Return the bytes of a record; `paths` is None for a blank or a bad one."""
        if paths is None and (self._body is None or self._is_no_record(record)):
            return self._plain.render(record, None)
        rows = self._rows(record, paths or ())
        self._index += 1
        blank = [""] * (self._num_rows - len(rows))
        text = self._separator.join([*rows, *blank]) + (self._separator if record.ended else "")
        return text.encode("utf-8", "surrogateescape")

    @staticmethod
    def _is_no_record(record: TagRecord) -> bool:
        """Tell blank lines around columns, which give no row, from a blank record."""
        return bool(record.rows) and record.error is None

    def _rows(self, record: TagRecord, paths: Sequence[ScoredPath]) -> list[str]:
        if self._body is not None:
            return [f"{self._index} ||| {self._body(record, path.tags)} ||| {path.log_prob:.4f}" for path in paths]
        best = paths[0].tags if paths else ()
        readings = [{"tags": path.tags, "spans": spans(record, path.tags), "log_prob": path.log_prob} for path in paths]
        content = {"tokens": record.tokens, "tags": best, "spans": spans(record, best), "n_best": readings}
        return [_in_record(record, self._field, content)]


def _scored_spans(record: TagRecord, result: ScoredTags) -> list[dict[str, Any]]:
    """List the spans of a record, each with its score, which is that of its first token."""
    found = spans(record, result.tags)
    for content, span in zip(found, read_spans(result.tags), strict=True):
        content["score"] = result.scores[span.start]
    return found


def _in_record(record: TagRecord, field: str, content: dict[str, Any]) -> str:
    """Write a result as JSON, within the record that came as JSON."""
    text = _dump(content)
    return text if record.source is None else add_field(record.source, field, text)


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
