"""What a tagger's filter writes when it is asked how sure it is, or for several readings."""

from collections.abc import Sequence
from typing import Any

from rnncli.data.formats.tag_columns import NOTHING
from rnncli.data.formats.tag_records import TagRecord
from rnncli.data.formats.tagged import TagWriter, dumps, in_record, inline, spans
from rnncli.data.records import ScoredPath, ScoredTags
from rnncli.data.tag_schemes import read_spans
from rnncli.data.tag_sets import TagSet

N_BEST_OUTPUTS = ("inline", "spans", "jsonl")


class ScoreWriter:
    """Writes tagged records with their scores: `TagWriter`'s rows and one thing more.

    Args:
        form: one of OUTPUTS, but not `conllu`, which has no column for scores.
        head: what was chosen from.
        separator: what ends a record's line.
        field: name under which a JSON record gets its result.
    """

    def __init__(self, form: str, head: TagSet, *, separator: bytes = b"\n", field: str = "tags") -> None:
        """Choose the writer of everything else."""
        self._form, self._head, self._separator, self._field = form, head, separator.decode(), field
        outside = (NOTHING, NOTHING) if head.scheme is None else ("O", "1.0000")
        self._plain = TagWriter(form, [head], separator=separator, field=field, outside=outside)

    def render(self, record: TagRecord, result: ScoredTags | None) -> bytes:
        """Return the bytes of a record; `result` is None for a blank or a bad one."""
        if result is None:
            return self._plain.render(record, None)
        pairs = zip(result.tags, result.scores, strict=True)
        if self._form == "inline":
            bare = None if self._head.scheme is None else "O"
            return self._plain.render(record, [[tag if tag == bare else f"{tag}/{score:.4f}" for tag, score in pairs]])
        if self._form == "conll":
            between = "\t" if record.layout is None else record.layout.separator
            return self._plain.render(record, [[f"{tag}{between}{score:.4f}" for tag, score in pairs]])
        found = self._scored_spans(record, result)
        if self._form == "spans":
            row = dumps(found)
        else:
            row = in_record(
                record,
                self._field,
                {"tokens": record.tokens, "tags": result.tags, "spans": found, "scores": result.scores},
            )
        return (row + (self._separator if record.ended else "")).encode("utf-8", "surrogateescape")

    def _scored_spans(self, record: TagRecord, result: ScoredTags) -> list[dict[str, Any]]:
        """List the spans of a record, each with its score, which is that of its first token."""
        found = spans(record, result.tags, self._head)
        starts = range(len(found)) if self._head.scheme is None else [span.start for span in read_spans(result.tags)]
        for content, start in zip(found, starts, strict=True):
            content["score"] = result.scores[start]
        return found


class NBestWriter:
    """Writes several readings of each record, in exactly `n` rows, or as one row of JSON.

    Args:
        form: one of N_BEST_OUTPUTS.
        head: what was chosen from.
        n: rows a record.
        separator: what ends a row.
        field: name under which a JSON record gets its result.
    """

    def __init__(self, form: str, head: TagSet, n: int, *, separator: bytes = b"\n", field: str = "tags") -> None:
        """Count records from 0."""
        self._form, self._head, self._separator, self._field = form, head, separator.decode(), field
        self._plain = TagWriter(form, [head], separator=separator, field=field)
        self._num_rows = 1 if form == "jsonl" else n
        self._index = 0

    def render(self, record: TagRecord, paths: Sequence[ScoredPath] | None) -> bytes:
        """Return the bytes of a record; `paths` is None for a blank or a bad one."""
        if paths is None and (self._form == "jsonl" or self._is_no_record(record)):
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
        if self._form != "jsonl":
            return [f"{self._index} ||| {self._body(record, path)} ||| {path.log_prob:.4f}" for path in paths]
        readings = [
            {"tags": path.tags, "spans": spans(record, path.tags, self._head), "log_prob": path.log_prob}
            for path in paths
        ]
        best = {"tags": readings[0]["tags"], "spans": readings[0]["spans"]} if readings else {"tags": (), "spans": ()}
        return [in_record(record, self._field, {"tokens": record.tokens, **best, "n_best": readings})]

    def _body(self, record: TagRecord, path: ScoredPath) -> str:
        if self._form == "spans":
            return dumps(spans(record, path.tags, self._head))
        return inline(record, path.tags, self._head)
